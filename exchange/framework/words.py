"""How figures and periods are written for people. Pure."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from agreements.periods import Period, PeriodKind
from exchange.framework.figures import Point
from exchange.framework.measures import Figure, Kind
from exchange.framework.uncertainty import Interval

_QUARTERS = {1: "January to March", 4: "April to June", 7: "July to September", 10: "October to December"}


def in_words(period: Period) -> str:
    """``April 2021``, ``January to March 2025``, ``2025``."""
    match period.kind:
        case PeriodKind.YEAR:
            return f"{period.start:%Y}"
        case PeriodKind.QUARTER:
            return f"{_QUARTERS[period.start.month]} {period.start:%Y}"
        case PeriodKind.MONTH:
            return f"{period.start:%B %Y}"
        case _:
            return period.name


def rounded(value: Fraction | float, places: int) -> str:
    """With thousands commas and a fixed number of places, halves up."""
    exact = Decimal(value.numerator) / Decimal(value.denominator) if isinstance(value, Fraction) else Decimal(value)
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def places(figure: Figure) -> int:
    """Decimal places of a figure: one of a share, two of a rate per one, none of what is counted."""
    match figure.kind:
        case Kind.SHARE | Kind.MEAN:
            return 1
        case Kind.RATE:
            return 2 if figure.per == 1 else 1
        case _:
            return 0


def shown(value: Fraction | float, figure: Figure) -> str:
    """A value with its unit: ``69.4%``, ``£1,200``, ``87 days``."""
    return with_unit(rounded(value, places(figure)), figure.unit)


def brief(value: Fraction | float, figure: Figure) -> str:
    """Where there is little room: with its sign, and without the word for what is counted."""
    return with_unit(rounded(value, places(figure)), figure.unit if figure.unit in ("%", "£") else "")


def with_unit(number: str, unit: str) -> str:
    """A number with its unit where it belongs."""
    if unit in ("%", ""):
        return f"{number}{unit}"
    return f"£{number}" if unit == "£" else f"{number} {unit}"


def of_point(point: Point, figure: Figure) -> str:
    """A point as a table shows it: the value, or the marker in its place; then its marks."""
    bare = point.marker if point.value is None else rounded(point.value, places(figure)) + ("%" if figure.unit == "%" else "")
    return " ".join([bare, *point.marks])


def of_part(number: int | Fraction | None, marker: str) -> str:
    """A numerator or denominator as a table shows it."""
    if number is None:
        return marker or "[x]"
    return rounded(Fraction(number), 0 if Fraction(number).denominator == 1 else 2)


def of_interval(interval: Interval | None, figure: Figure) -> str:
    """``67.1% to 71.6%``; empty where there is none."""
    if interval is None:
        return ""
    low, high = (rounded(one, places(figure)) for one in (interval.low, interval.high))
    return f"{low}% to {high}%" if figure.unit == "%" else f"{low} to {high}"


def of_end(interval: Interval | None, figure: Figure, end: str) -> str:
    """One end of an interval, as a table shows it: its unit stands beside the value; empty where there is none."""
    return "" if interval is None else rounded(interval.low if end == "low" else interval.high, places(figure))


def listed(names: list[str]) -> str:
    """``A, B and C``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
