"""The process that opens what strangers send: capped memory, nothing else in it, gone when it is done or its parent dies.

Reads one job on standard input and writes one result on standard output, both JSON. It unseals each part, checks that the Arrow stream
is exactly the agreed schema and fully valid, applies the agreement's checks, re-keys the pseudonyms, sorts the rows by the first of
them, and writes encrypted Parquet where it is told. It says row numbers, columns and rules; it never says a value.
"""

import ctypes
import hashlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from agreements.columns import Breaches, conform, merge
from agreements.document import read_canonical
from agreements.errors import RowsAtFault
from agreements.fields import PseudonymiseRule
from agreements.listed import count_listed, listed_fields, wholly_listed
from agreements.model import Dataset
from agreements.periods import Period
from keys.encoding import unb64
from keys.errors import CannotOpen
from keys.parquet import EncryptedWriter
from keys.pseudonym import rekey
from keys.rows import RowsDigest
from keys.seal import EncryptionKey, part_info, unseal

_PR_SET_PDEATHSIG = 1


class PartAtFault(Exception):
    """A part is not what the manifest says, or not what may be opened. The message holds no value."""


@dataclass(frozen=True)
class Job:
    """What to open, under what, and where to put it."""

    dataset: Dataset
    period: Period
    info: Mapping[str, str]
    sealing: EncryptionKey
    rekeys: Mapping[str, bytes]
    part_rows: int
    seconds: int
    parts: list[dict[str, Any]]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Job":
        """Read a job as the parent wrote it."""
        agreement = read_canonical(document["agreement"].encode())
        dataset = agreement.dataset(document["dataset"])
        if dataset is None:
            raise PartAtFault("the agreement names no such dataset")
        sealing = EncryptionKey.from_private(unb64(document["sealing"]))
        rekeys = {kind: unb64(key) for kind, key in document["rekeys"].items()}
        period = Period.parse(document["period"])
        limits = (document["part_rows"], document["seconds"])
        return cls(dataset, period, document["info"], sealing, rekeys, *limits, document["parts"])


@dataclass
class _Seen:
    """What the checks have found so far, over parts in order."""

    digest: RowsDigest
    totals: dict[str, int]
    fields: dict[str, tuple[str, ...]]
    codes: dict[str, "np.ndarray[tuple[int], np.dtype[np.int64]]"]
    breaches: Breaches = field(default_factory=dict)

    @classmethod
    def nothing(cls, dataset: Dataset) -> "_Seen":
        """Before the first part."""
        fields = listed_fields(dataset)
        codes = {name: np.zeros(len(values), np.int64) for name, values in fields.items()}
        return cls(RowsDigest(dataset.schema), dict.fromkeys(dataset.schema.names, 0), fields, codes)


def run(job: Job) -> dict[str, Any]:
    """Open every part; the result says how many rows there were, what is empty, how often each listed code occurs, and which rows break which rule."""
    seen = _Seen.nothing(job.dataset)
    for part, ready in _checked(job, seen):
        if not seen.breaches:
            _hold(job, part, ready.pop().columns)
    if seen.breaches:
        return {"outcome": "rows", "errors": RowsAtFault(seen.breaches).report()}
    codes = {name: counted.tolist() for name, counted in seen.codes.items()}
    return {"outcome": "ok", "rows": seen.digest.rows, "rows_digest": seen.digest.hexdigest(), "totals": seen.totals, "codes": codes}


def _checked(job: Job, seen: _Seen) -> Iterator[tuple[dict[str, Any], list[pa.Table]]]:
    """Parts in order, opened and checked, each table in a list of its own for the caller to take out: nothing else then keeps it in memory.

    One thread does the next part while the caller re-keys, sorts and writes this one.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_check, job, job.parts[0], seen) if job.parts else None
        for number, part in enumerate(job.parts, 1):
            ready = [waiting.result()] if waiting else []
            waiting = pool.submit(_check, job, job.parts[number], seen) if number < len(job.parts) else None
            yield part, ready


def _check(job: Job, part: Mapping[str, Any], seen: _Seen) -> pa.Table:
    """A part's rows, once every check of the part by itself has passed or its breaches are in ``seen``."""
    grant(job.seconds)
    table = _open(job, part)
    for batch in table.to_batches():
        counted = count_listed(batch, seen.fields)
        merge(seen.breaches, conform(batch, job.dataset, job.period, seen.digest.rows, wholly_listed(batch, counted)))
        seen.digest.update(batch)
        for name, counts in counted.items():
            seen.codes[name] += counts
    for name in job.dataset.schema.names:
        seen.totals[name] += table.column(name).null_count
    return table


