"""What somebody who means harm would try at the pages: each of these was tried, and must come to nothing."""

import errno
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from gunicorn.config import Config
from sqlalchemy import inspect, select, text
from werkzeug.test import TestResponse

from agreements.document import read
from exchange.access import OPERATIONS, PUBLIC
from exchange.db import reading, writing
from exchange.log.tables import EntryRow
from exchange.people import people
from exchange.people.tables import AttemptRow, PasskeyRow, PersonRow
from exchange.people.waiting import TRIES
from exchange.register import agreements, partners
from exchange.serve import AccessLog
from exchange.submissions import endings
from keys.encoding import b64
from keys.formats import Card
from keys.sign import SigningKey
from tests.exchange.extra import can_make_pdfs
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, URL, World, card_of, problem
from tests.exchange.web.addresses import PAGES
from tests.exchange.web.signed_in import ask, enter, forgery, send, sign_in
from tests.exchange.web.signing_room import Room
from tests.exchange.web.test_enrol import invited
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
        if OPERATIONS[endpoint] == PUBLIC and "openid" in endpoint:
            continue
        with browser.open(path, method=method) as answer:
            missing = endpoint == "web.agreement_pdf" and not can_make_pdfs()  # then it is 503, which says what to install
            assert answer.status_code < 500 or missing, (endpoint, answer.get_data())
            assert "Access-Control-Allow-Origin" not in answer.headers
    after = whole(world)
    assert {name: rows for name, rows in after.items() if rows != before[name]}.keys() <= {
        "log_entries",
        "log_nodes",
        "log_head",
        "log_repeats",
    }


def whole(world: World) -> dict[str, list[Any]]:
    """Every row of every table."""
    with reading(world.hub.engine) as session:
        names = inspect(session.connection()).get_table_names()
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
    """An answer without what differs each time (its own random id among it), and without the name that was asked for."""
    different = ("Set-Cookie", "Date", "Content-Length", "X-Request-Id")
    headers = {key: re.sub(r"nonce-[\w-]+", "", value) for key, value in answer.headers.items() if key not in different}
    text = _CHANGES.sub("", answer.text).replace(answer.headers["X-Request-Id"], "REQUEST")
    return answer.status_code, text.replace(name, "NAME"), headers


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_to_a_stranger_an_agreement_is_as_if_there_were_none(world: World, accept: str) -> None:
    pushed = world.hold()
    browser = sign_in(world, "elsewhere-council", *EVERY_ROLE)
    headers = {"Accept": accept, "X-CSRFToken": forgery(browser)}
    for endpoint, (methods, path) in PAGES.items():
        if not path.startswith(f"/agreements/{REFERENCE}"):
            continue
        for method in methods:
            sent: dict[str, Any] = {"json": {"credential": {}}} if endpoint == "web.statement_passkey" else {}
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


# ------------------------------------------------------------------------------------------------------------ what is signed


DPO = f"{CLEVELAND}/dpo"


def ended(room: Room) -> None:
    with writing(room.world.hub.engine) as session:
        people.end(session, room.people[DPO].id, "hub", room.world.clock())


def revoked_by_the_operator(room: Room) -> None:
    somebody = room.people[DPO]
    with writing(room.world.hub.engine) as session:
        partners.register(session, Card("passkey", CLEVELAND, "dpo", b64(somebody.passkey.public)), room.world.clock())
        partners.revoke(session, somebody.fingerprint, "lost", room.world.clock())


def signed_out_elsewhere(room: Room) -> None:
    browser = room.people[DPO].client()
    send(browser, "/people/me/sign-out-everywhere")


@pytest.mark.parametrize("meanwhile", [ended, revoked_by_the_operator, signed_out_elsewhere], ids=lambda one: one.__name__)
def test_who_has_ended_meanwhile_signs_nothing(world: World, meanwhile: Callable[[Room], None]) -> None:
    """Between the page that shows the statement and the device's answer."""
    room = Room.open(world)
    room.review(DPO)
    check = room.prepared(DPO, "advise", advice="for", comment="As read.")
    answer, browser = room.assertion(DPO, check), room.browser(DPO)
    token = forgery(browser)
    meanwhile(room)
    assert ask(browser, f"{check}/passkey", token, {"credential": answer}).status_code == 401
    with reading(world.hub.engine) as session:
        row = agreements.by_digest(session, room.agreement.digest)
        assert row is not None
        assert row.statements == []


def test_what_was_recorded_is_not_recorded_again(world: World) -> None:
    """A recorded statement is no secret: every party can download it, and bring it back."""
    room = Room.open(world)
    room.review(DPO)
    room.say(DPO, "advise", advice="for", comment="As read.")
    [signed] = json.loads(room.get(f"{DURHAM}/dpo", "/signed.json").text)["statements"]
    room.people["hand"] = enter(world, OPERATOR, "operator")
    for place in (DPO, f"{CLEVELAND}/signatory", "hand"):
        answer = room.upload(place, signed)
        assert answer.status_code in (403, 409, 422), answer.text
    assert "another’s" in room.upload(f"{DURHAM}/dpo", signed).text
    with reading(world.hub.engine) as session:
        row = agreements.by_digest(session, room.agreement.digest)
        assert row is not None
        assert len(row.statements) == 1


