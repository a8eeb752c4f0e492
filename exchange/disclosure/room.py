"""What remains possible for primary cells when every cell is known to lie in a range of its own: a solver's check of the protecting side.

Suppression leaves a cell exactly known or not at all; rounding, perturbation and their mixtures leave each cell a range. The true table
satisfies all sums, so a balanced change that keeps every cell within its range leads to another table that an intruder cannot rule out.
"""

from dataclasses import dataclass

import highspy
import numpy as np

from exchange.disclosure.errors import DisclosureError
from exchange.disclosure.intervals import everywhere
from exchange.disclosure.program import ENDLESS, answer, bounds, distances, essential, integers, program
from exchange.disclosure.relations import Relations
from exchange.disclosure.sheets import Bools, Floats, Ints
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet

_BATCHES = (2**20, 256, 64, 16, 4)
"""How many cells are pushed at once, pass after pass; what is left is asked for one at a time."""

_MANY = 12_000
"""In larger sets pushing all at once takes longer than by batches: there the first two passes are left out."""

_PUSH = 1e3
"""What moving a cell that needs it by one unit is worth, against 1 for moving any other."""

_MOST_NAMED = 20
_NOISE = 1e-6


@dataclass(frozen=True)
class Wish:
    """What must remain possible for some `cells` (k,): so far below the truth, so far above, and so much in all, each (k,)."""

    cells: Ints
    down: Ints
    up: Ints
    width: Ints

    def met(self, down: Ints, up: Ints) -> Bools:
        """(k,) whether each has what it needs, when it can fall by `down` and rise by `up`."""
        return np.asarray((down >= self.down) & (up >= self.up) & (down + up >= self.width))

    def only(self, which: Bools) -> "Wish":
        """The same for some of the cells."""
        return Wish(self.cells[which], self.down[which], self.up[which], self.width[which])


@dataclass(frozen=True)
class Onlooker:
    """Somebody who looks at what is published. `least`: (n,) the least that every cell can be, in the eyes of this one; `known`: (n,) known exactly."""

    name: str
    least: Ints
    known: Bools
    wish: Wish


def onlookers(tables: TableSet, need: Need) -> list[Onlooker]:
    """The public, each supplier who knows its own part, and each contributor who alone makes up cells."""
    nothing, nobody = np.zeros(len(tables.value), dtype=np.int64), np.zeros(len(tables.value), dtype=np.bool_)
    found = [Onlooker("", nothing, nobody, wished(tables, need, tables.primary))]
    for supplier in tables.suppliers:
        found.append(Onlooker(supplier.name, supplier.share, supplier.known, wished(tables, need, supplier.primary)))
    for person in np.unique(tables.contributor[tables.contributor >= 0]).tolist():
        own = tables.contributor == person
        cells = np.flatnonzero(tables.primary & ~own)
        none = np.zeros(len(cells), dtype=np.int64)
        found.append(Onlooker("a contributor", nothing, own, Wish(cells, none, none, none + 1)))
    return found


def wished(tables: TableSet, need: Need, primary: Bools) -> Wish:
    """What the level asks for the cells `primary`: a width in whole numbers (magnitudes: one unit of the last decimal at least), and each its sides."""
    width = need.min_width if tables.spec.counts or need.min_width == 1 else need.min_width * 10**tables.decimals
    cells = np.flatnonzero(primary)
    return Wish(cells, tables.lpl[cells], tables.upl[cells], np.full(len(cells), width, dtype=np.int64))


def narrow(tables: TableSet, onlooker: Onlooker, low: Ints, high: Ints, *, most: int = _MOST_NAMED) -> Ints:
    """Primary cells that less remains possible for than `onlooker` must be left with, when every cell is between `low` and `high` (n,).

    The search ends once it has found `most` of them.
    """
    value = tables.value
    # The difference of a revision has no sign: nothing bounds it from below, nor does anybody's own part of it.
    signless = tables.virtual & (tables.spec.relation == "revised")
    fall = np.where(onlooker.known, 0, np.where(signless, ENDLESS, value - np.maximum(low, onlooker.least)))
    rise = np.where(onlooker.known, 0, high - value)
    wish = onlooker.wish
    fall, rise = (distances(found) for found in everywhere(tables.relations, bounds(fall), bounds(rise)))
    hopeless = ~wish.met(fall[wish.cells], rise[wish.cells])
    if hopeless.any():
        return np.asarray(wish.cells[hopeless])
    return Room(tables.relations, fall, rise, whole=tables.spec.counts).short_of(wish, most)


