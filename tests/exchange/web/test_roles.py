"""Every page and every role: who gets in, and who is turned away with which words."""

from itertools import product

import pytest

from exchange.access import OPERATIONS, PEOPLE, PUBLIC, Role, admit_person
from exchange.errors import Forbidden
from tests.exchange.standing import CLEVELAND, OPERATOR, World
from tests.exchange.web.addresses import PAGES
from tests.exchange.web.signed_in import enter, forgery, sign_in

WAYS = [(endpoint, method, path) for endpoint, (methods, path) in PAGES.items() for method in methods]
CLOSED = [way for way in WAYS if OPERATIONS[way[0]] != PUBLIC]


@pytest.mark.parametrize("way", CLOSED, ids=" ".join)
def test_without_a_session_a_page_sends_to_sign_in_and_a_form_is_refused(world: World, way: tuple[str, str, str]) -> None:
    _, method, path = way
    browser = world.app.test_client()
    if method == "get":
        answer = browser.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in")
        return
    token = forgery(browser, "/sign-in")
    answer = browser.post(path, data={"csrf_token": token})
    assert answer.status_code == 401
    assert "You are not signed in any more." in answer.text or "you are not signed in any more." in answer.text
    assert "WWW-Authenticate" not in answer.headers


def test_each_role_at_each_page(world: World) -> None:
    for role in sorted(PEOPLE):
        somebody = enter(world, OPERATOR if role is Role.OPERATOR else CLEVELAND, role.value)
        browser = somebody.client()
        for endpoint, method, path in CLOSED:
            sent = {"csrf_token": forgery(browser)} if method == "post" else {}
            answer = browser.open(path, method=method.upper(), data=sent or None)
            refused = answer.status_code == 403 and "none of your roles may do this" in answer.text
            assert refused is (role not in OPERATIONS[endpoint]), (role, endpoint, answer.status_code, answer.text)
            assert answer.status_code != 500, (endpoint, answer.text)
            if endpoint.startswith("web.sign_out"):
                browser = somebody.client()


@pytest.mark.parametrize(("way", "role"), list(product(WAYS, ("supplier", "recipient"))), ids=str)
def test_no_token_of_a_machine_opens_a_page(world: World, way: tuple[str, str, str], role: str) -> None:
    endpoint, method, path = way
    if OPERATIONS[endpoint] == PUBLIC:
        return
    client = {"supplier": CLEVELAND, "recipient": "lcjp-performance-team"}[role]
    answer = world.call(method, path, client)
    assert answer.status_code in (303, 403)


def test_a_page_without_a_row_stays_shut_to_everybody() -> None:
    for role in Role:
        with pytest.raises(Forbidden):
            admit_person("web.somewhere_new", [role])


def test_roles_are_looked_up_at_every_request(world: World) -> None:
    browser = sign_in(world, OPERATOR, "operator")
    assert browser.get("/people/invite").status_code == 200
    somebody = enter(world, CLEVELAND, "dpo")
    assert somebody.client().get("/people/invite").status_code == 403
