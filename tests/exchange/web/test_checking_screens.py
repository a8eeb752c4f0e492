"""The output-checking screens in this process: who sees what of a draft, blindness, the decision by passkey, withdrawal, and what the log says."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from agreements.document import read
from agreements.signing import Capacity, Voice
from exchange.db import reading
from exchange.log.tables import EntryRow
from exchange.releases.tables import EditionState
from exchange.settling import settle
from tests.exchange.releases.drafted import APRIL, ask, row
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, SUPPLIERS, TEAM, World, crimes, problem
from tests.exchange.web.signed_in import Somebody, enter, forgery
from tests.exchange.web.signed_in import ask as post
from tests.exchange.web.signing_room import words_naming
from tests.keys.authenticator import SoftAuthenticator

URL = "http://localhost"
CHECKERS = (f"{CLEVELAND}/checker", f"{DURHAM}/checker")


class Room:
    """A hub whose two forces' checkers hold passkeys that the version in force names, with a month held of both."""

    def __init__(self, world: World, **replaced: str) -> None:
        self.world = world
        self.people = {place: enter(world, place.split("/")[0], "checker", name=f"Checker of {place.split('/')[0]}") for place in CHECKERS}
        self.people[f"{CLEVELAND}/dpo"] = enter(world, CLEVELAND, "dpo", name="DPO of Cleveland")
        self.people[f"{OPERATOR}/operator"] = enter(world, OPERATOR, "operator", name="Operator")
        named = {place: self.people[place].fingerprint for place in CHECKERS}
        agreement = read(words_naming(world, named, version="2", **replaced))
        world.enter(agreement)
        assert world.sign_all(agreement) == "in-force"
        for number, supplier in enumerate(SUPPLIERS, 1):
            outcomes = ["Charged", "Unable to prosecute", "No suspect identified", None] * 30
            world.hold([crimes(120, seed=number, last_outcome=outcomes)], supplier=supplier, about=agreement, version=2)
        self.browsers: dict[str, FlaskClient] = {}

    def browser(self, place: str) -> FlaskClient:
        if place not in self.browsers:
            self.browsers[place] = self.people[place].client()
        return self.browsers[place]

    def page(self, place: str, edition: str = "", query: str = "") -> str:
        answer = self.browser(place).get(f"/checks{f'/{edition}' if edition else ''}{query}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, place: str, path: str, **fields: Any) -> TestResponse:
        return self.browser(place).post(path, data={"csrf_token": forgery(self.browser(place)), **fields})

    def sign(self, place: str, path: str, by: Somebody | None = None) -> TestResponse:
        """Sign what a page shows, with the reader's own device unless another is given."""
        browser = self.browser(place)
        begun = post(browser, f"{path}/challenge", forgery(browser, path), {})
        assert begun.status_code == 200, begun.text
        options = begun.get_json()["options"]
        device: SoftAuthenticator = (by or self.people[place]).authenticator
        if by:
            options["allowCredentials"] = []
        return post(browser, f"{path}/passkey", forgery(browser), {"credential": device.get(json.dumps(options), URL)})

    def decide(self, place: str, edition: str, decision: str = "approve", comment: str = "") -> str:
        """Say it, to the end; the page that it leads to."""
        prepared = self.send(place, f"/checks/{edition}/decide", decision=decision, comment=comment)
        assert prepared.status_code == 303, prepared.text
        answer = self.sign(place, prepared.headers["Location"])
        assert answer.status_code == 200, answer.text
        return self.browser(place).get(answer.get_json()["next"]).text

    def logged(self, *subjects: str) -> list[dict[str, Any]]:
        with reading(self.world.hub.engine) as session:
            entries = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
            return [one for one in entries if one and (not subjects or one["subject"] in subjects)]


@pytest.fixture
def room(world: World) -> Room:
    return Room(world)


def text(page: str) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("<main", 1)[1].split("</main>", maxsplit=1)[0]))


