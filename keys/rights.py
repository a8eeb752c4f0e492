"""Requests about a person's rights: what a supplier asks of the hub by pseudonym, and the hub's receipt. Members: docs/formats.md."""

import hashlib
import itertools
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated

from keys.documents import (
    Base64,
    Count,
    Day,
    Document,
    Hex16,
    Hex32,
    Instant,
    Name,
    Names,
    OptionalName,
    OptionalSentence,
    Period,
    Positive,
    Sentence,
    Sha256,
    integer,
    items,
    one_of,
)
from keys.encoding import framed
from keys.errors import BadFormat
from keys.pseudonym import WIDTH

FORMAT = 1
MOST = 10_000  # pseudonyms in one request
RIGHTS = ("access", "rectification", "erasure", "restriction", "objection")

Format = Annotated[int, integer(FORMAT, FORMAT)]
RightName = Annotated[str, one_of(*RIGHTS)]
_ENTRY = struct.Struct(f">I{WIDTH}s")


@dataclass(frozen=True)
class Epoch(Document):
    """A linkage epoch under which the request holds pseudonyms, and the check value of the secret that made them."""

    epoch: Count
    key_check: Hex16


@dataclass(frozen=True)
class RightsRequest(Document):
    """What a supplier asks about its own rows: signed with `Use.RIGHTS_REQUEST` by the supplier's manifest key."""

    format: Format
    request: Hex32
    supplier: Name
    reference: Name
    version: Positive
    agreement: Sha256
    right: RightName
    kind: Name
    datasets: Names
    normaliser: Positive
    epochs: Annotated[tuple[Epoch, ...], items(Epoch)]
    sealing_key: Name
    sealed: Base64
    created: Instant

    def __post_init__(self) -> None:
        super().__post_init__()
        for member, found in (("datasets", self.datasets), ("epochs", [one.epoch for one in self.epochs])):
            if not found or len(set(found)) < len(found):
                raise BadFormat(f"{member}: empty, or one of them twice")


@dataclass(frozen=True)
class Ground(Document):
    """By which clause, and which provision of law, the right is exercised over a dataset."""

    dataset: Name
    clause: Name
    law: Name


@dataclass(frozen=True)
class BatchChanged(Document):
    """A submission in which rows were found, and unless only access was asked for removed.

    `left` rows remain under the key named `key`, and `rows_digest` is by what editions name the submission from now on.
    """

    submission: Name
    dataset: Name
    period: Period
    state: Annotated[str, one_of("held", "superseded")]
    rows: Positive
    left: Count
    rows_digest: Sha256
    key: Name
    replaced: OptionalName
    dispose_on: Day


@dataclass(frozen=True)
class Deferred(Document):
    """A submission that was left as it is, the clause, and why."""

    submission: Name
    dataset: Name
    period: Period
    clause: Name
    reason: Sentence


@dataclass(frozen=True)
class Series(Document):
    """A period that is to be pushed again."""

    dataset: Name
    period: Period


@dataclass(frozen=True)
class EditionAffected(Document):
    """An edition made from such submissions, how many of its records are concerned, and why publishing it again would itself disclose."""

    edition: Name
    release: Name
    first_period: Period
    last_period: Period
    state: Annotated[str, one_of("published", "awaiting-check", "dropped", "withdrawn")]
    records: Count
    warning: OptionalSentence


@dataclass(frozen=True)
class RightsReceipt(Document):
    """What the hub did: signed with `Use.RIGHTS_RECEIPT` by its receipts key. `asked` is the digest of the request."""

    format: Format
    request: Hex32
    asked: Sha256
    supplier: Name
    reference: Name
    version: Positive
    agreement: Sha256
    right: RightName
    kind: Name
    grounds: Annotated[tuple[Ground, ...], items(Ground)]
    searched: Count
    rows: Count
    batches: Annotated[tuple[BatchChanged, ...], items(BatchChanged)]
    deferred: Annotated[tuple[Deferred, ...], items(Deferred)]
    push_again: Annotated[tuple[Series, ...], items(Series)]
    recipients: Names
    editions: Annotated[tuple[EditionAffected, ...], items(EditionAffected)]
    decided: Instant

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum(batch.rows for batch in self.batches) != self.rows:
            raise BadFormat("rows: not the sum of the rows of the batches")


def pack(pseudonyms: Mapping[int, Collection[bytes]]) -> bytes:
    """What a request seals: for each epoch from the lowest, its pseudonyms in order, each as u32 epoch (big-endian) ‖ 16 bytes."""
    entries = [(epoch, value) for epoch, values in pseudonyms.items() for value in set(values)]
    if not 0 < len(entries) <= MOST or any(len(value) != WIDTH for _, value in entries):
        raise BadFormat(f"a request holds 1 to {MOST} pseudonyms of {WIDTH} bytes")
    return b"".join(_ENTRY.pack(epoch, value) for epoch, value in sorted(entries))


def unpack(plain: bytes) -> dict[int, frozenset[bytes]]:
    """The reverse of `pack`; BadFormat if it is anything that `pack` would not have written."""
    if not plain or len(plain) % _ENTRY.size or len(plain) > MOST * _ENTRY.size:
        raise BadFormat("sealed: not a list of pseudonyms")
    entries: list[tuple[int, bytes]] = list(_ENTRY.iter_unpack(plain))
    if any(one >= other for one, other in itertools.pairwise(entries)):
        raise BadFormat("sealed: pseudonyms not in order, or one of them twice")
    found: dict[int, set[bytes]] = {}
    for epoch, value in entries:
        found.setdefault(epoch, set()).add(value)
    return {epoch: frozenset(values) for epoch, values in found.items()}


def digest_after(before: str, request: str, rows: int) -> str:
    """By what a submission's rows are named once `rows` of them were removed at a request: bound to the name before, and so to the manifest."""
    return "sha256:" + hashlib.sha256(framed("LCJP-Exchange rows after erasure v1", before, request, rows)).hexdigest()
