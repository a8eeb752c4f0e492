"""The exchange LP: the cheapest balanced change of a few cells that moves one of them by a given amount.

Columns are the rise and the fall of every cell; every sum touching the cells must balance, all other cells stay as they are.
A solution's support is what must be hidden; the change itself is a witness that the moved cell is not pinned down.
HiGHS, one thread, fixed seed: the same model gives the same answer.
"""

from dataclasses import dataclass
from typing import NamedTuple

import highspy
import numpy as np

from exchange.disclosure.problem import LEAST_PRICE, Problem
from exchange.disclosure.program import bounds, pass_model
from exchange.disclosure.sheets import Floats, Ints

FREE = LEAST_PRICE
"""Price of moving a cell that is hidden anyway: above zero, so that witnesses stay short."""

MOST_WHOLE = 3000
"""Integer programs are tried on at most this many cells."""

MOST_WARM = 1000
"""Larger models start from nothing every time: the way back from the last answer is longer than the way to the next."""

MOST_NODES = 5000
"""Branch-and-bound nodes of one integer program, so that none runs for ever; counted, not timed, so that results repeat."""

LAST_NODES = 10 * MOST_NODES
"""The same for a program that has the last word."""

_ANSWERED = {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit}


@dataclass(frozen=True)
class Move:
    """A balanced change in whole units: `delta[i]` is added to `cells[i]`; no delta is zero. Some (float) price guided it."""

    cells: Ints
    delta: Ints


class Balance(NamedTuple):
    """`cells` (ascending), none of them alone in any sum, and the entries of the sums that bind them: row (numbered afresh), place of the
    cell, sign.
    """

    cells: Ints
    rows: Ints
    owner: Ints
    signs: Ints


