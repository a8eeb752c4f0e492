"""How often somebody may ask, and how much at once: floods end in a refusal that says when to come back, and hold up nobody else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from exchange.app import doors_of, fit_to_serve
from exchange.asked import ADDRESS_LIMIT, HEADERS, HEADERS_LIMIT
from exchange.errors import TooMany
from exchange.limits import MINUTE, Buckets, Limits, drawn, network
from tests.exchange.standing import CLEVELAND, DURHAM, World, crimes, problem
from tests.exchange.web.signed_in import enter

LIST = "/v1/agreements"


class Seconds:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


# ------------------------------------------------------------------------------------------------------------- the law


@given(st.lists(st.floats(0, 100), max_size=60), st.integers(1, 50))
def test_no_stretch_of_time_lets_more_through_than_a_bucket_and_what_flows_in(waits: list[float], allowance: int) -> None:
    clock = Seconds()
    buckets = Buckets(allowance, clock)
    allowed = []
    for wait in waits:
        clock.now += wait
        if buckets.take("one") == 0:
            allowed.append(clock.now)
    for first, begun in enumerate(allowed):
        for last, ended in enumerate(allowed[first:], first):
            assert last - first + 1 <= allowance + (ended - begun) * allowance / MINUTE + 1e-6


@given(st.floats(0, 100), st.floats(0, 1_000), st.integers(1, 100))
def test_who_waits_as_long_as_told_is_let_in(level: float, seconds: float, allowance: int) -> None:
    level, wait = drawn(min(level, allowance), seconds, allowance)
    assert 0 <= level <= allowance
    assert drawn(level, wait + 1e-6, allowance)[1] == 0 or wait == 0


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    assert drawn(0.5, -1_000, 60) == (0.5, 0.5)


def test_a_bucket_is_somebodys_own_and_the_oldest_are_forgotten() -> None:
    clock = Seconds()
    buckets = Buckets(1, clock, most=3)
    assert [buckets.take(name) for name in "aab"] == [0, 60, 0]
    for name in "cdef":
        buckets.take(name)
    assert len(buckets) == 3
    assert buckets.take("a") == 0


def test_an_address_is_its_network() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:1") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("192.0.2.2")
    limits = Limits(1, 1)
    limits.stranger("2001:db8::1")
    with pytest.raises(TooMany) as refused:
        limits.stranger("2001:db8::2")
    assert 55 < refused.value.seconds <= 60
    limits.stranger(None)


# ------------------------------------------------------------------------------------------------------------- the doors


@pytest.fixture
def slow(world: World) -> Iterator[Flask]:
    """The hub with five tries and five calls a minute."""
    app = doors_of(fit_to_serve(replace(world.hub.settings, tries_per_minute=5, calls_per_minute=5), world.clock))
    yield app
    hub = app.extensions["lcjp-hub"]
    hub.engine.dispose()
    hub.asker.dispose()


PUBLIC: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/oauth2/token", {"data": {"grant_type": "x", "client_assertion_type": "x", "client_assertion": "x"}}),
    ("POST", "/oauth2/token", {"data": b"x", "content_type": "text/plain"}),
    ("GET", "/openapi.json", {}),
    ("GET", "/ready", {}),
    ("GET", "/nowhere", {}),
    ("GET", LIST, {}),
    ("GET", LIST, {"headers": {"Authorization": "Bearer x.y.z"}}),
    ("GET", "/register", {}),
    ("GET", "/sign-in", {}),
    ("GET", "/agreements", {}),
    ("POST", "/sign-in/challenge", {"json": {}}),
    ("POST", "/enrol/nobody/challenge", {"json": {}}),
]


@pytest.mark.parametrize(
    ("method", "path", "more"), PUBLIC, ids=[f"{method} {path} {number}" for number, (method, path, _) in enumerate(PUBLIC)]
)
def test_a_flood_from_one_address_is_turned_away_with_the_time_to_come_back(
    slow: Flask, method: str, path: str, more: dict[str, Any]
) -> None:
    browser = slow.test_client()
    answers = [browser.open(path, method=method, **more) for _ in range(7)]
    assert all(answer.status_code != 429 for answer in answers[:5]), [answer.status_code for answer in answers]
    for answer in answers[5:]:
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 12
        assert "too many requests from this address" in answer.text
    # Another address is not held up.
    assert browser.open(path, method=method, environ_base={"REMOTE_ADDR": "192.0.2.9"}, **more).status_code != 429


def test_files_of_the_pages_and_those_who_are_known_are_not_held_up_by_strangers(world: World, slow: Flask) -> None:
    """Everybody of a police force may come from one address: to push, and to stop sharing, must be possible whoever else is there."""
    browser, token = slow.test_client(), {"Authorization": f"Bearer {world.token(CLEVELAND)}"}
    somebody = enter(world, CLEVELAND, "dpo").client()
    cookie = somebody.get_cookie("exchange")
    assert cookie is not None
    assert [browser.get("/nowhere").status_code for _ in range(6)][-1] == 429
    assert browser.get(LIST, headers=token).status_code == 200
    with browser.get("/static/exchange.css") as file:
        assert file.status_code == 200
    signed = slow.test_client()
    signed.set_cookie("exchange", cookie.value)
    assert signed.get("/agreements").status_code == 200


def test_a_client_and_a_person_have_a_bucket_each(world: World, slow: Flask) -> None:
    browser = slow.test_client()
    tokens = {client: {"Authorization": f"Bearer {world.token(client)}"} for client in (CLEVELAND, DURHAM)}
    answers = [browser.get(LIST, headers=tokens[CLEVELAND]) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    found = problem(answers[-1], 429, "too-many-requests")
    assert "Retry-After" in found["remedy"]
    assert int(answers[-1].headers["Retry-After"]) <= 12
    assert browser.get(LIST, headers=tokens[DURHAM]).status_code == 200
    somebody, other = (enter(world, CLEVELAND, role).client() for role in ("dpo", "signatory"))
    codes = []
    for one in (somebody, somebody, somebody, somebody, somebody, somebody, other):
        cookie = one.get_cookie("exchange")
        assert cookie is not None
        signed = slow.test_client()
        signed.set_cookie("exchange", cookie.value)
        codes.append(signed.get("/agreements").status_code)
    assert codes == [200] * 5 + [429, 200]


# ------------------------------------------------------------------------------------------------------- how much at once


ANYWHERE = [("get", LIST), ("get", "/nowhere"), ("get", "/agreements"), ("get", "/static/exchange.css"), ("post", "/oauth2/token")]


@pytest.mark.parametrize(("method", "path"), ANYWHERE, ids=str)
def test_addresses_and_headers_have_an_end_everywhere(world: World, method: str, path: str) -> None:
    with world.call(method, path, headers={"X-One": "x" * 500}) as answer:
        assert answer.status_code not in (414, 431)
    problem(world.call(method, f"{path}?{'x' * ADDRESS_LIMIT}", headers={"Accept": "application/json"}), 414, "address-too-long")
    for heap in ({"X-One": "x" * HEADERS_LIMIT}, {f"X-{number}": "x" for number in range(HEADERS + 1)}):
        problem(world.call(method, path, headers={**heap, "Accept": "application/json"}), 431, "headers-too-large")


@pytest.mark.parametrize("packed", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "IDENTITY, gzip", "x"])
def test_no_packed_body_is_taken(world: World, packed: str) -> None:
    for method, path in (
        ("post", "/v1/submissions"),
        ("put", "/v1/submissions/sub-x/parts/1"),
        ("post", "/oauth2/token"),
        ("post", "/sign-in/challenge"),
    ):
        answer = world.call(method, path, data=b"x", headers={"Content-Encoding": packed, "Accept": "application/json"})
        problem(answer, 415, "unsupported-media-type")
    assert world.call("post", "/v1/submissions", CLEVELAND, json={}, headers={"Content-Encoding": "identity"}).status_code in (404, 422)


@pytest.mark.parametrize("content", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"])
def test_json_says_that_it_is(world: World, content: str) -> None:
    pushed = world.prepare([crimes()])
    body = json.dumps(pushed.signed).encode()
    problem(world.call("post", "/v1/submissions", CLEVELAND, data=body, content_type=content), 415, "unsupported-media-type")
    assert world.call("post", "/v1/submissions", CLEVELAND, data=body, content_type="application/json; charset=utf-8").status_code == 201


@pytest.mark.parametrize("content", ["", "application/json", "text/plain"])
def test_a_form_and_a_part_say_what_they_are(world: World, content: str) -> None:
    problem(world.call("post", "/oauth2/token", data=b"grant_type=x", content_type=content), 415, "unsupported-media-type")
    if content:
        answer = world.call("put", "/v1/submissions/sub-x/parts/1", CLEVELAND, data=b"x", content_type=content)
        problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("method", "path", "content", "size"),
    [
        ("post", "/oauth2/token", "application/x-www-form-urlencoded", 65 << 10),
        ("post", "/v1/submissions", "application/json", (4 << 20) + 1),
        ("put", "/v1/submissions/sub-x/parts/1", "application/octet-stream", (1 << 20) + 1025),
        ("post", "/sign-in/challenge", "application/json", (256 << 10) + 1),
    ],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_every_body_has_an_end(world: World, method: str, path: str, content: str, size: int, chunked: bool) -> None:
    headers = {"Accept": "application/json"}
    if path.startswith("/v1"):
        headers["Authorization"] = f"Bearer {world.token(CLEVELAND)}"
    builder = EnvironBuilder(path, method=method.upper(), data=b"a=" + b"x" * (size - 2), content_type=content, headers=Headers(headers))
    environ = builder.get_environ()
    if chunked:
        del environ["CONTENT_LENGTH"]
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    body, status, _ = run_wsgi_app(world.app, environ, buffered=True)
    b"".join(body)
    # A part and a form without the browser's token are refused before anything of them is read.
    unread = {("404", "/v1/submissions/sub-x/parts/1"), ("403", "/sign-in/challenge")}
    assert status[:3] == ("411" if chunked else "413") or (not chunked and (status[:3], path) in unread)


DEEP = b'{"a":' * 40 + b"1" + b"}" * 40
ODD = [
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": 1, "a": 2}',
    b'{"a": %s}' % (b"9" * 5000),
    b'{"a": 1e400}',
    b"\xff\xfe{}",
    b"[]",
    b"1",
    b"",
    DEEP,
    b"[" * 200_000,
]


@pytest.mark.parametrize("body", ODD, ids=[f"{number}" for number in range(len(ODD))])
def test_json_is_read_strictly(world: World, body: bytes) -> None:
    for path in ("/v1/submissions", "/v1/agreements/LCJP-MV7/envelopes"):
        answer = world.call("post", path, CLEVELAND, data=body, content_type="application/json")
        assert answer.status_code in (415, 422), answer.text
        assert answer.status_code == 422 or not body


# ----------------------------------------------------------------------------------------------------------------- host


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "localhost.elsewhere.example", "localhost@elsewhere.example", "127.0.0.2", "a b", "[::1]"]
)
def test_a_hub_answers_to_its_own_names_only(world: World, host: str) -> None:
    for path in (LIST, "/sign-in", "/nowhere", "/static/exchange.css", "/openapi.json", "/register"):
        answer = world.call("get", path, headers={"Host": host, "Accept": "application/json"})
        problem(answer, 421, "wrong-host")
        assert host not in answer.text + str(answer.headers)
    for path in ("/health", "/ready"):  # whoever watches over it may know its address alone
        assert world.call("get", path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "bind", "hosts", "known"),
    [
        ("localhost:8080", "127.0.0.1:8080", "", True),
        ("127.0.0.1:8080", "127.0.0.1:8080", "", True),
        ("hub.internal", "127.0.0.1:8080", "hub.internal 10.0.0.5", True),
        ("10.0.0.5:9", "0.0.0.0:8080", "hub.internal 10.0.0.5", True),
        ("0.0.0.0:8080", "0.0.0.0:8080", "", False),
        ("10.0.0.6", "0.0.0.0:8080", "hub.internal 10.0.0.5", False),
        ("", "unix:/run/hub.sock", "", False),
        ("localhost", "unix:/run/hub.sock", "", True),
    ],
)
def test_its_names_are_the_public_one_the_bound_one_and_those_that_are_set(
    world: World, host: str, bind: str, hosts: str, known: bool
) -> None:
    app = doors_of(fit_to_serve(replace(world.hub.settings, bind=bind, hosts=hosts), world.clock))
    answer = app.test_client().get("/openapi.json", headers={"Host": host})
    assert answer.status_code == (200 if known else 421)
    app.extensions["lcjp-hub"].engine.dispose()
