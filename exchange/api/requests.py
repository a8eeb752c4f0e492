"""A client's last requests: how they are kept, and ``GET /v1/requests``."""

from contextlib import suppress
from typing import Any

from flask import Flask, Response, g, request
from flask.views import MethodView
from flask_smorest import Blueprint
from flask_smorest.spec.plugins import FlaskPlugin
from marshmallow import Schema, fields
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from exchange.access import named_in
from exchange.api import tokens
from exchange.api.door import caller, hub
from exchange.db import reading, writing
from exchange.hub import Hub
from exchange.logs import NUMBER
from exchange.problems import PAGES, PROBLEM
from exchange.times import rfc3339
from exchange.watch import requests
from exchange.watch.requests import Answered

blueprint = Blueprint("requests", __name__, url_prefix="/v1/requests", description="The caller's last requests")
NOWHERE = "no such address"
# What says that there is no time for more: a note of it would cost what it spares, or wait for what cannot be reached.
UNTOLD = frozenset({"too-many-requests", "unavailable"})


class RequestLine(Schema):
    """One request, or several of the same one after another."""

    at = fields.String(required=True, metadata={"description": "when it was answered; of several, the last"})
    times = fields.Integer(required=True)
    method = fields.String(required=True)
    route = fields.String(required=True, metadata={"description": "the operation, never the address"})
    status = fields.Integer(required=True)
    code = fields.String(
        required=True, metadata={"description": "of the problem document; empty where there was none, as are the next three"}
    )
    clause = fields.String(required=True)
    reason = fields.String(required=True)
    remedy = fields.String(required=True)
    request = fields.String(required=True, metadata={"description": "its id, as in X-Request-Id"})
    proved = fields.Boolean(required=True, metadata={"description": "false: an assertion that used the caller's name and did not hold"})


class RequestList(Schema):
    """The newest first."""

    kept = fields.Integer(required=True, metadata={"description": "how many this hub keeps of each client at most; 0: none"})
    requests = fields.List(fields.Nested(RequestLine), required=True)


@blueprint.route("")
class Requests(MethodView):
    """The caller's last requests."""

    @blueprint.response(200, RequestList)
    def get(self) -> dict[str, Any]:
        """The caller's own last requests, how each was answered, and why it was refused. Asking this is not among them."""
        with reading(hub().engine) as session:
            found = requests.last(session, caller().id)
            names = ("times", "method", "route", "status", "code", "clause", "reason", "remedy", "request", "proved")
            lines = [{"at": rfc3339(row.at), **{name: getattr(row, name) for name in names}} for row in found]
        return {"kept": hub().settings.requests_kept, "requests": lines}


def install(app: Flask, here: Hub) -> None:
    """Keep the last requests of every client, if this hub is set so."""
    if not here.settings.requests_kept:
        return

    def after(response: Response) -> Response:
        # In a transaction of its own, after the request's: what was done is done, and a note that cannot be kept changes nothing.
        with suppress(SQLAlchemyError):
            _keep(here, response)
        return response

    app.after_request(after)


def _keep(here: Hub, response: Response) -> None:
    problem: dict[str, Any] = (response.get_json() or {}) if response.mimetype == PROBLEM else {}
    if request.blueprint == PAGES or problem.get("code") in UNTOLD or (request.endpoint == "requests.Requests" and not problem):
        return
    client, proved = _whose(here, response.status_code)
    if not client:
        return
    clause, remedy = str(problem.get("clause", "")), str(problem.get("remedy", ""))
    reason = str(problem.get("detail", "")).removeprefix(f"{clause}: ").removesuffix(remedy).strip()
    one = Answered(
        client,
        proved,
        request.method[:10],
        _route(),
        response.status_code,
        str(problem.get("code", "")),
        *(clause[:300], reason[:500], remedy[:500]),
    )
    with writing(here.engine) as session:
        requests.remember(session, one, str(request.environ.get(NUMBER, "")), here.settings.requests_kept, here.clock())


def _route() -> str:
    """The operation as the OpenAPI names it: what was put in the places of it is not kept."""
    if request.url_rule is None:
        return NOWHERE
    return str(FlaskPlugin.flaskpath2openapi(request.url_rule.rule))


def _whose(here: Hub, status: int) -> tuple[str, bool]:
    """Whose request it was, and whether the client had proved it; no name where nobody known asked."""
    if (known := g.get("caller")) is not None:
        return known.id, True
    if request.endpoint != "tokens.Token":
        return named_in(here.keyring.tokens, request.headers.get("Authorization")), True
    with suppress(HTTPException), reading(here.engine) as session:
        return tokens.claimed(session, request.form), status < 300
    return "", False
