"""Figures for Prometheus, on an address of this machine alone: nothing of it is to be had where agencies and people come.

Each web process counts requests into files that all of a host share (``metrics`` beside the locks), so that whichever answers tells the
counts of all. How the hub stands is read from its database when it is asked for (:mod:`exchange.watch.figures`). Of those processes one has
the port; when it ends, another takes it.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event

from exchange.hub import Hub
from exchange.settings import Settings
from exchange.watch.figures import COUNTER, PREFIX, figures

logger = logging.getLogger("exchange.metrics")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
AGAIN = 2.0
"""Seconds between tries for the port, which another process of this host may have."""
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for it


def folder_of(settings: Settings) -> Path:
    """Where the processes of this host count."""
    return settings.home / "metrics"


def prepare(settings: Settings) -> None:
    """Before the first process counts: an empty folder, and the library told to count in it."""
    shutil.rmtree(folder_of(settings), ignore_errors=True)
    folder_of(settings).mkdir(mode=0o700, parents=True)
    os.environ[_FOLDER] = str(folder_of(settings))
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def gone(settings: Settings, process: int) -> None:
    """A process has ended: what it had open is open no more. What it counted stays counted."""
    multiprocess.mark_process_dead(process, str(folder_of(settings)))  # type: ignore[no-untyped-call]


class Meters:
    """What one process counts."""

    def __init__(self) -> None:
        registry = CollectorRegistry()  # not asked itself: the files are
        route = ("route", "method")
        words = "Requests by route and class of status; of what is no route, “none”."
        self.requests = Counter(f"{PREFIX}http_requests", words, (*route, "status"), registry=registry)
        words = "Seconds from a request to its answer."
        self.seconds = Histogram(f"{PREFIX}http_request_duration_seconds", words, route, buckets=SECONDS, registry=registry)
        words = "Connections to the database that are in use."
        self.connections = Gauge(f"{PREFIX}database_connections", words, registry=registry, multiprocess_mode="livesum")

    def watch(self, app: Flask, engine: Engine) -> None:
        """Count what this application answers, and the connections that it has out."""

        def begin() -> None:
            g.began = time.perf_counter()

        def end(response: Response) -> Response:
            # A route's own name, never the path: that may hold ids. A method that is none of HTTP's would be a label of a stranger's making.
            route = request.endpoint or "none"
            method = request.method if request.method in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"} else "other"
            self.requests.labels(route, method, f"{response.status_code // 100}xx").inc()
            if (began := g.get("began")) is not None:
                self.seconds.labels(route, method).observe(time.perf_counter() - began)
            return response

        app.before_request_funcs.setdefault(None, []).insert(0, begin)
        app.after_request(end)
        event.listen(engine, "checkout", lambda *_: self.connections.inc())
        event.listen(engine, "checkin", lambda *_: self.connections.dec())


class Standing(Collector):
    """How the hub stands, when it is asked."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        for one in figures(self._hub):
            kind = CounterMetricFamily if one.kind == COUNTER else GaugeMetricFamily
            family = kind(PREFIX + one.name, one.words, labels=[one.label] if one.label else [])
            for label, value in one.values.items():
                family.add_metric([label] if one.label else [], value)
            yield family


def text(hub: Hub) -> bytes:
    """All figures of this host, in Prometheus' text format (version 0.0.4)."""
    registry = CollectorRegistry()
    if os.environ.get(_FOLDER):
        multiprocess.MultiProcessCollector(registry, path=str(folder_of(hub.settings)))  # type: ignore[no-untyped-call]
    registry.register(Standing(hub))
    return generate_latest(registry)


class Offered:
    """The port, offered by this process as soon as no other of this host has it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._server: ThreadingHTTPServer | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        """Begin to try."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the port."""
        self._over.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _run(self) -> None:
        host, _, port = self._hub.settings.metrics_bind.rpartition(":")
        while not self._over.is_set():
            try:
                self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(self._hub))
            except OSError:
                self._over.wait(AGAIN)
                continue
            self._server.daemon_threads = True
            self._server.serve_forever(poll_interval=0.2)
            return


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers ``GET /metrics`` and nothing else."""

        timeout = 10
        server_version, sys_version = "lcjp-exchange", ""

        def do_GET(self) -> None:  # the library’s own spelling
            """The figures; 503 where they cannot be told now."""
            try:
                status, body = (200, text(hub)) if self.path == "/metrics" else (404, b"The figures are at /metrics.\n")
            except Exception as error:  # noqa: BLE001  # the kind alone: whoever watches must be able to go on asking
                logger.error("the figures cannot be told", extra={"kind": type(error).__name__})  # noqa: TRY400  # a traceback may quote values
                status, body = 503, b"The figures cannot be told now.\n"
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST if status == 200 else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Who watches over the hub asks every few seconds, and is in no log."""

    return Handler
