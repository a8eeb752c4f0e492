"""The public register: only what was agreed, nobody's name, no key; and CSV that no spreadsheet runs."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.lifecycle import State
from exchange.exports.csv_table import inert, to_csv
from exchange.exports.public_register import COLUMNS, entries, register_csv
from exchange.exports.version import Version
from tests.agreements import papers
from tests.exchange.exports.changing import original

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
FINGERPRINT = re.compile(r"(ed25519|es256|passkey|xwing):[0-9a-f]{64}")


def version(state: State, number: int = 1, **more: datetime | None) -> Version:
    agreement = papers.edited(lambda parsed: parsed["agreement"].update(version=number))
    return Version(agreement, state, (), more.get("in_force_at", NOW), more.get("replaced_at"))


@pytest.mark.parametrize("state", [State.DRAFT, State.PROPOSED, State.SIGNED])
def test_what_is_not_agreed_yet_is_not_in_it(state: State) -> None:
    assert entries([version(state)]) == []


@pytest.mark.parametrize("state", [State.IN_FORCE, State.SUSPENDED, State.EXPIRED, State.TERMINATED])
def test_what_was_agreed_is_in_it(state: State) -> None:
    (entry,) = entries([version(state)])
    assert tuple(entry.values) == tuple(COLUMNS)
    assert entry.values["status"] == state.replace("-", " ").capitalize()


def test_a_proposal_that_was_dropped_was_never_agreed() -> None:
    assert entries([version(State.TERMINATED, in_force_at=None)]) == []


def test_the_newest_version_comes_first_and_an_older_one_says_that_it_was_replaced() -> None:
    found = entries([version(State.IN_FORCE, 1, replaced_at=NOW), version(State.PROPOSED, 3), version(State.IN_FORCE, 2)])
    assert [entry.values["version"] for entry in found] == ["2", "1"]
    assert found[1].values["status"] == "Replaced by a newer version"
    assert found[1].values["end"] == "2026-11-22"
    assert found[0].values["end"] == "2036-11-01"


def test_a_dataset_that_is_suspended_by_itself_is_told_of() -> None:
    (entry,) = entries([replace(version(State.IN_FORCE), suspended=("crimes",))])
    assert entry.values["status"] == "In force; suspended in part: Recorded crimes, as published by month"


def test_every_party_power_and_retention_is_in_it() -> None:
    agreement = original()
    (entry,) = entries([Version(agreement, State.IN_FORCE, (), NOW)])
    text = "\n".join(entry.values.values())
    for party in agreement.parties:
        assert party.name in text
        assert party.contact in text
        for basis in party.lawful_bases:
            assert basis.basis in entry.values["lawful_basis"]
            assert basis.gateway in entry.values["legal_power"]
    for dataset in agreement.datasets:
        assert f"{dataset.title}: {dataset.retention.in_words()}" in entry.values["retention"]
        assert all(field.name in entry.values["disclosed"] for field in dataset.fields)
    assert agreement.digest == entry.values["digest"]


def test_no_individual_and_no_key_is_in_it_even_where_the_words_name_one() -> None:
    agreement = papers.agreement()
    people = [one for party in agreement.parties for one in (party.dpo, party.signatory, *party.checkers)]
    plain = register_csv(entries([Version(agreement, State.IN_FORCE, (), NOW)]))
    assert not any(one.name in plain or one.key in plain for one in people)
    assert not FINGERPRINT.search(plain)
    for one in people:

        def naming(parsed: papers.Document, name: str = one.name, key: str = one.key) -> None:
            parsed["agreement"]["dpia"] = f"Signed by {name.upper()}, key {key}."
            parsed["items"]["stages"] = f"Ask {name}."

        told = register_csv(entries([Version(papers.edited(naming), State.IN_FORCE, (), NOW)]))
        assert one.name.lower() not in told.lower()
        assert one.key not in told
        assert "Signed by [left out], key [left out]." in told


@pytest.mark.parametrize("kind", ["ed25519", "es256", "passkey", "xwing"])
def test_no_key_of_any_kind_is_in_it(kind: str) -> None:
    key = f"{kind}:{'0' * 64}"
    told = register_csv(
        entries([Version(papers.edited(lambda parsed: parsed["agreement"].update(dpia=f"Key {key}.")), State.IN_FORCE, (), NOW)])
    )
    assert key not in told
    assert "Key [left out]." in told


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n\0 \"',;aé1＝"), max_size=12))
def test_no_cell_begins_as_a_formula_and_none_is_lost(cell: str) -> None:
    found = inert(cell)
    assert not found.lstrip(" ").startswith(("=", "+", "-", "@", "＝", "\t", "\r", "\n"))
    assert "\0" not in found
    assert found in (said := cell.replace("\0", ""), f"'{said}")
    (row,) = list(csv.reader(io.StringIO(to_csv(["a"], []), newline="")))
    assert row == ["a"]


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4))
def test_a_table_reads_back_as_it_was_written(rows: list[tuple[str, str]]) -> None:
    written = to_csv(["one", "two"], [{"one": one, "two": two} for one, two in rows])
    read = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    assert read == [["one", "two"], *([inert(one), inert(two)] for one, two in rows)]
    assert written.count("\r\n") >= len(rows) + 1


def test_hostile_words_are_inert_in_the_register() -> None:
    def hostile(parsed: papers.Document) -> None:
        parsed["agreement"]["title"] = '=HYPERLINK("http://evil.example")'
        parsed["agreement"]["purpose"] = '@SUM(1)\nnext, "quoted"'

    written = register_csv(entries([Version(papers.edited(hostile), State.IN_FORCE, (), NOW)]))
    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    assert row["title"] == '\'=HYPERLINK("http://evil.example")'
    assert row["purpose"] == '\'@SUM(1)\nnext, "quoted"'


def test_a_row_must_have_the_columns_of_its_table() -> None:
    with pytest.raises(ValueError, match="exactly the columns"):
        to_csv(["one"], [{"two": "x"}])
