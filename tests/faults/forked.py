"""Processes of their own without the second that imports take: forked from one that has everything loaded.

Each child waits at a gate until whoever watches it is ready, says its answer through a pipe, and ends.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from exchange.submissions import confined, opener

PATIENCE = 90.0
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Gate:
    """Where a child waits, and how it says that it does."""

    ready: tuple[int, int]
    go: tuple[int, int]

    @classmethod
    def new(cls) -> "Gate":
        return cls(os.pipe(), os.pipe())

    def wait(self) -> None:
        """In the child: say who waits here, and wait. Nothing is read, so that a tracer counts nothing of it."""
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY)
        os.write(self.ready[1], f"{os.getpid()}\n".encode())
        select.select([self.go[0]], [], [])

    def who(self) -> int:
        """In the parent: the process that waits; 0 if none ever will."""
        os.close(self.ready[1])
        found, _, _ = select.select([self.ready[0]], [], [], PATIENCE)
        said = os.read(self.ready[0], 64) if found else b""
        return int(said or b"0")

    def open(self) -> None:
        """Let it go on."""
        os.write(self.go[1], b"g")

    def close(self) -> None:
        """Let go of the pipes."""
        for one in (self.ready[0], *self.go):
            os.close(one)


@dataclass
class Child:
    """A forked process and the pipe of its answer."""

    pid: int
    answer: int

    def result(self) -> tuple[Any, int]:
        """What it answered (None where it did not live to), and how it ended: 0, or minus the signal."""
        until, read = time.monotonic() + PATIENCE, b""
        while True:
            ready, _, _ = select.select([self.answer], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(self.answer, 1 << 16) if ready else b""
            if not ready:
                os.kill(self.pid, signal.SIGKILL)
            if not piece:
                break
            read += piece
        os.close(self.answer)
        _, status = os.waitpid(self.pid, 0)
        return json.loads(read) if read.endswith(b"\n") else None, os.waitstatus_to_exitcode(status)


def fork(work: Callable[[], Any], *, quiet: bool = True) -> Child:
    """Do something in a child; what it returns is its answer. What it raises ends it with 1, and its kind is the answer."""
    reading, writing = os.pipe()
    if pid := os.fork():
        os.close(writing)
        return Child(pid, reading)
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(reading)
        if quiet:
            null = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(null, standard)
        try:
            said = json.dumps(work())
            code = 0
        except Exception as error:  # noqa: BLE001  # a fault may raise anything; the parent judges
            last = traceback.extract_tb(error.__traceback__)[-1]
            said = json.dumps({"error": type(error).__name__, "words": f"{error} ({last.name}:{last.lineno})"[:500]})
        view = memoryview(said.encode() + b"\n")
        while view:
            view = view[os.write(writing, view) :]
    finally:
        os._exit(code)


def open_parts_forked(gate: Gate | None = None) -> None:
    """From here on in this process parts are opened in a forked child by the real opener, not in one that first imports everything."""
    patch.object(confined, "_talk", lambda _command, _environment, job: _opener(gate, job)).start()


def _opener(gate: Gate | None, document: bytes) -> tuple[int, bytes]:
    job, result = os.pipe(), os.pipe()
    if pid := os.fork():
        os.close(job[0])
        os.close(result[1])
        with suppress(BrokenPipeError), os.fdopen(job[1], "wb") as file:
            file.write(document)
        with os.fdopen(result[0], "rb") as file:
            said = file.read()
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), said
    code = 1
    try:
        os.close(job[1])
        os.close(result[0])
        sys.stdin, sys.stdout = os.fdopen(job[0], encoding="utf-8"), os.fdopen(result[1], "w", encoding="utf-8")
        # Its memory cannot be capped where another's is mapped already; all else of it is real.
        patch.object(opener, "confine", _unconfined).start()
        if gate is not None:
            gate.wait()
        opener.main()
        sys.stdout.flush()
        code = 0
    finally:
        os._exit(code)


def _unconfined(*_: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
