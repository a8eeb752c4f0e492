"""Phase 1: hide what each primary cell needs, smallest first, by the cheapest exchange in its neighbourhood."""

from collections.abc import Callable, Iterator

import numpy as np

from exchange.disclosure.boxes import EVERYTHING, Box, Boxes
from exchange.disclosure.exchanges import FREE, MOST_WHOLE, Move
from exchange.disclosure.models import Model, model_of
from exchange.disclosure.networks import NetworkModel
from exchange.disclosure.problem import Problem
from exchange.disclosure.proving import next_moves
from exchange.disclosure.resort import last_resort
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.sketch import leading
from exchange.disclosure.table import TableSet
from exchange.disclosure.witnesses import Witnesses

LARGE, VERY_LARGE = 300, 1000
SHARE, LITTLE = 0.5, 0.25
"""Of boxes of more than `LARGE` cells (`VERY_LARGE`) that share of the cells, the cheapest, is tried before all of them."""

HUGE = 5000
"""In models of more cells the first way to widen a cell is as good as any: each costs as much as ten elsewhere."""

VAST, FAR = 20_000, 3000
"""In sets of at least so many cells an outline of the whole set is tried before boxes of more than `FAR` are: it leads to a small program."""

DEAR, ABSURD = 1.5, 20.0
"""What an outline leads to is taken where it hides no more than so many times the median price of a cell. What is dearer is looked for
again, instead of in the whole set, among all hidden and the cheapest cells and those that the outline's way moves; beyond `ABSURD` times
it says too little for that."""

FEW = 0.05
"""That share of the cells of a set, the cheapest."""

MOST_KEPT = 600_000
"""Models are kept for the next cell of their box until they have so many cells together, then those not used for longest are let go."""

GROWTH = 1.25
"""That part is chosen afresh when so many times as many cells of the box are hidden."""


