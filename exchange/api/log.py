"""The log, for its witnesses: the signed checkpoint, and proof that it only grows."""

from typing import Any

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from exchange.api.door import caller, hub
from exchange.api.schemas import ConsistencyAnswer, ConsistencyQuery, OwnEntriesAnswer, OwnEntriesQuery
from exchange.db import reading
from exchange.log.own import entries_of
from exchange.log.record import checkpoint, consistency
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
            newest = checkpoint(session)
        return Response(sign_checkpoint(newest, here.keyring.signing("log")), mimetype="text/plain")


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
