"""The figures of the hub as it stands, for whoever draws curves of them: counts and times, by kinds of the hub's own making.

The label of a job is “task”: “job” is a word of Prometheus’ own. No id, no organisation and no agreement is among the labels: a collector keeps what it has read for months, and shows it to more people than
may see the hub. Names and units as Prometheus asks for them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exchange.db import reading
from exchange.hub import Hub
from exchange.log.tables import HeadRow
from exchange.notify import outbox
from exchange.register.tables import AgreementRow, EpochRow
from exchange.releases.tables import EditionRow, EditionState
from exchange.submissions.tables import LeaseRow, SubmissionRow, SubmissionState
from exchange.watch import jobs
from exchange.watch.condition import Cause, Facts, findings, ready
from exchange.watch.facts import look

PREFIX = "lcjp_exchange_"
GAUGE, COUNTER = "gauge", "counter"


@dataclass(frozen=True)
class Figure:
    """One figure: its name without the prefix (a counter's without ``_total``), what it is, its one label if it has one, and its values by it."""

    name: str
    kind: str
    words: str
    label: str
    values: Mapping[str, float]


def figures(hub: Hub) -> list[Figure]:
    """Everything, as it stands now. Where the database does not answer, what can be told without it."""
    facts = look(hub)
    found = [*_condition(facts), *_disks(facts)]
    if not facts.database or not facts.schema:
        return found
    try:
        with reading(hub.engine) as session:
            return [*found, *_times(facts), *_counts(session, facts), *_log(session, hub), *_jobs(session)]
    except SQLAlchemyError:
        return found


def _alone(name: str, words: str, value: float) -> Figure:
    return Figure(name, GAUGE, words, "", {"": value})


def _condition(facts: Facts) -> Iterator[Figure]:
    found = findings(facts)
    yield _alone("ready", "Whether nothing keeps the hub from serving (1) or something does (0).", ready(found))
    causes = {one.cause for one in found}
    yield Figure("finding", GAUGE, "Whether something is the matter, by cause.", "cause", {one.value: one in causes for one in Cause})


def _disks(facts: Facts) -> Iterator[Figure]:
    free = {one.name: float(one.free) for one in facts.rooms}
    yield Figure("disk_free_bytes", GAUGE, "Bytes free on the disk of a folder.", "place", free)
    kept = {one.name: float(one.keep) for one in facts.rooms}
    yield Figure("disk_reserved_bytes", GAUGE, "Bytes that the settings keep free there.", "place", kept)


def _times(facts: Facts) -> Iterator[Figure]:
    waited = (facts.now - facts.unopened).total_seconds() if facts.unopened else 0.0
    yield _alone("oldest_unopened_seconds", "How long the oldest whole submission has waited to be opened.", waited)
    yield from _at("sealing_key_expiry_timestamp_seconds", "When the newest sealing key ends.", facts.sealing)
    yield from _at("last_backup_timestamp_seconds", "When the last backup was finished.", facts.backup)
    yield from _at("schedule_timestamp_seconds", "When any host last ran a job of the schedule.", facts.beat)


def _at(name: str, words: str, moment: datetime | None) -> Iterator[Figure]:
    if moment is not None:
        yield _alone(name, words, moment.timestamp())


def _counts(session: Session, facts: Facts) -> Iterator[Figure]:
    submissions = _by(session, SubmissionRow.state, SubmissionState)
    yield Figure("submissions", GAUGE, "Submissions by state.", "state", submissions)
    yield Figure("editions", GAUGE, "Editions by state.", "state", _by(session, EditionRow.state, EditionState))
    yield Figure("agreements", GAUGE, "Versions of agreements by state.", "state", _by(session, AgreementRow.state, ()))
    rows = select(func.sum(SubmissionRow.rows - SubmissionRow.erased_rows)).where(SubmissionRow.place.is_not(None))
    held = rows.where(SubmissionRow.state.in_((SubmissionState.HELD, SubmissionState.SUPERSEDED)))
    yield _alone("held_rows", "Rows that are held.", float(session.execute(held).scalar_one() or 0))
    leases = dict(session.execute(select(LeaseRow.holder.is_not(None), func.count()).group_by(LeaseRow.holder.is_not(None))).all())
    at_work = {"held": float(leases.get(True, 0)), "resting": float(leases.get(False, 0))}
    yield Figure("leases", GAUGE, "Submissions that a worker is at, and those that rest after a failure.", "state", at_work)
    over = dict(session.execute(select(EpochRow.retired_at.is_(None), func.count()).group_by(EpochRow.retired_at.is_(None))).all())
    epochs = {"live": float(over.get(True, 0)), "retired": float(over.get(False, 0))}
    yield Figure("linkage_epochs", GAUGE, "Linkage epochs of all agreements.", "state", epochs)
    notices = {"waiting": float(outbox.waiting(session)), "given_up": float(facts.given_up)}
    yield Figure("notices", GAUGE, "Notices that wait to be sent, and those that could not be.", "state", notices)
    yield _alone("destructions_overdue", "Destructions that are past their day.", facts.overdue)
    yield _alone("late_periods", "Periods of suppliers' datasets that are past their day.", len(facts.late))
    yield _alone("silent_suppliers", "Suppliers whose client gives no sign of life.", len(facts.silent))


def _by(session: Session, column: Any, states: Any) -> dict[str, float]:
    """How many rows there are by state; every known state has a figure, so that nothing appears out of nowhere."""
    found: dict[str, float] = {str(state): 0.0 for state in states}
    return found | {str(state): float(count) for state, count in session.execute(select(column, func.count()).group_by(column))}


def _log(session: Session, hub: Hub) -> Iterator[Figure]:
    entries = session.execute(select(HeadRow.size)).scalar_one()
    yield _alone("log_entries", "Entries of the log.", entries)
    try:
        yield _alone("second_store_lag_entries", "Entries of the log that its second store lacks.", max(0, entries - hub.second.size()))
    except OSError:
        return


def _jobs(session: Session) -> Iterator[Figure]:
    rows = jobs.jobs(session)
    runs = {row.name: float(row.runs) for row in rows}
    yield Figure("job_runs", COUNTER, "Times a job of the schedule went well; of frequent ones, one a minute.", "task", runs)
    failed = {row.name: float(row.failed_in_all) for row in rows}
    yield Figure("job_failures", COUNTER, "Times a job of the schedule failed.", "task", failed)
    since = {row.name: float(row.failures) for row in rows}
    yield Figure("job_failures_in_a_row", GAUGE, "Times a job has failed since it last went well.", "task", since)
    done = {row.name: row.done_at.timestamp() for row in rows if row.done_at}
    yield Figure("job_last_success_timestamp_seconds", GAUGE, "When a job last went well.", "task", done)
