"""Windows of an edition: whole ones only; how far beyond them each dataset is read; and months counted backwards."""

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.cohort import Attribute, Cohort, Entry, Event
from agreements.periods import Duration, PeriodKind
from exchange.releases.cells import axes
from exchange.releases.errors import BadRelease
from exchange.releases.windows import Around, before, needed, reach, reading, windows
from tests.exchange.releases.cohort_world import cohort, day, months, release, repeat_victims, within

MONTH, QUARTER, YEAR = PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR


@pytest.mark.parametrize(
    ("kind", "periods", "found"),
    [
        (MONTH, ("2025-03",), ["2025-03"]),
        (MONTH, ("2025-Q1",), ["2025-01", "2025-02", "2025-03"]),
        (MONTH, ("2025-03", "2025-01", "2025-03"), ["2025-01", "2025-03"]),
        (QUARTER, ("2025-Q1",), ["2025-Q1"]),
        (QUARTER, ("2025-02", "2025-01", "2025-03"), ["2025-Q1"]),
        (QUARTER, ("2025",), ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]),
        (QUARTER, ("2025-Q4", "2026-Q1"), ["2025-Q4", "2026-Q1"]),
        (YEAR, ("2025",), ["2025"]),
        (YEAR, ("2025-Q3", "2025-Q4", "2025-Q2", "2025-01", "2025-02", "2025-03"), ["2025"]),
    ],
)
def test_months_make_up_whole_windows(kind: PeriodKind, periods: tuple[str, ...], found: list[str]) -> None:
    mine = release(cohort(kind))
    made = windows(mine, months(*periods))
    assert [window.name for window in made] == found
    assert {window.kind for window in made} == {kind}
    assert axes(mine, months(*periods))["window"].codes == tuple(found)


@pytest.mark.parametrize(
    ("kind", "periods"),
    [
        (QUARTER, ("2025-01",)),
        (QUARTER, ("2025-Q1", "2025-04")),
        (QUARTER, ("2025-02", "2025-03", "2025-04")),
        (YEAR, ("2025-Q1", "2025-Q2", "2025-Q3")),
        (YEAR, ("2025", "2026-01")),
        (MONTH, ("2025-01-01",)),
        (MONTH, ()),
    ],
)
def test_part_of_a_window_is_refused(kind: PeriodKind, periods: tuple[str, ...]) -> None:
    with pytest.raises(BadRelease, match="whole"):
        windows(release(cohort(kind)), months(*periods))


def test_a_release_without_a_cohort_has_no_windows() -> None:
    with pytest.raises(BadRelease, match="no cohort"):
        windows(replace(release(), cohort=None), months("2025-01"))


def test_each_dataset_is_read_as_far_as_something_of_it_may_lie() -> None:
    assert reach(cohort()) == {
        "prison_movements": Around(),
        "charges": Around((within("P1M"), within("P30D")), (within("P12M"), within("P18M"), within("P1M2D")), (within("P1M"),)),
        "managed": Around(known=(within("P12M"), within("P1M"), within("P12M"), within("P12M"))),
    }
    assert reading(release(cohort(QUARTER)), months("2024-Q2")) == {
        "prison_movements": (day("2024-04-01"), day("2024-06-30")),
        # Proof may come 18 months after the last day. Thirty days before the first reach less far than a month does.
        "charges": (day("2024-03-01"), day("2025-12-30")),
        "managed": (day("2023-04-01"), day("2024-06-30")),
    }
    assert reading(release(repeat_victims(), (), (), {"cohort.window": ()}), months("2024-03", "2024-05")) == {
        "victims": (day("2023-03-02"), day("2024-05-31"))
    }


def test_what_must_be_complete_is_where_people_come_in_and_where_nothing_found_says_something() -> None:
    assert needed(release(cohort(QUARTER)), months("2024-Q2")) == {
        "prison_movements": (day("2024-04-01"), day("2024-06-30")),
        "charges": (day("2024-03-01"), day("2025-12-30")),
    }


def test_the_longer_of_months_and_days_depends_on_the_day() -> None:
    """Thirty days before 1 March reach further back than a month does."""
    of = Cohort(
        MONTH,
        (Entry("In", "charges", "disposal_date"),),
        (Event("a", "charges", "offence_date", within("P30D"), before=True),),
        (Attribute("b", "charges", "offence_date", "age_band", within("P1M"), "none"),),
    )
    one = release(of, (), (), {"cohort.window": ()})
    assert reading(one, months("2025-03"))["charges"][0] == day("2025-01-30")
    assert reading(one, months("2025-08"))["charges"][0] == day("2025-07-01")


@pytest.mark.parametrize(
    ("text", "of", "found"),
    [
        ("P1M", "2025-03-31", "2025-02-28"),
        ("P1M", "2024-03-31", "2024-02-29"),
        ("P12M", "2024-02-29", "2023-02-28"),
        ("P1Y", "2025-01-01", "2024-01-01"),
        ("P365D", "2025-01-01", "2024-01-02"),
        ("P1M1D", "2025-03-31", "2025-02-27"),
        ("P2W", "2025-01-01", "2024-12-18"),
        ("P99Y", "0050-01-01", "0001-01-01"),
        ("P3D", "0001-01-02", "0001-01-01"),
    ],
)
def test_time_before_a_day(text: str, of: str, found: str) -> None:
    assert before(Duration.parse(text), day(of)) == day(found)


durations = st.builds(Duration, st.just(""), st.integers(0, 60), st.integers(0, 800))


@given(durations, st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.integers(0, 40))
def test_before_is_after_read_backwards(long: Duration, of: date, later: int) -> None:
    back = before(long, of)
    month = of.year * 12 + of.month - 1 - long.months
    start = date(month // 12, month % 12 + 1, min(of.day, monthrange(month // 12, month % 12 + 1)[1]))
    assert back == start - timedelta(days=long.days)
    # A later day never reaches further back, so the first day of the windows reaches furthest.
    assert back <= before(long, of + timedelta(days=later))
    if of.day <= 28 and not long.days:
        assert long.after(back) == of