class ExchangeModel:
    """A warm LP over some cells (ascending) of a problem. Cells that cannot move at all (known, or alone in some sum) are left out.

    `whole`: an integer program from the start; `most_whole`: models of more cells are never turned into one as they stand; `final`: search
    longer, and take what moves a cell farther than asked. `gave_out`: some question was left open. What was impossible once is not asked again
    until more may move.
    """

    def __init__(
        self, problem: Problem, cells: Ints | Balance, *, whole: bool = False, most_whole: int = MOST_WHOLE, final: bool = False
    ) -> None:
        self.problem = problem
        self.gave_out = False
        self._final = final
        self._most_whole = most_whole
        self._integers = whole
        self.cells, self._rows, self._owner, self._signs = cells if isinstance(cells, Balance) else balanced(problem, cells)
        self.place = dict(zip(self.cells.tolist(), range(len(self.cells)), strict=True))
        self._slack = bounds(problem.slack[self.cells])
        self._prices = problem.weight[self.cells].copy()
        self._still = np.zeros(len(self.cells), dtype=np.bool_)
        self._hopeless: set[tuple[int, int]] = set()
        self._solver = self._build() if len(self.cells) else None

    def _build(self) -> highspy.Highs:
        size, entries = len(self.cells), len(self._rows)
        starts = np.concatenate([[0], np.cumsum(np.bincount(self._owner, minlength=size))])
        solver = highspy.Highs()
        for option, setting in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("mip_rel_gap", 0.05),
            ("mip_max_nodes", LAST_NODES if self._final else MOST_NODES),
        ):
            solver.setOptionValue(option, setting)
        if not self._integers:
            solver.setOptionValue("presolve", "off")
            solver.setOptionValue("solver", "simplex")
        pass_model(
            solver,
            np.tile(self.problem.weight[self.cells], 2),
            np.concatenate([np.full(size, highspy.kHighsInf), self._slack]),
            np.zeros(int(self._rows.max(initial=-1)) + 1),
            (np.concatenate([starts, starts[1:] + entries]), np.tile(self._rows, 2), np.concatenate([self._signs, -self._signs])),
            whole=self._integers,
        )
        return solver

    def price(self, cells: Ints, prices: Floats) -> None:
        """Set the price per unit moved of `cells` (those outside the model are passed over)."""
        if self._solver is None:
            return
        places = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        known = self.cells[places] == cells
        if known.any():
            self._prices[places[known]] = prices[known]
            both = np.concatenate([places[known], places[known] + len(self.cells)]).astype(np.int32)
            self._solver.changeColsCost(len(both), both, np.tile(prices[known], 2))

    def allow(self, cell: int, *, allowed: bool) -> None:
        """Let `cell` move again, or hold it still."""
        place = self.place.get(cell)
        if self._solver is not None and place is not None:
            if allowed and self._still[place]:
                self._hopeless.clear()
            self._still[place] = not allowed
            self._solver.changeColBounds(place, 0.0, highspy.kHighsInf if allowed else 0.0)
            self._solver.changeColBounds(place + len(self.cells), 0.0, float(self._slack[place]) if allowed else 0.0)

    def move(self, cell: int, amount: int) -> Move | None:
        """The cheapest whole-unit change that moves `cell` by at least `amount` (its sign the direction); None where there is none here."""
        place = self.place.get(cell)
        if place is None or self._solver is None or -amount > self._slack[place] or (cell, amount) in self._hopeless:
            return None
        size = len(self.cells)
        moved, still = (place, place + size) if amount > 0 else (place + size, place)
        # In whole numbers a little farther may be possible where just so far is not.
        most = float(abs(amount)) if not self._final else highspy.kHighsInf if amount > 0 else float(self._slack[place])
        self._solver.changeColBounds(moved, float(abs(amount)), most)
        self._solver.changeColBounds(still, 0.0, 0.0)
        try:
            if size > MOST_WARM:
                self._solver.clearSolver()
            self._solver.run()
            if self._solver.getModelStatus() not in _ANSWERED:
                impossible = self._solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
                self.gave_out |= not impossible
                if impossible and not self._integers:
                    self._hopeless.add((cell, amount))
                return None
            change = self._change()
            # An unfinished integer program may have stopped without any answer: then the cell has not moved as asked.
            found = self._whole(change) if abs(change[place]) >= abs(amount) * (1 - 1e-6) else None
            self.gave_out |= found is None
            return found if found is not None or self._integers else self._integer_program(cell, amount, change)
        finally:
            self.allow(cell, allowed=True)

    def _change(self) -> Floats:
        values = np.asarray(self._solver.getSolution().col_value) if self._solver is not None else np.zeros(2 * len(self.cells))
        return values[: len(self.cells)] - values[len(self.cells) :]

    def _whole(self, change: Floats) -> Move | None:
        """The change in whole units, a small multiple of it if need be; None unless it balances exactly and keeps every bound."""
        for times in (1, 2, 3, 4, 6):
            delta = np.rint(change * times).astype(np.int64)
            near = 1e-6 * max(1.0, float(np.abs(delta).max(initial=0)))  # the answers to large numbers are less exact
            if np.abs(change * times - delta).max() < min(near, 0.3) and (delta >= -self._slack).all() and not self._sums(delta).any():
                used = np.flatnonzero(delta)
                return Move(self.cells[used], delta[used])
        return None

    def _sums(self, delta: Ints) -> Ints:
        sums = np.zeros(int(self._rows.max(initial=-1)) + 1, dtype=np.int64)
        np.add.at(sums, self._rows, self._signs * delta[self._owner])
        return sums

    def _integer_program(self, cell: int, amount: int, change: Floats) -> Move | None:
        """The same question in whole numbers, over the cells of a fractional answer and those that cost nothing.

        Needed where sums of three and more dimensions give fractional vertices. A small model of its own keeps the warm one warm.
        """
        support = np.abs(change) > 1e-9
        # What is held still here must not move in a model of its own either.
        free, mobile = self._prices <= FREE, self.cells[~self._still]
        near = np.intersect1d(self._near(self.cells[support]), mobile)
        for cells in (self.cells[(support | free) & ~self._still], near, mobile):
            if len(cells) <= (MOST_WHOLE if len(cells) < len(self.cells) else self._most_whole):
                small = ExchangeModel(self.problem, cells, whole=True)
                small.price(self.cells, self._prices)
                found = small.move(cell, amount)
                if found is not None:
                    return found
        return None

    def _near(self, cells: Ints) -> Ints:
        """The model's cells that share a sum with one of `cells`."""
        _, rows, _ = self.problem.relations.around(cells)
        _, members, _ = self.problem.relations.within(np.unique(rows))
        return np.intersect1d(members, self.cells)


def balanced(problem: Problem, cells: Ints) -> Balance:
    """Those of `cells` that can move, and the sums from which all others that bind them follow."""
    cells = cells[problem.movable[cells]]
    while True:
        owner, rows, signs = problem.relations.around(cells)
        found, local, counts = np.unique(rows, return_inverse=True, return_counts=True)
        alone = (counts == 1)[local]
        if not alone.any():
            essential = problem.relations.essential[found]
            kept = essential[local]
            return Balance(cells, (np.cumsum(essential) - 1)[local[kept]], owner[kept], signs[kept])
        keep = np.ones(len(cells), dtype=np.bool_)
        keep[owner[alone]] = False
        cells = cells[keep]
