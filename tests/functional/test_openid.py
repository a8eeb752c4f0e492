"""Signing in at a real OpenID provider: nobody is created by it, the operator links, and then it opens the door; forged answers do not."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser

from tests.functional.browser import Visitor, at_localhost, visitor
from tests.functional.provider import CLIENT, SECRET, Provider, providing
from tests.functional.world import CLEVELAND, World, serving

SUBJECT = "robin-7f3a"


def with_provider(world: World, provider: Provider) -> World:
    (world.places.hub / "openid.secret").write_text(SECRET + "\n")
    world.add(
        world.config,
        f'oidc_issuer = "{provider.issuer}"\noidc_client_id = "{CLIENT}"\n'
        'oidc_client_secret_file = "openid.secret"\noidc_name = "the police single sign-on"\n',
    )
    return world


def at_provider(robin: Visitor, wanted: str = "/") -> None:
    """Follow the link, and go through the provider's own two screens."""
    robin.go(f"/sign-in?next={wanted}")
    robin.page.get_by_role("link", name="Sign in with the police single sign-on").click()
    robin.page.get_by_placeholder("Enter any login").fill(SUBJECT)
    robin.page.get_by_placeholder("and password").fill("anything")
    robin.page.get_by_role("button", name="Sign-in").click()
    robin.page.get_by_role("button", name="Continue").click()
    robin.page.wait_for_url(f"{robin.address}/**")


@pytest.mark.timeout(300)
def test_only_who_is_linked_comes_in(world: World, chromium: Browser) -> None:
    world = at_localhost(world)
    with providing(f"{world.address}/sign-in/openid/back") as provider:
        with_provider(world, provider)
        person = ["--party", CLEVELAND, "--name", "Robin Example", "--position", "Analyst", "--role", "analyst"]
        world.exchange("person", "invite", *person)
        entered = world.exchange("person", "list").split()[0]
        with serving(world):
            with visitor(chromium, world.address) as robin:
                at_provider(robin)
                assert "Your account is not linked" in robin.page.inner_text("h1")
                said = robin.page.inner_text("main")
                assert provider.issuer in said
                assert SUBJECT in said
                robin.complaints.clear()  # the provider's own pages are not ours
                robin.check("not-linked")
            world.exchange("person", "link-oidc", entered, "--issuer", provider.issuer, "--subject", SUBJECT)
            with visitor(chromium, world.address) as robin:
                at_provider(robin, "/organisations")
                assert robin.page.url == f"{world.address}/organisations"
                assert "Robin Example" in robin.page.inner_text("footer")
                robin.complaints.clear()
                robin.go("/")
                robin.check("home-without-passkey")
                world.exchange("person", "end", entered)
                robin.go("/")
                assert robin.page.url == f"{world.address}/sign-in"
            forged_answers(world, provider)


def forged_answers(world: World, provider: Provider) -> None:
    """What is not the answer to this browser's own question opens nothing."""
    browser = requests.Session()
    page = {"Accept": "text/html"}
    asked = browser.get(f"{world.address}/sign-in/openid", allow_redirects=False, headers=page, timeout=20)
    question = parse_qs(urlsplit(asked.headers["Location"]).query)
    assert question["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(question)
    state = question["state"][0]
    back = f"{world.address}/sign-in/openid/back"
    for answer in (
        {"code": "stolen", "state": "invented"},
        {"code": "stolen", "state": state, "iss": "https://elsewhere.example"},
        {"error": "access_denied", "state": state},
        {"code": "invented", "state": state},
    ):
        found = browser.get(back, params=answer, headers=page, allow_redirects=False, timeout=20)
        assert found.status_code == 401, answer
        assert "did not succeed" in found.text
    stranger = requests.get(back, params={"code": "x", "state": state}, headers=page, allow_redirects=False, timeout=20)
    assert stranger.status_code == 401
