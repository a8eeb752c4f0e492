"""What the pages share: who is signed in, the guard before every page, and how a page is rendered.

To add a screen:

1. Write a function in a module of this package, ``@blueprint.get("/agreements")``, named as its endpoint: ``def agreements() -> ResponseValue``.
   It asks ``person()`` who is there and ``hub()`` for the rest, opens ``reading``/``writing``, and returns ``page("agreements/list.html", …)``;
   after a change it returns ``go("web.agreement", …)``. A module that is new goes into ``SCREENS`` in ``exchange/app.py``.
2. Give the endpoint its row in ``exchange.access.OPERATIONS`` (``"web.agreements": PEOPLE``) and its address in
   ``tests/exchange/web/addresses.py``. Without a row it is refused to everybody.
3. Write the template: ``{% extends "base.html" %}``, ``{% set title = "Agreements" %}``, ``{% block content %}``. Every form that posts
   holds ``{{ forgery() }}``; a form sent back with faults is ``page(…, status=422, faults={"field": "what to do"})``: the summary and
   “Error: ” in the title come by themselves, and each field shows its own from ``faults.get("field")``.

Errors are raised (``exchange.errors``) and come out as a page with the words the API would use.
"""

import secrets
from collections.abc import Mapping
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader

from exchange.access import OPERATIONS, Role, admit_person, is_public
from exchange.db import reading, writing
from exchange.errors import ExchangeError, Forbidden, Unauthenticated
from exchange.hub import Hub
from exchange.people import sessions
from exchange.people.people import Person, Post
from exchange.people.sessions import Signed
from exchange.problems import PAGES, document
from exchange.web import wording

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PATH_LIMIT = 500
BODY_LIMIT = 256 << 10  # bytes: forms, passkeys and signed statements are far below it

blueprint = Blueprint(PAGES, __name__, static_folder="static", static_url_path="/static", template_folder="templates")
forgery = CSRFProtect()


def hub() -> Hub:
    """The hub this application serves."""
    return cast(Hub, current_app.extensions["lcjp-hub"])


def signed() -> Signed:
    """The session of whoever is signed in; the guard has made sure that somebody is."""
    found = g.get("signed")
    if found is None:
        raise Unauthenticated("nobody is signed in.", remedy="Sign in.", code="signed-out")
    return cast(Signed, found)


def person() -> Person:
    """Who is signed in."""
    return signed().person


def set_up(app: Flask, here: Hub) -> None:
    """Give the application its pages: templates, forgery protection, cookies, and the guard."""
    secure = here.settings.public_url.startswith("https://")
    app.secret_key = here.keyring.web
    app.config |= {
        "SESSION_COOKIE_NAME": "__Host-exchange-form" if secure else "exchange-form",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "WTF_CSRF_CHECK_DEFAULT": False,  # the guard calls it, for the pages alone: the API takes tokens, and no cookie
        "WTF_CSRF_TIME_LIMIT": int(sessions.LONGEST.total_seconds()),
        "WTF_CSRF_SSL_STRICT": False,  # the guard compares the origin itself
    }
    forgery.init_app(app)
    library = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    app.jinja_env.loader = ChoiceLoader([cast(Any, app.jinja_env.loader), library])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= wording.FILTERS
    app.before_request(_guard)


def _guard() -> ResponseReturnValue | None:
    """Before every page: who is there, was the form ours, and may one of their roles do this?"""
    endpoint = request.endpoint
    if request.blueprint != PAGES or endpoint is None or endpoint == f"{PAGES}.static":
        return None
    request.max_content_length = BODY_LIMIT
    g.signed = _signed()
    if g.signed is None:
        hub().limits.stranger(request.remote_addr)
    else:  # never by the address: nobody who shares it may keep a person from stopping an agreement
        hub().limits.caller(g.signed.person.id)
    if request.method not in SAFE:
        _require_own_form()
    if is_public(endpoint):
        return None
    if g.signed is None:
        if request.method in SAFE and request.accept_mimetypes.best != "application/json":
            wanted = request.full_path.rstrip("?")
            return redirect(url_for("web.sign_in", next=None if wanted == "/" else wanted), 303)
        raise Unauthenticated("you are not signed in any more.", remedy="Sign in again; nothing was done.", code="signed-out")
    admit_person(endpoint, g.signed.person.roles)
    return None


