"""The difference of two versions: nothing is left unsaid, and nothing is called narrower that could let more through."""

import datetime as dt
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agreements.changes import Risk
from agreements.cohort import Attribute, Cohort, Entry, Event
from agreements.compare_rules import Order, compared, covers, no_finer
from agreements.difference import difference, narrower
from agreements.difference_datasets import kept
from agreements.document import fill, placeholders
from agreements.errors import InvalidDocument, InvalidRule
from agreements.fields import ARROW, FieldType, Means, Rule
from agreements.items import Said
from agreements.machines import HubKeys, MachineKeys
from agreements.model import Agreement, Approvals, Dataset, Field, LawfulBasis, Party, Person, Recipient
from agreements.periods import Duration
from agreements.release import Dimension, Lookup, Release, Table, Terms
from agreements.rule_table import read_rule
from agreements.worked_out import Band, Banded, Case, Cases, FirstOf, Matched, MonthsBetween, Value
from tests.agreements import papers
from tests.agreements.papers import Document

BASE = papers.agreement()
PLACES = list(papers.leaves(papers.document()))


def told(edit: Callable[[Document], Any], base: Agreement = BASE) -> list[tuple[str, str]]:
    return [(change.risk.name, change.clause) for change in difference(base, papers.edited(edit))]


def field(parsed: Document, name: str, dataset: int = 0) -> Any:
    return next(one for one in parsed["datasets"][dataset]["fields"] if one["name"] == name)


def test_the_same_words_have_no_difference() -> None:
    assert difference(BASE, papers.build(papers.document())) == ()


