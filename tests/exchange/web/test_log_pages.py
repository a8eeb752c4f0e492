"""The log's pages: who sees what, that looking is itself logged first, and that nothing hostile comes through."""

import csv
import io
import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from exchange.db import reading, writing
from exchange.exports.csv_table import inert
from exchange.log.record import Event, Operation, append, size
from exchange.log.redaction import redact
from exchange.log.search import PURPOSE
from exchange.log.tables import EntryRow
from exchange.log.witnesses import WitnessRow
from exchange.register import partners
from exchange.web import logged
from keys.checkpoint import cosign, witness_name
from keys.encoding import b64
from keys.formats import Card
from keys.logproof import verify_lines
from keys.sign import SigningKey
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World
from tests.exchange.web.hostile import HARM
from tests.exchange.web.signed_in import enter, sign_in


def put(world: World, **members: str) -> int:
    event: dict[str, Any] = {
        "who": "hub",
        "organisation": CLEVELAND,
        "reference": REFERENCE,
        "what": "submission held",
        "subject": "sub-1",
        **members,
    }
    with writing(world.hub.engine) as session:
        return append(session, Event(Operation.COLLECTION, **event), world.clock())


def many(world: World) -> int:
    with reading(world.hub.engine) as session:
        return size(session)


def last(world: World) -> EntryRow:
    with reading(world.hub.engine) as session:
        return session.execute(select(EntryRow).order_by(EntryRow.number.desc()).limit(1)).scalar_one()


def test_everybody_sees_their_own_organisations_and_the_operator_the_hubs(world: World) -> None:
    ours, theirs = put(world, subject="sub-ours"), put(world, organisation=DURHAM, subject="sub-theirs")
    for party, role, sees in (
        (CLEVELAND, "dpo", {ours}),
        (DURHAM, "signatory", {theirs}),
        (TEAM, "dpo", set[int]()),
        (OPERATOR, "dpo", set[int]()),
        (OPERATOR, "operator", {ours, theirs}),
    ):
        browser = sign_in(world, party, role)
        page = browser.get("/log?search=yes&what=submission+held")
        assert page.status_code == 200
        assert {int(one) for one in re.findall(r'href="/log/(\d+)"', page.text)} == sees, (party, role)
        rows = list(csv.DictReader(io.StringIO(browser.get("/log.csv?what=submission+held").data.decode(), newline="")))
        assert {int(row["number"]) for row in rows} == sees
        for number in (ours, theirs):
            for address in (f"/log/{number}", f"/log/{number}/proof.jsonl"):
                assert browser.get(address).status_code == (200 if number in sees else 404), (party, role, address)
        assert ('name="organisation"' in page.text) == (role == "operator")


@pytest.mark.parametrize("role", ["checker", "analyst"])
def test_who_does_not_answer_for_processing_reads_no_log(world: World, role: str) -> None:
    browser = sign_in(world, CLEVELAND, role)
    assert browser.get("/log").status_code == 403
    assert 'href="/log"' not in browser.get("/").text
    assert 'href="/log"' in sign_in(world, CLEVELAND, "dpo").get("/").text


def test_an_organisation_asked_for_does_not_widen_what_is_seen(world: World) -> None:
    put(world, organisation=DURHAM)
    page = sign_in(world, CLEVELAND, "dpo").get(f"/log?search=yes&organisation={DURHAM}")
    assert "There are none of this kind." in page.text


def test_looking_is_logged_first_and_the_form_alone_is_not(world: World) -> None:
    put(world)
    somebody = enter(world, CLEVELAND, "dpo")
    browser = somebody.client()
    before = many(world)
    assert PURPOSE in browser.get("/log").text
    assert many(world) == before
    for _ in range(3):
        browser.get("/log?search=yes&subject=sub-1")
    assert many(world) == before + 1
    row = last(world)
    assert (row.operation, row.what, row.who, row.organisation) == ("security", "log searched", somebody.id, CLEVELAND)
    assert "sub-1" not in json.dumps(row.entry)
    browser.get(f"/log/{before - 1}")
    assert (last(world).what, many(world)) == ("log entry read", before + 2)
    world.clock.forward(seconds=61)
    browser.get("/log?search=yes&subject=sub-1")
    with reading(world.hub.engine) as session:
        counted = session.execute(select(EntryRow).where(EntryRow.what == "the same again")).scalar_one()
        assert counted.entry is not None
        assert counted.who == somebody.id


def test_nothing_is_shown_where_looking_cannot_be_logged(world: World) -> None:
    put(world, subject="sub-private")
    browser = sign_in(world, CLEVELAND, "dpo")
    with world.unwritten():
        for address in ("/log?search=yes", "/log.csv", "/log/1", "/log/1/proof.jsonl"):
            answer = browser.get(address)
            assert answer.status_code == 503, address
            assert "sub-private" not in answer.text
    assert browser.get("/log?search=yes").status_code == 200


