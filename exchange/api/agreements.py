"""Agreements as a client needs them: the words, the statements, the contract of a dataset, the linkage envelopes."""

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from agreements.model import Agreement as Terms
from exchange.api.door import body, caller, hub, vouch
from exchange.api.schemas import AgreementAnswer, AgreementList, AgreementQuery, ContractAnswer, EnvelopeAnswer, EnvelopeList
from exchange.db import reading, writing
from exchange.errors import NotFound
from exchange.register import agreements, linkage, partners
from exchange.register.tables import AgreementRow
from exchange.submissions import sealing, series
from keys.encoding import b64

blueprint = Blueprint("agreements", __name__, url_prefix="/v1/agreements", description="Agreements and contracts")


def fingerprints(agreement: Terms) -> list[str]:
    """Every fingerprint the agreement names, people's and machines'."""
    found: list[str] = [recipient.client for recipient in agreement.recipients]
    for party in agreement.parties:
        found += [*(person.key for person in party.people), *party.machines]
    return found


@blueprint.route("")
class Agreements(MethodView):
    """The caller's agreements."""

    @blueprint.response(200, AgreementList)
    def get(self) -> dict[str, Any]:
        """Every version of every agreement that the caller is a party to, or a recipient of."""
        with reading(hub().engine) as session:
            return {"agreements": [self.line(row) for row in agreements.visible(session, caller().id)]}

    @staticmethod
    def line(row: AgreementRow) -> dict[str, Any]:
        """One line of the list."""
        return {
            "reference": row.reference,
            "version": row.version,
            "title": agreements.parsed(row.canonical).title,
            "state": row.state,
            "agreement": row.digest,
            "in_force_from": row.in_force_from.isoformat(),
            "expires": row.expires.isoformat(),
        }


@blueprint.route("/<string:reference>")
class Agreement(MethodView):
    """One agreement."""

    @blueprint.arguments(AgreementQuery, location="query", unknown=RAISE)
    @blueprint.response(200, AgreementAnswer)
    def get(self, query: dict[str, Any], reference: str) -> dict[str, Any]:
        """All that is needed to verify it offline: canonical document, signed statements, public keys."""
        with reading(hub().engine) as session:
            row = agreements.known(session, reference, caller().id, query.get("version"))
            keys = partners.public_keys(session, fingerprints(agreements.parsed(row.canonical)))
            return {
                "reference": row.reference,
                "version": row.version,
                "state": row.state,
                "suspended": sorted(standing.suspended if (standing := agreements.standing(row)) else ()),
                "suspended_by": sorted(one.party for one in row.suspensions if not one.dataset),
                "canonical": row.canonical.decode(),
                "statements": [one.signed for one in row.statements],
                "keys": {fingerprint: b64(public) for fingerprint, public in keys.items()},
            }


@blueprint.route("/<string:reference>/datasets/<string:name>/contract")
class Contract(MethodView):
    """The contract of one dataset."""

    @blueprint.response(200, ContractAnswer)
    def get(self, reference: str, name: str) -> dict[str, Any]:
        """All that a supplier needs in order to submit: fields, sealing key, linkage epoch, limits, heads."""
        here, client = hub(), caller().id
        with reading(here.engine) as session:
            row = agreements.supplied(session, reference, client)
            vouch(row)
            terms = agreements.parsed(row.canonical)
            dataset = terms.dataset(name)
            if dataset is None or client not in dataset.suppliers:
                named = ", ".join(found.name for found in terms.datasets if client in found.suppliers)
                detail, remedy = "you supply no such dataset under this agreement.", f"You supply: {named}."
                raise NotFound(detail, remedy=remedy, code="unknown-dataset", clause=terms.clause("datasets"))
            epoch = linkage.newest_epoch(session, reference)
            limits = here.settings
            return {
                "reference": row.reference,
                "version": row.version,
                "agreement": row.digest,
                "dataset": dataset.name,
                "adapter": dataset.adapter,
                "mode": dataset.mode.value,
                "period": dataset.period.value,
                "fields": [{"name": one.name, "type": str(one.arrow_type), "empty": one.may_be_empty} for one in dataset.fields],
                "sealing_key": sealing.notice_for(session, here.keyring, terms),
                "limits": {"part_bytes": limits.part_bytes, "part_rows": limits.part_rows, "parts": limits.parts},
                "linkage": {"epoch": epoch.epoch, "key_check": epoch.key_check} if epoch else None,
                "heads": {
                    period: {"submission": head.id, "rows_digest": head.rows_digest}
                    for period, head in series.heads(session, reference, dataset.name, client).items()
                },
            }


@blueprint.route("/<string:reference>/envelopes")
class Envelopes(MethodView):
    """The linkage secret, relayed sealed."""

    @blueprint.response(200, EnvelopeList)
    def get(self, reference: str) -> dict[str, Any]:
        """The envelopes addressed to the caller."""
        with reading(hub().engine) as session:
            vouch(agreements.supplied(session, reference, caller().id))
            return {"envelopes": linkage.envelopes_for(session, reference, caller().id)}

    @blueprint.response(201, EnvelopeAnswer)
    def post(self, reference: str) -> dict[str, Any]:
        """Leave an envelope for another supplier."""
        here, client, signed = hub(), caller().id, body()
        with writing(here.engine) as session:
            row = agreements.supplied(session, reference, client)
            vouch(row)
            recipient = linkage.accept(session, agreements.parsed(row.canonical), client, signed, here.clock())
        return {"relayed": recipient}