class Suppression:
    """A pattern under construction: `hidden` (n,) and the witnesses that justify it."""

    def __init__(self, tables: TableSet, problem: Problem, boxes: Boxes) -> None:
        self.tables, self.problem, self.boxes = tables, problem, boxes
        self.hidden: Bools = problem.must.copy()
        self.witnesses = Witnesses(problem)
        self._models: dict[tuple[Box, int], tuple[Model, Bools]] = {}
        self._kept = 0
        self._usual = float(np.median(problem.weight[problem.movable])) if problem.movable.any() else 0.0
        self._hidden_then: dict[tuple[Box, int], int] = {}
        self._few: Bools = problem.weight <= (np.quantile(problem.weight[problem.movable], FEW) if problem.movable.any() else 0.0)

    def run(self, done: Callable[[int], None]) -> None:
        """Hide until every primary cell of every intruder has what it needs; Unprotectable for the first that cannot have it."""
        keys = [(view, cell) for view in self.problem.views for cell in view.primary.tolist()]
        for number, (view, cell) in enumerate(keys, start=1):
            done(number)
            if self.witnesses.met(view.offset + cell):
                continue
            for model in self._models_around(view, cell):
                self._secure(model, cell)
                if self.witnesses.met(view.offset + cell):
                    break
            else:
                self.keep(*last_resort(self.tables, view, self.witnesses, cell))

    def rest(self) -> None:
        """Let go of every model: they are made again if they are needed again."""
        self._models.clear()
        self._kept = 0
        self._hidden_then.clear()

    def _models_around(self, view: Problem, cell: int) -> Iterator[Model]:
        """The models of the boxes of `cell`, smallest first; of large ones, the cheap part first."""
        sketched = self.boxes.sliced or len(self.boxes.cells(EVERYTHING)) < VAST
        way = None
        for box in self.boxes.around(cell):
            if len(self.boxes.cells(box)) > FAR and not sketched:
                sketched = True
                model, way = self._sketched(view, cell)
                if model is not None:
                    yield model
            if box == EVERYTHING and way is not None:
                yield self._made(view, np.flatnonzero(self.hidden | self._few | np.isin(np.arange(len(self.hidden)), way.cells)))
            if len(self.boxes.cells(box)) > LARGE:
                cheap = self._cheap(box, view)
                if cell in cheap.place:
                    yield cheap
            yield self.model(box, view)

    def _sketched(self, view: Problem, cell: int) -> tuple[Model | None, Move | None]:
        """The model of what an outline of the set leads to, made for this cell alone, and the way it shows; None where that is too dear."""
        model = self._made(view, leading(self.tables, view, self.hidden, cell))
        move = model.move(cell, int(max(view.width[cell], view.up[cell])))
        price = np.inf if move is None else self._price([move])
        return model if price <= DEAR * self._usual else None, move if price <= ABSURD * self._usual else None

    def _made(self, view: Problem, cells: Ints) -> Model:
        """A model at the prices of now, not kept."""
        model = model_of(view, cells)
        return self._priced(model, np.zeros(len(model.cells), dtype=np.bool_))

    def _cheap(self, box: Box, view: Problem) -> Model:
        """The model of those cells of a box that are hidden or cost little; made afresh when many more have been hidden since."""
        cells, key = self.boxes.cells(box), (box, ~view.offset)
        count = int(self.hidden[cells].sum())
        if key not in self._models or count > GROWTH * self._hidden_then[key]:
            self._forget(key)
            share = SHARE if len(cells) <= VERY_LARGE else LITTLE
            most = np.partition(self.problem.weight[cells], int(share * len(cells)))[int(share * len(cells))]
            model = model_of(view, cells[self.hidden[cells] | (self.problem.weight[cells] <= most)])
            self._keep_model(key, model)
            self._hidden_then[key] = count
        return self._used(key)

    def model(self, box: Box, view: Problem) -> Model:
        """The model of a box in the eyes of an intruder, its prices brought up to date with what has been hidden since it was last used."""
        key = box, view.offset
        if key not in self._models:
            # Beyond the whole set there is nothing to turn to: there an integer program may be as large as it must.
            cells = self.boxes.cells(box)
            self._keep_model(key, model_of(view, cells, most_whole=len(cells) if box == EVERYTHING else MOST_WHOLE))
        return self._used(key)

    def _keep_model(self, key: tuple[Box, int], model: Model) -> None:
        """Keep a new model, and let others go where all of them have become too large."""
        self._kept += len(model.cells)
        while self._models and self._kept > MOST_KEPT:
            self._forget(next(iter(self._models)))
        self._models[key] = model, np.zeros(len(model.cells), dtype=np.bool_)

    def _forget(self, key: tuple[Box, int]) -> None:
        if key in self._models:
            self._kept -= len(self._models.pop(key)[0].cells)

    def _used(self, key: tuple[Box, int]) -> Model:
        """A kept model, now the last one used, at the prices of now."""
        self._models[key] = self._models.pop(key)
        return self._priced(*self._models[key])

    def _priced(self, model: Model, priced: Bools) -> Model:
        """The model, told which of its cells have been hidden since (`priced`: those it knows of, updated in place)."""
        fresh = self.hidden[model.cells] & ~priced
        if fresh.any():
            model.price(model.cells[fresh], np.full(int(fresh.sum()), FREE))
            priced |= fresh
        return model

    def _secure(self, model: Model, cell: int) -> None:
        """Give `cell` as much as this model can of what it still needs."""
        view, witnesses = model.problem, self.witnesses
        key = view.offset + cell
        if witnesses.reach(key)[0] < view.down[cell]:
            self.keep(model.move(cell, -int(view.down[cell])))
        if witnesses.reach(key)[1] < view.up[cell]:
            self.keep(model.move(cell, int(view.up[cell])))
        down, up = witnesses.reach(key)
        width = int(view.width[cell])
        if down + up < width:
            self.keep(*self._cheapest(model, cell, width, down, up))

    def _cheapest(self, model: Model, cell: int, width: int, down: int, up: int) -> list[Move]:
        """The changes that widen `cell` at the least price: upwards, downwards, or some of both."""
        ways = plans(width, down, up, int(model.problem.slack[cell]))
        if isinstance(model, NetworkModel):
            way = model.cheapest(cell, ways)
            return [model.as_move(flow) for flow in way.flows] if way else next_moves(model.problem, self.witnesses, model, cell)
        best: list[Move] = []
        least = np.inf
        for plan in ways:
            if not least or (best and len(model.cells) > HUGE):
                break
            moves = [model.move(cell, amount) for amount in plan]
            found = [move for move in moves if move is not None]
            if len(found) == len(moves):
                price = self._price(found)
                if price < least:
                    best, least = found, price
        return best or next_moves(model.problem, self.witnesses, model, cell)

    def _price(self, moves: list[Move]) -> float:
        cells = moves[0].cells if len(moves) == 1 else np.unique(np.concatenate([move.cells for move in moves]))
        return float(self.problem.weight[cells] @ ~self.hidden[cells])

    def keep(self, *moves: Move | None) -> None:
        """Hide what the changes move, and keep them as witnesses."""
        for move in moves:
            if move is not None:
                self.hidden[move.cells] = True
                self.witnesses.add(move)


def plans(width: int, down: int, up: int, slack: int) -> list[list[int]]:
    """Ways to widen a cell that reaches `down` and `up` to `width` by moving it: upwards, downwards (by `slack` at most), or some of both."""
    found = [[width - down]]
    if width - up <= slack:
        found.append([up - width])
    for fall in sorted({width // 2, min(slack, width - 1)} - {0}):
        if down < fall <= slack:
            found.append([-fall, width - fall])
    return found
