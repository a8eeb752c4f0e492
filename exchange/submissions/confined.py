"""Starts the process that opens what strangers send, and tells what the parts did to it from what the machine did.

A refusal is signed and final, so it is only for what the parts themselves are guilty of. A process that was killed for want of memory,
ended with the service, or found no room on the disk has said nothing about them: they are opened again.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange.errors import Unavailable

# What the confined process runs. The first import keeps a library out that the second would otherwise load for nothing.
_OPENER = "from exchange.submissions import without_pandas, opener; opener.main()"
# Signals a process earns by what it reads; every other comes from outside.
_CRASHES = {-number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)}


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a job. Unavailable where there is none and the parts are not the reason.

    Keys go in by standard input, never by arguments or environment.
    """
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _OPENER],
        input=json.dumps(job).encode(),
        capture_output=True,
        env=environment,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    if done.returncode == 0:
        result: dict[str, Any] = json.loads(done.stdout)
        return result
    if done.returncode in _CRASHES:
        return {"outcome": "part", "reason": f"the process that opens parts crashed over them, with signal {-done.returncode}"}
    # Its own words are not repeated: they might quote what it read.
    raise Unavailable(f"the process that opens parts ended with status {done.returncode}; they wait to be opened again.")
