"""An edition that counts linked people: over the hub, from rows of two suppliers in two datasets, compared with a count in plain Python."""

import csv
import hashlib
import io
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from agreements.linked import BY_HAND, REPORT
from agreements.release import Release
from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import Conflict, Gone, NotFound, RefusedByAgreement, Unacceptable
from exchange.log.tables import EntryRow
from exchange.releases import checking, overrides
from exchange.releases.history import claimed
from exchange.releases.linked_edition import band, in_words
from exchange.releases.overrides_tables import OverrideRow
from exchange.settling import settle
from keys.encoding import b64, unb64
from keys.linkage import LinkageRequest, pack_pairs
from keys.pseudonym import NORMALISER, PSEUDONYM, rekey
from keys.seal import linkage_info, seal
from keys.sign import Use, sign_document
from tests.exchange import standing
from tests.exchange.releases.drafted import APRIL, CHECKERS, REQUESTER, ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, DURHAM, KEY_CHECK, OPERATOR, REFERENCE, SUPPLIERS, World, crimes, print_of
from tests.exchange.test_lives import say

RELEASE, KIND = "people-known", "published_crime"
WORDS = """
[[linkages]]
name = "person"
title = "One person"
rules = ["published_crime"]
most = 40

[[releases]]
name = "people-known"
measure = "MV5"
title = "How many services know a person"
question = "How many people are known to one dataset, and how many to both?"
unit = "people"
base = "person"
period_dimension = "month"
recipients = ["lcjp-performance-team"]
terms = { threshold = 10, zeros = "suppressible", level = "B" }
dimensions = [
  { name = "month", title = "First month", source = "person.first_month", total = "All months" },
  { name = "known_to", title = "Known to", source = "person.sources", categories = ["1", "2"], total = "All people" },
]
tables = [{ name = "people", title = "People", dimensions = ["month", "known_to"] }]
"""
Source = tuple[str, str]
SOURCES: list[Source] = [(dataset, supplier) for dataset in ("crimes", "outcomes") for supplier in SUPPLIERS]
Known = dict[Source, list[int]]
"""Source → the people it has a record of, some several times."""


class LinkedWorld(World):
    """A hub whose agreement links its two datasets, and counts people."""

    def words(self, **replaced: str) -> str:
        return super().words(**replaced) + WORDS

    def copy(self, folder: Path) -> "LinkedWorld":
        again = super().copy(folder)
        return LinkedWorld(folder, again.clock, self.keys)


def pseudonym(person: int) -> bytes:
    return hashlib.sha256(f"person {person}".encode()).digest()[:16]


def planted(joint: int) -> Known:
    """``joint`` people whom both suppliers know, in two datasets; 30 whom Cleveland alone knows in both; others known once. Some repeat."""
    both, own = range(joint), range(1000, 1030)
    return {
        ("crimes", CLEVELAND): [*both, *own, *range(2000, 2040), *range(3)],
        ("crimes", DURHAM): list(range(3000, 3050)),
        ("outcomes", CLEVELAND): list(own),
        ("outcomes", DURHAM): [*both, *range(4000, 4025)],
    }


def mixed() -> Known:
    """For each one, each two and each three of the sources 40 people whom these know and no other; some repeat."""
    known: Known = {source: [] for source in SOURCES}
    for number, chosen in enumerate(chosen for size in (1, 2, 3) for chosen in combinations(SOURCES, size)):
        for source in chosen:
            known[source] += range(1000 * number, 1000 * number + 40)
    known["crimes", CLEVELAND] += range(3)
    return known


def hold(world: World, known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    for (dataset, supplier), people in known.items():
        names = [pseudonym(one) for one in people]
        if dataset == "crimes":
            world.hold([crimes(len(names), crime=names)], supplier=supplier)
            continue
        found = world.agreement.dataset("outcomes")
        assert found is not None
        columns = {"crime": names, "month": [date(2021, 4, 1)] * len(names), "outcome": ["Charged"] * len(names)}
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(standing, "SCHEMA", found.schema)
            world.hold([pa.table(columns, schema=found.schema)], supplier=supplier, dataset="outcomes")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LinkedWorld]:
    """Made once: nothing held."""
    world = LinkedWorld.build(tmp_path_factory.mktemp("linked") / "hub")
    yield world  # type: ignore[misc]
    world.close()


@pytest.fixture
def linked(first: LinkedWorld, tmp_path: Path) -> Iterator[LinkedWorld]:
    world = first.copy(tmp_path / "hub")
    yield world
    world.close()


