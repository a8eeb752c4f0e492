"""Where an agreement stood at a moment gone by, from what was recorded until then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from agreements.lifecycle import State
from agreements.model import Agreement, Standing
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
    """One version as it stood at that moment. What was said of it is replayed, and what reached it from versions before and after it."""
    found = agreements.standing(row)
    if found is None:
        raise TypeError("a row is some version of an agreement.")
    said = [one for one in _reaching(row) if one.statement.recorded_at <= then]
    stopped = _stopped(found.agreement, said)
    replaced = row.replaced_at is not None and row.replaced_at <= then
    return replace(
        found,
        state=_state(row, said, then, whole="" in stopped),
        suspended=frozenset(stopped - {""}),
        replaced_at=row.replaced_at if replaced else None,
        successor=found.successor if replaced else None,
    )


@dataclass(frozen=True)
class _Said:
    """A statement that counted for a version; ``of``: how the version it is about lies to that one (below nought: before it)."""

    statement: StatementRow
    of: int


def _reaching(row: AgreementRow) -> list[_Said]:
    """What was said of a version; of those before it until they were replaced, for it took over their stops; and of those after it."""
    session = object_session(row)
    if session is None:
        raise TypeError("a row is read while its session is open.")
    query = select(StatementRow, AgreementRow).join(AgreementRow, AgreementRow.digest == StatementRow.agreement)
    found = session.execute(query.where(AgreementRow.reference == row.reference).order_by(StatementRow.recorded_at))
    return [_Said(one, about.version - row.version) for one, about in found if _reaches(row, about, one.recorded_at)]


def _reaches(row: AgreementRow, about: AgreementRow, at: datetime) -> bool:
    if about.version == row.version or row.in_force_at is None:
        return about.version == row.version
    if about.version > row.version:
        return about.in_force_at is not None and at >= about.in_force_at
    return about.replaced_at is not None and at <= about.replaced_at <= row.in_force_at


def _stopped(agreement: Agreement, said: Sequence[_Said]) -> set[str]:
    """The datasets that were suspended after all that; the empty name is the whole agreement."""
    stops: set[tuple[str, str]] = set()
    for one in (one.statement for one in said if one.of or one.statement.decision != Voice.TERMINATE):
        dataset = str(one.signed["document"].get("dataset", ""))
        if one.decision == Voice.SUSPEND:
            stops.add((one.party, dataset))
        elif one.decision == Voice.RESUME:
            stops.discard((one.party, dataset))
        elif one.decision == Voice.TERMINATE:  # whoever ended the version before stops none after it
            stops = {stop for stop in stops if stop[0] != one.party}
    return {name for party, name in stops if agreement.party(party) and (not name or agreement.dataset(name))}


def _state(row: AgreementRow, said: Sequence[_Said], then: datetime, *, whole: bool) -> str:
    if any(one.statement.decision == Voice.TERMINATE and one.of >= 0 for one in said):
        return State.TERMINATED
    if row.in_force_at is not None and row.in_force_at <= then:
        return State.SUSPENDED if whole else State.IN_FORCE
    if row.in_force_at is None:
        return row.state
    signed = {one.statement.party for one in said if one.statement.decision == Voice.SIGN and not one.of}
    every = {party.id for party in agreements.parsed(row.canonical).parties}
    return State.SIGNED if signed >= every else State.PROPOSED
