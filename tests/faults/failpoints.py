"""Faults from inside the process: the n-th call on the hub's files or its database fails, or is the last that the process makes.

For where strace is not to be had, and for tests that crash a hub in their own process. SQLite's own calls are not reached; what it is
asked to do is: every statement and every commit.
"""

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

CRASH, KILL, EIO, ENOSPC = "crash", "SIGKILL", "EIO", "ENOSPC"
_BY_PATH = ("open", "replace", "rename", "unlink", "remove", "mkdir")
_BY_DESCRIPTOR = ("write", "fsync")


class Crashed(BaseException):
    """The process is dead from here on: nothing catches this, and nothing it still tries reaches a file."""


class Failpoints:
    """Counts the calls, and lets one of them meet the fault; counts only, where ``when`` is 0."""

    def __init__(self, folder: Path, when: int = 0, fault: str = CRASH) -> None:
        self.folder, self.when, self.fault = str(folder), when, fault
        self.count = 0
        self.dead = False
        self.struck = ""

    def pass_by(self, what: str, *, database: bool = False) -> None:
        """One call."""
        if self.dead:
            raise Crashed
        self.count += 1
        if self.count != self.when:
            return
        self.struck = what
        if self.fault == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == CRASH:
            self.dead = True
            raise Crashed
        if database:
            raise OperationalError(what, None, Exception("disk I/O error" if self.fault == EIO else "database or disk is full"))
        code = errno.EIO if self.fault == EIO else errno.ENOSPC
        raise OSError(code, os.strerror(code))

    def by_path(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """A call that names a file."""

        def call(path: Any, *more: Any, **named: Any) -> Any:
            if not isinstance(path, int) and os.fsdecode(path).startswith(self.folder):
                self.pass_by(name)
            return real(path, *more, **named)

        return call

    def by_descriptor(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """A call on an open file."""

        def call(descriptor: int, *more: Any) -> Any:
            if str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith(self.folder):
                self.pass_by(name)
            return real(descriptor, *more)

        return call

    def statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """A statement is about to be executed."""
        self.pass_by(statement.split(" ", 1)[0], database=True)

    def commit(self, _connection: Any) -> None:
        """A transaction is about to be committed."""
        self.pass_by("COMMIT", database=True)


@contextmanager
def failing(points: Failpoints) -> Iterator[Failpoints]:
    """Every call of this process passes by these points, for as long as the block runs."""
    patches: list[Any] = [patch.object(os, name, points.by_path(name, getattr(os, name))) for name in _BY_PATH]
    patches += [patch.object(os, name, points.by_descriptor(name, getattr(os, name))) for name in _BY_DESCRIPTOR]
    patches += [patch.object(io, "open", points.by_path("open", io.open)), patch.object(builtins, "open", points.by_path("open", open))]
    listening = ((Engine, "before_cursor_execute", points.statement), (Engine, "commit", points.commit))
    for target, name, function in listening:
        event.listen(target, name, function)
    try:
        for one in patches:
            one.start()
        yield points
    finally:
        for one in patches:
            one.stop()
        for target, name, function in listening:
            event.remove(target, name, function)
