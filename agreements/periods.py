"""Periods and retention, as agreements write them.

A period is ``YYYY``, ``YYYY-Qn`` (calendar quarter), ``YYYY-MM`` or ``YYYY-MM-DD``. Retention is an ISO 8601 duration of whole
years, months, weeks or days, counted from the end of the period.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import total_ordering

from agreements.errors import InvalidPeriod

_PERIOD = re.compile(r"^(\d{4})(?:-(?:Q([1-4])|(\d{2})(?:-(\d{2}))?))?$", re.ASCII)
_DURATION = re.compile(r"^P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$", re.ASCII)


class PeriodKind(StrEnum):
    """How long a dataset's periods are."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"


@total_ordering
@dataclass(frozen=True)
class Period:
    """A named stretch of days, both ends included."""

    name: str
    kind: PeriodKind
    start: date
    end: date

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read a period; :class:`InvalidPeriod` says which forms there are."""
        match = _PERIOD.fullmatch(text)
        if not match:
            raise InvalidPeriod("a period is written YYYY, YYYY-Qn, YYYY-MM or YYYY-MM-DD.")
        year, quarter, month, day = (int(part) if part else None for part in match.groups())
        try:
            return cls._of(text, int(year or 0), quarter, month, day)
        except ValueError as error:
            raise InvalidPeriod("there is no such date in the calendar.") from error

    @classmethod
    def _of(cls, text: str, year: int, quarter: int | None, month: int | None, day: int | None) -> "Period":
        if quarter:
            return cls(text, PeriodKind.QUARTER, date(year, 3 * quarter - 2, 1), month_end(year, 3 * quarter))
        if month is None:
            return cls(text, PeriodKind.YEAR, date(year, 1, 1), date(year, 12, 31))
        if day is None:
            return cls(text, PeriodKind.MONTH, date(year, month, 1), month_end(year, month))
        return cls(text, PeriodKind.DAY, date(year, month, day), date(year, month, day))

    def __lt__(self, other: "Period") -> bool:
        return (self.start, self.end) < (other.start, other.end)

    def __str__(self) -> str:
        return self.name


def months(first: Period, last: Period) -> list[Period]:
    """Every month from the first to the last, both included."""
    found, year, month = [], first.start.year, first.start.month
    while (year, month) <= (last.end.year, last.end.month):
        found.append(Period.parse(f"{year:04d}-{month:02d}"))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


@dataclass(frozen=True)
class Duration:
    """A retention period: ``P10Y``, ``P18M``, ``P90D``."""

    text: str
    months: int
    days: int

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read an ISO 8601 duration of years, months, weeks and days."""
        match = _DURATION.fullmatch(text)
        if not match:
            raise InvalidPeriod("a retention period is an ISO 8601 duration such as P10Y, P18M or P90D.")
        years, month_count, weeks, days = (int(part or 0) for part in match.groups())
        if not (years or month_count or weeks or days):
            raise InvalidPeriod("a retention period of nothing keeps nothing: write at least P1D.")
        return cls(text, years * 12 + month_count, weeks * 7 + days)

    def after(self, day: date) -> date:
        """The day this long after ``day``; the 31st becomes the month's last day where there is none. The calendar ends with 9999."""
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        if year > date.max.year:
            return date.max
        start = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
        return start + min(timedelta(days=self.days), date.max - start)

    def in_words(self) -> str:
        """``10 years``, ``18 months``, ``90 days``."""
        years, rest = divmod(self.months, 12)
        parts = [(years, "year"), (rest, "month"), (self.days, "day")]
        return " and ".join(f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in parts if count)


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def day_in_words(day: date) -> str:
    """``1 December 2026``."""
    return f"{day.day} {day:%B %Y}"
