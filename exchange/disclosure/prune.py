"""Phase 2: publish again whatever is not needed, most valuable first; protection is re-proven before each cell is let go."""

from collections.abc import Callable

import numpy as np

from exchange.disclosure.boxes import EVERYTHING, Box, Boxes
from exchange.disclosure.clock import Deadline
from exchange.disclosure.exchanges import FREE, ExchangeModel
from exchange.disclosure.intervals import Intervals
from exchange.disclosure.problem import Problem
from exchange.disclosure.proving import next_moves
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.witnesses import Witnesses

MOST_CELLS = 1500
"""Components larger than this are never searched as a whole: a secondary that only such a search could spare stays hidden."""


class Pruning:
    """Models over hidden cells only, and the search for secondaries that can be published."""

    def __init__(self, problem: Problem, boxes: Boxes, hidden: Bools, witnesses: Witnesses, *, fixed: Bools) -> None:
        self.problem, self.boxes, self.hidden, self.witnesses = problem, boxes, hidden, witnesses
        self._fixed = fixed
        self._models: dict[tuple[Box, int], ExchangeModel] = {}
        self._models_of: dict[int, list[ExchangeModel]] = {}
        self._component = components(problem, hidden)
        self._intervals = Intervals(problem, hidden)
        self._blocked = -1  # the cell being tried: models made meanwhile hold it still, so that it can come back

    def run(self, deadline: Deadline, done: Callable[[int, int], None]) -> None:
        """Try every secondary once. Stopping early leaves a valid pattern."""
        cells = np.flatnonzero(self.hidden & ~self._fixed)
        for number, cell in enumerate(cells[np.lexsort((cells, -self.problem.weight[cells]))].tolist(), start=1):
            done(number, len(cells))
            if deadline.passed():
                return
            self.try_without(cell)

    def try_without(self, cell: int) -> bool:
        """Publish `cell` if every primary cell can still be proven safe."""
        numbers, victims = self.witnesses.drop_users(cell)
        # Every witness found on the way leaves `cell` alone, so it stands whatever becomes of the attempt.
        if victims and not (self._intervals.without(cell) and self._reprove(cell, victims)):
            self.witnesses.restore(numbers)
            return False
        if not victims:
            self._intervals.without(cell)
            self._block(cell, allowed=False)
        self._intervals.settle()
        self.witnesses.forget(numbers)
        return True

    def _reprove(self, cell: int, victims: list[int]) -> bool:
        """Prove the victims again without `cell`, those likely to fail first."""
        self._block(cell, allowed=False)
        room = {victim: sum(self._intervals.of(victim)) - int(self.problem.width[victim]) for victim in victims}
        for victim in sorted(victims, key=lambda victim: (room[victim], victim)):
            if not self.witnesses.met(victim) and not self.prove(victim):
                self._block(cell, allowed=True)
                return False
        return True

    def prove(self, cell: int) -> bool:
        """Find witnesses for a primary cell among hidden cells, nearest first."""
        for box in self.boxes.around(cell):
            if box == EVERYTHING and not self.boxes.small and (self._component == self._component[cell]).sum() > MOST_CELLS:
                return False
            model = self._model(box, cell)
            for move in next_moves(self.problem, self.witnesses, model, cell):
                self.witnesses.add(move)
            if self.witnesses.met(cell):
                return True
        return False

    def _model(self, box: Box, cell: int) -> ExchangeModel:
        label = int(self._component[cell]) if box == EVERYTHING else -1
        if (box, label) not in self._models:
            cells = np.flatnonzero(self._component == label) if box == EVERYTHING else self.boxes.cells(box)
            cells = cells[self.hidden[cells] | (cells == self._blocked)]
            model = ExchangeModel(self.problem, cells)
            model.price(cells, np.where(self._fixed[cells], FREE, self.problem.weight[cells]))
            model.allow(self._blocked, allowed=False)
            self._models[box, label] = model
            for member in model.cells.tolist():
                self._models_of.setdefault(member, []).append(model)
        return self._models[box, label]

    def _block(self, cell: int, *, allowed: bool) -> None:
        self.hidden[cell] = allowed
        self._blocked = -1 if allowed else cell
        for model in self._models_of.get(cell, ()):
            model.allow(cell, allowed=allowed)


def components(problem: Problem, hidden: Bools) -> Ints:
    """(n,) the number of each hidden cell's component (cells bound by sums among hidden cells), -1 for published cells."""
    relations = problem.relations
    label = np.full(len(hidden), -1, dtype=np.int64)
    done = np.zeros(len(relations.start) - 1, dtype=np.bool_)
    for number, seed in enumerate(np.flatnonzero(hidden).tolist()):
        if label[seed] >= 0:
            continue
        front = np.array([seed], dtype=np.int64)
        label[seed] = number
        while len(front):
            _, rows, _ = relations.around(front)
            rows = np.unique(rows[~done[rows]])
            done[rows] = True
            _, members, _ = relations.within(rows)
            front = np.unique(members[hidden[members] & (label[members] < 0)])
            label[front] = number
    return label
