"""Where an agreement stood at a moment gone by, from what was recorded until then."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.lifecycle import State
from agreements.model import Standing
from agreements.signing import Voice
from exchange.register import agreements
from exchange.register.tables import AgreementRow, StatementRow


def standing_then(session: Session, reference: str, then: datetime) -> Standing | None:
    """The version that stood at that moment, as it stood; None where no version had been entered."""
    query = select(AgreementRow).where(AgreementRow.reference == reference, AgreementRow.registered_at <= then)
    rows = list(session.execute(query.order_by(AgreementRow.version)).scalars())
    in_force = [row for row in rows if row.in_force_at is not None and row.in_force_at <= then]
    row = in_force[-1] if in_force else rows[-1] if rows else None
    return None if row is None else version_then(row, then)


def version_then(row: AgreementRow, then: datetime) -> Standing:
    """One version as it stood at that moment. Statements are replayed; a suspension carried over from an older version counts since its day."""
    found = agreements.standing(row)
    if found is None:
        raise TypeError("a row is some version of an agreement.")
    said = [one for one in row.statements if one.recorded_at <= then]
    stopped = _stopped(row, said, then)
    replaced = row.replaced_at is not None and row.replaced_at <= then
    return replace(
        found,
        state=_state(row, said, then, whole="" in stopped),
        suspended=frozenset(stopped - {""}),
        replaced_at=row.replaced_at if replaced else None,
        successor=found.successor if replaced else None,
    )


def _stopped(row: AgreementRow, said: list[StatementRow], then: datetime) -> set[str]:
    """The datasets that were suspended then; the empty name is the whole agreement."""
    stops = {(one.party, one.dataset) for one in row.suspensions if one.since <= then}
    for one in said:
        place = (one.party, str(one.signed["document"].get("dataset", "")))
        if one.decision == Voice.SUSPEND:
            stops.add(place)
        elif one.decision == Voice.RESUME:
            stops.discard(place)
    return {dataset for _, dataset in stops}


def _state(row: AgreementRow, said: list[StatementRow], then: datetime, *, whole: bool) -> str:
    if any(one.decision == Voice.TERMINATE for one in said):
        return State.TERMINATED
    if row.in_force_at is not None and row.in_force_at <= then:
        return State.SUSPENDED if whole else State.IN_FORCE
    if row.in_force_at is None:
        return row.state
    signed = {one.party for one in said if one.decision == Voice.SIGN}
    every = {party.id for party in agreements.parsed(row.canonical).parties}
    return State.SIGNED if signed >= every else State.PROPOSED
