"""A client's last requests: how each was answered and why, for the client, its people and the operator; nothing of what was sent, and not for ever."""

from typing import Any

import pytest
from sqlalchemy import select, text

from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import Misconfigured
from exchange.register import partners
from exchange.settings import read_settings
from exchange.watch.request_tables import RequestRow
from keys.sign import SigningKey
from tests.exchange.provoked.scene import away, bearer, reader, set_otherwise
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, TEAM, World, card_of, crimes, problem
from tests.exchange.test_sandbox import SOUND
from tests.exchange.web.signed_in import sign_in

CANARY = "zebedee-quillfeather"


@pytest.fixture
def keeping(world: World) -> World:
    """A hub that keeps the last four requests of each client."""
    return set_otherwise(world, requests_kept=4)


def listed(world: World, client: str = CLEVELAND) -> list[dict[str, Any]]:
    """As the client itself gets them, without the token it asks for to do so."""
    answer = world.call("get", "/v1/requests", client)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["requests"]
    return [one for one in found if (one["route"], one["status"]) != ("/oauth2/token", 200)]


def rows(world: World) -> list[RequestRow]:
    with reading(world.hub.engine) as session:
        return list(session.execute(select(RequestRow).order_by(RequestRow.id)).scalars())


def said(one: dict[str, Any]) -> tuple[str, int, str, int]:
    return one["route"], one["status"], one["code"], one["times"]


def test_a_hub_keeps_none_unless_it_is_set_to(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.open(pushed)
    world.call("get", f"/v1/submissions/{pushed.id}", CLEVELAND)
    problem(world.call("get", "/v1/agreements/LCJP-NONE", CLEVELAND), 404, "unknown-agreement")
    assert rows(world) == []
    assert world.call("get", "/v1/requests", CLEVELAND).get_json() == {"kept": 0, "requests": []}


def _what_was_asked(world: World) -> None:
    """What is told of requests that were answered and refused."""
    headers = bearer(world.token(CLEVELAND))
    pushed = world.prepare([crimes()])
    opened = world.call("post", "/v1/submissions", headers=headers, json=pushed.signed)
    pushed.id = opened.get_json()["submission"]
    for _ in range(3):
        world.call("get", "/v1/agreements/LCJP-NONE", headers=headers)
    part = {"Content-Digest": "sha-256=:AAAA:", "Content-Type": "application/octet-stream"}
    short = world.call("put", f"/v1/submissions/{pushed.id}/parts/1", headers={**headers, **part}, data=pushed.parts[0][:-1])
    newest, before, first = listed(world)
    assert said(newest) == ("/v1/submissions/{submission}/parts/{number}", 422, "part-damaged", 1)
    assert newest["request"] == short.headers["X-Request-Id"]
    assert (newest["reason"], newest["remedy"]) == ("the body is not the one its length and digest announce.", "Put the part again.")
    assert newest["clause"].endswith("dataset crimes, sealed parts")
    assert said(before) == ("/v1/agreements/{reference}", 404, "unknown-agreement", 3)
    assert before["reason"] == "there is no agreement of that reference to which you are a party."
    assert said(first) == ("/v1/submissions", 201, "", 1)
    assert listed(world, DURHAM) == []


def test_a_client_is_told_how_each_was_answered_and_why(keeping: World) -> None:
    _what_was_asked(keeping)


def test_on_postgresql_too(keeping: World) -> None:
    _what_was_asked(keeping)
    _bounded(keeping)


def _bounded(world: World) -> None:
    headers = bearer(world.token(CLEVELAND))
    for number in range(1, 10):
        world.call("get", f"/v1/agreements/LCJP-NONE?version={number}" if number % 2 else "/v1/submissions", headers=headers)
    assert len([row for row in rows(world) if row.client == CLEVELAND]) == 4


def test_the_oldest_are_forgotten_beyond_the_number_that_is_kept(keeping: World) -> None:
    _bounded(keeping)


def test_those_of_a_week_ago_are_forgotten_by_the_schedule(keeping: World) -> None:
    keeping.token(CLEVELAND)
    keeping.clock.forward(days=5)
    keeping.token(DURHAM)
    keeping.clock.forward(days=3)
    schedule.forget_requests(keeping.hub)
    assert [row.client for row in rows(keeping)] == [DURHAM]


def test_whoever_came_with_a_token_that_is_good_no_more_is_told_so(keeping: World) -> None:
    mine, others = bearer(keeping.token(CLEVELAND)), bearer(keeping.token(TEAM))
    keeping.call("get", "/v1/nowhere", headers=mine)
    keeping.call("post", "/v1/submissions", headers=others, json={})
    keeping.clock.forward(minutes=6)
    keeping.call("get", "/v1/agreements", headers=mine)
    assert [said(one) for one in listed(keeping)] == [
        ("/v1/agreements", 401, "expired-token", 1),
        ("no such address", 404, "not-found", 1),
    ]
    assert [said(one) for one in listed(keeping, TEAM)] == [("/v1/submissions", 403, "forbidden", 1)]
    with writing(keeping.hub.engine) as session:
        partners.revoke(session, keeping.signing(f"{CLEVELAND}/client").public.fingerprint, "lost", keeping.clock())
    again = keeping.authenticate(keeping.assertion(CLEVELAND))
    assert (again.status_code, rows(keeping)[-1].code, rows(keeping)[-1].client) == (401, "unknown-client", CLEVELAND)


def test_what_only_used_a_clients_name_is_marked_and_pushes_nothing_out(keeping: World) -> None:
    strange = SigningKey.generate()
    keeping.register(card_of(f"{DURHAM}/client", strange))
    headers = bearer(keeping.token(CLEVELAND))
    keeping.call("get", "/v1/agreements", headers=headers)
    for number in range(12):  # each in turn by another way to name it
        keeping.authenticate(keeping.assertion(CLEVELAND, aud="elsewhere" if number % 2 else "https://elsewhere.example"))
        keeping.authenticate(keeping.assertion(CLEVELAND, key=SigningKey.generate()))
    keeping.authenticate(keeping.assertion(CLEVELAND, key=strange), client_id=CLEVELAND)
    kept = rows(keeping)
    assert [row.proved for row in kept if row.client == CLEVELAND].count(False) == 4
    assert [(row.route, row.status) for row in kept if row.client == CLEVELAND and row.proved][-1] == ("/v1/agreements", 200)
    assert [(row.code, row.proved) for row in kept if row.client == DURHAM] == [("unknown-client", False)]
    nobody = len(kept)
    for form in ("x", "", "a.b.c", keeping.assertion(CLEVELAND, key=SigningKey.generate(), sub="nobody", iss="nobody")):
        keeping.authenticate(form)
    keeping.call("get", "/v1/agreements", headers=bearer("x.y.z"))
    keeping.call("get", "/v1/agreements")
    assert len(rows(keeping)) == nobody


def test_nothing_of_what_was_sent_is_kept(keeping: World) -> None:
    headers = bearer(keeping.token(CLEVELAND))
    strange = {**headers, "User-Agent": CANARY, "Cookie": CANARY}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("get", f"/v1/agreements/{CANARY}", {}),
        ("get", f"/v1/agreements/LCJP-MV7?{CANARY}={CANARY}", {}),
        ("get", f"/{CANARY}", {}),
        ("put", f"/v1/submissions/{CANARY}/parts/1", {"data": CANARY.encode(), "content_type": "application/octet-stream"}),
        ("post", "/v1/submissions", {"json": {CANARY: CANARY}}),
        ("get", "/v1/scorecard", {"headers": strange}),
    ]
    for method, path, more in asked:
        keeping.call(method, path, **{"headers": headers, **more})
        with reading(keeping.hub.engine) as session:
            found = [str(tuple(row)) for row in session.execute(text("SELECT * FROM requests"))]
        assert found
        assert not [line for line in found if CANARY in line]


