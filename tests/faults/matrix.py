"""The fault matrix: operations × faults, every point struck, and what does not hold. ``python -m tests.faults.matrix [--quick]``"""

import argparse
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.faults import harness, tracing
from tests.faults.harness import FAULTS, Outcome, Point
from tests.faults.operations import Scene, first, operations

QUICK = 3  # points of each operation and fault
SHOWN = 40
_scenes: dict[str, Scene] = {}


def prepare(folder: Path, names: Sequence[str]) -> None:
    """Make every scene, before anything forks."""
    base = first(folder / "first")
    for number, name in enumerate(names):
        _scenes[name] = operations()[name].scene(base, folder / str(number))


def _points(asked: tuple[str, bool]) -> list[Point]:
    name, every = asked
    return harness.points(operations()[name], _scenes[name], every=every)


def _try(point: Point) -> Outcome:
    operation = operations()[point.operation]
    found = harness.try_point(operation, _scenes[point.operation], point)
    # Calls may fall otherwise from run to run (which thread was first): a fault that reached no file of the hub is tried once more.
    return found if found.struck or found.wrong else harness.try_point(operation, _scenes[point.operation], point)


def run(names: Sequence[str], most: int = 0, *, every: bool = False) -> list[Outcome]:
    """Strike the points of these operations (with ``most``: so many of each fault), on all cores."""
    with tempfile.TemporaryDirectory(prefix="faults-scenes-") as folder:
        prepare(Path(folder), names)
        gc.freeze()
        with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
            found = list(pool.imap(_points, [(name, every) for name in names]))
            tasks = [point for points in found for point in (harness.thinned(points, most) if most else points)]
            found_out = _watched(pool.imap_unordered(_try, tasks), len(tasks))
        gc.unfreeze()
        return found_out


def _watched(outcomes: Iterable[Outcome], total: int) -> list[Outcome]:
    found, said = [], time.monotonic()
    for outcome in outcomes:
        found.append(outcome)
        if sys.stderr.isatty() or time.monotonic() - said > 60:
            said = time.monotonic()
            sys.stderr.write(f"   {len(found):,} of {total:,} points\n")
            sys.stderr.flush()
    return found


# ------------------------------------------------------------------------------------------------------------ saying


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(outcomes: Sequence[Outcome], names: Sequence[str]) -> str:
    """Operations down, faults across; in each cell how many points held of how many there are."""
    tried, held = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for one in outcomes:
        cell = one.point.operation, one.point.fault
        tried[cell] += 1
        held[cell] += not one.wrong
    width = max(len(name) for name in names) + 2
    lines = ["operation".ljust(width) + "".join(fault.rjust(16) for fault in FAULTS)]
    for name in names:
        cells = [f"{held[name, fault]:,} of {tried[name, fault]:,}" if tried[name, fault] else "-" for fault in FAULTS]
        lines.append(name.ljust(width) + "".join(cell.rjust(16) for cell in cells))
    return "\n".join(lines)


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """What does not hold, each thing once, with how often and where it was first seen."""
    seen: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        for wrong in one.wrong:
            seen[f"{one.point.operation}: {_general(wrong)}"].append(one)
    return [f"{what}\n    {len(found)} times, first: {found[0].point}; {found[0].struck[:160]}" for what, found in seen.items()]


def _general(wrong: str) -> str:
    """The same finding in the same words: ids taken out."""
    words = [("…" if sum(letter.isdigit() for letter in word) > 4 else word) for word in wrong.split(" ")]
    return " ".join(words)


def how() -> str:
    """By what means the faults are made here."""
    means = "faults by strace" if not tracing.available() else f"faults by failpoints inside the process, since {tracing.available()}"
    disks = "small disks by tmpfs" if not harness.can_mount() else f"no small disks, since {harness.can_mount()}"
    return f"{means}; {disks}"


def totals(outcomes: Sequence[Outcome]) -> str:
    """The last line."""
    bad = sum(1 for one in outcomes if one.wrong)
    result = f"{bad:,} where something does not hold" if bad else "all invariants hold"
    missed = sum(1 for one in outcomes if not one.struck)
    return f"faults: {len(outcomes):,} points, {result}" + (f" ({missed:,} reached no file of the hub)" if missed else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the matrix; 1 where an invariant does not hold."""
    parser = argparse.ArgumentParser(prog="dev.py faults", description="Faults at every file and database call of what the hub does.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} points of each operation and fault")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="so many points of each operation and fault")
    parser.add_argument("--every", action="store_true", help="of long runs of the same call on the same file every one, not every eighth")
    parser.add_argument("--only", action="append", choices=operations(), metavar="OPERATION", help="this operation (repeat for more)")
    parser.add_argument("--besides", default="", metavar="NAMES", help="what failed before this, for the last line")
    asked = parser.parse_args(arguments)
    names = asked.only or list(operations())
    begun = time.monotonic()
    outcomes = run(names, QUICK if asked.quick else asked.most, every=asked.every)
    say(table(outcomes, names))
    say(f"({how()}; {time.monotonic() - begun:.0f} s)")
    for line in failures(outcomes)[:SHOWN]:
        say(line)
    say(totals(outcomes) + (f"; failed besides: {asked.besides}" if asked.besides else ""))
    return 1 if asked.besides or any(one.wrong for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
