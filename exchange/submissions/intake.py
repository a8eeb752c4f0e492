"""Taking in: a signed manifest, its sealed parts, and the word that it is complete.

Exactly once. The same upload id gives the same submission; the same content as what stands for the period gives its receipt; anything
else must name the head it follows, even one destroyed since. Nothing is acknowledged before it is durable.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, select
from sqlalchemy.orm import Session

from agreements.closing import may_follow
from agreements.decisions import Decision, Refused
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.rules import UNKNOWN, dispose_on, may_submit
from exchange.errors import Conflict, NotFound, RefusedByAgreement, UnknownAgreement
from exchange.keyring import Keyring, submission_name
from exchange.log.record import Event, Operation, append, moment
from exchange.objects import Store
from exchange.register import agreements
from exchange.settings import Settings
from exchange.submissions import holdings, restored, rights, series
from exchange.submissions.manifests import PARTS, check_keys, check_shape, clause_of, period_of, require_live_key, sealed_bytes, verified
from exchange.submissions.quotas import require_quota
from exchange.submissions.tables import PartRow, SealingKeyRow, SubmissionRow, SubmissionState
from exchange.times import Clock, rfc3339
from keys.formats import Acknowledgement, Manifest, digest
from keys.sign import Use, sign_document

_ROWS = SubmissionRow.__table__.c
_STANDING = select(
    _ROWS.id.label("submission"),
    *(_ROWS.upload, _ROWS.state, _ROWS.after, _ROWS.superseded_by, _ROWS.repeats),
    *(_ROWS.acknowledgement, _ROWS.report, _ROWS.receipt, _ROWS.certificate),
).where(_ROWS.id == bindparam("submission"), _ROWS.supplier == bindparam("supplier"))


@dataclass(frozen=True)
class Opened:
    """What a manifest led to: the submission, and whether it is new or has the same content as one already held."""

    row: SubmissionRow
    created: bool
    same_content: bool = False


def open_submission(session: Session, settings: Settings, caller: str, signed: Mapping[str, Any], clock: Clock) -> Opened:
    """Open a submission from its signed manifest, or find the one it repeats."""
    manifest, standing = verified(session, caller, signed)
    sealing = session.get(SealingKeyRow, manifest.sealing_key, with_for_update={"read": True})
    now = moment(session, clock)  # from here on nobody else opens one: of two equal manifests at once, the second finds the first
    known = session.execute(select(SubmissionRow).where(SubmissionRow.upload == manifest.upload)).scalar_one_or_none()
    if known is not None:
        return _known(known, caller, manifest)
    period = period_of(manifest)
    _require(may_submit(standing, caller, manifest.dataset, period, manifest.mode, now))
    dataset = standing.agreement.dataset(manifest.dataset)
    if dataset is None:
        raise UnknownAgreement(UNKNOWN)
    check_shape(settings, manifest, dataset)
    check_keys(session, manifest, dataset, sealing, now)
    rights.refuse_again(session, manifest)
    live = series.standing(session, manifest)
    if (same := series.repeated(session, manifest, live)) is not None:
        return Opened(same, created=False, same_content=True)
    _follow(manifest, series.head(session, manifest))
    _require_open_period(session, standing.agreement, manifest, live[-1] if live else None, now)
    require_quota(session, settings, manifest)
    row = _new(manifest, signed, dataset, period, now)
    session.add(row)
    session.flush()
    named = {"upload": row.upload, "dataset": row.dataset, "period": row.period}
    details = {**named, "rows": row.rows, "parts": len(manifest.parts), "manifest": row.manifest_digest}
    _record(session, row, caller, "submission opened", details, now)
    return Opened(row, created=True)


def _known(row: SubmissionRow, caller: str, manifest: Manifest) -> Opened:
    """The submission that an upload id stands for, whatever has become of it."""
    if row.supplier != caller or row.manifest_digest != digest(manifest.document()):
        detail, clause = "this upload id was used for another manifest.", clause_of(manifest, "uploads")
        raise Conflict(detail, remedy="Prepare the extract again.", code="upload-conflict", clause=clause)
    return Opened(row, created=False)


def _follow(manifest: Manifest, head: str | None) -> None:
    if manifest.after != head:
        raise Conflict(
            f"the period {manifest.period} now stands at {head or 'no submission'}, not at the one this follows.",
            remedy="Fetch the contract again and push with its head.",
            code="head-moved",
            clause=clause_of(manifest, "mode"),
            extra={"head": head},
        )


def _require_open_period(session: Session, agreement: Agreement, manifest: Manifest, before: SubmissionRow | None, now: datetime) -> None:
    """Refuse to replace what stands for a closed period, unless it must be sent again under a newer version or linkage epoch.

    Nor is it closed to what is put right there at a person's request: the law that gives the right does not end with the period. And of
    what was destroyed nothing stands.
    """
    dataset = agreement.dataset(manifest.dataset)
    if before is None or dataset is None or before.erased_rows or before.state in (SubmissionState.DISPOSING, SubmissionState.DISPOSED):
        return
    if holdings.renewed(session, before, manifest.version, manifest.epoch):
        return
    if isinstance(refused := may_follow(agreement, dataset, Period.parse(manifest.period), now), Refused):
        raise RefusedByAgreement(refused, code="period-closed")


def _require(decision: Decision) -> None:
    if isinstance(decision, Refused):
        raise UnknownAgreement(decision) if decision is UNKNOWN else RefusedByAgreement(decision)


def _new(manifest: Manifest, signed: Mapping[str, Any], dataset: Dataset, period: Period, now: datetime) -> SubmissionRow:
    identity = f"sub-{secrets.token_hex(12)}"
    return SubmissionRow(
        id=identity,
        key=submission_name(identity),
        upload=manifest.upload,
        supplier=manifest.supplier,
        reference=manifest.reference,
        agreement=manifest.agreement,
        dataset=manifest.dataset,
        period=manifest.period,
        after=manifest.after,
        state=SubmissionState.OPEN,
        rows=manifest.rows,
        rows_digest=manifest.rows_digest,
        sealed_bytes=sealed_bytes(manifest),
        sealing_key=manifest.sealing_key,
        manifest=dict(signed),
        manifest_digest=digest(manifest.document()),
        dispose_on=dispose_on(dataset, period),
        received_at=now,
    )


def find(session: Session, submission: str, caller: str, *, lock: bool = False) -> SubmissionRow:
    """The caller's own submission; anybody else's does not exist."""
    query = select(SubmissionRow).where(SubmissionRow.id == submission, SubmissionRow.supplier == caller)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.execute(query).scalar_one_or_none()
    if row is None:
        raise restored.push_again(session, submission, caller) or _not_yours()
    return row


def standing_of(connection: Connection, submission: str, caller: str) -> RowMapping:
    """How the caller's own submission stands, without its manifest and parts: what clients ask again and again."""
    row = connection.execute(_STANDING, {"submission": submission, "supplier": caller}).mappings().first()
    if (row is None or row["state"] == SubmissionState.LAPSED) and (lost := restored.push_again(connection, submission, caller)):
        raise lost
    if row is None:
        raise _not_yours()
    return row


