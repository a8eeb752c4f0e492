"""The agreement's pages as they are read: by every role, by strangers, and with words that were written to do harm."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agreements.changes import Risk
from agreements.document import fill, placeholders, read
from agreements.plain_english import sections
from exchange.access import OPERATIONS
from exchange.db import writing
from exchange.submissions.retention import dispose
from exchange.submissions.tables import SubmissionRow
from exchange.web.clauses import anchor, chapters, clause_link, tasks
from exchange.web.differences import COLOURS, TAGS
from exchange.web.known import countdown
from exchange.web.rehearsals import told
from exchange.web.said import short
from exchange.web.submissions import STATES
from tests.agreements import papers
from tests.exchange.standing import CLEVELAND, DURHAM, NOW, OPERATOR, REFERENCE, World, crimes
from tests.exchange.web.addresses import PAGES
from tests.exchange.web.hostile import HARM, hostile
from tests.exchange.web.signed_in import enter, forgery, sign_in
from tests.exchange.web.signing_room import Room

FIRST = f"/agreements/{REFERENCE}/versions/1"
SUBMISSIONS = f"/agreements/{REFERENCE}/submissions"
MINE = {endpoint: way for endpoint, way in PAGES.items() if way[1].startswith(f"/agreements/{REFERENCE}")}
READ = sorted(path for methods, path in MINE.values() if methods == ("get",))
SHIPPED = sorted((papers.ROOT / "config" / "agreements").glob("*.toml"))
SENT = sorted(path for methods, path in MINE.values() if methods == ("post",))


class Elements(HTMLParser):
    """Ids, links and scripts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if tag == "a" and "href" in found else []
        self.scripts += [found] if tag == "script" else []
        self.handlers += [name for name in found if name.startswith("on") or name == "style"]


# ---------------------------------------------------------------------------------------------------------- who reads what


@pytest.mark.parametrize("role", ["dpo", "signatory", "checker", "operator"])
def test_people_of_a_party_and_the_operator_read_it(world: World, role: str) -> None:
    browser = sign_in(world, OPERATOR if role == "operator" else CLEVELAND, role)
    for path in ("/agreements", FIRST, f"{FIRST}/difference", f"/agreements/{REFERENCE}/explain", SUBMISSIONS, f"{FIRST}/rehearsal"):
        answer = browser.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "Outcomes of recorded crime" in answer.text
    assert browser.get(f"/agreements/{REFERENCE}").headers["Location"] == FIRST


@pytest.mark.parametrize("roles", [("dpo",), ("signatory", "checker"), ("analyst", "dpo", "signatory", "checker")], ids=str)
def test_to_a_stranger_every_page_is_as_if_there_were_no_such_agreement(world: World, roles: tuple[str, ...]) -> None:
    browser = sign_in(world, "some-other-force", *roles)
    token = forgery(browser)
    for method, paths in (("get", READ), ("post", SENT)):
        for path in paths:
            fields: dict[str, Any] = {"data": {"csrf_token": token, "advice": "for", "what": "whole", "reference": REFERENCE}}
            answers = {"json": {"credential": {}}, "headers": {"X-CSRFToken": token}}
            sent = {} if method == "get" else answers if path.endswith(("/passkey", "/challenge")) else fields
            there = browser.open(path, method=method.upper(), **sent)
            nowhere = browser.open(path.replace(REFERENCE, "LCJP-NOWHERE"), method=method.upper(), **sent)
            assert there.status_code == nowhere.status_code == 404, path
            said = [re.sub(r'nonce="[^"]*"|value="[^"]{60,}"', "", one.text).replace("LCJP-NOWHERE", REFERENCE) for one in (there, nowhere)]
            assert said[0] == said[1], path
    assert REFERENCE not in browser.get("/agreements").text


def test_a_version_that_does_not_exist_is_unknown_to_a_party_too(world: World) -> None:
    answer = sign_in(world, CLEVELAND, "dpo").get(f"/agreements/{REFERENCE}/versions/7")
    assert answer.status_code == 404
    assert "there is no agreement of that reference to which you are a party" in answer.text


@pytest.mark.parametrize("path", SENT)
def test_no_form_is_taken_without_its_token(world: World, path: str) -> None:
    browser = sign_in(world, CLEVELAND, "dpo", "signatory")
    for sent in ({}, {"csrf_token": "x"}):
        answer = browser.post(path, data=sent)
        assert answer.status_code == 403
        assert "this form did not come from a page of this hub" in answer.text
    assert browser.post(path, data={"csrf_token": forgery(browser)}, headers={"Origin": "https://elsewhere.example"}).status_code == 403


