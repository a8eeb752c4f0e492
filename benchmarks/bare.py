"""The other side of ``benchmarks.api``: the same answer from a bare Flask route over SQLite. No token, no check, no ORM.

The server is the hub's own (``exchange.serve.Server``: gunicorn, eight threads, access log), without its schedule.

    python -m benchmarks.bare HUB.toml PORT
"""

import json
import sqlite3
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from exchange.logs import configure
from exchange.serve import Server
from exchange.settings import read_settings

QUERY = (
    "select id, upload, state, after, superseded_by, repeats, acknowledgement, report, receipt, certificate from submissions where id = ?"
)


def make_app(database: str) -> Flask:
    """One route."""
    app, local = Flask("bare", static_folder=None), threading.local()

    @app.get("/v1/submissions/<submission>")
    def read(submission: str) -> dict[str, Any]:
        """One submission, to anybody."""
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(database)
        row = local.connection.execute(QUERY, (submission,)).fetchone()
        acknowledgement, report, receipt, certificate = (json.loads(text) if text else None for text in row[6:])
        return {
            "submission": row[0],
            "upload": row[1],
            "state": row[2],
            "after": row[3],
            "superseded_by": row[4],
            "repeats": row[5],
            "missing": [],
            "acknowledgement": acknowledgement,
            "report": report,
            "receipt": receipt,
            "certificate": certificate,
        }

    return app


class BareServer(Server):
    """The hub's server with another application in it."""

    def load(self) -> Flask:
        """The bare application."""
        return make_app(self.settings.database_url.removeprefix("sqlite:///"))

    def _begin(self, worker: Any) -> None:
        configure()


if __name__ == "__main__":
    BareServer(replace(read_settings(Path(sys.argv[1])), bind=f"127.0.0.1:{sys.argv[2]}")).run()
