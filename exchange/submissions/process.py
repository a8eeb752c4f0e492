"""The story of a submission that is complete: open it apart, check it, re-key it, hold it; or refuse it whole, and say why.

The work is done outside any transaction, in a confined process; one transaction at the end decides, asks the agreement again under its
lock, and either takes everything in or nothing. Killed anywhere, it is done again from the sealed parts.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, exists, or_, select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.fields import PseudonymiseRule
from agreements.lifecycle import State
from agreements.model import Dataset
from agreements.periods import Period
from agreements.rules import may_hold
from exchange.db import reading, writing
from exchange.errors import Misconfigured, Unavailable
from exchange.keyring import Keyring, sealing_name
from exchange.log.record import Event, Operation, append, moment
from exchange.objects import Objects
from exchange.register import agreements
from exchange.register.tables import AgreementRow, SuspensionRow
from exchange.settings import Settings
from exchange.submissions import confined, intake
from exchange.submissions.tables import HeldPartRow, SubmissionRow, SubmissionState
from exchange.times import Clock, rfc3339
from keys.encoding import b64
from keys.formats import Reason, Receipt
from keys.parquet import new_data_key
from keys.sign import Use, sign_document

LONGEST_WAIT = timedelta(minutes=10)
_MEND = "Mend the extract and push it again."


@dataclass(frozen=True)
class Places:
    """Where sealed parts wait and held parts are kept."""

    staging: Objects
    held: Objects


@dataclass(frozen=True)
class Draft:
    """One part as the confined process will have written it: not yet an object."""

    number: int
    rows: int
    path: Path
    object: str
    key: bytes
    aad: str


def pending(engine: Engine, now: datetime) -> list[str]:
    """Ids of submissions that wait to be opened, oldest first. What is suspended, all or this dataset of it, stays sealed and waits."""
    due = or_(SubmissionRow.retry_at.is_(None), SubmissionRow.retry_at <= now)
    alone = exists().where(SuspensionRow.agreement == SubmissionRow.agreement, SuspensionRow.dataset == SubmissionRow.dataset)
    stopped = (AgreementRow.state == State.SUSPENDED) | ((AgreementRow.state == State.IN_FORCE) & alone)
    query = (
        select(SubmissionRow.id)
        .join(AgreementRow, AgreementRow.digest == SubmissionRow.agreement)
        .where(SubmissionRow.state == SubmissionState.COMPLETE, ~stopped, due)
        .order_by(SubmissionRow.completed_at)
    )
    with reading(engine) as session:
        return list(session.execute(query).scalars())


def process(engine: Engine, settings: Settings, keyring: Keyring, places: Places, submission: str, clock: Clock) -> str:
    """Open, conform, re-key and hold one submission; returns its state afterwards."""
    with reading(engine) as session:
        row = session.get(SubmissionRow, submission)
        if row is None or row.state != SubmissionState.COMPLETE:
            return row.state if row else "unknown"
        found = agreements.by_digest(session, row.agreement)
        allowed = _refused(found, row, clock()) is None  # a refusal is a value, and a false one: ask for None
        drafts = _drafts(places, row) if allowed else []
        job = _job(session, settings, keyring, places, row, drafts) if allowed else None
    try:
        result = _open(engine, submission, job, clock) if job else {"outcome": "agreement"}
        if result["outcome"] == "ok":
            for draft in drafts:
                places.held.keep(draft.path, draft.object)
        with writing(engine) as session:
            taken = _decide(session, keyring, submission, result, drafts, clock)
            state = session.get_one(SubmissionRow, submission).state
    finally:
        for draft in drafts:
            draft.path.unlink(missing_ok=True)
    # Only now, with the decision durable, does anything go: objects that were not taken in, sealed parts that are no longer needed.
    if not taken:
        for draft in drafts:
            places.held.delete(draft.object)
    if state != SubmissionState.COMPLETE:
        for number in range(1, len(row.manifest["document"]["parts"]) + 1):
            places.staging.delete(intake.part_name(row.id, number))
    if state == SubmissionState.REFUSED:
        keyring.store.destroy(row.key)
    return state


def _open(engine: Engine, submission: str, job: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    """Run the job; where it gave no result, try again later, and each time later than before, so that one cannot keep the hub busy."""
    try:
        return confined.run(job)
    except Unavailable:
        with writing(engine) as session:
            row = session.get_one(SubmissionRow, submission, with_for_update=True)
            row.tries += 1
            row.retry_at = clock() + min(LONGEST_WAIT, timedelta(seconds=2**row.tries))
        raise


def _refused(agreement: AgreementRow | None, row: SubmissionRow, now: datetime) -> Refused | None:
    decision = may_hold(agreements.standing(agreement), row.dataset, Period.parse(row.period), now)
    return decision if isinstance(decision, Refused) else None


def _job(
    session: Session, settings: Settings, keyring: Keyring, places: Places, row: SubmissionRow, drafts: Sequence[Draft]
) -> dict[str, Any]:
    """What the confined process is told."""
    agreement_row = session.get_one(AgreementRow, row.agreement)
    dataset = _dataset(session, row)
    manifest = intake.manifest_of(row)
    keyring.store.get_or_create(row.key)
    parts = [
        {
            "number": draft.number,
            "sealed": str(places.staging.path(intake.part_name(row.id, draft.number))),
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


def _dataset(session: Session, row: SubmissionRow) -> Dataset:
    found = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical).dataset(row.dataset)
    if found is None:
        raise Misconfigured(f"{row.id} is of a dataset that its agreement does not name.", remedy="Restore the database.")
    return found


def _kinds(dataset: Dataset) -> set[str]:
    return {field.rule.kind for field in dataset.fields if isinstance(field.rule, PseudonymiseRule)}


def _drafts(places: Places, row: SubmissionRow) -> list[Draft]:
    return [_draft(places, row.id, number, part.rows) for number, part in enumerate(intake.manifest_of(row).parts, 1)]


def _draft(places: Places, submission: str, number: int, rows: int) -> Draft:
    path = places.held.draft(f"{submission.removeprefix('sub-')}.{number}.parquet")
    # The name carries the attempt, so that two attempts never write over each other.
    name = path.name.removesuffix(".part").replace(".parquet.", ".") + ".parquet"
    return Draft(number, rows, path, name, new_data_key(), f"{submission}/{number}")


def _decide(session: Session, keyring: Keyring, submission: str, result: Mapping[str, Any], drafts: Sequence[Draft], clock: Clock) -> bool:
    """Take the submission in, or refuse it, once. True if the drafts are now what is held."""
    agreement_row, row = _locked(session, submission)
    now = moment(session, clock)  # two of one period are decided one after the other, and the second sees what the first became
    if row.state != SubmissionState.COMPLETE:
        return False
    if agreement_row is not None and agreements.is_stopped(agreement_row, row.dataset):
        return False
    refused = _refused(agreement_row, row, now)
    if result["outcome"] == "agreement" and refused is None:
        return False  # it was suspended when the work began and has been resumed since: the work is still to be done
    reasons = _reasons(session, row, result, refused)
    held = not reasons
    if held:
        _hold(session, keyring, row, drafts, now)
    row.state, row.decided_at = SubmissionState.HELD if held else SubmissionState.REFUSED, now
    row.report = _report(row, _dataset(session, row), result, reasons)
    row.receipt = _receipt(keyring, row, reasons, now)
    session.flush()
    details = {"rows": row.rows, "agreement": row.agreement, "reasons": [f"{one.clause}: {one.reason}" for one in reasons]}
    what = "submission held" if held else "submission refused"
    append(session, Event(Operation.COLLECTION, "hub", row.supplier, row.reference, what, row.id, details=details), now)
    return held


def _locked(session: Session, submission: str) -> tuple[AgreementRow | None, SubmissionRow]:
    """The agreement's row, the submission's and its forerunner's, locked in this order; those two by their ids."""
    found = session.get_one(SubmissionRow, submission)
    agreement_row = agreements.by_digest(session, found.agreement, lock=True)
    both = select(SubmissionRow).where(SubmissionRow.id.in_([found.id, found.after or found.id])).order_by(SubmissionRow.id)
    rows = session.execute(both.with_for_update().execution_options(populate_existing=True)).scalars().all()
    return agreement_row, next(row for row in rows if row.id == submission)


