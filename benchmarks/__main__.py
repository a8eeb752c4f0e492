"""``python3 dev.py bench``: every benchmark with modest sizes, a line each; the figures as JSON in benchmarks/out.

--rows N       rows of intake, push and tabulate (a million; the limits of the design are said for ten million)
NAME           one or more of: intake push api log disposal tabulate disclosure linkage (`--only NAME` is the same)
--scale N      linkage: link as many made-up records of six sources as well
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable

from benchmarks import api, disposal, intake, log, push
from benchmarks.measure import OUT, ROOT

NAMES = ("intake", "push", "api", "log", "disposal", "tabulate", "disclosure", "linkage")


def main() -> int:
    """Run them in turn: never two at once, for each is held against another in the same minute."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", action="append", default=[], choices=NAMES)
    parser.add_argument("--scale", type=int, default=0)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    chosen = {*given.only, *given.names} or set(NAMES)
    if unknown := chosen - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    repeats = 3 if given.rows <= 2_000_000 else 1
    ours: dict[str, Callable[[], None]] = {
        "intake": lambda: intake.run(given.rows, repeats).show(),
        "push": lambda: push.run(given.rows, repeats).show(),
        "api": lambda: api.run(500, 12).show(),
        "log": lambda: log.run(1_000_000, 1_000).show(),
        "disposal": lambda: disposal.run(1_000, 9).show(),
        "tabulate": lambda: tabulate(given.rows),
        "disclosure": disclosure,
        "linkage": lambda: linkage(given.scale),
    }
    for name, work in ours.items():
        if name in chosen:
            work()
    return 0


def tabulate(rows: int) -> None:
    """Join and tabulate; the script prints its own JSON."""
    printed = _script("benchmarks/tabulate.py", "--rows", str(rows))
    report = json.loads(printed.splitlines()[-1])
    OUT.mkdir(exist_ok=True)
    (OUT / "tabulate.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    times, reached = report["seconds"], report["ratio"] <= report["limit"]
    print(
        f"tabulate  {rows:,} x {rows:,} rows: ours {times['ours']:.2f} s, against {times['plain']:.2f} s; ratio {report['ratio']:.2f}, "
        f"limit <= {report['limit']}: {'reached' if reached else 'NOT REACHED'}; peak {report['peak_mb']} MB",
        flush=True,
    )


def disclosure() -> None:
    """Protection and attack on the small sets, a line a set and level; all of them: `python -m benchmarks.disclosure --all`."""
    for told in _script("-m", "benchmarks.disclosure").strip().splitlines():
        print(f"disclosure {told}", flush=True)


def linkage(scale: int) -> None:
    """How well people are found, a line a set; apart, for Splink and what it needs stay out of this process."""
    subprocess.run([sys.executable, "-m", "benchmarks.linkage", "--scale", str(scale)], cwd=ROOT, check=True)


def _script(*command: str) -> str:
    return subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
