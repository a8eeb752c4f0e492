"""Operational logs: one JSON object a line on standard error, with members on an allow-list, so that no record's value can slip in."""

import json
import logging
import sys
from datetime import UTC, datetime

ALLOWED = ("submission", "state", "what", "job", "kind", "place", "endpoint", "files")


class AsJson(logging.Formatter):
    """Time, level, logger, the fixed message, and what the allow-list admits. Exceptions are named by their kind, never in their words."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.msg if record.name.startswith("exchange") else record.getMessage(),
        }
        line |= {name: value for name in ALLOWED if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line["kind"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


def configure(level: int = logging.INFO) -> None:
    """Set up this process's logs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A job that is still running when its next time comes is not a fault: it goes on, and the next time catches up.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)
