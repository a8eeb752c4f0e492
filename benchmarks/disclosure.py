"""Speed, cost and safety of the disclosure engine, a line a set and level, against the peers' figures where the reference notes quote any.

    python -m benchmarks.disclosure [SET ...] [--levels ABC] [--all] [--thorough]

SET is a shared set's short name (a1 ... c0) or a generated one (c1 ... c4, of 2 352, 15 925, 72 250 and 250 125 cells; seeded, as
`tests/exchange/disclosure/generate.py` makes them). Without one: the small ones, in under two minutes; `--all`: every one of them.
Seconds are of one thread's processor time, memory is the most that a process of its own had, reading the set included.

Peers were measured on the shared sets themselves, and for c1 to c3 on other sets of as many cells: there only seconds are compared.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import itertools

from benchmarks.measure import OUT, in_fresh_process, peak_mb
from exchange.disclosure import Need, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from tests.exchange.disclosure import generate

LEVELS = {"A": Need(1, 1), "B": Need(0, 4), "C": Need(1, 4)}
SMALL = ("b1", "c0", "c1")
LIMITS = {"c2": 10.0, "c3": 20.0, "c4": 150.0}
"""Seconds that protection may take."""


@dataclass(frozen=True)
class Peer:
    """What another tool took and the value it hid (None: on another set, or not finished), at which levels; `like`: those it promises too."""

    name: str
    seconds: float
    value: int | None
    levels: str = "AB"
    like: str = "A"


GAUSS, TRIAL = "GaussSuppression 1.2.3", "the trial implementation"
# Its patterns stop exact recovery and some sums of ones: nearest to A, and far from B.
PEERS: dict[str, tuple[Peer, ...]] = {
    "b1": (Peer(GAUSS, 0.24, 70),),
    "c0": (
        Peer(GAUSS, 12.4, 6102),
        *(Peer(TRIAL, *figures) for figures in ((0.31, 5959, "A", "A"), (0.40, 7039, "B", "B"), (0.49, 10290, "C", "C"))),
    ),
    "c1": (Peer(GAUSS, 0.67, None),),
    "c2": (Peer(GAUSS, 29.0, None),),
    "c3": (Peer(GAUSS + ", stopped", 170.0, None),),
}


def shared_sets() -> dict[str, Path]:
    """The shared sets by short name; none where the shared folder is not there."""
    root = Path(os.environ.get("LCJP_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    return {folder.name[:2]: folder for folder in sorted((root / "data" / "disclosure").glob("*_*"))}


def load(name: str) -> dict[str, bytes]:
    """The files of a set."""
    if name in generate.SHAPES:
        return generate.large(name)
    return {path.name: path.read_bytes() for path in shared_sets()[name].iterdir() if path.suffix in {".json", ".csv"}}


def measure(name: str, level: str, *, thorough: bool) -> dict[str, Any]:
    """Protect, check and attack one set at one level, in this process."""
    return measured(load(name), LEVELS[level], thorough=thorough) | {"set": name, "level": level}


def measured(files: dict[str, bytes], need: Need, *, thorough: bool = False) -> dict[str, Any]:
    """The figures of one set at one level."""
    marks = [time.process_time()]
    tables = read_table_set(files)
    marks.append(time.process_time())
    result = protect(tables, need, thorough=thorough)
    marks.append(time.process_time())
    output = result.files()
    check_certificate(files, output, need)
    marks.append(time.process_time())
    found = attack(files, output, need, insiders=result.insiders)
    marks.append(time.process_time())
    seconds = dict(zip(("read", "protect", "check", "attack"), (b - a for a, b in itertools.pairwise(marks)), strict=True))
    kept = ("cells", "primary", "secondary", "secondary_value")
    return {key: result.report[key] for key in kept} | {"seconds": seconds, "safe": found.safe, "peak_mb": peak_mb()}


def line(found: dict[str, Any]) -> str:
    """One line: ours, and how many times a peer's seconds and value."""
    seconds, name = found["seconds"], found["set"]
    parts = [
        f"{name} {found['level']} {found['cells']:>7,} cells {found['primary']:>6,} primary",
        f"{found['secondary']:>6,} secondary ({found['secondary_value']:>8,})",
        f"protect {seconds['protect']:6.2f} check {seconds['check']:5.2f} attack {seconds['attack']:5.2f} s",
        f"{'safe' if found['safe'] else 'VULNERABLE'}, {found['peak_mb']:,} MB",
    ]
    if name in LIMITS:
        parts.append(f"limit {LIMITS[name]:.0f} s: {'reached' if seconds['protect'] < LIMITS[name] else 'NOT REACHED'}")
    for peer in PEERS.get(name, ()):
        if found["level"] in peer.levels:
            times = f"{peer.seconds / max(seconds['protect'], 0.01):.1f} times as fast as {peer.name} ({peer.seconds} s"
            if peer.value is None:
                parts.append(f"{times} on another set of as many cells)")
            elif found["level"] in peer.like:
                parts.append(f"{times}), x {found['secondary_value'] / peer.value:.2f} of its value")
            else:
                parts.append(f"{times}, which promises less)")
    return " | ".join(parts)


def main() -> None:
    """Each set and level in a process of its own, one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--levels", default="ABC")
    parser.add_argument("--all", action="store_true", help="every shared set, and c1 to c4")
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--here", action="store_true", help="in this process, figures as JSON")
    chosen = parser.parse_args()
    there = {*shared_sets(), *generate.SHAPES}
    names = chosen.sets or (sorted(there) if chosen.all else [name for name in SMALL if name in there])
    figures = []
    for name in names:
        for level in chosen.levels:
            if chosen.here:
                print(json.dumps(measure(name, level, thorough=chosen.thorough)), flush=True)
                continue
            more = ["--thorough"] if chosen.thorough else []
            figures.append(in_fresh_process("benchmarks.disclosure", name, "--levels", level, "--here", *more))
            print(line(figures[-1]), flush=True)
    if figures:
        OUT.mkdir(exist_ok=True)
        (OUT / "disclosure.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
