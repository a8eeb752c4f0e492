"""Sealing on the way: rows of agreed fields in, sealed parts in the spool out, in a thread of its own.

The HMACs of the next rows are worked out in Python while the last rows are digested, compressed, sealed and written here, where
almost everything happens outside Python's lock.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

import pyarrow as pa

from adapters.agency.contract import Contract
from adapters.agency.spool import Upload
from adapters.errors import ServerRefused, ValidationFailed
from keys.formats import Part
from keys.rows import RowsDigest
from keys.seal import OVERHEAD, part_info, seal

AHEAD = 2


@dataclass(frozen=True)
class Binding:
    """What every part of an upload is bound to, beside its number."""

    agreement: str
    dataset: str
    supplier: str
    upload: str


@dataclass(frozen=True)
class Sealed:
    """What was sealed: parts in order, rows, nulls a column, and the rows digest."""

    parts: tuple[Part, ...]
    rows: int
    totals: dict[str, int]
    rows_digest: str


@dataclass
class Sealer:
    """Feed it batches of exactly the contract's schema, then `finish`. At most `AHEAD` parts wait for the thread."""

    contract: Contract
    upload: Upload
    binding: Binding
    _pending: list[pa.RecordBatch] = field(default_factory=list)
    _pending_rows: int = 0
    _parts: list[Part] = field(default_factory=list)
    _queue: list[Future[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._schema = self.contract.dataset.schema
        self._digest = RowsDigest(self._schema)
        self._totals = dict.fromkeys(self._schema.names, 0)
        self._public = self.contract.sealing_public
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sealer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take some rows; returns at once unless the thread is behind."""
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        while self._pending_rows >= self.contract.part_rows:
            self._hand_over(self.contract.part_rows)

    def finish(self) -> Sealed:
        """Seal what is left, wait for the thread, and say what there is. A failure of the thread is raised here or by `add`."""
        if self._pending_rows:
            self._hand_over(self._pending_rows)
        for waiting in self._queue:
            waiting.result()
        if len(self._parts) > self.contract.parts:
            raise ServerRefused(
                f"The extract makes {len(self._parts):,} parts; the hub takes {self.contract.parts:,}.", remedy="Send shorter periods."
            )
        return Sealed(tuple(self._parts), self._digest.rows, self._totals, self._digest.hexdigest())

    def _hand_over(self, rows: int) -> None:
        table = pa.Table.from_batches(self._pending, schema=self._schema)
        rest = table.slice(rows)
        self._pending, self._pending_rows = rest.to_batches(), rest.num_rows
        if len(self._queue) >= AHEAD:
            self._queue.pop(0).result()
        self._queue.append(self._thread.submit(self._take, table.slice(0, rows)))

    def _take(self, table: pa.Table) -> None:
        [batch] = table.combine_chunks().to_batches()
        self._digest.update(batch)
        for name, column in zip(self._schema.names, batch.columns, strict=True):
            self._totals[name] += column.null_count
        self._seal(batch)

    def _seal(self, batch: pa.RecordBatch) -> None:
        plain = encode(batch)
        if len(plain) + OVERHEAD > self.contract.part_bytes:
            self._halve(batch)
            return
        number = len(self._parts) + 1
        sealed = seal(plain, self._public, self._info(number))
        self.upload.write_part(number, sealed)
        self._parts.append(Part("sha256:" + sha256(sealed).hexdigest(), len(sealed), batch.num_rows))

    def _halve(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows < 2:
            raise ValidationFailed("One row alone is larger than a part may be.", remedy="Look at the longest values of the extract.")
        half = batch.num_rows // 2
        self._seal(batch.slice(0, half))
        self._seal(batch.slice(half))

    def _info(self, number: int) -> bytes:
        bound = self.binding
        return part_info(agreement=bound.agreement, dataset=bound.dataset, supplier=bound.supplier, upload=bound.upload, part=number)


def encode(batch: pa.RecordBatch) -> bytes:
    """One Arrow IPC stream of the batch: its schema and nothing more, buffers compressed by zstd."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, batch.schema.remove_metadata(), options=options) as writer:
        writer.write_batch(batch)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded
