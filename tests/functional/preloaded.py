"""Our programs as processes of their own that have nothing to import: each is forked from one that has imported all of it.

To import takes two thirds of a second of processor for ``exchange-agency`` and two for ``exchange serve``, to take apart at the end what was imported
half as much again, and the functional tests start some two hundred of them. What runs is the program's ``main``, with streams, session and signals of
its own; its process ends with that. That they start and end as an operator has them is seen where tests do that: tests/functional/hosts.py,
test_stopping, test_conformance, test_deployment, test_upgrading.

The process that forks has one thread and ends with whoever began it. A socket tells it what to start, with the streams that the program is to have and a
pipe through which it says the process's number and, later, how that ended.
"""

import atexit
import gc
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import weakref
from functools import cache
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import IO, Any, Self

from demo.cast import ROOT

PROGRAMS = {"exchange": "exchange.commands", "exchange-agency": "adapters.agency.cli"}
LATER = ("exchange.commands.running", "exchange.commands.serving")
"""What `exchange` loads with its command."""
_WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""What keeps numpy and pyarrow from beginning threads as they are loaded: a fork has none of them."""
_LONGEST, _NUMBER = 1 << 16, 8
"""Bytes: of what is told, and of a number that is said."""


class Running:
    """A program that was started: of ``subprocess.Popen`` what the tests use."""

    def __init__(self, told: int, streams: tuple[IO[bytes], ...] = ()) -> None:
        self._told, self._streams = told, streams
        self._heard = weakref.finalize(self, os.close, told)
        said = os.read(told, _NUMBER)
        assert said, "the process that forks has ended: its words are above"
        self.pid = int(said)
        self.returncode: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        for stream in self._streams:
            stream.close()

    def poll(self) -> int | None:
        """How it ended (as Popen says it: minus the signal), or None."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended; how. A subprocess.TimeoutExpired if it has not."""
        if (code := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = int(os.read(self._told, _NUMBER))
            self._heard()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Until it has ended; what it said, and what it complained of."""
        self.wait(timeout)
        out, err = self._streams
        with out, err:
            return _read(out), _read(err)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(SIGTERM)

    def kill(self) -> None:
        """Have it ended."""
        self.send_signal(SIGKILL)


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


def start(program: str, *words: str | Path, log: IO[bytes] | None = None, session: bool = False) -> Running:
    """Start one of our programs. ``log``: where it says everything; without it, see ``communicate``. ``session``: in a session of its own."""
    streams = (log, log) if log else (tempfile.TemporaryFile(), tempfile.TemporaryFile())  # noqa: SIM115  # closed with what runs
    reading, writing = os.pipe()
    job = {"program": program, "words": list(map(str, words)), "session": session, "environment": dict(os.environ)}
    try:
        socket.send_fds(_forking(), [json.dumps(job).encode()], [*(stream.fileno() for stream in streams), writing])
    finally:
        os.close(writing)
    return Running(reading, () if log else streams)


@cache
def _forking() -> socket.socket:
    """What the process that forks listens to. One for each process of the tests, from the first program to that process's end."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(there.fileno())],
            env=os.environ | _WITHOUT_THREADS,
            pass_fds=[there.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=ROOT,
        )
    atexit.register(process.wait)  # which it is told by the socket's end
    atexit.register(here.close)
    return here


def serve(told: socket.socket) -> None:
    """Fork for whoever tells it to, until nobody is there to; each child then is the program that it was to be."""
    running: dict[int, tuple[int, int]] = {}  # a descriptor of the process (pidfd_open(2)): its number, and where to say how it ended
    while True:
        ready, _, _ = select.select([told.fileno(), *running], [], [])
        for one in running.keys() & set(ready):
            pid, says = running.pop(one)
            os.close(one)
            _say(says, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            os.close(says)
        if told.fileno() not in ready:
            continue
        message, handed, _, _ = socket.recv_fds(told, _LONGEST, 3)
        if not message:
            return
        *streams, says = handed
        if not (pid := os.fork()):
            for mine in (told.detach(), says, *running, *(other for _, other in running.values())):
                os.close(mine)
            _become(json.loads(message), *streams)
            return
        _say(says, pid)
        running[os.pidfd_open(pid)] = pid, says
        for stream in streams:
            os.close(stream)


def _say(where: int, number: int) -> None:
    try:
        os.write(where, f"{number:{_NUMBER}}".encode())
    except BrokenPipeError:  # nobody waits for it any more
        return


def _become(job: dict[str, Any], out: int, err: int) -> None:
    if job["session"]:
        os.setsid()
    for stream, standard in ((out, 1), (err, 2)):
        os.dup2(stream, standard)
        os.close(stream)
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.argv = [job["program"], *job["words"]]
    try:
        importlib.import_module(PROGRAMS[sys.argv[0]]).main()
    except SystemExit as ended:  # the program's, or that of a process which it forked
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)


if __name__ == "__main__":
    for module in (*PROGRAMS.values(), *LATER):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # or a child's first collection would copy all of it
    assert len([*Path("/proc/self/task").iterdir()]) == 1, "a library began a thread, which what is forked would lack"
    serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # nothing is left to be done, and DuckDB's library complains of what was never let go
