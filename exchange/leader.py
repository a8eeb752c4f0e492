"""Turns: of all processes that could do a thing by itself, one does.

On one host a lock on a file (:class:`FileTurn`). Over all hosts that share a PostgreSQL an advisory lock (:class:`AdvisoryTurn`), held by a
session of its own, since whoever ends the session frees the lock: the server does when the process dies, when its host is cut off
(keepalives), and when it has been silent for :data:`SILENCE` seconds (a paused process says nothing; ``idle_session_timeout``).

A process that sleeps may outlive its turn. It is :meth:`~Turn.sure` only for a time after its last word that is shorter than the server's
patience, and begins nothing while it is not; what it has begun before is safe to be done twice (docs/scale.md says why, job by job).
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from exchange.db import make_single

SILENCE = 5.0
"""Seconds after which the server ends the session of a leader that says nothing."""
SURE = 0.8  # of that time a leader is sure that it is one
EVERY = 1.0
"""Seconds between two words of a leader, or two tries of another to become it."""
LEADER, _PRESENT = 0x1C3A, 0x1C3B  # any numbers that nothing else locks (exchange.migrate has the one before)
_PATIENCE = (
    "SET idle_session_timeout = '{0}ms'; SET statement_timeout = '{0}ms'; "
    "SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3; SET tcp_user_timeout = {0}"
)
logger = logging.getLogger("exchange.leader")


def take(path: Path, wait: float, *, shared: bool = False) -> IO[str] | None:
    """Take a lock on a file, alone or with others; None if it is not to be had in ``wait`` seconds. Held as long as the handle is open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("w")
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                handle.close()
                return None
            time.sleep(0.05)
        else:
            os.set_inheritable(handle.fileno(), True)  # noqa: FBT003  # the standard library's own signature
            return handle


class Turn(Protocol):
    """What one of many has."""

    def hold(self) -> bool:
        """Take it, or say that one is still there; whether it is this process's. Raises where nobody can tell."""

    def sure(self) -> bool:
        """Whether it is certainly this process's at this moment."""

    def let_go(self) -> None:
        """Give it up."""


class FileTurn:
    """The turn of one process on this host: the kernel frees it when the process dies, however it does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: IO[str] | None = None

    def hold(self) -> bool:
        """Take it, if it is free."""
        self._handle = self._handle or take(self.path, 0)
        return self._handle is not None

    def sure(self) -> bool:
        """As long as the file is open."""
        return self._handle is not None

    def let_go(self) -> None:
        """Close the file."""
        if self._handle is not None:
            self._handle.close()
        self._handle = None


class AdvisoryTurn:
    """The turn of one process on all hosts of a PostgreSQL database. Its session also says that this process is there (:func:`nobody_else`)."""

    def __init__(self, url: str, *, stands: bool = True, silence: float = SILENCE, name: str = "") -> None:
        """``name``: of this host, as it stands in pg_stat_activity for whoever asks there who leads."""
        self._engine, self._stands, self._silence, self._name = make_single(url), stands, silence, name
        self._connection: Connection | None = None
        self._held = False
        self._until = 0.0

    def hold(self) -> bool:
        """Ask the server. An error ends the session: the turn may be another's by now."""
        began = _seconds()
        try:
            connection = self._connection or self._connect()
            if connection is None:
                return False
            if self._held or not self._stands:
                connection.execute(text("SELECT 1"))
            else:
                self._held = _locked(connection, "pg_try_advisory_lock", LEADER)
        except BaseException:
            self.let_go()
            raise
        self._until = began + self._silence * SURE
        return self._held

    def _connect(self) -> Connection | None:
        self._connection = connection = self._engine.connect()
        connection.exec_driver_sql(_PATIENCE.format(round(1000 * self._silence)))
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": f"lcjp {self._name}".strip()})
        if not _locked(connection, "pg_try_advisory_lock_shared", _PRESENT):
            self.let_go()  # somebody must be alone with the database
            return None
        return connection

    def sure(self) -> bool:
        """Held, and the server has been heard of so lately that it cannot have lost patience."""
        return self._held and _seconds() < self._until

    def let_go(self) -> None:
        """End the session, and with it every lock it has."""
        connection, self._connection, self._held = self._connection, None, False
        if connection is not None:
            with suppress(SQLAlchemyError, OSError):
                connection.close()


def _locked(connection: Connection, function: str, key: int) -> bool:
    return bool(connection.execute(text(f"SELECT {function}({key})")).scalar_one())


def _seconds() -> float:
    """A clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@contextmanager
def nobody_else(engine: Engine) -> Iterator[bool]:
    """Whether no process of any host is there; where that is so, none comes while the block runs. On SQLite the host's own locks say so."""
    if engine.dialect.name != "postgresql":
        yield True
        return
    single = make_single(engine.url.render_as_string(hide_password=False))
    with single.connect() as connection:
        yield _locked(connection, "pg_try_advisory_lock", _PRESENT)


class Standing(threading.Thread):
    """Stands for a turn: ``begin`` is called when it has it, ``end`` when it has it no more."""

    def __init__(self, turn: Turn, begin: Callable[[], None], end: Callable[[], None], every: float = EVERY) -> None:
        super().__init__(name="standing", daemon=True)
        self.turn, self.leads = turn, False
        self._begin, self._end, self._every = begin, end, every
        self._over = threading.Event()

    def run(self) -> None:
        """Until told to stop."""
        while not self._over.is_set():
            self._look()
            self._over.wait(self._every)
        self._become(leads=False)
        self.turn.let_go()

    def _look(self) -> None:
        try:
            held = self.turn.hold()
        except (SQLAlchemyError, OSError) as error:
            logger.warning("nobody says whose turn it is", extra={"kind": type(error).__name__})
            held = False
        try:
            self._become(leads=held)
        except (SQLAlchemyError, OSError) as error:  # it stands on: this process may have better luck later, or another now
            logger.warning("the turn could not be begun", extra={"kind": type(error).__name__})
            self.turn.let_go()

    def _become(self, *, leads: bool) -> None:
        if leads != self.leads:
            (self._begin if leads else self._end)()
            self.leads = leads

    def stop(self, wait: float = SILENCE) -> None:
        """End it, and let another have its turn."""
        self._over.set()
        if self.is_alive():
            self.join(wait)
