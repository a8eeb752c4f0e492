"""Leases: of all workers, on whatever host, one is at a submission; when it is gone, another takes over.

A worker claims a submission in one short transaction (PostgreSQL: ``FOR UPDATE SKIP LOCKED``; SQLite: its one writer), renews the lease
while it works, and gives it back. Time is the database's, so that no host's clock decides. A lease saves work that would be done twice; it
guards no invariant: :mod:`exchange.submissions.decide` decides under the submission's lock, whoever comes to it, and once.

Agreements are the shards: the next submission is of the agreement that fewest workers are at, then of the one whose turn with this worker is
longest ago, then the oldest. Whoever fails at a submission, or vanishes over it, twice or more in a row makes it wait, each time longer.
"""

import secrets
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exchange.db import reading, writing
from exchange.submissions.process import waits
from exchange.submissions.tables import LeaseRow, SubmissionRow, SubmissionState

LONGEST_REST = timedelta(minutes=10)
RENEWALS = 3  # in the time of one lease: two may fail
_NOW = {"postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'", "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"}


@dataclass(frozen=True)
class Lease:
    """One claim: its ``holder`` is ``HOST/RANDOM``, another one for each claim, so that who comes back late finds it gone."""

    submission: str
    reference: str
    holder: str
    seconds: float


def database_time(session: Session) -> datetime:
    """What the database's clock says now, whenever the transaction began."""
    found = session.execute(text(_NOW[session.get_bind().dialect.name])).scalar_one()
    return (datetime.fromisoformat(found) if isinstance(found, str) else found).replace(tzinfo=UTC)


def rest(failures: int) -> timedelta:
    """How long a submission waits after so many failures in a row: not at all after the first, then 4 s, 8 s, up to ten minutes."""
    doublings = min(failures, LONGEST_REST.seconds.bit_length())
    return timedelta() if failures < 2 else min(LONGEST_REST, timedelta(seconds=2**doublings))  # the second


def order(waiting: Mapping[str, datetime], busy: Mapping[str, int], turns: Mapping[str, int]) -> list[str]:
    """Agreements in the order in which a worker asks them for work.

    ``waiting``: reference → since when its oldest submission waits; ``busy``: how many workers are at it; ``turns``: the number of this
    worker's last turn there (none: it has had none).
    """
    return sorted(waiting, key=lambda one: (busy.get(one, 0), turns.get(one, 0), waiting[one], one))


def claim(
    engine: Engine, host: str, seconds: float, now: datetime, *, turns: Mapping[str, int] | None = None, skip: Collection[str] = ()
) -> Lease | None:
    """Take the next submission that nobody is at; None where there is none. ``now``: the hub's clock, for what is to be tried again later."""
    with reading(engine) as session:  # most often there is nothing, and nobody need wait for that
        if not _waiting(session, now, skip):
            return None
    with writing(engine) as session:
        at = database_time(session)
        query = select(LeaseRow.reference, func.count()).where(LeaseRow.until > at, LeaseRow.holder.is_not(None))
        busy = {reference: count for reference, count in session.execute(query.group_by(LeaseRow.reference))}  # noqa: C416  # a row is no pair
        for reference in order(_waiting(session, now, skip), busy, turns or {}):
            if (lease := _of(session, reference, host, seconds, now, skip)) is not None:
                return lease
    return None


def _free(session: Session, now: datetime, skip: Collection[str]) -> list[ColumnElement[bool]]:
    taken = select(LeaseRow.submission).where(LeaseRow.free_at > database_time(session))
    return [waits(now), SubmissionRow.id.not_in(taken), *([SubmissionRow.id.not_in(skip)] if skip else [])]


def _waiting(session: Session, now: datetime, skip: Collection[str]) -> dict[str, datetime]:
    query = select(SubmissionRow.reference, func.min(SubmissionRow.completed_at)).where(*_free(session, now, skip))
    return {reference: since for reference, since in session.execute(query.group_by(SubmissionRow.reference)) if since is not None}


def _of(session: Session, reference: str, host: str, seconds: float, now: datetime, skip: Collection[str]) -> Lease | None:
    """The oldest of an agreement. Its row's lock keeps other claims out until this one is durable, and one that is being decided is passed by."""
    passed = set(skip)
    while True:
        query = select(SubmissionRow.id).where(SubmissionRow.reference == reference, *_free(session, now, passed))
        oldest = query.order_by(SubmissionRow.completed_at, SubmissionRow.id).limit(1)
        submission = session.execute(oldest.with_for_update(skip_locked=True, key_share=True, of=SubmissionRow)).scalar_one_or_none()
        if submission is None:
            return None
        row, at = session.get(LeaseRow, submission, with_for_update=True, populate_existing=True), database_time(session)
        if row is not None and row.free_at > at:  # taken between the question and the lock
            passed.add(submission)
            continue
        if row is None:
            row = LeaseRow(submission=submission, reference=reference, failures=0)
            session.add(row)
        elif row.holder is not None:
            row.failures += 1  # it was never given back
        row.holder = f"{host}/{secrets.token_hex(8)}"
        _extend(row, at, seconds)
        return Lease(submission, reference, row.holder, seconds)


def _extend(row: LeaseRow, at: datetime, seconds: float) -> None:
    row.until = at + timedelta(seconds=seconds)
    row.free_at = row.until + rest(row.failures + 1)


def _mine(session: Session, lease: Lease) -> LeaseRow | None:
    query = select(LeaseRow).where(LeaseRow.submission == lease.submission, LeaseRow.holder == lease.holder).with_for_update()
    return session.execute(query).scalar_one_or_none()


def renew(engine: Engine, lease: Lease) -> bool:
    """A sign of life; False where another has taken over."""
    with writing(engine) as session:
        if (row := _mine(session, lease)) is not None:
            _extend(row, database_time(session), lease.seconds)
        return row is not None


def give_back(engine: Engine, lease: Lease, *, failed: bool = False) -> None:
    """The end of it. After a failure it rests, longer each time. Where the database cannot be asked the lease runs out by itself."""
    with suppress(SQLAlchemyError, OSError), writing(engine) as session:
        row = _mine(session, lease)
        if row is None:
            return
        if not failed:
            session.delete(row)
            return
        row.failures, row.holder, row.until = row.failures + 1, None, database_time(session)
        row.free_at = row.until + rest(row.failures)


@contextmanager
def kept(engine: Engine, lease: Lease) -> Iterator[threading.Event]:
    """Renew it for as long as the block runs. The event: another has taken over meanwhile."""
    over, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(lease.seconds / RENEWALS):
            with suppress(SQLAlchemyError, OSError):  # it may be back before the lease has run out
                if not renew(engine, lease):
                    lost.set()
                    return

    thread = threading.Thread(target=beat, name=f"lease of {lease.submission}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join(1)  # one that hangs with the database holds up nobody


def forget(engine: Engine, host: str = "") -> int:
    """Let go of the leases of a host on which nobody works any more; without one, of those whose submission waits no longer. How many."""
    waiting = select(SubmissionRow.id).where(SubmissionRow.state == SubmissionState.COMPLETE)
    with writing(engine) as session:
        idle = or_(LeaseRow.holder.is_(None), LeaseRow.until <= database_time(session))
        which = [LeaseRow.holder.startswith(f"{host}/")] if host else [idle, LeaseRow.submission.not_in(waiting)]
        gone = session.execute(
            delete(LeaseRow).where(*which).returning(LeaseRow.submission), execution_options={"synchronize_session": False}
        )
        return len(gone.all())
