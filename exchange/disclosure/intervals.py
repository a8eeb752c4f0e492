"""Ranges that follow from the sums one at a time: a quick way to see that publishing a cell cannot work, before any program is run.

The true range of a cell lies within these. So a range too narrow settles the matter; one wide enough settles nothing.
"""

from collections import deque
from math import inf

import numpy as np

from exchange.disclosure.problem import Problem
from exchange.disclosure.program import bounds
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
        self._problem, self._hidden = problem, hidden.copy()
        fall, rise = everywhere(problem.relations, np.where(hidden, bounds(problem.slack), 0.0), np.where(hidden, inf, 0.0))
        self._known: dict[int, Range] = {}
        self._range: list[Range] = list(zip(fall.tolist(), rise.tolist(), strict=True))
        self._before: list[tuple[int, Range]] = []  # what settling changed, latest last
        self._members: dict[int, list[tuple[int, int]]] = {}
        self._rows: dict[int, list[int]] = {}

    def of(self, cell: int) -> Range:
        """The range of `cell` if the cell last asked about were published."""
        return self._known.get(cell, self._range[cell])

    def settle(self) -> None:
        """The cell last asked about is published, until further notice."""
        for cell, found in self._known.items():
            self._before.append((cell, self._range[cell]))
            self._range[cell] = found
        self._known = {}

    def saved(self) -> int:
        """A name for the ranges as they are, to go back to."""
        return len(self._before)

    def go_back(self, saved: int) -> None:
        """Cells settled since `saved` was taken are hidden again."""
        while len(self._before) > saved:
            cell, found = self._before.pop()
            self._range[cell] = found
        self._known = {}

    def without(self, cell: int) -> bool:
        """Whether, by this much, `cell` may perhaps be published: False where a primary cell would certainly be too narrow."""
        problem = self._problem
        self._known = {cell: (0.0, 0.0)}
        waiting = deque(self._rows_of(cell))
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
                for other in self._rows_of(member):
                    if other != row and other not in queued:
                        queued.add(other)
                        waiting.append(other)
        return True

    def _tighter(self, row: int) -> list[tuple[int, Range]]:
        """The members of a sum that it leaves less room than they had, with what it leaves them."""
        known, ranges = self._known, self._range
        terms = [(member, sign, *(known.get(member) or ranges[member])) for member, sign in self._hidden_in(row)]
        # How far all terms together can add to the sum, and take from it; they come to nothing, so each is held by all others.
        adds = takes = 0.0
        free_adds = free_takes = 0
        for _, sign, fall, rise in terms:
            up, down = (rise, fall) if sign > 0 else (fall, rise)
            if up == inf:
                free_adds += 1
            else:
                adds += up
            if down == inf:
                free_takes += 1
            else:
                takes += down
        found: list[tuple[int, Range]] = []
        if free_adds > 1 and free_takes > 1:
            return found
        for member, sign, fall, rise in terms:
            up, down = (rise, fall) if sign > 0 else (fall, rise)
            most_up = (inf if free_takes else takes - down) if down != inf else (takes if free_takes == 1 else inf)
            most_down = (inf if free_adds else adds - up) if up != inf else (adds if free_adds == 1 else inf)
            if most_up < up or most_down < down:
                up, down = min(up, most_up), min(down, most_down)
                found.append((member, (down, up) if sign > 0 else (up, down)))
        return found

    def _hidden_in(self, row: int) -> list[tuple[int, int]]:
        """The cells of a sum that were hidden at first; those published since have no room."""
        if row not in self._members:
            relations = self._problem.relations
            begin, end = relations.start[row], relations.start[row + 1]
            pairs = zip(relations.cells[begin:end].tolist(), relations.signs[begin:end].tolist(), strict=True)
            self._members[row] = [(member, sign) for member, sign in pairs if self._hidden[member]]
        return self._members[row]

    def _rows_of(self, cell: int) -> list[int]:
        """The sums that a cell stands in."""
        if cell not in self._rows:
            relations = self._problem.relations
            self._rows[cell] = relations.rows[relations.first[cell] : relations.first[cell + 1]].tolist()
        return self._rows[cell]


def everywhere(relations: Relations, fall: Floats, rise: Floats) -> tuple[Floats, Floats]:
    """How far every cell may fall and rise (n,), from a few rounds over all sums, when no sum binds it further than `fall` and `rise`."""
    fall, rise = fall.copy(), rise.copy()
    row = np.repeat(np.arange(len(relations.start) - 1), np.diff(relations.start))
    inside = ((fall > 0) | (rise > 0))[relations.cells]
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