def test_what_was_recorded_is_confirmed_whatever_follows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk after a stop: it must not be said that nothing was kept, for everything has stopped."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    room = Room.open(world)
    room.agree()
    monkeypatch.setattr(endings, "settle", full)
    assert "Suspended" in room.say(DPO, "suspend", what="whole", comment="Until it is looked into.")


# ------------------------------------------------------------------------------------------------------------ every answer


def test_every_kind_of_answer_locks_the_browser_down(world: World) -> None:
    """Errors, redirections, downloads and documents as well as pages."""
    browser = sign_in(world, CLEVELAND, *EVERY_ROLE)
    token = forgery(browser)
    page = {"Accept": "text/html"}
    path = f"/agreements/{REFERENCE}/versions/1"
    answers = {
        303: browser.get(f"/agreements/{REFERENCE}"),
        403: browser.post("/sign-out", headers=page),
        404: browser.get("/nowhere", headers=page),
        405: browser.delete("/sign-in", headers=page),
        413: browser.post("/sign-out", data={"csrf_token": token, "x": "y" * (300 << 10)}, headers=page),
        422: browser.get(f"{path}/processing-record?format=doc", headers=page),
        200: browser.get(f"{path}/signed.json"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def test_no_answer_is_made_of_the_host_that_was_asked_for(world: World) -> None:
    forwarded = {
        "X-Forwarded-Host": "elsewhere.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=elsewhere.example",
    }
    browser = world.app.test_client()
    for path in (
        "/",
        "/sign-in",
        "/agreements",
        "//elsewhere.example/x",
        "/agreements//x",
        "/static//exchange.css",
        "/sign-in/",
        "/nowhere",
    ):
        # A foreign name alone is refused at once; one that a proxy is said to have forwarded is not looked at.
        for headers, expected in (
            (forwarded, (200, 303, 404)),
            ({"Host": "elsewhere.example", "Accept": "text/html"}, (421,)),
            ({**forwarded, "Host": "elsewhere.example"}, (421,)),
        ):
            answer = browser.get(path, headers=headers)
            # The test client takes two strokes for the beginning of a host.
            assert answer.status_code in ((421,) if path.startswith("//") else expected), path
            page = answer.mimetype == "text/html"  # a problem document names the path that was asked for
            assert "elsewhere.example" not in (answer.text if page else "") + str(answer.headers), path


def test_addresses_that_a_stranger_writes_are_not_believed(world: World) -> None:
    """Without a proxy of the operator's own, nobody says for themselves where they come from."""
    browser = world.app.test_client()
    token = forgery(browser, "/sign-in")
    for number in range(3):
        headers = {"X-CSRFToken": token, "X-Forwarded-For": f"192.0.2.{number}"}
        assert browser.post("/sign-in/challenge", json={}, headers=headers).status_code == 200
    with reading(world.hub.engine) as session:
        assert [row.count for row in session.query(AttemptRow)] == [3]


@pytest.mark.parametrize("content", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"])
def test_a_ceremony_is_answered_in_json_alone(world: World, content: str) -> None:
    """What another site's form can send is not looked at, even with the token."""
    browser = world.app.test_client()
    headers = {"X-CSRFToken": forgery(browser, "/sign-in"), "Accept": "application/json"}
    browser.post("/sign-in/challenge", json={}, headers=headers)
    problem(
        browser.post("/sign-in/passkey", data=b'{"credential": {}}', content_type=content, headers=headers), 415, "unsupported-media-type"
    )


def test_refusals_do_not_repeat_what_was_sent(world: World) -> None:
    browser = sign_in(world, CLEVELAND, *EVERY_ROLE)
    words = "Quarrel<script>"
    for path in (
        f"/agreements/{words}",
        f"/organisations/{words}",
        f"/agreements/{REFERENCE}/versions/1/recorded/{words}",
        f"/{words}",
        f"/enrol/{words}",
    ):
        answer = browser.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert "Quarrel" not in answer.text, path
    with reading(world.hub.engine) as session:
        assert "Quarrel" not in str(session.execute(select(EntryRow.entry)).scalars().all())


# ---------------------------------------------------------------------------------------------------------- the server's log


def test_the_servers_own_errors_are_one_line_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """An address can hold an invitation's word, or the code of a sign-in."""
    made = AccessLog(Config())
    made.error_log.propagate = True
    try:
        raise BlockingIOError("/enrol/secret-word")
    except OSError:
        made.exception("Error handling request %s", "/enrol/secret-word?code=secret-word", exc_info=True)
    line = caplog.messages[-1]
    assert json.loads(line)["kind"] == "BlockingIOError"
    assert "secret-word" not in caplog.text


@pytest.mark.parametrize(
    "path", ["/enrol/secret-word", "//enrol//secret-word", "/enrol/secret-word/challenge", "/enrol/secret-word/passkey"]
)
def test_no_invitation_is_in_the_access_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    made = AccessLog(Config())
    made.access_log.propagate = True
    made.access_log.setLevel("INFO")
    answer = SimpleNamespace(status_code=200, sent=1)
    made.access(answer, None, {"PATH_INFO": path, "QUERY_STRING": "code=secret-word", "REQUEST_METHOD": "GET"}, timedelta(0))
    line = caplog.messages[-1]
    assert "secret-word" not in caplog.text
    assert json.loads(line)["path"].lstrip("/").startswith("enrol/…")
