"""A cut through the fault matrix in every test run: of each operation one point of each fault. All of it: ``dev.py faults``."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import harness, tracing
from tests.faults.operations import Scene, first, operations

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)  # forty seconds where nothing else runs
def test_a_cut_through_the_matrix() -> None:
    # In a process of its own: it forks, and this one has threads.
    command = [sys.executable, "-m", "tests.faults.matrix", "--most", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=880)
    last = done.stdout.strip().rpartition("\n")[2]
    assert re.fullmatch(r"faults: \d+ points, all invariants hold", last), done.stdout[-4000:] + done.stderr[-2000:]
    assert done.returncode == 0


def test_without_strace_the_process_fails_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failpoints reach the files and the database of an operation, and the invariants hold there too."""
    monkeypatch.setattr(tracing, "available", lambda: "it is not asked")
    operation = operations()["hold"]
    scene: Scene = operation.scene(first(tmp_path / "first"), tmp_path / "hold")
    points = harness.points(operation, scene)
    assert len({one.when for one in points if one.fault != harness.FULL}) > 40
    for point in (one for one in harness.thinned(points, 2) if one.fault != harness.FULL):
        assert harness.try_point(operation, scene, point).wrong == ()
