"""Agency push: an extract in the layout of police.uk's street CSV to sealed parts in the spool.

Ours is ``adapters.agency.prepare.prepare``: header checked, five of twelve columns read, types read, code lists applied, identifiers
checked and turned into pseudonyms, every field's rule checked, rows digested, parts compressed, sealed and flushed to disk, manifest
signed. The other reads the same five columns with ``pyarrow.csv``, runs the same HMAC loop over the identifiers and writes one
compressed Arrow file: no check, no rule, no digest, no seal, no flush. Each runs in a fresh process; imports are not counted, since
both sides import the same.

    .venv/bin/python -m benchmarks.push --rows 1000000 --repeats 3
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from agreements.document import canonical
from benchmarks.measure import Result, in_fresh_process, paired
from benchmarks.push_roads import MONTH
from benchmarks.rig import build

LIMIT, MEMORY = 0.6, 500
LSOAS = ["E01020634", "E01020676", "E01012005", "E01012060", "E01012185", "E01033479", "E01012332", "E01099999"]
TYPES = ["Anti-social behaviour", "Burglary", "Drugs", "Public order", "Shoplifting", "Vehicle crime", "Violence and sexual offences"]
OUTCOMES = [
    "Unable to prosecute suspect",
    "Investigation complete; no suspect identified",
    "Awaiting court outcome",
    "Under investigation",
    "Local resolution",
    "Offender given a caution",
]


def main() -> None:
    """Run it and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    run(given.rows, given.repeats).show()


def run(rows: int, repeats: int) -> Result:
    """Ours and the other in turn, so that a busy machine slows both."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rig = build(folder / "hub")
        (folder / "agreement.json").write_bytes(canonical(rig.agreement))
        write_extract(folder / "extract.csv", rows)
        size = (folder / "extract.csv").stat().st_size
        found: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}
        for _ in range(repeats):
            for road in ("plain", "ours"):
                found[road].append(in_fresh_process("benchmarks.push_roads", road, folder))
    times = {road: [one["seconds"] for one in each] for road, each in found.items()}
    seconds = {road: statistics.median(each) for road, each in times.items()}
    peak = max(int(one["peak_mb"]) for one in found["ours"])
    ratio = paired(times["plain"], times["ours"])
    return Result(
        "push",
        f"{rows:,} rows of CSV",
        f"{seconds['ours']:.2f} s ({rows / seconds['ours']:,.0f} rows/s)",
        f"{seconds['plain']:.2f} s",
        ratio,
        f">= {LIMIT}, < {MEMORY} MB",
        ratio >= LIMIT and peak < MEMORY,
        peak,
        {"rows": rows, "csv_bytes": size, "runs": found},
    )


def write_extract(path: Path, rows: int) -> None:
    """A made-up street file: 64 hexadecimal digits an id, none for anti-social behaviour, all twelve columns filled."""
    random = np.random.default_rng(20_261_122)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    with path.open("wb") as raw:
        for start in range(0, rows, 1 << 18):
            count = min(1 << 18, rows - start)
            ids = pa.StringArray.from_buffers(
                count, pa.py_buffer(np.arange(count + 1, dtype=np.int32) * 64), pa.py_buffer(digits[random.integers(0, 16, count * 64)])
            )
            kinds = random.integers(0, len(TYPES), count)
            columns = {
                "Crime ID": pa.array(np.arange(count), pa.int64(), mask=kinds == 0),
                "Month": pa.array([MONTH]).take(pa.array(np.zeros(count, np.int64))),
                "Reported by": pa.array(["Durham Constabulary"]).take(pa.array(np.zeros(count, np.int64))),
                "Falls within": pa.array(["Durham Constabulary"]).take(pa.array(np.zeros(count, np.int64))),
                "Longitude": pa.array(np.round(-1.5 + random.random(count), 6)).cast(pa.string()),
                "Latitude": pa.array(np.round(54.5 + random.random(count), 6)).cast(pa.string()),
                "Location": pa.array([f"On or near Street {number}" for number in range(900)]).take(_some(random, 900, count)),
                "LSOA code": pa.array(LSOAS).take(_some(random, len(LSOAS), count)),
                "LSOA name": pa.array([f"County Durham {number:03d}A" for number in range(80)]).take(_some(random, 80, count)),
                "Crime type": pa.array(TYPES).take(pa.array(kinds)),
                "Last outcome category": pa.array(OUTCOMES).take(pa.array(random.integers(0, len(OUTCOMES), count), mask=kinds == 0)),
                "Context": pa.nulls(count, pa.string()),
            }
            columns["Crime ID"] = ids.take(columns["Crime ID"])
            options = pcsv.WriteOptions(include_header=start == 0, quoting_style="none")
            pcsv.write_csv(pa.table(columns), raw, options)


def _some(random: np.random.Generator, choices: int, rows: int) -> pa.Array:
    return pa.array(random.integers(0, choices, rows))


if __name__ == "__main__":
    main()
