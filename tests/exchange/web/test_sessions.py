"""Sessions: begun by a passkey, kept by a random id, and over at once when they must be."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.db import reading, writing
from exchange.people import people, sessions
from exchange.people.tables import SessionRow
from exchange.register import partners
from tests.exchange.standing import CLEVELAND, OPERATOR, World
from tests.exchange.web.signed_in import Somebody, enter, send, sign_in


def is_in(browser: FlaskClient) -> bool:
    answer = browser.get("/people/me")
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


def cookie(browser: FlaskClient) -> str:
    found = browser.get_cookie("exchange")
    assert found is not None
    return str(found.value)


def test_a_passkey_signs_in_and_the_table_holds_no_id(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    assert "Needs your attention" in browser.get("/").text
    token = cookie(browser)
    assert len(token) >= 43  # 256 random bits
    with reading(world.hub.engine) as session:
        rows = session.execute(select(SessionRow)).scalars().all()
    assert [row.token for row in rows] == [sessions.digest(token)]


def test_half_an_hour_idle_ends_it_and_use_keeps_it(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    for _ in range(3):
        world.clock.forward(minutes=29)
        assert is_in(browser)
    world.clock.forward(minutes=30)
    assert not is_in(browser)
    world.clock.forward(minutes=-30)
    assert is_in(browser)  # it was the time, and nothing else


def test_eight_hours_end_it_however_busy(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    for _ in range(19):
        world.clock.forward(minutes=25)
        assert is_in(browser)
    world.clock.forward(minutes=5)
    assert not is_in(browser)


def test_every_sign_in_has_a_new_id_and_one_that_was_planted_is_none(world: World) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    browser = world.app.test_client()
    browser.set_cookie("exchange", "planted")
    assert not is_in(browser)
    found = []
    for _ in range(2):
        somebody.sign_in(browser)
        found.append(cookie(browser))
    assert len({"planted", *found}) == 3
    browser.set_cookie("exchange", "planted")
    assert not is_in(browser)


def test_signing_out_ends_this_session_at_the_hub_not_only_in_the_browser(world: World) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    here, there = somebody.client(), somebody.client()
    token = cookie(here)
    answer = send(here, "/sign-out")
    assert "cookies" in answer.headers["Clear-Site-Data"]
    here.set_cookie("exchange", token)
    assert not is_in(here)
    assert is_in(there)


def end_everywhere(world: World, somebody: Somebody, browser: FlaskClient) -> None:
    send(browser, "/people/me/sign-out-everywhere")


def revoke_own(world: World, somebody: Somebody, browser: FlaskClient) -> None:
    assert send(browser, f"/people/me/passkeys/{somebody.passkey.id}/revoke").status_code == 303


def end_by_operator(world: World, somebody: Somebody, browser: FlaskClient) -> None:
    assert send(sign_in(world, OPERATOR, "operator"), f"/people/{somebody.id}/end").status_code == 303


def end_at_the_command_line(world: World, somebody: Somebody, browser: FlaskClient) -> None:
    with writing(world.hub.engine) as session:
        people.end(session, somebody.id, "hub", world.clock())


def revoke_in_the_register(world: World, somebody: Somebody, browser: FlaskClient) -> None:
    with writing(world.hub.engine) as session:
        partners.register(session, people.card(session, somebody.id, "dpo"), world.clock())
    assert is_in(browser)
    with writing(world.hub.engine) as session:
        partners.revoke(session, somebody.fingerprint, "lost", world.clock())


WAYS = [end_everywhere, revoke_own, end_by_operator, end_at_the_command_line, revoke_in_the_register]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_all_sessions_end_at_once(world: World, way: Callable[[World, Somebody, FlaskClient], None]) -> None:
    somebody, other = enter(world, CLEVELAND, "dpo"), sign_in(world, CLEVELAND, "dpo")
    browsers = [somebody.client() for _ in range(3)]
    assert all(map(is_in, browsers))
    way(world, somebody, browsers[0])
    assert not any(map(is_in, browsers))
    assert is_in(other)
    assert (somebody.sign_in(world.app.test_client()).status_code == 200) is (way is end_everywhere)


def test_what_is_over_is_swept_away(world: World) -> None:
    sign_in(world, CLEVELAND, "dpo")
    world.clock.forward(days=2)
    sign_in(world, CLEVELAND, "dpo")
    with reading(world.hub.engine) as session:
        assert len(session.execute(select(SessionRow)).scalars().all()) == 1
