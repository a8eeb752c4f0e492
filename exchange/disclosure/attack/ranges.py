"""How closely an intruder can work out hidden cells: linear programs over what is hidden, whole-number ones where halves appear."""

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.errors import Inconclusive

_RUNS = 4
"""Random objectives tried on a component before its cells are taken one by one."""


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
    """The hidden cells of one component and the sums among them, as changes from the truth: fall at most `slack`, all sums nothing."""

    def __init__(self, cells: Array, slack: Array, entries: tuple[Array, Array, Array], *, whole: bool) -> None:
        self.cells, self._slack, self._whole = cells, slack, whole
        self._row, self._column, self._sign = entries
        self._at = {int(cell): place for place, cell in enumerate(cells)}
        self._upper = np.full(len(cells), highspy.kHighsInf)
        self._lower = -slack.astype(np.float64)
        self._solver = self._build()

    def _build(self) -> highspy.Highs:
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.cells), int(self._row.max(initial=-1)) + 1
        model.col_cost_ = np.zeros(len(self.cells))
        model.col_lower_, model.col_upper_ = self._lower, self._upper
        model.row_lower_ = model.row_upper_ = np.zeros(model.num_row_)
        order = np.argsort(self._row, kind="stable")
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(self._row, minlength=model.num_row_))]).astype(np.int32)
        model.a_matrix_.index_ = self._column[order].astype(np.int32)
        model.a_matrix_.value_ = self._sign[order].astype(np.float64)
        solver = highspy.Highs()
        # Primal simplex: between runs only the objective changes, so the last vertex stays a valid start.
        for option, setting in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("simplex_strategy", 4), ("solver", "simplex")):
            solver.setOptionValue(option, setting)
        solver.passModel(model)
        return solver

    def hold(self, cells: Array) -> None:
        """Treat some cells as known, on top of what is published; an empty array lets all move again."""
        lower, upper = self._lower.copy(), self._upper.copy()
        held = [self._at[int(cell)] for cell in cells if int(cell) in self._at]
        lower[held] = upper[held] = 0.0
        every = np.arange(len(self.cells), dtype=np.int32)
        self._solver.changeColsBounds(len(every), every, lower, upper)

    def explore(self, targets: list[Target], reach: dict[int, Reach], seed: int) -> None:
        """Widen the reach of many targets at once: push all unsatisfied ones up, then down, under random weights."""
        random = np.random.default_rng(seed)
        for run in range(_RUNS):
            open_ones = [self._at[target.cell] for target in targets if not reach[target.cell].enough(target)]
            if not open_ones:
                return
            wish = {self._at[target.cell]: max(target.width, target.up, 1) for target in targets}
            for place in open_ones:
                self._solver.changeColBounds(place, self._bound(place), float(wish[place]))
            cost = np.zeros(len(self.cells))
            cost[open_ones] = random.uniform(1, 2, len(open_ones)) * (1 if run % 2 else -1)
            change = self._solve(cost)
            for place in open_ones:
                self._solver.changeColBounds(place, self._bound(place), highspy.kHighsInf)
            if change is not None:
                self._widen(change, targets, reach)

    def _bound(self, place: int) -> float:
        return float(self._lower[place])

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

    def _solve(self, cost: npt.NDArray[np.float64], *, integers: bool = False) -> npt.NDArray[np.float64] | None:
        """The best change for an objective; None where it has no end."""
        every = np.arange(len(self.cells), dtype=np.int32)
        self._solver.changeColsCost(len(every), every, cost)
        if not self._bounded():
            return None
        change = np.asarray(self._solver.getSolution().col_value)
        if not integers or np.abs(change - np.rint(change)).max() < 1e-6:
            return change
        kinds = np.full(len(every), highspy.HighsVarType.kInteger)
        self._solver.changeColsIntegrality(len(every), every, kinds)
        self._solver.setOptionValue("solver", "choose")
        end = self._bounded()
        change = np.asarray(self._solver.getSolution().col_value)
        self._solver.changeColsIntegrality(len(every), every, np.full(len(every), highspy.HighsVarType.kContinuous))
        self._solver.setOptionValue("solver", "simplex")
        return change if end else None

    def _bounded(self) -> bool:
        """Run: True at an optimum, False where there is none (no change at all is always possible, so that means without bound)."""
        self._solver.run()
        status = self._solver.getModelStatus()
        if status in {highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
            return False
        if status != highspy.HighsModelStatus.kOptimal:
            # Never read silence as safety.
            raise Inconclusive(f"the solver stopped without an answer: {self._solver.modelStatusToString(status)}")
        return True

    def _widen(self, change: npt.NDArray[np.float64], targets: list[Target], reach: dict[int, Reach]) -> None:
        """Count a change, and its multiples either way, if it is made of whole units (magnitudes: as it is)."""
        whole = np.rint(change)
        if np.abs(change - whole).max() > 1e-6:
            if self._whole:
                return
            whole = change
        used = np.abs(whole) > 0.5 if self._whole else np.abs(whole) > 1e-6
        forth, back = _times(self._slack[used], whole[used]), _times(self._slack[used], -whole[used])
        for target in targets:
            step = float(whole[self._at[target.cell]])
            ends = (step * forth, -step * back)
            seen = reach[target.cell]
            seen.down = None if seen.down is None else max(seen.down, _inner(-min(ends)))
            seen.up = None if seen.up is None else max(seen.up, _inner(max(ends)))


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