def test_every_page_of_an_agreement_has_its_row_and_its_address() -> None:
    assert {path for _, path in MINE.values()} >= {FIRST, SUBMISSIONS}
    assert set(MINE) <= set(OPERATIONS)


def test_a_reviewer_of_no_party_has_nothing_to_review(world: World) -> None:
    """The operator's own account reads every agreement; it reviews and says something only where its organisation is a party."""
    browser = sign_in(world, "a-hosting-firm", "operator", "dpo")
    assert browser.get(FIRST).status_code == 200
    answer = browser.get(f"{FIRST}/review")
    assert answer.status_code == 403
    assert "only the parties" in answer.text
    assert "your organisation is not a party to it" in browser.get(f"{FIRST}/suspend").text


# ------------------------------------------------------------------------------------------------------ the words and clauses


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: path.stem)
def test_every_sentence_of_every_shipped_agreement_is_shown_and_reviewed(world: World, shipped: Path) -> None:
    text = shipped.read_text(encoding="utf-8")
    agreement = read(fill(text, {card: papers.fingerprint(card) for card in placeholders(text)}).replace("version = 1", "version = 2", 1))
    every = {(one.clause, one.words.strip()) for section in sections(agreement) for one in section.sentences}
    shown = {(passage.clause, words) for chapter in chapters(agreement) for passage in chapter.passages for words in passage.words}
    assert shown == every
    reviewed = {(passage.clause, words) for task in tasks(agreement) for passage in task.passages for words in passage.words}
    assert reviewed == every
    world.enter(agreement)
    browser = enter(world, agreement.operator.id, "operator", "dpo", name="Reader").client()
    path = f"/agreements/{agreement.reference}/versions/2"
    for page in (path, f"{path}/review", *(f"{path}/review/{task.name}" for task in tasks(agreement))):
        answer = browser.get(page)
        assert answer.status_code == 200, page
        found = Elements(answer.text)
        assert len(found.ids) == len(set(found.ids)), page
        assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_ids_are_unique_and_contents_lead_somewhere(world: World) -> None:
    found = Elements(sign_in(world, CLEVELAND, "dpo").get(FIRST).text)
    assert len(found.ids) == len(set(found.ids))
    inside = [link[1:] for link in found.links if link.startswith("#")]
    assert len(inside) > 10
    assert set(inside) <= set(found.ids)


def test_every_clause_a_refusal_cites_is_a_place_on_the_page(world: World) -> None:
    places = (
        "term",
        "suspension",
        "versions",
        "lifecycle",
        "parties",
        f"parties, {CLEVELAND}",
        "datasets",
        "releases",
        "recipients",
        "approvals, output checkers",
        *(
            f"dataset crimes, {one}"
            for one in ("retention", "period", "suppliers", "mode", "fields", "linkage", "sealed parts", "field month")
        ),
        *(f"release mv7-outcomes, {one}" for one in ("requests", "recipients", "terms")),
        "items, liability",
    )
    ids = set(Elements(sign_in(world, CLEVELAND, "dpo").get(FIRST).text).ids)
    with world.app.test_request_context():
        for place in places:
            link = clause_link(f"{REFERENCE} version 1, {place}")
            path, _, target = link.partition("#")
            assert path == FIRST
            assert target in ids, place
        assert clause_link("no agreement") == ""
        assert clause_link(f"{REFERENCE} version 1") == FIRST


def test_a_draft_says_what_is_missing_and_nothing_can_be_said_about_it(world: World) -> None:
    words = re.sub(r"\nliability = .*\n", "\n", world.words(version="2"), count=1)
    draft = read(words)
    assert [item.name for item in draft.missing] == ["liability"]
    world.enter(draft)
    browser = sign_in(world, CLEVELAND, "dpo")
    page = browser.get(f"/agreements/{REFERENCE}/versions/2").text
    assert "Liability is missing" in page
    assert "Draft" in page
    assert "Liability is missing" in browser.get("/agreements").text
    path = f"/agreements/{REFERENCE}/versions/2"
    assert "Cannot start yet" in browser.get(f"{path}/review").text
    answer = browser.post(f"{path}/review/purpose", data={"csrf_token": forgery(browser)})
    assert answer.status_code == 409


