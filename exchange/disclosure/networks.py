"""The exchange as a cheapest way through a network, where every cell stands in two sums at most.

So it is in a flat table of two dimensions, in one with a hierarchy on one side, and in most of what is hidden elsewhere: a sum is a
node, a cell is an arc between its two (or to the ground), and a change that balances goes round. A cell moves by an amount when as much
finds its way back through other cells, each taking what it can. That takes some microseconds where a linear program takes hundreds, and
every answer is in whole units.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

import numpy as np

from exchange.disclosure.exchanges import FREE, Balance, Move
from exchange.disclosure.problem import Problem
from exchange.disclosure.program import ENDLESS
from exchange.disclosure.sheets import Floats

Ends = list[tuple[int, int]]
"""For each cell the nodes that one unit more of it goes from and to."""


def ends(balance: Balance) -> Ends | None:
    """The cells as arcs; None where some cell stands in three sums, or the signs of the sums cannot be turned so that all fit."""
    if len(balance.owner) and int(np.bincount(balance.owner).max()) > 2:
        return None
    ground = int(balance.rows.max(initial=-1)) + 1
    # Entries come cell by cell: the two of a cell stand together, and what has one goes to the ground.
    entries: list[tuple[tuple[int, int], tuple[int, int]]] = [((ground, 0), (ground, 0))] * len(balance.cells)
    for place, row, sign in zip(balance.owner.tolist(), balance.rows.tolist(), balance.signs.tolist(), strict=True):
        entries[place] = ((row, sign), entries[place][0])
    turned = _turned(entries, ground)
    if turned is None:
        return None
    return [(other, row) if sign * turned[row] > 0 else (row, other) for (row, sign), (other, _) in entries]


def _turned(entries: list[tuple[tuple[int, int], tuple[int, int]]], ground: int) -> list[int] | None:
    """For each sum whether it is taken as it stands (1) or with all signs turned (-1), so that no cell has one sign twice; None if none do."""
    bound: list[list[tuple[int, int]]] = [[] for _ in range(ground)]
    for (row, sign), (other, against) in entries:
        if against:
            bound[row].append((other, -sign * against))
            bound[other].append((row, -sign * against))
    turned = [0] * ground + [1]
    for start in range(ground):
        if not turned[start]:
            turned[start] = 1
            waiting = [start]
            while waiting:
                row = waiting.pop()
                now = turned[row]
                for other, factor in bound[row]:
                    if not turned[other]:
                        turned[other] = factor * now
                        waiting.append(other)
                    elif turned[other] != factor * now:
                        return None
    return turned


Flow = dict[int, int]
"""A change: by how much the cell at each place moves."""


class Found(NamedTuple):
    """A change (None where there is none), and what the cheapest way for one unit alone costs at least."""

    flow: Flow | None
    floor: float


class Followed(NamedTuple):
    """A plan as it can be followed: what has to be paid for cells not hidden yet, its number among the plans, a change for each amount."""

    price: float
    plan: int
    flows: list[Flow]


class NetworkModel:
    """The cheapest exchanges of some cells (ascending) of a problem, by ways through a network. The same questions as of `ExchangeModel`.

    Arc 2 i is one unit more of cell i, arc 2 i + 1 one unit less. Hiding a cell has a price once, however far it moves.
    """

    gave_out = False

    def __init__(self, problem: Problem, balance: Balance, nodes: Ends) -> None:
        self.problem, self.cells = problem, balance.cells
        self.place = dict(zip(self.cells.tolist(), range(len(self.cells)), strict=True))
        self._slack: list[int] = problem.slack[self.cells].tolist()
        self._price: list[float] = problem.weight[self.cells].tolist()
        self._room: list[int] = [room for slack in self._slack for room in (ENDLESS, slack)]
        self._ends = nodes
        self._arcs: list[list[tuple[int, int, int]]] = [[] for _ in range(max(map(max, nodes), default=0) + 1)]
        for place, (tail, head) in enumerate(nodes):
            self._arcs[tail].append((head, 2 * place, place))
            self._arcs[head].append((tail, 2 * place + 1, place))
        self._impossible: dict[tuple[int, bool], int] = {}  # (cell, whether up): the least that it cannot move

    def price(self, cells: np.ndarray, prices: Floats) -> None:
        """Set the price of hiding `cells` (those outside the model are passed over)."""
        for cell, price in zip(cells.tolist(), prices.tolist(), strict=True):
            if cell in self.place:
                self.set_price(cell, price)

    def set_price(self, cell: int, price: float) -> None:
        """Set the price of hiding one cell of the model."""
        self._price[self.place[cell]] = price

    def allow(self, cell: int, *, allowed: bool) -> None:
        """Let `cell` move again, or hold it still."""
        place = self.place.get(cell)
        if place is not None:
            if allowed:
                self._impossible.clear()
            self._room[2 * place], self._room[2 * place + 1] = (ENDLESS, self._slack[place]) if allowed else (0, 0)

    def move(self, cell: int, amount: int) -> Move | None:
        """The cheapest change found that moves `cell` by `amount` (its sign the direction); None where there is none here."""
        flow = self._flow(cell, amount, inf).flow
        return None if flow is None else self.as_move(flow)

    def as_move(self, flow: Flow) -> Move:
        """A change by place as one by cell."""
        used = sorted(place for place, moved in flow.items() if moved)
        return Move(self.cells[used], np.array([flow[place] for place in used], dtype=np.int64))

    def cheapest(self, cell: int, plans: Sequence[Sequence[int]], most: float = inf, first: int = 0) -> Followed | None:
        """The cheapest of some `plans`, each the amounts that `cell` is to move by, `first` the one to try first; None where all cost `most`."""
        floors = [0.0, 0.0]  # what the cheapest way down and up costs: no plan that goes there costs less
        least, best = most, None
        for number in sorted(range(len(plans)), key=first.__ne__):
            flows: list[Flow] = []
            for amount in plans[number]:
                if floors[amount > 0] >= least:
                    break
                found = self._flow(cell, amount, least)
                floors[amount > 0] = max(floors[amount > 0], found.floor)
                if found.flow is None:
                    break
                flows.append(found.flow)
            else:
                price = self._worth({place for flow in flows for place, moved in flow.items() if moved})
                if price < least:
                    least, best = price, Followed(price, number, flows)
                    if not price:
                        break
        return best

    def _worth(self, places: Iterable[int]) -> float:
        """What it takes to hide some cells, those that are hidden being free."""
        return sum([price for price in map(self._price.__getitem__, places) if price > FREE])

    def _flow(self, cell: int, amount: int, most: float) -> Found:
        """The cheapest change found that moves `cell` by `amount`; none where any way costs `most` or more."""
        place, far, rises = self.place.get(cell), abs(amount), amount > 0
        if place is None or (not rises and far > self._slack[place]) or far >= self._impossible.get((cell, rises), ENDLESS):
            return Found(None, 0.0)
        tail, head = self._ends[place]
        room = self._room
        kept = room[2 * place], room[2 * place + 1]
        room[2 * place] = room[2 * place + 1] = 0
        found = self._cheapest(head, tail, far, most) if rises else self._cheapest(tail, head, far, most)
        room[2 * place], room[2 * place + 1] = kept
        if found.flow is not None:
            found.flow[place] = amount
        elif most == inf:
            self._impossible[cell, rises] = far
        return found

    def _cheapest(self, source: int, target: int, far: int, most: float) -> Found:
        """How far each cell moves for so many units to go from one node to another: in one way or several, whichever is cheaper."""
        cost, way = self._way(source, target, 1, most)
        if way is None:
            return Found(None, cost)
        if all(self._room[arc] >= far for arc in way):
            return Found(_along(way, far), cost)
        dearer, whole = self._way(source, target, far, most)
        flow = self._split(source, target, far, way, dearer)
        if flow is None and whole is not None:
            flow = _along(whole, far)
        return Found(flow, cost)

    def _split(self, source: int, target: int, far: int, way: list[int], most: float) -> Flow | None:
        """The same by one way after another, beginning with `way`; what one has used is free to the next. None where that costs `most`."""
        room, price, flow = self._room, self._price, Flow()
        before: dict[int, float] = {}
        left = far
        while True:
            step = min([left, *[room[arc] for arc in way]])
            for arc in way:
                place = arc >> 1
                if place not in before:
                    before[place] = price[place]
                    most -= price[place]
                    price[place] = FREE
                flow[place] = flow.get(place, 0) + (-step if arc & 1 else step)
                room[arc] -= step
                room[arc ^ 1] += step
            left -= step
            more = self._way(source, target, 1, most)[1] if left else None
            if more is None:
                break
            way = more
        for place, moved in flow.items():
            room[2 * place] += moved
            room[2 * place + 1] -= moved
            price[place] = before[place]
        return None if left else flow

    def _way(self, source: int, target: int, need: int, most: float) -> tuple[float, list[int] | None]:
        """The cost and the arcs, the last first, of the cheapest way with room for `need` units; (`most`, None) where none costs less."""
        room, price, arcs = self._room, self._price, self._arcs
        if source == target:
            return 0.0, []
        best, came, limit = [most] * len(arcs), dict[int, tuple[int, int]](), most
        best[source] = 0.0
        heap = [(0.0, source)]
        while heap:
            cost, node = heappop(heap)
            if node == target:
                break
            if cost > best[node]:
                continue
            for other, arc, place in arcs[node]:
                dearer = cost + price[place]
                if dearer < best[other] and dearer < limit and room[arc] >= need:
                    best[other] = dearer
                    came[other] = node, arc
                    heappush(heap, (dearer, other))
                    if other == target:
                        limit = dearer
        else:
            return most, None
        way, node = [], target
        while node != source:
            node, arc = came[node]
            way.append(arc)
        return best[target], way


def _along(way: list[int], far: int) -> Flow:
    return {arc >> 1: -far if arc & 1 else far for arc in way}
