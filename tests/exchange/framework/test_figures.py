"""Figures from published cells: what is hidden stays so; the newest edition that stands counts; marks say what happened to it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.periods import Period
from exchange.framework.figures import ABSENT, ALL, HIDDEN, NOT_APPLICABLE, Chosen, Value, added_up, choose, point, runs
from exchange.framework.measures import Cells, Figure, Kind
from exchange.framework.reading import read_measures
from exchange.framework.series import Edition, Series, latest, series
from exchange.framework.words import in_words, rounded, shown
from tests.exchange.framework.conftest import MEASURES
from tests.exchange.releases.world import release

MV7 = read_measures(MEASURES)[0]
CHARGED = MV7.headline
START = datetime(2026, 1, 1, tzinfo=UTC)


def table(cells: Mapping[tuple[str, str, str, str], int | None], **columns: list[float | None]) -> pa.Table:
    """Rows of by-area as published."""
    places = list(zip(*cells, strict=True))
    counts = list(cells.values())
    named = dict(zip(("force", "authority", "month", "group"), map(list, places), strict=True))
    markers = [HIDDEN if one is None else None for one in counts]
    return pa.table({**named, "count": pa.array(counts, pa.int64()), "count_marker": pa.array(markers, pa.string()), **columns})


WHOLE = ("Both forces", "All places")
CELLS: dict[tuple[str, str, str, str], int | None] = {
    (*WHOLE, "2021-04", "All outcomes"): 200,
    (*WHOLE, "2021-04", "Charged"): 30,
    (*WHOLE, "2021-04", "Out of court"): None,
    (*WHOLE, "All months", "Charged"): 999,
    ("Both forces", "Hartlepool", "2021-04", "All outcomes"): 60,
    ("Both forces", "Hartlepool", "2021-04", "Charged"): None,
    ("Both forces", "Hartlepool", "2021-04", "Out of court"): 12,
    ("Cleveland", "Hartlepool", "2021-04", "Charged"): 77,
}


def chosen(*codes: str, by: str = "authority", found: pa.Table | None = None, column: str = "count") -> Chosen:
    where = (("group", codes),) if codes else ()
    return choose(table(CELLS) if found is None else found, release(), Cells("mv7-outcomes", "by-area", where, column), by, "2021")


def test_what_is_not_named_stands_at_its_total_and_periods_are_kept_apart() -> None:
    found = chosen("Charged")
    assert found.values == {("2021-04", ALL): Value(30), ("2021-04", "Hartlepool"): Value(marker=HIDDEN)}
    assert found.areas == ("Hartlepool",)
    assert chosen().values["2021-04", "Hartlepool"] == Value(60)


def test_a_sum_with_a_hidden_part_is_hidden_and_one_with_a_missing_part_is_not_there() -> None:
    assert chosen("Charged", "Out of court").values == {
        ("2021-04", ALL): Value(marker=HIDDEN),
        ("2021-04", "Hartlepool"): Value(marker=HIDDEN),
    }
    assert chosen("Charged", "No outcome yet").values["2021-04", ALL] == Value(marker=ABSENT)


def test_a_sum_over_every_category_is_the_total_that_stands_in_the_table() -> None:
    every = tuple(code for code, _ in next(one for one in release().dimensions if one.name == "group").categories)
    assert chosen(*every).values["2021-04", ALL] == Value(200)


def test_a_published_figure_is_read_with_its_own_marker() -> None:
    found = table(CELLS).append_column("days_median", pa.array([87.5, 3.0, None, 1.0, 2.0, None, 4.0, 5.0], pa.float64()))
    found = found.append_column("days_median_marker", pa.array([None, None, "[x]", None, None, HIDDEN, None, None], pa.string()))
    values = chosen("Charged", found=found, column="days_median").values
    assert values["2021-04", ALL] == Value(Fraction(3))
    assert values["2021-04", "Hartlepool"] == Value(marker=HIDDEN)
    assert chosen(found=found, column="days_median").values["2021-04", ALL] == Value(Fraction(175, 2))


def test_a_column_or_dimension_that_the_table_lacks_gives_nothing() -> None:
    assert chosen("Charged", column="days_mean") == Chosen({}, ())
    assert choose(table(CELLS), release(), Cells("mv7-outcomes", "by-area", (("crime_type", ("Drugs",)),)), "", "2021") == Chosen({}, ())


def test_labels_are_looked_up_from_codes() -> None:
    where = (("force", ("cleveland-police",)), ("authority", ("Hartlepool",)), ("group", ("Charged",)))
    assert choose(table(CELLS), release(), Cells("mv7-outcomes", "by-area", where), "", "x").values == {("2021-04", ALL): Value(77)}


VALUES = st.lists(st.one_of(st.integers(0, 10**6).map(Value), st.sampled_from([Value(marker=HIDDEN), Value(marker=ABSENT)])), min_size=1)


@given(VALUES)
def test_sums(values: list[Value]) -> None:
    found = added_up(values)
    if any(one.marker == HIDDEN for one in values):
        assert found == Value(marker=HIDDEN)
    elif any(one.marker for one in values):
        assert found == Value(marker=ABSENT)
    else:
        assert found.number == sum(one.number or 0 for one in values)


APRIL = Period.parse("2021-04")


@given(st.one_of(st.none(), st.integers(0, 500)), st.one_of(st.none(), st.integers(0, 500)))
def test_a_quotient_is_shown_only_where_both_its_parts_are(over: int | None, under: int | None) -> None:
    parts = {name: Value(marker=HIDDEN) if one is None else Value(one) for name, one in (("numerator", over), ("denominator", under))}
    found = point(CHARGED, APRIL, ALL, parts)
    if over is None or under is None:
        assert (found.value, found.marker, found.interval) == (None, HIDDEN, None)
    elif under == 0:
        assert (found.value, found.marker) == (None, NOT_APPLICABLE)
    else:
        assert found.value == Fraction(100 * over, under)
        assert found.interval is not None
        assert found.interval.holds(100 * over / under) or over in (0, under)


def test_other_kinds_are_shown_as_published_without_an_interval() -> None:
    median = Figure("days", "Days", Kind.MEDIAN, "days", headline=True, per=1, by="", value=Cells("r", "t", (), "days_median"))
    found = point(median, APRIL, ALL, {"value": Value(Fraction(87))})
    assert (found.value, found.interval) == (Fraction(87), None)
    assert shown(Fraction(87), median) == "87 days"
    count = replace(median, kind=Kind.COUNT, unit="crimes", numerator=Cells("r", "t"), value=None)
    assert shown(point(count, APRIL, ALL, {"numerator": Value(1234)}).value or 0, count) == "1,234 crimes"


# ------------------------------------------------------------------------------------------------------------- over time


def edition(name: str, first: str, last: str, days: int, **members: bool) -> Edition:
    return Edition(
        name, "LCJP-MV7", 1, "sha256:x", "mv7-outcomes", Period.parse(first), Period.parse(last), START + timedelta(days=days), **members
    )


def counts(**found: int) -> Chosen:
    """Counts by month, named m2021_04, of all areas."""
    return Chosen({(name[1:].replace("_", "-"), ALL): Value(count) for name, count in found.items()}, ())


RECORDED = replace(CHARGED, kind=Kind.COUNT, per=1, unit="", denominator=None)


def over_time(*read: tuple[Edition, Chosen], breaks: tuple[str, ...] = ()) -> Series:
    assert RECORDED.numerator is not None
    return series(RECORDED, {RECORDED.numerator: read}, breaks)


def test_of_each_period_the_newest_edition_that_stands_counts() -> None:
    first = (edition("a", "2021-04", "2021-05", 0), counts(m2021_04=10, m2021_05=20))
    second = (edition("b", "2021-05", "2021-06", 5, provisional=True), counts(m2021_05=21, m2021_06=30))
    found = over_time(second, first).whole
    assert [(one.period.name, one.number, one.marks, one.editions) for one in found] == [
        ("2021-04", 10, (), ("a",)),
        ("2021-05", 21, ("[p]", "[r]"), ("b",)),
        ("2021-06", 30, ("[p]",), ("b",)),
    ]


def test_a_withdrawn_edition_is_not_read_but_what_took_its_place_is_revised() -> None:
    gone = (edition("a", "2021-04", "2021-04", 0, withdrawn=True), Chosen({}, ()))
    assert over_time(gone).points == {}
    again = (edition("b", "2021-04", "2021-04", 3), counts(m2021_04=9))
    assert [(one.number, one.marks) for one in over_time(gone, again).whole] == [(9, ("[r]",))]


def test_a_month_that_nobody_published_stands_there_as_not_available() -> None:
    found = over_time((edition("a", "2021-04", "2021-06", 0), counts(m2021_04=10, m2021_06=30))).whole
    assert [(one.period.name, one.marker) for one in found] == [("2021-04", ""), ("2021-05", ABSENT), ("2021-06", "")]
    assert latest(found) is found[2]
    assert [len(run) for run in runs(found, ())] == [1, 1]


def test_a_break_is_marked_on_the_first_figure_after_it_and_parts_the_line() -> None:
    months = {f"m2021_{number:02}": 100 for number in range(1, 7)}
    found = over_time((edition("a", "2021-01", "2021-06", 0), counts(**months)), breaks=("2021-04",)).whole
    assert [one.marks for one in found] == [(), (), (), ("[b]",), (), ()]
    assert [len(run) for run in runs(found, ("2021-04",))] == [3, 3]


def test_quarters_and_years_follow_each_other() -> None:
    quarters = Chosen({(name, ALL): Value(5) for name in ("2024-Q4", "2025-Q1", "2025-Q3")}, ())
    found = over_time((edition("a", "2024-10", "2025-09", 0), quarters)).whole
    assert [one.period.name for one in found] == ["2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3"]
    assert [in_words(one.period) for one in found[:2]] == ["October to December 2024", "January to March 2025"]
    assert [len(run) for run in runs(found, ())] == [2, 1]


@pytest.mark.parametrize(
    ("value", "places", "words"),
    [(Fraction(1, 8), 2, "0.13"), (Fraction(25, 1000), 2, "0.03"), (Fraction(123456), 0, "123,456"), (12.345, 1, "12.3")],
)
def test_halves_are_rounded_up(value: Fraction | float, places: int, words: str) -> None:
    assert rounded(value, places) == words
