"""Periods and retention: every form, every edge of the calendar."""

import calendar
import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.errors import InvalidPeriod
from agreements.periods import Duration, Period, PeriodKind, month_end, months

DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
EARLIER = st.dates(date(1900, 1, 1), date(2900, 12, 31))


@given(DAYS)
def test_every_day_lies_in_the_periods_that_are_named_after_it(day: date) -> None:
    quarter = (day.month + 2) // 3
    names = [f"{day.year:04d}", f"{day.year:04d}-Q{quarter}", f"{day.year:04d}-{day.month:02d}", day.isoformat()]
    found = [Period.parse(name) for name in names]
    assert all(period.start <= day <= period.end for period in found)
    assert [period.kind for period in found] == [PeriodKind.YEAR, PeriodKind.QUARTER, PeriodKind.MONTH, PeriodKind.DAY]
    assert [str(period) for period in found] == names
    lengths = [(period.end - period.start).days + 1 for period in found]
    assert lengths[0] == 365 + calendar.isleap(day.year)
    assert 90 <= lengths[1] <= 92
    assert lengths[2:] == [calendar.monthrange(day.year, day.month)[1], 1]


@given(EARLIER)
def test_months_follow_each_other_without_a_gap(day: date) -> None:
    period = Period.parse(f"{day:%Y-%m}")
    after = period.end + timedelta(days=1)
    assert Period.parse(f"{after:%Y-%m}").start == after
    assert period < Period.parse(f"{after:%Y-%m}")
    assert period.end == month_end(day.year, day.month)


@pytest.mark.parametrize(
    "text",
    ["", "21", "2021-0", "2021-00", "2021-13", "2021-Q0", "2021-Q5", "2021-02-29", "2100-02-29", "2021-04-31", "2021-4", "0000", "0000-01",
     "2021-04\n", " 2021-04", "2021-04 ", "٢٠٢١-٠٤", "2021/04", "2021-q1", "2021-04-01T00:00", "20210401", "-2021", "2021-W01"],
)  # fmt: skip
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod):
        Period.parse(text)


@given(st.text(max_size=12))
def test_any_text_is_a_period_that_reads_back_or_refused(text: str) -> None:
    try:
        found = Period.parse(text)
    except InvalidPeriod:
        return
    assert found.name == text
    assert found.start <= found.end


def test_a_shuffled_list_of_periods_sorts_by_time() -> None:
    names = ["2020", "2020-Q4", "2020-12", "2020-12-31", "2021-01"]
    wanted = sorted((Period.parse(name) for name in names), key=lambda period: (period.start, period.end))
    shuffled = [Period.parse(name) for name in names]
    random.Random(1).shuffle(shuffled)
    assert sorted(shuffled) == wanted


def test_months_from_first_to_last() -> None:
    found = months(Period.parse("2020-11"), Period.parse("2021-02"))
    assert [period.name for period in found] == ["2020-11", "2020-12", "2021-01", "2021-02"]
    assert months(Period.parse("2021-02"), Period.parse("2021-01")) == []
    assert [period.name for period in months(Period.parse("9999-12"), Period.parse("9999-12"))] == ["9999-12"]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("P1M", "2021-01-31", "2021-02-28"),
        ("P1M", "2024-01-31", "2024-02-29"),
        ("P1Y", "2024-02-29", "2025-02-28"),
        ("P4Y", "2024-02-29", "2028-02-29"),
        ("P100Y", "2000-02-29", "2100-02-28"),
        ("P1M1D", "2021-01-31", "2021-03-01"),
        ("P10Y", "2021-04-30", "2031-04-30"),
        ("P2W", "2021-12-25", "2022-01-08"),
        ("P90D", "2021-11-30", "2022-02-28"),
        ("P18M", "2021-08-31", "2023-02-28"),
    ],
)
def test_a_retention_ends_on_its_day(text: str, start: str, end: str) -> None:
    assert Duration.parse(text).after(date.fromisoformat(start)) == date.fromisoformat(end)


@given(EARLIER, st.integers(1, 999), st.integers(0, 12), st.integers(0, 999))
def test_a_retention_is_never_shorter_than_written_nor_a_month_longer(day: date, years: int, month_count: int, days: int) -> None:
    end = Duration.parse(f"P{years}Y{month_count}M{days}D").after(day)
    whole = day.year * 12 + day.month + years * 12 + month_count
    floor = date((whole - 1) // 12, (whole - 1) % 12 + 1, 1) + timedelta(days=days)
    assert floor <= end <= floor + timedelta(days=day.day - 1)
    assert end >= day


@given(DAYS, DAYS)
def test_a_later_day_is_never_destroyed_earlier(one: date, other: date) -> None:
    ten = Duration.parse("P10Y1M3D")
    assert (ten.after(min(one, other))) <= ten.after(max(one, other))


def test_the_calendar_ends_and_nothing_breaks() -> None:
    assert Duration.parse("P999Y9999M99999D").after(date(9999, 12, 31)) == date.max
    assert Duration.parse("P1D").after(date(9999, 12, 31)) == date.max
    assert Duration.parse("P1Y").after(date(9998, 12, 31)) == date.max


@pytest.mark.parametrize("text", ["", "P", "PT1H", "P0D", "P0Y0M", "1Y", "P-1Y", "P1.5Y", "P1D1Y", "P1Y\n", "p1y", "P1Y2Y", "P１Y"])
def test_what_is_no_retention_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [("P10Y", "10 years"), ("P1Y", "1 year"), ("P18M", "1 year and 6 months"), ("P90D", "90 days"), ("P1W", "7 days"), ("P1D", "1 day")],
)
def test_a_retention_in_words(text: str, words: str) -> None:
    assert Duration.parse(text).in_words() == words
