"""``exchange serve``: gunicorn with threads, what is done beside serving, and a lock that keeps two instances apart.

The lock's file handle is inherited by every worker, so it stays taken while any process of an earlier instance lives; workers die with
their master (PR_SET_PDEATHSIG). A new instance therefore never serves beside orphans of a killed one.
"""

import ctypes
import gc
import json
import logging
import os
import re
import signal
import socket
import struct
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http import wsgi

from exchange import background, metrics, places
from exchange.app import create_app
from exchange.db import reading
from exchange.errors import Misconfigured
from exchange.hub import Hub
from exchange.leader import Standing, take
from exchange.log import flushing
from exchange.logs import NUMBER, configure
from exchange.restore.standing import require_reapplied
from exchange.settings import Settings
from exchange.submissions.leftovers import tidy
from exchange.submissions.restored import since

_PR_SET_PDEATHSIG = 1
WAIT = 30.0
ONCE = "worker.lock"  # of a worker that runs once, which may do so beside a hub that serves
_SILENCE = 20  # seconds that a thread waits for the next bytes of a request
_INVITATION = re.compile(r"^/+enrol/+[^/]*")  # its word opens the door once: it is no more to be logged than a password
logger = logging.getLogger("exchange.serve")


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies, and notice if it already has."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def impatient(server: Any) -> None:
    """Let no connection hold a thread for ever by sending nothing more: what the listening sockets say, accepted ones inherit (socket(7))."""
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _SILENCE, 0))


class AccessLog(Logger):
    """One JSON object a line. Polls, public reads and failed sign-ins are here and not in the log of what was done.

    No query string, no header. Gunicorn's own would first gather every header of request and answer, and lets a path begin a new line.
    """

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write the line."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "from": environ.get("REMOTE_ADDR", ""),
            "request": environ.get(NUMBER, ""),
            "method": environ.get("REQUEST_METHOD", ""),
            "path": _INVITATION.sub("/enrol/…", environ.get("PATH_INFO", "")),
            # What the server refuses by itself has its status in words alone.
            "status": getattr(resp, "status_code", None) or int(str(resp.status).split(" ", 1)[0]),
            "bytes": resp.sent,
            "ms": request_time // timedelta(milliseconds=1),
        }
        self.access_log.info(json.dumps(line))

    def exception(self, msg: str, *_args: object, **_kwargs: object) -> None:
        """What the server itself met, on one line: the fixed words and the kind. Its arguments hold the address that was asked for."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        kind = getattr(sys.exc_info()[0], "__name__", "")
        self.error_log.error(json.dumps({"time": now, "level": "error", "logger": "gunicorn", "message": msg, "kind": kind}))


class Server(BaseApplication):
    """Gunicorn, set up from the hub's settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.master = os.getpid()
        self.standing: Standing | None = None
        self.offered: metrics.Offered | None = None
        super().__init__()

    def load_config(self) -> None:
        """Settings of ours, as gunicorn's."""
        for name, value in {
            "bind": self.settings.bind,
            "workers": self.settings.workers,
            "threads": self.settings.threads,
            "worker_class": "gthread",
            "timeout": 120,
            "graceful_timeout": 20,
            "keepalive": 15,
            "accesslog": "-",
            "logger_class": AccessLog,
            "errorlog": "-",
            "loglevel": "warning",
            "limit_request_line": 4094,
            "control_socket_disable": True,  # a socket to steer the server by, in the home of whoever runs it: nobody needs it
            "when_ready": impatient,
            "post_fork": lambda _server, _worker: die_with(self.master),
            "post_worker_init": self._begin,
            "worker_exit": self._end,
            "child_exit": self._ended,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application, made in the worker."""
        return create_app(self.settings)

    def _begin(self, worker: Any) -> None:
        """Of this host's web processes one does what is not serving, as far as the settings want that; if it dies, another."""
        # What is loaded by now stays for good: the collector need not walk all of it again and again while requests are served.
        gc.collect()
        gc.freeze()
        configure()
        self.standing = background.beside(worker.wsgi.extensions["lcjp-hub"])
        self.standing.start()
        if self.settings.metrics_bind:
            self.offered = metrics.Offered(worker.wsgi.extensions["lcjp-hub"])
            self.offered.start()

    def _ended(self, _server: Any, worker: Any) -> None:
        """In the master, when a worker is gone, however it went."""
        if self.settings.metrics_bind:
            metrics.gone(self.settings, worker.pid)

    def _end(self, _server: Any, _worker: Any) -> None:
        if self.offered is not None:
            self.offered.stop()
        if self.standing is not None:
            self.standing.stop(background.GRACE + 4)
        # What stays frozen is never let go, and DuckDB's library complains of that on its way out.
        gc.unfreeze()


def serve(settings: Settings, hub: Hub) -> None:
    """Serve until told to stop. Refused while another instance, or an orphan of one, still runs."""
    lock = take(settings.home / "instance.lock", WAIT)
    if lock is None:
        raise Misconfigured(
            "another instance of this hub is running, or a process of one that was killed.",
            remedy=f"Stop it first; its lock is instance.lock, and it was waited for {WAIT:.0f} seconds.",
        )
    places.check(settings)
    require_reapplied(hub)
    _outlast_the_restore(hub)
    if lacking := flushing.start(hub.engine, hub.second):
        logger.warning("the log's second store was caught up", extra={"entries": lacking})
    _tidy(settings, hub)
    hub.engine.dispose()
    wsgi.SERVER = "lcjp-exchange"  # what serves, and in which version, is nobody's business
    if settings.metrics_bind:
        metrics.prepare(settings)
    Server(settings).run()


def _outlast_the_restore(hub: Hub) -> None:
    """Wait for the end of the second in which the hub was restored: an assertion says when it was made in whole seconds, and of those of that second
    nobody knows which were made after it. A client that comes first would be told that its clock is wrong.
    """
    with reading(hub.engine) as session:
        restored = since(session)
    if restored is not None:
        time.sleep(min(1.0, max(0.0, int(restored.timestamp()) + 1 - hub.clock().timestamp())))


def _tidy(settings: Settings, hub: Hub) -> None:
    """Remove leftovers of a killed process, unless an ``exchange worker`` is at work: its unfinished files would look like leftovers.

    Of this host nobody is at work then; of others that share a PostgreSQL nobody knows, and what they may be at is left alone.
    """
    with ExitStack() as idle:
        for name in (background.SCHEDULING, ONCE, background.PRESENT):
            if (lock := take(settings.home / name, 0)) is None:
                return
            idle.enter_context(lock)
        if removed := tidy(hub.engine, hub.places, alone=hub.engine.dialect.name == "sqlite"):
            logger.warning("removed leftovers of a process that was killed", extra={"files": removed})
