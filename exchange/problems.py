"""The one table from error to problem document (RFC 9457). No other place turns an error into a response."""

import errno
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, Response, g, json, request
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from agreements.decisions import Refusal
from agreements.errors import AgreementError
from exchange.db import writing
from exchange.errors import (
    Conflict,
    ExchangeError,
    Misconfigured,
    NotOffered,
    RefusedByAgreement,
    TooMany,
    Unacceptable,
    Unauthenticated,
    Unavailable,
)
from exchange.hub import Hub
from exchange.log import repeats
from exchange.log.record import Event, Operation
from exchange.logs import NUMBER, place_of
from exchange.watch import jobs
from keys.errors import BadFormat, KeysError, KeystoreUnreadable

logger = logging.getLogger("exchange.problems")
PROBLEM = "application/problem+json"
MACHINES = ("/v1/", "/odata/", "/public/editions/", "/oauth2/", "/openapi.json", "/health", "/ready")
TOOLS = ("odata", "pulling")  # what tools ask that know no more than Basic credentials
PAGES = "web"  # the blueprint of the pages


def as_exchange_error(error: Exception) -> ExchangeError:
    """What any error means to the caller. The unforeseen says nothing of itself."""
    match error:
        case ExchangeError():
            return error
        case Refusal():
            return RefusedByAgreement(error.refused)
        case BadFormat():
            return Unacceptable(f"what was sent is not of the documented form: {error}.", code="bad-format")
        case AgreementError():
            return Unacceptable(str(error), code="bad-agreement")
        case KeysError():
            return _as_keys_error(error)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Unavailable("the hub has no room for this now; nothing was kept.", remedy="Try again later.", code="no-space")
        case SQLAlchemyError():
            return _as_database_error(error)
        case _:
            return _unforeseen()


def _as_keys_error(error: KeysError) -> ExchangeError:
    """A keystore that cannot be read is the machine's trouble and no word about what was sent: whoever asked is to ask again."""
    if isinstance(error, KeystoreUnreadable):
        return Unavailable("the hub cannot read its keys now.", remedy="Try again later.")
    return Unacceptable(f"{error}.", code="bad-cryptography")


def _as_database_error(error: SQLAlchemyError) -> ExchangeError:
    match error:
        case OperationalError() | InterfaceError() | NoConnection():
            return Unavailable("the database is busy or cannot be reached; nothing was kept.", remedy="Try again in a minute.")
        case IntegrityError() if "unique" in str(error.orig).lower():
            detail = "somebody else did the same at the same moment; nothing was kept of this."
            return Conflict(detail, remedy="Look how it stands now, and try again if it is still to be done.", code="at-once")
        case DataError():
            return Unacceptable("something that was sent is longer, or holds other characters, than any such value.", code="bad-format")
        case _:
            return _unforeseen()


def _unforeseen() -> ExchangeError:
    return ExchangeError("the hub met an error it did not foresee; nothing was kept.", remedy="Tell the operator the time of this.")


def document(error: ExchangeError) -> dict[str, Any]:
    """The members of the problem document."""
    base = {
        "type": f"urn:lcjp-exchange:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": str(error) if isinstance(error, RefusedByAgreement) else error.detail,
        "code": error.code,
        "remedy": error.remedy,
        "instance": request.path,
        "request": request.environ.get(NUMBER, ""),
    }
    return {**base, **error.extra}


def for_people() -> bool:
    """Whether whoever asks is to be answered with a page: a browser, at no address of the machines'."""
    accepted = request.accept_mimetypes
    wants_page = accepted.quality("text/html") > accepted.quality("application/json") and "text/html" in dict(accepted)
    if request.blueprint == PAGES:
        return wants_page or not accepted or accepted.best == "*/*"
    return request.endpoint is None and wants_page and not request.path.startswith(MACHINES)


def respond(error: ExchangeError, page: Callable[[ExchangeError], Response] | None = None) -> Response:
    """The error as a response: a page for people, with the same words; the problem document for everybody else."""
    people = page is not None and for_people()
    response = page(error) if people and page else Response(json.dumps(document(error)), error.status, mimetype=PROBLEM)
    if isinstance(error, Unauthenticated) and request.blueprint != PAGES:
        basic = ', Basic realm="one release", charset="UTF-8"' if request.blueprint in TOOLS else ""
        response.headers["WWW-Authenticate"] = f"Bearer{basic}"
    if isinstance(error, Unavailable | TooMany):
        response.headers["Retry-After"] = str(error.seconds) if isinstance(error, TooMany) else "30"
    return response


def install(app: Flask, hub: Hub, page: Callable[[ExchangeError], Response] | None = None) -> None:
    """Make every error of this application a problem document, or a ``page`` with the same words, and write refusals in the log."""

    def on_error(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return _http(error, page)
        found = as_exchange_error(error)
        if found.status >= 500 and not isinstance(error, Unavailable | Misconfigured | NotOffered):
            # The kind of error and where it was raised; never its words, which could quote what was sent.
            told = {"kind": type(error).__name__, "place": place_of(error.__traceback__), "endpoint": request.endpoint}
            logger.error("unforeseen error", extra=told)
        if isinstance(found, RefusedByAgreement) and (who := _who()):
            try:
                _record(hub, found, *who)
            except Exception as failed:  # noqa: BLE001  # nothing is answered that cannot be logged, a refusal neither
                found = as_exchange_error(failed)
        if isinstance(found, TooMany) and found.code == "too-many-requests":
            with suppress(SQLAlchemyError):  # the operator's page says it; once a minute, whatever the flood
                jobs.happened(hub.engine, jobs.TURNED_AWAY, hub.clock())
        return respond(found, page)

    app.register_error_handler(Exception, on_error)
    # flask-smorest has put a handler of its own on HTTP errors; the nearer class would win.
    app.register_error_handler(HTTPException, on_error)


def _who() -> tuple[str, str] | None:
    """Who is refused, and for which party: a client, a person signed in, or nobody we know."""
    if (client := g.get("caller")) is not None:
        return client.id, client.id
    if (signed := g.get("signed")) is not None:
        return signed.person.id, signed.person.party
    return None


def _http(error: HTTPException, page: Callable[[ExchangeError], Response] | None) -> Response:
    """What Flask and werkzeug refuse by themselves: unknown paths, methods, sizes, hosts."""
    status = error.code or 500
    found = ExchangeError(error.description or error.name, code=error.name.lower().replace(" ", "-"))
    found.status, found.title = status, error.name
    data = getattr(error, "data", None) or {}
    if messages := data.get("messages"):
        found.extra["errors"] = messages
        found.detail = "a parameter is not as it must be."
    response = respond(found, page)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _record(hub: Hub, refused: RefusedByAgreement, who: str, organisation: str) -> None:
    """A refusal is written by itself: what it refused has been rolled back. The same one again is counted, and logged once a minute."""
    details = {"clause": refused.refused.clause, "reason": refused.refused.reason, "endpoint": request.endpoint}
    # The route, not the path: the log keeps no words of the caller's.
    route = str(request.url_rule)
    with writing(hub.engine) as session:
        repeats.note(session, Event(Operation.SECURITY, who, organisation, "", "refused", route, details=details), hub.clock())
