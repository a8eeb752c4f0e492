"""Requests that two pseudonyms be taken for one person's, or never be: what a supplier says of records that it knows. Members: docs/formats.md."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated

from keys.documents import Base64, Document, Hex32, Instant, Name, Positive, Sha256, integer, items, one_of
from keys.errors import BadFormat
from keys.rights import Epoch, pack, unpack

FORMAT = 1
ACTIONS = ("join", "split")

Format = Annotated[int, integer(FORMAT, FORMAT)]
ActionName = Annotated[str, one_of(*ACTIONS)]


@dataclass(frozen=True)
class LinkageRequest(Document):
    """What a supplier says of two pseudonyms of one kind: signed with `Use.LINKAGE_REQUEST` by the supplier's manifest key.

    The pseudonyms are sealed to the hub's sealing key, for every epoch whose secret the supplier has; the request itself tells nothing of them.
    """

    format: Format
    request: Hex32
    supplier: Name
    reference: Name
    version: Positive
    agreement: Sha256
    action: ActionName
    kind: Name
    normaliser: Positive
    epochs: Annotated[tuple[Epoch, ...], items(Epoch)]
    sealing_key: Name
    sealed: Base64
    created: Instant

    def __post_init__(self) -> None:
        super().__post_init__()
        epochs = [one.epoch for one in self.epochs]
        if not epochs or len(set(epochs)) < len(epochs):
            raise BadFormat("epochs: empty, or one of them twice")


def pack_pairs(pairs: Mapping[int, Collection[bytes]]) -> bytes:
    """What a request seals: for each epoch two different pseudonyms, in the form of a request about rights."""
    if any(len(set(pair)) != 2 for pair in pairs.values()):
        raise BadFormat("a pair is two different pseudonyms")
    return pack(pairs)


def unpack_pairs(plain: bytes) -> dict[int, tuple[bytes, bytes]]:
    """The reverse of `pack_pairs`, the smaller pseudonym first; BadFormat if an epoch has not exactly two."""
    found = {epoch: sorted(values) for epoch, values in unpack(plain).items()}
    if any(len(values) != 2 for values in found.values()):
        raise BadFormat("sealed: not two pseudonyms for every epoch")
    return {epoch: (values[0], values[1]) for epoch, values in found.items()}