def test_in_pages_from_the_newest_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged, "PAGE", 3)
    made = [put(world, subject=f"sub-{number}") for number in range(8)]
    browser, address, seen = sign_in(world, CLEVELAND, "dpo"), "/log?search=yes&what=submission+held", list[int]()
    for _ in range(3):
        page = browser.get(address).text
        seen += [int(one) for one in re.findall(r'href="/log/(\d+)"', page)]
        older = re.search(r'rel="next"[^>]*|href="([^"]*below=[^"]*)"', page)
        found = re.search(r'href="(/log\?[^"]*below=[^"]*)"', page)
        assert (found is None) == (len(seen) == 8), older
        address = found[1].replace("&amp;", "&") if found else ""
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=yesterday", 422),
        ("from=2026-02-30", 422),
        ("from=2026-11-22&to=2026-11-21", 422),
        ("to=9999-12-31", 200),
        ("from=0001-01-01", 200),
        ("operation=everything", 422),
        ("who=" + "x" * 201, 422),
        ("who=%00", 422),
        ("who=%E2%80%AE", 422),
        ("what=%25_%5C%27%22", 200),
        ("below=-1", 200),
        ("below=99999999999999999999999", 200),
        ("below=%C2%B2", 200),
        ("organisation=';DROP TABLE log_entries;--", 200),
        ("unknown=1", 200),
    ],
)
def test_whatever_is_asked_is_answered_or_said_to_be_wrong(world: World, query: str, status: int) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    before = many(world)
    page = browser.get(f"/log?search=yes&{query}")
    assert page.status_code == status, page.text
    assert ("There is a problem" in page.text) == (status == 422)
    assert many(world) == before + (status == 200)
    assert browser.get(f"/log.csv?{query}").status_code == status


@pytest.mark.parametrize("number", ["99999999999999999999999999", "4611686018427387904", "999999"])
def test_numbers_that_are_no_entrys_are_not_found(world: World, number: str) -> None:
    browser = sign_in(world, OPERATOR, "operator")
    assert browser.get(f"/log/{number}").status_code == 404
    assert browser.get(f"/log/{number}/proof.jsonl").status_code == 404


def test_hostile_words_are_words(world: World) -> None:
    number = put(world, who=HARM, what=HARM, subject=f"={HARM}", recipient=HARM, reference=HARM[:80])
    browser = sign_in(world, CLEVELAND, "dpo")
    for address in (f"/log?search=yes&what={HARM[:20]}", f"/log/{number}"):
        text = browser.get(address).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;alert(1)" in text
        assert "{{ 7 * 7 }}" in text
    (row,) = csv.DictReader(io.StringIO(browser.get(f"/log.csv?what={HARM[:20]}").data.decode(), newline=""))
    assert (row["who"], row["subject"]) == (inert(HARM), inert(f"={HARM}"))
    assert row["subject"].startswith("'=")


def test_a_proof_taken_from_the_page_verifies_and_a_redacted_entry_says_so(world: World) -> None:
    number = put(world, subject="sub-private")
    browser = sign_in(world, CLEVELAND, "dpo")
    trusted = {world.hub.keyring.signing("log").public.fingerprint}
    lines = [json.loads(line) for line in browser.get(f"/log/{number}/proof.jsonl").text.splitlines()]
    (found,) = verify_lines(lines, trusted)[1]
    assert found.entry is not None
    assert (found.number, found.entry["subject"]) == (number, "sub-private")
    with writing(world.hub.engine) as session:
        redact(session, number, "per-x", "It named <b>somebody</b>.", world.clock)
    page = browser.get(f"/log/{number}").text
    assert "destroyed on purpose" in page
    assert "It named &lt;b&gt;somebody&lt;/b&gt;." in page
    assert "sub-private" not in page
    assert "Redacted" in browser.get("/log?search=yes&operation=collection").text
    lines = [json.loads(line) for line in browser.get(f"/log/{number}/proof.jsonl").text.splitlines()]
    (found,) = verify_lines(lines, trusted)[1]
    assert found.entry is None


def test_a_proof_tells_of_no_witness_with_whom_no_agreement_is_shared(world: World) -> None:
    number, strange = put(world), SigningKey.generate()
    note = world.call("get", "/v1/log/checkpoint", CLEVELAND).text
    with writing(world.hub.engine) as session:
        partners.register(session, Card("ed25519", "stranger", "witness", b64(strange.public.raw)), world.clock())
        for party, key in (("stranger", strange), (DURHAM, world.signing(f"{DURHAM}/witness"))):
            cosigned = cosign(note, witness_name(note.split("\n")[0], party), key, int(world.clock().timestamp()))
            times = {"cosigned_at": world.clock(), "received_at": world.clock()}
            session.add(WitnessRow(party=party, key=key.public.fingerprint, note=cosigned, size=int(note.split("\n")[1]), **times))
    for party, role, sees in ((CLEVELAND, "dpo", {DURHAM}), (OPERATOR, "operator", {DURHAM, "stranger"})):
        proof = sign_in(world, party, role).get(f"/log/{number}/proof.jsonl")
        head, _ = verify_lines(
            [json.loads(line) for line in proof.text.splitlines()], {world.hub.keyring.signing("log").public.fingerprint}
        )
        assert {one.party for one in head.cosigned} == sees, proof.text