def test_two_checkers_approve_blind_to_each_other_and_then_all_is_told(room: Room) -> None:
    edition = ask(room.world)
    queue = text(room.page(CHECKERS[0]))
    assert "1 for you" in queue
    assert "Waits for you" in queue
    before = {place: text(room.page(place, edition)) for place in room.people}
    after = room.decide(CHECKERS[0], edition, comment="Looked at every table.")
    assert "What others say is shown when it is decided" in text(after)
    assert "You have checked it: you approve it" in text(after)
    for place in room.people:
        if place != CHECKERS[0]:
            assert text(room.page(place, edition)) == before[place]  # to the letter: nobody is told that anybody has said anything
    assert "Waits for you" in text(room.page(CHECKERS[1]))
    assert "You have checked it" in text(room.page(CHECKERS[0]))
    told = json.dumps(room.logged())
    assert "output check: " not in told
    assert "Looked at every table." not in told
    [sealed] = [one for one in room.logged() if one["what"] == "output check sealed"]
    assert (sealed["who"], sealed["details"], edition in json.dumps(sealed)) == ("hub", {}, False)
    published = room.decide(CHECKERS[1], edition)
    assert row(room.world, edition).state == EditionState.PUBLISHED
    assert "Checker of" not in before[CHECKERS[1]]
    said = text(published)
    assert "Who checked it" in said
    assert "Looked at every table." in said
    opened = [one for one in room.logged(edition) if one["what"] == "output check: approve"]
    assert {one["who"] for one in opened} == {room.people[place].fingerprint for place in CHECKERS}
    assert sealed["subject"] in {one["details"]["sealed"] for one in opened}
    assert room.world.call("get", f"/v1/editions/{edition}", TEAM).status_code == 200


def test_the_page_shows_what_would_be_published_and_every_look_is_logged(room: Room) -> None:
    edition = ask(room.world)
    page = room.page(CHECKERS[0], edition)
    assert "Exactly what would be published" in page
    assert '<span class="exchange-hidden">[c]</span>' in page
    assert "The disclosure test" in page
    assert "It could work out none." in page
    assert "<svg" in page
    assert "There is no earlier edition of this release." in page
    looked = [one for one in room.logged(edition) if one["what"].startswith("edition shown")]
    assert [(one["what"], one["who"]) for one in looked] == [("edition shown, with its findings", room.people[CHECKERS[0]].fingerprint)]
    plain = text(room.page(f"{OPERATOR}/operator", edition))
    assert "under 10 %" not in plain
    assert "Why you cannot check it here" in plain
    assert "under 10 %" in text(page)
    assert [one["what"] for one in room.logged(edition)][-1] == "edition shown"


def test_every_cell_of_every_cut_is_the_published_one(room: Room) -> None:
    edition = ask(room.world)
    files = {one.name: one.content for one in row(room.world, edition).files}
    [name] = [name for name in files if name == "by-area.json"]
    records = json.loads(files[name])["records"]
    dims = [key for key in records[0] if key not in ("count", "count_marker")]
    page = room.page(CHECKERS[0], edition, f"?table=by-area&down={dims[0]}&across={dims[1]}")
    body = page.split('class="govuk-table exchange-cut"')[1].split("</table>")[0]
    head = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', body)
    shown = {}
    for line in re.findall(r"<tr.*?</tr>", body.split("<tbody")[1], re.DOTALL):
        label = re.search(r'<th scope="row"[^>]*>([^<]*)</th>', line)
        cells = re.findall(r"<td[^>]*>(.*?)</td>", line, re.DOTALL)
        assert label
        shown.update({(label[1], head[number + 1]): re.sub(r"<[^>]+>", "", cell).strip() for number, cell in enumerate(cells)})
    totals = {key: records[0][key] for key in dims}
    expected = {
        (one[dims[0]], one[dims[1]]): "[c]" if one["count"] is None else f"{one['count']:,}"
        for one in records
        if all(one[key] == totals[key] for key in dims[2:])
    }
    assert {tuple(part.replace("&#39;", "'").replace("&amp;", "&") for part in key): value for key, value in shown.items()} == expected
    assert list(shown)[-1] == (totals[dims[0]], totals[dims[1]])  # totals last


@pytest.mark.parametrize("query", ["?table=nothing&down=nothing&across=x&show=y", "?at-nothing=1", "?down=period&across=period"])
def test_a_cut_that_there_is_not_is_put_right(room: Room, query: str) -> None:
    assert "exchange-cut" in room.page(CHECKERS[0], ask(room.world), query)


