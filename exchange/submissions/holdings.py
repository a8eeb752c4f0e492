"""What the hub holds, and the only way to read it. Releases see submissions through this module alone.

Whoever reads names the version of the agreement under which it reads, and is given rows as that version has them: what was held under
an older one is brought under it (``agreements.carrying``), or refused.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from agreements.carrying import Carried, Way, bring, carry
from agreements.columns import Breaches, merge
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from exchange.errors import Gone, Unacceptable
from exchange.keyring import Keyring
from exchange.objects import Store
from exchange.references import HeldRows, PartReference
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.submissions import holds
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
    """The submissions that stand now for an agreement's dataset (and these periods), in a fixed order; none that is under a legal hold."""
    query = _standing(reference, dataset, periods).where(~holds.under())
    return [_batch(row) for row in session.execute(query).scalars()]


def kept_from(session: Session, reference: str, dataset: str, periods: Collection[str] | None = None) -> list[Batch]:
    """Those that would stand (as :func:`live`) were they not under a legal hold: they feed no release while it lasts."""
    query = _standing(reference, dataset, periods).where(holds.under())
    return [_batch(row) for row in session.execute(query).scalars()]


def under_hold(session: Session, submissions: Collection[str]) -> dict[str, str]:
    """Those of some submissions that a legal hold covers now, each with the id of the hold that stands longest."""
    return {submission: hold.id for submission, hold in holds.held(session, submissions).items()}


def _standing(reference: str, dataset: str, periods: Collection[str] | None) -> Select[SubmissionRow]:
    query = select(SubmissionRow).where(
        SubmissionRow.reference == reference, SubmissionRow.dataset == dataset, SubmissionRow.state == SubmissionState.HELD
    )
    if periods is not None:
        query = query.where(SubmissionRow.period.in_(periods))
    return query.order_by(SubmissionRow.supplier, SubmissionRow.period, SubmissionRow.place, SubmissionRow.id)


def _batch(row: SubmissionRow) -> Batch:
    # What was erased since is no longer there; and by another name, so that whoever read it before finds that it has changed.
    return Batch(
        row.id,
        row.supplier,
        row.dataset,
        row.period,
        row.rows - row.erased_rows,
        row.held_digest or row.rows_digest,
        row.dispose_on,
    )


@dataclass(frozen=True)
class Origin:
    """Under which version of its agreement a submission is held, and under which linkage epoch its pseudonyms were made."""

    agreement: Agreement
    epoch: int


def origins(session: Session, batches: Sequence[Batch]) -> dict[str, Origin]:
    """The origin of each of these submissions, by its id."""
    query = select(SubmissionRow.id, SubmissionRow.manifest, AgreementRow.canonical).join(AgreementRow)
    found = session.execute(query.where(SubmissionRow.id.in_([batch.submission for batch in batches])))
    return {name: Origin(agreements.parsed(words), int(manifest["document"]["epoch"])) for name, manifest, words in found}


def epochs(session: Session, submissions: Collection[str]) -> dict[str, int]:
    """The linkage epoch of each of these submissions, by its id, whether its rows are still held or not."""
    found = session.execute(select(SubmissionRow.id, SubmissionRow.manifest).where(SubmissionRow.id.in_(submissions)))
    return {name: int(manifest["document"]["epoch"]) for name, manifest in found}


def earliest_day(session: Session, submissions: Collection[str]) -> date | None:
    """The first day on which one of these submissions is, or was, to be destroyed; None where there is none."""
    return session.execute(select(func.min(SubmissionRow.dispose_on)).where(SubmissionRow.id.in_(submissions))).scalar_one()


@dataclass(frozen=True)
class Fate:
    """What has become of a submission that something was made from.

    Attributes:
        day: on which its rows, or where they were superseded those that stand in their place, are or were to be destroyed.
        stands: it is held, or was until another took its place.
        rows_digest: of its rows as they are, or were when they were destroyed.
        line: it, and what took its place, in order.
    """

    day: date
    stands: bool
    rows_digest: str
    line: tuple[str, ...]