def _not_yours() -> NotFound:
    return NotFound("there is no submission of yours with this id.", remedy="Check the id with: exchange-agency status")


def manifest_of(row: SubmissionRow) -> Manifest:
    """The manifest of a submission, as it was signed."""
    return Manifest.parse(row.manifest["document"])


def parts_clause(row: SubmissionRow) -> str:
    """How a refusal of a part cites the agreement."""
    return clause_of(manifest_of(row), PARTS)


def lapsed(row: SubmissionRow) -> Conflict:
    """What to say of a submission whose sealing key, or agreement, is gone."""
    detail = "the submission has lapsed: its sealing key was destroyed, its agreement has ended, rows of it were to be erased, or it was withdrawn."
    return Conflict(detail, remedy="Push it again, under the version in force.", code="sealing-key-expired", clause=parts_clause(row))


def missing(row: SubmissionRow) -> list[int]:
    """The numbers of the parts that have not arrived."""
    arrived = {part.number for part in row.parts}
    return [number for number in range(1, len(row.manifest["document"]["parts"]) + 1) if number not in arrived]


def part_name(submission: str, number: int) -> str:
    """The staging object of a sealed part."""
    return f"{submission.removeprefix('sub-')}.{number}.sealed"


def arrived(session: Session, row: SubmissionRow, number: int, sha256: str, size: int, now: datetime) -> bool:
    """Record that a part is durable in staging. False if it had arrived before."""
    if session.get(PartRow, (row.id, number)) is not None:
        return False
    row.parts.append(PartRow(submission=row.id, number=number, sha256=sha256, size=size, arrived_at=now))
    session.flush()
    return True


