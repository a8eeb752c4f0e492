"""Signing in with a passkey: what opens the door, what does not, and where it leads."""

import json
from typing import Any

import pytest
from flask import url_for
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from exchange.db import reading, writing
from exchange.log.tables import EntryRow
from exchange.people import people
from exchange.people.tables import AttemptRow, PasskeyRow, WaitingRow
from exchange.people.waiting import TRIES
from exchange.web.door import local
from keys.encoding import b64
from tests.exchange.standing import CLEVELAND, URL, World, problem
from tests.exchange.web.signed_in import Somebody, ask, enter, forgery
from tests.keys.authenticator import SoftAuthenticator

ELSEWHERE = (
    "https://elsewhere.example/",
    "//elsewhere.example",
    "/\\elsewhere.example",
    "\\\\elsewhere.example",
    "/\t/elsewhere.example",
    "/\n/elsewhere.example",
    " //elsewhere.example",
    "javascript:alert(1)",
    "elsewhere.example",
    "/" + "a" * 600,
    "",
)


@pytest.mark.parametrize("wanted", ELSEWHERE, ids=repr)
def test_nobody_is_sent_elsewhere(world: World, wanted: str) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    browser = world.app.test_client()
    page = browser.get("/sign-in", query_string={"next": wanted})
    assert "elsewhere" not in page.text
    token = forgery(browser, "/sign-in")
    begun = browser.post("/sign-in/challenge", query_string={"next": wanted}, json={}, headers={"X-CSRFToken": token})
    found = somebody.authenticator.get(json.dumps(begun.get_json()["options"]), URL)
    assert ask(browser, "/sign-in/passkey", token, {"credential": found}).get_json() == {"next": "/"}


@given(wanted=st.text(alphabet=st.sampled_from(list("/\\:.?#@a \t\r\n%é")), max_size=12))
def test_a_way_back_always_stays_here(first_world: World, wanted: str) -> None:
    with first_world.app.test_request_context("/"):
        found = local(wanted)
        assert found == url_for("web.home") or (found == wanted and found[0] == "/" and found[1:2] not in ("/", "\\"))


def test_the_way_back_is_kept(world: World) -> None:
    somebody, browser = enter(world, CLEVELAND, "dpo"), world.app.test_client()
    away = browser.get("/organisations?a=b")
    assert away.headers["Location"] == "/sign-in?next=/organisations?a%3Db"
    assert somebody.sign_in(browser, "/organisations").get_json() == {"next": "/organisations"}


def begin(somebody: Somebody, browser: Any) -> tuple[str, str]:
    token = forgery(browser, "/sign-in")
    return token, json.dumps(ask(browser, "/sign-in/challenge", token, {}).get_json()["options"])


def test_an_answer_serves_once(world: World) -> None:
    somebody, browser = enter(world, CLEVELAND, "dpo"), world.app.test_client()
    token, options = begin(somebody, browser)
    held = browser.get_cookie("exchange-form")
    assert held is not None
    answer = {"credential": somebody.authenticator.get(options, URL)}
    assert ask(browser, "/sign-in/passkey", token, answer).status_code == 200
    browser.set_cookie("exchange-form", held.value)  # the very cookies of before
    problem(ask(browser, "/sign-in/passkey", token, answer), 422, "begin-again")


def test_an_answer_serves_only_the_browser_that_asked(world: World) -> None:
    somebody, browser, other = enter(world, CLEVELAND, "dpo"), world.app.test_client(), world.app.test_client()
    _, options = begin(somebody, browser)
    answer = {"credential": somebody.authenticator.get(options, URL)}
    problem(ask(other, "/sign-in/passkey", forgery(other, "/sign-in"), answer), 422, "begin-again")


def test_a_challenge_lives_five_minutes(world: World) -> None:
    somebody, browser = enter(world, CLEVELAND, "dpo"), world.app.test_client()
    token, options = begin(somebody, browser)
    world.clock.forward(minutes=5)
    problem(ask(browser, "/sign-in/passkey", token, {"credential": somebody.authenticator.get(options, URL)}), 422, "begin-again")


