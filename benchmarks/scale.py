"""``python3 dev.py scale``: how the exchange grows, as the table of docs/scale.md; the last line is the ratios.

--small        little sizes, to see that everything runs
--only NAME    one or more of: growth spark national workers
--rows N       the largest size of growth (10 million; 100 million takes three minutes more and 3 GB of disk)

Each part is a module, ``benchmarks.scale_NAME``, run in a process of its own. It prints one JSON document last: ``rows``, each a mapping of column to text
in the order of the columns, and ``ratios``, name to number.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import OUT, ROOT

NAMES = ("growth", "spark", "national", "workers")


def main() -> int:
    """Run them in turn; 1 where one failed, and the ratios of the others all the same."""
    parser = argparse.ArgumentParser(prog="dev.py scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--only", action="append", default=[], choices=NAMES)
    given = parser.parse_args()
    ratios: dict[str, float] = {}
    failed = []
    for name in NAMES:
        if (given.only and name not in given.only) or not (ROOT / "benchmarks" / f"scale_{name}.py").is_file():
            continue
        more = [*(["--small"] if given.small else []), *(["--rows", str(given.rows)] if name == "growth" else [])]
        found = run(name, more)
        if found is None:
            failed.append(name)
            continue
        OUT.mkdir(exist_ok=True)
        (OUT / f"scale-{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"\n{name}\n\n{table(found['rows'])}\n", flush=True)
        ratios |= found["ratios"]
    if failed:
        print(f"did not finish: {', '.join(failed)}")
    print("ratios: " + "; ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))
    return 1 if failed else 0


def run(name: str, more: Sequence[str]) -> dict[str, Any] | None:
    """What a part prints; None where it failed, whose own words are on standard error."""
    command = [sys.executable, "-m", f"benchmarks.scale_{name}", *more]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows as a table of Markdown."""
    if not rows:
        return "(nothing measured)"
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