def test_a_refusal_needs_words_and_ends_the_draft(room: Room) -> None:
    edition = ask(room.world)
    for said, words in (({}, "Say whether it may be published."), ({"decision": "refuse"}, "Say why it may not be published")):
        answer = room.send(CHECKERS[0], f"/checks/{edition}/decide", **said)
        assert answer.status_code == 422
        assert words in answer.text
    page = text(room.decide(CHECKERS[0], edition, "refuse", "A whole ward is missing."))
    assert "Dropped: an output checker has refused it" in page
    assert "A whole ward is missing." in page
    assert row(room.world, edition).state == EditionState.DROPPED
    again = room.send(CHECKERS[1], f"/checks/{edition}/decide", decision="approve")
    assert again.status_code == 409
    assert "it is not being checked" in again.text


def test_nobody_signs_for_another_or_twice(room: Room) -> None:
    edition = ask(room.world)
    prepared = room.send(CHECKERS[0], f"/checks/{edition}/decide", decision="approve").headers["Location"]
    assert room.browser(CHECKERS[1]).get(prepared).status_code == 404
    assert room.sign(CHECKERS[0], prepared, by=room.people[CHECKERS[1]]).status_code >= 400
    assert row(room.world, edition).votes == []
    assert room.browser(CHECKERS[0]).get(prepared).status_code == 404  # a failure costs a new beginning
    room.decide(CHECKERS[0], edition)
    twice = room.send(CHECKERS[0], f"/checks/{edition}/decide", decision="approve")
    assert (twice.status_code, "already checked" in twice.text) == (409, True)


def test_who_asked_does_not_check(room: Room) -> None:
    room.world.keys["asks/checker"] = room.world.keys[f"{OPERATOR}/checker"]
    edition = ask(room.world)
    stranger = enter(room.world, OPERATOR, "checker").client()
    page = stranger.get(f"/checks/{edition}").text
    assert "Why you cannot check it here" in page
    refused = stranger.post(f"/checks/{edition}/decide", data={"csrf_token": forgery(stranger), "decision": "approve"})
    assert refused.status_code == 403
    other = enter(room.world, "elsewhere-police", "checker").client()
    assert other.get(f"/checks/{edition}").status_code == 404  # no party: as if there were none
    assert "Nothing waits." in other.get("/checks").text
    signatory = enter(room.world, CLEVELAND, "signatory").client()
    assert signatory.get(f"/checks/{edition}").status_code == 403


def test_a_draft_whose_rows_were_replaced_says_so_and_is_dropped(room: Room) -> None:
    edition = ask(room.world)
    room.decide(CHECKERS[0], edition)
    held = next(one["submission"] for one in row(room.world, edition).draft["inputs"] if one["supplier"] == CLEVELAND)
    room.world.hold([crimes(130, seed=1)], after=held)
    page = text(room.page(CHECKERS[1], edition))
    assert "It can no longer be approved: rows it was made from have been replaced" in page
    assert "Your decision" not in page
    settle(room.world.hub)
    ended = row(room.world, edition)
    assert (ended.state, ended.votes) == (EditionState.DROPPED, [])
    fallen = [one for one in room.logged() if one["what"] == "output check fallen"]
    assert len(fallen) == 1
    assert fallen[0]["subject"] in {one["subject"] for one in room.logged() if one["what"] == "output check sealed"}
    assert "Dropped: rows it was made from have been replaced" in text(room.page(CHECKERS[1], edition))


def test_while_it_is_suspended_nobody_checks_it_on_screen(room: Room) -> None:
    edition = ask(room.world)
    agreement = read(words_naming(room.world, {place: room.people[place].fingerprint for place in CHECKERS}, version="2"))
    room.world.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND, agreement)
    page = text(room.page(CHECKERS[0], edition))
    assert "the agreement is suspended" in page.lower()
    assert room.send(CHECKERS[0], f"/checks/{edition}/decide", decision="approve").status_code == 403


def test_while_it_is_suspended_nobody_is_shown_the_tables_of_what_is_published(room: Room) -> None:
    edition = ask(room.world)
    for place in CHECKERS:
        room.decide(place, edition)
    assert "[c]" in room.page(CHECKERS[0], edition)
    agreement = read(words_naming(room.world, {place: room.people[place].fingerprint for place in CHECKERS}, version="2"))
    room.world.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND, agreement)
    page = text(room.page(CHECKERS[0], edition))
    assert "shown to nobody at present" in page
    assert "[c]" not in page
    assert "The disclosure test" in page


