"""How closely an intruder can work out hidden cells: linear programs over what is hidden, whole-number ones where halves appear."""

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.attack.programs import bounded, make_program

_BATCHES, _SMALL, _MORE_BATCHES = (64,), 600, (16, 4, 1)
"""How many targets are pushed at once in each pass, and in further passes over components of at most 600 cells."""

_PUSH = 1e4
"""What moving a target one unit is worth, against 1 for moving any other cell: far, yet by short changes."""


@dataclass(frozen=True)
class Target:
    """What must remain possible for one hidden cell: so far below its value, so far above, and so much in all."""

    cell: int
    down: int
    up: int
    width: int


@dataclass
class Reach:
    """How far below and above its true value a cell has been shown to reach; None = without bound."""

    down: int | None = 0
    up: int | None = 0

    def enough(self, target: Target) -> bool:
        """Whether the cell is as uncertain as it must be."""
        if self.down is None or self.up is None:
            return (self.down is None or self.down >= target.down) and (self.up is None or self.up >= target.up)
        return self.down >= target.down and self.up >= target.up and self.down + self.up >= target.width


class Component:
    """The hidden cells of one component and the sums among them, as changes from the truth: fall at most `slack`, all sums nothing.

    Two models over them, each made when first needed: one column a cell for the exact ends, and rise and fall apart for exploring
    (with `integers`, in whole numbers).
    """

    def __init__(self, cells: Array, slack: Array, entries: tuple[Array, Array, Array], *, whole: bool, integers: bool = False) -> None:
        self.cells, self._slack, self._whole, self._integers = cells, slack, whole, integers
        self._row, self._column, self._sign = entries
        self._at = {int(cell): place for place, cell in enumerate(cells)}
        self._held = np.zeros(len(cells), dtype=np.bool_)
        self._single: highspy.Highs | None = None
        self._apart: highspy.Highs | None = None

    def _program(self, *, apart: bool) -> highspy.Highs:
        slack = np.where(self._held, 0.0, self._slack.astype(np.float64))
        rise = np.where(self._held, 0.0, highspy.kHighsInf)
        return make_program((self._row, self._column, self._sign), slack, rise, apart=apart, integers=self._integers)

    def near(self, cell: int, size: int, *, integers: bool) -> "Component":
        """The same question over about `size` cells around one: what moves there moves in the whole component too."""
        inside = np.zeros(len(self.cells), dtype=np.bool_)
        inside[self._at[cell]] = True
        count = 0
        while count < inside.sum() < size:
            count = int(inside.sum())
            rows = np.zeros(int(self._row.max()) + 1, dtype=np.bool_)
            rows[self._row[inside[self._column]]] = True
            inside[self._column[rows[self._row]]] = True
        number = np.cumsum(inside) - 1
        mine = inside[self._column]
        entries = self._row[mine], number[self._column[mine]], self._sign[mine]
        slack = np.where(self._held, 0, self._slack)[inside]
        part = Component(self.cells[inside], slack, entries, whole=self._whole, integers=integers)
        part.hold(self.cells[inside & self._held])
        return part

    def settle(self, target: Target, reach: dict[int, Reach]) -> None:
        """Push one target as far as it needs, up and then down."""
        for rising in (True, False):
            if not reach[target.cell].enough(target):
                self._widen(self._push([target], rising=rising), [target], reach)

    def hold(self, cells: Array) -> None:
        """Treat some cells as known, on top of what is published; an empty array lets all move again."""
        self._held[:] = False
        self._held[[self._at[int(cell)] for cell in cells if int(cell) in self._at]] = True
        self._single = self._apart = None

    def explore(self, targets: list[Target], reach: dict[int, Reach]) -> None:
        """Widen the reach of many targets: push a batch of them up (later down) by short changes, and count what moves by itself."""
        random = np.random.default_rng(len(self.cells))
        for batch in _BATCHES + (_MORE_BATCHES if len(self.cells) <= _SMALL else ()):
            for rising in (True, False):
                waiting = [target for target in targets if not reach[target.cell].enough(target)]
                random.shuffle(waiting)
                while waiting:
                    pushed, waiting = waiting[:batch], waiting[batch:]
                    self._widen(self._push(pushed, rising=rising), targets, reach)
                    waiting = [target for target in waiting if not reach[target.cell].enough(target)]

    def _push(self, targets: list[Target], *, rising: bool) -> npt.NDArray[np.float64]:
        """The shortest change that moves all `targets` as far as they need, or as far as they go."""
        if self._apart is None:
            self._apart = self._program(apart=True)
        size, solver = len(self.cells), self._apart
        places = np.array([self._at[target.cell] for target in targets])
        wish = np.array([max(target.width, target.up if rising else target.down) for target in targets], dtype=np.float64)
        room = np.where(self._held[places], 0.0, wish if rising else np.minimum(wish, self._slack[places]))
        moved = (places if rising else places + size).astype(np.int32)
        still = (places + size if rising else places).astype(np.int32)
        limits = (
            np.where(self._held[places], 0.0, highspy.kHighsInf),
            np.where(self._held[places], 0.0, self._slack[places].astype(np.float64)),
        )
        zeros = np.zeros(len(places))
        solver.changeColsBounds(len(moved), moved, zeros, room)
        solver.changeColsBounds(len(still), still, zeros, zeros)
        solver.changeColsCost(len(moved), moved, np.full(len(moved), -_PUSH))
        bounded(solver)
        values = np.asarray(solver.getSolution().col_value)
        solver.changeColsBounds(len(moved), moved, zeros, limits[0 if rising else 1])
        solver.changeColsBounds(len(still), still, zeros, limits[1 if rising else 0])
        solver.changeColsCost(len(moved), moved, np.ones(len(moved)))
        return np.asarray(values[:size] - values[size:])

    def exact(self, cell: int) -> Reach:
        """The true reach of one cell: the least and the greatest change possible, in whole units where values are whole."""
        place = self._at[cell]
        ends = []
        for sense in (1.0, -1.0):
            cost = np.zeros(len(self.cells))
            cost[place] = sense
            change = self._solve(cost, integers=self._whole)
            ends.append(None if change is None else abs(round(float(change[place]))) if self._whole else _inner(float(change[place])))
        return Reach(ends[0], ends[1])

    def _solve(self, cost: npt.NDArray[np.float64], *, integers: bool) -> npt.NDArray[np.float64] | None:
        """The best change for an objective; None where it has no end."""
        if self._single is None:
            self._single = self._program(apart=False)
        solver, every = self._single, np.arange(len(self.cells), dtype=np.int32)
        solver.changeColsCost(len(every), every, cost)
        if not bounded(solver):
            return None
        change = np.asarray(solver.getSolution().col_value)
        if not integers or np.abs(change - np.rint(change)).max() < 1e-6:
            return change
        solver.changeColsIntegrality(len(every), every, np.full(len(every), highspy.HighsVarType.kInteger))
        solver.setOptionValue("solver", "choose")
        end = bounded(solver)
        change = np.asarray(solver.getSolution().col_value)
        solver.changeColsIntegrality(len(every), every, np.full(len(every), highspy.HighsVarType.kContinuous))
        solver.setOptionValue("solver", "simplex")
        return change if end else None

    def _widen(self, change: npt.NDArray[np.float64], targets: list[Target], reach: dict[int, Reach]) -> None:
        """Count a change piece by piece, with multiples either way. A piece shares no sum with the rest, so it balances by itself;
        of counts only pieces in whole units prove anything.
        """
        used = np.abs(change) > 1e-7
        entries = used[self._column]
        label = components(used, self._row[entries], self._column[entries])
        wanted = {self._at[target.cell]: target for target in targets}
        for piece in np.unique(label[used]).tolist():
            members = np.flatnonzero(label == piece)
            step = np.rint(change[members])
            if np.abs(step - change[members]).max() > 1e-6:
                if self._whole:
                    continue
                step = change[members]
            forth, back = _times(self._slack[members], step), _times(self._slack[members], -step)
            for place, delta in zip(members.tolist(), step.tolist(), strict=True):
                if place in wanted:
                    seen = reach[wanted[place].cell]
                    seen.down = None if seen.down is None else max(seen.down, _inner(max(0.0, -delta * forth, delta * back)))
                    seen.up = None if seen.up is None else max(seen.up, _inner(max(0.0, delta * forth, -delta * back)))


def _times(slack: Array, change: npt.NDArray[np.float64]) -> int:
    falling = change < 0
    return int(min(1e6, np.floor((slack[falling] / -change[falling] + 1e-9).min()))) if falling.any() else 10**6


def _inner(distance: float) -> int:
    """A distance in whole units, rounded towards nothing but for solver noise."""
    return int(np.floor(abs(distance) + 1e-6))


def components(unknown: Mask, row: Array, cell: Array) -> Array:
    """(m,) the component of every unknown cell, -1 for known ones, from entries (row, cell) of unknown cells alone."""
    root = np.arange(len(unknown))

    def find(member: int) -> int:
        while root[member] != member:
            root[member] = root[root[member]]
            member = int(root[member])
        return member

    order = np.argsort(row, kind="stable")
    rows, cells = row[order].tolist(), cell[order].tolist()
    for at in range(1, len(rows)):
        if rows[at] == rows[at - 1]:
            one, other = find(cells[at]), find(cells[at - 1])
            if one != other:
                root[max(one, other)] = min(one, other)
    return np.array([find(member) if unknown[member] else -1 for member in range(len(unknown))], dtype=np.int64)
