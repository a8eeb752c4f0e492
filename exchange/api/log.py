"""The log, for its witnesses: the signed checkpoint, and proof that it only grows."""

from typing import Any

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from exchange.api.door import body, caller, hub
from exchange.api.schemas import (
    ConsistencyAnswer,
    ConsistencyQuery,
    CosignedAnswer,
    OwnEntriesAnswer,
    OwnEntriesQuery,
    WitnessesAnswer,
    WitnessesQuery,
)
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.log.own import entries_of
from exchange.log.record import consistency, durable
from exchange.register import witnessing
from exchange.times import rfc3339
from keys.checkpoint import sign_checkpoint

blueprint = Blueprint("log", __name__, url_prefix="/v1/log", description="The log")


@blueprint.route("/checkpoint")
class CheckpointNote(MethodView):
    """The newest checkpoint."""

    @blueprint.response(200, content_type="text/plain")
    def get(self) -> Response:
        """The log's size and root, signed, as a C2SP checkpoint."""
        here = hub()
        with reading(here.engine) as session:
            newest = durable(session)
        return Response(sign_checkpoint(newest, *here.keyring.every("log")), mimetype="text/plain")


@blueprint.route("/consistency")
class Consistency(MethodView):
    """Proof of growth."""

    @blueprint.arguments(ConsistencyQuery, location="query", unknown=RAISE)
    @blueprint.response(200, ConsistencyAnswer)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Proof that the log of ``new`` entries begins with the log of ``old`` entries."""
        with reading(hub().engine) as session:
            proof = consistency(session, query["old"], query["new"])
        return {**query, "proof": [step.hex() for step in proof]}


@blueprint.route("/entries")
class OwnEntries(MethodView):
    """What was done in the caller's name."""

    @blueprint.arguments(OwnEntriesQuery, location="query", unknown=RAISE)
    @blueprint.response(200, OwnEntriesAnswer)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """The caller's own entries from number ``after`` on, each with proof that it is in the log of ``of`` entries; a page at a time."""
        with reading(hub().engine) as session:
            return {"of": query["of"], "entries": entries_of(session, caller().id, query["after"], query["of"])}


@blueprint.route("/cosignatures")
class Cosignatures(MethodView):
    """What witnesses add to the log's heads."""

    @blueprint.response(201, CosignedAnswer)
    def post(self) -> dict[str, Any]:
        """Leave a checkpoint that the caller has verified and cosigned; the newest of each party is kept."""
        here, client, said = hub(), caller().id, body()
        if set(said) != {"note"} or not isinstance(said["note"], str):
            raise Unacceptable("the body has one member, the text of the cosigned note.", remedy="Send: note.", code="bad-format")
        logs = [key.public for key in here.keyring.every("log")]
        with writing(here.engine) as session:
            row = witnessing.witness(session, client, said["note"], logs, here.clock)
            return {"size": row.size, "cosigned": rfc3339(row.cosigned_at)}


@blueprint.route("/witnesses")
class Witnesses(MethodView):
    """What the others have seen."""

    @blueprint.arguments(WitnessesQuery, location="query", unknown=RAISE)
    @blueprint.response(200, WitnessesAnswer)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """The newest cosigned checkpoint of each party that shares an agreement with the caller, with proof up to the log of ``of`` entries."""
        with reading(hub().engine) as session:
            return {**query, "witnesses": witnessing.shown_to(session, caller().id, query["of"])}
