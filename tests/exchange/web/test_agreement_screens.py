"""Saying it in the browser, in one process with real passkeys: from a proposal to an agreement in force, stopped, resumed and ended."""

import json
import secrets
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from agreements.document import read
from agreements.signing import Capacity, Voice
from exchange.db import reading
from exchange.people import people
from exchange.register import agreements
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, URL, World, crimes, problem
from tests.exchange.web.signed_in import ask, enter, forgery
from tests.exchange.web.signing_room import PARTIES, Room, words_naming

DPO, SIGNATORY = f"{CLEVELAND}/dpo", f"{CLEVELAND}/signatory"


@pytest.fixture
def room(world: World) -> Room:
    return Room.open(world)


def state(room: Room) -> str:
    with reading(room.world.hub.engine) as session:
        row = agreements.by_digest(session, room.agreement.digest)
        assert row is not None
        return row.state


def said(room: Room) -> list[str]:
    with reading(room.world.hub.engine) as session:
        row = agreements.by_digest(session, room.agreement.digest)
        assert row is not None
        return [f"{one.party} {one.decision}" for one in row.statements]


def test_from_proposal_to_force_and_what_is_suspended_stops_the_push_in_the_same_words(room: Room) -> None:
    last = room.agree()
    assert "Agreement signed" in last
    assert "In force" in last
    assert state(room) == "in-force"
    world = room.world
    held = world.hold(about=room.agreement)

    page = room.say(DPO, "suspend", what="whole", comment="An incident is looked into.")
    assert "Suspended" in page
    assert "millisecond" in page
    assert state(room) == "suspended"
    words = "the agreement is suspended. It moves again when every party that suspended it has resumed."
    refused = problem(
        world.open(world.prepare([crimes(month=date(2021, 5, 1))], period="2021-05", about=room.agreement)), 403, "refused-by-agreement"
    )
    assert words in refused["detail"]
    screen = room.browser(DPO).get(f"/agreements/{REFERENCE}/explain?operation=submit&dataset=crimes&period=2021-05").text
    assert words in screen

    # The DPO who stopped it does not resume it; the signatory does.
    assert "only cleveland-police" in room.get(DPO, "/resume").text
    assert "Suspension taken back" in room.say(SIGNATORY, "resume", comment="Put right.")
    assert state(room) == "in-force"
    world.hold([crimes(month=date(2021, 5, 1))], period="2021-05", about=room.agreement)
    assert held.id in room.browser(DPO).get(f"/agreements/{REFERENCE}/submissions").text

    ended = room.say(SIGNATORY, "terminate", reference=REFERENCE)
    assert "Agreement ended" in ended
    assert state(room) == "terminated"


def test_the_whole_road_on_postgresql(room: Room) -> None:
    test_from_proposal_to_force_and_what_is_suspended_stops_the_push_in_the_same_words(room)


def test_one_dataset_is_suspended_by_itself(room: Room) -> None:
    room.agree()
    page = room.say(SIGNATORY, "suspend", what="outcomes", comment="The outcomes are wrong.")
    assert "the dataset outcomes" in page
    assert state(room) == "in-force"
    world = room.world
    world.hold(about=room.agreement)
    assert "the dataset outcomes" in room.get(DPO).text
    assert "The dataset outcomes" in room.get(SIGNATORY, "/resume").text
    room.say(SIGNATORY, "resume")
    assert "the dataset outcomes on" not in room.get(DPO).text


def test_two_suspend_and_it_waits_for_both(room: Room) -> None:
    room.agree()
    room.say(DPO, "suspend", what="whole", comment="Why we stop.")
    room.say(f"{DURHAM}/signatory", "suspend", what="whole", comment="So do we.")
    assert "It stays suspended after this" in room.get(SIGNATORY, "/resume").text
    page = room.say(SIGNATORY, "resume")
    assert "It goes on when these have resumed it" in page
    assert "Durham Constabulary" in page
    assert state(room) == "suspended"
    room.say(f"{DURHAM}/signatory", "resume")
    assert state(room) == "in-force"


