"""A provider that answers wrongly: what its identities must be before anybody is signed in by one."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from werkzeug.test import TestResponse

from exchange.app import doors_of, fit_to_serve
from exchange.db import writing
from exchange.people import people
from tests.exchange.standing import CLEVELAND, World

CLIENT, SECRET, SUBJECT = "lcjp-exchange", "s" * 40, "robin-7f3a"
Change = Callable[["Provider", dict[str, Any]], None]


@dataclass
class Provider:
    """Discovery, keys and tokens, over HTTP; a test says how its next identity is to be wrong."""

    world: World
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    signer: ECKey | OctKey | None = None
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "ES256", "kid": "one"})
    change: Change = lambda _provider, _claims: None
    nonce: str = ""
    issuer: str = ""
    asked: int = 0
    down: bool = False
    points: dict[str, str] = field(default_factory=dict)
    sends: dict[str, str] = field(default_factory=dict)

    def answer(self, path: str) -> dict[str, Any]:
        if path.endswith("openid-configuration"):
            places = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", **places, **self.points}
        if path == "/jwks":
            return {"keys": [self.key.as_dict(private=False)]}
        return {"access_token": "a", "token_type": "Bearer", "id_token": self.identity()}

    def identity(self) -> str:
        now = int(time.time())  # the library checks identities by the machine’s own clock
        claims = {"iss": self.issuer, "sub": SUBJECT, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": self.nonce}
        self.change(self, claims)
        return jwt.encode(self.header, claims, self.signer or self.key, algorithms=["ES256", "HS256"])


@pytest.fixture
def provider(world: World) -> Iterator[Provider]:
    made = Provider(world)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(made.answer(urlsplit(self.path).path)).encode()
            made.asked += 1
            sent = next((to for part, to in made.sends.items() if part in self.path), "")
            self.send_response(500 if made.down else 302 if sent else 200)
            if sent:
                self.send_header("Location", sent)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        made.issuer = f"http://localhost:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def app(world: World, provider: Provider) -> Flask:
    """The hub, with this provider and a person who is linked."""
    secret = world.folder / "openid.secret"
    secret.write_text(SECRET)
    settings = replace(world.hub.settings, oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret_file=secret)
    with writing(world.hub.engine) as session:
        made = {"party": CLEVELAND, "name": "Robin Example", "position": "Analyst", "roles": ["analyst"]}
        row = people.create(session, **cast(Any, made), who="hub", now=world.clock())
        people.link(session, row.id, provider.issuer, SUBJECT, world.clock())
    return doors_of(fit_to_serve(settings, world.clock))


def begin(browser: FlaskClient, provider: Provider, wanted: str = "/organisations") -> str:
    """To the provider; the state of the question."""
    asked = browser.get("/sign-in/openid", query_string={"next": wanted})
    assert asked.status_code == 302, asked.text
    assert asked.headers["Location"].startswith(f"{provider.issuer}/authorization?")
    question = parse_qs(urlsplit(asked.headers["Location"]).query)
    provider.nonce = question["nonce"][0]
    return question["state"][0]


def back(browser: FlaskClient, state: str, **more: str) -> TestResponse:
    return browser.get("/sign-in/openid/back", query_string={"code": "c", "state": state, **more})


def signed_in(browser: FlaskClient) -> bool:
    return browser.get("/people/me").status_code == 200


def test_a_true_identity_opens_the_door(app: Flask, provider: Provider) -> None:
    browser = app.test_client()
    answer = back(browser, begin(browser, provider))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/organisations")
    assert signed_in(browser)


def for_another(_: Provider, claims: dict[str, Any]) -> None:
    claims |= {"aud": "another-client"}


def for_another_though_asked_by_us(_: Provider, claims: dict[str, Any]) -> None:
    claims |= {"aud": "another-client", "azp": CLIENT}


def of_another_issuer(_: Provider, claims: dict[str, Any]) -> None:
    claims |= {"iss": "https://elsewhere.example"}


def of_an_earlier_question(_: Provider, claims: dict[str, Any]) -> None:
    claims |= {"nonce": "another"}


def without_a_nonce(_: Provider, claims: dict[str, Any]) -> None:
    del claims["nonce"]
    claims["nonce_supported"] = False


def expired(_: Provider, claims: dict[str, Any]) -> None:
    claims["exp"] -= 1000


def without_a_subject(_: Provider, claims: dict[str, Any]) -> None:
    del claims["sub"]


def by_the_shared_secret(provider: Provider, _: dict[str, Any]) -> None:
    provider.header, provider.signer = {"alg": "HS256"}, OctKey.import_key(SECRET)


def by_another_key(provider: Provider, _: dict[str, Any]) -> None:
    provider.signer = ECKey.generate_key("P-256")


FORGED = (
    *(for_another, for_another_though_asked_by_us, of_another_issuer, of_an_earlier_question, without_a_nonce),
    *(expired, without_a_subject, by_the_shared_secret, by_another_key),
)


@pytest.mark.parametrize("change", FORGED, ids=lambda one: one.__name__)
def test_a_false_identity_opens_nothing(app: Flask, provider: Provider, change: Change) -> None:
    browser = app.test_client()
    provider.change = change
    answer = back(browser, begin(browser, provider))
    assert answer.status_code == 401, answer.text
    assert "openid-refused" in answer.text
    assert not signed_in(browser)


def test_the_answer_is_only_for_the_browser_that_asked_and_once(app: Flask, provider: Provider) -> None:
    """An attacker's own answer, sent to somebody else's browser, signs nobody in as the attacker."""
    attacker, victim = app.test_client(), app.test_client()
    state = begin(attacker, provider)
    begin(victim, provider)
    assert back(victim, state).status_code == 401
    assert not signed_in(victim)
    state = begin(attacker, provider)
    assert back(attacker, state, iss="https://elsewhere.example").status_code == 401
    held = attacker.get_cookie("exchange-form")
    assert held is not None
    assert back(attacker, state).status_code == 303
    attacker.set_cookie("exchange-form", held.value)
    assert back(attacker, state).status_code == 401


def test_the_way_back_stays_here(app: Flask, provider: Provider) -> None:
    for wanted in ("//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example", "/\t/elsewhere.example"):
        browser = app.test_client()
        assert back(browser, begin(browser, provider, wanted)).headers["Location"] == "/"


def test_a_provider_that_is_away_is_left_alone_for_a_while(app: Flask, world: World, provider: Provider) -> None:
    """Whoever asks it waits up to ten seconds: strangers must not keep every thread of the hub waiting."""
    browser, provider.down = app.test_client(), True
    for _ in range(5):
        answer = browser.get("/sign-in/openid")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.text
    assert provider.asked == 1
    world.clock.forward(seconds=11)
    provider.down = False
    begin(browser, provider)


# ------------------------------------------------------------------------------------------------------ no way elsewhere


class Stranger:
    """A machine within the operator's network, which must never be asked anything."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        seen = self.asked

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_GET  # noqa: N815  # the library's own name

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


@pytest.mark.parametrize("what", ["token_endpoint", "jwks_uri"])
def test_addresses_that_a_provider_names_elsewhere_are_not_asked(app: Flask, provider: Provider, stranger: Stranger, what: str) -> None:
    for address in (stranger.address, provider.issuer.replace("http://localhost", "http://localhost@127.0.0.1"), "file:///etc/hostname"):
        provider.points = {what: f"{address}/x"}
        app.extensions["lcjp-openid"].provider.server_metadata.clear()
        browser = app.test_client()
        answer = back(browser, begin(browser, provider))
        assert answer.status_code in (401, 503), answer.text
        assert not signed_in(browser)
    assert stranger.asked == []


@pytest.mark.parametrize("what", ["openid-configuration", "/token", "/jwks"])
def test_a_redirect_of_a_provider_is_not_followed(app: Flask, world: World, provider: Provider, stranger: Stranger, what: str) -> None:
    provider.sends = {what: f"{stranger.address}/latest/meta-data"}
    browser = app.test_client()
    if what == "openid-configuration":
        assert browser.get("/sign-in/openid").status_code == 503
    else:
        assert back(browser, begin(browser, provider)).status_code in (401, 503)
    assert not signed_in(browser)
    assert stranger.asked == []
