"""What the pages show to whom: the in-tray, organisations, people; errors in the words of the API; and hostile names inert."""

import re
from datetime import UTC, date, datetime
from html import unescape

import pytest
from sqlalchemy import select

from agreements.decisions import Refused
from agreements.document import read
from agreements.model import Agreement
from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import RefusedByAgreement, Unacceptable
from exchange.log.tables import EntryRow
from exchange.people import people
from exchange.people.people import Post
from exchange.register import partners
from exchange.web import wording
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, World, print_of
from tests.exchange.test_problems import CLASSES, FORESEEN, made
from tests.exchange.web.signed_in import Somebody, enter, sign_in

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def text_of(html: str) -> str:
    """The words a reader sees."""
    without = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", without)).split())


def main_of(html: str) -> str:
    return text_of(html.split("<main")[1].split("</main>", maxsplit=1)[0])


# ------------------------------------------------------------------------------------------------------------- in-tray


def named(world: World, party: str, role: str, version: int = 2) -> tuple[Somebody, Agreement]:
    """Somebody whose passkey a new, proposed version names for the party's role."""
    somebody = enter(world, party, role)
    old = print_of(world.keys[f"{party}/{role}"])
    words = world.words(version=str(version)).replace(old, somebody.fingerprint)
    assert words.count(somebody.fingerprint) == 1
    world.enter(read(words))
    return somebody, read(words)


def test_advice_is_wanted_of_the_one_whose_key_the_agreement_names(world: World) -> None:
    mine, _ = named(world, CLEVELAND, "dpo")
    other = sign_in(world, CLEVELAND, "dpo")
    found = main_of(mine.client().get("/").text)
    assert "Advice wanted" in found
    assert "LCJP-MV7 version 2" in found
    assert "Advice wanted" not in other.get("/").text
    assert "Nothing waits for you" in other.get("/").text


def test_a_signature_is_wanted_only_after_the_advice(world: World) -> None:
    mine, second = named(world, CLEVELAND, "signatory")
    browser = mine.client()
    assert "Nothing waits for you" in browser.get("/").text
    world.say(CLEVELAND, Capacity.DPO, Voice.ADVISE_AGAINST, second)
    assert "Signature wanted" in main_of(browser.get("/").text)


def test_a_suspension_and_a_review_are_seen_by_every_party(world: World) -> None:
    browser = sign_in(world, DURHAM, "analyst")
    assert "Nothing waits for you" in browser.get("/").text
    world.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND)
    found = main_of(browser.get("/").text)
    assert "Cleveland Police has suspended it" in found
    world.say(CLEVELAND, Capacity.SIGNATORY, Voice.RESUME)
    days = (world.agreement.review - world.clock().date()).days
    world.clock.forward(days=days - 60)
    assert "Review due" in main_of(sign_in(world, DURHAM, "analyst").get("/").text)
    world.clock.forward(days=61)
    assert "Review overdue" in main_of(sign_in(world, DURHAM, "analyst").get("/").text)


# ------------------------------------------------------------------------------------------------------- organisations


def test_an_organisation_is_known_to_itself_and_to_those_it_shares_an_agreement_with(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "analyst")
    found = main_of(browser.get(f"/organisations/{DURHAM}").text)
    for place, key in world.keys.items():
        owner, use = place.split("/")
        assert (print_of(key) in found) is (owner == DURHAM), place
        assert owner != DURHAM or use in found
    assert world.agreement.party(DURHAM) is not None
    stranger = sign_in(world, "somewhere-else", "analyst")
    unknown, nobody = stranger.get(f"/organisations/{DURHAM}"), stranger.get("/organisations/nobody")
    assert unknown.status_code == nobody.status_code == 404
    assert main_of(unknown.text) == main_of(nobody.text)
    assert stranger.get("/organisations/somewhere-else").status_code == 200
    listed = main_of(stranger.get("/organisations").text)
    assert "somewhere-else" in listed
    assert DURHAM not in listed


def test_the_operators_page_shows_the_sealing_keys_end(world: World) -> None:
    found = main_of(sign_in(world, CLEVELAND, "dpo").get(f"/organisations/{OPERATOR}").text)
    assert "until 6 December 2026 at 9:30am" in found


def test_a_revoked_key_says_so(world: World) -> None:
    place = f"{DURHAM}/client"
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[place]), "lost", world.clock())
    found = sign_in(world, DURHAM, "dpo").get(f"/organisations/{DURHAM}").text
    assert "Revoked" in found


# ------------------------------------------------------------------------------------------------------------- people


