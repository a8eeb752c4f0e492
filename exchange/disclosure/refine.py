"""Phase 2b, where sums make a network: one small component once more, by a search through what else could be hidden in its place.

From the primary cells alone: the one that is dearest to protect is given the cheapest cells that do it; then, one after another, each of
those is ruled out instead. What cannot come to less than the best pattern known is left, by the dearest primary cell still open.
"""

from dataclasses import dataclass, replace

from exchange.disclosure.exchanges import FREE
from exchange.disclosure.networks import NetworkModel
from exchange.disclosure.suppress import plans


@dataclass(frozen=True)
class Open:
    """A primary cell that may not be protected yet: what it was last seen to cost, by which of its plans, and the cells that it would take
    (None: to be seen again, something has been bought or ruled out since).
    """

    price: float
    cell: int
    cells: tuple[int, ...] | None
    plan: int

    def again(self) -> "Open":
        """The same, to be seen again."""
        return self if self.cells is None else replace(self, cells=None)


class Refinement:
    """The search over one model. `left`: how many cells it may still look at; `found`: the cells of the best pattern, primary ones left out."""

    def __init__(self, model: NetworkModel, weight: dict[int, float], best: float, left: int) -> None:
        """`weight`: the price of each cell that need not be hidden, all others being free; `best`: what must be undercut."""
        self._model, self._weight = model, weight
        self._best, self.left = best, left
        self.found: list[int] | None = None
        self._bought: set[int] = set()
        self._plans: dict[int, list[list[int]]] = {}

    def run(self, primary: list[int]) -> None:
        """Look for the cheapest pattern that protects all cells of `primary`."""
        for cell in primary:
            self._plans[cell] = plans(int(self._model.problem.width[cell]), 0, 0, int(self._model.problem.slack[cell]))
        waiting = []
        for cell in primary:
            one = self._needed(Open(0.0, cell, None, 0), self._best)
            if one is None:
                return
            waiting.append(one)
        self._look(0.0, sorted(waiting, key=lambda one: (-one.price, one.cell)))

    def _look(self, cost: float, waiting: list[Open]) -> None:
        """Patterns that hide what is bought (at `cost`) and more, but nothing that is ruled out. `waiting`: probably dearest first."""
        for number, one in enumerate(waiting, start=1):
            now = one if one.cells is not None else self._needed(one, self._best - cost)
            if now is None or cost + now.price >= self._best:
                return
            if now.cells:
                self._branch(cost, now, now.cells, waiting[number:])
                return
        self._best, self.found = cost, sorted(self._bought)

    def _branch(self, cost: float, now: Open, cells: tuple[int, ...], rest: list[Open]) -> None:
        """Buy what `now` takes (`cells`); then rule out one of them after another, those before it being bought."""
        chosen = sorted(cells, key=lambda cell: (-self._weight[cell], cell))
        self._with(chosen, cost, [one.again() for one in rest])
        for number, cell in enumerate(chosen):
            if self.left > 0:
                self._model.allow(cell, allowed=False)
                self._with(chosen[:number], cost, [one.again() if number or cell in (one.cells or ()) else one for one in (now, *rest)])
                self._model.allow(cell, allowed=True)

    def _with(self, cells: list[int], cost: float, waiting: list[Open]) -> None:
        """Go on with some cells bought."""
        cost += sum(self._weight[cell] for cell in cells)
        if cost >= self._best or self.left <= 0:
            return
        self._bought.update(cells)
        for cell in cells:
            self._model.set_price(cell, FREE)
        self._look(cost, waiting)
        self._bought.difference_update(cells)
        for cell in cells:
            self._model.set_price(cell, self._weight[cell])

    def _needed(self, one: Open, most: float) -> Open | None:
        """What a cell takes now, by the plan that was best before or another; None where it costs `most` or more."""
        self.left -= 1
        found = self._model.cheapest(one.cell, self._plans[one.cell], most, one.plan)
        if found is None:
            return None
        moved = sorted({place for flow in found.flows for place, change in flow.items() if change})
        cells = (int(self._model.cells[place]) for place in moved)
        return Open(found.price, one.cell, tuple(cell for cell in cells if cell in self._weight and cell not in self._bought), found.plan)
