"""Finding a person's rows by re-keyed pseudonym, and writing the parts that held them anew without them.

Outside any transaction, from what one moment showed (``Shown``); whoever acts on it looks under locks whether it still is so. Rows are
decrypted in memory only. Nothing here says a value.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from agreements.model import Agreement, Dataset
from agreements.rights import kinds
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append, moment
from exchange.objects import Store
from exchange.register import agreements
from exchange.submissions.rights import Asked
from exchange.submissions.tables import SubmissionRow, SubmissionState
from exchange.times import Clock
from keys.errors import KeyDestroyed, UnknownKey
from keys.parquet import EncryptedWriter, decrypting_dataset, new_data_key
from keys.pseudonym import PSEUDONYM, rekey

KEPT = (SubmissionState.HELD, SubmissionState.SUPERSEDED)
Mark = frozenset[tuple[str, str, str]]
"""(submission, state, key) of all that is kept: as long as it is the same, so are the rows. A key is replaced with every change of them."""


class Moved(Exception):
    """What was found is no longer what is held: look again."""


@dataclass(frozen=True)
class Part:
    """A held part as it was."""

    number: int
    object: str
    wrapped: bytes
    aad: str


@dataclass(frozen=True)
class Kept:
    """A kept submission of the supplier: under which words and epoch, and its parts."""

    id: str
    agreement: Agreement
    dataset: Dataset
    period: str
    key: str
    epoch: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Shown:
    """What one moment showed: every kept submission that the request reaches."""

    mark: Mark
    kept: tuple[Kept, ...]


@dataclass(frozen=True)
class Rewritten:
    """A part written anew: its object, its data key, and the rows that are left."""

    object: str
    data_key: bytes = field(repr=False)
    rows: int


@dataclass(frozen=True)
class Found:
    """A submission in which rows were found: how many a part, and what was written in place of those parts, under which new key."""

    kept: Kept
    rows: Mapping[int, int]
    key: str = ""
    parts: Mapping[int, Rewritten] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Rows found."""
        return sum(self.rows.values())


def reached(asked: Asked) -> Select[SubmissionRow]:
    """The supplier's own submissions of the datasets asked about, whatever their state, by id."""
    request = asked.request
    mine = SubmissionRow.reference == request.reference, SubmissionRow.supplier == request.supplier
    return select(SubmissionRow).where(*mine, SubmissionRow.dataset.in_(request.datasets)).order_by(SubmissionRow.id)


def mark(rows: Sequence[SubmissionRow]) -> Mark:
    """What must be the same for anything found to be so still."""
    return frozenset((row.id, str(row.state), row.key) for row in rows if row.state in KEPT)


def look(session: Session, asked: Asked) -> Shown:
    """What is kept now; of it, what carries pseudonyms of the kind asked about."""
    rows = session.execute(reached(asked)).scalars().all()
    kept = (_kept(session, row) for row in rows if row.state in KEPT)
    return Shown(mark(rows), tuple(one for one in kept if _columns(asked, one)))


def begun(session: Session, asked: Asked, shown: Shown, clock: Clock) -> None:
    """Write that rows are about to be searched, before any is: no entry, no reading."""
    request, now = asked.request, moment(session, clock)
    details = {"right": request.right, "submissions": sorted(one.id for one in shown.kept)}
    what, who = "rows searched for a rights request", request.supplier
    append(session, Event(Operation.CONSULTATION, who, who, request.reference, what, request.request, details=details), now)


def _kept(session: Session, row: SubmissionRow) -> Kept:
    agreement = agreements.of(session, row.agreement)
    dataset = next(one for one in agreement.datasets if one.name == row.dataset)
    parts = tuple(Part(part.number, part.object, part.wrapped_key, part.aad) for part in row.held)
    return Kept(row.id, agreement, dataset, row.period, row.key, int(row.manifest["document"]["epoch"]), parts)


def search(keyring: Keyring, held: Store, asked: Asked, shown: Shown) -> list[Found]:
    """The submissions that have rows of these people, in the order of their ids. Moved where one went while it was read."""
    found = [Found(kept, dict(_counted(keyring, held, asked, kept))) for kept in shown.kept if kept.epoch in asked.pseudonyms]
    return [one for one in found if one.rows]