def _reasons(session: Session, row: SubmissionRow, result: Mapping[str, Any], refused: Refused | None) -> list[Reason]:
    if refused is not None:
        return [Reason(refused.clause, f"{refused.reason} {refused.remedy}".strip())]
    manifest = intake.manifest_of(row)
    place = f"{row.reference} version {manifest.version}, dataset {row.dataset}"
    if result["outcome"] == "part":
        return [Reason(f"{place}, sealed parts", f"{result['reason']}. Push the extract again.")]
    if result["outcome"] == "rows":
        return [
            Reason(f"{place}, field {one['field']}", f"{one['count']} row(s) break the rule: {one['rule']}"[:1900] + f". {_MEND}")
            for one in result["errors"]
        ]
    found = (result["rows"], result["rows_digest"], result["totals"])
    if found != (manifest.rows, manifest.rows_digest, manifest.totals):
        return [Reason(f"{place}, control totals", "the rows are not those that the manifest says. Push the extract again.")]
    latest = intake.head(session, row.reference, row.dataset, row.supplier, row.period)
    if (latest.id if latest else None) != row.after:
        return [Reason(f"{place}, mode", "another submission for this period was held first. Push again, following it.")]
    return []


def _hold(session: Session, keyring: Keyring, row: SubmissionRow, drafts: Sequence[Draft], now: datetime) -> None:
    for draft in drafts:
        wrapped = keyring.store.wrap(row.key, draft.key)
        row.held.append(HeldPartRow(number=draft.number, object=draft.object, wrapped_key=wrapped, aad=draft.aad, rows=draft.rows))
    if row.after is not None and intake.manifest_of(row).mode != "append":
        before = session.get(SubmissionRow, row.after)
        if before is not None:
            before.state = SubmissionState.SUPERSEDED
            details = {"by": row.id}
            event = Event(Operation.ALTERATION, "hub", row.supplier, row.reference, "submission superseded", before.id, details=details)
            append(session, event, now)


