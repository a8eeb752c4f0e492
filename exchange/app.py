"""The application factory: the only place that wires everything."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Flask, Response
from flask_smorest import Api
from sqlalchemy import text

from exchange import problems
from exchange.api import agreements, editions, log, submissions, tokens
from exchange.api.door import BODY_LIMIT, guard, hub
from exchange.api.openapi import describe
from exchange.db import reading
from exchange.hub import now, open_hub
from exchange.log.record import size
from exchange.settings import Settings

service = Blueprint("service", __name__)


@service.get("/health")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@service.get("/ready")
def ready() -> dict[str, str]:
    """The database, the log and the keystore can be used."""
    here = hub()
    with reading(here.engine) as session:
        session.execute(text("select 1"))
        size(session)
    here.keyring.signing("receipts")
    return {"status": "ready"}


def create_app(settings: Settings, clock: Callable[[], datetime] = now) -> Flask:
    """The hub as a WSGI application. Raises where it is not set up; it never makes a key, a store or a log by itself."""
    app = Flask("exchange", static_folder=None)
    app.config |= {
        "API_TITLE": "LCJP Exchange",
        "API_VERSION": "1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/",
        "OPENAPI_JSON_PATH": "openapi.json",
        "MAX_CONTENT_LENGTH": max(BODY_LIMIT, settings.part_bytes + 1024),
        "MAX_FORM_MEMORY_SIZE": 64 << 10,
        "MAX_FORM_PARTS": 20,
    }
    wired = open_hub(settings, clock)
    app.extensions["lcjp-hub"] = wired
    guard(app)
    api = Api(app)
    for door in (tokens, agreements, submissions, log, editions):
        api.register_blueprint(door.blueprint)
    app.register_blueprint(service)
    describe(api)
    problems.install(app, wired)
    app.after_request(_headers)
    return app


def _headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
