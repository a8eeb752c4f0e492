"""Ranges that follow from the sums one at a time: a quick way to see that publishing a cell cannot work, before any program is run.

The true range of a cell lies within these. So a range too narrow settles the matter; one wide enough settles nothing.
"""

from collections import deque

import numpy as np

from exchange.disclosure.problem import Problem
from exchange.disclosure.relations import Relations
from exchange.disclosure.sheets import Bools, Floats, Ints

_MOST_ROWS = 3000
"""Sums looked at for one question: beyond this the ranges are left as wide as they are."""

_ROUNDS = 8

Range = tuple[float, float]
"""How far a cell may fall and rise."""


class Intervals:
    """How far each hidden cell may fall and rise at most, kept up as cells are published one by one."""

    def __init__(self, problem: Problem, hidden: Bools) -> None:
        self._problem, self._hidden = problem, hidden
        fall, rise = _everywhere(problem.relations, np.where(hidden, problem.slack, 0), hidden)
        self._known: dict[int, Range] = {}
        self._range: list[Range] = list(zip(fall.tolist(), rise.tolist(), strict=True))
        self._members: dict[int, list[tuple[int, int]]] = {}

    def of(self, cell: int) -> Range:
        """The range of `cell` if the cell last asked about were published."""
        return self._known.get(cell, self._range[cell])

    def settle(self) -> None:
        """The cell last asked about is published, until further notice."""
        for cell, found in self._known.items():
            self._range[cell] = found
        self._known = {}

    def saved(self) -> list[Range]:
        """The ranges as they are, to go back to."""
        return self._range.copy()

    def go_back(self, saved: list[Range]) -> None:
        """Cells settled since `saved` was taken are hidden again."""
        self._range, self._known, self._members = saved, {}, {}

    def without(self, cell: int) -> bool:
        """Whether, by this much, `cell` may perhaps be published: False where a primary cell would certainly be too narrow."""
        relations, problem = self._problem.relations, self._problem
        self._known = {cell: (0.0, 0.0)}
        waiting = deque(relations.rows[relations.first[cell] : relations.first[cell + 1]].tolist())
        queued, looked = set(waiting), 0
        while waiting and looked < _MOST_ROWS:
            looked += 1
            row = waiting.popleft()
            queued.discard(row)
            for member, found in self._tighter(row):
                self._known[member] = found
                if problem.width[member] and (
                    found[0] + found[1] < problem.width[member] or found[0] < problem.down[member] or found[1] < problem.up[member]
                ):
                    return False
                for other in relations.rows[relations.first[member] : relations.first[member + 1]].tolist():
                    if other != row and other not in queued:
                        queued.add(other)
                        waiting.append(other)
        return True

    def _tighter(self, row: int) -> list[tuple[int, Range]]:
        """The members of a sum that it leaves less room than they had, with what it leaves them."""
        members = self._hidden_in(row)
        ranges = [self.of(member) for member, _ in members]
        # How far each term can add to the sum, and take from it; all terms together come to nothing.
        adds = [rise if sign > 0 else fall for (fall, rise), (_, sign) in zip(ranges, members, strict=True)]
        takes = [fall if sign > 0 else rise for (fall, rise), (_, sign) in zip(ranges, members, strict=True)]
        found = []
        for at, (member, sign) in enumerate(members):
            most_up, most_down = _without(takes, at), _without(adds, at)
            fall, rise = ranges[at]
            left = (min(fall, most_down), min(rise, most_up)) if sign > 0 else (min(fall, most_up), min(rise, most_down))
            if left != ranges[at]:
                found.append((member, left))
        return found

    def _hidden_in(self, row: int) -> list[tuple[int, int]]:
        if row not in self._members:
            relations = self._problem.relations
            begin, end = relations.start[row], relations.start[row + 1]
            pairs = zip(relations.cells[begin:end].tolist(), relations.signs[begin:end].tolist(), strict=True)
            self._members[row] = [(member, sign) for member, sign in pairs if self._hidden[member]]
        return self._members[row]


def _without(terms: list[float], at: int) -> float:
    """The sum of all terms but one; they may be infinite, so it cannot be had by subtraction."""
    return sum(terms[:at]) + sum(terms[at + 1 :])


def _everywhere(relations: Relations, slack: Ints, hidden: Bools) -> tuple[Floats, Floats]:
    """How far every cell may fall and rise, from a few rounds over all sums."""
    fall, rise = slack.astype(np.float64), np.where(hidden, np.inf, 0.0)
    row = np.repeat(np.arange(len(relations.start) - 1), np.diff(relations.start))
    inside = hidden[relations.cells]
    row, cell, sign = row[inside], relations.cells[inside], relations.signs[inside]
    for _ in range(_ROUNDS):
        adds, takes = np.where(sign > 0, rise[cell], fall[cell]), np.where(sign > 0, fall[cell], rise[cell])
        most_up, most_down = _others(row, takes), _others(row, adds)
        before = fall.copy(), rise.copy()
        np.minimum.at(rise, cell, np.where(sign > 0, most_up, most_down))
        np.minimum.at(fall, cell, np.where(sign > 0, most_down, most_up))
        if (fall == before[0]).all() and (rise == before[1]).all():
            break
    return fall, rise


def _others(row: Ints, terms: Floats) -> Floats:
    """For each entry, the sum of the terms of all other entries in its row."""
    if not len(row):
        return terms
    endless = np.isinf(terms)
    finite = np.where(endless, 0.0, terms)
    total, ends = np.bincount(row, weights=finite), np.bincount(row, weights=endless)
    return np.asarray(np.where(ends[row] > endless, np.inf, total[row] - finite))
