"""What becomes of a submission that was opened: held, refused, or known to be the repeat of one that is held. Once, and in one transaction.

The agreement is asked again, and the period's line looked at again, when nothing of them moves any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.rules import may_hold
from exchange.errors import Misconfigured
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.submissions import intake, quality, series
from exchange.submissions.quality import Earlier
from exchange.submissions.tables import HeldPartRow, SubmissionRow, SubmissionState
from exchange.times import Clock, rfc3339
from keys.formats import Manifest, Reason, Receipt
from keys.sign import Use, sign_document

_MEND = "Mend the extract and push it again."


@dataclass(frozen=True)
class Draft:
    """One part as the confined process will have written it: not yet an object."""

    number: int
    rows: int
    path: Path
    object: str
    key: bytes
    aad: str


@dataclass(frozen=True)
class Opened:
    """What came of opening a submission: the opener's result, the drafts it wrote, and what its supplier's earlier periods hold."""

    result: Mapping[str, Any]
    drafts: Sequence[Draft] = ()
    before: Sequence[Earlier] = ()


def decide(session: Session, keyring: Keyring, submission: str, opened: Opened, clock: Clock) -> bool:
    """Take the submission in, refuse it, or find whose repeat it is, once. False where nothing is decided now, or somebody else did."""
    agreement_row, row = _locked(session, submission)
    now = moment(session, clock)  # two of one period are decided one after the other, and the second sees what the first became
    if row.state != SubmissionState.COMPLETE or (agreement_row is not None and agreements.is_stopped(agreement_row, row.dataset)):
        return False
    refused, manifest = refusal(agreement_row, row, now), intake.manifest_of(row)
    live = series.standing(session, row)
    first = series.repeated(session, manifest, live) if refused is None else None
    if first is not None:
        _repeat(session, row, first, now)
        return True
    if opened.result["outcome"] in ("agreement", "repeat") and refused is None:
        return False  # it was suspended, or the repeat of another, when the work began: the work is still to be done
    if reasons := _reasons(row, manifest, opened.result, refused, series.head(session, row)):
        _refuse(session, keyring, row, opened, reasons, now)
    else:
        _hold(session, keyring, row, opened, live, now)
    return True


def _refuse(session: Session, keyring: Keyring, row: SubmissionRow, opened: Opened, reasons: Sequence[Reason], now: datetime) -> None:
    agreement, dataset = terms(session, row)
    row.state, row.decided_at = SubmissionState.REFUSED, now
    row.report = quality.refused(row, agreement, dataset, opened.result, reasons)
    row.receipt = _receipt(keyring, agreement, row, reasons, now)
    session.flush()
    said = [f"{one.clause}: {one.reason}" for one in reasons]
    _record(session, row, "submission refused", {"rows": row.rows, "agreement": row.agreement, "reasons": said}, now)


def _hold(session: Session, keyring: Keyring, row: SubmissionRow, opened: Opened, live: Sequence[SubmissionRow], now: datetime) -> None:
    (agreement, dataset), manifest = terms(session, row), intake.manifest_of(row)
    leaving = series.displaced(session, manifest, dataset, live)
    for draft in opened.drafts:
        wrapped = keyring.store.wrap(row.key, draft.key)
        row.held.append(HeldPartRow(number=draft.number, object=draft.object, wrapped_key=wrapped, aad=draft.aad, rows=draft.rows))
    row.place = series.next_place(session, row)
    row.state, row.decided_at = SubmissionState.HELD, now
    beside = sum(one.rows for one in live if one not in leaving)
    row.report = quality.held(row, agreement, dataset, opened.result, opened.before, beside)
    row.receipt = _receipt(keyring, agreement, row, [], now)
    for before in leaving:
        before.state, before.superseded_by = SubmissionState.SUPERSEDED, row.id
    session.flush()
    for before in leaving:
        event = Event(Operation.ALTERATION, "hub", row.supplier, row.reference, "submission superseded", before.id, details={"by": row.id})
        append(session, event, now)
    _record(session, row, "submission held", {"rows": row.rows, "agreement": row.agreement, "reasons": []}, now)


def _repeat(session: Session, row: SubmissionRow, first: SubmissionRow, now: datetime) -> None:
    row.state, row.decided_at, row.repeats = SubmissionState.REPEATED, now, first.id
    session.flush()
    _record(session, row, "submission repeated", {"rows": row.rows, "agreement": row.agreement, "repeats": first.id}, now)


def _record(session: Session, row: SubmissionRow, what: str, details: Mapping[str, Any], now: datetime) -> None:
    append(session, Event(Operation.COLLECTION, "hub", row.supplier, row.reference, what, row.id, details=details), now)


def _locked(session: Session, submission: str) -> tuple[AgreementRow | None, SubmissionRow]:
    """The agreement's row, then the submission's and those that stand for its period, locked in this order; the latter by their ids."""
    found = session.get_one(SubmissionRow, submission)
    agreement_row = agreements.by_digest(session, found.agreement, lock=True)
    line = series.line(found.reference, found.dataset, found.supplier, found.period)
    every = select(SubmissionRow).where(or_(SubmissionRow.id == found.id, line & (SubmissionRow.state == SubmissionState.HELD)))
    query = every.order_by(SubmissionRow.id).with_for_update().execution_options(populate_existing=True)
    return agreement_row, next(row for row in session.execute(query).scalars().all() if row.id == submission)


def refusal(agreement: AgreementRow | None, row: SubmissionRow, now: datetime) -> Refused | None:
    """Why the agreement does not let it be held at this moment; None where it does."""
    decision = may_hold(agreements.standing(agreement), row.dataset, Period.parse(row.period), now)
    return decision if isinstance(decision, Refused) else None


def terms(session: Session, row: SubmissionRow) -> tuple[Agreement, Dataset]:
    """The agreement that a submission is under, and its dataset."""
    agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    found = agreement.dataset(row.dataset)
    if found is None:
        raise Misconfigured(f"{row.id} is of a dataset that its agreement does not name.", remedy="Restore the database.")
    return agreement, found


def _reasons(row: SubmissionRow, manifest: Manifest, result: Mapping[str, Any], refused: Refused | None, head: str | None) -> list[Reason]:
    if refused is not None:
        return [Reason(refused.clause, f"{refused.reason} {refused.remedy}".strip())]
    place = f"{row.reference} version {manifest.version}, dataset {row.dataset}"
    if result["outcome"] == "part":
        return [Reason(f"{place}, sealed parts", f"{result['reason']}. Push the extract again.")]
    if result["outcome"] == "rows":
        return [
            Reason(f"{place}, field {one['field']}", f"{one['count']} {_break(one['count'])} the rule: {one['rule']}"[:1900] + f". {_MEND}")
            for one in result["errors"]
        ]
    found = (result["rows"], result["rows_digest"], result["totals"])
    if found != (manifest.rows, manifest.rows_digest, manifest.totals):
        return [Reason(f"{place}, control totals", "the rows are not those that the manifest says. Push the extract again.")]
    if head != row.after:
        return [Reason(f"{place}, mode", "another submission for this period was held first. Push again, following it.")]
    return []


def _break(rows: int) -> str:
    return "row breaks" if rows == 1 else "rows break"


def _receipt(keyring: Keyring, agreement: Agreement, row: SubmissionRow, reasons: Sequence[Reason], now: datetime) -> dict[str, Any]:
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
    return sign_document(receipt.document(), Use.RECEIPT, keyring.signing_for("receipts", agreement))
