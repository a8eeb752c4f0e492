"""Taking in: a signed manifest, its sealed parts, and the word that it is complete.

Exactly once. The same upload id gives the same submission; the same content as the period's head gives that head's receipt; anything
else must name the head it follows. Nothing is acknowledged before it is durable.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select
from sqlalchemy.orm import Session

from agreements.decisions import Decision, Refused
from agreements.errors import InvalidPeriod
from agreements.model import Dataset, Standing
from agreements.periods import Period
from agreements.rules import UNKNOWN, dispose_on, known_to, may_submit
from exchange.errors import Conflict, NotFound, RefusedByAgreement, Unacceptable, UnknownAgreement
from exchange.keyring import Keyring, submission_name
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements, linkage, partners
from exchange.settings import Settings
from exchange.submissions import holdings
from exchange.submissions.tables import PartRow, SealingKeyRow, SubmissionRow, SubmissionState
from exchange.times import Clock, rfc3339
from keys.errors import BadFormat, BadSignature
from keys.formats import Acknowledgement, Manifest, digest
from keys.pseudonym import NORMALISER
from keys.sign import Use, sign_document, verify_document

PARTS = "sealed parts"
_AGAIN = "Bring the client up to date, prepare the extract again, and push it."

_ROWS = SubmissionRow.__table__.c
_STANDING = select(_ROWS.id.label("submission"), _ROWS.upload, _ROWS.state, _ROWS.acknowledgement, _ROWS.report, _ROWS.receipt).where(
    _ROWS.id == bindparam("submission"), _ROWS.supplier == bindparam("supplier")
)


@dataclass(frozen=True)
class Opened:
    """What a manifest led to: the submission, and whether it is new or has the same content as one already held."""

    row: SubmissionRow
    created: bool
    same_content: bool = False


def head(session: Session, reference: str, dataset: str, supplier: str, period: str) -> SubmissionRow | None:
    """The submission that now stands for a period: the newest one held."""
    query = select(SubmissionRow).where(
        SubmissionRow.reference == reference,
        SubmissionRow.dataset == dataset,
        SubmissionRow.supplier == supplier,
        SubmissionRow.period == period,
        SubmissionRow.state == SubmissionState.HELD,
    )
    return session.execute(query.order_by(SubmissionRow.decided_at.desc()).limit(1)).scalar_one_or_none()


def heads(session: Session, reference: str, dataset: str, supplier: str) -> dict[str, SubmissionRow]:
    """Period → head, of one supplier's dataset."""
    query = select(SubmissionRow).where(
        SubmissionRow.reference == reference,
        SubmissionRow.dataset == dataset,
        SubmissionRow.supplier == supplier,
        SubmissionRow.state == SubmissionState.HELD,
    )
    return {row.period: row for row in session.execute(query.order_by(SubmissionRow.decided_at)).scalars()}


