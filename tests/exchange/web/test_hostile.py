"""What somebody who means harm would try at the pages: each of these was tried, and must come to nothing."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from agreements.document import read
from exchange.access import OPERATIONS, PUBLIC
from exchange.db import reading, writing
from exchange.people import invitations, people
from exchange.people.tables import AttemptRow, PasskeyRow, PersonRow
from exchange.people.waiting import TRIES
from exchange.register import partners
from keys.sign import SigningKey
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, URL, World, card_of, problem
from tests.exchange.web.addresses import PAGES
from tests.exchange.web.signed_in import ask, enter, forgery, sign_in
from tests.exchange.web.test_enrol import enrol, invited
from tests.keys.authenticator import SoftAuthenticator

EVERY_ROLE = ("dpo", "signatory", "checker", "analyst")


# ------------------------------------------------------------------------------------------------------------- methods


def test_asking_for_the_head_of_a_page_does_nothing(world: World) -> None:
    operator, victim = enter(world, OPERATOR, "operator"), enter(world, CLEVELAND, "dpo")
    browser = operator.client()
    addresses = (f"/people/{victim.id}/end", f"/people/me/passkeys/{operator.passkey.id}/revoke", "/people/invite")
    for address in addresses:
        answer = browser.head(address)
        assert (answer.status_code, answer.data) == (200, b""), address
    with reading(world.hub.engine) as session:
        assert session.get_one(PersonRow, victim.id).ended_at is None
        assert session.get_one(PasskeyRow, operator.passkey.id).revoked_at is None


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_no_other_method_changes_anything(world: World, method: str) -> None:
    browser = sign_in(world, OPERATOR, "operator", *EVERY_ROLE)
    before = whole(world)
    for endpoint, (_, path) in PAGES.items():
        if PUBLIC == OPERATIONS[endpoint] and "openid" in endpoint:
            continue
        with browser.open(path, method=method) as answer:
            assert answer.status_code < 500, (endpoint, answer.text)
            assert "Access-Control-Allow-Origin" not in answer.headers
    after = whole(world)
    assert {name: rows for name, rows in after.items() if rows != before[name]}.keys() <= {"log_entries", "log_nodes", "log_head"}


def whole(world: World) -> dict[str, list[Any]]:
    """Every row of every table."""
    with reading(world.hub.engine) as session:
        names = session.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        return {name: [tuple(row) for row in session.execute(text(f'select * from "{name}"'))] for name in names}


# ------------------------------------------------------------------------------------------------------------ sessions


def test_signing_in_again_ends_the_session_that_was_there(world: World) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    browser = somebody.client()
    held = browser.get_cookie("exchange")
    assert held is not None
    assert enter(world, DURHAM, "dpo").sign_in(browser).status_code == 200
    thief = world.app.test_client()
    thief.set_cookie("exchange", held.value)
    assert thief.get("/people/me").status_code == 303


def test_an_invitation_is_answered_by_the_passkey_that_was_made_for_it(world: World) -> None:
    """The device was told it makes a passkey for one person; it is not enrolled for another."""
    (_, one), (other, two) = invited(world, "dpo"), invited(world, "signatory", name="Kim Example")
    browser, device = world.app.test_client(), SoftAuthenticator()
    token = forgery(browser, f"/enrol/{one}")
    begun = ask(browser, f"/enrol/{one}/challenge", token, {})
    made = device.create(json.dumps(begun.get_json()["options"]), URL)
    problem(ask(browser, f"/enrol/{two}/passkey", token, {"credential": made}), 404, "no-invitation")
    with reading(world.hub.engine) as session:
        assert people.passkeys(session, other.id) == []


# --------------------------------------------------------------------------------------------------- who is held up by whom


def exhausted(world: World, browser: FlaskClient) -> None:
    """Use up everything that this address may try."""
    token = forgery(browser, "/sign-in")
    for _ in range(TRIES):
        ask(browser, "/sign-in/challenge", token, {})
    problem(ask(browser, "/sign-in/challenge", token, {}), 429, "too-many-attempts")


def test_a_stranger_at_the_same_address_cannot_keep_a_person_from_signing(world: World) -> None:
    """Everybody of a police force may come from one address; to stop sharing must be possible whoever else is there."""
    somebody = enter(world, CLEVELAND, "dpo")
    browser = somebody.client()
    exhausted(world, world.app.test_client())
    answer = ask(browser, "/people/me/passkeys/challenge", forgery(browser), {})
    assert answer.status_code == 200, answer.text


def test_one_who_is_signed_in_is_limited_too(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    token = forgery(browser)
    answers = [ask(browser, "/people/me/passkeys/challenge", token, {}).status_code for _ in range(TRIES + 1)]
    assert answers == [200] * TRIES + [429]


@contextmanager
def busy(world: World) -> Iterator[None]:
    """Somebody else is writing."""
    with world.hub.engine.connect() as connection, connection.begin():
        connection.execute(text("select 1"))
        yield


def test_what_is_refused_anyway_does_not_wait_to_write(world: World) -> None:
    """Nobody who is not signed in can make writers wait, but by the hundred tries that an address has."""
    browser = world.app.test_client()
    token = forgery(browser, "/sign-in")
    ask(browser, "/sign-in/challenge", token, {})
    held = browser.get_cookie("exchange-form")
    assert held is not None
    said = {"credential": {"rawId": "AAAA", "response": {}}}
    ask(browser, "/sign-in/passkey", token, said)
    exhausted(world, world.app.test_client())
    with busy(world):
        browser.set_cookie("exchange-form", held.value)
        problem(ask(browser, "/sign-in/passkey", token, said), 422, "begin-again")
        problem(ask(browser, "/sign-in/challenge", token, {}), 429, "too-many-attempts")
        problem(ask(browser, "/enrol/nobody/passkey", token, said), 422, "begin-again")


def test_addresses_of_one_network_count_as_one(world: World) -> None:
    """Whoever has one address of IPv6 has 2**64 of them."""
    browser = world.app.test_client()
    token = forgery(browser, "/sign-in")
    for number in range(1, 6):
        answer = browser.post(
            "/sign-in/challenge", json={}, headers={"X-CSRFToken": token}, environ_base={"REMOTE_ADDR": f"2001:db8:1:2::{number:x}"}
        )
        assert answer.status_code == 200
    with reading(world.hub.engine) as session:
        assert [row.count for row in session.query(AttemptRow).filter(AttemptRow.count > 1)] == [5]


def test_a_page_takes_no_more_than_a_page_needs(world: World) -> None:
    browser = world.app.test_client()
    for content in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"):
        headers = {"Accept": "application/json", "X-CSRFToken": forgery(browser, "/sign-in")}
        answer = browser.post("/sign-in/passkey", data=b"x" * (300 << 10), content_type=content, headers=headers)
        assert answer.status_code == 413, (content, answer.text)


# ---------------------------------------------------------------------------------------------------- what is not to be known


_CHANGES = re.compile(r'nonce="[^"]+"|name="csrf_token" value="[^"]+"|data-forgery="[^"]+"')


def alike(answer: TestResponse, name: str) -> tuple[int, str, dict[str, str]]:
    """An answer without what differs each time, and without the name that was asked for."""
    headers = {key: re.sub(r"nonce-[\w-]+", "", value) for key, value in answer.headers.items() if key not in ("Set-Cookie", "Date")}
    headers.pop("Content-Length", None)
    return answer.status_code, _CHANGES.sub("", answer.text).replace(name, "NAME"), headers


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_to_a_stranger_an_agreement_is_as_if_there_were_none(world: World, accept: str) -> None:
    pushed = world.hold()
    browser = sign_in(world, "elsewhere-council", *EVERY_ROLE)
    headers = {"Accept": accept, "X-CSRFToken": forgery(browser)}
    for endpoint, (methods, path) in PAGES.items():
        if not path.startswith(f"/agreements/{REFERENCE}"):
            continue
        for method in methods:
            sent = {"json": {"credential": {}}} if endpoint == "web.statement_passkey" else {}
            there, none = (
                browser.open(address, method=method.upper(), headers=headers, **sent)
                for address in (path.replace("sub-x", pushed.id), path.replace("sub-x", pushed.id).replace(REFERENCE, "LCJP-NONE"))
            )
            assert there.status_code == 404, (endpoint, there.status_code)
            assert alike(there, REFERENCE) == alike(none, "LCJP-NONE"), endpoint


def test_to_a_strange_machine_too(world: World) -> None:
    pushed = world.hold()
    world.keys["elsewhere-council/client"] = SigningKey.generate()
    world.keys["elsewhere-council/manifest"] = SigningKey.generate()
    with writing(world.hub.engine) as session:
        for use in ("client", "manifest"):
            key = f"elsewhere-council/{use}"
            partners.register(session, card_of(key, world.keys[key]), world.clock())
    for rest in (
        "",
        "?version=1",
        "/datasets/crimes/contract",
        "/envelopes",
        "/difference?from=1&to=1",
        "/rehearsal?version=1",
        "/explain?operation=submit&dataset=crimes&period=2021-04",
        f"/explain/{pushed.id}",
    ):
        there, none = (world.call("get", f"/v1/agreements/{name}{rest}", "elsewhere-council") for name in (REFERENCE, "LCJP-NONE"))
        assert there.status_code == 404, (rest, there.text)
        assert alike(there, REFERENCE) == alike(none, "LCJP-NONE"), rest


def test_a_recipients_people_learn_no_more_than_that_there_is_nothing(world: World) -> None:
    """A recipient's machine downloads editions; its people are of no party, and the pages know of no agreement for them."""
    browser = sign_in(world, TEAM, *EVERY_ROLE)
    for path in ("/", "/agreements", "/organisations"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert REFERENCE not in answer.text, path
        assert CLEVELAND not in answer.text, path
    assert browser.get(f"/organisations/{CLEVELAND}").status_code == 404


@pytest.mark.parametrize("question", ["operation=receive&release=mv7-outcomes", "operation=submit&dataset=crimes&period=2021-04"])
def test_of_a_draft_a_recipient_learns_nothing(world: World, question: str) -> None:
    lacking = read(re.sub(r"(?m)^complaints = .*$", "", world.words(reference='"LCJP-NEW"')))
    assert lacking.missing
    world.enter(lacking)
    there, none = (world.call("get", f"/v1/agreements/{name}/explain?{question}", TEAM) for name in ("LCJP-NEW", "LCJP-NONE"))
    assert alike(there, "LCJP-NEW") == alike(none, "LCJP-NONE")
