"""Operational logs: one JSON object a line on standard error, with members on an allow-list, so that no record's value can slip in.

The message is the fixed words of the program, never with its arguments put in; of an error only its kind and the place where it was raised
are said, never its words, which could quote what was read.
"""

import json
import logging
import secrets
import sys
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

# Names and numbers of the hub's own making. Nothing that an agency or a person wrote is among them.
ALLOWED = ("submission", "submissions", "state", "what", "job", "kind", "place", "endpoint", "files", "hold", "entries", "taken over")
LONGEST = 200  # characters of a value

logger = logging.getLogger("exchange.logs")
request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered here: in its problem document, in the header ``X-Request-Id``, and in every line that is logged."""
NUMBER = "lcjp.request"  # the same, in the WSGI environment


def numbered(application: WSGIApplication) -> WSGIApplication:
    """The application, each request with an id of the hub's own making: what a caller sends as one is not believed."""

    def answer(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        environ[NUMBER] = secrets.token_hex(8)
        before = request_id.set(environ[NUMBER])
        try:
            return application(environ, lambda status, headers, *more: start(status, [*headers, ("X-Request-Id", environ[NUMBER])], *more))
        finally:
            request_id.reset(before)

    return answer


def place_of(trace: TracebackType | None) -> str:
    """File and line where an error was raised: ``intake.py:81``."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"


class AsJson(logging.Formatter):
    """Time, level, logger, the fixed message, and what the allow-list admits."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _words(record),
        }
        line |= {"request": found} if (found := request_id.get()) else {}
        line |= {name: _short(value) for name in ALLOWED if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"kind": record.exc_info[0].__name__, "place": place_of(record.exc_info[2])}
        return json.dumps(line)


def _words(record: logging.LogRecord) -> str:
    """The words as they stand in the program. A warning's are put together before they are logged, so nothing of them is kept."""
    if record.name == "py.warnings":
        return "a library gave a warning"
    return record.msg[:LONGEST] if isinstance(record.msg, str) else type(record.msg).__name__


def _short(value: object) -> str | int | float:
    if isinstance(value, int | float):
        return value
    return value[:LONGEST] if isinstance(value, str) else type(value).__name__


def configure(level: int = logging.INFO) -> None:
    """Set up this process's logs, and what is said of errors that nobody caught."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A job that is still running when its next time comes is not a fault: it goes on, and the next time catches up.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda found: _uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    sys.unraisablehook = lambda found: _uncaught(found.exc_type, found.exc_value, found.exc_traceback)


def _uncaught(kind: type[BaseException], _error: BaseException | None, trace: TracebackType | None) -> None:
    logger.critical("nobody caught this error", extra={"kind": kind.__name__, "place": place_of(trace)})