def open_submission(session: Session, settings: Settings, caller: str, signed: Mapping[str, Any], clock: Clock) -> Opened:
    """Open a submission from its signed manifest, or find the one it repeats."""
    manifest, standing = _verified(session, caller, signed)
    sealing = session.get(SealingKeyRow, manifest.sealing_key, with_for_update={"read": True})
    now = moment(session, clock)  # from here on nobody else opens one: of two equal manifests at once, the second finds the first
    known = session.execute(select(SubmissionRow).where(SubmissionRow.upload == manifest.upload)).scalar_one_or_none()
    if known is not None:
        if known.supplier != caller or known.manifest_digest != digest(manifest.document()):
            detail, clause = "this upload id was used for another manifest.", _clause(manifest, "uploads")
            raise Conflict(detail, remedy="Prepare the extract again.", code="upload-conflict", clause=clause)
        return Opened(known, created=False)
    period = _period(manifest)
    _require(may_submit(standing, caller, manifest.dataset, period, manifest.mode, now))
    dataset = standing.agreement.dataset(manifest.dataset)
    if dataset is None:
        raise UnknownAgreement(UNKNOWN)
    _check_shape(settings, manifest, dataset)
    _check_keys(session, manifest, sealing, now)
    latest = head(session, manifest.reference, manifest.dataset, caller, manifest.period)
    same = latest is not None and (latest.rows_digest, latest.rows) == (manifest.rows_digest, manifest.rows)
    if latest is not None and same and not holdings.renewed(session, latest, manifest.version, manifest.epoch):
        return Opened(latest, created=False, same_content=True)
    if manifest.after != (latest.id if latest else None):
        raise Conflict(
            f"the period {manifest.period} now stands at {latest.id if latest else 'no submission'}, not at the one this follows.",
            remedy="Fetch the contract again and push with its head.",
            code="head-moved",
            clause=_clause(manifest, "mode"),
            extra={"head": latest.id if latest else None},
        )
    row = _new(manifest, signed, dataset, period, now)
    session.add(row)
    session.flush()
    named = {"upload": row.upload, "dataset": row.dataset, "period": row.period}
    details = {**named, "rows": row.rows, "parts": len(manifest.parts), "manifest": row.manifest_digest}
    _record(session, row, caller, "submission opened", details, now)
    return Opened(row, created=True)


def _verified(session: Session, caller: str, signed: Mapping[str, Any]) -> tuple[Manifest, Standing]:
    """The manifest, signed by the caller with the manifest key that the agreement names for it."""
    claimed = signed.get("document")
    claimed = claimed if isinstance(claimed, dict) else {}
    row = agreements.by_digest(session, str(claimed.get("agreement")), lock=True)
    standing = agreements.standing(row)
    if standing is None or not known_to(standing, caller):
        raise UnknownAgreement(UNKNOWN)
    party = standing.agreement.party(caller)
    if party is None or party.keys is None:
        clause = standing.agreement.clause("parties", caller)
        raise RefusedByAgreement(Refused(clause, "the agreement names no manifest key for you.", "Only its suppliers submit."))
    clause = standing.agreement.clause("parties", caller)
    if not partners.is_live(session, party.keys.manifest):
        detail = "your manifest key is not registered, or was revoked."
        raise Unacceptable(detail, remedy="Ask the operator.", code="wrong-key", clause=clause)
    try:
        manifest = Manifest.parse(verify_document(signed, Use.MANIFEST, {party.keys.manifest}))
    except BadSignature as error:
        remedy = f"Sign with the key {party.keys.manifest} that the agreement names."
        raise Unacceptable(f"the manifest's signature does not hold: {error}.", remedy=remedy, code="wrong-key", clause=clause) from error
    except BadFormat as error:
        raise Unacceptable(
            f"the manifest is not of the documented form: {error}.", remedy=_AGAIN, code="bad-manifest", clause=clause
        ) from error
    if (manifest.supplier, manifest.reference, manifest.version) != (caller, standing.agreement.reference, standing.agreement.version):
        detail = "the manifest names another supplier, reference or version than its agreement and token."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-manifest", clause=clause)
    return manifest, standing


def _clause(manifest: Manifest, matter: str) -> str:
    """How a refusal of this submission cites its agreement, as :meth:`Agreement.clause` does."""
    return f"{manifest.reference} version {manifest.version}, dataset {manifest.dataset}, {matter}"


def _require(decision: Decision) -> None:
    if isinstance(decision, Refused):
        raise UnknownAgreement(decision) if decision is UNKNOWN else RefusedByAgreement(decision)


def _period(manifest: Manifest) -> Period:
    try:
        return Period.parse(manifest.period)
    except InvalidPeriod as error:
        raise Unacceptable(str(error), code="bad-manifest", clause=_clause(manifest, "period")) from error


