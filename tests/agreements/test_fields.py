"""Field rules against an oracle a value at a time: what is applied, what is refused, what a hub accepts, and what the English says."""

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.coarsen import BandEdges, Coarse, Flag, Generalise, GeneraliseArea, Round, TopCode
from agreements.codes import CodeList
from agreements.errors import InvalidRule, UnknownCodeList
from agreements.fields import ARROW, UNLISTED, FieldType, KeepPattern, KeepRange, KeepValues, Map, Means, PseudonymiseRule, Rule, not_in
from agreements.rule_table import RULES, read_rule

REFUSED = object()
AREAS = CodeList("areas", {"E1": "Durham", "E2": "Cleveland", "E3": "Durham"})


def _short_hash(column: pa.Array, kind: str) -> pa.Array:
    made = [hashlib.sha256(f"{kind} {value}".encode()).digest()[:16] if value else None for value in column.to_pylist()]
    return pa.array(made, pa.binary(16))


MEANS = Means(_short_hash, {"areas": AREAS})
POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?) ?([0-9])[A-Z]{2}")


def kept_text(admits: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value in (None, "") else value if admits(value) else REFUSED


def kept(admits: Callable[[Any], bool]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else value if admits(value) else REFUSED


def _first(unit: str) -> Callable[[Any], Any]:
    def first(value: date | None) -> date | None:
        if value is None:
            return None
        month = {"month": value.month, "quarter": (value.month - 1) // 3 * 3 + 1, "year": 1}[unit]
        return date(value.year, month, 1)

    return first


def _postcode(*, sector: bool) -> Callable[[Any], Any]:
    form = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?" + (" [0-9]" if sector else ""))

    def made(value: str | None) -> Any:
        if value in (None, ""):
            return None
        found = POSTCODE.fullmatch(value.strip(" \t\n").upper())
        if found:
            return f"{found[1]} {found[2]}" if sector else found[1]
        return value if form.fullmatch(value) else REFUSED  # already coarse enough: nothing finer leaves

    return made


def _band(value: int | None) -> str | None:
    if value is None:
        return None
    return "under 10" if value < 10 else "10 to 17" if value < 18 else "18" if value < 19 else "19 and over"


def _map(otherwise: Any, blank: Any) -> Callable[[Any], Any]:
    return lambda value: blank if value in (None, "") else {"A": "Charged", "B": "Cautioned"}.get(value, otherwise)


def _round(value: int | None) -> int | None:
    return None if value is None else int(math.copysign((abs(value) + 2) // 5 * 5, value))


@dataclass(frozen=True)
class Case:
    """A rule as an agreement writes it, its source, what it makes of a value, which values it may make, and what its English must say."""

    written: dict[str, Any]
    source: FieldType
    makes: Callable[[Any], Any]
    admits: Callable[[Any], bool]
    says: tuple[str, ...]
    interesting: tuple[Any, ...] = ()
    wrong: tuple[FieldType, ...] = ()

    @property
    def rule(self) -> Rule:
        return read_rule(self.written)


T, N, D, M = FieldType.TEXT, FieldType.INTEGER, FieldType.DATE, FieldType.MONTH
LOW, HIGH = date(2020, 2, 29), date(2021, 6, 1)
CODES = {"codes": {"A": "Charged", "B": "Cautioned"}}
LISTED = {"list": "areas", "digest": AREAS.digest, "values": ["Durham", "Cleveland"]}
CASES = {
    "keep values": Case({"keep": {"values": ["Burglary", "Arson"]}}, T, kept_text({"Burglary", "Arson"}.__contains__),
        {"Burglary", "Arson"}.__contains__, ("Burglary", "Arson", "2 values"), ("Burglary", "Arson", "burglary", "Arson "), (N, D, M)),
    "keep pattern": Case({"keep": {"pattern": "^[A-Z]{2}[0-9]{1,3}$"}}, T, kept_text(re.compile("[A-Z]{2}[0-9]{1,3}").fullmatch),
        lambda v: bool(re.fullmatch("[A-Z]{2}[0-9]{1,3}", v)), ("^[A-Z]{2}[0-9]{1,3}$",), ("AB1", "AB123", "AB1234", "AB1\n", "xAB1"), (N, D, M)),
    "keep numbers": Case({"keep": {"from": -3, "to": 120}}, N, kept(lambda v: -3 <= v <= 120), lambda v: -3 <= v <= 120,
        ("-3", "120"), (-4, -3, 120, 121), (T, D, M)),
    "keep days": Case({"keep": {"from": LOW, "to": HIGH}}, D, kept(lambda v: LOW <= v <= HIGH), lambda v: LOW <= v <= HIGH,
        ("2020-02-29", "2021-06-01"), (LOW, HIGH, LOW - timedelta(1), HIGH + timedelta(1)), (T, N)),
    "pseudonymise": Case({"pseudonymise": "case"}, T, lambda v: _short_hash(pa.array([v], pa.string()), "case")[0].as_py(), lambda _: True,
        ("kind case", "cannot undo"), (), (N, D, M)),
    "to month": Case({"generalise": "month"}, D, _first("month"), lambda v: v.day == 1, ("month", "first day"), (), (T, N, M)),
    "to quarter": Case({"generalise": "quarter"}, D, _first("quarter"), lambda v: v == _first("quarter")(v), ("quarter",), (), (T, N)),
    "month to year": Case({"generalise": "year"}, M, _first("year"), lambda v: v == _first("year")(v), ("year",), (), (T, N)),
    "to district": Case({"generalise": "district"}, T, _postcode(sector=False),
        lambda v: bool(re.fullmatch("[A-Z]{1,2}[0-9][A-Z0-9]?", v)), ("district",),
        ("TS1 1AA", "ts11aa", " DH1 3LE ", "EC1A 1BB", "TS1", "TS1 1A", "TS1 1AAA", "Ω", "TS1 1AA\n", "1TS 1AA"), (N, D, M)),
    "to sector": Case({"generalise": "sector"}, T, _postcode(sector=True),
        lambda v: bool(re.fullmatch("[A-Z]{1,2}[0-9][A-Z0-9]? [0-9]", v)), ("sector",), ("TS1 1AA", "TS1 1", "ec1a1bb", "TS1"), (N, D, M)),
    "to authority": Case({"generalise": {"to": "authority", **LISTED}}, T, lambda v: None if v in (None, "") else AREAS.codes.get(v, REFUSED),
        {"Durham", "Cleveland"}.__contains__, ("made coarser", "local authority of the neighbourhood", "code list areas"),
        ("E1", "E2", "E9"), (N, D, M)),
    "to ward": Case({"generalise": {"to": "ward", **LISTED, "otherwise": "Elsewhere", "blank": "Not known"}}, T,
        lambda v: "Not known" if v in (None, "") else AREAS.codes.get(v, "Elsewhere"),
        {"Durham", "Cleveland", "Elsewhere", "Not known"}.__contains__, ("made coarser", "ward of the neighbourhood", "“Elsewhere”"),
        ("E1", "E9", ""), (N, D, M)),
    "band": Case({"band": [10, 18, 19]}, N, _band, {"under 10", "10 to 17", "18", "19 and over"}.__contains__,
        ("under 10", "10 to 17", "18", "19 and over"), (9, 10, 17, 18, 19), (T, D, M)),
    "map": Case({"map": CODES}, T, _map(REFUSED, None), {"Charged", "Cautioned"}.__contains__,
        ("A → Charged", "B → Cautioned", "any other code is refused"), ("A", "B", "C", "Charged", "a"), (N, D, M)),
    "map otherwise": Case({"map": {**CODES, "otherwise": "Other"}}, T, _map("Other", None), {"Charged", "Cautioned", "Other"}.__contains__,
        ("any other code becomes “Other”",), ("A", "B", "C", "Charged"), (N, D, M)),
    "map blank": Case({"map": {**CODES, "blank": "Not known"}}, T, _map(REFUSED, "Not known"),
        {"Charged", "Cautioned", "Not known"}.__contains__, ("a blank becomes “Not known”",), ("A", "", "Not known"), (N, D, M)),
    "map by list": Case({"map": LISTED}, T, lambda v: None if v in (None, "") else AREAS.codes.get(v, REFUSED),
        {"Durham", "Cleveland"}.__contains__, ("code list areas", "Durham"), ("E1", "E2", "E9"), (N, D, M)),
    "flag": Case({"flag": ["Y", "Yes"]}, T, lambda v: None if v in (None, "") else v in ("Y", "Yes"), lambda _: True,
        ("“Y” or “Yes”",), ("Y", "Yes", "No"), (N, D, M)),
    "round": Case({"round": 5}, N, _round, lambda v: v % 5 == 0, ("5",), (2, 3, -2, -3, 7, 8), (T, D, M)),
    "top_code": Case({"top_code": 90}, N, lambda v: None if v is None else min(v, 90), lambda v: v <= 90, ("90",), (90, 91), (T, D, M)),
}  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SOURCES = {
    T: WORDS,
    N: st.integers(-(2**52), 2**52) | st.integers(-200, 200),
    D: st.dates(date(1600, 1, 1), date(2400, 12, 31)),
    M: st.dates(date(1600, 1, 1), date(2400, 12, 31)).map(lambda day: day.replace(day=1)),
}
BY_TYPE = {pa.string(): SOURCES[T], pa.int64(): SOURCES[N], pa.date32(): SOURCES[D], pa.bool_(): st.booleans(),
           pa.binary(16): st.binary(min_size=16, max_size=16)}  # fmt: skip


def columns(source: FieldType, *more: Any) -> st.SearchStrategy[list[Any]]:
    values = SOURCES[source] | st.sampled_from(more) if more else SOURCES[source]
    return st.lists(st.none() | values, max_size=12)


def test_every_rule_there_is_has_a_case() -> None:
    assert {next(iter(case.written)) for case in CASES.values()} == set(RULES)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40)
@given(data=st.data())
def test_apply_makes_what_it_should_and_faults_refuses_exactly_the_rest(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    values = data.draw(columns(case.source, *case.interesting))
    made = case.rule.apply(pa.array(values, ARROW[case.source]), MEANS).cast(case.rule.output(case.source))
    faults = case.rule.faults(made).to_pylist()
    wanted = [case.makes(value) for value in values]
    assert faults == [value is REFUSED for value in wanted]
    assert [value for value, bad in zip(made.to_pylist(), faults, strict=True) if not bad] == [v for v in wanted if v is not REFUSED]


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40)
@given(data=st.data())
def test_the_hub_accepts_only_what_the_rule_can_make(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    kind = case.rule.output(case.source)
    near = [value for value in map(case.makes, case.interesting) if value is not None and value is not REFUSED]
    made = BY_TYPE[kind] | st.sampled_from(near) if near else BY_TYPE[kind]
    values = data.draw(st.lists(st.none() | made, max_size=12))
    assert case.rule.faults(pa.array(values, kind)).to_pylist() == [value is not None and not case.admits(value) for value in values]


@pytest.mark.parametrize("name", CASES)
def test_what_a_rule_makes_of_its_own_values_it_accepts(name: str) -> None:
    case = CASES[name]
    again = [value for value in map(case.makes, case.interesting) if value is not REFUSED]
    assert all(value is None or case.admits(value) for value in again)


@pytest.mark.parametrize("name", CASES)
def test_empty_columns_and_columns_of_nothing_pass(name: str) -> None:
    case = CASES[name]
    kind = case.rule.output(case.source)
    for values in ([], [None, None, None]):
        made = case.rule.apply(pa.array(values, ARROW[case.source]), MEANS).cast(kind)
        assert len(made) == len(values)
        assert case.rule.faults(made).to_pylist() == [False] * len(values)
        assert case.rule.faults(pa.array(values, kind)).to_pylist() == [False] * len(values)


@pytest.mark.parametrize("name", CASES)
def test_a_slice_of_a_column_is_judged_as_itself(name: str) -> None:
    case = CASES[name]
    values = [*case.interesting, None, *case.interesting]
    whole = pa.array(values, ARROW[case.source])
    for start in range(len(values)):
        part = case.rule.apply(whole.slice(start, 3), MEANS).cast(case.rule.output(case.source))
        assert case.rule.faults(part).to_pylist() == [case.makes(value) is REFUSED for value in values[start : start + 3]]


@pytest.mark.parametrize("name", CASES)
def test_the_english_says_the_parameters(name: str) -> None:
    said = CASES[name].rule.describe()
    assert all(word in said for word in CASES[name].says), said


@pytest.mark.parametrize(("name", "wrong"), [(name, wrong) for name, case in CASES.items() for wrong in case.wrong])
def test_a_rule_refuses_a_type_that_it_does_not_suit(name: str, wrong: FieldType) -> None:
    with pytest.raises(InvalidRule, match=r"does not suit|takes"):
        CASES[name].rule.output(wrong)


@pytest.mark.parametrize(
    "written",
    [
        {}, {"keep": {}}, {"keep": 1}, {"forget": 1}, {"round": 5, "top_code": 9}, {"keep": {"values": []}}, {"keep": {"values": [""]}},
        {"keep": {"values": ["a", "a"]}}, {"keep": {"values": "abc"}}, {"keep": {"values": [1]}}, {"keep": {"values": ["a\u202eb"]}},
        {"keep": {"values": [UNLISTED]}}, {"keep": {"pattern": "[A-Z]"}}, {"keep": {"pattern": "^.*$"}}, {"keep": {"pattern": "^($"}},
        {"keep": {"pattern": 5}}, {"keep": {"pattern": ["^a$"]}}, {"keep": {"pattern": "^a$", "values": ["a"]}},
        {"keep": {"from": 2, "to": 1}}, {"keep": {"from": 1, "to": date(2020, 1, 1)}}, {"keep": {"from": 1.5, "to": 2.5}},
        {"keep": {"from": True, "to": True}}, {"keep": {"from": "x", "to": "y"}}, {"keep": {"from": [1], "to": [2]}},
        {"keep": {"from": None, "to": None}}, {"keep": {"from": "2020-02-30", "to": "2020-03-01"}}, {"generalise": "day"},
        {"generalise": ["month"]}, {"generalise": {"to": "county", **LISTED}}, {"generalise": LISTED}, {"generalise": {"to": "ward"}},
        {"generalise": {"to": "ward", **LISTED, "codes": {}}}, {"generalise": {"to": "ward", **LISTED, "blank": ""}}, {"band": []}, {"band": [2, 1]}, {"band": [1, 1]}, {"band": [1.0]}, {"band": [True]}, {"band": 5},
        {"round": 1}, {"round": -5}, {"round": True}, {"round": "5"}, {"top_code": None}, {"top_code": 1.0}, {"flag": []}, {"flag": "Y"},
        {"pseudonymise": ""}, {"pseudonymise": 3}, {"pseudonymise": "a b"}, {"pseudonymise": ["case"]}, {"map": []}, {"map": {"codes": {}}},
        {"map": {"codes": {"": "x"}}}, {"map": {"codes": {"a": ""}}}, {"map": {"codes": {"a": 1}}}, {"map": {**CODES, "otherwise": 5}},
        {"map": {**CODES, "blank": ""}}, {"map": {**CODES, "blank": None}}, {"map": {**CODES, "list": "areas"}}, {"map": {"list": "areas"}},
        {"map": {**LISTED, "list": "../areas"}}, {"map": {**LISTED, "list": 5}}, {"map": {**LISTED, "digest": "md5"}},
        {"map": {**LISTED, "digest": AREAS.digest + "\n"}}, {"map": {**CODES, "codes": {"a": "x\x00"}}},
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_that_is_not_written_as_one_must_be_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(InvalidRule):
        read_rule(written)


def test_a_code_that_nobody_agreed_on_leaves_no_trace_of_itself() -> None:
    made = read_rule({"map": CODES}).apply(pa.array(["A", "Jane Q. Public", "Charged"]), MEANS)
    assert made.to_pylist() == ["Charged", UNLISTED, UNLISTED]


def test_a_code_list_of_other_content_or_none_is_refused() -> None:
    rule = CASES["map by list"].rule
    other = CodeList("areas", {**AREAS.codes, "E9": "Durham"})
    for lists in ({}, {"areas": other}):
        with pytest.raises(UnknownCodeList):
            rule.apply(pa.array(["E1"]), Means(_short_hash, lists))


def test_not_in_leaves_nulls_alone_and_refuses_everything_when_nothing_is_agreed() -> None:
    column = pa.array(["a", None, ""])
    assert not_in(column, ["a"]).to_pylist() == [False, False, True]
    assert not_in(column, []).to_pylist() == [True, False, True]
    assert not_in(pa.array([], pa.string()), ["a"]).to_pylist() == []


@pytest.mark.parametrize("edge", [2**63 - 1, -(2**63), 2**62 + 1])
def test_numbers_at_the_edge_are_refused_rather_than_bent(edge: int) -> None:
    column = pa.array([edge], pa.int64())
    for rule in (Round(5), TopCode(90), BandEdges((1, 2)), KeepRange(0, 9)):
        try:
            made = rule.apply(column, MEANS)
        except pa.ArrowInvalid:
            continue  # an overflow is said, not wrapped round
        assert not rule.faults(made).to_pylist()[0] or isinstance(rule, KeepRange)
        if isinstance(rule, Round):
            assert abs(made[0].as_py() - edge) <= 2


def test_the_classes_are_what_the_table_makes() -> None:
    kinds = {type(case.rule) for case in CASES.values()}
    assert kinds == {KeepValues, KeepPattern, KeepRange, PseudonymiseRule, Generalise, GeneraliseArea, BandEdges, Map, Flag, Round, TopCode}
    assert {coarse.value for coarse in Coarse} == {"month", "quarter", "year", "district", "sector"}
    assert Flag(("Y",)).describe()
