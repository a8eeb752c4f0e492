"""Who reads figures about linked people: the public, and each supplier with its own records at hand, who may have invented people or sent all it has."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from exchange.releases.cells import Counts
from exchange.releases.isolating import Together

_FEW = 8


class Reader:
    """What one reader can work out of figures over kinds of people (docs/decisions/0014-linkage.md).

    A supplier reads twice: as one that takes away what it knows, so that people whom it invented make nothing large; and as one that asks
    whether all of its people, or nearly all, are known elsewhere, so that few who are not are hidden like any few.
    """

    def __init__(self, own: Counts, people: Counts, figures: Counts, threshold: int, hidden: Sequence[int] = ()) -> None:
        """What is not yet told anything.

        Args:
            own: (kinds,) the kind as which this reader alone would have people of a kind; -1 where it has no record of them.
            people: (kinds,) how many there are.
            figures: (figures, kinds) how often a person of a kind counts in each.
            hidden: figures that must not follow from what is told.
        """
        mine = own >= 0
        totals = np.array([own == kind for kind in np.unique(own[mine])], dtype=np.int64).reshape(-1, len(own))
        alone = own == np.arange(len(own))
        self._views = [_view(figures, totals, people, threshold, hidden)]
        if mine.any():
            away = np.where(mine, figures - figures[:, own], figures)
            self._views.append(_view(away, totals[:0], np.where(alone, 0, people), threshold, hidden))

    def may_be_told(self, figure: int) -> bool:
        """Whether a figure, by its place, may be told beside those that are."""
        return all(told.may_tell(figures[figure]) for figures, told in self._views)

    def tell(self, figure: int) -> None:
        """Count a figure among those that are told."""
        for figures, told in self._views:
            told.tell(figures[figure])


def _view(figures: Counts, known: Counts, people: Counts, threshold: int, hidden: Sequence[int]) -> tuple[Counts, Together]:
    """Figures over the kinds that differ in any of them, and what is told: what the reader knows."""
    every, kind = np.unique(np.concatenate([figures, known]), axis=1, return_inverse=True)
    many = np.bincount(kind.ravel(), people, every.shape[1]) >= threshold
    told = Together(many, [every[one] for one in hidden if every[one].any()])
    for row in every[len(figures) :]:
        told.tell(row)
    return every[: len(figures)], told


def some_sets(sources: int) -> Iterator[int]:
    """Sets of sources, as bits, enough to tell which figures follow from which: all of one and two, of few sources also of three; of each other

    size those that stand beside one another.
    """
    every = 3 if sources <= _FEW else 2
    for size in range(1, min(sources, every) + 1):
        yield from (sum(1 << place for place in chosen) for chosen in combinations(range(sources), size))
    for size in range(every + 1, sources + 1):
        yield from (sum(1 << (first + step) % sources for step in range(size)) for first in range(sources))
