"""Every route, by every method, as anybody: the headers that lock a browser down are on every answer, whatever it says."""

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.wrappers import Response

from exchange.access import OPERATIONS
from exchange.app import doors_of, fit_to_serve
from exchange.web.headers import A_YEAR, MACHINES
from tests.exchange.standing import CLEVELAND, TEAM, World
from tests.exchange.test_access import ADDRESSES
from tests.exchange.web.addresses import PAGES
from tests.exchange.web.signed_in import sign_in

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE")
SAME = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ELSEWHERE = {"nowhere": ((), "/nowhere"), "nowhere for machines": ((), "/v1/nowhere"), "two strokes": ((), "/agreements//x")}


def require_locked(answer: Response, where: str, *, secure: bool = False) -> None:
    headers = answer.headers
    assert {name: headers.get(name) for name in SAME} == SAME, where
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    if answer.mimetype == "text/html":
        assert headers["X-Frame-Options"] == "DENY", where
        assert headers["Referrer-Policy"] == "same-origin", where
    else:
        assert policy == MACHINES, where
        assert headers["Referrer-Policy"] == "no-referrer", where
    # A file of the pages, or of an edition, may be kept, and is asked for again.
    assert headers["Cache-Control"] in ("no-store", "no-cache", "private, no-cache"), where
    if headers["Cache-Control"] != "no-store":
        kept = {"web.static", "editions.TableFile", "pulling.LatestFile", "public.PublicFile"}
        kept |= {"web.framework_public", "web.framework_public_measure", "web.framework_public_csv"}
        assert where.rsplit(maxsplit=1)[-1] in kept or where.rsplit(maxsplit=1)[-1].startswith("odata."), where
    for absent in ("Server", "X-Powered-By", "Access-Control-Allow-Origin"):
        assert absent not in headers, where
    expected = f"max-age={A_YEAR}; includeSubDomains" if secure else None
    assert headers.get("Strict-Transport-Security") == expected, where


@pytest.mark.parametrize("who", ["nobody", CLEVELAND, TEAM, "a person"])
def test_every_answer_of_every_route_locks_the_browser_down(world: World, who: str) -> None:
    addresses: dict[str, tuple[tuple[str, ...], str]] = ADDRESSES | PAGES | ELSEWHERE
    assert set(OPERATIONS) <= set(addresses)
    browser = sign_in(world, CLEVELAND, "dpo", "signatory") if who == "a person" else world.app.test_client()
    headers = {"Authorization": f"Bearer {world.token(who)}"} if who in (CLEVELAND, TEAM) else {}
    statuses = set()
    for endpoint, (_, path) in addresses.items():
        if endpoint in ("web.sign_out", "web.sign_out_everywhere", "web.agreement_pdf"):
            continue  # the first two would end the session; a PDF takes its time, and has its own test
        for method in METHODS:
            with browser.open(path, method=method, headers=headers) as answer:
                require_locked(answer, f"{method} {endpoint}")
                statuses.add(answer.status_code)
                assert answer.status_code < 500 or "openid" in endpoint, (endpoint, answer.status_code)
    assert {401, 404, 405} <= statuses or who != "nobody"


BAD: list[tuple[int, dict[str, Any]]] = [
    (400, {"path": "/v1/agreements?%zz=1", "method": "GET"}),
    (401, {"path": "/v1/agreements", "method": "GET"}),
    (403, {"path": "/sign-in/challenge", "method": "POST"}),
    (404, {"path": "/nowhere", "method": "GET"}),
    (405, {"path": "/register", "method": "DELETE"}),
    (411, {"path": "/oauth2/token", "method": "POST", "headers": {"Transfer-Encoding": "chunked"}}),
    (413, {"path": "/oauth2/token", "method": "POST", "data": b"x" * (70 << 10), "content_type": "application/x-www-form-urlencoded"}),
    (414, {"path": "/" + "x" * 3_000, "method": "GET"}),
    (415, {"path": "/oauth2/token", "method": "POST", "json": {}}),
    (421, {"path": "/register", "method": "GET", "headers": {"Host": "elsewhere.example"}}),
    (422, {"path": "/oauth2/token", "method": "POST", "data": {"a": "b"}}),
    (431, {"path": "/register", "method": "GET", "headers": {"X-One": "x" * 20_000}}),
]


@pytest.mark.parametrize(("status", "asked"), BAD, ids=[str(status) for status, _ in BAD])
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_every_kind_of_error_does_too_over_https(world: World, status: int, asked: dict[str, Any], accept: str) -> None:
    app = doors_of(fit_to_serve(replace(world.hub.settings, public_url="https://localhost"), world.clock))
    more = {name: value for name, value in asked.items() if name not in ("path", "headers")}
    answer = app.test_client().open(asked["path"], headers={**asked.get("headers", {}), "Accept": accept}, **more)
    assert answer.status_code == status or (status == 400 and answer.status_code in (401, 422)), answer.text
    require_locked(answer, f"{status}", secure=True)
    app.extensions["lcjp-hub"].engine.dispose()
    app.extensions["lcjp-hub"].asker.dispose()


def test_an_error_that_nobody_foresaw_does_too(world: World) -> None:
    def fail() -> str:
        raise RuntimeError

    for endpoint, path in (("service.health", "/health"), ("web.accessibility", "/accessibility")):
        world.app.view_functions[endpoint] = fail
        answer = world.app.test_client().get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 500
        require_locked(answer, path)
