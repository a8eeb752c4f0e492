"""How far a cell can move at most when everything that may be hidden is, and which published cells stop it there (a dual ray)."""

import highspy
import numpy as np

from exchange.disclosure.problem import Problem
from exchange.disclosure.program import bounds
from exchange.disclosure.sheets import Bools
from exchange.disclosure.table import TableSet

Place = tuple[str, tuple[str, ...]]

_NOISE = 1e-6
"""Relative error of a solver's answer."""


_MOST_CELLS = 300
"""Longest list of published cells that is searched for those that can be left out."""


class Ranges:
    """The linear program of all changes in the eyes of one intruder; one column a cell, one row a sum, published cells held still."""

    def __init__(self, tables: TableSet, problem: Problem) -> None:
        self._tables, self._problem = tables, problem
        relations, size = problem.relations, len(problem.value)
        self._low = np.where(problem.movable, -bounds(problem.slack), 0.0)
        self._high = np.where(problem.movable, highspy.kHighsInf, 0.0)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = size, len(relations.start) - 1
        lp.col_cost_ = np.zeros(size)
        lp.col_lower_, lp.col_upper_ = self._low, self._high
        lp.row_lower_ = lp.row_upper_ = np.zeros(lp.num_row_)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = relations.start.astype(np.int32)
        lp.a_matrix_.index_ = relations.cells.astype(np.int32)
        lp.a_matrix_.value_ = relations.signs.astype(np.float64)
        self._solver = highspy.Highs()
        for option, setting in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("random_seed", 0), ("solver", "simplex")):
            self._solver.setOptionValue(option, setting)
        self._solver.passModel(lp)

    def suffice(self, cell: int) -> bool:
        """Whether `cell` could be as uncertain as it must be if everything were hidden; True also where the solver cannot say."""
        return self._missing(cell) == 0

    def _missing(self, cell: int) -> int:
        """A distance that `cell` would have to move and cannot (negative: fall); 0 where it can move as it must."""
        problem = self._problem
        down, up, width = int(problem.down[cell]), int(problem.up[cell]), int(problem.width[cell])
        if not problem.movable[cell]:
            return max(width, up)
        noise = _NOISE * max(1, width, down, up)
        fall = self._farthest(cell, -min(int(problem.slack[cell]), max(width, down)))
        if fall < down - noise:
            return -down
        rise = self._farthest(cell, max(width, up))
        if rise < up - noise:
            return up
        return 0 if fall + rise >= width - noise else width - round(fall)

    def _farthest(self, cell: int, most: int) -> float:
        """How far `cell` can move towards `most`, which says how far to look and in which direction."""
        if not most:
            return 0.0
        self._solver.changeColBounds(cell, min(0.0, float(most)), max(0.0, float(most)))
        self._solver.changeColCost(cell, -1.0 if most > 0 else 1.0)
        self._solver.run()
        answered = self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        found = abs(float(self._solver.getSolution().col_value[cell])) if answered else abs(float(most))
        self._solver.changeColBounds(cell, self._low[cell], self._high[cell])
        self._solver.changeColCost(cell, 0.0)
        return found

    def pinning(self, cell: int) -> list[Place]:
        """Published cells, as (table, codes), that leave `cell` too little room; none of them could be left out of the list."""
        amount = self._missing(cell)
        found = self._stopping(cell, amount) if amount else []
        return sorted({self._tables.place(other) for other in found or self._beside(cell)})

    def _stopping(self, cell: int, amount: int) -> list[int]:
        """The published cells that count in a combination of sums by which `cell` cannot move by `amount`."""
        self._solver.changeColBounds(cell, float(amount), float(amount))
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kInfeasible:
            return []
        _, has_ray, ray = self._solver.getDualRay()
        if not has_ray:
            return []
        relations = self._problem.relations
        each = np.repeat(np.asarray(ray), np.diff(relations.start)) * relations.signs
        which = np.abs(np.bincount(relations.cells, weights=each, minlength=len(self._problem.value))) > _NOISE
        found = self._published(which)
        return self._without_needless(found) if len(found) <= _MOST_CELLS else found

    def _without_needless(self, cells: list[int]) -> list[int]:
        """Let the cells move one by one, the largest first; those without which nothing is stopped stay on the list."""
        kept = []
        for cell in sorted(cells, key=lambda cell: (-int(self._problem.value[cell]), cell)):
            self._solver.changeColBounds(cell, -float(self._problem.value[cell]), highspy.kHighsInf)
            self._solver.run()
            if self._solver.getModelStatus() != highspy.HighsModelStatus.kInfeasible:
                self._solver.changeColBounds(cell, 0.0, 0.0)
                kept.append(cell)
        return kept

    def _beside(self, cell: int) -> list[int]:
        """Without a ray: the published cells that share a sum with `cell`, or `cell` itself where nothing else does."""
        _, rows, _ = self._problem.relations.around(np.array([cell]))
        _, members, _ = self._problem.relations.within(rows)
        which = np.zeros(len(self._problem.value), dtype=np.bool_)
        which[members] = True
        return self._published(which) or [cell]

    def _published(self, which: Bools) -> list[int]:
        """Those cells that no pattern may hide and that are in some table; zeros only where there is nothing else to name."""
        fixed: Bools = which & ~self._problem.movable & ~self._tables.virtual & ~self._problem.must
        some: Bools = fixed & (self._problem.value > 0)
        return np.flatnonzero(some if some.any() else fixed).tolist()


def pinning(tables: TableSet, problem: Problem, cell: int) -> list[Place]:
    """Published cells, as (table, codes), that with known bounds leave `cell` too little room."""
    return Ranges(tables, problem).pinning(cell)