def _other(value: Any, draw: st.DrawFn) -> Any:
    """Another value of the same shape."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw(st.sampled_from([-1, 1, 7]))
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=draw(st.sampled_from([-40, -1, 1, 400])))
    tail = "0" if not value.endswith("0") else "1"
    words = ["part3", "append", "snapshot", "processor", "suppressible", "A", "B", "victims", "suspects", "P9Y", "P120M", "day", "quarter"]
    words += ["keep-until-due", "special-category", "criminal-offence", "durham-constabulary", "outcomes", "month", "2020", "2022-03"]
    return draw(st.sampled_from([f"{value} and more", f"{value}x", value[:-1] + tail, *words]))


@cache
def shipped(name: str) -> tuple[str, Agreement, list[Any], list[Any]]:
    """A shipped agreement: its words, filled; what they say; the places of its leaves and of its tables."""
    template = (papers.TEMPLATE.parent / name).read_text(encoding="utf-8")
    text = fill(template, {card: papers.fingerprint(card) for card in placeholders(template)})
    parsed = tomllib.loads(text)
    return text, papers.build(parsed), list(papers.leaves(parsed)), list(papers.tables(parsed))


@st.composite
def changed(draw: st.DrawFn) -> tuple[Agreement, Document]:
    """A shipped agreement, and its document after one change anywhere: a leaf; or a member left out, moved or doubled."""
    text, base, places, tables = shipped(draw(st.sampled_from(sorted(path.name for path in papers.TEMPLATE.parent.glob("*.toml")))))
    parsed = tomllib.loads(text)
    if draw(st.booleans()):
        place = draw(st.sampled_from(places))
        holder = papers.at(parsed, place[:-1])
        holder[place[-1]] = _other(holder[place[-1]], draw)
        return base, parsed
    holder = papers.at(parsed, draw(st.sampled_from(tables)))
    name = draw(st.sampled_from(sorted(holder)))
    match draw(st.sampled_from(["drop", "move", "double"])):
        case "move" if isinstance(holder[name], list):
            holder[name] = draw(st.permutations(holder[name]))
        case "double" if isinstance(holder[name], list) and holder[name]:
            holder[name] = [*holder[name], draw(st.sampled_from(holder[name]))]
        case _:
            del holder[name]
    return base, parsed


def _executed(agreement: Agreement) -> Any:
    """All that the software goes by; by what law each dataset is shared, however the tables are grouped."""
    bases = [
        {(name, one.regime, one.basis, one.gateway) for one in party.lawful_bases for name in one.datasets} for party in agreement.parties
    ]
    parties = tuple(replace(party, lawful_bases=()) for party in agreement.parties)
    crossings = {(name, one.source, one.target, one.gateway) for one in agreement.crossings for name in one.datasets}
    joins = tuple(replace(one, joins=tuple(sorted(set(one.joins)))) for one in agreement.permissions)
    about = tuple(replace(one, about=tuple(sorted(one.about))) for one in agreement.datasets)
    rest = replace(agreement, parties=parties, crossings=(), permissions=joins, datasets=about, digest="", document={})
    return rest, bases, crossings


BACK = {Risk.WIDER: Risk.NARROWER, Risk.NARROWER: Risk.WIDER, Risk.CHANGED: Risk.CHANGED, Risk.WORDS: Risk.WORDS}


@given(changed())
@settings(max_examples=120, deadline=None)
def test_nothing_that_differs_is_left_unsaid_and_the_way_back_says_the_opposite(change: tuple[Agreement, Document]) -> None:
    base, parsed = change
    try:
        new = papers.build(parsed)
    except InvalidDocument:
        assume(False)
    there, back = difference(base, new), difference(new, base)
    assert bool(there) == (new.digest != base.digest)
    assert all(one.words.endswith(".") and one.clause for one in there)
    assert [one.risk for one in there] == sorted(one.risk for one in there)
    assert Counter((BACK[one.risk], one.clause) for one in back) == Counter((one.risk, one.clause) for one in there)
    if "document" in {one.clause for one in there}:  # “written differently, to the same effect”
        assert _executed(new) == _executed(base)


def test_every_leaf_that_may_change_alone_is_told_as_what_it_is() -> None:
    """Not as “written differently”: that is only for what means the same."""
    found = 0
    for place in PLACES:
        parsed = papers.document()
        holder = papers.at(parsed, place[:-1])
        value = holder[place[-1]]
        if not isinstance(value, str) or len(place) < 2:
            continue
        holder[place[-1]] = f"{value} and more"
        try:
            new = papers.build(parsed)
        except InvalidDocument:
            continue
        found += 1
        assert [change for change in difference(BASE, new) if change.clause != "document"], place
    assert found > 150


@pytest.mark.parametrize(
    ("edit", "risk", "clause"),
    [
        (lambda one: one["datasets"][0].update(retention="P11Y"), "WIDER", "dataset crimes, retention"),
        (lambda one: one["datasets"][0].update(retention="P9Y"), "NARROWER", "dataset crimes, retention"),
        (lambda one: one["datasets"][0].update(retention="P120M"), "WORDS", "dataset crimes, retention"),
        (lambda one: one["datasets"][0].update(retention="P3652D"), "CHANGED", "dataset crimes, retention"),
        (lambda one: one["datasets"][0].update(due_days=90), "CHANGED", "dataset crimes, due day"),
        (lambda one: one["datasets"][0].update(mode="append"), "CHANGED", "dataset crimes, mode"),
        (lambda one: one["datasets"][0].update(about=["others"]), "WIDER", "dataset crimes, about"),
        (lambda one: one["datasets"][0].update(suppliers=["cleveland-police"]), "NARROWER", "dataset crimes, suppliers"),
        (lambda one: field(one, "month").update(may_be_empty=True), "WIDER", "dataset crimes, field month"),
        (lambda one: field(one, "crime").update(may_be_empty=False), "NARROWER", "dataset crimes, field crime"),
        (lambda one: field(one, "month").update(category="special-category"), "CHANGED", "dataset crimes, field month"),
        (lambda one: field(one, "month").update(meaning="Another."), "WORDS", "dataset crimes, field month"),
        (lambda one: field(one, "month").update(rule={"generalise": "quarter"}), "NARROWER", "dataset crimes, field month"),
        (lambda one: field(one, "crime_type").update({"from": "offence"}), "CHANGED", "dataset crimes, field crime_type"),
        (lambda one: one["agreement"].update(back_fill_from="2019-01"), "WIDER", "term"),
        (lambda one: one["agreement"].update(expires=dt.date(2037, 1, 1)), "WIDER", "term"),
        (lambda one: one["agreement"].update(after_end="keep-until-due"), "WIDER", "term"),
        (lambda one: one["agreement"].update(purpose="Another."), "WORDS", "purpose"),
        (lambda one: one["approvals"].update(output_checkers=3), "NARROWER", "approvals, output checkers"),
        (lambda one: one["releases"][0]["terms"].update(threshold=5), "WIDER", "release mv7-outcomes, terms"),
        (lambda one: one["releases"][0]["terms"].update(level="B"), "WIDER", "release mv7-outcomes, terms"),
        (lambda one: one["releases"][0]["terms"].update(method="rounding", base=20), "CHANGED", "release mv7-outcomes, terms"),
        (lambda one: one["releases"][0]["terms"].update(zeros="suppressible", level="B"), "NARROWER", "release mv7-outcomes, terms"),
        (lambda one: one["releases"][0].update(public=True), "WIDER", "release mv7-outcomes, recipients"),
        (lambda one: one["releases"][0].update(present=[]), "WIDER", "release mv7-outcomes, definition"),
        (lambda one: one["releases"].clear(), "NARROWER", "releases"),
        (lambda one: one["releases"][0]["tables"].pop(), "NARROWER", "release mv7-outcomes, tables"),
        (lambda one: one["parties"][0]["dpo"].update(name="Somebody Else"), "CHANGED", "parties, cleveland-police"),
        (lambda one: one["parties"][0]["keys"].update(manifest="ed25519:" + "0" * 64), "CHANGED", "parties, cleveland-police"),
        (lambda one: one["items"].update(children={"not_applicable": "because."}), "CHANGED", "items, children"),
        (lambda one: one["items"].update(children="Other words."), "WORDS", "items, children"),
    ],
)
def test_each_kind_of_change_is_told_with_its_risk(edit: Callable[[Document], Any], risk: str, clause: str) -> None:
    assert (risk, clause) in told(edit)


def test_a_new_recipient_party_field_and_crossing_are_wider_and_come_first() -> None:
    def edit(parsed: Document) -> None:
        client = papers.fingerprint("press/client")
        parsed["recipients"].append({"id": "press", "name": "Press", "party": "lcjp-operator", "client": client})
        parsed["datasets"][0]["fields"].append({**field(parsed, "month"), "name": "month_again"})
        parsed["crossings"] = [{"datasets": ["crimes"], "from": "part3", "to": "uk-gdpr", "gateway": "A power."}]
        parsed["permissions"] = [{"name": "why", "joins": ["victims", "suspects"], "because": "It must be."}]
        parsed["agreement"]["title"] = "Another"

    found = told(edit)
    assert found[:4] == [
        ("WIDER", "recipients"),
        ("WIDER", "dataset crimes, field month_again"),
        ("WIDER", "crossings"),
        ("WIDER", "permissions"),
    ]
    assert found[-1][0] == "WORDS"


def test_retention_is_told_in_one_sentence() -> None:
    found = difference(BASE, papers.edited(lambda one: one["datasets"][0].update(retention="P12Y")))
    assert found[0].words == "Retention of crimes grows from 10 years to 12 years after the period's end."
    assert (found[0].before, found[0].after) == ("P10Y", "P12Y")


@given(st.integers(0, 40), st.integers(0, 900), st.integers(0, 40), st.integers(0, 900))
@settings(max_examples=60, deadline=None)
def test_retentions_are_ordered_only_where_every_day_agrees(a: int, b: int, c: int, d: int) -> None:
    old, new = Duration("", a, b), Duration("", c, d)
    answers = {Order.MORE: Order.LESS, Order.LESS: Order.MORE, Order.SAME: Order.SAME, Order.UNDECIDED: Order.UNDECIDED}
    assert kept(new, old) is answers[kept(old, new)]
    for day in (dt.date(2024, 2, 29), dt.date(2025, 1, 31), dt.date(2023, 12, 31)):
        if kept(old, new) is Order.LESS:
            assert new.after(day) <= old.after(day)


# ------------------------------------------------------------------------------------------------------- narrower


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda one: one["agreement"].update(purpose="Another."), False),
        (lambda one: one["datasets"][0].update(due_days=90, grain="one row a crime"), False),
        (lambda one: one["datasets"][0].update(mode="append"), True),
        (lambda one: one["datasets"][0].update(period="quarter"), True),
        (lambda one: one["datasets"][0].update(retention="P11Y"), False),
        (lambda one: one["datasets"][0].update(retention="P9Y"), True),
        (lambda one: one["datasets"][1].update(retention="P9Y"), False),
        (lambda one: one["datasets"][0].update(suppliers=["cleveland-police"]), True),
        (lambda one: one["datasets"][0]["fields"].pop(), None),
        (lambda one: field(one, "month").update(rule={"keep": {"from": "2015-01-01", "to": "2036-12-01"}}), True),
        (lambda one: field(one, "month").update(rule={"keep": {"from": "2000-01-01", "to": "2036-12-01"}}), False),
        (lambda one: one["agreement"].update(back_fill_from="2022-01"), True),
        (lambda one: one["agreement"].update(back_fill_from="2019-01"), False),
        (lambda one: one["parties"][0]["lawful_bases"][0].update(gateway="Another power"), True),
        (lambda one: one["releases"][0]["terms"].update(threshold=20), False),
    ],
)
def test_narrower_is_about_one_dataset_in_any_respect(edit: Callable[[Document], Any], expected: bool | None) -> None:
    parsed = papers.document()
    edit(parsed)
    if expected is None:  # the field is read by the release: only a document that is consistent can be compared
        with pytest.raises(InvalidDocument):
            papers.build(parsed)
        return
    assert narrower(BASE, papers.build(parsed), "crimes") is expected


def test_a_dataset_that_is_gone_is_narrower_and_one_that_never_was_is_not() -> None:
    def edit(parsed: Document) -> None:
        parsed["releases"] = []
        parsed["datasets"] = [parsed["datasets"][1]]
        for party in parsed["parties"]:
            party["lawful_bases"][0]["datasets"] = ["outcomes"]

    fewer = papers.edited(edit)
    assert narrower(BASE, fewer, "crimes")
    assert not narrower(fewer, BASE, "crimes")
    assert not narrower(BASE, fewer, "outcomes")


# ---------------------------------------------------------------------------------------------------------- rules

NAMES = ["a", "b", "c", "ab", "x1", "y2"]
TEXTS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
PATTERNS = st.sampled_from(["^[a-z]$", "^[a-z]+$", "^[a-z][0-9]$", "^a|b$"])


def _maps(draw: st.DrawFn) -> dict[str, Any]:
    table: dict[str, Any] = {"codes": {code: draw(st.sampled_from(["A", "B", "a", "b"])) for code in draw(TEXTS)}}
    if draw(st.booleans()):
        table["otherwise"] = draw(st.sampled_from(["A", "Rest"]))
    if draw(st.booleans()):
        table["blank"] = draw(st.sampled_from(["B", "None"]))
    return {"map": table}


@st.composite
def text_rules(draw: st.DrawFn) -> Rule:
    match draw(st.integers(0, 4)):
        case 0:
            return read_rule({"keep": {"values": draw(TEXTS)}})
        case 1:
            return read_rule({"keep": {"pattern": draw(PATTERNS)}})
        case 2:
            return read_rule({"flag": draw(TEXTS)})
        case 3:
            return read_rule({"pseudonymise": draw(st.sampled_from(["case", "person"]))})
        case _:
            return read_rule(_maps(draw))


@st.composite
def number_rules(draw: st.DrawFn) -> Rule:
    number = st.integers(-6, 30)
    match draw(st.integers(0, 3)):
        case 0:
            low, high = sorted((draw(number), draw(number)))
            return read_rule({"keep": {"from": low, "to": high}})
        case 1:
            return read_rule({"band": sorted(draw(st.lists(number, min_size=1, max_size=5, unique=True)))})
        case 2:
            return read_rule({"round": draw(st.integers(2, 12))})
        case _:
            return read_rule({"top_code": draw(number)})


@st.composite
def date_rules(draw: st.DrawFn) -> Rule:
    days = st.dates(dt.date(2020, 1, 1), dt.date(2022, 12, 31))
    if draw(st.booleans()):
        return read_rule({"generalise": draw(st.sampled_from(["month", "quarter", "year"]))})
    low, high = sorted((draw(days), draw(days)))
    return read_rule({"keep": {"from": low, "to": high}})


@st.composite
def postcode_rules(draw: st.DrawFn) -> Rule:
    return read_rule({"generalise": draw(st.sampled_from(["district", "sector"]))})


COLUMNS: dict[FieldType, list[Any]] = {
    FieldType.TEXT: [*NAMES, "zz", "q", "z9", "w7", ""],
    FieldType.INTEGER: list(range(-15, 45)),
    FieldType.DATE: [dt.date(2019, 12, 1) + dt.timedelta(days=days) for days in range(0, 1300, 3)],
}
POSTCODES = ["TS1 1AA", "TS1 2AB", "TS2 1AA", "DH1 3LE", "DH1 3LF", "SW1A 1AA"]
PAIRS = st.one_of(
    st.tuples(st.just(FieldType.TEXT), text_rules(), text_rules()),
    st.tuples(st.just(FieldType.INTEGER), number_rules(), number_rules()),
    st.tuples(st.just(FieldType.DATE), date_rules(), date_rules()),
)


def _hidden(column: pa.Array, kind: str) -> pa.Array:
    made = [None if not value else (kind + value).encode().ljust(16)[:16] for value in column.to_pylist()]
    return pa.array(made, pa.binary(16))


MEANS = Means(_hidden, {})
REFUSED = object()


def products(rule: Rule, kind: FieldType, values: list[Any], *, empty: bool) -> list[Any]:
    """What the rule makes of each value; REFUSED for what may not leave."""
    made = rule.apply(pa.array(values, ARROW[kind]), MEANS)
    bad = rule.faults(made).to_pylist()
    return [REFUSED if fault or (one is None and not empty) else one for one, fault in zip(made.to_pylist(), bad, strict=True)]


def _lawful(old: Rule, new: Rule, kind: FieldType, values: list[Any], *, empty: bool) -> None:
    was, now = products(old, kind, values, empty=empty), products(new, kind, values, empty=empty)
    if no_finer(old, new, empty=empty):
        becomes: dict[Any, Any] = {}
        for before, after in zip(was, now, strict=True):
            if before is not REFUSED and after is not REFUSED:
                assert becomes.setdefault((type(before), before), after) == after, (old, new, before)
    if covers(old, new, empty=empty):
        assert not [value for value, before, after in zip(values, was, now, strict=True) if before is REFUSED and after is not REFUSED]


@given(PAIRS, st.booleans())
@settings(max_examples=800, deadline=None)
def test_what_is_called_narrower_can_be_worked_out_from_what_left_before(pair: tuple[FieldType, Rule, Rule], empty: bool) -> None:
    """The law: less detail means that the new product is a function of the old; less admitted means that nothing new is."""
    kind, old, new = pair
    _lawful(old, new, kind, COLUMNS[kind], empty=empty)
    _lawful(new, old, kind, COLUMNS[kind], empty=empty)


@given(postcode_rules(), postcode_rules())
def test_the_same_law_for_postcodes(old: Rule, new: Rule) -> None:
    _lawful(old, new, FieldType.TEXT, POSTCODES, empty=False)


@given(PAIRS, st.booleans())
@settings(max_examples=500, deadline=None)
def test_wider_one_way_is_narrower_the_other(pair: tuple[FieldType, Rule, Rule], empty: bool) -> None:
    _, old, new = pair
    answers = {Order.MORE: Order.LESS, Order.LESS: Order.MORE, Order.SAME: Order.SAME, Order.UNDECIDED: Order.UNDECIDED}
    there, back = compared(old, new, empty=empty), compared(new, old, empty=empty)
    assert (back.detail, back.admits) == (answers[there.detail], answers[there.admits])
    assert back.renamed == there.renamed
    if old == new:
        assert (there.detail, there.admits, there.renamed) == (Order.SAME, Order.SAME, False)


@pytest.mark.parametrize(
    ("old", "new", "detail", "admits"),
    [
        ({"keep": {"values": ["a", "b"]}}, {"keep": {"values": ["a"]}}, "same", "less"),
        ({"keep": {"from": 0, "to": 9}}, {"keep": {"from": 1, "to": 8}}, "same", "less"),
        ({"keep": {"from": 0, "to": 120}}, {"band": [18, 25]}, "less", "more"),
        ({"keep": {"from": 0, "to": 9}}, {"keep": {"from": 5, "to": 20}}, "same", "undecided"),
        ({"generalise": "month"}, {"generalise": "quarter"}, "less", "same"),
        ({"generalise": "year"}, {"generalise": "month"}, "more", "same"),
        ({"generalise": "sector"}, {"generalise": "district"}, "less", "same"),
        ({"band": [10, 18, 25]}, {"band": [18]}, "less", "same"),
        ({"band": [10, 18]}, {"band": [11, 18]}, "undecided", "same"),
        ({"top_code": 50}, {"top_code": 20}, "less", "same"),
        ({"round": 5}, {"round": 15}, "less", "same"),
        ({"round": 5}, {"round": 10}, "undecided", "same"),
        ({"keep": {"pattern": "^[a-z]$"}}, {"pseudonymise": "case"}, "less", "more"),
        ({"pseudonymise": "case"}, {"keep": {"pattern": "^[a-z]$"}}, "more", "less"),
        ({"pseudonymise": "case"}, {"pseudonymise": "person"}, "undecided", "same"),
        ({"keep": {"pattern": "^[a-z]$"}}, {"keep": {"values": ["a"]}}, "same", "less"),
        ({"keep": {"pattern": "^[a-z]$"}}, {"keep": {"pattern": "^[a-y]$"}}, "same", "undecided"),
        ({"map": {"codes": {"a": "A", "b": "B"}}}, {"map": {"codes": {"a": "A", "b": "A"}}}, "less", "same"),
        ({"map": {"codes": {"a": "A", "b": "B"}}}, {"map": {"codes": {"a": "A"}}}, "same", "less"),
        ({"map": {"codes": {"a": "A"}}}, {"map": {"codes": {"a": "A"}, "otherwise": "Rest"}}, "same", "more"),
        ({"flag": ["a"]}, {"keep": {"values": ["a", "b", "c"]}}, "more", "less"),
    ],
)
def test_pairs_of_rules(old: dict[str, Any], new: dict[str, Any], detail: str, admits: str) -> None:
    found = compared(read_rule(old), read_rule(new))
    assert (found.detail.value, found.admits.value) == (detail, admits)


def test_values_that_change_their_names_are_to_be_read() -> None:
    old, new = read_rule({"map": {"codes": {"a": "A", "b": "B"}}}), read_rule({"map": {"codes": {"a": "B", "b": "A"}}})
    assert compared(old, new).renamed

    def edit(parsed: Document) -> None:
        field(parsed, "authority")["rule"]["map"]["otherwise"] = "Beyond"

    [change] = difference(BASE, papers.edited(edit))
    assert (change.risk, change.words) == (Risk.CHANGED, "Field authority of crimes shows the same values under other names.")


def test_rules_by_one_code_list_are_compared_by_its_values_and_by_two_lists_not_at_all() -> None:
    def listed(**more: Any) -> Rule:
        return read_rule({"map": {"list": "places", "digest": "sha256:" + "0" * 64, "values": ["A", "B"], **more}})

    old = listed()
    for new, detail, admits in (
        (listed(values=["A"]), "same", "less"),
        (listed(otherwise="Rest"), "same", "more"),
        (listed(otherwise="A"), "same", "more"),
        (listed(digest="sha256:" + "1" * 64), "undecided", "undecided"),
    ):
        found = compared(old, new)
        assert (found.detail.value, found.admits.value) == (detail, admits), new
    merged = compared(listed(otherwise="Rest"), listed(otherwise="A"))
    assert (merged.detail, merged.admits) == (Order.LESS, Order.SAME)


# ------------------------------------------------------------------------------------------------------------ no member is forgotten

_DERIVED = {
    ("Agreement", "digest"),
    ("Agreement", "document"),
    ("Duration", "months"),
    ("Duration", "days"),
    ("Release", "linked"),
    ("Table", "unit"),
}
"""Members that follow from the others."""


Place = tuple[str, str]
HERE: Place = ("", "")


def _varied(value: Any, beside: tuple[Any, ...] = ()) -> Iterator[tuple[Place, Any]]:
    """Every value of the same shape that differs in one place, with class and member of that; ``beside``: the tuple it stands in."""
    match value:
        case tuple():
            if value and not beside:  # a pair stays one
                yield HERE, value[:-1]
            for number, one in enumerate(value):
                yield from ((inner, (*value[:number], new, *value[number + 1 :])) for inner, new in _varied(one, value))
        case Mapping():
            for key, one in value.items():
                yield from ((inner, {**value, key: new}) for inner, new in _varied(one))
        case _ if is_dataclass(value) and not isinstance(value, type):
            for member in fields(value):
                name = (type(value).__name__, member.name)
                found = _varied(getattr(value, member.name)) if name not in _DERIVED else ()
                for inner, new in found:
                    with suppress(InvalidRule):  # no edges, no values
                        yield name if inner == HERE else inner, replace(value, **{member.name: new})
        case _ if value is not None:
            yield HERE, _another(value, beside)


def _another(value: Any, beside: tuple[Any, ...]) -> Any:
    match value:
        case bool():
            return not value
        case StrEnum():
            return next(one for one in type(value) if one is not value and one not in beside)
        case int():
            return value + 1
        case dt.date():
            return value + dt.timedelta(days=1)
        case str():
            return "2001" if value[:1] == "2" else f"{value} and more"
        case _:
            raise TypeError(type(value).__name__)


def test_no_member_of_the_model_is_forgotten() -> None:
    """By reflection: whatever is added to the model must be told, or this fails."""
    tried: Counter[tuple[str, str]] = Counter()
    for name in sorted(path.name for path in papers.TEMPLATE.parent.glob("*.toml")):
        base = shipped(name)[1]
        for member, new in _varied(base):
            tried[member] += 1
            if tried[member] <= 6:
                found = difference(base, replace(new, digest="sha256:another"))
                assert [one for one in found if one.clause != "document"], (name, member)
    classes = {
        Agreement,
        Said,
        Party,
        Person,
        LawfulBasis,
        MachineKeys,
        HubKeys,
        Recipient,
        Dataset,
        Field,
        Release,
        Terms,
        Table,
        Dimension,
    }
    classes |= {Lookup, Approvals, Value, Band, FirstOf, MonthsBetween, Banded, Matched, Case, Cases, Cohort, Entry, Event, Attribute}
    composed = {("Agreement", "approvals"), ("Field", "rule"), ("Dataset", "retention"), ("Release", "terms"), ("Agreement", "items")}
    composed |= {("Party", one) for one in ("dpo", "signatory", "keys", "hub")}  # told by their own members
    composed |= {("Release", "cohort"), ("Release", "wait"), ("Release", "provisional")}
    composed |= {("Event", "within"), ("Event", "proven_within"), ("Attribute", "within")}
    assert {(one.__name__, member.name) for one in classes for member in fields(one)} - set(tried) - _DERIVED == composed