def fates(session: Session, submissions: Collection[str]) -> dict[str, Fate]:
    """The fate of each of these submissions of which anything is known, by its id."""
    known: dict[str, Any] = {}
    wanted = set(submissions)
    while wanted:
        some = sorted(wanted)[:_AT_ONCE]
        found = session.execute(_FATE.where(SubmissionRow.id.in_(some))).all()
        known.update((row.id, row) for row in found)
        wanted = (wanted | {row.superseded_by for row in found if row.superseded_by}) - set(some) - set(known)
    return {name: _fate(known, name) for name in submissions if name in known}


_AT_ONCE = 500
_STATE = (SubmissionRow.dispose_on, SubmissionRow.state, SubmissionRow.was, SubmissionRow.superseded_by)
_FATE = select(SubmissionRow.id, *_STATE, SubmissionRow.rows_digest, SubmissionRow.held_digest)


def _fate(known: Mapping[str, Any], name: str) -> Fate:
    row, line = known[name], [name]
    while (later := known[line[-1]].superseded_by) in known:
        line.append(later)
    superseded = SubmissionState.SUPERSEDED in (row.state, row.was)
    stands = superseded or row.state == SubmissionState.HELD
    return Fate(known[line[-1]].dispose_on, stands, row.held_digest or row.rows_digest, tuple(line))


def renewed(session: Session, row: SubmissionRow, version: int, epoch: int) -> bool:
    """Whether the rows of a submission, sent again, would be held under a newer version of the agreement or linkage epoch than they are."""
    under = session.get_one(AgreementRow, row.agreement).version
    return version > under or epoch > int(row.manifest["document"]["epoch"])


File = tuple[str | Path, bytes, str]
"""A held part: where it lies, its data key, and what it is bound to."""


@dataclass(frozen=True)
class _Older:
    """A batch that is to be brought under the version that reads it: how each field comes, and the schema it is held in."""

    batch: Batch
    version: int
    ways: tuple[Carried, ...]
    schema: pa.Schema


def rows(session: Session, keyring: Keyring, held: Store, batches: Sequence[Batch], agreement: Agreement, dataset: Dataset) -> ds.Dataset:
    """The rows of some batches of one dataset, as this version of the agreement has them; fields that it does not name are not read.

    Rows held under this version, or whose fields are the same, are decrypted as they are read. Where a rule has become narrower it is
    applied here, in memory, and what comes of it is checked as at the hub's door before anything else sees it.

    Raises:
        Gone: a batch's key has been destroyed.
        Unacceptable: rows held under an older version cannot be brought under this one.
    """
    changed = _changed(session, batches, agreement, dataset)
    files = [file for batch in batches if batch.submission not in changed for file in _files(session, keyring, held, batch)]
    parts = [decrypting_dataset(files, dataset.schema, filesystem=held.filesystem)] if files else []
    if changed:
        sources = {name: list(_files(session, keyring, held, one.batch)) for name, one in changed.items()}
        parts.append(ds.dataset(_brought(held, agreement, dataset, changed, sources)))
    if not parts:
        return ds.dataset(dataset.schema.empty_table())
    return parts[0] if len(parts) == 1 else ds.UnionDataset(dataset.schema, parts)


def referred(session: Session, keyring: Keyring, held: Store, batches: Sequence[Batch], agreement: Agreement, dataset: Dataset) -> HeldRows:
    """The same rows by reference: no key is opened but those of rows that must be brought under this version. Raises as :func:`rows`."""
    changed = _changed(session, batches, agreement, dataset)
    parts = []
    for batch in batches:
        if batch.submission not in changed:
            found = session.execute(_PARTS.where(HeldPartRow.submission == batch.submission).order_by(HeldPartRow.number)).all()
            if any(keyring.store.destroyed(key) for key in {key for _, key in found}):
                raise Gone(f"{batch.submission} has been destroyed: its rows cannot be read by anyone.", code="destroyed")
            parts += [PartReference(part.object, key, part.wrapped_key, part.aad, part.rows) for part, key in found]
    sources = {name: list(_files(session, keyring, held, one.batch)) for name, one in changed.items()}
    return HeldRows(dataset.schema, tuple(parts), _brought(held, agreement, dataset, changed, sources) if changed else None)


