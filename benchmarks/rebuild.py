"""The whole framework rebuilt: every release of the example agreements made once over five years of an invented partnership, both forces.

Each release is one edition of all its months (a cohort: of all its quarters whose follow-up is over): rows counted, people linked, tables protected, attacked, and
written in every published form. Rows are in memory as the hub's holdings give them; intake and checking are not part of it.

    python -m benchmarks.rebuild [--scale 0.2] [--from 2020-01] [--to 2024-12] [--only mr1-reoffending]
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from adapters.synthesis.calendar import Window
from adapters.synthesis.story import synthesise
from agreements.model import Agreement
from agreements.periods import Period, months
from agreements.release import Release
from benchmarks.measure import OUT
from exchange.errors import Unacceptable
from exchange.releases.formats import published
from exchange.releases.gate import guard
from exchange.releases.of_units import protected_units
from exchange.releases.tabulate import tabulate
from tests.agreements.examples import agreement
from tests.exchange.measures.held import CODES, WORKSTREAMS, Held, Invented, hold

MEMORY = "4GB"


def covered(release: Release, every: list[Period]) -> list[Period]:
    """The months of an edition: of a cohort, whole windows with a year before them and their wait behind them."""
    if release.cohort is None:
        return every
    wait = release.wait.months if release.wait else 0
    inside = every[12 : len(every) - wait]
    return inside[: len(inside) // 12 * 12]


def made(release: Release, under: Agreement, held: Held, every: list[Period]) -> tuple[int, str]:
    """Make one edition; how many files it has, and what it was refused for."""
    periods = covered(release, every)
    rows = {place: table for place, table in held.rows.items() if place[0] in release.datasets}
    try:
        if release.by_unit:
            done = protected_units(release, under, rows, periods, memory=MEMORY)
            return len(published(release, under, periods, done.files, figures=done.figures)), ""
        protected, _ = guard(tabulate(release, under, rows, periods, memory=MEMORY), release)
    except Unacceptable as error:
        return 0, str(error)
    return len(published(release, under, periods, protected)), ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.2)
    parser.add_argument("--from", dest="first", default="2020-01")
    parser.add_argument("--to", dest="last", default="2024-12")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    every = months(Period.parse(asked.first), Period.parse(asked.last))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        synthesise(Path(folder) / "partnership", Window.between(asked.first, asked.last, asked.scale), 1, CODES)
        invented = Invented(Path(folder) / "partnership")
        for workstream in WORKSTREAMS:
            under = agreement(workstream)
            held = hold(invented, under)
            for release in under.releases:
                if release.known_people or (asked.only and release.name != asked.only):
                    continue
                begun, processor = time.perf_counter(), time.process_time()
                files, refused = made(release, under, held, every)
                seconds, cpu = time.perf_counter() - begun, time.process_time() - processor
                rows = sum(table.num_rows for place, table in held.rows.items() if place[0] in release.datasets)
                found.append(
                    {"release": release.name, "rows": rows, "seconds": seconds, "processor": cpu, "files": files, "refused": refused}
                )
                print(
                    f"{release.name:24} {rows:>10,} rows {seconds:7.1f} s ({cpu:6.1f} of processor) {files:>3} files {refused}", flush=True
                )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(found)} releases: {sum(one['seconds'] for one in found):.0f} s; peak {peak:,.0f} MB at scale {asked.scale}")
    OUT.mkdir(exist_ok=True)
    (OUT / "rebuild.json").write_text(
        json.dumps({"scale": asked.scale, "peak_mb": peak, "releases": found}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