def test_the_register_shows_state_review_and_what_is_waited_for(world: World) -> None:
    room = Room.open(world)
    page = room.browser(f"{DURHAM}/dpo").get("/agreements").text
    assert "In force" in page
    assert "Proposed" in page
    assert page.index("Advice of Durham (your organisation)") < page.index("Advice of Cleveland")
    assert "1 May 2027" in page


@pytest.mark.parametrize(("days", "words"), [(0, "today"), (1, "in 1 day"), (2, "in 2 days"), (-1, "1 day ago"), (800, "in 2 years")])
def test_a_countdown(days: int, words: str) -> None:
    from_now = NOW.date().fromordinal(NOW.date().toordinal() + days)
    assert countdown(from_now, NOW) == words


# ------------------------------------------------------------------------------------------------------- difference, rehearsal


def test_what_changed_is_ordered_by_risk_and_says_before_and_after(world: World) -> None:
    room = Room.open(world, retention='"P11Y"', purpose='"Another purpose."')
    page = room.get(f"{CLEVELAND}/dpo", "/difference").text
    assert "What changed since version 1" in page
    wider, words = page.index("Wider than before"), page.index("Words only")
    assert wider < words
    assert "Another purpose." in page
    assert "11 years" in page
    risk = room.get(f"{CLEVELAND}/dpo", "/review/risk").text
    assert "Wider than before" in risk
    assert room.get(f"{CLEVELAND}/dpo", "/difference?from=9").status_code == 404
    same = room.browser(f"{CLEVELAND}/dpo").get(f"{FIRST}/difference").text
    assert "There is no other version to compare with" in same
    assert set(TAGS) == set(COLOURS) == set(Risk)


def test_a_rehearsal_tells_what_would_have_been_refused(world: World) -> None:
    world.hold()
    room = Room.open(world, back_fill_from='"2021-06"')
    for place in (f"{CLEVELAND}/dpo", f"{DURHAM}/dpo"):
        page = room.get(place, "/rehearsal").text
        assert "would have been refused" in page
        assert "crimes 2021-04" in page
        assert "the agreement admits no data from before 2021-06" in page
    assert told([]) == []


# -------------------------------------------------------------------------------------------------------------- explanation


