"""``python3 dev.py scale`` runs to its last line, the ratios."""

import subprocess
import sys

import pytest

from demo.cast import ROOT


@pytest.mark.slow
def test_the_scale_run_ends_with_the_ratios_of_all_its_parts() -> None:
    command = [sys.executable, "-m", "benchmarks.scale", "--small", "--only", "growth", "--only", "national", "--only", "workers"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("ratios: ")
    assert {"two workers over one", "seconds a row, largest over smallest"} <= {
        one.strip().rpartition(" ")[0] for one in last[8:].split(";")
    }