def lacking(row: SubmissionRow, staging: Store) -> list[int]:
    """The numbers of the parts that are not here: those :func:`missing`, and those that were here and have gone from the disk since."""
    sizes = staging.sizes(f"{row.id.removeprefix('sub-')}.")
    here = {part.number for part in row.parts if sizes.get(part_name(row.id, part.number)) == part.size}
    return [number for number in range(1, len(row.manifest["document"]["parts"]) + 1) if number not in here]


def complete(session: Session, keyring: Keyring, staging: Store, caller: str, submission: str, clock: Clock) -> SubmissionRow:
    """Accept a submission whose parts are all here, if the agreement still allows it at this moment; acknowledge it."""
    # The agreement's row first, then the submission's, then the clock: a suspension is either before this, or waits for it.
    standing = agreements.standing(agreements.by_digest(session, find(session, submission, caller).agreement, lock=True))
    row = find(session, submission, caller, lock=True)
    if row.state == SubmissionState.LAPSED:
        raise lapsed(row)
    if row.state != SubmissionState.OPEN:
        return row
    if away := lacking(row, staging):
        raise Conflict(
            f"{len(away)} part(s) are not here.",
            remedy="Put them, then complete.",
            code="parts-missing",
            clause=parts_clause(row),
            extra={"missing": away[:100]},
        )
    now = moment(session, clock)
    manifest = manifest_of(row)
    _require(may_submit(standing, caller, row.dataset, Period.parse(row.period), manifest.mode, now))
    if standing is not None:
        require_live_key(session, standing.agreement, caller)
    if standing is not None and row.after is not None:
        _require_open_period(session, standing.agreement, manifest, session.get(SubmissionRow, row.after), now)
    row.state, row.completed_at = SubmissionState.COMPLETE, now
    if row.acknowledgement is None:  # one whose parts were lost afterwards has its first and only one
        document = Acknowledgement(row.id, row.upload, row.manifest_digest, rfc3339(now)).document()
        row.acknowledgement = sign_document(
            document, Use.ACKNOWLEDGEMENT, keyring.signing_for("receipts", agreements.of(session, row.agreement))
        )
    session.flush()
    _record(session, row, caller, "submission acknowledged", {"rows": row.rows}, now)
    return row


def reopen(session: Session, submission: str, staging: Store, clock: Clock) -> str:
    """Ask again for the parts of a complete submission that have gone from the disk; returns its state."""
    query = select(SubmissionRow).where(SubmissionRow.id == submission).with_for_update().execution_options(populate_existing=True)
    row = session.execute(query).scalar_one()
    now = moment(session, clock)
    away = lacking(row, staging)
    if row.state == SubmissionState.COMPLETE and away:
        row.state, row.completed_at = SubmissionState.OPEN, None
        session.execute(delete(PartRow).where(PartRow.submission == row.id, PartRow.number.in_(away)))
        session.flush()
        _record(session, row, "hub", "submission reopened", {"lost": len(away)}, now)
    return row.state


def withdraw(session: Session, caller: str, submission: str, clock: Clock) -> SubmissionRow:
    """Let go of a submission that its supplier will not finish, so that it counts no more; what has been completed is not taken back.

    Its sealed parts go when this is durable: whoever asks for it removes them then.
    """
    row = find(session, submission, caller, lock=True)
    if row.state == SubmissionState.LAPSED:
        return row
    if row.state != SubmissionState.OPEN:
        remedy = "What is wrong in it is put right by what follows it: push again."
        detail = f"the submission is {row.state}: only one that is still being sent can be withdrawn."
        raise Conflict(detail, remedy=remedy, code="not-open", clause=parts_clause(row))
    now = moment(session, clock)
    row.state = SubmissionState.LAPSED
    session.flush()
    _record(session, row, caller, "submission withdrawn", {"rows": row.rows}, now)
    return row


def _record(session: Session, row: SubmissionRow, who: str, what: str, details: Mapping[str, Any], now: datetime) -> None:
    more = {"agreement": row.agreement, **details}
    append(session, Event(Operation.COLLECTION, who, row.supplier, row.reference, what, row.id, details=more), now)