def test_explain_answers_with_every_check_and_says_what_is_missing_of_a_question(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    path = f"/agreements/{REFERENCE}/explain"
    assert browser.get(path).status_code == 200
    allowed = browser.get(f"{path}?operation=submit&dataset=crimes&period=2021-05").text
    assert "Allowed" in allowed
    assert "dataset crimes, suppliers" in allowed
    late = browser.get(f"{path}?operation=submit&dataset=crimes&period=2010-05").text
    assert "the agreement admits no data from before 2021-01" in late
    for query, words in (
        ("operation=", "Say what is to be done."),
        ("operation=x", "Say what is to be done."),
        ("operation=submit&dataset=crimes", "Write a period"),
        ("operation=submit&period=2021-05", "Choose the dataset."),
        ("operation=receive", "Choose the release."),
        (f"operation=submit&dataset=crimes&period=2021-05&party={DURHAM}", "Choose one of the organisations"),
    ):
        answer = browser.get(f"{path}?{query}")
        assert answer.status_code == 422, query
        assert words in answer.text
        assert "<title>Error: " in answer.text


def test_the_operator_asks_for_anybody_whom_the_agreement_names(world: World) -> None:
    browser = sign_in(world, OPERATOR, "operator")
    path = f"/agreements/{REFERENCE}/explain?operation=submit&dataset=crimes&period=2021-05"
    assert "Allowed" in browser.get(f"{path}&party={DURHAM}").text
    assert "you are a party, but not a supplier of this dataset" in browser.get(f"{path}&party={OPERATOR}").text


# -------------------------------------------------------------------------------------------------------------- submissions


def test_submissions_and_who_sees_what(world: World) -> None:
    mine, theirs = world.hold().id, world.hold(supplier=DURHAM).id
    bad_theirs = refused(world)
    browser = sign_in(world, CLEVELAND, "dpo")
    page = browser.get(SUBMISSIONS).text
    assert mine in page
    assert theirs in page
    assert bad_theirs not in page
    assert "1 of Durham Constabulary" in page
    own = browser.get(f"{SUBMISSIONS}/{mine}").text
    assert "Download the signed receipt" in own
    receipt = browser.get(f"{SUBMISSIONS}/{mine}/receipt.json")
    assert receipt.get_json()["document"]["submission"] == mine
    assert receipt.headers["Content-Disposition"] == f'attachment; filename="receipt-{mine}.json"'
    other = browser.get(f"{SUBMISSIONS}/{theirs}").text
    assert "Download the signed receipt" not in other
    assert browser.get(f"{SUBMISSIONS}/{theirs}/receipt.json").status_code == 404
    assert browser.get(f"{SUBMISSIONS}/{bad_theirs}").status_code == 404
    assert browser.get(f"{SUBMISSIONS}/sub-none").status_code == 404

    at_home = sign_in(world, DURHAM, "signatory").get(f"{SUBMISSIONS}/{bad_theirs}").text
    assert "Why it was refused" in at_home
    assert f"{FIRST}#clause-dataset-crimes-field-crime_type" in at_home
    operators = sign_in(world, OPERATOR, "operator").get(SUBMISSIONS).text
    assert bad_theirs in operators


def refused(world: World) -> str:
    """A submission of the other force whose rows break a rule."""
    pushed = world.prepare([crimes(crime_type="No such type", seed=9)], supplier=DURHAM, period="2021-06")
    world.send(pushed, DURHAM)
    assert world.process(pushed.id) == "refused"
    return pushed.id


def test_what_was_destroyed_shows_its_certificate_and_what_follows_its_forerunner(world: World) -> None:
    first = world.hold().id
    second = world.hold([crimes(rows=4)], after=first).id
    browser = sign_in(world, DURHAM, "dpo")
    assert f"{SUBMISSIONS}/{second}" in browser.get(f"{SUBMISSIONS}/{first}").text
    assert f"{SUBMISSIONS}/{first}" in browser.get(f"{SUBMISSIONS}/{second}").text
    assert "Superseded" in browser.get(f"{SUBMISSIONS}/{first}").text
    hub = world.hub
    dispose(hub.engine, hub.keyring, hub.places, first, world.clock())
    page = browser.get(f"{SUBMISSIONS}/{first}").text
    assert "Certificate of destruction" in page
    assert browser.get(f"{SUBMISSIONS}/{first}/certificate.json").get_json()["document"]["submission"] == first
    assert "Destroyed, certificate" in browser.get(SUBMISSIONS).text
    assert browser.get(f"{SUBMISSIONS}/{second}/certificate.json").status_code == 404


def test_a_submission_shows_the_whole_line_of_its_period_in_words(world: World) -> None:
    once, twice = world.prepare([crimes()]), world.prepare([crimes()])
    world.send(once)
    world.send(twice)
    assert [world.process(one.id) for one in (once, twice)] == ["held", "repeated"]
    last = world.hold([crimes(rows=4)], after=once.id).id
    other = world.hold(supplier=DURHAM).id
    browser = sign_in(world, CLEVELAND, "dpo")
    page = browser.get(f"{SUBMISSIONS}/{twice.id}").text
    line = page[page.index("Everything for 2021-04") : page.index("Its end")]
    assert line.count("<li>") == 3
    assert "its place was taken, by" in line
    assert "This one" in line
    assert "nothing of it was kept: it repeats" in line
    assert "4 rows: it stands" in line
    assert line.index(once.id) < line.index("This one") < line.rindex(last)
    assert other not in line
    assert "Its receipt is that of the submission that it repeats" in page
    assert "Its rows were never held" in page
    assert "A repeat of one that is held" in browser.get(f"{SUBMISSIONS}?state=repeated").text
    assert "Everything for" not in browser.get(f"{SUBMISSIONS}/{other}").text


def test_the_list_is_filtered_sorted_and_paged_by_the_hub(world: World) -> None:
    ids = [world.hold().id, world.hold(supplier=DURHAM).id]
    browser = sign_in(world, CLEVELAND, "checker")
    with writing(world.hub.engine) as session:
        row = session.execute(select(SubmissionRow).where(SubmissionRow.id == ids[0])).scalar_one()
        for number in range(30):
            members = {column.name: getattr(row, column.name) for column in SubmissionRow.__table__.columns}
            session.add(SubmissionRow(**{**members, "id": f"sub-{number:024x}", "upload": f"{number:032x}", "state": "superseded"}))
    assert "32 submissions" in browser.get(SUBMISSIONS).text
    assert "Page 1 of 2" in browser.get(SUBMISSIONS).text
    assert "Page 2 of 2" in browser.get(f"{SUBMISSIONS}?page=2").text
    assert "2 submissions" in browser.get(f"{SUBMISSIONS}?state=held").text
    for odd in (
        "page=0",
        "page=-1",
        "page=x",
        "page=99999999999999999999",
        "sort=;drop",
        "state=%00",
        "dataset=%22%3E%3Cscript%3E",
        "page=²",
    ):
        answer = browser.get(f"{SUBMISSIONS}?{odd}")
        assert answer.status_code == 200, odd
        assert "<script>" not in answer.text
    by_supplier = browser.get(f"{SUBMISSIONS}?sort=supplier&state=held").text
    assert by_supplier.index(ids[0]) < by_supplier.index(ids[1])
    assert "32 submissions" in browser.get(f"{SUBMISSIONS}?dataset=crimes").text
    assert "There are none of this kind" in browser.get(f"{SUBMISSIONS}?dataset=outcomes").text
    assert set(STATES) == {"open", "complete", "held", "refused", "superseded", "disposing", "disposed", "lapsed", "repeated"}


def test_submissions_on_postgresql(world: World) -> None:
    test_submissions_and_who_sees_what(world)
    page = sign_in(world, DURHAM, "dpo").get(f"{SUBMISSIONS}?state=held&dataset=crimes&sort=destroyed")
    assert "2 submissions" in page.text


# ------------------------------------------------------------------------------------------------------------ hostile words


def test_hostile_words_are_shown_and_do_nothing(world: World) -> None:
    world.enter(hostile(world.row_canonical()))
    browser = enter(world, CLEVELAND, "dpo", "signatory").client()
    path = f"/agreements/{REFERENCE}/versions/2"
    pages = ["/agreements", path, f"{path}/review", f"{path}/difference", f"{path}/rehearsal", f"{path}/statement-file", SUBMISSIONS]
    pages += [
        f"{path}/review/{name}" for name in ("purpose", "parties", "dataset-crimes", "releases", "protection", "undertakings", "risk")
    ]
    pages += [f"/agreements/{REFERENCE}/explain"]
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        found = Elements(answer.text)
        assert found.handlers == [], page
        assert all("nonce" in one or str(one.get("src", "")).startswith("/static/") for one in found.scripts), page
        assert "<img" not in answer.text
        assert not any(link.startswith(("javascript:", "data:")) for link in found.links)
    shown = browser.get(path).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "{{ 7 * 7 }}" in shown


def test_hostile_comments_are_shown_and_do_nothing(world: World) -> None:
    room = Room.open(world)
    dpo = f"{CLEVELAND}/dpo"
    room.review(dpo)
    for bad in ("a\u202eb", "a\u200bb", "e\u0301", "x" * 2001):
        answer = room.post(dpo, "/advise", advice="for", comment=bad)
        assert answer.status_code == 422
        assert "<title>Error: " in answer.text
    check = room.prepared(dpo, "advise", advice="for", comment=HARM)
    assert Elements(room.browser(dpo).get(check).text).handlers == []
    room.say(dpo, "advise", advice="for", comment=HARM)
    page = room.get(dpo).text
    assert "&lt;script&gt;alert(1)" in page
    assert Elements(page).handlers == []


def test_a_refusal_leads_to_its_clause_and_says_nothing_twice(world: World) -> None:
    world.enter(read(world.words(version="2", dpia='"Changed."')))
    answer = enter(world, OPERATOR, "dpo", name="Somebody Else").client().get(f"/agreements/{REFERENCE}/versions/2/resume")
    assert answer.status_code == 403
    remedy = "Sign in with the passkey that it names"
    assert answer.text.count(remedy) == 1
    assert f'href="/agreements/{REFERENCE}/versions/2#clause-parties-lcjp-operator"' in answer.text


def test_an_analyst_reads_the_words_and_is_led_nowhere_closed(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "analyst")
    found = Elements(browser.get(FIRST).text)
    led = {link for link in found.links if link.startswith("/agreements")}
    assert SUBMISSIONS not in led
    for link in led:
        assert browser.get(link).status_code in (200, 303, 422, 503), link  # the PDF needs its extra


def test_the_small_parts() -> None:
    assert short("passkey:" + "a" * 64) == "passkey:" + "a" * 16 + "…"
    assert anchor("dataset crimes, field last_outcome") == "clause-dataset-crimes-field-last_outcome"
