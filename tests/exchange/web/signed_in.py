"""Somebody with a passkey at a test's hub, signed in by the real ceremony with a software authenticator."""

import json
import re
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exchange.db import writing
from exchange.people import people
from exchange.people.tables import PasskeyRow
from keys.passkey import registration_options, verify_registration
from tests.exchange.standing import URL, World
from tests.keys.authenticator import SoftAuthenticator

HOST = URL.removeprefix("http://")
FORGERY = re.compile(r'(?:name="csrf_token" value|data-forgery)="([^"]+)"')


@dataclass
class Somebody:
    """A person in the database, and the authenticator that holds their passkey."""

    world: World
    id: str
    passkey: PasskeyRow
    authenticator: SoftAuthenticator

    @property
    def fingerprint(self) -> str:
        return self.passkey.fingerprint

    def client(self) -> FlaskClient:
        """A browser in which this person has just signed in."""
        browser = self.world.app.test_client()
        answer = self.sign_in(browser)
        assert answer.status_code == 200, answer.text
        return browser

    def sign_in(self, browser: FlaskClient, wanted: str = "/") -> TestResponse:
        """Go through the sign-in with the passkey; the last answer."""
        token = forgery(browser, "/sign-in")
        begun = ask(browser, f"/sign-in/challenge?next={wanted}", token, {})
        assert begun.status_code == 200, begun.text
        found = self.authenticator.get(json.dumps(begun.get_json()["options"]), URL)
        return ask(browser, "/sign-in/passkey", token, {"credential": found})


def enter(world: World, party: str, *roles: str, name: str = "Robin Example", position: str = "Head of Things") -> Somebody:
    """A person with a passkey, put straight into the database."""
    with writing(world.hub.engine) as session:
        row = people.create(session, party=party, name=name, position=position, roles=roles, who="hub", now=world.clock())
        options, challenge = registration_options(
            rp_id=HOST, rp_name="LCJP Exchange", user_id=row.id.encode(), user_name=name, display_name=name, exclude=[]
        )
        authenticator = SoftAuthenticator()
        made = authenticator.create(options, URL)
        found = verify_registration(made, challenge=challenge, rp_id=HOST, origin=URL)
        passkey = people.add_passkey(session, row.id, found, "Test device", world.clock())
    return Somebody(world, row.id, passkey, authenticator)


def sign_in(world: World, party: str, *roles: str) -> FlaskClient:
    """A browser in which a new person of this party, with these roles and a passkey, has signed in."""
    return enter(world, party, *roles).client()


def forgery(browser: FlaskClient, path: str = "/people/me") -> str:
    """The token of the forms on a page."""
    page = browser.get(path)
    found = FORGERY.search(page.text)
    assert found is not None, page.text
    return found[1]


def ask(browser: FlaskClient, path: str, token: str, said: dict[str, Any]) -> TestResponse:
    """Post JSON as static/passkey.js does."""
    return browser.post(path, json=said, headers={"X-CSRFToken": token, "Accept": "application/json"})


def send(browser: FlaskClient, path: str, _from: str = "/people/me", **fields: Any) -> TestResponse:
    """Send a form, with the token of the page it stands on (``_from``)."""
    return browser.post(path, data={"csrf_token": forgery(browser, _from), **fields})
