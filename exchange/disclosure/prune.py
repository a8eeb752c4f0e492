"""Phase 2: publish again whatever is not needed, most valuable first; protection is re-proven before each cell is let go."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import numpy as np

from exchange.disclosure.boxes import EVERYTHING, Box, Boxes
from exchange.disclosure.clock import Deadline
from exchange.disclosure.exchanges import FREE
from exchange.disclosure.intervals import Intervals
from exchange.disclosure.models import Model, model_of
from exchange.disclosure.problem import Problem
from exchange.disclosure.proving import next_moves
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.witnesses import Witnesses

MOST_CELLS = 1500
"""Components larger than this are never searched as a whole: a secondary that only such a search could spare stays hidden."""

FEWEST, TOGETHER = 4, 64
"""Secondaries tried at once, twice as many after a success and half as many after a failure: each primary cell that loses its witnesses
to several of them is proven again but once."""

MOST_PROOFS = 1500
"""Where models are slices of large flat tables, the search ends after so many proofs; counted, not timed, so that results repeat."""

WORK, WORK_PER_CELL, OVERHEAD = 200_000, 61, 200
"""The search ends when it has spent this much, in cells of the models asked (and so much more for each question): some microseconds each.
Sets of 10 000 cells are mostly searched to the end so; larger ones only among their dearest secondaries.
"""


@dataclass
class Group:
    """Secondaries tried together, the witnesses set aside for them, and the primary cells that lost their proof by it."""

    saved: int
    cells: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    victims: set[int] = field(default_factory=set)


class Pruning:
    """Models over hidden cells only, and the search for secondaries that can be published."""

    def __init__(self, problem: Problem, boxes: Boxes, hidden: Bools, witnesses: Witnesses, *, fixed: Bools, whole: bool = False) -> None:
        """`fixed`: cells that stay hidden whatever happens; `whole`: search to the end, however much work that is."""
        self.problem, self.boxes, self.hidden, self.witnesses = problem, boxes, hidden, witnesses
        self._fixed = fixed
        self._models: dict[tuple[Box, int, int], Model] = {}
        self._models_of: dict[int, list[Model]] = {}
        self._component = components(problem, hidden)
        self._size = np.bincount(self._component[hidden], minlength=1)
        self._intervals = Intervals(problem, hidden)
        self._proofs = 0
        self._work = inf if whole else WORK + WORK_PER_CELL * len(hidden)
        self._blocked: set[int] = set()  # cells published or being tried: models made meanwhile hold them still, so that they can come back

    def run(self, deadline: Deadline, done: Callable[[int, int], None]) -> None:
        """Try every secondary once. Stopping early leaves a valid pattern."""
        cells = np.flatnonzero(self.hidden & ~self._fixed)
        order = cells[np.lexsort((cells, -self.problem.weight[cells]))].tolist()
        group, since, most = self._group(), 0, TOGETHER
        for number, cell in enumerate(order, start=1):
            done(number, len(cells))
            if deadline.passed() or self._work < 0 or (self.boxes.sliced and self._proofs > MOST_PROOFS):
                self._give_back(group)
                return
            self._take(cell, group)
            if len(group.cells) == most or number == len(order):
                most = min(TOGETHER, 2 * most) if self._publish(group, order[since:number]) else max(FEWEST, most // 2)
                group, since = self._group(), number

    def _group(self) -> "Group":
        return Group(self._intervals.saved())

    def _take(self, cell: int, group: "Group") -> None:
        """Count `cell` among those to be published together, unless the sums alone show that it cannot be."""
        if self._intervals.without(cell):
            self._intervals.settle()
            numbers, victims = self.witnesses.drop_users(cell)
            group.cells.append(cell)
            group.numbers += numbers
            group.victims.update(victims)
            self._block(cell, allowed=False)

    def _publish(self, group: "Group", tried: list[int]) -> bool:
        """Publish a group if every primary cell can still be proven safe; else try again by parts whatever led to it (`tried`)."""
        if self._reprove(group):
            self.witnesses.forget(group.numbers)
            return True
        # Every witness found on the way leaves the group alone, so it stands whatever becomes of the attempt.
        self._give_back(group)
        most = len(group.cells) // 2
        if most:
            part, since = self._group(), 0
            for number, cell in enumerate(tried, start=1):
                self._take(cell, part)
                if len(part.cells) == most or number == len(tried):
                    self._publish(part, tried[since:number])
                    part, since = self._group(), number
        return False

    def _give_back(self, group: "Group") -> None:
        for cell in group.cells:
            self._block(cell, allowed=True)
        self.witnesses.restore(group.numbers)
        self._intervals.go_back(group.saved)

    def _reprove(self, group: "Group") -> bool:
        """Prove the victims again without the group, those likely to fail first."""
        views = {victim: self.problem.seen(victim) for victim in group.victims}
        room = {victim: sum(self._intervals.of(cell)) - int(view.width[cell]) for victim, (view, cell) in views.items()}
        for victim in sorted(group.victims, key=lambda victim: (room[victim], victim)):
            if not self.witnesses.met(victim) and not self._prove(victim):
                return False
        return True

    def _prove(self, victim: int) -> bool:
        """Find witnesses for a primary cell of an intruder among hidden cells, nearest first."""
        self._proofs += 1
        view, cell = self.problem.seen(victim)
        for box in self.boxes.around(cell):
            if box == EVERYTHING and not self.boxes.small and self._size[self._component[cell]] > MOST_CELLS:
                return False
            model = self._model(view, box, cell)
            self._work -= OVERHEAD + len(model.cells)
            for move in next_moves(view, self.witnesses, model, cell, self._intervals.of(cell)):
                self.witnesses.add(move)
            if self.witnesses.met(victim):
                return True
        return False

    def _model(self, view: Problem, box: Box, cell: int) -> Model:
        """The model of a box, or in the place of everything that of the cell's component."""
        label = int(self._component[cell]) if box == EVERYTHING else -1
        key = (box, label, view.offset)
        if key not in self._models:
            cells = np.flatnonzero(self._component == label) if box == EVERYTHING else self.boxes.cells(box)
            blocked = np.array(sorted(self._blocked), dtype=np.int64)
            cells = cells[self.hidden[cells] | np.isin(cells, blocked)]
            model = model_of(view, cells)
            model.price(cells, np.where(self._fixed[cells], FREE, self.problem.weight[cells]))
            for other in blocked.tolist():
                model.allow(other, allowed=False)
            self._models[key] = model
            for member in model.cells.tolist():
                self._models_of.setdefault(member, []).append(model)
        return self._models[key]

    def _block(self, cell: int, *, allowed: bool) -> None:
        self.hidden[cell] = allowed
        if allowed:
            self._blocked.discard(cell)
        else:
            self._blocked.add(cell)
        for model in self._models_of.get(cell, ()):
            model.allow(cell, allowed=allowed)


def components(problem: Problem, hidden: Bools) -> Ints:
    """(n,) the number of each hidden cell's component (cells bound by sums among hidden cells), -1 for published cells."""
    relations = problem.relations
    inside = hidden[relations.cells]
    cells, row = relations.cells[inside], np.repeat(np.arange(len(relations.start) - 1), np.diff(relations.start))[inside]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    length = np.diff(np.append(first, len(row)))
    # Each cell takes the least number that it meets in its sums, and then what that one has taken, until nothing changes.
    least = np.arange(len(hidden))
    while len(first):
        before = least.copy()
        np.minimum.at(least, cells, np.repeat(np.minimum.reduceat(least[cells], first), length))
        least = least[least]
        if (least == before).all():
            break
    label = np.full(len(hidden), -1, dtype=np.int64)
    label[hidden] = np.unique(least[hidden], return_inverse=True)[1].reshape(-1)
    return label
