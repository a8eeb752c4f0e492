"""People's rights, by pseudonym: a supplier asks about its own rows, and gets a signed receipt."""

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from agreements.rules import UNKNOWN
from exchange.api.door import body, caller, hub, vouch
from exchange.api.schemas import RightsAnswer, RightsOffer, RightsQuery
from exchange.db import reading
from exchange.errors import UnknownAgreement
from exchange.register import agreements
from exchange.releases import affected
from exchange.submissions import erasure, rights

blueprint = Blueprint("rights", __name__, url_prefix="/v1/rights", description="People's rights")


@blueprint.route("")
class Rights(MethodView):
    """Requests about a person's rows."""

    @blueprint.arguments(RightsQuery, location="query", unknown=RAISE)
    @blueprint.response(200, RightsOffer)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """What is needed to ask: the sealing key and the linkage epochs."""
        here = hub()
        with reading(here.engine) as session:
            row = agreements.by_digest(session, query["agreement"])
            if row is None:
                raise UnknownAgreement(UNKNOWN)
            vouch(row)
            return rights.offered(session, here.keyring, row, caller().id)

    @blueprint.response(200, RightsAnswer)
    def post(self) -> dict[str, Any]:
        """Exercise a right over the caller's own rows. The same request again gets the same receipt."""
        here, signed = hub(), body()
        with reading(here.engine) as session:
            asked = rights.read(session, here.keyring, caller().id, signed)
            vouch(agreements.by_digest(session, asked.request.agreement))
        return {"receipt": erasure.carry_out(here.engine, here.keyring, here.places, asked, affected, here.clock)}
