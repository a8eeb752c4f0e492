"""What is to be said of the most recent figure: which way it goes, whether the target is met, and how each area stands. Pure; chance is never called failure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from agreements.periods import Period, day_in_words
from exchange.framework.figures import Point, is_break
from exchange.framework.measures import Direction, Figure, Kind
from exchange.framework.series import Series, latest
from exchange.framework.uncertainty import Chance, Limits, beside, rate_limits, rates_differ, share_limits, shares_differ
from exchange.framework.words import in_words, shown


class Way(StrEnum):
    """Which way a figure goes."""

    BETTER = "Improving"
    WORSE = "Getting worse"
    HIGHER = "Higher"
    LOWER = "Lower"
    SAME = "No clear change"
    UNKNOWN = "Nothing to compare with yet"


@dataclass(frozen=True)
class Change:
    """Which way, and in a sentence against what."""

    way: Way
    says: str
    up: bool | None = None


@dataclass(frozen=True)
class Target:
    """What the board has set for a figure: a value to be reached by a day. ``decided``: when and how the board did."""

    value: Fraction
    by: date
    direction: Direction
    decided: str
    set_by: str
    set_on: date


class Status(StrEnum):
    """How a figure stands to its target."""

    NONE = "No target set"
    MET = "Target met"
    NEAR = "Not told apart from the target"
    NOT_YET = "Not met yet"
    MISSED = "Target missed"
    NO_FIGURE = "No figure to compare"


@dataclass(frozen=True)
class Standing:
    """Where a figure stands to its target, in a word and a sentence."""

    status: Status
    says: str
    target: Target | None = None


def change(figure: Figure, direction: Direction, points: Sequence[Point], breaks: Sequence[str]) -> Change:
    """The most recent figure against the same period of the year before, else the one before it; never across a break."""
    here = latest(points)
    if here is None or here.value is None:
        return Change(Way.UNKNOWN, "No figure has been published.")
    then = _before(points, here, breaks)
    if then is None or then.value is None:
        return Change(Way.UNKNOWN, "There is no earlier figure that it can be compared with.")
    says = f"{shown(here.value, figure)} in {in_words(here.period)}, {shown(then.value, figure)} in {in_words(then.period)}"
    tested = _tested(figure, here, then)
    if here.value == then.value or tested is False:
        return Change(Way.SAME, f"{says}: {Chance.WITHIN if tested is False else 'the same'}.")
    up = here.value > then.value
    words = "more than chance explains" if tested else "whether by chance is not tested for this kind of figure"
    if direction is Direction.NONE:
        return Change(Way.HIGHER if up else Way.LOWER, f"{says}: {words}.", up)
    better = up is (direction is Direction.UP)
    if tested is None:
        return Change(
            Way.HIGHER if up else Way.LOWER, f"{says}: {words}. {'Higher' if direction is Direction.UP else 'Lower'} is better.", up
        )
    return Change(Way.BETTER if better else Way.WORSE, f"{says}: {words}.", up)


def _before(points: Sequence[Point], here: Point, breaks: Sequence[str]) -> Point | None:
    earlier = [
        one for one in points if one.period < here.period and one.value is not None and not is_break(breaks, one.period, here.period)
    ]
    start = here.period.start
    year_ago = [one for one in earlier if (one.period.start.year, one.period.start.month) == (start.year - 1, start.month)]
    return year_ago[-1] if year_ago else earlier[-1] if earlier else None


def _tested(figure: Figure, here: Point, then: Point) -> bool | None:
    """Whether two figures differ by more than chance explains; None where that is not tested."""
    numbers = (here.numerator, here.denominator, then.numerator, then.denominator)
    if not figure.kind.divided or any(one is None for one in numbers):
        return None
    part, whole, other_part, other_whole = (float(one) for one in numbers if one is not None)
    if figure.kind is Kind.SHARE and part <= whole and other_part <= other_whole:
        return shares_differ(part, whole, other_part, other_whole)
    return rates_differ(part, whole, other_part, other_whole)


def against(figure: Figure, target: Target | None, here: Point | None, today: date) -> Standing:
    """The most recent figure against its target."""
    if target is None:
        return Standing(Status.NONE, "The board has set no target for this figure.")
    aim = f"{_AIMS[target.direction]}{shown(target.value, figure)} by {day_in_words(target.by)}"
    if here is None or here.value is None:
        return Standing(Status.NO_FIGURE, f"{aim}: no figure has been published.", target)
    met = {
        Direction.UP: here.value >= target.value,
        Direction.DOWN: here.value <= target.value,
        Direction.NONE: here.value == target.value,
    }[target.direction]
    near = here.interval is not None and here.interval.holds(float(target.value))
    if near and not met:
        return Standing(Status.NEAR, f"{aim}. The figure is short of it, but by no more than chance explains.", target)
    if met:
        rest = " The figure's interval still holds values on the other side." if near else ""
        return Standing(Status.MET, f"{aim}: met.{rest}", target)
    if here.period.end < target.by:
        over = "" if today < target.by else " The day has passed; no figure of it has been published."
        return Standing(Status.NOT_YET, f"{aim}: not met yet.{over}", target)
    return Standing(Status.MISSED, f"{aim}: not met.", target)


_AIMS = {Direction.UP: "At least ", Direction.DOWN: "At most ", Direction.NONE: ""}


@dataclass(frozen=True)
class Beside:
    """One area in one period beside the whole."""

    area: str
    point: Point
    chance: Chance | None


@dataclass(frozen=True)
class Compared:
    """All areas of one period: ``whole`` is theirs together, ``limits`` by size for drawing."""

    period: Period
    whole: Point
    areas: tuple[Beside, ...]
    limits: Mapping[float, Limits]

    @property
    def drawable(self) -> bool:
        """Whether a funnel says anything: a whole, and three areas at least."""
        return bool(self.limits) and sum(one.chance is not None for one in self.areas) >= 3


def compared(figure: Figure, found: Series) -> Compared | None:
    """The areas of the most recent period that has a figure of the whole; limits only for shares and rates."""
    whole = latest(found.whole)
    if whole is None or not found.areas:
        return None
    points = [(area, next((one for one in found.points.get(area, ()) if one.period == whole.period), None)) for area in found.areas]
    known = [(area, one) for area, one in points if one is not None]
    sizes = [float(one.denominator) for _, one in known if one.value is not None and one.denominator]
    limits = _funnel(figure, whole, sizes) if figure.kind.divided and sizes else {}
    areas = tuple(Beside(area, one, _chance(figure, whole, one)) for area, one in known)
    return Compared(whole.period, whole, areas, limits)


def limits_at(figure: Figure, whole: Point, size: float) -> Limits:
    """What chance explains at one size, in the figure's unit."""
    rate = float(whole.value or 0) / figure.per
    found = share_limits(rate, round(size)) if figure.kind is Kind.SHARE and rate <= 1 else rate_limits(rate, size)
    return Limits(*(one * figure.per for one in (found.low95, found.high95, found.low998, found.high998)))


def _chance(figure: Figure, whole: Point, one: Point) -> Chance | None:
    if not figure.kind.divided or one.value is None or not one.denominator or whole.value is None:
        return None
    return beside(float(one.value), limits_at(figure, whole, float(one.denominator)))


def _funnel(figure: Figure, whole: Point, sizes: Sequence[float]) -> dict[float, Limits]:
    """Limits at forty sizes from below the smallest area to beyond the largest."""
    low, high = max(1.0, min(sizes) * 0.6), max(sizes) * 1.1
    steps = sorted({float(round(low * (high / low) ** (step / 47))) for step in range(48)})
    return {size: limits_at(figure, whole, size) for size in steps}