def strange_device(somebody: Somebody, options: str) -> Any:
    other = enter(somebody.world, CLEVELAND, "checker")
    with writing(somebody.world.hub.engine) as session:
        people.revoke_passkey(session, other.id, other.passkey.id, "hub", somebody.world.clock())
    return other.authenticator.get(options, URL)


def unverified(somebody: Somebody, options: str) -> Any:
    somebody.authenticator.flags = 0x01
    return somebody.authenticator.get(options, URL)


def other_origin(somebody: Somebody, options: str) -> Any:
    return somebody.authenticator.get(options, "https://elsewhere.example")


def other_challenge(somebody: Somebody, options: str) -> Any:
    return somebody.authenticator.get(json.dumps({**json.loads(options), "challenge": b64(bytes(32))}), URL)


def old_counter(somebody: Somebody, options: str) -> Any:
    with writing(somebody.world.hub.engine) as session:
        session.get_one(PasskeyRow, somebody.passkey.id).sign_count = 1000
    return somebody.authenticator.get(options, URL)


def altered(somebody: Somebody, options: str) -> Any:
    found = somebody.authenticator.get(options, URL)
    found["response"]["signature"] = b64(bytes(70))
    return found


def nothing(_somebody: Somebody, _options: str) -> Any:
    return {"rawId": "!!", "response": {}}


@pytest.mark.parametrize(
    "way", [strange_device, unverified, other_origin, other_challenge, old_counter, altered, nothing], ids=lambda way: way.__name__
)
def test_every_failure_is_one_answer(world: World, way: Any) -> None:
    somebody, browser = enter(world, CLEVELAND, "dpo"), world.app.test_client()
    token, options = begin(somebody, browser)
    found = problem(ask(browser, "/sign-in/passkey", token, {"credential": way(somebody, options)}), 401, "unknown-passkey")
    assert found["detail"] == "this passkey is not in use here."
    assert browser.get("/people/me").status_code == 303


def test_signing_in_is_in_the_log_by_id_and_without_a_name(world: World) -> None:
    somebody = enter(world, CLEVELAND, "dpo", name="Zebedee Quillfeather")
    somebody.client()
    with reading(world.hub.engine) as session:
        entries = session.execute(select(EntryRow.entry).order_by(EntryRow.number.desc()).limit(3)).scalars().all()
    assert [one["what"] for one in entries if one] == ["signed in", "passkey enrolled", "person entered"]
    assert all(one and one["operation"] == "security" and one["organisation"] == CLEVELAND for one in entries)
    assert entries[0] is not None
    assert entries[0]["who"] == entries[0]["subject"] == somebody.id
    assert "Zebedee" not in json.dumps(list(entries))


def test_too_many_tries_are_turned_away_for_a_while(world: World) -> None:
    browser = world.app.test_client()
    token = forgery(browser, "/sign-in")
    for _ in range(TRIES):
        assert ask(browser, "/sign-in/challenge", token, {}).status_code == 200
    answer = ask(browser, "/sign-in/challenge", token, {})
    problem(answer, 429, "too-many-attempts")
    assert answer.headers["Retry-After"] == "300"
    with reading(world.hub.engine) as session:
        rows = session.execute(select(AttemptRow)).scalars().all()
        assert [row.count for row in rows] == [TRIES]
        assert "127.0.0.1" not in rows[0].source
    world.clock.forward(minutes=5)
    assert ask(browser, "/sign-in/challenge", token, {}).status_code == 200
    with reading(world.hub.engine) as session:
        assert len(session.execute(select(WaitingRow)).scalars().all()) == 1  # the old ones are gone


def test_a_hub_at_a_bare_address_says_so(world: World) -> None:
    browser = world.app.test_client()
    token = forgery(browser, "/sign-in")
    object.__setattr__(world.hub.settings, "public_url", "http://127.0.0.1:8080")
    object.__setattr__(world.hub.settings, "hosts", "localhost")
    found = problem(ask(browser, "/sign-in/challenge", token, {}), 500, "misconfigured")
    assert "host name" in found["detail"]


def test_a_device_that_never_enrolled_has_nothing_to_say(world: World) -> None:
    browser = world.app.test_client()
    _, options = begin(enter(world, CLEVELAND, "dpo"), browser)
    with pytest.raises(LookupError):
        SoftAuthenticator().get(options, URL)