def _signed() -> Signed | None:
    token = request.cookies.get(cookie_name())
    if not token:
        return None
    here = hub()
    now = here.clock()
    with reading(here.engine) as session:
        found = sessions.look_up(session, token, now)
    if found is None:
        return None
    if found[1]:
        with writing(here.engine) as session:
            sessions.seen(session, found[0], now)
    return found[0]


def _require_own_form() -> None:
    """Refuse what another site made the browser send: by its origin where the browser tells, and by the form's own token always."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    foreign = (origin is not None and origin != hub().settings.web_origin) or site not in (None, "same-origin", "none")
    try:
        if not foreign:
            forgery.protect()
    except CSRFError:
        foreign = True
    if foreign:
        raise Forbidden(
            "this form did not come from a page of this hub, or from one that is too old.",
            remedy="Go back, load the page again, and send it once more.",
            code="forged-form",
        )


# ------------------------------------------------------------------------------------------------------------- cookies


def cookie_name() -> str:
    """The session cookie's name; with https it is bound to this very host."""
    return "__Host-exchange" if current_app.config["SESSION_COOKIE_SECURE"] else "exchange"


def give_cookie(response: Response, token: str) -> Response:
    """Let the browser keep the session's id, out of reach of scripts, until it is closed."""
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(cookie_name(), token, path="/", secure=secure, httponly=True, samesite="Lax")
    return response


def take_cookie(response: Response) -> Response:
    """Let the browser forget it, and everything else it has of ours."""
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.delete_cookie(cookie_name(), path="/", secure=secure, httponly=True, samesite="Lax")
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


# --------------------------------------------------------------------------------------------------------------- pages


def page(template: str, status: int = 200, *, faults: Mapping[str, str] | None = None, **context: Any) -> Response:
    """A page. ``faults``: what is wrong with a form that was sent, by field, each saying what to do."""
    found = g.get("signed")
    who = found.person if found else None
    shared = {
        "nonce": nonce(),
        "who": who,
        "faults": dict(faults or {}),
        "navigation": _navigation(who),
        "Post": Post,
        "sandbox": hub().settings.sandbox,
    }
    return make_response(render_template(template, **shared, **context), status)


def nonce() -> str:
    """This answer's one-time word, which lets its own inline script run and no other."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return cast(str, g.nonce)


def error_page(error: ExchangeError) -> Response:
    """An error as a page: the words of its problem document. Where no page was found, who is signed in has not been looked up yet."""
    if request.endpoint is None and error.status < 500:
        g.signed = _signed()
    return page("error.html", error.status, problem=document(error))


def go(endpoint: str, **values: Any) -> Response:
    """To another page, after something was done."""
    return cast(Response, redirect(url_for(endpoint, **values), 303))


def local(path: str | None) -> str:
    """The path if it is one of this hub's, else the home page: nobody is sent elsewhere by a link that looks like ours."""
    home = url_for("web.home")
    if not path or len(path) > PATH_LIMIT or not path.startswith("/") or path.startswith("//"):
        return home
    return home if "\\" in path or any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in path) else path


def _navigation(who: Person | None) -> list[dict[str, Any]]:
    if who is None:
        return []
    here = request.path
    roles = {Role(role) for role in who.roles}
    more = [
        place
        for name, place in (
            ("checks", wording.CHECKS),
            ("scorecard_page", wording.SCORECARD),
            ("log", wording.LOG),
            ("condition", wording.CONDITION),
        )
        if OPERATIONS[f"web.{name}"] & roles
    ]
    more += [wording.REQUESTS] if hub().settings.requests_kept else []
    places = (("Needs your attention", url_for("web.home")), *wording.PLACES, *more)
    return [{"text": text, "href": href, "active": here == href or (href != "/" and here.startswith(href + "/"))} for text, href in places]
