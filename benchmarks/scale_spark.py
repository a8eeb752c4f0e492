"""The same join and tabulation on DuckDB and on Spark: where the second takes over.

    python -m benchmarks.scale_spark [--small]

Spark runs in its own environment (`python3 dev.py scale` makes it), on two threads of this machine, over the same parts: its workers open their keys
from a keystore. Its seconds are with and without its start. Says so and measures nothing where that environment is not there.
"""

import argparse
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Stopwatch, in_fresh_process
from benchmarks.scale_growth import DATASETS, FORCES, PERIODS, key_of, make, names
from exchange.keystores import make_keystore
from exchange.references import HeldRows, PartReference
from exchange.releases.engine import OnSpark
from exchange.releases.tabulate import tabulate
from tests.exchange.releases import world
from tests.exchange.standing import settings_in

SPARK = ROOT / ".venv-spark" / "bin" / "python"


def one(folder: Path, rows: int, memory: str) -> dict[str, Any]:
    """Tabulate on Spark in this process, from its start."""
    settings = settings_in(folder)
    for name in ("staging", "keystore", "roots"):
        (folder / name).mkdir()
    settings.credential.write_text(secrets.token_hex(32))
    settings.credential.chmod(0o600)
    keystore = make_keystore(settings)
    keystore.create("submission/benchmark")
    relations: dict[tuple[str, str], Any] = {}
    for dataset in DATASETS:
        agreed = world.agreement().dataset(dataset)
        for force in FORCES:
            parts = tuple(
                PartReference(name, "submission/benchmark", keystore.wrap("submission/benchmark", key_of(name)), name, count)
                for name, count in names(rows, dataset, force)
            )
            relations[dataset, force] = HeldRows(agreed.schema if agreed else None, parts)
    means = OnSpark(settings, folder, "local[2]", memory, 8)
    with Stopwatch() as start, means.open():
        pass
    with Stopwatch() as watch:
        files = tabulate(world.release(), world.agreement(), relations, PERIODS, memory=means)
    return {"start": start.seconds, "seconds": watch.seconds, "cells": sum(content.count(b"\n") for content in files.values())}


def main() -> None:
    """Measure; one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--one", type=Path)
    parser.add_argument("--rows", type=int, default=0)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.rows, "2g")))
        return
    rows: list[dict[str, str]] = []
    ratios: dict[str, float] = {}
    if not SPARK.exists() or not shutil.which("java"):
        print("Spark is not measured: it needs Java 17 and its environment, which python3 dev.py scale makes", file=sys.stderr)
        print(json.dumps({"rows": rows, "ratios": ratios}))
        return
    for size in (100_000,) if given.small else (1_000_000, 10_000_000):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), size)
            duck = in_fresh_process("benchmarks.scale_growth", "--one", folder, "--rows", str(size), "--memory", "2GB")
            command = [str(SPARK), "-m", "benchmarks.scale_spark", "--one", folder, "--rows", str(size)]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            spark = json.loads(done.stdout.splitlines()[-1])
        rows.append(
            {
                "rows of each dataset": f"{size:,}",
                "DuckDB": f"{duck['seconds']:.1f} s",
                "Spark, its start and the query": f"{spark['seconds']:.1f} s",
                "of which its start": f"{spark['start']:.1f} s",
            }
        )
        ratios[f"Spark over DuckDB at {size:,} rows"] = spark["seconds"] / duck["seconds"]
    print(json.dumps({"rows": rows, "ratios": ratios}))


if __name__ == "__main__":
    main()
