"""What the hub holds, and the only way to read it. Releases see submissions through this module alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.dataset as ds
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.model import Dataset
from exchange.errors import Gone
from exchange.keyring import Keyring, submission_name
from exchange.objects import Objects
from exchange.submissions.tables import HeldPartRow, SubmissionRow, SubmissionState
from keys.errors import KeyDestroyed, UnknownKey
from keys.parquet import decrypting_dataset


@dataclass(frozen=True)
class Batch:
    """One held submission, as a release names its inputs."""

    submission: str
    supplier: str
    dataset: str
    period: str
    rows: int
    rows_digest: str
    dispose_on: date


def live(session: Session, reference: str, dataset: str, periods: Collection[str] | None = None) -> list[Batch]:
    """The submissions that stand now for an agreement's dataset (and these periods), in a fixed order."""
    query = select(SubmissionRow).where(
        SubmissionRow.reference == reference, SubmissionRow.dataset == dataset, SubmissionRow.state == SubmissionState.HELD
    )
    if periods is not None:
        query = query.where(SubmissionRow.period.in_(periods))
    order = (SubmissionRow.supplier, SubmissionRow.period, SubmissionRow.decided_at, SubmissionRow.id)
    return [_batch(row) for row in session.execute(query.order_by(*order)).scalars()]


def _batch(row: SubmissionRow) -> Batch:
    return Batch(row.id, row.supplier, row.dataset, row.period, row.rows, row.rows_digest, row.dispose_on)


def rows(session: Session, keyring: Keyring, held: Objects, batches: Sequence[Batch], dataset: Dataset) -> ds.Dataset:
    """The rows of some batches of one dataset, decrypted as they are read. Gone where a batch's key has been destroyed."""
    files = []
    for batch in batches:
        query = select(HeldPartRow).where(HeldPartRow.submission == batch.submission).order_by(HeldPartRow.number)
        for part in session.execute(query).scalars():
            files.append((held.path(part.object), _key(keyring, batch, part), part.aad))
    if not files:
        return ds.dataset(
            pa.table({name: pa.array([], kind) for name, kind in zip(dataset.schema.names, dataset.schema.types, strict=True)})
        )
    return decrypting_dataset(files, dataset.schema)


def _key(keyring: Keyring, batch: Batch, part: HeldPartRow) -> bytes:
    try:
        return keyring.store.unwrap(submission_name(batch.submission), part.wrapped_key)
    except (KeyDestroyed, UnknownKey) as error:
        raise Gone(f"{batch.submission} has been destroyed: its rows cannot be read by anyone.", code="destroyed") from error
