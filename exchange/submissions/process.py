"""The story of a submission that is complete: open it apart, check it, re-key it, hold it; or refuse it whole, and say why.

The work is done outside any transaction, in a confined process; one transaction at the end decides, asks the agreement again under its
lock, and either takes everything in or nothing. Killed anywhere, it is done again from the sealed parts.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, exists, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from agreements.fields import PseudonymiseRule
from agreements.lifecycle import State
from agreements.model import Dataset
from exchange.db import reading, writing
from exchange.errors import Unavailable
from exchange.keyring import Keyring, sealing_name, submission_name
from exchange.objects import Places
from exchange.register import agreements
from exchange.register.tables import AgreementRow, SuspensionRow
from exchange.settings import Settings
from exchange.submissions import confined, intake, quality, quotas, series
from exchange.submissions.decide import Draft, Opened, decide, refusal, terms
from exchange.submissions.quality import Earlier
from exchange.submissions.tables import HeldPartRow, SubmissionRow, SubmissionState
from exchange.times import Clock
from keys.encoding import b64
from keys.parquet import new_data_key

LONGEST_WAIT = timedelta(minutes=10)


def pending(engine: Engine, now: datetime) -> list[str]:
    """Ids of submissions that wait to be opened, oldest first. What is suspended, all or this dataset of it, stays sealed and waits."""
    with reading(engine) as session:
        return list(session.execute(select(SubmissionRow.id).where(waits(now)).order_by(SubmissionRow.completed_at)).scalars())


def waits(now: datetime) -> ColumnElement[bool]:
    """As part of a query about submissions: complete, due to be tried, and nothing of it suspended."""
    due = or_(SubmissionRow.retry_at.is_(None), SubmissionRow.retry_at <= now)
    mine = (SuspensionRow.agreement == SubmissionRow.agreement, SuspensionRow.dataset == SubmissionRow.dataset)
    alone = exists().where(*mine).correlate(SubmissionRow)
    stopped = (AgreementRow.state == State.SUSPENDED) | ((AgreementRow.state == State.IN_FORCE) & alone)
    unstopped = exists().where(AgreementRow.digest == SubmissionRow.agreement, ~stopped).correlate(SubmissionRow)
    return and_(SubmissionRow.state == SubmissionState.COMPLETE, due, unstopped)


@dataclass(frozen=True)
class _Task:
    """One attempt at one submission."""

    engine: Engine
    settings: Settings
    keyring: Keyring
    places: Places
    submission: str
    clock: Clock


@dataclass(frozen=True)
class _Found:
    """How a submission stood when an attempt began. ``job``: None where it needs no opening, since ``otherwise`` is known without."""

    parts: int
    drafts: Sequence[Draft]
    job: Mapping[str, Any] | None
    otherwise: str
    before: Sequence[Earlier]


def process(engine: Engine, settings: Settings, keyring: Keyring, places: Places, submission: str, clock: Clock) -> str:
    """Open, conform, re-key and hold one submission; returns its state afterwards."""
    task = _Task(engine, settings, keyring, places, submission, clock)
    with reading(engine) as session:
        row = session.get(SubmissionRow, submission)
        if row is None or row.state != SubmissionState.COMPLETE:
            return row.state if row else "unknown"
        found = None if intake.lacking(row, places.staging) else _look(session, task, row)
    if found is None:
        with writing(engine) as session:
            return intake.reopen(session, submission, places.staging, clock)
    try:
        return _attempt(task, found)
    finally:
        for draft in found.drafts:
            draft.path.unlink(missing_ok=True)


def _look(session: Session, task: _Task, row: SubmissionRow) -> _Found:
    manifest = intake.manifest_of(row)
    allowed = refusal(agreements.by_digest(session, row.agreement), row, task.clock()) is None  # a refusal is a false value: ask for None
    repeats = series.repeated(session, manifest, series.standing(session, row)) is not None
    if not allowed or repeats:
        return _Found(len(manifest.parts), [], None, "repeat" if allowed else "agreement", [])
    drafts = _drafts(task.places, row)
    job = _job(session, task.settings, task.keyring, row, drafts)
    return _Found(len(manifest.parts), drafts, job, "", quality.earlier(session, row))


def _attempt(task: _Task, found: _Found) -> str:
    held, staging = task.places.held, task.places.staging
    earlier_attempts = held.beginning(f"{task.submission.removeprefix('sub-')}.")
    try:
        result = _open(task, found.job, sum(one["size"] for one in found.job["parts"])) if found.job else {"outcome": found.otherwise}
        if result["outcome"] == "ok":
            _keep(task, found.drafts)
        with writing(task.engine) as session:
            decided = decide(session, task.keyring, task.submission, Opened(result, found.drafts, found.before), task.clock)
            state = session.get_one(SubmissionRow, task.submission).state
    except Exception:
        _undo(task, found.drafts)
        raise
    # Only now, with the decision durable, does anything go: objects that were not taken in, sealed parts that are no longer needed.
    if not (decided and state == SubmissionState.HELD):
        held.remove([draft.object for draft in found.drafts])
    if decided:  # of attempts that could not find out what became of them, nothing counts any more
        held.remove(set(earlier_attempts) - {draft.object for draft in found.drafts})
    # Nor where it was reopened while this attempt slept: its supplier is sending parts again.
    if state not in (SubmissionState.COMPLETE, SubmissionState.OPEN):
        staging.remove([intake.part_name(task.submission, number) for number in range(1, found.parts + 1)])
    if state in (SubmissionState.REFUSED, SubmissionState.REPEATED):
        task.keyring.store.destroy(submission_name(task.submission))
    return state


def _keep(task: _Task, drafts: Sequence[Draft]) -> None:
    """Make the drafts durable; a disk that is full or fails is no word about the parts."""
    try:
        task.places.held.keep_all([(draft.path, draft.object) for draft in drafts])
    except OSError as error:
        _later(task)
        raise quotas.storage_failure(error) or error from error


def _undo(task: _Task, drafts: Sequence[Draft]) -> None:
    """After a failure: remove what this attempt wrote, unless its commit went through after all.

    Asked under the submission's lock, so that a commit whose answer was lost has ended one way or the other. Where even this cannot be
    asked, everything stays: the attempt that decides removes it, or the next start of the hub.

    Something is written too. A commit that SQLite calls failed, because the flush of its write-ahead log was refused, stands in that file
    still, and would count at the next start; only what is written after it takes its place. Where this write fails as well, everything stays.
    """
    try:
        with writing(task.engine) as session:
            session.get_one(SubmissionRow, task.submission, with_for_update=True).tries += 1
            mine = select(HeldPartRow.object).where(HeldPartRow.submission == task.submission)
            taken = set(session.execute(mine).scalars())
    except (SQLAlchemyError, OSError):
        return
    task.places.held.remove([draft.object for draft in drafts if draft.object not in taken])


def _open(task: _Task, job: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Run the job; where it gave no result, try again later, and each time later than before, so that one cannot keep the hub busy."""
    try:
        with _at_hand(task, job, size) as ready:
            return confined.run(ready)
    except Unavailable:
        _later(task)
        raise