class Room:
    """All balanced changes of n cells that fall at most `fall` and rise at most `rise`, asked about some of them.

    Columns are the rise and the fall of every cell that can move at all, at a price of 1 a unit, so that changes stay short.
    """

    def __init__(self, relations: Relations, fall: Ints, rise: Ints, *, whole: bool) -> None:
        self._fall, self._rise, self._whole = fall, rise, whole
        self._cells = np.flatnonzero((fall > 0) | (rise > 0))
        self._place = np.full(len(fall), -1, dtype=np.int64)
        self._place[self._cells] = np.arange(len(self._cells))
        row, cell, sign = essential(relations)
        inside = self._place[cell] >= 0
        self._row, self._column, self._sign = row[inside], self._place[cell[inside]], sign[inside]
        self._solver = self._build() if len(self._cells) else None

    def _build(self) -> highspy.Highs:
        size = len(self._cells)
        every, factor = np.tile(np.arange(size), 2), np.repeat([1, -1], size)
        most = np.concatenate([self._rise[self._cells], self._fall[self._cells]])
        return program((self._row, self._column, self._sign), every, factor, most, np.ones(2 * size))

    def short_of(self, wish: Wish, most: int) -> Ints:
        """The cells that cannot move as far as they should. Counts must do so in whole units."""
        down, up = np.zeros(len(wish.cells), dtype=np.int64), np.zeros(len(wish.cells), dtype=np.int64)
        for batch in _BATCHES if len(self._cells) <= _MANY else _BATCHES[2:]:
            for rising in (True, False):
                waiting = np.flatnonzero(~wish.met(down, up))
                for start in range(0, len(waiting), batch):
                    pushed = waiting[start : start + batch]
                    pushed = pushed[~wish.met(down, up)[pushed]]
                    if len(pushed):
                        self._count(self._push(wish.only(_mask(len(down), pushed)), rising=rising), wish, down, up)
        failed = []
        for place in np.flatnonzero(~wish.met(down, up)).tolist():
            one = wish.only(_mask(len(down), np.array([place])))
            if not one.met(self._end(one, rising=False), self._end(one, rising=True))[0]:
                failed.append(int(one.cells[0]))
                if len(failed) >= most:
                    break
        return np.array(failed, dtype=np.int64)

    def _push(self, wish: Wish, *, rising: bool, whole: bool = False) -> Floats:
        """(cells that can move,) the shortest change that moves all of `wish` one way as far as they need, or as far as they go."""
        size, places, solver = len(self._cells), self._place[wish.cells], self._solver
        if solver is None:
            return np.zeros(0)
        far = np.maximum(wish.width, wish.up if rising else wish.down)
        room = np.minimum(far, (self._rise if rising else self._fall)[wish.cells]).astype(np.float64)
        with_it = (places if rising else places + size).astype(np.int32)
        against = (places + size if rising else places).astype(np.int32)
        zeros = np.zeros(len(places))
        solver.changeColsBounds(len(with_it), with_it, zeros, room)
        solver.changeColsBounds(len(against), against, zeros, zeros)
        solver.changeColsCost(len(with_it), with_it, np.full(len(with_it), -_PUSH))
        if whole:
            integers(solver, on=True)
        # From nothing every time: the way back from the last answer is longer than the way to the next.
        solver.clearSolver()
        found = answer(solver)
        if whole:
            integers(solver, on=False)
        if found is None:
            # Never read silence as safety: no change at all is always possible.
            raise DisclosureError("the solver stopped without an answer; nothing is known to be safe")
        solver.changeColsBounds(len(with_it), with_it, zeros, bounds((self._rise if rising else self._fall)[wish.cells]))
        solver.changeColsBounds(len(against), against, zeros, bounds((self._fall if rising else self._rise)[wish.cells]))
        solver.changeColsCost(len(with_it), with_it, np.ones(len(with_it)))
        return np.asarray(found[:size] - found[size:])

    def _end(self, one: Wish, *, rising: bool) -> Ints:
        """(1,) how far one cell can go one way, up to what it needs."""
        place = int(self._place[one.cells[0]])
        if place < 0:
            return np.zeros(1, dtype=np.int64)
        change = self._push(one, rising=rising)
        if self._whole and np.abs(change - np.rint(change)).max() > _NOISE:
            change = self._push(one, rising=rising, whole=True)
        return np.array([np.floor(abs(change[place]) + _NOISE)], dtype=np.int64)

    def _count(self, change: Floats, wish: Wish, down: Ints, up: Ints) -> None:
        """Count a change piece by piece: a piece shares no sum with the rest, so it balances by itself; counts move in whole units or not at all."""
        moved = np.abs(change) > _NOISE
        if self._whole:
            moved &= self._in_whole_pieces(change, moved)
        places = self._place[wish.cells]
        delta = np.where((places >= 0) & moved[places], change[places], 0.0)
        step = np.floor(np.abs(delta) + _NOISE).astype(np.int64)
        np.maximum(up, np.where(delta > 0, step, 0), out=up)
        np.maximum(down, np.where(delta < 0, step, 0), out=down)

    def _in_whole_pieces(self, change: Floats, moved: Bools) -> Bools:
        """(cells that can move,) whether each belongs to a piece in which every cell moves by a whole number."""
        broken = np.abs(change - np.rint(change)) > _NOISE
        entries = moved[self._column]
        row, column = self._row[entries], self._column[entries]
        while True:
            # What shares a sum with something broken is broken: spread until nothing changes.
            rows = np.zeros(int(row.max(initial=-1)) + 1, dtype=np.bool_)
            rows[row[broken[column]]] = True
            spread = broken.copy()
            spread[column[rows[row]]] = True
            if (spread == broken).all():
                return ~broken
            broken = spread


def _mask(size: int, places: Ints) -> Bools:
    mask = np.zeros(size, dtype=np.bool_)
    mask[places] = True
    return mask
