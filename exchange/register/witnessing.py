"""Who may witness the log, and whose witness may be shown to whom: both are what agreements in force say."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from agreements.model import Agreement
from exchange.errors import NotFound
from exchange.log import witnesses
from exchange.log.record import size
from exchange.log.witnesses import WitnessRow
from exchange.register import agreements, partners
from exchange.register.versions import LIVE
from exchange.times import Clock
from keys.sign import VerifyKey


def witness(session: Session, party: str, note: str, logs: Sequence[VerifyKey], clock: Clock) -> WitnessRow:
    """Keep a head that a party has cosigned, with a key that an agreement in force (or suspended) names and that is not revoked."""
    named = {key for one in _live(session, party) for key in _keys(one).get(party, ())}
    keys = [VerifyKey(raw) for raw in partners.public_keys(session, sorted(named)).values()]
    return witnesses.keep(session, party, keys, note, logs, clock)


def shown_to(session: Session, caller: str, of: int) -> list[dict[str, Any]]:
    """The newest note of each party that shares an agreement with the caller, under a key named there, with proof up to ``of`` entries."""
    if of > size(session):
        raise NotFound(f"the log has {size(session)} entries.", remedy="Ask of the size of a checkpoint.", code="no-such-size")
    shared: dict[str, set[str]] = {}
    for one in _live(session, caller):
        for party, keys in _keys(one).items():
            shared.setdefault(party, set()).update(keys)
    rows = [row for row in witnesses.cosigned(session, shared) if row.key in shared[row.party]]
    return [{"party": row.party, "note": row.note, "proof": [step.hex() for step in witnesses.proof_to(session, row, of)]} for row in rows]


def known_to(session: Session, caller: str) -> set[str]:
    """The parties that share an agreement with the caller: of the witnesses of others it is not told."""
    return {party.id for one in _live(session, caller) for party in one.parties}


def _live(session: Session, caller: str) -> list[Agreement]:
    return [agreements.parsed(row.canonical) for row in agreements.visible(session, caller) if row.state in LIVE]


def _keys(agreement: Agreement) -> dict[str, set[str]]:
    return {party.id: {party.keys.witness} for party in agreement.parties if party.keys and party.keys.witness}