def test_a_token_of_one_release_counts_for_its_recipient(keeping: World) -> None:
    keeping.call("get", "/v1/editions", headers=bearer(reader(keeping)))
    assert [said(one) for one in listed(keeping, TEAM)] == [("/v1/editions", 403, "forbidden", 1)]


def test_on_sqlite_what_cannot_be_kept_changes_no_answer(keeping: World) -> None:
    headers = bearer(keeping.token(CLEVELAND))
    with keeping.hub.engine.begin() as connection:
        connection.execute(text("ALTER TABLE requests RENAME TO gone"))
    assert keeping.call("get", "/v1/agreements", headers=headers).status_code == 200
    keeping.disconnect()
    for extra in ("hub.sqlite-wal", "hub.sqlite-shm"):
        (keeping.folder / extra).unlink(missing_ok=True)
    with away(keeping.folder / "hub.sqlite"):
        problem(keeping.call("get", "/v1/agreements", headers=headers), 503, "unavailable")
        keeping.disconnect()


def test_the_page_is_for_the_people_of_that_organisation_and_the_operators(keeping: World) -> None:
    keeping.call("get", "/v1/agreements/LCJP-NONE", CLEVELAND)
    keeping.call("get", "/v1/agreements/LCJP-OTHER", TEAM)
    address = "/requests?client="
    mine = sign_in(keeping, CLEVELAND, "analyst")
    page = mine.get("/requests").text.replace("<wbr>", "")
    for words in ("unknown-agreement", "GET /v1/agreements/{reference}", "There is no agreement of that reference", 'href="/requests"'):
        assert words in page
    assert TEAM not in page
    for other in (TEAM, DURHAM, "nobody"):
        assert mine.get(f"{address}{other}").status_code == 404
    assert "asked nothing" in sign_in(keeping, DURHAM, "dpo").get("/requests").text
    operator = sign_in(keeping, OPERATOR, "operator")
    assert f"{address}{TEAM}" in operator.get("/requests").text
    assert "unknown-agreement" in operator.get(f"{address}{TEAM}").text
    assert keeping.app.test_client().get("/requests").status_code == 303


def test_where_none_are_kept_the_page_says_so_and_no_link_leads_there(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    assert "keeps no requests" in browser.get("/requests").text
    assert 'href="/requests"' not in browser.get("/").text


@pytest.mark.parametrize(("number", "good"), [(0, True), (50, True), (1000, True), (-1, False), (1001, False)])
def test_how_many_may_be_kept(tmp_path: Any, number: int, good: bool) -> None:  # a parameter of the test
    file = tmp_path / "hub.toml"
    file.write_text(f"{SOUND}requests_kept = {number}\n")
    if good:
        assert read_settings(file).requests_kept == number
    else:
        with pytest.raises(Misconfigured, match="requests_kept"):
            read_settings(file)
