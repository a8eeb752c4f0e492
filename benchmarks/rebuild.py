"""The whole framework rebuilt: every release of the example agreements over five years of an invented partnership, both forces, edition after edition.

The hub has one edition a window, and what is published of one window is no history of another; so five years are twenty quarterly editions of a release (a cohort: those
quarters whose follow-up is over), each with its rows read as an edition's are, counted, people linked, tables protected, attacked, and written in every published form.

Beforehand, and timed apart: the partnership is invented, read by the real adapters and minimised by the agreements' rules. Rows are in memory, as the hub's holdings
give them; intake, and the decryption of held rows, are not part of it. Everything that is made is made in this one process, one edition at a time.

    python -m benchmarks.rebuild [--scale 1] [--from 2020-01] [--to 2024-12] [--only mr1-reoffending] [--every-month]
"""

import argparse
import faulthandler
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

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
from exchange.releases.spans import spans
from exchange.releases.tabulate import tabulate
from tests.agreements.examples import agreement
from tests.exchange.measures.held import CODES, WORKSTREAMS, Held, Invented, hold

MEMORY = "4GB"
Rows = Mapping[tuple[str, str], pa.Table]


@dataclass(frozen=True)
class Rebuilt:
    """A release over all windows: editions made and refused (why), rows and seconds of all of them, the slowest one."""

    release: str
    editions: int
    refused: tuple[str, ...]
    rows: int
    files: int
    seconds: float
    processor: float
    slowest: float


def windows(release: Release, every: Sequence[Period], size: int) -> Iterator[Sequence[Period]]:
    """The editions of a release: months in groups, or quarters of a cohort with a year before them; none whose wait is not over."""
    over = every[: len(every) - (release.wait.months if release.wait else 0)]
    step = 3 if release.cohort else size
    for place in range(12 if release.cohort else 0, len(over) - step + 1, step):
        yield over[place : place + step]


def read(release: Release, under: Agreement, held: Held, periods: Sequence[Period]) -> Rows:
    """The rows that an edition reads: of each dataset those of the periods that it asks for."""
    found: dict[tuple[str, str], pa.Table] = {}
    for name, wanted in spans(under, release, periods).items():
        dataset = under.dataset(name)
        for place, table in held.rows.items():
            if dataset is not None and place[0] == name:
                found[place] = table if wanted is None else _between(table, dataset.period_field, wanted)
    return found


def _between(table: pa.Table, field: str, names: Sequence[str]) -> pa.Table:
    if not names:
        return table.slice(0, 0)
    first, last = (pa.scalar(day, pa.date32()) for day in (Period.parse(names[0]).start, Period.parse(names[-1]).end))
    days = table[field].cast(pa.date32())
    return table.filter(pc.and_(pc.greater_equal(days, first), pc.less_equal(days, last)))


def made(release: Release, under: Agreement, rows: Rows, periods: Sequence[Period]) -> tuple[int, str]:
    """Make one edition; how many files it has, and what it was refused for."""
    try:
        if release.by_unit:
            done = protected_units(release, under, rows, periods, memory=MEMORY)
            return len(published(release, under, periods, done.files, figures=done.figures)), ""
        protected, _ = guard(tabulate(release, under, rows, periods, memory=MEMORY), release)
    except Unacceptable as error:
        return 0, str(error)
    return len(published(release, under, periods, protected)), ""


def rebuilt(release: Release, under: Agreement, held: Held, editions: Sequence[Sequence[Period]]) -> Rebuilt:
    """Make all editions of a release, saying how far it is."""
    refused, times, rows, files = list[str](), list[float](), 0, 0
    processor = time.process_time()
    for place, periods in enumerate(editions, 1):
        begun = time.perf_counter()
        taken = read(release, under, held, periods)
        some, because = made(release, under, taken, periods)
        times.append(time.perf_counter() - begun)
        rows, files = rows + sum(table.num_rows for table in taken.values()), files + some
        if because:
            refused.append(f"{periods[0].name}: {because}")
        _now(f"  {release.name}: {place} of {len(editions)}, {periods[0].name} to {periods[-1].name}, {times[-1]:.1f} s")
    return Rebuilt(
        release.name, len(editions), tuple(refused), rows, files, sum(times), time.process_time() - processor, max(times, default=0.0)
    )


def _now(line: str) -> None:
    """Where it is: one line that is written over on a screen, and a line each elsewhere."""
    print(f"\r{line:100}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def main() -> None:
    """Invent, hold, rebuild, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="1: the two forces' real size")
    parser.add_argument("--from", dest="first", default="2020-01")
    parser.add_argument("--to", dest="last", default="2024-12")
    parser.add_argument("--only", default="", help="one release alone")
    parser.add_argument("--every-month", action="store_true", help="monthly editions instead of quarterly ones")
    parser.add_argument("--stacks", type=int, default=0, metavar="SECONDS", help="so often, where it is in the code")
    asked = parser.parse_args()
    if asked.stacks:
        faulthandler.dump_traceback_later(asked.stacks, repeat=True)
    every = months(Period.parse(asked.first), Period.parse(asked.last))
    found: list[Rebuilt] = []
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        synthesise(Path(folder) / "partnership", Window.between(asked.first, asked.last, asked.scale), 1, CODES)
        set_up = time.perf_counter() - begun
        print(f"invented in {set_up:.0f} s at scale {asked.scale}", flush=True)
        invented = Invented(Path(folder) / "partnership")
        for workstream in WORKSTREAMS:
            # As if it had always been collected: nothing that was invented lies before the agreement's data begin.
            under = replace(agreement(workstream), back_fill_from=asked.first)
            wanted = [one for one in under.releases if not one.known_people and asked.only in ("", one.name)]
            if not wanted:
                continue
            begun = time.perf_counter()
            held = hold(invented, under)
            set_up += (took := time.perf_counter() - begun)
            print(
                f"{under.reference}: {sum(one.num_rows for one in held.rows.values()):,} rows read and minimised in {took:.0f} s",
                flush=True,
            )
            for release in wanted:
                found.append(rebuilt(release, under, held, list(windows(release, every, 1 if asked.every_month else 3))))
                _tell(found[-1])
    _finish(found, set_up, asked.scale)


def _tell(one: Rebuilt) -> None:
    told = f"{one.release:22} {one.editions:>3} editions {one.rows:>11,} rows {one.seconds:7.1f} s ({one.processor:6.1f} of processor, slowest {one.slowest:.1f})"
    print(f"{told} {one.files:>5} files" + "".join(f"\n    refused, {because}" for because in one.refused), flush=True)


def _finish(found: Sequence[Rebuilt], set_up: float, scale: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, processor, editions = (sum(getattr(one, name) for one in found) for name in ("seconds", "processor", "editions"))
    refused = sum(len(one.refused) for one in found)
    print(
        f"{len(found)} releases, {editions} editions, {refused} refused: {seconds:.0f} s ({processor:.0f} of processor); "
        f"set up in {set_up:.0f} s; peak {peak:,.0f} MB; scale {scale}"
    )
    OUT.mkdir(exist_ok=True)
    report = {"scale": scale, "peak_mb": peak, "set_up": set_up, "releases": [asdict(one) for one in found]}
    (OUT / "rebuild.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
