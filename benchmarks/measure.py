"""How benchmarks measure and report: seconds of a child process, the most memory it had, one line and one JSON file each."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
OUT = Path(__file__).resolve().parent / "out"
SUPPLIER, SECRET, EPOCH = "durham-constabulary", bytes(range(32)), 1  # whose rows, and the linkage secret of the benchmarks' agreement


@dataclass(frozen=True)
class Result:
    """One comparison: ours and the other's figure, the ratio between them, and the limit it is held against."""

    name: str
    work: str
    ours: str
    other: str
    ratio: float
    limit: str
    reached: bool
    peak_mb: int
    details: Mapping[str, Any]

    def show(self) -> None:
        """Print the line and write the file."""
        OUT.mkdir(exist_ok=True)
        (OUT / f"{self.name}.json").write_text(json.dumps(self.__dict__, indent=1, default=str) + "\n", encoding="utf-8")
        verdict = "reached" if self.reached else "NOT REACHED"
        print(
            f"{self.name:9} {self.work}: ours {self.ours}, against {self.other}; ratio {self.ratio:.2f}, "
            f"limit {self.limit}: {verdict}; peak {self.peak_mb} MB",
            flush=True,
        )


def peak_mb() -> int:
    """The most memory this process has had resident."""
    [line] = [line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def children_peak_mb() -> int:
    """The most memory that any child of this process had resident."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def in_fresh_process(module: str, *arguments: str | Path) -> dict[str, Any]:
    """Run ``python -m module arguments`` apart, so that nothing this process did counts; the JSON it prints last."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def paired(ours: Sequence[float], other: Sequence[float]) -> float:
    """The median of ours over the other's, run by run: the two of a pair ran one after the other, on a machine that others use too."""
    return statistics.median(one / two for one, two in zip(ours, other, strict=True))


class Stopwatch:
    """Seconds of the block, and of processor time that its children and this process spent."""

    def __enter__(self) -> Self:
        self._begun, self._spent = time.perf_counter(), _processor()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.processor = time.perf_counter() - self._begun, _processor() - self._spent


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
