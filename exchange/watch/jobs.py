"""What the hub notes about itself, in transactions of its own: how its jobs went, and when something last happened."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from exchange.db import reading, writing
from exchange.times import Clock
from exchange.watch.condition import Job
from exchange.watch.tables import JobRow, NotedRow

OFTEN = timedelta(minutes=1)
"""A job that goes well, or a thing that happens, is noted at most so often: some happen every second."""
BACKUP, TURNED_AWAY = "backup", "requests turned away"


@contextmanager
def noted(engine: Engine, name: str, clock: Clock) -> Iterator[None]:
    """Run a job, and note how it went. Its error goes on to the caller; a database that cannot take the note changes nothing."""
    try:
        yield
    except Exception as error:
        with suppress(SQLAlchemyError):
            _failed(engine, name, type(error).__name__, clock())
        raise
    with suppress(IntegrityError):  # of two that note the first time of one job, one does
        _went_well(engine, name, clock())


def _went_well(engine: Engine, name: str, now: datetime) -> None:
    with reading(engine) as session:
        row = session.get(JobRow, name)
        if row is not None and not row.failures and row.done_at is not None and timedelta(0) <= now - row.done_at < OFTEN:
            return
    with writing(engine) as session:
        row = _row(session, name)
        row.done_at, row.runs, row.failures, row.failing_since, row.kind = now, row.runs + 1, 0, None, ""


def _failed(engine: Engine, name: str, kind: str, now: datetime) -> None:
    with writing(engine) as session:
        row = _row(session, name)
        row.failures, row.failed_in_all, row.failed_at, row.kind = row.failures + 1, row.failed_in_all + 1, now, kind[:80]
        row.failing_since = row.failing_since or now


def _row(session: Session, name: str) -> JobRow:
    row = session.get(JobRow, name, with_for_update=True)
    if row is None:
        row = JobRow(name=name, runs=0, failures=0, failed_in_all=0, kind="")
        session.add(row)
    return row


def happened(engine: Engine, name: str, now: datetime) -> None:
    """Note that something happened, at most once a minute."""
    with reading(engine) as session:
        row = session.get(NotedRow, name)
        if row is not None and timedelta(0) <= now - row.at < OFTEN:
            return
    with writing(engine) as session:
        row = session.get(NotedRow, name, with_for_update=True)
        if row is None:
            session.add(NotedRow(name=name, at=now, told=[]))
        else:
            row.at = now


def last(session: Session, name: str) -> datetime | None:
    """When it last happened."""
    return session.execute(select(NotedRow.at).where(NotedRow.name == name)).scalar_one_or_none()


def jobs(session: Session) -> list[JobRow]:
    """Every job that was ever run, by name."""
    return list(session.execute(select(JobRow).order_by(JobRow.name)).scalars())


def beat(rows: list[JobRow]) -> datetime | None:
    """When any of them was last run, well or not."""
    return max((at for row in rows for at in (row.done_at, row.failed_at) if at is not None), default=None)


def as_facts(rows: list[JobRow]) -> list[Job]:
    """The same, as the condition asks for them."""
    return [Job(row.name, row.failures, row.failing_since, row.kind) for row in rows]
