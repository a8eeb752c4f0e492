"""Hidden cells that depend on each other, and the programs that say how far each can move."""

import highspy
import numpy as np

from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.attack.programs import Entries, Floats, bounded, make_program

_PUSH = 1e4
"""What moving a target one unit is worth, against 1 for moving any other cell: far, yet by short changes."""


class Block:
    """The leaders of one component, as changes from the truth: sums stay nothing, rows with room sink no further than that.

    `leaders`: (n,) their numbers, ascending; `entries`: (row, place among the leaders, factor); `room`: (rows,), nan = a sum. What each
    may fall and rise is given by `limit` and may change from intruder to intruder; the models stay warm.
    """

    def __init__(self, leaders: Array, entries: Entries, room: Floats, *, whole: bool) -> None:
        self.leaders, self.entries, self.room, self.whole = leaders, entries, room, whole
        self.fall = self.rise = np.zeros(len(leaders))
        self._apart: highspy.Highs | None = None
        self._single: highspy.Highs | None = None

    def limit(self, fall: Floats, rise: Floats) -> None:
        """Say how far each leader may fall and rise (inf = without bound)."""
        changed = np.flatnonzero((fall != self.fall) | (rise != self.rise))
        self.fall, self.rise = fall, rise
        one, other = changed.astype(np.int32), (changed + len(fall)).astype(np.int32)
        if self._single is not None:
            self._single.changeColsBounds(len(one), one, -fall[changed], rise[changed])
        if self._apart is not None:
            both = np.concatenate([one, other])
            self._apart.changeColsBounds(len(both), both, np.zeros(len(both)), np.concatenate([rise[changed], fall[changed]]))

    def push(self, places: Array, rising: Mask, wish: Floats) -> Floats:
        """(n,) the shortest change that moves all `places` as far as wished (up where `rising`), or as far as they go."""
        if self._apart is None:
            self._apart = make_program(self.entries, self.room, self.fall, self.rise, apart=True, integers=False)
        return self._push(self._apart, places, rising, wish)

    def push_whole(self, place: int, wish: float, *, rising: bool) -> Floats:
        """As `push` for one place, in whole numbers."""
        solver = make_program(self.entries, self.room, self.fall, self.rise, apart=True, integers=True)
        return self._push(solver, np.array([place]), np.array([rising]), np.array([wish]))

    def _push(self, solver: highspy.Highs, places: Array, rising: Mask, wish: Floats) -> Floats:
        size, zeros = len(self.leaders), np.zeros(2 * len(places))
        rise, fall = self.rise[places], self.fall[places]
        both = np.concatenate([places, places + size]).astype(np.int32)
        pushed = np.where(rising, places, places + size).astype(np.int32)
        upper = np.concatenate([np.where(rising, np.minimum(wish, rise), 0.0), np.where(rising, 0.0, np.minimum(wish, fall))])
        solver.changeColsBounds(len(both), both, zeros, upper)
        solver.changeColsCost(len(pushed), pushed, np.full(len(pushed), -_PUSH))
        # From nothing every time: the way back from the last answer is longer than the way to the next.
        solver.clearSolver()
        bounded(solver)
        values = np.asarray(solver.getSolution().col_value)
        solver.changeColsBounds(len(both), both, zeros, np.concatenate([rise, fall]))
        solver.changeColsCost(len(pushed), pushed, np.ones(len(pushed)))
        return np.asarray(values[:size] - values[size:])

    def furthest(self, place: int, *, rising: bool) -> tuple[float, Floats | None]:
        """How far one leader can move if fractions may (inf = without bound), and the change that takes it there."""
        if self._single is None:
            self._single = make_program(self.entries, self.room, self.fall, self.rise, apart=False, integers=False)
        return self._best(self._single, place, rising=rising)

    def furthest_whole(self, place: int, *, rising: bool) -> float:
        """How far one leader can move in whole numbers."""
        solver = make_program(self.entries, self.room, self.fall, self.rise, apart=False, integers=True)
        return self._best(solver, place, rising=rising)[0]

    def _best(self, solver: highspy.Highs, place: int, *, rising: bool) -> tuple[float, Floats | None]:
        solver.changeColCost(place, -1.0 if rising else 1.0)
        end = bounded(solver)
        change = np.asarray(solver.getSolution().col_value) if end else None
        solver.changeColCost(place, 0.0)
        return (float("inf"), None) if change is None else (abs(float(change[place])), change)

    def near(self, place: int, size: int) -> tuple["Block", int]:
        """The same question over about `size` leaders around one, and its place there: what moves there moves in the whole block too."""
        row, column, factor = self.entries
        inside = np.zeros(len(self.leaders), dtype=np.bool_)
        inside[place] = True
        count = 0
        while count < inside.sum() < size:
            count = int(inside.sum())
            rows = np.zeros(len(self.room), dtype=np.bool_)
            rows[row[inside[column]]] = True
            inside[column[rows[row]]] = True
        mine = inside[column]
        used, local = np.unique(row[mine], return_inverse=True)
        entries = local.reshape(-1).astype(np.int64), (np.cumsum(inside) - 1)[column[mine]], factor[mine]
        part = Block(self.leaders[inside], entries, self.room[used], whole=self.whole)
        part.limit(self.fall[inside], self.rise[inside])
        return part, int(inside[:place].sum())


def components(count: int, row: Array, cell: Array) -> Array:
    """(count,) the component of every cell, as its least member, from entries (row, cell)."""
    root = list(range(count))
    first: dict[int, int] = {}
    for number, entry in zip(row.tolist(), cell.tolist(), strict=True):
        one, other = entry, first.setdefault(number, entry)
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        while root[other] != other:
            root[other] = root[root[other]]
            other = root[other]
        if one != other:
            root[max(one, other)] = min(one, other)
    for member in range(count):
        # Roots are never above their members, so one pass upwards settles all.
        root[member] = root[root[member]]
    return np.array(root, dtype=np.int64)
