"""The log, for its witnesses: the signed checkpoint, and proof that it only grows."""

from typing import Any

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from exchange.api.door import hub
from exchange.api.schemas import ConsistencyAnswer, ConsistencyQuery
from exchange.db import reading
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
