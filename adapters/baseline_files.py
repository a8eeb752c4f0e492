"""How a published file of national statistics is declared: its series of figures, areas, breakdown and periods."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

Span = tuple[str, date, date]
"""A period: its name, first and last day."""


@dataclass(frozen=True)
class Series:
    """One column of figures: what is measured, in which unit, of what (where the header alone says it), and when (where no column does)."""

    header: str
    measure: str
    unit: str
    category: str = ""
    period: Span | None = None


@dataclass(frozen=True)
class Published:
    """One kind of file.

    Attributes:
        key: by which rows say where they come from.
        definition: version of the definition that the figures follow.
        area: the header of the area; empty where `fixed_area` says it.
        area_kind: nation, region, police area or court, of areas that `kinds` does not name.
        categories: headers of what the figures are broken down by, in the order in which they are written.
        period: headers that tell the period; none where each series says its own.
        read_period: reads their texts; None where they tell none.
        series: the figures.
        ignored: headers that repeat, order or are made from others; they are not read.
        breaks: first days of periods whose figures cannot be compared with those before: `[b]`.
    """

    key: str
    definition: str
    series: tuple[Series, ...]
    area: str = ""
    fixed_area: str = ""
    area_kind: str = "nation"
    kinds: Mapping[str, str] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    period: tuple[str, ...] = ()
    read_period: Callable[[Sequence[str]], Span | None] = lambda _: None
    ignored: tuple[str, ...] = ()
    breaks: frozenset[date] = frozenset()

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header of such a file."""
        area = (self.area,) if self.area else ()
        return (*self.period, *area, *self.categories, *(one.header for one in self.series), *self.ignored)

    @property
    def needed(self) -> tuple[str, ...]:
        """The headers whose columns are read."""
        return tuple(header for header in self.headers if header not in self.ignored)

    def kind_of(self, area: str) -> str:
        """What kind of area this is."""
        return self.kinds.get(area, self.area_kind)


def year_ending(texts: Sequence[str]) -> Span | None:
    """A year by its last day, YYYY-MM-DD."""
    last = _day(texts[0])
    if last is None:
        return None
    first = date(last.year - 1, last.month, last.day) + timedelta(days=1)
    return f"year ending {last:%Y-%m}", first, last


def quarter_ending(texts: Sequence[str]) -> Span | None:
    """A calendar quarter by its last day, YYYY-MM-DD."""
    last = _day(texts[0])
    if last is None or last.month % 3 or last.day != monthrange(last.year, last.month)[1]:
        return None
    return f"{last.year}-Q{last.month // 3}", date(last.year, last.month - 2, 1), last


def on_day(texts: Sequence[str]) -> Span | None:
    """A day, YYYY-MM-DD, whose state the figures are; a time of day after it is cut off."""
    found = _day(texts[0])
    return (found.isoformat(), found, found) if found else None


def month(texts: Sequence[str]) -> Span | None:
    """A month, YYYY-MM."""
    first = _day(f"{texts[0]}-01")
    return (texts[0], first, first.replace(day=monthrange(first.year, first.month)[1])) if first else None


def financial_quarter(texts: Sequence[str]) -> Span | None:
    """A quarter of a financial year that begins in April: “2018/19” and 1 to 4."""
    year, quarter = re.fullmatch(r"(\d{4})/\d\d", texts[0]), re.fullmatch(r"[1-4]", texts[1])
    if not year or not quarter:
        return None
    number = int(texts[1])
    first = date(int(year[1]) + (number == 4), (1, 4, 7, 10)[number % 4], 1)
    last = first.replace(month=first.month + 2, day=monthrange(first.year, first.month + 2)[1])
    return f"{texts[0]} Q{number}", first, last


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
