"""What is to be drawn, as plain values. Nothing is drawn here: ``charts`` does that, once for each picture, and ``gallery`` keeps what it has drawn."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from exchange.framework.comparing import Compared
from exchange.framework.figures import ALL, Point, is_break, runs
from exchange.framework.measures import Kind, Measure
from exchange.framework.series import Series
from exchange.framework.uncertainty import Chance
from exchange.framework.views import FigureView
from exchange.framework.words import brief, in_words, listed, of_interval, shown

WIDE, NARROW, SMALL = (600, 320), (330, 260), (250, 130)
FUNNEL_WIDE, FUNNEL_NARROW = (600, 420), (330, 340)
Row = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """One chart. ``kind``: which; ``title`` and ``says``: its name and its description; the rest: what ``charts`` draws, all plain values."""

    kind: str
    title: str
    says: str
    width: int
    height: int
    rows: tuple[Row, ...]
    domain: tuple[float, float]
    unit: str
    places: int
    more: Row

    def document(self) -> Row:
        """As one plain value, of which the digest is taken."""
        return asdict(self)


def _rows(points: Sequence[Point], breaks: Sequence[str]) -> list[Row]:
    return [
        {
            "day": one.period.start.isoformat(),
            "value": one.number,
            "low": one.interval.low if one.interval else None,
            "high": one.interval.high if one.interval else None,
            "run": number,
            "alone": len(run) == 1,
        }
        for number, run in enumerate(runs(points, breaks))
        for one in run
    ]


def _domain(values: Sequence[float], kind: Kind) -> tuple[float, float]:
    """From where to where the vertical axis runs: from nought for what is counted, else round the values with some air."""
    low, high = min(values), max(values)
    if kind in (Kind.COUNT, Kind.SUM) or low <= 0.25 * high:
        return 0.0, high * 1.12 or 1.0
    air = (high - low) * 0.15 or high * 0.1
    return max(0.0, low - air), high + air


def trend(measure: Measure, view: FigureView, size: tuple[int, int] = WIDE) -> Picture | None:
    """All areas together over time, with the interval, the target, breaks, and marks where a figure is hidden or missing."""
    points, breaks = view.series.whole, [one.period for one in measure.breaks]
    rows = _rows(points, breaks)
    if not rows:
        return None
    target = view.standing.target
    values = [one for row in rows for one in (row["value"], row["low"], row["high"]) if one is not None]
    values += [float(target.value)] if target else []
    marks = [{"day": one.period.start.isoformat(), "marker": one.marker} for one in points if one.value is None]
    parted = [b.period.start.isoformat() for a, b in pairwise(points) if is_break(breaks, a.period, b.period)]
    aim = {"value": float(target.value), "label": f"Target {shown(target.value, view.figure)}"} if target else None
    title = f"{view.figure.title} over time"
    more = {"marks": marks, "breaks": parted, "target": aim, "last": _last(view), "ticks": _ticks(points, size[0])}
    return _picture(("trend", title, _trend_says(view, breaks)), size, rows, _domain(values, view.figure.kind), view, more)


def _last(view: FigureView) -> Row | None:
    one = view.latest
    return None if one is None or one.value is None else {"day": one.period.start.isoformat(), "label": brief(one.value, view.figure)}


def _ticks(points: Sequence[Point], width: int) -> list[Row]:
    """Which periods the axis names: as many as there is room for, evenly, counted back from the last."""
    room = max(2, width // 105)
    step = max(1, -(-len(points) // room))
    if step > 1 and points[0].period.start.month != points[-1].period.start.month:
        step = next((nice for nice in (1, 2, 3, 4, 6, 12, 24, 36) if nice >= step), step)
    chosen = list(reversed(points))[::step]
    return [{"day": one.period.start.isoformat(), "label": _short(one)} for one in reversed(chosen)]


def _short(one: Point) -> str:
    name = one.period.name
    if len(name) == 7 and name[5] == "Q":
        return f"{name[5:]} {name[:4]}"
    return f"{one.period.start:%b %Y}" if len(name) == 7 else name


def _trend_says(view: FigureView, breaks: Sequence[str]) -> str:
    points = [one for one in view.series.whole if one.value is not None]
    first, last = points[0], points[-1]
    values = [one.value for one in points if one.value is not None]
    parts = [f"Line chart of {len(points)} periods from {in_words(first.period)} to {in_words(last.period)}."]
    parts.append(f"Lowest {shown(min(values), view.figure)}, highest {shown(max(values), view.figure)}.")
    if last.value is not None:
        around = f", 95% interval {of_interval(last.interval, view.figure)}" if last.interval else ""
        parts.append(f"Most recent {shown(last.value, view.figure)}{around}.")
    if len(runs(view.series.whole, breaks)) > 1:
        parts.append("The line is parted where a figure is missing or cannot be compared with those before.")
    return " ".join([*parts, view.standing.says if view.standing.target else "No target set.", "The table beside it has every figure."])


def sparkline(measure: Measure, view: FigureView) -> Picture | None:
    """The same without axes, for a card: beside the words, which say what it shows."""
    rows = _rows(view.series.whole, [one.period for one in measure.breaks])
    if len(rows) < 2:
        return None
    values = [row["value"] for row in rows]
    low, high = min(values), max(values)
    air = (high - low or high or 1.0) * 0.15
    return _picture(("spark", f"{measure.title}, over time", _trend_says(view, ())), (220, 48), rows, (low - air, high + air), view, {})


def multiples(measure: Measure, view: FigureView) -> list[tuple[str, Picture]]:
    """One small chart an area, all on one scale, each with the whole behind it."""
    breaks = [one.period for one in measure.breaks]
    found: Series = view.series
    lines = {area: _rows(found.points.get(area, ()), breaks) for area in found.areas}
    behind = _rows(found.whole, breaks)
    values = [row["value"] for rows in (*lines.values(), behind) for row in rows]
    if not values:
        return []
    domain = _domain(values, view.figure.kind)
    if view.figure.kind in (Kind.COUNT, Kind.SUM):  # the whole is the sum of its parts: another scale
        behind, domain = [], _domain([row["value"] for rows in lines.values() for row in rows] or [1.0], view.figure.kind)
    pictures = []
    for area, rows in lines.items():
        if not rows:
            continue
        points = [one for one in found.points[area] if one.value is not None]
        says = f"From {_said(points[0], view)} to {_said(points[-1], view)}."
        more = {"behind": behind, "ticks": _ends(found.whole or found.points[area])}
        pictures.append((area, _picture(("small", f"{view.figure.title}, {area}", says), SMALL, rows, domain, view, more)))
    return pictures


def alone(measure: Measure, view: FigureView) -> Picture | None:
    """A figure that is one of many, small: all areas together over time."""
    breaks = [one.period for one in measure.breaks]
    rows = _rows(view.series.whole, breaks)
    if not rows:
        return None
    more = {"behind": [], "ticks": _ends(view.series.whole)}
    domain = _domain([row["value"] for row in rows], view.figure.kind)
    return _picture(("small", f"{view.figure.title} over time", _trend_says(view, breaks)), SMALL, rows, domain, view, more)


def _said(one: Point, view: FigureView) -> str:
    return f"{shown(one.value or 0, view.figure)} in {in_words(one.period)}"


def _ends(points: Sequence[Point]) -> list[Row]:
    ends = dict.fromkeys([points[0], points[-1]])
    return [{"day": one.period.start.isoformat(), "label": _short(one)} for one in ends]


SHAPES = {
    Chance.WITHIN: "within",
    Chance.WATCH_LOW: "watch",
    Chance.WATCH_HIGH: "watch",
    Chance.SIGNAL_LOW: "signal",
    Chance.SIGNAL_HIGH: "signal",
}


def funnel(view: FigureView, size: tuple[int, int] = FUNNEL_WIDE) -> Picture | None:
    """Areas by their size, with the limits that chance explains round the whole."""
    found = view.compared
    if found is None or not found.drawable or found.whole.number is None:
        return None
    rows: list[Row] = [
        {"size": float(one.point.denominator), "value": one.point.number, "area": one.area, "is": SHAPES[one.chance]}
        for one in found.areas
        if one.chance is not None and one.point.denominator is not None
    ]
    limits = [
        {"size": at, "low95": one.low95, "high95": one.high95, "low998": one.low998, "high998": one.high998}
        for at, one in found.limits.items()
    ]
    drawn: list[float] = [row["value"] for row in rows]
    edge = [one for row in limits for one in (row["low95"], row["high95"])]
    domain = _domain([*drawn, *edge], view.figure.kind)
    title = f"{view.figure.title} by area, {in_words(found.period)}"
    more = {"limits": limits, "whole": found.whole.number, "whole_label": f"All areas {shown(found.whole.number, view.figure)}"}
    return _picture(("funnel", title, _funnel_says(found)), size, rows, domain, view, more)


def _funnel_says(found: Compared) -> str:
    outside = [f"{one.area} is {one.chance}" for one in found.areas if one.chance is not None and one.chance.outside]
    within = [one.area for one in found.areas if one.chance is Chance.WITHIN]
    parts = ["Funnel plot: each area by how many it rests on, with limits round all areas together."]
    parts += [f"{sentence}." for sentence in outside]
    if within:
        parts.append(f"{listed(within)}: {Chance.WITHIN}.")
    return " ".join(parts)


def _picture(
    named: tuple[str, str, str], size: tuple[int, int], rows: Sequence[Row], domain: tuple[float, float], view: FigureView, more: Row
) -> Picture:
    """A picture: of this kind, with this title, saying this."""
    from_, to = (round(one, 6) for one in domain)
    digits = 0 if view.figure.kind in (Kind.COUNT, Kind.SUM, Kind.MEDIAN) or to - from_ > 8 else 1 if to - from_ > 0.8 else 2
    unit = view.figure.unit if view.figure.unit in ("%", "£") else ""
    return Picture(*named, *size, tuple(rows), (from_, to), unit, digits, more)


def every(measure: Measure, view: FigureView) -> list[Picture]:
    """Everything that pages draw of a figure."""
    found = [trend(measure, view), trend(measure, view, NARROW), funnel(view), funnel(view, FUNNEL_NARROW), sparkline(measure, view)]
    found.append(alone(measure, view))
    return [one for one in (*found, *(picture for _, picture in multiples(measure, view))) if one is not None]


__all__ = ["ALL", "FUNNEL_NARROW", "FUNNEL_WIDE", "NARROW", "WIDE", "Picture", "every", "funnel", "multiples", "sparkline", "trend"]