@contextmanager
def _at_hand(task: _Task, job: Mapping[str, Any], size: int) -> Iterator[Mapping[str, Any]]:
    """The job with its sealed parts as files of this host: where they lie, or fetched for as long as it runs."""
    staging = task.places.staging
    quotas.require_free(task.places.held.room, size * (2 if staging.own_drafts else 1), task.settings.keep_free)
    with staging.at_hand([one["sealed"] for one in job["parts"]]) as files:
        yield {**job, "parts": [{**one, "sealed": str(file)} for one, file in zip(job["parts"], files, strict=True)]}


def _later(task: _Task) -> None:
    with writing(task.engine) as session:
        row = session.get_one(SubmissionRow, task.submission, with_for_update=True)
        doublings = min(row.tries + 1, LONGEST_WAIT.seconds.bit_length())  # :func:`_undo` counts this try
        row.retry_at = task.clock() + min(LONGEST_WAIT, timedelta(seconds=2**doublings))


def _job(session: Session, settings: Settings, keyring: Keyring, row: SubmissionRow, drafts: Sequence[Draft]) -> dict[str, Any]:
    """What the confined process is told."""
    agreement_row = session.get_one(AgreementRow, row.agreement)
    _, dataset = terms(session, row)
    manifest = intake.manifest_of(row)
    keyring.store.get_or_create(row.key)
    parts = [
        {
            "number": draft.number,
            "sealed": intake.part_name(row.id, draft.number),
            "sha256": part.sha256,
            "size": part.size,
            "rows": part.rows,
            "held": str(draft.path),
            "key": b64(draft.key),
            "aad": draft.aad,
        }
        for draft, part in zip(drafts, manifest.parts, strict=True)
    ]
    return {
        "memory": settings.open_memory,
        "seconds": settings.open_seconds,
        "parent": os.getpid(),
        "agreement": agreement_row.canonical.decode(),
        "dataset": row.dataset,
        "period": row.period,
        "info": {"agreement": row.agreement, "dataset": row.dataset, "supplier": row.supplier, "upload": row.upload},
        "sealing": b64(keyring.store.get(sealing_name(row.sealing_key))),
        "rekeys": {kind: b64(keyring.rekey(row.reference, kind, manifest.epoch)) for kind in _kinds(dataset)},
        "part_rows": settings.part_rows,
        "parts": parts,
    }


def _kinds(dataset: Dataset) -> set[str]:
    return {field.rule.kind for field in dataset.fields if isinstance(field.rule, PseudonymiseRule)}


def _drafts(places: Places, row: SubmissionRow) -> list[Draft]:
    return [_draft(places, row.id, number, part.rows) for number, part in enumerate(intake.manifest_of(row).parts, 1)]


def _draft(places: Places, submission: str, number: int, rows: int) -> Draft:
    path = places.held.draft(f"{submission.removeprefix('sub-')}.{number}.parquet")
    # The name carries the attempt, so that two attempts never write over each other.
    name = path.name.removesuffix(".part").replace(".parquet.", ".") + ".parquet"
    return Draft(number, rows, path, name, new_data_key(), f"{submission}/{number}")
