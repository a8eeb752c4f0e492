"""The other side of ``benchmarks.api``: the same answer from a bare Flask route over SQLite. No token, no check, no ORM.

DATABASE=hub.sqlite gunicorn --worker-class gthread benchmarks.bare:app
"""

import json
import os
import sqlite3
import threading
from typing import Any

from flask import Flask

app = Flask("bare", static_folder=None)
local = threading.local()
QUERY = "select id, upload, state, acknowledgement, report, receipt from submissions where id = ?"


@app.get("/v1/submissions/<submission>")
def submission(submission: str) -> dict[str, Any]:
    """One submission, to anybody."""
    if not hasattr(local, "connection"):
        local.connection = sqlite3.connect(os.environ["DATABASE"])
    row = local.connection.execute(QUERY, (submission,)).fetchone()
    acknowledgement, report, receipt = (json.loads(text) if text else None for text in row[3:])
    return {
        "submission": row[0],
        "upload": row[1],
        "state": row[2],
        "missing": [],
        "acknowledgement": acknowledgement,
        "report": report,
        "receipt": receipt,
    }
