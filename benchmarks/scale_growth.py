"""Join and tabulate MV7 at one, ten (and a hundred) million rows of each dataset on DuckDB, under one memory limit: bucket by bucket where all would not fit.

    python -m benchmarks.scale_growth [--small] [--rows 10000000] [--memory 500MB]

Rows are held as a hub holds them: parts of 262,144 rows, each sorted by its pseudonym and encrypted under a key of its own. Seconds of processor time and the
most memory resident are those of a process that does nothing else.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import Stopwatch, in_fresh_process, peak_mb
from exchange.objects import Objects
from exchange.releases.engine import Engine
from exchange.releases.tabulate import tabulate
from keys.columns import fixed_binary
from keys.parquet import EncryptedWriter, decrypting_dataset
from tests.exchange.releases import world

FORCES, PART = tuple(world.SUPPLIERS), 262_144
PERIODS = world.periods("2021-01", "2021-12")
DATASETS = ("crimes", "outcomes")


def key_of(name: str) -> bytes:
    """The data key of a part of the benchmark."""
    return hashlib.sha256(name.encode()).digest()


def names(rows: int, dataset: str, force: str) -> list[tuple[str, int]]:
    """Every part of a relation and its rows, of ``rows`` of both forces together."""
    share = rows // len(FORCES)
    return [(f"{dataset}-{force}-{number}", min(PART, share - begin)) for number, begin in enumerate(range(0, share, PART))]


def make(folder: Path, rows: int) -> int:
    """Write all parts; their bytes."""
    objects, size = Objects(folder / "objects"), 0
    objects.folder.mkdir(parents=True)
    for name, table in _tables(rows):
        draft = objects.draft(name)
        with EncryptedWriter(draft, table.schema, key_of(name), name) as writer:
            writer.write(table)
        size += draft.stat().st_size
        objects.keep(draft, name)
    return size


def _tables(rows: int) -> Iterator[tuple[str, pa.Table]]:
    codes = {name: [code for code, _ in world.release().dimension(name).categories] for name in ("authority", "crime_type")}
    for force in FORCES:
        for dataset in DATASETS:
            for name, count in names(rows, dataset, force):
                # Both datasets' parts of one number know the same crimes.
                random = np.random.default_rng(int.from_bytes(key_of(name.replace("outcomes", "crimes"))[:8], "big"))
                keys = random.integers(0, 2**64, size=(count, 2), dtype=np.uint64).astype(">u8")
                keys = keys[np.argsort(keys[:, 0].astype(np.uint64))]
                if dataset == "outcomes":
                    keys = keys[np.sort(random.integers(0, count, count))]
                crime = fixed_binary(np.ascontiguousarray(keys).view(np.uint8), None)
                day = (np.datetime64("2021-01", "M") + random.integers(0, 12 if dataset == "crimes" else 16, count)).astype("datetime64[D]")
                group = pa.array(world.GROUPS).take(pa.array(random.integers(0, len(world.GROUPS), count)))
                columns: dict[str, Any] = {"crime": crime, "month": pa.array(day, pa.date32())}
                if dataset == "crimes":
                    columns |= {one: pa.array(code).take(pa.array(random.integers(0, len(code), count))) for one, code in codes.items()}
                    columns["last_outcome"] = group
                else:
                    columns["outcome"] = group
                yield name, pa.table(columns)


def one(folder: Path, rows: int, memory: str) -> dict[str, Any]:
    """Tabulate in this process."""
    objects, relations, cut = Objects(folder / "objects"), {}, [1]
    for dataset in DATASETS:
        for force in FORCES:
            files = [(objects.path(name), key_of(name), name) for name, _ in names(rows, dataset, force)]
            relations[dataset, force] = decrypting_dataset(files, _schema(dataset))
    original = Engine.cut

    def counting(self: Engine, table: Any, name: str, number: int, buckets: int) -> Any:
        cut.append(buckets)
        return original(self, table, name, number, buckets)

    Engine.cut = counting  # type: ignore[method-assign]
    with Stopwatch() as watch:
        files_made = tabulate(world.release(), world.agreement(), relations, PERIODS, memory=memory)
    answer = hashlib.sha256(b"".join(files_made[name] for name in sorted(files_made))).hexdigest()
    return {"seconds": watch.seconds, "processor": watch.processor, "peak_mb": peak_mb(), "buckets": max(cut), "answer": answer}


def _schema(dataset: str) -> pa.Schema:
    found = world.agreement().dataset(dataset)
    if found is None:
        raise KeyError(dataset)
    return found.schema


def main() -> None:
    """Measure each size; one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--memory", default="500MB")
    parser.add_argument("--one", type=Path)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.rows, given.memory)))
        return
    sizes = [100_000, 400_000] if given.small else [size for size in (1_000_000, 10_000_000, 100_000_000) if size <= given.rows]
    rows, measured = [], []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            held = make(Path(folder), size)
            found = in_fresh_process("benchmarks.scale_growth", "--one", folder, "--rows", str(size), "--memory", given.memory)
        measured.append({"rows": size, "bytes": held, **found})
        rows.append(
            {
                "rows of each dataset": f"{size:,}",
                "held": f"{held / 1e6:,.0f} MB",
                "DuckDB's limit": given.memory,
                "buckets": str(found["buckets"]),
                "seconds": f"{found['seconds']:.1f}",
                "processor seconds": f"{found['processor']:.1f}",
                "most resident": f"{found['peak_mb']:,} MB",
            }
        )
    first, last = measured[0], measured[-1]
    by_row = (last["seconds"] / last["rows"]) / (first["seconds"] / first["rows"])
    ratios = {"seconds a row, largest over smallest": by_row, "peak memory, largest over smallest": last["peak_mb"] / first["peak_mb"]}
    print(json.dumps({"rows": rows, "ratios": ratios, "measured": measured}))


if __name__ == "__main__":
    main()