def _open(job: Job, part: Mapping[str, Any]) -> pa.Table:
    number = part["number"]
    sealed = Path(part["sealed"]).read_bytes()  # where it is gone, that is no fault of the part: the parent asks for it again
    if len(sealed) != part["size"] or "sha256:" + hashlib.sha256(sealed).hexdigest() != part["sha256"]:
        raise PartAtFault(f"part {number} is not the one whose digest the manifest names")
    try:
        plain = unseal(sealed, job.sealing, part_info(**job.info, part=number))
    except CannotOpen as error:
        raise PartAtFault(f"part {number} does not open: it was sealed to another key or for another place, or altered") from error
    del sealed
    try:
        table = _decode(plain, job)
    except pa.ArrowMemoryError as error:
        raise PartAtFault(f"part {number} unpacks to more memory than is allowed") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PartAtFault(f"part {number} is not a valid Arrow stream of the agreed schema") from error
    if table.num_rows != part["rows"]:
        raise PartAtFault(f"part {number} does not have the number of rows that the manifest says")
    return table


def _decode(plain: bytes, job: Job) -> pa.Table:
    batches, rows = [], 0
    with pa.ipc.open_stream(pa.py_buffer(plain)) as stream:
        if not stream.schema.equals(job.dataset.schema, check_metadata=True):
            raise ValueError("schema")
        for batch in stream:
            rows += batch.num_rows
            if rows > job.part_rows:
                raise ValueError("rows")
            # Nothing may touch a stranger's buffers before this: offsets that lie crash whoever follows them.
            batch.validate(full=True)
            batches.append(batch)
    return pa.Table.from_batches(batches, job.dataset.schema)


def _hold(job: Job, part: Mapping[str, Any], given: list[pa.ChunkedArray]) -> None:
    """Re-key, sort and write one part's columns. Each is let go as soon as it is sorted: two copies of a whole part are too much memory."""
    rules = [one.rule for one in job.dataset.fields]
    order: pa.Array | None = None
    columns: list[pa.Array] = [None] * len(given)
    # The pseudonyms first, for the first of them says the order.
    for place in sorted(range(len(given)), key=lambda place: not isinstance(rules[place], PseudonymiseRule)):
        rule, chunks = rules[place], given[place]
        given[place] = None
        # An honest part is one batch: joining its one chunk would only copy it.
        column = chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()
        del chunks
        if isinstance(rule, PseudonymiseRule):
            column = rekey(column, job.rekeys[rule.kind])
            order = _order(column) if order is None else order
        columns[place] = column if order is None else column.take(order)
    held = pa.Table.from_arrays(columns, schema=job.dataset.schema)
    with EncryptedWriter(part["held"], job.dataset.schema, unb64(part["key"]), part["aad"]) as writer:
        writer.write(held)


def _order(column: pa.Array) -> pa.Array:
    """Rows in the order of the re-keyed pseudonym, so that the agency's own order is not kept. Eight of its sixteen bytes suffice."""
    halves = np.frombuffer(column.buffers()[1], dtype=">u8", count=2 * (column.offset + len(column)))[2 * column.offset :: 2]
    # numpy's own choice is four times faster than a stable sort; nothing rests on the order of equal pseudonyms.
    return pa.array(np.argsort(halves.astype(np.uint64)))


def grant(seconds: int) -> None:
    """So much processor time from now on, and then the end (SIGXCPU): a part that burns it is told from a machine that is merely slow.

    Never beyond what :func:`confine` set for all parts together; nothing where that set no limit.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    if most != resource.RLIM_INFINITY:
        # The part before may still be at its second half, in the other thread.
        resource.setrlimit(resource.RLIMIT_CPU, (min(most, int(time.process_time()) + 2 * seconds), most))


def confine(memory: int, seconds: int, parent: int) -> None:
    """Cap this process's address space and processor time, leave no core dump, and die with the parent."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before prctl could tell us
        sys.exit(1)


def main() -> None:
    """One job in, one result out."""
    document = json.load(sys.stdin)
    confine(document["memory"], document["seconds"] * (len(document["parts"]) + 1), document["parent"])
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    try:
        result = run(Job.read(document))
    except PartAtFault as error:
        result = {"outcome": "part", "reason": str(error)}
    except MemoryError:
        result = {"outcome": "part", "reason": "the submission unpacks to more memory than is allowed"}
    except OSError:
        raise  # the machine's trouble, such as a full disk, and no word about the parts: the parent tries again later
    except Exception as error:  # noqa: BLE001  # whatever a stranger's bytes set off; its words might quote them
        result = {"outcome": "part", "reason": f"the parts set off an error that nobody foresaw ({type(error).__name__})"}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