def shown(world: World, identity: str, table: str) -> dict[tuple[str, ...], str]:
    [content] = [file.content for file in row(world, identity).files if file.name == f"{table}.csv"]
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    return {tuple(one[:-1]): one[-1] for one in rows[1:]}


def naive(known: Known) -> tuple[Counter[int], Counter[Source]]:
    """Number of datasets → people, and source → people whom another source knows too."""
    datasets: dict[int, set[str]] = {}
    for (dataset, _), people in known.items():
        for person in people:
            datasets.setdefault(person, set()).add(dataset)
    elsewhere = {source: {one for other, people in known.items() if other != source for one in people} for source in known}
    linked = Counter({source: len(set(people) & elsewhere[source]) for source, people in known.items()})
    return Counter(len(names) for names in datasets.values()), linked


def test_people_and_the_linkage_report_are_what_plain_python_counts(linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    known = mixed()
    hold(linked, known, monkeypatch)
    identity = ask(linked, release=RELEASE)
    by_number, elsewhere = naive(known)
    found = shown(linked, identity, "people")
    assert found["2021-04", "1"] == str(by_number[1])
    assert found["2021-04", "2"] == str(by_number[2])
    assert found["All months", "All people"] == str(by_number.total())
    report = shown(linked, identity, REPORT)
    label = {source: f"{source[0]}, {party.short_name}" for source in SOURCES for party in [linked.agreement.party(source[1])] if party}
    for source, count in elsewhere.items():
        assert report[label[source], KIND] == str(count) == "240"
    assert {value for (_, rule), value in report.items() if rule == BY_HAND} == {"0"}
    document = row(linked, identity).draft
    assert document["linkage"] == {"name": "person", "overrides": 0}
    assert {one["dataset"] for one in document["inputs"]} == {"crimes", "outcomes"}
    taken = claimed(row(linked, identity), linked.agreement)
    assert sorted(taken) == sorted(
        (adapter, supplier, "2021-04") for adapter in ("police_crimes", "police_outcomes") for supplier in SUPPLIERS
    )


@pytest.mark.parametrize("joint", [0, 1, 9])
def test_few_who_are_known_to_two_suppliers_hide_the_whole_month(linked: LinkedWorld, joint: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the total is shown: a supplier that has invented all others could tell from it how many of its own people are known."""
    hold(linked, planted(joint), monkeypatch)
    identity = ask(linked, release=RELEASE)
    assert set(shown(linked, identity, "people").values()) == {"[c]"}
    assert {value for (_, rule), value in shown(linked, identity, REPORT).items() if rule == KIND} <= {"[c]", "0"}


def test_what_a_supplier_could_work_out_of_few_is_not_in_the_report(linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleveland knows how many it has in both datasets: beside those known to two, a count of Durham's would tell that no others are."""
    hold(linked, planted(joint=40), monkeypatch)
    identity = ask(linked, release=RELEASE)
    assert "[c]" not in shown(linked, identity, "people").values()
    assert {value for (_, rule), value in shown(linked, identity, REPORT).items() if rule == KIND} == {"[c]"}


def test_checkers_are_told_bands_and_the_report_without_findings_says_nothing(linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    known = planted(joint=40)
    known["crimes", DURHAM] += [9999] * 50  # more records than one person may have
    hold(linked, known, monkeypatch)
    found = row(linked, ask(linked, release=RELEASE))
    told = found.report[checking.FINDINGS]["linkage"]
    assert told["too_common"] == {KIND: "0 to 9"}
    assert told["largest"] == "0 to 9"
    assert told["overrides"] == 0
    assert "linkage" not in str(checking.without_findings(found))
    lines = in_words(told)
    assert lines[0] == "Linkage (bands, never counts): most records of one person 0 to 9; overrides in force 0."
    assert lines[1] == "  published_crime: values refused as of several people 0 to 9, as too common 0 to 9"
    assert len(lines) == 2 + len(SOURCES)
    assert [band(count, 10) for count in (0, 9, 10, 99, 100, 1000)] == [
        "0 to 9",
        "0 to 9",
        "10 to 99",
        "10 to 99",
        "100 to 999",
        "1,000 to 9,999",
    ]


def test_there_is_one_edition_of_linked_people_and_counts_of_rows_are_apart_from_it(
    linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(linked, planted(joint=40), monkeypatch)
    publish(linked, ask(linked, release=RELEASE))
    with pytest.raises(Conflict, match="counted in one edition"):
        ask(linked, release=RELEASE)
    rows = ask(linked)  # tied to people by inequalities alone: decision 0015
    assert row(linked, rows).draft["history"] == []
    publish(linked, rows)
    with pytest.raises(Conflict, match="counted in one edition"):
        ask(linked, release=RELEASE)


def test_every_dataset_must_be_there_and_none_stopped(linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    known = planted(joint=40)
    lacking = {source: people for source, people in known.items() if source != ("outcomes", DURHAM)}
    hold(linked, lacking, monkeypatch)
    with pytest.raises(Unacceptable, match="outcomes has not been submitted: durham-constabulary 2021-04"):
        ask(linked, release=RELEASE)
    hold(linked, {("outcomes", DURHAM): known["outcomes", DURHAM]}, monkeypatch)
    say(linked, DURHAM, Voice.SUSPEND, capacity=Capacity.DPO, dataset="outcomes")
    with pytest.raises(RefusedByAgreement, match="the dataset outcomes is suspended"):
        ask(linked, release=RELEASE)


# ------------------------------------------------------------------------------------------------------------ overrides


def request(world: World, action: str, pair: tuple[int, int], supplier: str = CLEVELAND, **members: Any) -> dict[str, Any]:
    """What ``exchange-agency linkage`` writes."""
    notice, number = world.sealing_notice(), members.get("request", secrets.token_hex(16))
    info = linkage_info(agreement=world.agreement.digest, supplier=supplier, request=number)
    sealed = seal(pack_pairs({1: (pseudonym(pair[0]), pseudonym(pair[1]))}), unb64(notice["public"]), info)
    document: dict[str, Any] = {
        "format": 1,
        "request": number,
        "supplier": supplier,
        "reference": REFERENCE,
        "version": world.agreement.version,
        "agreement": world.agreement.digest,
        "action": action,
        "kind": KIND,
        "normaliser": NORMALISER,
        "epochs": [{"epoch": 1, "key_check": KEY_CHECK}],
        "sealing_key": notice["id"],
        "sealed": b64(sealed),
        "created": world.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
        **members,
    }
    return sign_document(LinkageRequest.parse(document).document(), Use.LINKAGE_REQUEST, world.signing(f"{supplier}/manifest"))


def place(
    world: World, action: str, signed: Mapping[str, Any], person: str = f"{CLEVELAND}/dpo", reason: str = "Seen in both files"
) -> str:
    with writing(world.hub.engine) as session:
        who = print_of(world.keys[person])
        return overrides.place(session, world.hub.keyring, REFERENCE, action, signed, person=who, reason=reason, clock=world.clock).id


def lift(world: World, override: str) -> None:
    with writing(world.hub.engine) as session:
        overrides.lift(session, REFERENCE, override, print_of(world.keys[f"{OPERATOR}/signatory"]), world.clock)


def test_overrides_change_the_next_edition_until_they_are_lifted(linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    known = planted(joint=40)
    hold(linked, known, monkeypatch)
    by_number, _ = naive(known)
    joined = place(linked, "join", request(linked, "join", (2000, 4000)))  # crimes of Cleveland, outcomes of Durham
    identity = ask(linked, release=RELEASE)
    found = shown(linked, identity, "people")
    assert (found["2021-04", "1"], found["2021-04", "2"]) == (str(by_number[1] - 2), str(by_number[2] + 1))
    assert row(linked, identity).draft["linkage"]["overrides"] == 1
    place(linked, "split", request(linked, "split", (2000, 4000), supplier=DURHAM))
    assert shown(linked, ask(linked, release=RELEASE), "people")["2021-04", "2"] == str(by_number[2])  # a split holds against a join
    lift(linked, joined)
    with reading(linked.hub.engine) as session:
        standing_now = overrides.everything(session, REFERENCE)
        every = overrides.everything(session, REFERENCE, lifted=True)
    assert [one.action for one in standing_now] == ["split"]
    assert {(one.action, one.lifted_at is not None) for one in every} == {("join", True), ("split", False)}


@pytest.mark.parametrize("change", ["placed", "lifted"])
def test_a_draft_falls_with_what_was_said_of_it_when_an_override_is_placed_or_lifted(
    linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    hold(linked, planted(joint=40), monkeypatch)
    before = place(linked, "join", request(linked, "join", (2000, 4000)))
    identity = ask(linked, release=RELEASE)
    record(linked, vote(linked, identity, CHECKERS[0]))
    settle(linked.hub)
    assert len(row(linked, identity).votes) == 1
    if change == "placed":
        place(linked, "split", request(linked, "split", (2000, 4000), supplier=DURHAM))
    else:
        lift(linked, before)
    with pytest.raises(Conflict, match="overrides of the linkage that it was made with have been placed or lifted"):
        record(linked, vote(linked, identity, CHECKERS[1]))
    settle(linked.hub)
    dropped = row(linked, identity)
    assert (dropped.state, dropped.votes, dropped.files) == ("dropped", [], [])
    assert dropped.ended == "overrides of the linkage that it was made with have been placed or lifted"


def test_no_pseudonym_of_an_override_is_in_the_clear_anywhere(linked: LinkedWorld) -> None:
    place(linked, "join", request(linked, "join", (1, 2)), reason="A clerk saw one name twice")
    secret = [pseudonym(one) for one in (1, 2)]
    made = rekey(pa.array(secret, PSEUDONYM), linked.hub.keyring.rekey(REFERENCE, KIND, 1)).to_pylist()
    linked.disconnect()
    for path in linked.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(form in content for value in (*secret, *made) for form in (value, value.hex().encode(), b64(value).encode())), (
                path
            )
    with reading(linked.hub.engine) as session:
        entries: list[Any] = [one.entry for one in session.query(EntryRow).all() if one.entry]
    [entry] = [one for one in entries if "linkage overridden" in str(one["what"])]
    assert "clerk" not in str(entry)
    assert entry["details"]["standing"] == 1


def test_an_override_falls_with_its_key(linked: LinkedWorld) -> None:
    place(linked, "join", request(linked, "join", (1, 2)))
    with reading(linked.hub.engine) as session:
        [found] = session.query(OverrideRow).all()
        kept = overrides.Kept(found.id, found.kind, "join", found.key, found.sealed)
    assert overrides.opened(linked.hub.keyring, [kept])[0].action == "join"
    say(linked, CLEVELAND, Voice.TERMINATE)
    settle(linked.hub)
    assert linked.hub.keyring.store.destroyed(found.key)  # with the agreement's other re-key keys
    with pytest.raises(Gone, match="fell with its linkage epoch"):
        overrides.opened(linked.hub.keyring, [kept])


def test_who_may_not_override_and_what_is_no_request(linked: LinkedWorld) -> None:
    signed = request(linked, "join", (1, 2))
    with pytest.raises(Unacceptable, match="no DPO or signatory"):
        place(linked, "join", signed, person=f"{CLEVELAND}/checker")
    with pytest.raises(Unacceptable, match="asks to join, not to split"):
        place(linked, "split", signed)
    with pytest.raises(Unacceptable, match="1 to 500"):
        place(linked, "join", signed, reason=" ")
    with pytest.raises(Unacceptable, match="does not hold"):
        place(linked, "join", {**signed, "document": {**signed["document"], "action": "split"}})
    with pytest.raises(RefusedByAgreement, match="nobody who supplies rows"):
        place(linked, "join", {**signed, "document": {**signed["document"], "supplier": OPERATOR}})
    with pytest.raises(RefusedByAgreement, match="no linkage links"):
        place(linked, "join", request(linked, "join", (1, 2), kind="case"))
    with pytest.raises(Unacceptable, match="epoch in use"):
        place(linked, "join", request(linked, "join", (1, 2), epochs=[{"epoch": 1, "key_check": "f" * 16}]))
    with pytest.raises(Unacceptable, match="another agreement or version"):
        place(linked, "join", request(linked, "join", (1, 2), version=7))
    place(linked, "join", signed)
    with pytest.raises(Conflict, match="entered before"):
        place(linked, "join", signed)
    with pytest.raises(NotFound):
        lift(linked, "over-0000")
    say(linked, CLEVELAND, Voice.SUSPEND, capacity=Capacity.DPO)
    with pytest.raises(RefusedByAgreement, match="suspended"):
        place(linked, "join", request(linked, "join", (3, 4)))


def test_who_asked_and_for_what_is_as_in_any_edition(linked: LinkedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(linked, planted(joint=40), monkeypatch)
    found = row(linked, ask(linked, release=RELEASE))
    assert (found.first_period, found.requested_by) == (APRIL.name, print_of(linked.keys[REQUESTER]))
    release: Release | None = linked.agreement.release(RELEASE)
    assert release is not None
    assert found.dispose_on == min(linked.row(one["submission"]).dispose_on for one in found.draft["inputs"])
