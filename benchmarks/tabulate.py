"""Join and tabulate MV7 on made-up rows: the exchange's own road against plain DuckDB SQL, in one run.

Ours reads encrypted Parquet (AES-GCM, decrypted by pyarrow as it is scanned) in a locked connection that cannot spill; the plain road reads the same rows
unencrypted with DuckDB's own reader. Both give every table with all its totals; the answers are compared before any time is believed.

    .venv/bin/python benchmarks/tabulate.py --rows 1000000 --repeats 3
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from exchange.releases.tabulate import tabulate  # noqa: E402  # run as a script: the checkout is put on the path first
from keys.columns import fixed_binary  # noqa: E402
from tests.exchange.releases import world  # noqa: E402

KEY = bytes(range(32))
FORCES = tuple(world.SUPPLIERS)
PERIODS = world.periods("2021-01", "2021-12")

PLAIN = """
with latest as (
  select force, crime, month, outcome from outcomes
  qualify row_number() over (partition by force, crime order by month desc, list_position({order}, outcome)) = 1
),
units as (
  select c.force, c.authority, c.month, c.crime_type, coalesce(o.outcome, c.last_outcome, 'No outcome yet') as grouped,
    case when o.month is null then 'No row among the outcomes'
      else case date_diff('month', c.month, o.month) when 0 then 'Same month' when 1 then '1 month' when 2 then '2 months'
      else if(o.month < c.month, 'Dated before the crime', '3 months or more') end end as months
  from crimes c left join latest o on c.force = o.force and c.crime = o.crime where c.crime is not null
),
cells as materialized (select force, authority, month, crime_type, grouped, months, count(*) as n from units group by all)
select 'by-area' as t, force as a, authority as b, strftime(month, '%Y-%m') as c, grouped as d, sum(n) as n
  from cells group by cube (force, authority, month, grouped)
union all select 'by-type', force, strftime(month, '%Y-%m'), crime_type, grouped, sum(n) from cells group by cube (force, month, crime_type, grouped)
union all select 'months-to-outcome', force, strftime(month, '%Y-%m'), months, null, sum(n) from cells group by cube (force, month, months)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of each of the two datasets, both forces together")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", default="4GB", help="DuckDB's limit, both roads")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), given.rows)
        roads: dict[str, Callable[[], dict[str, int]]] = {
            "ours": lambda: ours(Path(folder), given.memory),
            "plain": lambda: plain(Path(folder), given.memory),
        }
        times: dict[str, list[float]] = {name: [] for name in roads}
        answers = {name: road() for name, road in roads.items()}  # also warms the page cache for both
        assert answers["ours"] == answers["plain"], "the two roads disagree"
        for _ in range(given.repeats):
            for name, road in roads.items():  # interleaved: a busy machine slows both
                start = time.perf_counter()
                road()
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(found) for name, found in times.items()}
    report = {
        "rows": given.rows,
        "cells": len(answers["ours"]),
        "seconds": {name: round(median, 3) for name, median in medians.items()},
        "ratio": round(medians["ours"] / medians["plain"], 2),
        "limit": 1.5 if medians["plain"] >= 1 else 2.0,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(report))


def make(folder: Path, rows: int) -> None:
    """Rows of both forces, sorted by pseudonym as the hub holds them, once encrypted a force and once plain."""
    random = np.random.default_rng(20_260_612)
    share = rows // len(FORCES)
    for force in FORCES:
        keys = random.integers(0, 2**63, size=(share, 2), dtype=np.int64)
        keys = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
        crimes = {
            "crime": fixed_binary(keys.view(np.uint8), random.random(share) >= 0.2),
            "month": _months(random, share, 12),
            "authority": _texts(random, share, "authority"),
            "crime_type": _texts(random, share, "crime_type"),
            "last_outcome": pa.array(world.GROUPS).take(pa.array(random.integers(0, len(world.GROUPS), share))),
        }
        found = keys[np.sort(random.integers(0, share, share))]
        outcomes = {
            "crime": fixed_binary(found.view(np.uint8), None),
            "month": _months(random, share, 16),
            "outcome": pa.array(world.GROUPS).take(pa.array(random.integers(0, len(world.GROUPS), share))),
        }
        for name, columns in (("crimes", crimes), ("outcomes", outcomes)):
            table = pa.table(columns)
            _write(table, folder / f"{name}-{force}.encrypted", encrypted=True)
            named = table.append_column("force", pa.array([force]).take(pa.array(np.zeros(share, np.int64))))
            _write(named, folder / f"{name}-{force}.parquet", encrypted=False)


def _months(random: np.random.Generator, rows: int, span: int) -> pa.Array:
    first = np.datetime64("2021-01", "M") + random.integers(0, span, rows)
    return pa.array(first.astype("datetime64[D]"), pa.date32())


def _texts(random: np.random.Generator, rows: int, dimension: str) -> pa.Array:
    codes = [code for code, _ in world.release().dimension(dimension).categories]
    return pa.array(codes).take(pa.array(random.integers(0, len(codes), rows)))


def _write(table: pa.Table, path: Path, *, encrypted: bool) -> None:
    properties = pe.create_encryption_properties(KEY, aad_prefix=path.name.encode(), store_aad_prefix=False) if encrypted else None
    pq.write_table(table, path, compression="zstd", compression_level=1, row_group_size=1 << 20, encryption_properties=properties)


def ours(folder: Path, memory: str) -> dict[str, int]:
    relations = {}
    for dataset in ("crimes", "outcomes"):
        for force in FORCES:
            path = folder / f"{dataset}-{force}.encrypted"
            opened = pe.create_decryption_properties(KEY, aad_prefix=path.name.encode())
            form = pads.ParquetFileFormat(default_fragment_scan_options=pads.ParquetFragmentScanOptions(decryption_properties=opened))
            relations[dataset, force] = pads.dataset(path, format=form)
    files = tabulate(world.release(), world.agreement(), relations, PERIODS, memory=memory)
    found = {}
    for table in world.release().tables:
        for codes, count in world.cells(files, table.name).items():
            if count != "0":
                found["|".join((table.name, *codes))] = int(count)
    return found


def plain(folder: Path, memory: str) -> dict[str, int]:
    con = duckdb.connect(config={"memory_limit": memory, "threads": 2, "temp_directory": ""})
    for dataset in ("crimes", "outcomes"):
        con.execute(
            f"create view {dataset} as select * replace (crime::uuid as crime) from read_parquet('{folder}/{dataset}-*.parquet')"  # noqa: S608
        ).fetchall()
    rows = con.execute(PLAIN.format(order=world.GROUPS)).fetchall()
    con.close()
    width = {table.name: len(table.dimensions) for table in world.release().tables}
    return {"|".join((row[0], *(value or "Total" for value in row[1 : 1 + width[row[0]]]))): int(row[-1]) for row in rows}


if __name__ == "__main__":
    main()