def _changed(session: Session, batches: Sequence[Batch], agreement: Agreement, dataset: Dataset) -> dict[str, _Older]:
    """Of the batches held under an older version those whose rows must be brought under this one. Unacceptable where some cannot be."""
    came = origins(session, batches)
    older = [
        _Older(batch, under.version, carry(before, dataset), before.schema if before else dataset.schema)
        for batch in batches
        if (under := came[batch.submission].agreement).digest != agreement.digest
        for before in (under.dataset(batch.dataset),)
    ]
    _require_carried(agreement, dataset, older)
    return {one.batch.submission: one for one in older if any(way.way is not Way.AS_IS for way in one.ways)}


_PARTS = select(HeldPartRow, SubmissionRow.key).join(SubmissionRow)


def _files(session: Session, keyring: Keyring, held: Store, batch: Batch) -> Iterator[File]:
    for part, key in session.execute(_PARTS.where(HeldPartRow.submission == batch.submission).order_by(HeldPartRow.number)):
        yield held.place(part.object), _data_key(keyring, key, part), part.aad


def _require_carried(agreement: Agreement, dataset: Dataset, older: Sequence[_Older]) -> None:
    """One refusal for all that cannot be carried, whatever it holds."""
    stuck = [one for one in older if any(way.way is Way.NOT for way in one.ways)]
    if stuck:
        reasons = {way.name: way.reason for one in stuck for way in one.ways if way.way is Way.NOT}
        raise _refusal(agreement, dataset, stuck, reasons)


def _brought(
    held: Store, agreement: Agreement, dataset: Dataset, older: Mapping[str, _Older], sources: Mapping[str, Sequence[File]]
) -> pa.Table:
    made: list[pa.RecordBatch] = []
    faults: dict[str, Breaches] = {}
    for name, one in older.items():
        schema = pa.schema([one.schema.field(way.name) for way in one.ways])
        for batch in decrypting_dataset(sources[name], schema, filesystem=held.filesystem).to_batches() if sources[name] else ():
            rows_now, breaches = bring(batch, one.ways, dataset, Period.parse(one.batch.period))
            made.append(rows_now)
            if breaches:
                merge(faults.setdefault(name, {}), breaches)
    if faults:
        every: Breaches = {}
        for breaches in faults.values():
            merge(every, breaches)
        reasons = {place: f"{count:,} row{'s are' if count != 1 else ' is'} not as it asks" for place, (_, _, count) in every.items()}
        raise _refusal(agreement, dataset, [older[name] for name in faults], reasons)
    return pa.Table.from_batches(made, schema=dataset.schema)


def _refusal(agreement: Agreement, dataset: Dataset, older: Sequence[_Older], reasons: Mapping[str, str]) -> Unacceptable:
    periods = ", ".join(sorted({one.batch.period for one in older})[:_MOST])
    versions = " and ".join(str(version) for version in sorted({one.version for one in older}))
    ids = [one.batch.submission for one in older]
    fields = "; ".join(f"{place} ({reason})" for place, reason in reasons.items())
    suppliers = ", ".join(sorted({one.batch.supplier for one in older}))
    named = [f"field {next(iter(reasons)).partition(':')[0]}"] if len(reasons) == 1 else []
    return Unacceptable(
        f"the rows of {dataset.name} of {suppliers} for {periods} ({', '.join(ids[:_MOST])}{' …' if len(ids) > _MOST else ''}) were held under "
        f"version {versions}, of which this cannot be brought under version {agreement.version}: {fields}.",
        remedy=f"Push them again under version {agreement.version}.",
        code="held-under-older-version",
        clause=agreement.clause(f"dataset {dataset.name}", *named),
    )


_MOST = 12


def _data_key(keyring: Keyring, key: str, part: HeldPartRow) -> bytes:
    try:
        return keyring.store.unwrap(key, part.wrapped_key)
    except (KeyDestroyed, UnknownKey) as error:
        raise Gone(f"{part.submission} has been destroyed: its rows cannot be read by anyone.", code="destroyed") from error