def test_while_it_is_suspended_a_draft_is_not_held_against_what_is_published(room: Room) -> None:
    first = ask(room.world)
    for place in CHECKERS:
        room.decide(place, first)
    draft = ask(room.world)
    assert f"Compared with {first}" in text(room.page(CHECKERS[0], draft))
    agreement = read(words_naming(room.world, {place: room.people[place].fingerprint for place in CHECKERS}, version="2"))
    room.world.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND, agreement)
    page = text(room.page(CHECKERS[0], draft))
    assert "Compared with" not in page
    assert "are shown to nobody at present" in page


def test_withdrawn_it_is_gone_with_its_reason_and_successor(room: Room) -> None:
    first = ask(room.world)
    for place in CHECKERS:
        room.decide(place, first)
    latest = f"/v1/releases/{REFERENCE}/{RELEASE}/latest"
    assert first in room.world.call("get", latest, TEAM).headers["Location"]
    assert "Withdraw this edition" in room.page(CHECKERS[0], first)
    assert "Withdraw this edition" not in room.page(f"{OPERATOR}/operator", first)
    none = room.send(CHECKERS[0], f"/checks/{first}/withdraw", reason=" ")
    assert none.status_code == 422
    prepared = room.send(CHECKERS[0], f"/checks/{first}/withdraw", reason="The month was counted twice.")
    assert prepared.status_code == 303, prepared.text
    answer = room.sign(CHECKERS[0], prepared.headers["Location"])
    assert answer.status_code == 200, answer.text
    assert row(room.world, first).state == EditionState.WITHDRAWN
    for path in (f"/v1/editions/{first}", f"/v1/editions/{first}/tables/by-area.csv", f"/v1/editions/{first}/tables/nothing.csv"):
        gone = problem(room.world.call("get", path, TEAM), 410, "edition-withdrawn")
        assert (gone["reason"], gone["successor"]) == ("The month was counted twice.", None)
    problem(room.world.call("get", latest, TEAM), 404, "unknown-agreement")
    second = ask(room.world)
    assert row(room.world, second).revises == first
    assert row(room.world, second).draft["reason"] == "Outcomes were corrected."
    for place in CHECKERS:
        room.decide(place, second)
    gone = problem(room.world.call("get", f"/v1/editions/{first}", TEAM), 410, "edition-withdrawn")
    assert gone["successor"] == second
    assert second in gone["remedy"]
    assert second in room.world.call("get", latest, TEAM).headers["Location"]
    page = text(room.page(f"{OPERATOR}/operator", first))
    assert "The month was counted twice." in page
    assert f"Checker of {CLEVELAND}" not in page  # that is how the account is called; the agreement's name is shown
    assert second in page
    [entry] = [one for one in room.logged(first) if one["what"] == "edition withdrawn"]
    assert entry["details"]["reason"] == "The month was counted twice."
    assert entry["who"] == room.people[CHECKERS[0]].fingerprint


def test_differences_from_the_last_edition_are_cell_by_cell(room: Room) -> None:
    first = ask(room.world)
    for place in CHECKERS:
        room.decide(place, first)
    held = next(one["submission"] for one in row(room.world, first).draft["inputs"] if one["supplier"] == CLEVELAND)
    outcomes = ["Charged", "Unable to prosecute", "No suspect identified", None] * 60
    room.world.hold([crimes(240, seed=1, last_outcome=outcomes)], after=held)
    second = ask(room.world, first=APRIL, last=APRIL)
    page = text(room.page(CHECKERS[0], second))
    assert "show another count" in page
    assert "+120" in page


def test_the_in_tray_says_how_many_wait_for_whom(room: Room) -> None:
    edition = ask(room.world)
    home: Callable[[str], str] = lambda place: text(room.browser(place).get("/").text)  # noqa: E731
    assert "1 edition waits for your output check" in home(CHECKERS[0])
    assert "output check" not in home(f"{CLEVELAND}/dpo")
    room.decide(CHECKERS[0], edition)
    assert "output check" not in home(CHECKERS[0])
    assert "1 edition waits for your output check" in home(CHECKERS[1])
