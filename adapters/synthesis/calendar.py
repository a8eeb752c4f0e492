"""The time an invented partnership is told over. Days are whole numbers since 1 January 1970."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adapters.errors import UsageError
from adapters.synthesis.frames import NEVER, Array

YEAR = 365.2425  # days, on average
WARM_UP = 730  # days lived before the first month that is written: prisons, caseloads and courts are full by then
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def day(text: str) -> int:
    """The day of a date YYYY-MM-DD."""
    return int(np.datetime64(text, "D").astype(int))


def month_of(days: Array) -> Array:
    """The month of each day, as whole months since January 1970."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)


def first_day(months: Array | int) -> Array:
    """The first day of each month."""
    return np.asarray(months, "datetime64[M]").astype("datetime64[D]").astype(np.int32)


def year_of(days: Array) -> Array:
    """The calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int32) + 1970


def sitting(days: Array) -> Array:
    """The day, or the Monday after a Saturday or Sunday: courts sit on weekdays."""
    place = (days + 3) % 7  # 1 January 1970 was a Thursday
    return np.where(place >= 5, days + 7 - place, days).astype(np.int32)


def age_on(birth: Array, days: Array) -> Array:
    """Whole years lived, near enough for an invented person (a birthday may be off by a day)."""
    return ((days - birth) / YEAR).astype(np.int32)


def dates(days: Array) -> pa.Array:
    """The days as dates; what never comes is null."""
    return pa.array(days.astype(np.int32), pa.date32(), mask=days >= NEVER)


@dataclass(frozen=True)
class Window:
    """What is told and what is written.

    Attributes:
        begin: the first day lived.
        first, last: the first and the last day of the months that are written.
        as_of: the day on which the agencies' systems are read. Later events are in nobody's extract.
        months: the months written, since January 1970.
        scale: 1 is about the real volumes of the two forces.
    """

    begin: int
    first: int
    last: int
    as_of: int
    months: tuple[int, ...]
    scale: float

    @classmethod
    def between(cls, start: str, end: str, scale: float) -> "Window":
        """From a first to a last month YYYY-MM; UsageError if they are not months in order."""
        if not _MONTH.fullmatch(start) or not _MONTH.fullmatch(end) or start > end:
            raise UsageError("--from and --to are months in order.", remedy="Write them YYYY-MM, for instance --from 2022-01 --to 2024-12.")
        if not 0 < scale <= 4:
            raise UsageError(
                "The scale lies above 0 and is 4 at the most.", remedy="1 is about the real volumes; 0.02 is for a demonstration."
            )
        low, high = (int(np.datetime64(text, "M").astype(int)) for text in (start, end))
        first, last = int(first_day(low)), int(first_day(high + 1)) - 1
        return cls(first - WARM_UP, first, last, last + 15, tuple(range(low, high + 1)), scale)

    @property
    def written(self) -> int:
        """How many months are written."""
        return len(self.months)

    def in_months(self, days: Array) -> Array:
        """Which days lie in the months that are written."""
        return (days >= self.first) & (days <= self.last)

    def known(self, days: Array) -> Array:
        """The days, with what has not come by the day of reading as not known."""
        return np.where(days <= self.as_of, days, NEVER)


def month_name(month: int) -> str:
    """YYYY-MM."""
    return str(np.datetime64(month, "M"))