def test_people_of_ones_own_party_and_everyone_for_the_operator(world: World) -> None:
    for party, name in ((CLEVELAND, "Anna of Cleveland"), (DURHAM, "Ben of Durham")):
        enter(world, party, "dpo", name=name)
    mine = main_of(sign_in(world, CLEVELAND, "analyst").get("/people").text)
    assert ("Anna of Cleveland" in mine, "Ben of Durham" in mine) == (True, False)
    all_of_them = main_of(sign_in(world, OPERATOR, "operator").get("/people").text)
    assert "Anna of Cleveland" in all_of_them
    assert "Ben of Durham" in all_of_them
    assert "Invite a person" in all_of_them
    kim = enter(world, DURHAM, "dpo")
    assert kim.fingerprint in sign_in(world, OPERATOR, "operator").get("/people").text  # to be compared with what its owner reads out


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 31 * 31 * 7919 * 7907 }}",
    "' onmouseover='x",
    "&lt;b&gt;",
    "J̴̡̀ö",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_words(world: World, name: str) -> None:
    somebody = enter(world, CLEVELAND, "dpo", "operator", name=name, position=name)
    browser = somebody.client()
    for path in ("/", "/people", "/people/me", f"/people/me/passkeys/{somebody.passkey.id}/revoke"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert str(31 * 31 * 7919 * 7907) not in page  # no template was run on it
    assert name in unescape(browser.get("/people").text)


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "a\x00b", "", " \t", "x" * 201], ids=repr)
def test_what_cannot_be_seen_is_no_name(world: World, name: str) -> None:
    with writing(world.hub.engine) as session, pytest.raises(Unacceptable):
        people.create(session, party=CLEVELAND, name=name, position="x", roles=["dpo"], who="hub", now=world.clock())


# ------------------------------------------------------------------------------------------------------------- errors

ERRORS = [made(kind) for kind in CLASSES] + [error for error, _, _ in FORESEEN]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__}")
def test_an_error_page_says_what_the_problem_document_says(world: World, error: Exception) -> None:
    def fail() -> str:
        raise error

    for endpoint in ("web.accessibility", "service.health"):
        world.app.view_functions[endpoint] = fail
    page = world.app.test_client().get("/accessibility", headers=HTML)
    document = world.call("get", "/health").get_json()
    assert page.status_code == document["status"]
    assert page.mimetype == "text/html"
    words = main_of(page.text)
    for member in ("title", "detail", "remedy", "code"):
        assert " ".join(document[member].split()) in words, member
    if isinstance(error, RefusedByAgreement):
        assert document["clause"] in words
    asked = world.app.test_client().get("/accessibility", headers={"Accept": "application/json"})
    own = {"instance": "", "request": ""}
    assert asked.get_json() | own == document | own


def test_unknown_addresses_answer_in_the_callers_own_way(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    page = browser.get("/nowhere", headers=HTML)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Sign out" in page.text
    for path, headers in (("/v1/nowhere", HTML), ("/nowhere", {"Accept": "application/json"}), ("/nowhere", {})):
        assert browser.get(path, headers=headers).mimetype == "application/problem+json"
    wrong = browser.delete("/people", headers=HTML)
    assert (wrong.status_code, wrong.mimetype) == (405, "text/html")
    assert "GET" in wrong.headers["Allow"]


def test_a_refusal_on_a_page_is_logged_for_the_person(world: World) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    browser = somebody.client()

    def fail() -> str:
        raise RefusedByAgreement(Refused("LCJP-MV7 version 1, term", "the agreement expired.", "Sign a new version."))

    world.app.view_functions["web.people"] = fail
    assert browser.get("/people", headers=HTML).status_code == 403
    with reading(world.hub.engine) as session:
        entry = session.execute(select(EntryRow.entry).order_by(EntryRow.number.desc()).limit(1)).scalar_one()
    assert entry is not None
    assert (entry["what"], entry["who"], entry["organisation"], entry["subject"]) == ("refused", somebody.id, CLEVELAND, "/people")


# ------------------------------------------------------------------------------------------------------------- wording


def test_times_are_londons() -> None:
    assert wording.at(datetime(2026, 11, 20, 14, 5, tzinfo=UTC)) == "20 November 2026 at 2:05pm"
    assert wording.at(datetime(2026, 6, 30, 23, 5, tzinfo=UTC)) == "1 July 2026 at 12:05am"
    assert wording.day(date(2026, 1, 2)) == "2 January 2026"
    assert wording.day(datetime(2026, 6, 30, 23, 5, tzinfo=UTC)) == "1 July 2026"


def test_every_role_has_words() -> None:
    assert set(wording.ROLES) == set(wording.MAY) == set(Post)