def test_nothing_is_signed_before_every_section_is_checked(room: Room) -> None:
    assert "Cannot start yet" in room.get(DPO, "/review").text
    answer = room.get(DPO, "/advise")
    assert answer.status_code == 409
    assert "still to be checked" in answer.text
    room.review(DPO)
    assert room.get(DPO, "/advise").status_code == 200
    # The signatory waits for the own DPO, in the rule's words, whatever has been checked.
    room.review(SIGNATORY)
    answer = room.get(SIGNATORY, "/sign")
    assert answer.status_code == 403
    assert "has not advised yet" in answer.text
    assert "has not advised yet" in room.get(SIGNATORY, "/review").text
    room.say(DPO, "advise", advice="for")
    assert room.get(SIGNATORY, "/sign").status_code == 200


def test_what_one_has_checked_is_checked_for_nobody_else(room: Room) -> None:
    room.review(DPO)
    assert "You have checked 9 of 9 sections" in room.get(DPO, "/review").text
    assert "You have checked 0 of 9 sections" in room.get(SIGNATORY, "/review").text
    assert "You have checked 0 of 9 sections" in room.get(f"{DURHAM}/dpo", "/review").text


def test_advice_against_needs_words_and_does_not_decide(room: Room) -> None:
    room.review(DPO)
    answer = room.post(DPO, "/advise", advice="against", comment=" ")
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    assert "Say why you advise against it" in answer.text
    assert "Say whether you advise" in room.post(DPO, "/advise").text
    check = room.prepared(DPO, "advise", advice="against", comment="The outcome dates are not needed.")
    assert "I advise against this agreement" in room.browser(DPO).get(check).text
    assert "Advice recorded" in room.say(DPO, "advise", advice="against", comment="The outcome dates are not needed.")
    room.review(SIGNATORY)
    page = room.get(SIGNATORY, "/sign").text
    assert "The outcome dates are not needed." in page
    room.say(SIGNATORY, "sign", comment="Noted; we go on.")
    assert said(room) == [f"{CLEVELAND} advise-against", f"{CLEVELAND} sign"]


def test_who_is_not_named_says_nothing(room: Room) -> None:
    room.review(DPO)
    # The DPO's passkey is no signatory's, whatever roles the account holds.
    both = enter(room.world, CLEVELAND, "dpo", "signatory", name="Not Named")
    browser = both.client()
    for act in ("advise", "sign", "suspend", "resume", "terminate"):
        answer = browser.get(f"{room.path}/{act}")
        assert answer.status_code == 403, act
        assert "with the key that the agreement names" in answer.text, act
        sent = browser.post(
            f"{room.path}/{act}", data={"csrf_token": forgery(browser), "advice": "for", "reference": REFERENCE, "what": "whole"}
        )
        assert sent.status_code == 403, act
    assert said(room) == []


# ------------------------------------------------------------------------------------------------- what a browser could alter


def prepared(room: Room) -> str:
    room.review(DPO)
    return room.prepared(DPO, "advise", advice="for", comment="As read.")


def test_another_persons_passkey_does_not_sign(room: Room) -> None:
    check = prepared(room)
    answer = room.finish(DPO, check, room.assertion(DPO, check, by=SIGNATORY))
    assert answer.status_code == 422
    assert said(room) == []


def test_nobody_else_sees_or_signs_what_is_prepared(room: Room) -> None:
    check = prepared(room)
    for place in (SIGNATORY, f"{DURHAM}/dpo"):
        assert room.browser(place).get(check).status_code == 404
        browser = room.browser(place)
        assert ask(browser, f"{check}/challenge", forgery(browser), {}).status_code == 404
        assert room.finish(place, check, room.assertion(DPO, check)).status_code == 404
    # Nor the person's own other session: what was read there is what is signed there.
    elsewhere = room.people[DPO].client()
    assert elsewhere.get(check).status_code == 404
    assert room.finish(DPO, check, room.assertion(DPO, check)).status_code == 200


def test_an_answer_counts_once(room: Room) -> None:
    check = prepared(room)
    credential = room.assertion(DPO, check)
    assert room.finish(DPO, check, credential).status_code == 200
    assert room.finish(DPO, check, credential).status_code in (404, 422)
    again = room.prepared(DPO, "advise", advice="for", comment="As read.")
    answer = room.finish(DPO, again, credential)
    assert answer.status_code == 422
    assert "another challenge" in answer.get_json()["detail"]
    assert said(room) == [f"{CLEVELAND} advise-for"]


