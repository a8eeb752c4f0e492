"""Forms of other sites are refused; cookies open nothing of the API, and tokens nothing of the pages."""

import pytest

from tests.exchange.standing import CLEVELAND, OPERATOR, URL, World, problem
from tests.exchange.web.signed_in import ask, forgery, send, sign_in

FORMS = (
    *("/sign-out", "/people/invite", "/people/per-x/end", "/people/per-x/invite", "/people/me/sign-out-everywhere"),
    *("/people/me/notices", "/people/me/notices/end"),
)


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_is_refused_and_nothing_is_done(world: World, path: str) -> None:
    browser = sign_in(world, OPERATOR, "operator")
    for sent in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}):
        answer = browser.post(path, data=sent)
        assert answer.status_code == 403
        assert "forged-form" in answer.text
    assert browser.get("/people/me").status_code == 200  # still signed in


def test_a_token_of_another_browser_does_not_serve(world: World) -> None:
    mine, others = sign_in(world, OPERATOR, "operator"), sign_in(world, CLEVELAND, "dpo")
    answer = mine.post("/sign-out", data={"csrf_token": forgery(others)})
    assert "forged-form" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
    ids=str,
)
def test_another_origin_is_refused_even_with_the_token(world: World, headers: dict[str, str]) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    token = forgery(browser)
    assert "forged-form" in browser.post("/sign-out", data={"csrf_token": token}, headers=headers).text
    own = browser.post("/sign-out", data={"csrf_token": token}, headers={"Origin": URL, "Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 303


def test_the_challenges_want_the_token_too(world: World) -> None:
    browser = world.app.test_client()
    browser.get("/sign-in")
    problem(ask(browser, "/sign-in/challenge", "forged", {}), 403, "forged-form")


def test_the_api_takes_no_cookie(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo", "operator")
    for method, path in (("get", "/v1/agreements"), ("post", "/v1/submissions"), ("get", "/v1/log/checkpoint")):
        problem(browser.open(path, method=method.upper()), 401, "no-token")


def test_the_api_wants_no_form_token(world: World) -> None:
    problem(world.call("post", "/v1/submissions", CLEVELAND, json={}), 404, "unknown-agreement")


def test_a_sent_form_goes_where_the_reload_is_harmless(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    answer = send(browser, "/people/me/sign-out-everywhere")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?ended=")
