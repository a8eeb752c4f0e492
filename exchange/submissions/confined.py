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
from contextlib import suppress
from pathlib import Path
from typing import Any

from exchange.errors import Unavailable

MOST = 4 << 20
"""The longest result, in bytes. An honest one has a few lines a field."""

_SENTENCE = 500

# What the confined process runs. First a library is kept out that the opener's own imports would load for nothing.
_OPENER = "from exchange import without_pandas; without_pandas.keep_out(); from exchange.submissions import opener; opener.main()"
# Signals a process earns by what it reads; every other comes from outside.
_CRASHES = {-number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)}


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a job. Unavailable where there is none and the parts are not the reason.

    Keys go in by standard input, never by arguments or environment. What comes out is read up to a limit, and believed no further than
    its form: the process has read what strangers sent.
    """
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        status, told = _talk([sys.executable, "-c", _OPENER], environment, json.dumps(job).encode())
    except OSError as error:
        raise Unavailable("the process that opens parts could not be started or spoken to; they wait to be opened again.") from error
    if status == 0 or len(told) > MOST:
        return _read(told)
    if status == -signal.SIGXCPU:
        return {"outcome": "part", "reason": "the parts take far more work to open than honest ones"}
    if status in _CRASHES:
        return {"outcome": "part", "reason": f"the process that opens parts crashed over them, with signal {-status}"}
    # Its own words are not repeated: they might quote what it read.
    raise Unavailable(f"the process that opens parts ended with status {status}; they wait to be opened again.")


def _talk(command: list[str], environment: Mapping[str, str], job: bytes) -> tuple[int, bytes]:
    """Its status and what it said, of which no more than one byte beyond the limit is read."""
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, env=environment, cwd=Path(__file__).parents[2]) as running:
        if running.stdin is None or running.stdout is None:
            raise TypeError("both are pipes")
        try:
            with suppress(BrokenPipeError), running.stdin:  # it may have died before it read everything: its status says so
                running.stdin.write(job)
            told = running.stdout.read(MOST + 1)
            if len(told) > MOST:
                running.kill()
            return running.wait(), told
        except BaseException:
            running.kill()
            raise


def _read(told: bytes) -> dict[str, Any]:
    """What the process said, if it is of a form that it may have; else a refusal of what made it say that."""
    try:
        found = json.loads(told) if len(told) <= MOST else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and _formed(found):
        return found
    return {"outcome": "part", "reason": "the process that opens parts was led astray by them"}


def _formed(found: Mapping[str, Any]) -> bool:
    match found:
        case {"outcome": "part", "reason": str(reason)}:
            return 0 < len(reason) <= _SENTENCE
        case {"outcome": "rows", "errors": list(errors)}:
            return bool(errors) and all(_is_error(one) for one in errors)
        case {"outcome": "ok", "rows": int(), "rows_digest": str(), "totals": dict(totals), "codes": dict(codes)}:
            return all(type(count) is int for count in totals.values()) and all(isinstance(counts, list) for counts in codes.values())
        case _:
            return False


def _is_error(one: Any) -> bool:
    return (
        isinstance(one, dict) and isinstance(one.get("field"), str) and isinstance(one.get("rule"), str) and type(one.get("count")) is int
    )
