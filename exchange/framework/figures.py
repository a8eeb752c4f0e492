"""Figures from published cells, and from nothing else: what is hidden there stays hidden here. Pure.

A sum of cells of which one is hidden is hidden, unless the codes are all there are and the total itself stands in the table. A quotient is shown only
where both its parts are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from agreements.periods import Period
from agreements.release import Release
from exchange.framework.measures import Cells, Figure, Kind
from exchange.framework.uncertainty import Interval, rate_interval, share_interval

HIDDEN, ABSENT, NOT_APPLICABLE = "[c]", "[x]", "[z]"
KEY: Mapping[str, str] = {
    "[b]": "break: cannot be compared with the periods before",
    "[c]": "confidential: hidden so that nobody can be identified",
    "[p]": "provisional: may still change",
    "[r]": "revised since it was first published",
    "[x]": "not available",
    "[z]": "not applicable: there is nothing to divide by",
}
"""The shorthand of pages, by the Analysis Function's guidance on symbols."""

Number = int | Fraction
Place = tuple[str, str]
"""A period's name and an area's label; the label is empty for all areas together."""
ALL = ""


@dataclass(frozen=True)
class Value:
    """A published number, or the marker that stands in its place."""

    number: Number | None = None
    marker: str = ""


@dataclass(frozen=True)
class Chosen:
    """What a figure reads from one table of one edition."""

    values: Mapping[Place, Value]
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """One figure of one period and area. Either ``value`` is there or ``marker`` says why not.

    Attributes:
        numerator, denominator: of a share or rate, as published; else None.
        interval: 95 %, in the unit of the value; None where there is none to work out.
        marks: ``[p]``, ``[r]``, ``[b]`` as they apply.
        editions: the editions that it comes from.
    """

    period: Period
    area: str
    value: Fraction | None
    marker: str = ""
    numerator: Number | None = None
    denominator: Number | None = None
    interval: Interval | None = None
    marks: tuple[str, ...] = ()
    editions: tuple[str, ...] = ()

    @property
    def number(self) -> float | None:
        """The value, for drawing."""
        return None if self.value is None else float(self.value)


def choose(table: pa.Table, release: Release, cells: Cells, by: str, period: str) -> Chosen:
    """The values that a figure reads from one published table, by period and area.

    Args:
        table: as published in Parquet: labels, ``count`` and ``count_marker``, and the figures likewise.
        by: the dimension of the areas, or empty; ignored where the table is not cut by it.
        period: the period's name where the table is not cut by periods.
    """
    named = {one.name: one for one in release.dimensions}
    across = [name for name in table.column_names if name in named]
    where = dict(cells.where)
    if cells.column not in table.column_names or not set(where) <= set(across):
        return Chosen({}, ())
    keep: Any = None
    added: dict[str, tuple[str, ...]] = {}
    for name in across:
        added[name] = ()
        if name == release.period_dimension:
            wanted = pc.not_equal(table[name], named[name].total)
        elif name == by and name not in where:
            continue
        else:
            added[name] = _labels(where.get(name), dict(named[name].categories), named[name].total)
            wanted = pc.is_in(table[name], value_set=pa.array(added[name], pa.string()))
        keep = wanted if keep is None else pc.and_(keep, wanted)
    found = (table if keep is None else table.filter(keep)).to_pydict()
    return _gathered(found, release, cells.column, added, by if by in across and by not in where else "", period)


def _labels(codes: Sequence[str] | None, labels: Mapping[str, str], total: str) -> tuple[str, ...]:
    """The labels to be added: the total alone where nothing is named, or where every category is."""
    if codes is None or (labels and set(codes) == set(labels)):
        return (total,)
    return tuple(labels.get(code, code) for code in codes)


def _gathered(
    found: Mapping[str, Sequence[object]], release: Release, column: str, added: Mapping[str, tuple[str, ...]], by: str, period: str
) -> Chosen:
    total = next((one.total for one in release.dimensions if one.name == by), ALL)
    markers = found.get(f"{column}_marker", [None] * len(found[column]))
    single: dict[Place, dict[tuple[str, ...], Value]] = {}
    sums = {name: labels for name, labels in added.items() if labels}
    for row, (number, marker) in enumerate(zip(found[column], markers, strict=True)):
        area = str(found[by][row]) if by else ALL
        when = str(found[release.period_dimension][row]) if release.period_dimension in added else period
        part = tuple(str(found[name][row]) for name in sums)
        single.setdefault((when, ALL if area == total else area), {})[part] = _value(number, marker)
    wanted = list(product(*sums.values()))
    values = {place: added_up([parts.get(part, Value(marker=ABSENT)) for part in wanted]) for place, parts in single.items()}
    return Chosen(values, tuple(dict.fromkeys(area for _, area in values if area != ALL)))


def _value(number: object, marker: object) -> Value:
    if isinstance(number, int):
        return Value(number)
    if number is not None:
        return Value(Fraction(str(number)))
    return Value(marker=str(marker or HIDDEN))


def added_up(values: Sequence[Value]) -> Value:
    """The sum; hidden where one is hidden, else without a figure where one has none."""
    markers = {one.marker for one in values if one.number is None}
    if markers:
        return Value(marker=HIDDEN if HIDDEN in markers else min(markers))
    return Value(sum((one.number for one in values if one.number is not None), 0))


def point(figure: Figure, period: Period, area: str, parts: Mapping[str, Value]) -> Point:
    """One point from its parts: ``numerator`` and ``denominator``, or ``value``."""
    if figure.kind.divided:
        return _quotient(figure, period, area, parts["numerator"], parts["denominator"])
    found = parts["numerator" if figure.kind is Kind.COUNT else "value"]
    return Point(period, area, None if found.number is None else Fraction(found.number), found.marker)


def _quotient(figure: Figure, period: Period, area: str, over: Value, under: Value) -> Point:
    bare = Point(period, area, None, numerator=over.number, denominator=under.number)
    if over.number is None or under.number is None:
        markers = {one.marker for one in (over, under) if one.number is None}
        return replace(bare, marker=HIDDEN if HIDDEN in markers else min(markers))
    if under.number == 0:
        return replace(bare, marker=NOT_APPLICABLE)
    work_out = share_interval if figure.kind is Kind.SHARE and over.number <= under.number else rate_interval
    interval = work_out(float(over.number), float(under.number))
    return replace(bare, value=Fraction(over.number) / Fraction(under.number) * figure.per, interval=interval.times(figure.per))


def is_break(breaks: Sequence[str], before: Period, here: Period) -> bool:
    """Whether comparability ends between two periods: a break lies after the first's beginning, up to the second's."""
    return any(before.start < Period.parse(one).start <= here.start for one in breaks)


def runs(points: Sequence[Point], breaks: Sequence[str]) -> list[list[Point]]:
    """Points of one area in order, parted where a figure is missing, a period is, or comparability ends: lines are drawn within a run alone."""
    found: list[list[Point]] = []
    before: Point | None = None
    for one in points:
        if one.value is None:
            before = None
            continue
        joined = before is not None and _next(before.period, one.period) and not is_break(breaks, before.period, one.period)
        if joined:
            found[-1].append(one)
        else:
            found.append([one])
        before = one
    return found


def _next(before: Period, here: Period) -> bool:
    """Whether one period follows upon the other with no day between, or they overlap as rolling ones do."""
    return (here.start - before.end).days <= 1