def _counted(keyring: Keyring, held: Store, asked: Asked, kept: Kept) -> Iterator[tuple[int, int]]:
    """The number of each part that has such rows, and how many. Only pseudonym columns are read. Nothing where the key is gone: nobody can."""
    columns = _columns(asked, kept)
    try:
        wanted = _wanted(keyring, asked, kept)
    except KeyDestroyed as error:
        raise Moved from error  # the last of its epoch was disposed of since it was seen
    for part in kept.parts:
        try:
            data_key = keyring.store.unwrap(kept.key, part.wrapped)
        except (KeyDestroyed, UnknownKey):
            return
        if count := pc.sum(_theirs(_read(held, kept, part, data_key, columns), columns, wanted)).as_py():
            yield part.number, count


def _columns(asked: Asked, kept: Kept) -> list[str]:
    return [name for name, kind in kinds(kept.dataset).items() if kind == asked.request.kind]


def _wanted(keyring: Keyring, asked: Asked, kept: Kept) -> pa.Array:
    """The pseudonyms as the rows of this submission hold them."""
    made = pa.array(sorted(asked.pseudonyms[kept.epoch]), PSEUDONYM)
    return rekey(made, keyring.rekey(asked.request.reference, asked.request.kind, kept.epoch))


def _read(held: Store, kept: Kept, part: Part, data_key: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    try:
        files = [(held.place(part.object), data_key, part.aad)]
        return decrypting_dataset(files, kept.dataset.schema, filesystem=held.filesystem).to_table(columns=columns)
    except OSError as error:
        raise Moved from error  # disposed of, or written anew by another request, since it was seen


def _theirs(table: pa.Table, columns: Sequence[str], wanted: pa.Array) -> pa.ChunkedArray:
    """True where any of these pseudonym columns has one of the wanted values; empty ones have not."""
    masks = [pc.is_in(table.column(name), value_set=wanted) for name in columns]
    theirs = masks[0]
    for mask_of_another in masks[1:]:
        theirs = pc.or_(theirs, mask_of_another)
    return theirs


def rewrite(keyring: Keyring, held: Store, asked: Asked, one: Found) -> Found:
    """Write every part that has such rows anew without them, each under a fresh data key, durably; and name the submission's next key.

    Nothing refers to what is written until a transaction says so. What a crash leaves behind is removed when the hub starts.
    """
    kept, columns = one.kept, _columns(asked, one.kept)
    parts: dict[int, Rewritten] = {}
    try:
        wanted = _wanted(keyring, asked, kept)
        for part in kept.parts:
            if part.number in one.rows:
                table = _read(held, kept, part, keyring.store.unwrap(kept.key, part.wrapped))
                parts[part.number] = _write(held, kept, part, table.filter(pc.invert(_theirs(table, columns, wanted))))
    except (KeyDestroyed, UnknownKey) as error:
        raise Moved from error
    name = next_key(kept.key)
    while keyring.store.destroyed(name):  # one that a crash left and a restore has destroyed
        name = next_key(name)
    return Found(kept, one.rows, name, parts)


def _write(held: Store, kept: Kept, part: Part, rest: pa.Table) -> Rewritten:
    name, data_key = f"{kept.id.removeprefix('sub-')}.{part.number}.{secrets.token_hex(4)}.parquet", new_data_key()
    draft = held.draft(name)
    try:
        with EncryptedWriter(draft, kept.dataset.schema, data_key, part.aad) as writer:
            writer.write(rest)
        held.keep(draft, name)
    finally:
        draft.unlink(missing_ok=True)
    return Rewritten(name, data_key, rest.num_rows)


def discard(held: Store, found: Sequence[Found]) -> None:
    """Remove what was written for nothing."""
    for one in found:
        for part in one.parts.values():
            held.delete(part.object)


def next_key(name: str) -> str:
    """The keystore's name of a submission's next key: ``submission/<id>``, then ``submission/<id>/2``, ``/3`` …"""
    base, _, number = name.removeprefix("submission/").partition("/")
    return f"submission/{base}/{int(number or 1) + 1}"
