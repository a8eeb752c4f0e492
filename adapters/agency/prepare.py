"""The story of what leaves an agency: extract → minimise → conform → seal, in one reading of the file, for every agreement it serves.

Nothing is sent from here. Nothing reaches the spool but sealed parts: rows are minimised and checked before they are sealed, and one
row at fault throws the whole upload away.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from adapters.agency.agreements_store import Verified
from adapters.agency.contract import Contract, Linkage
from adapters.agency.exclusions import Excluded
from adapters.agency.parts import Binding, Sealed, Sealer
from adapters.agency.spool import Upload, begin
from adapters.doubts import Doubts
from adapters.errors import ConfigError, LeakStopped, NotThisEncoding, ValidationFailed
from adapters.source import Seen, Source, wanted_fields
from agreements.codes import CodeList
from agreements.columns import Breaches, conform, merge, minimise
from agreements.detectors import DETECTORS
from agreements.errors import RowsAtFault, UnknownCodeList
from agreements.fields import Means, Pseudonymise, PseudonymiseRule
from agreements.model import Dataset
from agreements.periods import Period
from keys.errors import BadIdentifier
from keys.formats import FORMAT, Manifest
from keys.pseudonym import NORMALISER, pseudonym_key, pseudonymise
from keys.sign import SigningKey, Use, sign_document

_LEAKS = tuple(f"must not look like {kind}" for kind in DETECTORS)


@dataclass(frozen=True)
class Target:
    """One agreement that an extract serves.

    Attributes:
        secret: the linkage secret; None where the dataset holds no pseudonym.
        after: the period's head at the hub, if there is one.
        excluded: whose rows are left out; None where nobody's are.
    """

    verified: Verified
    contract: Contract
    period: Period
    linkage: Linkage
    secret: bytes | None
    after: str | None
    excluded: Excluded | None = None

    @property
    def dataset(self) -> Dataset:
        """The dataset as the agreement has it."""
        return self.contract.dataset

    @property
    def clause(self) -> str:
        """How refusals cite it."""
        return self.verified.agreement.clause(f"dataset {self.dataset.name}")


@dataclass(frozen=True)
class Work:
    """Where and with what an agency prepares.

    ``left_out`` is told how many rows the exclusion list kept back, where it did; ``doubtful`` what the extract leaves doubtful.
    """

    party: str
    spool: Path
    lists: Mapping[str, CodeList]
    key: SigningKey
    now: Callable[[], datetime]
    left_out: Callable[[Target, int], None] = lambda *_: None
    doubtful: Callable[[Doubts], None] = lambda _: None


def prepare(
    source: Source, path: Path, targets: Sequence[Target], work: Work, *, nil: bool = False, seen: Seen | None = None
) -> list[Upload]:
    """Read the extract once and leave one whole upload a target in the spool, or nothing at all.

    Args:
        nil: whether an extract without rows is meant; one that is not meant is refused, for it would replace what is held by nothing.
        seen: told (bytes read, bytes in all).
    Raises:
        ValidationFailed: rows do not keep to the source or the agreement; carries row numbers and rules.
        LeakStopped: kept text looks like an identifier.
        ConfigError: a code list is missing or is not the one agreed.
    """
    for target in targets:
        source.require(target.dataset, target.clause)
    for encoding in source.encodings:
        try:
            return _prepare(source, path, targets, work, encoding=encoding, nil=nil, seen=seen)
        except NotThisEncoding:
            if encoding == source.encodings[-1]:
                raise
    return []


def _prepare(
    source: Source, path: Path, targets: Sequence[Target], work: Work, *, encoding: str, nil: bool, seen: Seen | None
) -> list[Upload]:
    wanted = frozenset[str]().union(*(wanted_fields(target.dataset) for target in targets))
    uploads, doubts = [_begin(target, work.spool) for target in targets], Doubts()
    try:
        with ExitStack() as threads:
            lines = [
                _Line(target, threads.enter_context(_sealer(target, upload, work.party)), work.lists)
                for target, upload in _pairs(targets, uploads)
            ]
            for batch in source.extract(path, wanted, encoding=encoding, seen=seen, doubts=doubts):
                for line in lines:
                    line.take(batch)
            sealed = [line.finish(path, nil=nil) for line in lines]
        work.doubtful(doubts)
        for line in lines:
            if line.left_out:
                work.left_out(line.target, line.left_out)
        for target, upload, done in zip(targets, uploads, sealed, strict=True):
            upload.write_manifest(sign_document(manifest(target, upload, done, work).document(), Use.MANIFEST, work.key))
    except BaseException:
        for upload in uploads:
            upload.discard()
        raise
    return uploads


def manifest(target: Target, upload: Upload, sealed: Sealed, work: Work) -> Manifest:
    """What the supplier says it sends."""
    agreement = target.verified.agreement
    return Manifest(
        format=FORMAT,
        upload=upload.id,
        supplier=work.party,
        reference=agreement.reference,
        version=agreement.version,
        agreement=agreement.digest,
        dataset=target.dataset.name,
        period=target.period.name,
        mode=str(target.dataset.mode),
        after=target.after,
        epoch=target.linkage.epoch,
        normaliser=NORMALISER,
        key_check=target.linkage.key_check,
        sealing_key=target.contract.sealing_key.id,
        rows=sealed.rows,
        totals=sealed.totals,
        rows_digest=sealed.rows_digest,
        parts=sealed.parts,
        created=work.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def means(target_reference: str, epoch: int, secret: bytes | None, lists: Mapping[str, CodeList], kinds: Collection[str]) -> Means:
    """What the field rules need: pseudonyms under the partnership's secret, and the code lists at hand."""
    keys = {kind: pseudonym_key(secret, target_reference, kind, epoch) for kind in kinds} if secret is not None else {}
    pseudonyms: Pseudonymise = lambda column, kind: pseudonymise(column, kind, keys[kind])  # noqa: E731 - one expression, closed over the keys
    return Means(pseudonyms, lists)


