"""How far chance alone moves a figure: intervals, limits of a funnel, and the words for both. Pure; ordinary floating point.

Shares: Wilson's score interval (Wilson 1927). Rates: Byar's approximation of the Poisson limits (Breslow and Day 1987). Funnels: exact binomial or
Poisson limits with interpolation between whole numbers (Spiegelhalter 2005). Medians, means and sums have none here.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

Ratio = Callable[[int], float]
Z95 = 1.959963984540054
TAILS = {"95": 0.025, "99.8": 0.001}


@dataclass(frozen=True)
class Interval:
    """Both ends of a 95 % interval, in the unit of the figure."""

    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """In another unit."""
        return Interval(self.low * factor, self.high * factor)

    def holds(self, value: float) -> bool:
        """Whether a value lies within."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Limits:
    """What chance explains round a whole, at one size: 19 times in 20, and 998 times in 1,000."""

    low95: float
    high95: float
    low998: float
    high998: float


class Chance(StrEnum):
    """What is to be made of a figure beside the whole."""

    WITHIN = "within what chance explains"
    WATCH_LOW = "lower than chance usually explains: watch it"
    WATCH_HIGH = "higher than chance usually explains: watch it"
    SIGNAL_LOW = "lower than chance explains: a signal"
    SIGNAL_HIGH = "higher than chance explains: a signal"

    @property
    def signal(self) -> bool:
        """Beyond the outer limits."""
        return self in (Chance.SIGNAL_LOW, Chance.SIGNAL_HIGH)

    @property
    def outside(self) -> bool:
        """Beyond the inner limits at least."""
        return self is not Chance.WITHIN


def share_interval(part: float, whole: float, z: float = Z95) -> Interval:
    """Wilson's interval of ``part`` of ``whole``, as proportions. ``whole`` above nought."""
    p, square = part / whole, z * z
    middle = p + square / (2 * whole)
    spread = z * math.sqrt(p * (1 - p) / whole + square / (4 * whole * whole))
    low, high = (middle - spread) / (1 + square / whole), (middle + spread) / (1 + square / whole)
    return Interval(0.0 if part == 0 else max(0.0, low), 1.0 if part == whole else min(1.0, high))


def rate_interval(events: float, size: float, z: float = Z95) -> Interval:
    """Byar's interval of ``events`` per unit of ``size``. ``size`` above nought."""
    above = events + 1
    low = events * (1 - 1 / (9 * events) - z / (3 * math.sqrt(events))) ** 3 if events else 0.0
    high = above * (1 - 1 / (9 * above) + z / (3 * math.sqrt(above))) ** 3
    return Interval(max(0.0, low) / size, high / size)


def share_limits(share: float, size: int) -> Limits:
    """Where a share of ``size`` units lies by chance if theirs is that of the whole, as proportions."""
    if not 0 < share < 1:
        return Limits(share, share, share, share)
    mode = min(size, math.floor((size + 1) * share))
    start = _binomial(mode, size, share)
    ratio = share / (1 - share)
    up = _walk(mode, size, start, lambda k: (size - k) / (k + 1) * ratio)
    down = _walk_down(mode, start, lambda k: k / (size - k + 1) / ratio)
    return _limits(dict([*down, *up]), size)


def rate_limits(rate: float, size: float) -> Limits:
    """The same for events per unit of size, if they come at the whole's rate."""
    expected = rate * size
    if expected <= 0:
        return Limits(0.0, 0.0, 0.0, 0.0)
    mode = math.floor(expected)
    start = math.exp(mode * math.log(expected) - expected - math.lgamma(mode + 1))
    up = _walk(mode, mode + math.ceil(12 * math.sqrt(expected) + 30), start, lambda k: expected / (k + 1))
    down = _walk_down(mode, start, lambda k: k / expected)
    return _limits(dict([*down, *up]), size)


def _binomial(k: int, n: int, p: float) -> float:
    chosen = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(chosen + k * math.log(p) + (n - k) * math.log1p(-p))


def _walk(k: int, last: int, chance: float, ratio: Ratio) -> Iterator[tuple[int, float]]:
    """Chances from the mode upwards, until they no longer matter."""
    while k <= last and chance > 1e-12:
        yield k, chance
        chance *= ratio(k)
        k += 1


def _walk_down(k: int, chance: float, ratio: Ratio) -> Iterator[tuple[int, float]]:
    """Chances below the mode, downwards, until they no longer matter."""
    while k > 0 and chance > 1e-12:
        chance *= ratio(k)
        k -= 1
        yield k, chance


def _limits(chances: dict[int, float], size: float) -> Limits:
    inner, outer = TAILS["95"], TAILS["99.8"]
    found = [_quantile(chances, tail) / size for tail in (inner, 1 - inner, outer, 1 - outer)]
    return Limits(*found)


def _quantile(chances: dict[int, float], tail: float) -> float:
    """Between the whole numbers where the sum of chances passes the tail; never below nought."""
    total, k = 0.0, 0
    for k in sorted(chances):
        before, total = total, total + chances[k]
        if total > tail:
            return max(0.0, k - (total - tail) / (total - before))
    return float(k)


def beside(value: float, limits: Limits) -> Chance:
    """A figure against the limits of its size."""
    if limits.low95 <= value <= limits.high95:
        return Chance.WITHIN
    if value < limits.low95:
        return Chance.SIGNAL_LOW if value < limits.low998 else Chance.WATCH_LOW
    return Chance.SIGNAL_HIGH if value > limits.high998 else Chance.WATCH_HIGH


def shares_differ(part: float, whole: float, other_part: float, other_whole: float) -> bool:
    """Whether two shares differ by more than chance explains 19 times in 20 (pooled test of two proportions)."""
    pooled = (part + other_part) / (whole + other_whole)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
    return spread > 0 and abs(part / whole - other_part / other_whole) > Z95 * spread


def rates_differ(events: float, size: float, other_events: float, other_size: float) -> bool:
    """The same for events per unit of size (given both, the split of events is binomial; normal approximation)."""
    total = events + other_events
    if total == 0:
        return False
    expected = size / (size + other_size)
    return abs(events / total - expected) > Z95 * math.sqrt(expected * (1 - expected) / total)
