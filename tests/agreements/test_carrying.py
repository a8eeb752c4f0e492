"""Rows held under an older version: carried exactly as the newer one would have taken them, or not at all; and who may read them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.carrying import Way, bring, carry, may_reach
from agreements.columns import minimise
from agreements.compare_rules import translation
from agreements.decisions import Allowed, Refused
from agreements.difference import difference
from agreements.errors import AgreementError
from agreements.fields import ARROW, FieldType, Means, Rule
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.plain_english import describe
from agreements.rule_table import read_rule
from tests.agreements import papers
from tests.agreements.papers import Document
from tests.agreements.test_difference import COLUMNS, MEANS, PAIRS, POSTCODES, REFUSED, field, postcode_rules, products

APRIL = Period.parse("2021-04")
BASE = papers.agreement()
CRIMES = papers.dataset()
NULLS = st.booleans()


def one_field(rule: Rule, kind: FieldType, *, empty: bool) -> Dataset:
    """The crimes dataset with this one field, which does not tell the period."""
    model = replace(CRIMES.field("crime_type"), name="value", source="value", type=kind, rule=rule, may_be_empty=empty)
    return replace(CRIMES, fields=(model,))


def carried(old: Dataset, new: Dataset, made: list[Any]) -> list[Any]:
    """Each held value carried by itself; REFUSED where its row is at fault."""
    found: list[Any] = []
    ways = carry(old, new)
    for value in made:
        batch = pa.record_batch([pa.array([value], old.fields[0].arrow_type)], schema=old.schema)
        brought, breaches = bring(batch, ways, new, APRIL)
        found.append(REFUSED if breaches else brought.column(0)[0].as_py())
    return found


def lawful(old_rule: Rule, new_rule: Rule, kind: FieldType, values: list[Any], old_empty: bool, new_empty: bool) -> bool:
    """Every value that the old rule admitted comes out as the new rule would have made of it; whether the field is carried at all."""
    old, new = one_field(old_rule, kind, empty=old_empty), one_field(new_rule, kind, empty=new_empty)
    if carry(old, new)[0].way is Way.NOT:
        return False
    was, now = products(old_rule, kind, values, empty=old_empty), products(new_rule, kind, values, empty=new_empty)
    held = [(before, after) for before, after in zip(was, now, strict=True) if before is not REFUSED]
    distinct = list(dict.fromkeys((type(before), before, after) for before, after in held))
    assert carried(old, new, [before for _, before, _ in distinct]) == [after for _, _, after in distinct], (old_rule, new_rule)
    return True


@given(PAIRS, NULLS, NULLS)
@settings(max_examples=700, deadline=None)
def test_what_is_carried_is_what_the_new_rule_makes_of_the_source(
    pair: tuple[FieldType, Rule, Rule], old_empty: bool, new_empty: bool
) -> None:
    kind, old, new = pair
    lawful(old, new, kind, [*COLUMNS[kind], None], old_empty, new_empty)
    assert lawful(old, old, kind, [*COLUMNS[kind], None], old_empty, new_empty)


@given(postcode_rules(), postcode_rules())
def test_the_same_law_for_postcodes(old: Rule, new: Rule) -> None:
    lawful(old, new, FieldType.TEXT, POSTCODES, old_empty=False, new_empty=False)


@pytest.mark.parametrize(
    ("kind", "old", "new", "values"),
    [
        ("date", {"generalise": "month"}, {"generalise": "quarter"}, COLUMNS[FieldType.DATE]),
        ("date", {"generalise": "quarter"}, {"generalise": "year"}, COLUMNS[FieldType.DATE]),
        ("date", {"keep": {"from": "2019-01-01", "to": "2030-01-01"}}, {"generalise": "year"}, COLUMNS[FieldType.DATE]),
        ("date", {"keep": {"from": "2019-01-01", "to": "2030-01-01"}}, {"keep": {"from": "2020-01-01", "to": "2020-06-01"}}, COLUMNS[FieldType.DATE]),
        ("text", {"generalise": "sector"}, {"generalise": "district"}, POSTCODES),
        ("text", {"keep": {"pattern": "^[A-Z0-9 ]+$"}}, {"generalise": "district"}, POSTCODES),
        ("text", {"keep": {"values": ["a", "b"]}}, {"keep": {"values": ["a"]}}, ["a", "b"]),
        ("text", {"keep": {"values": ["a", "b"]}}, {"flag": ["a"]}, ["a", "b"]),
        ("text", {"keep": {"values": ["a", "b"]}}, {"map": {"codes": {"a": "A"}, "otherwise": "Rest"}}, ["a", "b"]),
        ("text", {"map": {"codes": {"a": "A", "b": "B"}}}, {"map": {"codes": {"a": "C", "b": "C"}}}, ["a", "b"]),
        ("text", {"map": {"codes": {"a": "A", "b": "B"}}}, {"map": {"codes": {"a": "A"}}}, ["a", "b"]),
        ("text", {"map": {"codes": {"a": "A", "b": "B"}}}, {"flag": ["b"]}, ["a", "b"]),
        ("integer", {"band": [10, 18, 25]}, {"band": [18]}, COLUMNS[FieldType.INTEGER]),
        ("integer", {"keep": {"from": 0, "to": 40}}, {"band": [18]}, COLUMNS[FieldType.INTEGER]),
        ("integer", {"top_code": 30}, {"top_code": 20}, COLUMNS[FieldType.INTEGER]),
        ("integer", {"top_code": 30}, {"keep": {"from": -20, "to": 29}}, COLUMNS[FieldType.INTEGER]),
        ("integer", {"round": 5}, {"round": 15}, COLUMNS[FieldType.INTEGER]),
        ("integer", {"round": 5}, {"band": [3, 13]}, COLUMNS[FieldType.INTEGER]),
    ],
)  # fmt: skip
def test_what_narrows_is_carried(kind: str, old: dict[str, Any], new: dict[str, Any], values: list[Any]) -> None:
    assert lawful(read_rule(old), read_rule(new), FieldType(kind), values, old_empty=False, new_empty=False)


@pytest.mark.parametrize(
    ("kind", "old", "new", "reason"),
    [
        ("date", {"generalise": "quarter"}, {"generalise": "month"}, "does not tell"),
        ("text", {"generalise": "district"}, {"generalise": "sector"}, "does not tell"),
        ("text", {"map": {"codes": {"a": "A", "b": "A"}}}, {"map": {"codes": {"a": "A"}}}, "does not tell"),
        ("text", {"keep": {"values": ["a"]}}, {"pseudonymise": "case"}, "at the agency alone"),
        ("text", {"pseudonymise": "case"}, {"pseudonymise": "person"}, "at the agency alone"),
        ("text", {"flag": ["a"]}, {"keep": {"pattern": "^[a-z]$"}}, "does not tell"),
        (
            "text",
            {"keep": {"values": ["a"]}},
            {"map": {"list": "places", "digest": "sha256:" + "0" * 64, "values": ["A"]}},
            "does not tell",
        ),
        ("integer", {"band": [10]}, {"band": [10, 18]}, "does not tell"),
        ("integer", {"top_code": 20}, {"top_code": 30}, "does not tell"),
        ("integer", {"top_code": 20}, {"keep": {"from": 0, "to": 20}}, "does not tell"),
        ("integer", {"round": 5}, {"round": 10}, "does not tell"),
        ("integer", {"band": [5, 6]}, {"keep": {"from": 5, "to": 6}}, "does not tell"),
    ],
)
def test_what_cannot_be_told_is_not_carried(kind: str, old: dict[str, Any], new: dict[str, Any], reason: str) -> None:
    before, after = (one_field(read_rule(rule), FieldType(kind), empty=False) for rule in (old, new))
    [found] = carry(before, after)
    assert (found.way, reason in found.reason) == (Way.NOT, True)
    with pytest.raises(AgreementError, match="value cannot be carried"):
        bring(pa.record_batch([pa.nulls(1, before.fields[0].arrow_type)], schema=before.schema), [found], after, APRIL)


LISTED: dict[str, Any] = {"list": "places", "digest": "sha256:" + "0" * 64, "values": ["A", "B"]}


def test_rules_by_one_code_list_are_carried_only_where_its_unlisted_codes_cannot_hide() -> None:
    def listed(**more: Any) -> Rule:
        return read_rule({"map": {**LISTED, **more}})

    assert translation(listed(), listed(values=["A"])) == {"A": "A"}
    assert translation(listed(otherwise="Rest"), listed(otherwise="Rest", values=["A"])) == {"A": "A", "Rest": "Rest"}
    # The list itself may say “Rest” of a code, and the newer version would then refuse it.
    assert translation(listed(otherwise="Rest"), listed(otherwise="Other")) is None
    assert translation(listed(), listed(digest="sha256:" + "1" * 64)) is None
    assert translation(listed(), read_rule({"flag": ["A"]})) is None


def test_only_source_type_and_rule_count_and_the_order_and_number_of_fields_are_the_new_ones() -> None:
    def edit(parsed: Document) -> None:
        for one in parsed["datasets"][0]["fields"]:
            one |= {"meaning": "Another.", "reason": "Another.", "category": "special-category"}
        parsed["datasets"][0]["fields"].reverse()
        parsed["datasets"][0] |= {"grain": "one row", "due_days": 3, "mode": "append", "retention": "P1Y"}

    newer = papers.edited(edit).dataset("crimes")
    assert newer is not None
    assert [(one.name, one.way) for one in carry(CRIMES, newer)] == [(one.name, Way.AS_IS) for one in reversed(CRIMES.fields)]
    fewer = replace(newer, fields=newer.fields[:2])
    assert len(carry(CRIMES, fewer)) == 2


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda _: {"adapter": "another"}, "another adapter"),
        (lambda _: {"period_field": "day"}, "another period field"),
        (lambda one: {"fields": (*one.fields, replace(one.fields[0], name="more"))}, "was not sent"),
        (lambda one: {"fields": (replace(one.fields[-1], source="elsewhere"),)}, "another source field"),
        (lambda one: {"fields": (replace(one.fields[1], type=FieldType.DATE),)}, "another source field"),
    ],
)
def test_what_was_something_else_is_not_carried(edit: Callable[[Dataset], dict[str, Any]], reason: str) -> None:
    found = [one.reason for one in carry(CRIMES, replace(CRIMES, **edit(CRIMES))) if one.way is Way.NOT]
    assert found
    assert all(reason in one for one in found)
    assert {one.way for one in carry(None, CRIMES)} == {Way.NOT}


def test_a_field_that_may_be_empty_no_longer_is_looked_at_row_by_row() -> None:
    old, new = (one_field(read_rule({"keep": {"values": ["a"]}}), FieldType.TEXT, empty=empty) for empty in (True, False))
    [way] = carry(old, new)
    assert way.way is Way.APPLIED
    _, breaches = bring(pa.record_batch([pa.array(["a", None, None])], schema=old.schema), [way], new, APRIL)
    assert {place: count for place, (_, _, count) in breaches.items()} == {"value: must not be empty": 2}


def test_a_quarter_that_begins_before_its_month_is_at_fault_as_it_would_be_if_it_were_pushed() -> None:
    quarterly = read_rule({"generalise": "quarter"})
    new = replace(CRIMES, fields=tuple(replace(one, rule=quarterly) if one.name == "month" else one for one in CRIMES.fields))
    ways = carry(CRIMES, new)
    source = {"crime_id": [None], "month": [dt.date(2021, 5, 1)], "lsoa_code": [None], "crime_type": ["Drugs"], "last_outcome": [None]}
    batch = pa.record_batch(
        [pa.array(source[one.source], ARROW[one.type]) for one in CRIMES.fields], names=[one.source for one in CRIMES.fields]
    )
    rules = Means(MEANS.pseudonymise, papers.LISTS)
    held = minimise(batch, CRIMES, rules)
    brought, breaches = bring(held, ways, new, Period.parse("2021-05"))
    assert brought.equals(minimise(batch, new, rules))
    assert [place for place in breaches if place.startswith("month: must lie in the period")]


# --------------------------------------------------------------------------------------------------------- who may read them


def newer(edit: Callable[[Document], Any]) -> Agreement:
    def change(parsed: Document) -> None:
        parsed["agreement"]["version"] = 2
        edit(parsed)

    return papers.edited(change)


def another(parsed: Document) -> None:
    parsed["releases"].append({**parsed["releases"][0], "name": "mv7-again"})


def press(parsed: Document) -> None:
    client = papers.fingerprint("press/client")
    parsed["recipients"].append({"id": "press", "name": "Press", "party": "lcjp-operator", "client": client})
    parsed["releases"][0]["recipients"].append("press")


def other_party(parsed: Document) -> None:
    parsed["recipients"][0]["party"] = "cleveland-police"


def reads_more(parsed: Document) -> None:
    parsed["datasets"].append({**parsed["datasets"][1], "name": "later"})
    for party in parsed["parties"]:
        for basis in party["lawful_bases"]:
            basis["datasets"].append("later")
    parsed["releases"][0]["lookups"].append({**parsed["releases"][0]["lookups"][0], "dataset": "later"})


@pytest.mark.parametrize(
    ("edit", "release", "what"),
    [
        (another, "mv7-again", "did not have this release"),
        (press, "mv7-outcomes", "the recipient press"),
        (other_party, "mv7-outcomes", "the recipient lcjp-performance-team"),
        (reads_more, "mv7-outcomes", "the dataset later"),
        (lambda one: one["releases"][0].update(public=True), "mv7-outcomes", "the public"),
        (lambda one: one["releases"][0].update(measure="MV6"), "mv7-outcomes", "this measure"),
    ],
)
def test_new_purposes_and_recipients_reach_held_rows_only_where_the_new_version_says_so(
    edit: Callable[[Document], Any], release: str, what: str
) -> None:
    now = newer(edit)
    found = now.release(release)
    assert found is not None
    refused = may_reach(BASE, now, found)
    assert isinstance(refused, Refused)
    assert what in refused.reason
    assert refused.clause == f"LCJP-MV7 version 2, release {release}, earlier rows"
    assert isinstance(may_reach(now, now, found), Allowed)

    def said(parsed: Document) -> None:
        edit(parsed)
        parsed["releases"][-1]["earlier_rows"] = True

    says = newer(said)
    told = says.release(release)
    assert told is not None
    assert isinstance(may_reach(BASE, says, told), Allowed)


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: one["releases"][0].update(question="Another?", title="Another"),
        lambda one: one["releases"][0]["terms"].update(threshold=20),
        lambda one: one["releases"][0]["tables"].pop(),
        lambda one: one["recipients"][0].update(client=papers.fingerprint("team/another")),
        lambda one: field(one, "month").update(rule={"generalise": "quarter"}),
    ],
)
def test_a_release_that_was_there_for_the_same_recipients_reaches_them(edit: Callable[[Document], Any]) -> None:
    now = newer(edit)
    assert isinstance(may_reach(BASE, now, now.releases[0]), Allowed)


def test_it_is_read_compared_and_said_in_english_and_the_shipped_agreement_says_no() -> None:
    says = papers.edited(lambda one: one["releases"][0].update(earlier_rows=True))
    assert (BASE.releases[0].earlier_rows, says.releases[0].earlier_rows) == (False, True)
    [there], [back] = difference(BASE, says), difference(says, BASE)
    assert (there.risk.name, back.risk.name, there.clause) == ("WIDER", "NARROWER", "release mv7-outcomes, earlier rows")
    assert any("are read only for what that version already allowed" in line for line in describe(BASE))
    assert any("are read too" in line for line in describe(says))
    plain = papers.edited(lambda one: one["releases"][0].update(earlier_rows=False))
    assert [change.clause for change in difference(BASE, plain)] == ["document"]