def _receipt(keyring: Keyring, row: SubmissionRow, reasons: Sequence[Reason], now: datetime) -> dict[str, Any]:
    manifest = intake.manifest_of(row)
    receipt = Receipt(
        submission=row.id,
        upload=row.upload,
        manifest=row.manifest_digest,
        outcome="refused" if reasons else "held",
        supplier=row.supplier,
        reference=row.reference,
        version=manifest.version,
        agreement=row.agreement,
        dataset=row.dataset,
        period=row.period,
        mode=manifest.mode,
        after=row.after,
        rows=row.rows,
        rows_digest=row.rows_digest,
        dispose_on=None if reasons else row.dispose_on.isoformat(),
        decided=rfc3339(now),
        reasons=tuple(reasons),
    )
    return sign_document(receipt.document(), Use.RECEIPT, keyring.signing("receipts"))


def _report(row: SubmissionRow, dataset: Dataset, result: Mapping[str, Any], reasons: Sequence[Reason]) -> dict[str, Any]:
    """The quality report: about this submission alone, counts and rules only."""
    due = Period.parse(row.period).end + timedelta(days=dataset.due_days)
    totals = result.get("totals", {})
    return {
        "rows": row.rows,
        "empty": {name: count for name, count in totals.items() if count},
        "late_by_days": max(0, (row.received_at.date() - due).days),
        "errors": list(result.get("errors", [])),
        "reasons": [one.document() for one in reasons],
    }
