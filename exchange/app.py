"""The application factory: the only place that wires everything."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Flask, current_app
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from exchange import metrics, problems
from exchange.api import (
    agreements,
    catalogue,
    editions,
    log,
    odata,
    public,
    pulling,
    requests,
    rights,
    scorecard,
    submissions,
    tokens,
    versions,
)
from exchange.api.door import BODY_LIMIT, FORM_LIMIT, guard
from exchange.api.openapi import describe
from exchange.db import reading
from exchange.errors import Unavailable
from exchange.hub import Hub, now, open_hub
from exchange.logs import numbered
from exchange.register import sandbox
from exchange.restore.standing import require_reapplied
from exchange.settings import Settings
from exchange.watch.facts import Readiness
from exchange.web import agreements as agreement_screens
from exchange.web import catalogue as catalogue_screens
from exchange.web import checking as checking_screens
from exchange.web import condition as condition_screens
from exchange.web import (
    deciding,
    differences,
    door,
    enrol,
    explain,
    exports,
    home,
    logged,
    me,
    openid,
    organisations,
    pages,
    people,
    rehearsals,
    reviews,
    sign_in,
    statements,
    stating,
    stops,
)
from exchange.web import framework as framework_screens
from exchange.web import requests as request_screens
from exchange.web import retention as retention_screens
from exchange.web import scorecard as scorecard_screens
from exchange.web import submissions as submission_screens
from exchange.web.headers import SAYING, guard_headers

service = Blueprint("service", __name__)
# Importing a module of screens puts its pages on the one blueprint; they are listed so that none is forgotten.
SCREENS = (
    *(sign_in, openid, enrol, home, organisations, people, me, exports, logged, pages),
    *(agreement_screens, reviews, differences, rehearsals, statements, stating, stops, submission_screens, retention_screens, explain),
    scorecard_screens,
    catalogue_screens,
    *(checking_screens, deciding),
    framework_screens,
    condition_screens,
    request_screens,
)


@service.get("/health")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@service.get("/ready")
def ready() -> dict[str, str]:
    """The database, the log and the keystore can be used, and nothing that was destroyed is back. Who asks is told causes, and no name."""
    if stops := current_app.extensions["lcjp-readiness"].stops():
        causes = [{"cause": one.cause.value, "words": one.words, "remedy": one.remedy} for one in stops]
        raise Unavailable(stops[0].words, remedy=stops[0].remedy, extra={"causes": causes})
    return {"status": "ready"}


def fit_to_serve(settings: Settings, clock: Callable[[], datetime] = now) -> Hub:
    """The hub, if it may serve; where it may not, its database's connections are let go of before that is said."""
    wired = open_hub(settings, clock)
    try:
        require_reapplied(wired)
        with reading(wired.engine) as session:
            sandbox.require_same(session, declared=settings.sandbox)
    except BaseException:
        wired.engine.dispose()
        raise
    return wired


def create_app(settings: Settings) -> Flask:
    """The hub as a WSGI application. Raises where it is not set up; it never makes a key, a store or a log by itself."""
    return doors_of(fit_to_serve(settings))


def doors_of(wired: Hub) -> Flask:
    """Every door of a hub that may serve, as a WSGI application."""
    settings = wired.settings
    app = Flask("exchange", static_folder=None)
    app.url_map.merge_slashes = False  # an address has one spelling, and no answer is built from the Host header
    app.config |= {
        "API_TITLE": "LCJP Exchange",
        "API_VERSION": "1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/",
        "OPENAPI_JSON_PATH": "openapi.json",
        "MAX_CONTENT_LENGTH": max(BODY_LIMIT, settings.part_bytes + 1024),
        "MAX_FORM_MEMORY_SIZE": FORM_LIMIT,
        "MAX_FORM_PARTS": 20,
    }
    if settings.sandbox:
        app.config["API_SPEC_OPTIONS"] = {"info": {"description": SAYING, "x-sandbox": True}}
    app.extensions["lcjp-readiness"] = Readiness(wired)
    app.extensions["lcjp-hub"] = wired
    if settings.metrics_bind:
        metrics.Meters().watch(app, wired.engine)
    guard(app)
    requests.install(app, wired)
    api = Api(app)
    for part in (tokens, agreements, versions, submissions, scorecard, rights, log, requests, editions, pulling, odata, catalogue, public):
        api.register_blueprint(part.blueprint)
    app.register_blueprint(service)
    describe(api)
    door.set_up(app, wired)
    openid.set_up(app, wired)
    framework_screens.set_up(app, wired)
    app.register_blueprint(door.blueprint)
    problems.install(app, wired, door.error_page)
    secure = settings.public_url.startswith("https://")
    app.after_request(lambda response: guard_headers(response, secure=secure, sandbox=settings.sandbox))
    app.wsgi_app = numbered(app.wsgi_app)  # type: ignore[assignment,method-assign]
    if settings.proxies:
        # The address alone is believed: what the hub is called, and by which scheme, public_url says.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    return app
