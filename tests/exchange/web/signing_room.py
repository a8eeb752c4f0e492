"""A hub where every party's DPO and signatory holds a passkey, and a version of the agreement that names them waits for what they say."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from agreements.document import fill, read
from agreements.model import Agreement
from agreements.signing import Capacity, Voice
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEMPLATE, URL, World, print_of
from tests.exchange.web.signed_in import Somebody, ask, enter, forgery

PARTIES = (CLEVELAND, DURHAM, OPERATOR)
WORDS = {"version": "2", "title": '"Outcomes of recorded crime, by passkey"'}


def words_naming(world: World, named: dict[str, str], **replaced: str) -> str:
    """The shipped words with this world's keys, but for the places (``party/role``) that name another fingerprint."""
    text = fill(TEMPLATE.read_text(encoding="utf-8"), {place: print_of(key) for place, key in world.keys.items()} | named)
    for old, new in replaced.items():
        text = text.replace(f"\n{old} = ", f"\n{old} = {new} # ", 1)
    return text


@dataclass
class Room:
    """The world, its people by ``party/role``, and the version that names their passkeys."""

    world: World
    people: dict[str, Somebody]
    agreement: Agreement
    browsers: dict[str, FlaskClient] = field(default_factory=dict)

    @classmethod
    def open(cls, world: World, **replaced: str) -> "Room":
        """Enter the people, and propose the version that names them. The shipped version stays in force beside it."""
        people = {
            f"{party}/{role}": enter(world, party, role, name=f"{role} of {party}") for party in PARTIES for role in ("dpo", "signatory")
        }
        named = {place: somebody.fingerprint for place, somebody in people.items()}
        agreement = read(words_naming(world, named, **{**WORDS, **replaced}))
        world.enter(agreement)
        return cls(world, people, agreement)

    @property
    def path(self) -> str:
        return f"/agreements/{REFERENCE}/versions/{self.agreement.version}"

    def browser(self, place: str) -> FlaskClient:
        """The browser in which this person is signed in."""
        if place not in self.browsers:
            self.browsers[place] = self.people[place].client()
        return self.browsers[place]

    def get(self, place: str, path: str = "") -> TestResponse:
        return self.browser(place).get(self.path + path)

    def post(self, place: str, path: str, **fields: Any) -> TestResponse:
        browser = self.browser(place)
        return browser.post(self.path + path, data={"csrf_token": forgery(browser), **fields})

    def review(self, place: str) -> None:
        """Check every section, as the pages lead one on."""
        here = f"{self.path}/review/purpose"
        while not here.endswith("/review"):
            answer = self.browser(place).post(here, data={"csrf_token": forgery(self.browser(place), here)})
            assert answer.status_code == 303, answer.text
            here = answer.headers["Location"]

    def prepared(self, place: str, act: str, **fields: Any) -> str:
        """Fill in a form; the address of the page where it is checked and signed."""
        answer = self.post(place, f"/{act}", **fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    def assertion(self, place: str, check: str, by: str = "") -> dict[str, Any]:
        """What the device of ``by`` (its owner, unless said) answers to the challenge of that page."""
        browser = self.browser(place)
        begun = ask(browser, f"{check}/challenge", forgery(browser, check), {})
        assert begun.status_code == 200, begun.text
        options = begun.get_json()["options"]
        device = self.people[by or place].authenticator
        if by:
            options["allowCredentials"] = []
        return device.get(json.dumps(options), URL)

    def finish(self, place: str, check: str, credential: dict[str, Any]) -> TestResponse:
        browser = self.browser(place)
        return ask(browser, f"{check}/passkey", forgery(browser), {"credential": credential})

    def say(self, place: str, act: str, **fields: Any) -> str:
        """Say it, to the end; the text of the page that confirms it."""
        check = self.prepared(place, act, **fields)
        answer = self.finish(place, check, self.assertion(place, check))
        assert answer.status_code == 200, answer.text
        page = self.browser(place).get(answer.get_json()["next"])
        assert page.status_code == 200, page.text
        return page.text

    def upload(self, place: str, signed: dict[str, Any] | bytes) -> TestResponse:
        """Bring a statement that was signed with a key file."""
        content = signed if isinstance(signed, bytes) else json.dumps(signed).encode()
        return self.post(place, "/statement-file", statement=(io.BytesIO(content), "statement.json"))

    def endorse_all(self) -> None:
        """The signatories of the version in force vouch for the keys of this one with the key files that it names."""
        for party in PARTIES:
            signed = self.world.statement(party, Capacity.SIGNATORY, Voice.ENDORSE, self.agreement)
            answer = self.upload(f"{party}/signatory", signed)
            assert answer.status_code == 303, answer.text

    def agree(self) -> str:
        """Everybody reviews, advises and signs; the page that the last signature leads to."""
        self.endorse_all()
        for party in PARTIES:
            self.review(f"{party}/dpo")
            self.say(f"{party}/dpo", "advise", advice="for", comment=f"Read for {party}.")
        last = ""
        for party in PARTIES:
            self.review(f"{party}/signatory")
            last = self.say(f"{party}/signatory", "sign")
        return last
