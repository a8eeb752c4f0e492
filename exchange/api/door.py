"""What the endpoints share: the hub, the caller, strict bodies, and the guard before every one of them."""

from http import HTTPStatus
from typing import Any, cast

from flask import Flask, current_app, g, request
from sqlalchemy import Connection

from agreements.decisions import Refused
from agreements.rules import named_client
from exchange.access import Caller, admit, identify, is_public
from exchange.asked import FORM, JSON, OCTETS, json_object, require_sound, require_type
from exchange.errors import NotFound, RefusedByAgreement, Unauthenticated
from exchange.hub import Hub
from exchange.problems import PAGES, for_people
from exchange.register import agreements
from exchange.register.tables import AgreementRow

BODY_LIMIT = 4 << 20
FORM_LIMIT = 64 << 10
WATCHED = frozenset({"service.health", "service.ready"})  # asked by whoever watches over the hub, by its bare address
# Where a body is not the API's usual JSON.
FORMS = frozenset({"tokens.Token"})
STREAMS = frozenset({"submissions.Part"})


def hub() -> Hub:
    """The hub this application serves."""
    return cast(Hub, current_app.extensions["lcjp-hub"])


def caller() -> Caller:
    """Who is calling; the guard has made sure that somebody is."""
    return cast(Caller, g.caller)


def asking() -> Connection:
    """This request's connection for single queries, outside any transaction; it is given back when the request ends."""
    if "asking" not in g:
        g.asking = hub().asker.connect()
    return cast(Connection, g.asking)


def vouch(row: AgreementRow | None) -> None:
    """Refuse a caller whose client key is not the one that this agreement names for it."""
    decision = named_client(agreements.standing(row), caller().id, caller().key)
    if isinstance(decision, Refused):
        raise RefusedByAgreement(decision, code="wrong-client-key")


def body() -> dict[str, Any]:
    """The request's JSON object, strictly read."""
    return json_object(BODY_LIMIT)


def _require_body(endpoint: str, part_bytes: int) -> None:
    """Set how much of a body this endpoint reads, and refuse one of another type. A body that is not there has no type."""
    octets, form = endpoint in STREAMS, endpoint in FORMS
    request.max_content_length = part_bytes + 1024 if octets else FORM_LIMIT if form else BODY_LIMIT
    if request.content_length:
        require_type({OCTETS, ""} if octets else {FORM if form else JSON})  # bytes of no named type are octets (RFC 9110 section 8.3)


def _admit(here: Hub, endpoint: str) -> None:
    """Find out who is calling, and whether that role may do this. A call counts against whoever makes it; one of nobody known, against its address."""
    try:
        g.caller = found = identify(asking(), here.keyring.tokens, request.headers.get("Authorization"), here.clock(), request.remote_addr)
    except Unauthenticated:
        here.limits.stranger(request.remote_addr)
        raise
    here.limits.caller(found.token or found.id)
    admit(endpoint, found.role)


def _name_nothing_with_nul() -> None:
    """In an address, of the pages too, a NUL becomes what stands for no character: one database would look for it in vain, another not look."""
    if request.view_args:
        request.view_args = {
            name: given.replace("\0", "\ufffd") if isinstance(given, str) else given for name, given in request.view_args.items()
        }


def guard(app: Flask) -> None:
    """Before every request: who is calling, and may that role do this?"""
    here: Hub = app.extensions["lcjp-hub"]

    def before() -> None:
        g.caller = None
        require_sound(here.settings.trusted_hosts, WATCHED)
        _name_nothing_with_nul()
        if request.blueprint == PAGES:
            return  # the pages have a guard of their own (exchange/web/door.py); no cookie counts here
        if request.endpoint is None or is_public(request.endpoint):
            here.limits.stranger(request.remote_addr)
        if request.endpoint is None:
            refused = request.routing_exception
            if refused is not None and refused.code != HTTPStatus.NOT_FOUND:
                raise refused  # a known address, but not by this method
            where = "Check the address, or begin at the first page." if for_people() else "The addresses are in /openapi.json."
            raise NotFound("there is nothing at this address.", remedy=where)
        if not is_public(request.endpoint):
            _admit(here, request.endpoint)
        _require_body(request.endpoint, here.settings.part_bytes)

    def after(_error: BaseException | None = None) -> None:
        if (connection := g.pop("asking", None)) is not None:
            connection.close()

    app.before_request(before)
    app.teardown_request(after)
