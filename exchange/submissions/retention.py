"""Retention: on its day a submission's key is destroyed, and with it every copy of its rows, backups included.

Four steps, each safe to repeat: the intention is logged; the key is destroyed, and sealed parts that another key could open are removed;
the certificate is signed and logged; what is left, which nobody can read, is cleared away. A crash between them is finished by the next
run. Nothing before the last step depends on how large the submission is. The row stays without its data, so that a repeat is recognised.

Held rows are destroyed on their day, unless a legal hold covers them. Of what was refused, repeats another or has lapsed nothing was held: what remains of
it (a key, sealed parts) is destroyed and certified at once, and it goes on being called so.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, func, null, or_, select, update
from sqlalchemy.orm import Session, defer

from agreements.model import Agreement
from exchange.db import reading, writing
from exchange.errors import Conflict
from exchange.keyring import Keyring
from exchange.log import record
from exchange.log.record import Event, Operation, append
from exchange.objects import Places
from exchange.register import agreements
from exchange.submissions import holds
from exchange.submissions.rights_tables import ReplacedKeyRow
from exchange.submissions.tables import HeldPartRow, PartRow, SubmissionRow, SubmissionState
from exchange.times import rfc3339
from keys.formats import Certificate
from keys.sign import Use, sign_document

NEVER_HELD = (SubmissionState.REFUSED, SubmissionState.LAPSED, SubmissionState.REPEATED)
_METHOD = "the only key to the rows was destroyed; sealed parts were removed; what is left is unreadable to anyone, and is cleared away"


def wanted(on: date) -> ColumnElement[bool]:
    """As part of a query about submissions: to be destroyed by this day, a legal hold apart."""
    reached = or_(SubmissionRow.dispose_on <= on, SubmissionRow.state.in_((*NEVER_HELD, SubmissionState.DISPOSING)))
    return SubmissionRow.certificate.is_(None) & (SubmissionRow.state != SubmissionState.DISPOSED) & reached


def due(session: Session, on: date) -> list[SubmissionRow]:
    """Submissions to be destroyed now, if this is the day, those that were due first at the beginning; what is under a legal hold waits."""
    ready = wanted(on) & or_(~holds.under(), SubmissionRow.state == SubmissionState.DISPOSING)
    query = select(SubmissionRow).where(ready).options(defer(SubmissionRow.manifest))
    return list(session.execute(query.order_by(SubmissionRow.dispose_on, SubmissionRow.id)).scalars())


def uncleared(session: Session) -> list[str]:
    """Destroyed submissions of which something unreadable is still there: a crash came before the last step."""
    left = [select(table.submission) for table in (HeldPartRow, PartRow)]
    query = select(SubmissionRow.id).where(SubmissionRow.certificate.is_not(None), or_(*(SubmissionRow.id.in_(one) for one in left)))
    return list(session.execute(query.order_by(SubmissionRow.id)).scalars())


def dispose(engine: Engine, keyring: Keyring, places: Places, submission: str, now: datetime) -> dict[str, Any]:
    """Destroy one submission; returns the signed certificate of destruction. Conflict if a legal hold covers it."""
    certificate, keys = _begin(engine, submission, now)
    if certificate is None:
        for key in keys:
            keyring.store.destroy(key)
        places.staging.remove(places.staging.beginning(_stem(submission)))
        certificate = _certify(engine, keyring, submission, now)
    clear(engine, places, submission)
    return certificate


def _begin(engine: Engine, submission: str, now: datetime) -> tuple[dict[str, Any] | None, list[str]]:
    """Log the intention; from here on no release sees it. The certificate, if it has been destroyed already; and the names of its keys."""
    with writing(engine) as session:
        row = _locked(session, submission)
        if row.certificate is not None or row.state == SubmissionState.DISPOSING:
            return row.certificate, _keys(session, row)
        record.hold(session)  # nobody places a hold from here on
        if (held := holds.on(session, row)) is not None:
            raise under_hold(row, held)
        if row.state not in NEVER_HELD:
            row.was, row.state = row.state, SubmissionState.DISPOSING
            session.flush()
            _record(session, row, "disposal begun", {}, now)
        return None, _keys(session, row)


def _keys(session: Session, row: SubmissionRow) -> list[str]:
    """Its key; and those that an erasure has replaced and not destroyed yet."""
    replaced = select(ReplacedKeyRow.key).where(ReplacedKeyRow.submission == row.id, ReplacedKeyRow.done_at.is_(None))
    return [row.key, *session.execute(replaced.order_by(ReplacedKeyRow.key)).scalars()]


def _certify(engine: Engine, keyring: Keyring, submission: str, now: datetime) -> dict[str, Any]:
    with writing(engine) as session:
        row = _locked(session, submission)
        if row.certificate is not None:
            return row.certificate  # another process finished it meanwhile
        counted = {table: _count(session, table, submission) for table in (PartRow, HeldPartRow)}
        delayed = [one.id for one in holds.delaying(session, row)]
        certificate = _certificate(
            keyring, agreements.of(session, row.agreement), row, {"sealed": counted[PartRow], "held": counted[HeldPartRow]}, delayed, now
        )
        row.certificate = certificate
        if row.state not in NEVER_HELD:
            row.state = SubmissionState.DISPOSED
            row.report = null()  # counts that its rows showed go with them
        session.flush()
        _record(session, row, "submission destroyed", {"was": row.was or row.state, "delayed by": delayed}, now)
    return certificate


def clear(engine: Engine, places: Places, submission: str) -> None:
    """Clear away what is left of a submission that has been destroyed: encrypted objects first, for good, then what the database says of them."""
    stem = _stem(submission)
    with reading(engine) as session:
        named = select(HeldPartRow.object).where(HeldPartRow.submission == submission)
        held = {*session.execute(named).scalars(), *places.held.beginning(stem)}
        if not held and not _count(session, PartRow, submission):
            return
    places.held.remove(held)
    with writing(engine) as session:
        for table in (HeldPartRow, PartRow):
            session.execute(delete(table).where(table.submission == submission))


def spent(on: date) -> ColumnElement[bool]:
    """As part of a query about submissions: refused, and the quality report on it has had its day."""
    return SubmissionRow.certificate.is_not(None) & SubmissionRow.report.is_not(None) & (SubmissionRow.dispose_on <= on)


def forget_reports(engine: Engine, on: date, now: datetime) -> list[str]:
    """Empty the quality reports on what was refused, on the day on which its rows would have gone had they been held; the ids."""
    with reading(engine) as session:
        found = list(session.execute(select(SubmissionRow.id).where(spent(on)).order_by(SubmissionRow.id)).scalars())
    for submission in found:
        with writing(engine) as session:
            row = _locked(session, submission)
            session.execute(update(SubmissionRow).where(SubmissionRow.id == submission).values(report=null()))
            _record(session, row, "quality report destroyed", {}, now)
    return found


def under_hold(row: SubmissionRow, held: holds.Hold) -> Conflict:
    """The refusal to destroy what a legal hold covers."""
    return Conflict(
        f"{row.id} is under legal hold {held.id} until {held.until.isoformat()}: it is not destroyed meanwhile.",
        remedy="It is destroyed by itself when the hold ends; lift it with: exchange retention lift",
        code="under-hold",
        clause=f"{row.reference}, dataset {row.dataset}, retention",
    )


def _stem(submission: str) -> str:
    """How the names of all objects of a submission begin."""
    return f"{submission.removeprefix('sub-')}."


def _locked(session: Session, submission: str) -> SubmissionRow:
    """The row, locked, without its manifest: that has a line for each part."""
    query = select(SubmissionRow).where(SubmissionRow.id == submission).with_for_update().options(defer(SubmissionRow.manifest))
    return session.execute(query.execution_options(populate_existing=True)).scalar_one()


def _count(session: Session, table: type[PartRow] | type[HeldPartRow], submission: str) -> int:
    return session.execute(select(func.count()).select_from(table).where(table.submission == submission)).scalar_one()


def _certificate(
    keyring: Keyring, agreement: Agreement, row: SubmissionRow, parts: dict[str, int], delayed: Collection[str], now: datetime
) -> dict[str, Any]:
    """Ids, digests, counts and dates; nothing of the rows. The manifest's digest is of random bytes too, so it tells nothing of its content."""
    certificate = Certificate(
        format=1,
        submission=row.id,
        supplier=row.supplier,
        reference=row.reference,
        agreement=row.agreement,
        dataset=row.dataset,
        period=row.period,
        manifest=row.manifest_digest,
        was=row.was or row.state,
        rows=row.rows - row.erased_rows,
        parts=parts,
        due=row.dispose_on.isoformat(),
        delayed_by=tuple(sorted(delayed)),
        destroyed=rfc3339(now),
        method=_METHOD,
        key=row.key,
    )
    return sign_document(certificate.document(), Use.CERTIFICATE, keyring.signing_for("receipts", agreement))


def _record(session: Session, row: SubmissionRow, what: str, more: dict[str, Any], now: datetime) -> None:
    details = {"dataset": row.dataset, "period": row.period, "due": row.dispose_on.isoformat(), "agreement": row.agreement}
    append(session, Event(Operation.ERASURE, "hub", row.supplier, row.reference, what, row.id, details={**details, **more}), now)
