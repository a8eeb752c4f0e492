"""Perturbation tables: for every count the distribution of the noise added to it, by maximum entropy.

Among all distributions over whole numbers from -bound to bound with mean 0 and a given variance, under which no result is negative or one of the
small counts that must not appear, the one of greatest entropy says least beyond what it must. Its probabilities are proportional to
exp(a v + b v^2); a and b are found by minimising a smooth convex function of the two.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exchange.disclosure.errors import BadTables
from exchange.disclosure.sheets import Floats, Ints

VERSION = 1
RANGE = 2**32
_GRAIN = 2**8
"""Thresholds are multiples of this: coarser than any difference between two machines' arithmetic, finer than anybody can see."""

_STEPS = 200
_NEAR = 1e-12
_SHORTEST = 1e-9


@dataclass(frozen=True)
class PTable:
    """Noise for every count. `thresholds[i, k]`: a cell of count i (greater ones as the last row) whose key is below it, and not below the one
    before, gets noise k - `bound`. The last of each row is 2**32, the range of cell keys.
    """

    bound: int
    variance: Fraction
    none: int
    thresholds: Ints

    @property
    def digest(self) -> str:
        """What tells this table from any other: SHA-256 over version, parameters and thresholds."""
        said = [VERSION, self.bound, str(self.variance), self.none, self.thresholds.tolist()]
        return "sha256:" + hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()

    def probabilities(self, count: int) -> Floats:
        """(2 bound + 1,) how likely each noise from -bound to bound is for a cell of this count, exactly as looked up."""
        row = self.thresholds[min(count, len(self.thresholds) - 1)]
        return np.asarray(np.diff(np.concatenate([[0], row])) / RANGE)

    def noise(self, counts: Ints, keys: Ints) -> Ints:
        """(n,) the noise of cells with these counts and cell keys (0 to 2**32 - 1)."""
        rows = np.minimum(counts, len(self.thresholds) - 1)
        found = np.zeros(len(counts), dtype=np.int64)
        for row in np.unique(rows).tolist():
            mine = rows == row
            found[mine] = np.searchsorted(self.thresholds[row], keys[mine], side="right") - self.bound
        return found

    def behind(self, published: Ints) -> tuple[Ints, Ints]:
        """The least and the greatest count that each published number can come from."""
        kinds, place = np.unique(published, return_inverse=True)
        ends = [self._ends(kind) for kind in kinds.tolist()]
        low, high = np.array(ends, dtype=np.int64).reshape(-1, 2)[place.reshape(-1)].T
        return low, high

    def _ends(self, published: int) -> tuple[int, int]:
        possible = [
            count
            for count in range(max(published - self.bound, 0), published + self.bound + 1)
            if self.probabilities(count)[published - count + self.bound] > 0
        ]
        return (min(possible), max(possible)) if possible else (published, published)

    def described(self) -> Mapping[str, str | int]:
        """What is written down beside everything made with this table."""
        return {"bound": self.bound, "variance": str(self.variance), "none": self.none, "version": VERSION, "ptable": self.digest}


def make_ptable(bound: int, variance: Fraction | int | str, none: int = 0) -> PTable:
    """The table of greatest entropy. `bound`: most that a count changes; `variance` of the noise; `none`: no result from 1 to this.

    BadTables where no distribution has that variance for some count: the message says what is possible.
    """
    variance = Fraction(variance)
    if not 1 <= bound <= 100 or not 0 <= none < bound or variance <= 0:
        raise BadTables("a perturbation table needs a bound from 1 to 100, a variance above 0, and fewer results left out than the bound")
    # Beyond bound + none, nothing is cut off below: all further counts share one row.
    rows = [_row(count, bound, variance, none) for count in range(bound + none + 2)]
    return PTable(bound, variance, none, np.array(rows, dtype=np.int64))


def _row(count: int, bound: int, variance: Fraction, none: int) -> list[int]:
    """Thresholds of one count: cumulated probabilities of noise from -bound to bound, in parts of 2**32."""
    chance = np.zeros(2 * bound + 1)
    if count == 0:
        chance[bound] = 1.0
    else:
        allowed = [v for v in range(-min(bound, count), bound + 1) if not 1 <= count + v <= none]
        chance[np.array(allowed) + bound] = _widest(count, allowed, variance)
    whole = np.rint(np.cumsum(chance) * (RANGE // _GRAIN)).astype(np.int64) * _GRAIN
    whole[-1] = RANGE
    return [int(threshold) for threshold in whole]


def _widest(count: int, allowed: list[int], variance: Fraction) -> Floats:
    """The distribution of greatest entropy over `allowed` with mean 0 and this variance."""
    below, above = max((v for v in allowed if v < 0), default=0), min((v for v in allowed if v > 0), default=0)
    least, most = (0 if 0 in allowed else -below * above), -min(allowed) * max(allowed)
    if not least <= variance <= most or (variance == least == 0):
        raise BadTables(
            f"no noise of this variance exists for a count of {count}: it must be between {least} and {most}; change variance, bound or none"
        )
    if variance == least:
        return _two(allowed, below, above)
    if variance == most:
        return _two(allowed, min(allowed), max(allowed))
    return _solve(np.array(allowed, dtype=np.float64), float(variance))


def _two(allowed: list[int], low: int, high: int) -> Floats:
    """At either end of what is possible one distribution is left, over two values."""
    found = np.zeros(len(allowed))
    found[allowed.index(low)], found[allowed.index(high)] = high / (high - low), -low / (high - low)
    return found


def _solve(noise: Floats, variance: float) -> Floats:
    """Newton's method with halved steps on the convex log of the normaliser, noise measured in parts of its largest so that all stays near 1."""
    scale = np.abs(noise).max()
    moments = np.stack([noise / scale, (noise**2 - variance) / scale**2])
    multipliers = np.zeros(2)
    value, chance = _normaliser(moments, multipliers)
    for _ in range(_STEPS):
        gradient = moments @ chance
        if np.abs(gradient).max() < _NEAR:
            return chance
        hessian = (moments * chance) @ moments.T - np.outer(gradient, gradient)
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            break
        length, fall = 1.0, float(gradient @ step)
        tried, there = _normaliser(moments, multipliers - step)
        # Near the end the fall is below what floats can tell: there whole steps are right.
        while tried > value - 1e-4 * length * fall + _NEAR and length > _SHORTEST:
            length /= 2
            tried, there = _normaliser(moments, multipliers - length * step)
        multipliers, value, chance = multipliers - length * step, tried, there
    raise BadTables("no perturbation table was found: the variance is too near the least or the greatest possible")


def _normaliser(moments: Floats, multipliers: Floats) -> tuple[float, Floats]:
    """The log of the sum of exp(multipliers . moments), and the probabilities, safe from overflow."""
    exponent = multipliers @ moments
    top = exponent.max()
    weight = np.exp(exponent - top)
    total = weight.sum()
    return float(top + np.log(total)), weight / total