def test_a_failed_answer_uses_the_statement_up(room: Room) -> None:
    check = prepared(room)
    good = room.assertion(DPO, check)
    bad = {**good, "response": {**good["response"], "signature": good["response"]["authenticatorData"]}}
    assert room.finish(DPO, check, bad).status_code == 422
    assert room.finish(DPO, check, good).status_code == 422
    assert said(room) == []


def test_it_waits_ten_minutes(room: Room) -> None:
    check = prepared(room)
    credential = room.assertion(DPO, check)
    room.world.clock.now += timedelta(minutes=10)
    assert room.browser(DPO).get(check).status_code == 404
    assert room.finish(DPO, check, credential).status_code == 422
    assert said(room) == []


ALTERED: dict[str, Callable[[dict[str, Any]], object]] = {
    "another decision": lambda document: document.update(decision="advise-against"),
    "other words": lambda document: document.update(comment="As I never wrote."),
    "another version": lambda document: document.update(version=1),
    "another party": lambda document: document.update(party=DURHAM),
    "another role": lambda document: document.update(role="signatory"),
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_a_statement_altered_in_the_browser_is_not_recorded(room: Room, alter: Callable[[dict[str, Any]], object]) -> None:
    """A browser that shows its person one thing and asks the device for another gets nothing recorded but what the hub has fixed."""
    check = prepared(room)
    browser = room.browser(DPO)
    begun = ask(browser, f"{check}/challenge", forgery(browser), {"decision": "sign", "comment": "x"}).get_json()
    assert set(begun) == {"options"}
    document = {"decision": "advise-for", "comment": "As read."}
    alter(document)
    # Whatever it sends beside the answer is not looked at: the recorded words are those that were shown.
    credential = room.people[DPO].authenticator.get(json.dumps(begun["options"]), URL)
    answer = ask(browser, f"{check}/passkey", forgery(browser), {**document, "document": document, "credential": credential})
    assert answer.status_code == 200, answer.text
    with reading(room.world.hub.engine) as session:
        row = agreements.by_digest(session, room.agreement.digest)
        assert row is not None
        [recorded] = [one.signed["document"] for one in row.statements]
    assert (recorded["decision"], recorded["comment"], recorded["party"], recorded["role"]) == ("advise-for", "As read.", CLEVELAND, "dpo")


def test_a_challenge_swapped_for_another_is_refused(room: Room) -> None:
    check = prepared(room)
    browser = room.browser(DPO)
    options = ask(browser, f"{check}/challenge", forgery(browser), {}).get_json()["options"]
    options["challenge"] = secrets.token_urlsafe(32)
    credential = room.people[DPO].authenticator.get(json.dumps(options), URL)
    answer = room.finish(DPO, check, credential)
    assert answer.status_code == 422
    assert "another challenge" in answer.get_json()["detail"]
    assert said(room) == []


def test_the_counter_of_the_passkey_moves_on_with_a_signature(room: Room) -> None:
    before = room.people[DPO].passkey.sign_count
    prepared(room)
    room.say(DPO, "advise", advice="for")
    with reading(room.world.hub.engine) as session:
        [row] = people.passkeys(session, room.people[DPO].id)
        assert row.sign_count > before


def test_what_has_happened_meanwhile_counts(room: Room) -> None:
    """Two tabs: what may no longer be said when the device answers is refused, though it could be said when it was begun."""
    room.review(DPO)
    room.say(DPO, "advise", advice="for")
    room.review(SIGNATORY)
    first, second = room.prepared(SIGNATORY, "sign"), room.prepared(SIGNATORY, "sign")
    one, two = room.assertion(SIGNATORY, first), room.assertion(SIGNATORY, second)
    assert room.finish(SIGNATORY, first, one).status_code == 200
    answer = room.finish(SIGNATORY, second, two)
    assert answer.status_code == 403
    assert "already signed this version" in answer.get_json()["detail"]


# ------------------------------------------------------------------------------------------------------- the road by key file


def test_a_key_file_named_by_the_agreement_takes_its_own_road(world: World) -> None:
    """Under the shipped version everybody is named with a key file: the pages lead to the command, and take the statement."""
    dpo = enter(world, CLEVELAND, "dpo")
    browser = dpo.client()
    path = f"/agreements/{REFERENCE}/versions/1"
    led = browser.get(f"{path}/suspend")
    assert led.status_code == 303
    page = browser.get(led.headers["Location"])
    assert f"exchange agreement suspend {REFERENCE}.json" in page.text
    room = Room(world, {"file": dpo}, world.agreement, {"file": browser})
    signed = world.statement(CLEVELAND, Capacity.DPO, Voice.SUSPEND)
    answer = room.upload("file", signed)
    assert answer.status_code == 303
    confirmed = browser.get(answer.headers["Location"]).text
    assert "Suspended" in confirmed
    assert "key file" in browser.get(path).text
    assert "this statement was recorded before" in room.upload("file", signed).text


def test_a_statement_file_that_does_not_bind_is_refused(room: Room) -> None:
    world = room.world
    other = world.statement(DURHAM, Capacity.SIGNATORY, Voice.ENDORSE, room.agreement)
    about = world.statement(CLEVELAND, Capacity.DPO, Voice.SUSPEND)
    for content, words in (
        (b"", "Choose the file"),
        (b"[]", "is not one that the command has written"),
        (b"{", "is not one that the command has written"),
        (b"\xff" * 70_000, "is not one that the command has written"),
        (json.dumps(about).encode(), "is about other words"),
        (json.dumps(other).encode(), "is another’s"),
    ):
        answer = room.upload(SIGNATORY, content)
        assert answer.status_code == 422, words
        assert words in answer.text
        assert "<title>Error: " in answer.text
    forged = world.statement(CLEVELAND, Capacity.SIGNATORY, Voice.SIGN, room.agreement)
    assert room.upload(SIGNATORY, forged).status_code == 422  # signed with the key of the version before
    assert said(room) == []


def test_the_operator_may_bring_anybodys_statement(room: Room) -> None:
    somebody = enter(room.world, OPERATOR, "operator")
    room.people["hand"] = somebody
    signed = room.world.statement(CLEVELAND, Capacity.SIGNATORY, Voice.ENDORSE, room.agreement)
    assert room.upload("hand", signed).headers["Location"].endswith(room.path)
    assert said(room) == [f"{CLEVELAND} endorse"]


def test_a_changed_key_is_vouched_for_by_passkey(room: Room) -> None:
    """Version 3 names another data protection officer: the signatory whom version 2 names vouches for the key, in the browser."""
    room.agree()
    successor = enter(room.world, CLEVELAND, "dpo", name="New Officer")
    named = {place: somebody.fingerprint for place, somebody in room.people.items()} | {DPO: successor.fingerprint}
    third = read(words_naming(room.world, named, version="3"))
    room.world.enter(third)
    later = Room(room.world, room.people | {DPO: successor}, third, {SIGNATORY: room.browser(SIGNATORY)})
    assert "somebody to vouch" in later.get(SIGNATORY).text.lower()
    form = later.get(SIGNATORY, "/endorse").text
    assert room.people[DPO].fingerprint in form
    assert successor.fingerprint in form
    assert "Keys vouched for" in later.say(SIGNATORY, "endorse", comment="Compared by telephone.")
    assert said(later) == [f"{CLEVELAND} endorse"]
    answer = later.get(f"{DURHAM}/signatory", "/endorse")
    assert answer.status_code == 403
    assert "there is nothing to endorse" in answer.text


def test_changed_keys_are_vouched_for_before_the_last_signature(room: Room) -> None:
    for party in PARTIES:
        room.review(f"{party}/dpo")
        room.say(f"{party}/dpo", "advise", advice="for")
    for party in PARTIES[:-1]:
        room.review(f"{party}/signatory")
        room.say(f"{party}/signatory", "sign")
    last = f"{PARTIES[-1]}/signatory"
    room.review(last)
    answer = room.get(last, "/sign")
    assert answer.status_code == 403
    assert "nobody entitled vouches for them" in answer.text
    assert "omebody to vouch for the changed keys of Cleveland" in room.get(DPO).text
    room.endorse_all()
    room.say(last, "sign")
    assert state(room) == "in-force"
