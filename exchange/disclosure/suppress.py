"""Phase 1: hide what each primary cell needs, smallest first, by the cheapest exchange in its neighbourhood."""

from collections.abc import Callable

import numpy as np

from exchange.disclosure.boxes import EVERYTHING, Box, Boxes
from exchange.disclosure.errors import Unprotectable
from exchange.disclosure.exchanges import FREE, MOST_WHOLE, ExchangeModel, Move
from exchange.disclosure.pins import pinning
from exchange.disclosure.problem import Problem
from exchange.disclosure.proving import next_moves
from exchange.disclosure.sheets import Bools
from exchange.disclosure.table import TableSet
from exchange.disclosure.witnesses import Witnesses


class Suppression:
    """A pattern under construction: `hidden` (n,) and the witnesses that justify it."""

    def __init__(self, tables: TableSet, problem: Problem, boxes: Boxes) -> None:
        self.tables, self.problem, self.boxes = tables, problem, boxes
        self.hidden: Bools = tables.primary | tables.hidden
        self.witnesses = Witnesses(problem)
        self._models: dict[Box, tuple[ExchangeModel, Bools]] = {}

    def run(self, done: Callable[[int], None]) -> None:
        """Hide until every primary cell has what it needs; Unprotectable for the first that cannot have it."""
        for number, cell in enumerate(self.problem.primary.tolist(), start=1):
            done(number)
            if self.witnesses.met(cell):
                continue
            for box in self.boxes.around(cell):
                self._secure(self.model(box), cell)
                if self.witnesses.met(cell):
                    break
            else:
                raise Unprotectable("a primary cell cannot be protected by hiding others", pinning(self.tables, self.problem, cell))

    def model(self, box: Box) -> ExchangeModel:
        """The model of a box, its prices brought up to date with what has been hidden since it was last used."""
        if box not in self._models:
            # Beyond the whole set there is nothing to turn to: there an integer program may be as large as it must.
            cells = self.boxes.cells(box)
            model = ExchangeModel(self.problem, cells, most_whole=len(cells) if box == EVERYTHING else MOST_WHOLE)
            self._models[box] = model, np.zeros(len(model.cells), dtype=np.bool_)
        model, priced = self._models[box]
        fresh = self.hidden[model.cells] & ~priced
        if fresh.any():
            model.price(model.cells[fresh], np.full(int(fresh.sum()), FREE))
            priced |= fresh
        return model

    def _secure(self, model: ExchangeModel, cell: int) -> None:
        """Give `cell` as much as this model can of what it still needs."""
        problem, witnesses = self.problem, self.witnesses
        if witnesses.reach(cell)[0] < problem.down[cell]:
            self.keep(model.move(cell, -int(problem.down[cell])))
        if witnesses.reach(cell)[1] < problem.up[cell]:
            self.keep(model.move(cell, int(problem.up[cell])))
        down, up = witnesses.reach(cell)
        width = int(problem.width[cell])
        if down + up < width:
            self.keep(*self._cheapest(model, cell, width, down, up))

    def _cheapest(self, model: ExchangeModel, cell: int, width: int, down: int, up: int) -> list[Move]:
        """The changes that widen `cell` at the least price: upwards, downwards, or some of both."""
        slack = int(self.problem.slack[cell])
        plans = [[width - down]]
        if width - up <= slack:
            plans.append([up - width])
        for fall in sorted({width // 2, min(slack, width - 1)} - {0}):
            if down < fall <= slack:
                plans.append([-fall, width - fall])
        best: list[Move] = []
        least = np.inf
        for plan in plans:
            moves = [model.move(cell, amount) for amount in plan]
            found = [move for move in moves if move is not None]
            if len(found) == len(moves):
                price = self._price(found)
                if price < least:
                    best, least = found, price
        return best or next_moves(self.problem, self.witnesses, model, cell)

    def _price(self, moves: list[Move]) -> float:
        cells = np.unique(np.concatenate([move.cells for move in moves]))
        return float(self.problem.weight[cells[~self.hidden[cells]]].sum())

    def keep(self, *moves: Move | None) -> None:
        """Hide what the changes move, and keep them as witnesses."""
        for move in moves:
            if move is not None:
                self.hidden[move.cells] = True
                self.witnesses.add(move)
