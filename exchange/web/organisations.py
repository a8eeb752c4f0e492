"""Organisations: who they are, in which agreements, and every key they have handed in."""

from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.model import Agreement, Party
from exchange.db import reading
from exchange.errors import NotFound, Unavailable
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow, KeyRow
from exchange.submissions import sealing
from exchange.web import known
from exchange.web.door import blueprint, hub, page, person
from exchange.web.links import agreement_link


@dataclass(frozen=True)
class Part:
    """A party's part in one version of an agreement."""

    agreement: Agreement
    state: str
    party: Party
    replaced: bool

    @property
    def address(self) -> str:
        """The version's page."""
        return agreement_link(self.agreement.reference, self.agreement.version)


def _parts(rows: list[AgreementRow]) -> dict[str, list[Part]]:
    """Party → its parts in these versions, newest version of each agreement first."""
    found: dict[str, list[Part]] = {}
    for row in sorted(rows, key=lambda row: (row.reference, -row.version)):
        agreement = parsed(row.canonical)
        for party in agreement.parties:
            found.setdefault(party.id, []).append(Part(agreement, row.state, party, row.replaced_at is not None))
    return found


@blueprint.get("/organisations")
def organisations() -> ResponseReturnValue:
    """One's own organisation and those it shares an agreement with."""
    who = person()
    with reading(hub().engine) as session:
        found = _parts(known.own(session, who))
    found.setdefault(who.party, [])
    listed = sorted(((_name(party, parts), party, parts) for party, parts in found.items()), key=lambda one: one[:2])
    return page("organisations.html", listed=listed, mine=who.party)


@blueprint.get("/organisations/<party>")
def organisation(party: str) -> ResponseReturnValue:
    """One organisation; unknown to those it shares no agreement with."""
    who = person()
    with reading(hub().engine) as session:
        parts = _parts(known.own(session, who)).get(party, [])
        if not parts and party != who.party:
            raise NotFound("there is no such organisation, or none that you share an agreement with.", remedy="Look in the list.")
        keys = session.execute(select(KeyRow).where(KeyRow.owner == party).order_by(KeyRow.role, KeyRow.registered_at)).scalars().all()
        sealing_until = _sealing_until(session) if any(part.party.operator for part in parts) else None
    newest = parts[0].party if parts else None
    return page("organisation.html", id=party, name=_name(party, parts), party=newest, parts=parts, keys=keys, sealing_until=sealing_until)


def _name(party: str, parts: list[Part]) -> str:
    return parts[0].party.name if parts else party


def _sealing_until(session: Session) -> datetime | None:
    try:
        return sealing.current(session).expires_at
    except Unavailable:
        return None
