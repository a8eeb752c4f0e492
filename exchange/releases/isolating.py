"""Which figures about linked people may stand beside one another: those of which no combination tells of few people alone.

A figure here is a sum of people, each counted with a whole weight that depends on which sources know them, since when, and by which rule they
were linked. Figures are published exactly: whoever reads them may add and subtract them, and look at what is left when a sum is divided
(where all but a few are counted twice, odd and even tell of the few). A supplier takes what it knows of its own people away as well.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from exchange.releases.cells import Flags

Weights = npt.NDArray[np.int64]

PRIMES = (2, 3, 5, 7, 2**31 - 1)
"""Remainders that are looked at; the last, larger than any count, stands for whole numbers."""


class Together:
    """The figures told so far to one reader, over kinds of people: columns.

    What is told is safe if every combination of it has a weight on some kind of which there are many. Told are only figures that keep this,
    in whole numbers and in remainders alike; so a combination that has none on the many is nothing at all.
    """

    def __init__(self, many: Flags, hidden: Sequence[Weights] = ()) -> None:
        """``many``: (columns,) kinds with enough people; ``hidden``: figures that must not follow from what is told."""
        self._of = [_Remainders(prime, many) for prime in PRIMES]
        self._hidden = hidden
        self._asked: tuple[Weights, list[Weights]] | None = None

    def may_tell(self, weights: Weights) -> bool:
        """Whether a figure keeps what is told safe. It is not told by asking."""
        tried = self._left(weights)
        if not any(left.any() for left in tried):
            return not self._follow()
        if not all(left[one.many].any() for one, left in zip(self._of, tried, strict=True)):
            return False
        return not self._follow(tried[-1])

    def tell(self, weights: Weights) -> None:
        """Count a figure among those that are known, whether it is safe or not."""
        for one, left in zip(self._of, self._left(weights), strict=True):
            one.add(left)
        self._asked = None

    def _left(self, weights: Weights) -> list[Weights]:
        """What of a figure does not follow from what is told; what was asked last is remembered, for it is often told next."""
        if self._asked is None or not np.array_equal(self._asked[0], weights):
            self._asked = weights, [one.left(weights) for one in self._of]
        return self._asked[1]

    def _follow(self, more: Weights | None = None) -> bool:
        """Whether a hidden figure follows from what is told, and from one figure more."""
        whole = self._of[-1]
        for weights in self._hidden:
            left = whole.left(weights)
            if more is not None and left.any():
                place = int(np.flatnonzero(more)[0])
                left = (left - left[place] * pow(int(more[place]), -1, whole.prime) % whole.prime * more) % whole.prime
            if not left.any():
                return True
        return False


class _Remainders:
    """Figures by their remainders of one prime, each with a column of its own, one of many people where it has one."""

    def __init__(self, prime: int, many: Flags) -> None:
        self.prime, self.many = prime, many
        self._rows: list[tuple[int, Weights]] = []

    def left(self, weights: Weights) -> Weights:
        """What of a figure does not follow from the others."""
        left = weights % self.prime
        for place, row in self._rows:
            if left[place]:
                left = (left - left[place] * row) % self.prime
        return left

    def add(self, left: Weights) -> None:
        """Add what is left of a figure."""
        if left.any():
            good = np.flatnonzero((left != 0) & self.many)
            place = int(good[0] if len(good) else np.flatnonzero(left)[0])
            self._rows.append((place, left * pow(int(left[place]), -1, self.prime) % self.prime))