def pseudonym_fields(dataset: Dataset) -> dict[str, str]:
    """Field name → kind, of every field that is a pseudonym."""
    return {field.name: field.rule.kind for field in dataset.fields if isinstance(field.rule, PseudonymiseRule)}


def minimised(
    batch: pa.RecordBatch, dataset: Dataset, with_means: Means, period: Period, first: int
) -> tuple[pa.RecordBatch | None, Breaches]:
    """A batch as it may leave, and where it breaks the agreement. No batch where identifiers have not the form of their kind."""
    try:
        kept = minimise(batch, dataset, with_means)
    except BadIdentifier as error:
        named = " or ".join(name for name, kind in pseudonym_fields(dataset).items() if kind == error.kind)
        return None, {named: (f"must be an identifier of kind {error.kind}", [row + first for row in error.rows[:20]], error.count)}
    except UnknownCodeList as error:
        raise ConfigError(f"{error}", remedy="Set “codes” in agency.toml to the folder that holds the agreed lists.") from None
    return kept, conform(kept, dataset, period, first)


def refuse_breaches(breaches: Breaches, name: str, clause: str) -> None:
    """Raise what stops an extract with breaches: LeakStopped if any looks like an identifier, else ValidationFailed."""
    if not breaches:
        return
    found = RowsAtFault(breaches)
    leak = any(rule in _LEAKS for rule, _, _ in breaches.values())
    raise (LeakStopped if leak else ValidationFailed)(
        f"{name}: {found}.",
        why=f"{clause}.",
        remedy="Nothing was sent. Correct the extract; exchange-agency check shows each field's rule.",
        report=found.report(),
    )


@dataclass
class _Line:
    """One target's way through the reading: minimise, check, seal; after the first row at fault only check."""

    target: Target
    sealer: Sealer
    lists: Mapping[str, CodeList]
    rows: int = 0
    left_out: int = 0
    breaches: Breaches = field(default_factory=dict)

    def __post_init__(self) -> None:
        kinds = set(pseudonym_fields(self.target.dataset).values())
        reference = self.target.verified.agreement.reference
        self._means = means(reference, self.target.linkage.epoch, self.target.secret, self.lists, kinds)

    def take(self, batch: pa.RecordBatch) -> None:
        kept, found = minimised(batch, self.target.dataset, self._means, self.target.period, self.rows)
        merge(self.breaches, found)
        self.rows += batch.num_rows
        if kept is not None and not self.breaches:
            self.sealer.add(self._without_excluded(batch, kept))

    def _without_excluded(self, batch: pa.RecordBatch, kept: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that may leave, of those that are in order: row numbers in reports are those of the extract."""
        theirs = self.target.excluded.mask(batch) if self.target.excluded else None
        if theirs is None:
            return kept
        rest = kept.filter(pc.invert(theirs))
        self.left_out += kept.num_rows - rest.num_rows
        return rest

    def finish(self, path: Path, *, nil: bool) -> Sealed:
        refuse_breaches(self.breaches, path.name, self.target.clause)
        if (self.rows == 0) != nil:
            raise ValidationFailed(
                f"{path.name} has {'no rows' if not nil else f'{self.rows:,} rows, and --nil was said'}.",
                why="A nil return says that there was nothing in the period, and replaces what was held.",
                remedy="If it is so, say --nil." if not nil else "Leave --nil out.",
            )
        return self.sealer.finish()


def _begin(target: Target, spool: Path) -> Upload:
    agreement = target.verified.agreement
    return begin(
        spool,
        reference=agreement.reference,
        version=agreement.version,
        dataset=target.dataset.name,
        period=target.period.name,
        seal_until=target.contract.sealing_key.expires,
    )


def _sealer(target: Target, upload: Upload, party: str) -> Sealer:
    return Sealer(target.contract, upload, Binding(target.verified.agreement.digest, target.dataset.name, party, upload.id))


def _pairs(targets: Sequence[Target], uploads: Sequence[Upload]) -> Iterator[tuple[Target, Upload]]:
    return zip(targets, uploads, strict=True)
