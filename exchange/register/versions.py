"""The versions of an agreement under their lock: what stops them, what replaces them, what ends them. Every move is one of the table's.

What is said of a version that is in force holds for those before it that are still good for something: a stop that left yesterday's
version running would be none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from agreements import lifecycle
from agreements.document import read_canonical
from agreements.lifecycle import Act, State
from agreements.model import Agreement
from agreements.rules import today
from agreements.signing import Voice
from exchange.db import queue
from exchange.log.record import Event, Operation, append
from exchange.register.tables import AgreementRow, SuspensionRow

LIVE = (State.IN_FORCE, State.SUSPENDED)


@lru_cache(maxsize=1024)  # more than a hub has: one that walks all of them finds none if the last pushed out the first
def parsed(document: bytes) -> Agreement:
    """The agreement of a canonical document; the same bytes are parsed once."""
    return read_canonical(document)


def lock_versions(session: Session, references: Collection[str]) -> list[AgreementRow]:
    """Every version of these agreements, locked against everybody: what was under way under one has ended, and nothing begins."""
    order = (AgreementRow.reference, AgreementRow.version)
    query = select(AgreementRow).where(AgreementRow.reference.in_(references)).order_by(*order)
    queue(session, session.execute(query.with_only_columns(AgreementRow.digest)).scalars().all(), alone=True)
    return list(session.execute(query.with_for_update().execution_options(populate_existing=True)).scalars())


def note(
    session: Session, row: AgreementRow, what: str, now: datetime, *, who: str = "hub", party: str = "", details: Mapping[str, Any] = {}
) -> None:
    """Write one entry about a version: who did what, for which party (the operator's, where none is named)."""
    agreement = parsed(row.canonical)
    said = {"version": agreement.version, "agreement": agreement.digest, **details}
    organisation = party or agreement.operator.id
    append(session, Event(Operation.AGREEMENT, who, organisation, agreement.reference, what, agreement.digest, details=said), now)


def move(row: AgreementRow, act: Act) -> None:
    """Take the table's step; KeyError where it has none."""
    row.state = lifecycle.after(State(row.state), act)


def live(session: Session) -> list[AgreementRow]:
    """The version that stands of every agreement, by reference: in force or suspended, and not replaced."""
    query = select(AgreementRow).where(AgreementRow.state.in_(LIVE), AgreementRow.replaced_at.is_(None))
    return list(session.execute(query.order_by(AgreementRow.reference)).scalars())


def in_force_now(versions: Sequence[AgreementRow]) -> AgreementRow | None:
    """Of one agreement's versions the one that stands: in force or suspended, and not replaced."""
    return next((row for row in versions if row.state in LIVE and row.replaced_at is None), None)


def forerunners(versions: Sequence[AgreementRow], row: AgreementRow) -> list[AgreementRow]:
    """Versions before this one that are still live: replaced, but good for what was under way and for what they published."""
    return [one for one in versions if one.version < row.version and one.state in LIVE]


# ------------------------------------------------------------------------------------------------------------ suspension


def suspenders(row: AgreementRow, dataset: str = "") -> set[str]:
    """The parties that suspend the whole of it, or this dataset by itself."""
    return {one.party for one in row.suspensions if one.dataset == dataset}


def is_stopped(row: AgreementRow, dataset: str) -> bool:
    """Whether nothing of this dataset may move because somebody has suspended it, or all of it."""
    return row.state == State.SUSPENDED or (row.state == State.IN_FORCE and bool(suspenders(row, dataset)))


def suspend(row: AgreementRow, party: str, dataset: str, since: datetime) -> None:
    """A party's suspension of the whole or of one dataset. Said twice, it is one."""
    if dataset and parsed(row.canonical).dataset(dataset) is None:
        return
    if party not in suspenders(row, dataset):
        row.suspensions.append(SuspensionRow(agreement=row.digest, party=party, dataset=dataset, since=since))
    move(row, Act.SUSPEND_DATASET if dataset else Act.SUSPEND)


def resume(session: Session, row: AgreementRow, party: str, dataset: str) -> None:
    """Take back a party's suspension; it moves again when it was the last."""
    for one in [one for one in row.suspensions if (one.party, one.dataset) == (party, dataset)]:
        row.suspensions.remove(one)
        session.delete(one)
        move(row, Act.RESUME_DATASET if dataset else Act.RESUME if suspenders(row) else Act.RESUME_LAST)


# ------------------------------------------------------------------------------------------------------------ the clock


def advance(session: Session, now: datetime, reference: str | None = None) -> list[str]:
    """Do what the clock does: bring signed versions into force, replace and overtake what came before, end what has expired."""
    day = today(now)
    begins = and_(AgreementRow.state == State.SIGNED, AgreementRow.in_force_from <= day)
    due = select(AgreementRow.reference).where(or_(begins, and_(AgreementRow.state.in_(LIVE), AgreementRow.expires <= day)))
    if reference is not None:
        due = due.where(AgreementRow.reference == reference)
    # Only what will move is locked, and all of it before the first entry: the log's head is the last lock of all.
    rows = lock_versions(session, set(session.execute(due).scalars()))
    moved = []
    for row in rows:
        versions = [one for one in rows if one.reference == row.reference]
        for one, what in _due(versions, row, now):
            session.flush()
            note(session, one, what, now, details={"state": one.state})
            moved.append(f"{what}: {one.reference} version {one.version}")
    return moved


def _due(versions: Sequence[AgreementRow], row: AgreementRow, now: datetime) -> Iterator[tuple[AgreementRow, str]]:
    if row.state in LIVE and today(now) >= row.expires:
        # What was replaced ends with what has replaced it, whatever day it names itself.
        for one in [*forerunners(versions, row), row]:
            move(one, Act.EXPIRE)
            yield one, "agreement expired"
    elif row.state == State.SIGNED and today(now) >= row.in_force_from:
        move(row, Act.COME_INTO_FORCE)
        row.in_force_at = now
        older = [one for one in versions if one.version < row.version]
        for one in older:
            if one.state in (State.PROPOSED, State.SIGNED):
                move(one, Act.OVERTAKE)
                yield one, "agreement overtaken"
            elif one.in_force_at is not None and one.replaced_at is None:
                one.replaced_at = now
                _take_over(row, one)
        yield row, "agreement in force"


def _take_over(newer: AgreementRow, older: AgreementRow) -> None:
    """A version must not come round what a party has stopped, though another has ended the old; who has left or ended it holds nothing up."""
    agreement = parsed(newer.canonical)
    ended_by = {one.party for one in older.statements if one.decision == Voice.TERMINATE}
    for one in older.suspensions:
        if agreement.party(one.party) is not None and one.party not in ended_by:
            suspend(newer, one.party, one.dataset, one.since)


def ended(session: Session) -> list[str]:
    """References under which something was once in force, and no version lives or waits for its day any more."""
    living = select(AgreementRow.reference).where(AgreementRow.state.in_((*LIVE, State.SIGNED)))
    query = select(AgreementRow.reference).where(AgreementRow.in_force_at.is_not(None), AgreementRow.reference.not_in(living))
    return sorted(set(session.execute(query).scalars()))
