"""Retention: on its day a submission's key is destroyed, and with it every copy of its rows, backups included.

Three steps, each safe to repeat: the intention is logged, the key is destroyed, the certificate is signed and logged. A crash between them is
finished by the next run. The row stays without its data, so that a repeat of it is still recognised.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from exchange.db import reading, writing
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append
from exchange.submissions import intake
from exchange.submissions.process import Places
from exchange.submissions.tables import HeldPartRow, PartRow, SubmissionRow, SubmissionState
from exchange.times import rfc3339
from keys.sign import Use, sign_document

ENDED = (SubmissionState.DISPOSED, SubmissionState.LAPSED)


def due(session: Session, on: date) -> list[SubmissionRow]:
    """Submissions whose day has come, earliest first."""
    query = select(SubmissionRow).where(SubmissionRow.dispose_on <= on, SubmissionRow.state.not_in(ENDED))
    return list(session.execute(query.order_by(SubmissionRow.dispose_on, SubmissionRow.id)).scalars())


def dispose(engine: Engine, keyring: Keyring, places: Places, submission: str, now: datetime) -> dict[str, Any]:
    """Destroy one submission; returns the signed certificate of destruction."""
    with writing(engine) as session:
        row = session.get_one(SubmissionRow, submission, with_for_update=True)
        if row.certificate is not None:
            return row.certificate
        if row.state != SubmissionState.DISPOSING:
            row.state = SubmissionState.DISPOSING
            session.flush()
            _record(session, row, "disposal begun", now)
    with reading(engine) as session:
        row = session.get_one(SubmissionRow, submission)
        sealed = [intake.part_name(row.id, part.number) for part in row.parts]
        held = [part.object for part in row.held]
    keyring.store.destroy(row.key)
    for objects, names in ((places.staging, sealed), (places.held, held)):
        for name in names:
            objects.delete(name)
    with writing(engine) as session:
        row = session.get_one(SubmissionRow, submission, with_for_update=True)
        if row.certificate is not None:
            return row.certificate  # another process finished it meanwhile
        certificate = _certificate(keyring, row, now)
        for table in (HeldPartRow, PartRow):
            session.execute(delete(table).where(table.submission == row.id))
        row.state, row.certificate = SubmissionState.DISPOSED, certificate
        session.flush()
        _record(session, row, "submission destroyed", now)
    return certificate


def _certificate(keyring: Keyring, row: SubmissionRow, now: datetime) -> dict[str, Any]:
    document = {
        "format": 1,
        "submission": row.id,
        "supplier": row.supplier,
        "reference": row.reference,
        "dataset": row.dataset,
        "period": row.period,
        "due": row.dispose_on.isoformat(),
        "destroyed": rfc3339(now),
        "method": "the only key to the rows was destroyed; objects and rows were deleted",
        "key": row.key,
    }
    return sign_document(document, Use.CERTIFICATE, keyring.signing("receipts"))


def _record(session: Session, row: SubmissionRow, what: str, now: datetime) -> None:
    details = {"dataset": row.dataset, "period": row.period, "due": row.dispose_on.isoformat(), "agreement": row.agreement}
    append(session, Event(Operation.ERASURE, "hub", row.supplier, row.reference, what, row.id, details=details), now)
