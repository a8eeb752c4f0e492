"""The other side of ``benchmarks.intake``: the same parts unsealed, decoded and written as encrypted Parquet, with no checks.

It may do what we do to be quick: the next part is unsealed and decoded while this one is sorted and written.

    python -m benchmarks.plain_intake HUB OUT [--sorted | --as-sent]
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import ROOT, Stopwatch, children_peak_mb
from keys.encoding import b64, unb64
from keys.parquet import EncryptedWriter, new_data_key
from keys.seal import EncryptionKey, part_info, unseal

# Started as lean as ours: no pandas.
CHILD = """import json, sys
from exchange import without_pandas
without_pandas.keep_out()
from benchmarks.plain_intake import work
work(json.load(sys.stdin))"""


def main() -> None:
    """Find what there is to do, start the child as the hub would, and time it."""
    print(json.dumps(timed(Path(sys.argv[1]), Path(sys.argv[2]), in_order=sys.argv[3] == "--sorted")))


def timed(hub_folder: Path, out: Path, *, in_order: bool) -> dict[str, float]:
    """Seconds from the start of the child to its end."""
    out.mkdir()
    task = json.dumps({**job(hub_folder), "out": str(out), "sorted": in_order}).encode()
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with Stopwatch() as watch:
        subprocess.run([sys.executable, "-c", CHILD], input=task, env=environment, cwd=ROOT, check=True)
    return {"seconds": watch.seconds, "processor": watch.processor, "child_mb": children_peak_mb()}


def job(hub_folder: Path) -> dict[str, Any]:
    """The sealed parts of the one submission of a hub, and the key that opens them."""
    found: dict[str, Any] = json.loads((hub_folder / "plain-job.json").read_text(encoding="utf-8"))
    return found


def describe(hub_folder: Path, sealing: bytes, info: dict[str, str], parts: list[Path]) -> None:
    """Leave what the child needs beside the hub. Benchmark data only: no hub ever writes such a file."""
    found = {"sealing": b64(sealing), "info": info, "parts": [str(path) for path in parts]}
    (hub_folder / "plain-job.json").write_text(json.dumps(found), encoding="utf-8")


def work(task: dict[str, Any]) -> None:
    """Unseal, decode, put in order, write."""
    key = EncryptionKey.from_private(unb64(task["sealing"]))
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)

    def opened(number: int) -> pa.Table:
        sealed = Path(task["parts"][number - 1]).read_bytes()
        return pa.ipc.open_stream(unseal(sealed, key, part_info(**task["info"], part=number))).read_all()

    for number, table in _ahead(opened, len(task["parts"])):
        with EncryptedWriter(Path(task["out"]) / f"{number}.parquet", table.schema, new_data_key(), f"plain/{number}") as writer:
            writer.write(table.take(_order(table)) if task["sorted"] else table)


def _order(table: pa.Table) -> pa.Array:
    column = table.column(0).combine_chunks()
    halves = np.frombuffer(column.buffers()[1], dtype=">u8", count=2 * len(column))[::2]
    return pa.array(np.argsort(halves.astype(np.uint64)))


def _ahead(opened: Any, parts: int) -> Iterator[tuple[int, pa.Table]]:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(opened, 1)
        for number in range(1, parts + 1):
            table = waiting.result()
            if number < parts:
                waiting = pool.submit(opened, number + 1)
            yield number, table


if __name__ == "__main__":
    main()
