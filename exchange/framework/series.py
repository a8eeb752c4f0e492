"""Series over time: of each period the newest edition that stands, with the marks of what is provisional, revised, or after a break. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from agreements.periods import Period, PeriodKind, months
from exchange.framework.figures import ABSENT, ALL, Chosen, Place, Point, Value, is_break, point
from exchange.framework.measures import Cells, Figure

PROVISIONAL, REVISED, BREAK = "[p]", "[r]", "[b]"


@dataclass(frozen=True)
class Edition:
    """One edition as the framework knows it. ``withdrawn``: it is no longer read, and only told of; ``provisional``: as it says of itself."""

    id: str
    reference: str
    version: int
    agreement: str
    release: str
    first: Period
    last: Period
    published: datetime
    withdrawn: bool = False
    provisional: bool = False

    @property
    def span(self) -> str:
        """Its periods in one name."""
        return self.first.name if self.first.name == self.last.name else f"{self.first.name} to {self.last.name}"


@dataclass(frozen=True)
class Series:
    """A figure by area: points in the order of periods, the whole under the empty name; the areas in the order of the release."""

    points: Mapping[str, tuple[Point, ...]]
    areas: tuple[str, ...]

    @property
    def whole(self) -> tuple[Point, ...]:
        """All areas together."""
        return self.points.get(ALL, ())


@dataclass(frozen=True)
class _Standing:
    edition: Edition
    chosen: Chosen
    revised: bool


def series(figure: Figure, read: Mapping[Cells, Sequence[tuple[Edition, Chosen]]], breaks: Sequence[str]) -> Series:
    """The series of a figure.

    Args:
        read: for each part of the figure what every edition holds of it, withdrawn ones with nothing.
        breaks: periods at which comparability ends.
    """
    parts = {
        name: _by_period(read[cells])
        for name, cells in (("numerator", figure.numerator), ("denominator", figure.denominator), ("value", figure.value))
        if cells is not None
    }
    names = sorted({name for found in parts.values() for name in found}, key=Period.parse)
    areas = tuple(dict.fromkeys(area for found in parts.values() for one in found.values() for area in one.chosen.areas))
    wanted = (ALL, *areas)
    found: dict[str, list[Point]] = {area: [] for area in wanted}
    for name in _filled(names):
        for area in wanted:
            found[area].append(_point(figure, Period.parse(name), area, {part: by.get(name) for part, by in parts.items()}))
    return Series({area: tuple(_broken(points, breaks)) for area, points in found.items() if any(_told(one) for one in points)}, areas)


def _told(one: Point) -> bool:
    return one.value is not None or one.marker != ABSENT


def _by_period(read: Sequence[tuple[Edition, Chosen]]) -> dict[str, _Standing]:
    found: dict[str, _Standing] = {}
    seen: set[str] = set()
    for edition, chosen in sorted(read, key=lambda one: (one[0].published, one[0].id)):
        covered = {period for period, _ in chosen.values} or {one.name for one in months(edition.first, edition.last)}
        if not edition.withdrawn:
            found |= {period: _Standing(edition, chosen, period in seen) for period in {period for period, _ in chosen.values}}
        seen |= covered
    return found


def _point(figure: Figure, period: Period, area: str, parts: Mapping[str, _Standing | None]) -> Point:
    place: Place = (period.name, area)
    values = {name: one.chosen.values.get(place, Value(marker=ABSENT)) if one else Value(marker=ABSENT) for name, one in parts.items()}
    standing = [one for one in parts.values() if one is not None]
    marks = [PROVISIONAL] if any(one.edition.provisional for one in standing) else []
    marks += [REVISED] if any(one.revised for one in standing) else []
    editions = tuple(dict.fromkeys(one.edition.id for one in standing))
    return replace(point(figure, period, area, values), marks=tuple(marks), editions=editions)


def _broken(points: Sequence[Point], breaks: Sequence[str]) -> Iterator[Point]:
    """The points, with the mark on the first of each that follows a break."""
    for before, here in zip((None, *points), points, strict=False):
        after = before is not None and is_break(breaks, before.period, here.period)
        yield replace(here, marks=(*here.marks, BREAK)) if after else here


def _filled(names: Sequence[str]) -> list[str]:
    """Every period from the first to the last, where all are of one kind: what nobody published is shown as not available."""
    periods = [Period.parse(name) for name in names]
    kinds = {one.kind for one in periods}
    if len(kinds) != 1 or kinds == {PeriodKind.DAY}:
        return list(names)
    kind = kinds.pop()
    found = dict.fromkeys(_name_in(kind, month.start) for month in months(periods[0], periods[-1]))
    return list(found)


def _name_in(kind: PeriodKind, day: date) -> str:
    if kind is PeriodKind.YEAR:
        return f"{day:%Y}"
    return f"{day:%Y}-Q{(day.month + 2) // 3}" if kind is PeriodKind.QUARTER else f"{day:%Y-%m}"


def latest(points: Sequence[Point]) -> Point | None:
    """The most recent point with a figure."""
    return next((one for one in reversed(points) if one.value is not None), None)
