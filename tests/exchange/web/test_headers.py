"""What every answer tells the browser, page or not; and the cookies."""

import re
from dataclasses import replace

import pytest

from exchange.app import doors_of, fit_to_serve
from tests.exchange.standing import CLEVELAND, World
from tests.exchange.web.addresses import PAGES
from tests.exchange.web.signed_in import enter, sign_in

READ = [path for endpoint, (methods, path) in PAGES.items() if "get" in methods and endpoint not in ("web.static", "web.card")]
DIRECTIVES = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


def directives(policy: str) -> dict[str, str]:
    return {name: value for name, _, value in (one.strip().partition(" ") for one in policy.split(";"))}


def test_every_page_locks_the_browser_down(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo", "operator")
    seen = set()
    for path in [*READ, "/nowhere"]:
        answer = browser.get(path, headers={"Accept": "text/html"})
        if answer.mimetype != "text/html":
            continue
        policy = directives(answer.headers["Content-Security-Policy"])
        script = policy.pop("script-src")
        assert policy == DIRECTIVES, path
        found = re.fullmatch(r"'self' 'nonce-([\w-]{22})'", script)
        assert found, script
        assert found[1] not in seen  # never twice
        seen.add(found[1])
        if answer.status_code != 303:
            inline = re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", answer.text)
            # Public pages of the framework have no script at all, so that they can be exported as they are, and may be kept if asked again.
            bare = path.startswith("/public/framework") and answer.status_code == 200
            assert inline == ([] if bare else [f'<script nonce="{found[1]}">']), path
            assert not re.search(r"\son\w+=|\sstyle=|javascript:", answer.text), path
        headers = answer.headers
        assert headers["Cache-Control"] in (
            {"no-cache", "public, no-cache"} if path.startswith("/public/framework") and answer.status_code == 200 else {"no-store"}
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "publickey-credentials-get=(self)" in headers["Permissions-Policy"]
        assert "camera=()" in headers["Permissions-Policy"]
    assert len(seen) > 10


def test_the_api_keeps_its_own_and_static_files_may_be_kept_but_asked_again(world: World) -> None:
    answer = world.call("get", "/v1/agreements", CLEVELAND)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "X-Frame-Options" not in answer.headers
    with world.app.test_client().get("/static/exchange.css") as file:
        assert file.headers["Cache-Control"] == "no-cache"
        tag = file.headers["ETag"]
    with world.app.test_client().get("/static/exchange.css", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304


def test_no_file_outside_the_folder_is_served(world: World) -> None:
    for path in ("/static/../door.py", "/static/%2e%2e/door.py", "/static/..%2fdoor.py", "/static//etc/hostname"):
        assert world.app.test_client().get(path).status_code in (308, 404)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_cookies_are_out_of_reach(world: World, secure: bool) -> None:
    url = "https://exchange.example" if secure else "http://localhost"
    app = doors_of(fit_to_serve(replace(world.hub.settings, public_url=url, hosts="localhost"), world.clock))
    somebody = enter(world, CLEVELAND, "dpo")
    page = app.test_client().get("/sign-in")
    assert ("Strict-Transport-Security" in page.headers) is secure
    cookies = page.headers.getlist("Set-Cookie")
    if not secure:
        browser = app.test_client()
        cookies += somebody.sign_in(browser).headers.getlist("Set-Cookie")
        assert any(cookie.startswith("exchange=") for cookie in cookies)
    assert cookies
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert ("Secure" in cookie) is secure
        assert cookie.startswith("__Host-") is secure