def _check_shape(settings: Settings, manifest: Manifest, dataset: Dataset) -> None:
    names = {field.name for field in dataset.fields}
    if set(manifest.totals) != names:
        detail, remedy = "the manifest's totals must name every agreed field, and no other.", f"Name: {', '.join(sorted(names))}."
        raise Unacceptable(detail, remedy=remedy, code="bad-manifest", clause=_clause(manifest, "fields"))
    too_big = [number for number, part in enumerate(manifest.parts, 1) if part.size > settings.part_bytes or part.rows > settings.part_rows]
    if too_big or len(manifest.parts) > settings.parts:
        remedy = f"At most {settings.parts:,} parts, each of at most {settings.part_bytes:,} bytes and {settings.part_rows:,} rows."
        detail = "the submission or one of its parts is too large."
        raise Unacceptable(detail, remedy=remedy, code="too-large", clause=_clause(manifest, PARTS))


def _check_keys(session: Session, manifest: Manifest, key: SealingKeyRow | None, now: datetime) -> None:
    epoch = linkage.newest_epoch(session, manifest.reference)
    shown = (manifest.epoch, manifest.key_check)
    if epoch is None or (epoch.epoch, epoch.key_check) != shown or manifest.normaliser != NORMALISER:
        raise Unacceptable(
            "the manifest's linkage epoch, key check value or normaliser is not the one in use: its pseudonyms would match nobody's.",
            remedy="Run “exchange-agency keys accept”, bring the client up to date, and push again.",
            code="linkage-mismatch",
            clause=_clause(manifest, "linkage"),
        )
    if key is None or key.destroyed_at is not None or key.expires_at <= now:
        detail, clause = "the sealing key is not one in use.", _clause(manifest, PARTS)
        raise Unacceptable(detail, remedy="Fetch the contract and push again.", code="sealing-key-expired", clause=clause)


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
        raise _not_yours()
    return row


def standing_of(connection: Connection, submission: str, caller: str) -> RowMapping:
    """How the caller's own submission stands, without its manifest and parts: what clients ask again and again."""
    row = connection.execute(_STANDING, {"submission": submission, "supplier": caller}).mappings().first()
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
    return _clause(manifest_of(row), PARTS)


def lapsed(row: SubmissionRow) -> Conflict:
    """What to say of a submission whose sealing key, or agreement, is gone."""
    detail = "the submission has lapsed: the key it was sealed with has been destroyed, or its agreement has ended."
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


def complete(session: Session, keyring: Keyring, caller: str, submission: str, clock: Clock) -> SubmissionRow:
    """Accept a submission whose parts are all here, if the agreement still allows it at this moment; acknowledge it."""
    # The agreement's row first, then the submission's, then the clock: a suspension is either before this, or waits for it.
    standing = agreements.standing(agreements.by_digest(session, find(session, submission, caller).agreement, lock=True))
    row = find(session, submission, caller, lock=True)
    if row.state == SubmissionState.LAPSED:
        raise lapsed(row)
    if row.state != SubmissionState.OPEN:
        return row
    if lacking := missing(row):
        raise Conflict(
            f"{len(lacking)} part(s) have not arrived.",
            remedy="Put them, then complete.",
            code="parts-missing",
            clause=parts_clause(row),
            extra={"missing": lacking[:100]},
        )
    now = moment(session, clock)
    _require(may_submit(standing, caller, row.dataset, Period.parse(row.period), manifest_of(row).mode, now))
    row.state, row.completed_at = SubmissionState.COMPLETE, now
    document = Acknowledgement(row.id, row.upload, row.manifest_digest, rfc3339(now)).document()
    row.acknowledgement = sign_document(document, Use.ACKNOWLEDGEMENT, keyring.signing("receipts"))
    session.flush()
    _record(session, row, caller, "submission acknowledged", {"rows": row.rows}, now)
    return row


def _record(session: Session, row: SubmissionRow, who: str, what: str, details: Mapping[str, Any], now: datetime) -> None:
    more = {"agreement": row.agreement, **details}
    append(session, Event(Operation.COLLECTION, who, row.supplier, row.reference, what, row.id, details=more), now)
