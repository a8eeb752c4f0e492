"""The whole system of sums of one intruder: intervals by undecomposed programs, or by going through every whole table there is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

Line = dict[int, Fraction]


class Solver:
    """The whole system of one intruder, undecomposed."""

    def __init__(
        self, equal: Sequence[Line], least: Sequence[tuple[Line, Fraction]], facts: Mapping[int, Fraction], floor: Mapping[int, Fraction]
    ) -> None:
        self.facts = facts
        self.unknown = [cell for cell in floor if cell not in facts]
        self.place = {cell: place for place, cell in enumerate(self.unknown)}
        self.floor = np.array([float(floor[cell]) for cell in self.unknown])
        self.equal = [(line, -known) for line, known in map(self._split, equal) if line]
        self.least = [(line, bound - known) for (line, known), bound in ((self._split(line), bound) for line, bound in least) if line]
        self.equals = self._matrix(self.equal), np.array([float(bound) for _, bound in self.equal])
        self.bounds = self._matrix(self.least), np.array([float(bound) for _, bound in self.least])
        self.seen: list[npt.NDArray[np.float64]] = []

    def _split(self, line: Line) -> tuple[dict[int, Fraction], Fraction]:
        free: dict[int, Fraction] = {}
        known = Fraction(0)
        for cell, factor in line.items():
            if cell in self.place:
                free[self.place[cell]] = free.get(self.place[cell], Fraction(0)) + factor
            else:
                known += factor * self.facts[cell]
        return {place: factor for place, factor in free.items() if factor}, known

    def _matrix(self, lines: Sequence[tuple[dict[int, Fraction], Fraction]]) -> csr_array:
        data = [float(factor) for line, _ in lines for factor in line.values()]
        rows = [number for number, (line, _) in enumerate(lines) for _ in line]
        columns = [place for line, _ in lines for place in line]
        return csr_array((data, (rows, columns)), shape=(len(lines), len(self.unknown)))

    def interval(self, combination: Line, *, whole: bool) -> tuple[float, float]:
        """The least and greatest value a combination of cells may have."""
        line, known = self._split(combination)
        if not line:
            return float(known), float(known)
        objective = np.zeros(len(self.unknown))
        for place, factor in line.items():
            objective[place] = float(factor)
        return self._optimum(objective, whole) + float(known), -self._optimum(-objective, whole) + float(known)

    def require(self, line: Line, least: Fraction) -> None:
        """Let a combination of cells be known to be at least so much."""
        free, known = self._split(line)
        if free:
            self.least.append((free, least - known))
            self.bounds = self._matrix(self.least), np.array([float(bound) for _, bound in self.least])

    def proven(self, combination: Line) -> tuple[float, float]:
        """The least and greatest value in the possible tables met so far."""
        line, known = self._split(combination)
        if not line or not self.seen:
            return math.inf, -math.inf
        values = np.stack(self.seen)[:, list(line)] @ np.array([float(factor) for factor in line.values()]) + float(known)
        return float(values.min()), float(values.max())

    def _optimum(self, objective: npt.NDArray[np.float64], whole: bool) -> float:
        """The least of an objective; a table that reaches it is kept, unless it is in fractions and `whole` asks for a whole one."""
        (equal, right), (least, bound) = self.equals, self.bounds
        found = linprog(
            objective,
            A_eq=equal if len(right) else None,
            b_eq=right if len(right) else None,
            A_ub=-least if len(bound) else None,
            b_ub=-bound if len(bound) else None,
            bounds=np.column_stack([self.floor, np.full(len(objective), np.inf)]),
            method="highs-ds",
        )
        if found.status == 0 and whole and np.abs(found.x - np.rint(found.x)).max() > 1e-6:
            limits = [LinearConstraint(equal, right, right)] if len(right) else []
            limits += [LinearConstraint(least, bound, np.inf)] if len(bound) else []
            found = milp(objective, constraints=limits, integrality=np.ones(len(objective)), bounds=Bounds(self.floor, np.inf))
        if found.status in {3, 4}:
            return -math.inf
        if found.status != 0:
            raise ArithmeticError(f"the judge's solver gave no answer: {found.message}")
        self.seen.append(np.rint(found.x) if whole else found.x)
        return round(float(found.fun)) if whole else float(found.fun)


def enumerate_tables(solver: Solver, top: int) -> dict[int, tuple[int, int]]:
    """By enumeration of all whole tables: least and greatest value of every hidden cell. Only for very small sets.

    `top`: the greatest value that any cell can have.
    """
    low: dict[int, int] = {}
    high: dict[int, int] = {}
    for values in _assignments(solver, top):
        for cell, value in zip(solver.unknown, values, strict=True):
            low[cell], high[cell] = min(low.get(cell, value), value), max(high.get(cell, value), value)
    return {cell: (low[cell], high[cell]) for cell in low}


def _assignments(solver: Solver, top: int) -> Iterator[tuple[int, ...]]:
    """Depth first over the unknowns, a sum checked as soon as all its parts are set."""
    size = len(solver.unknown)
    lines = [(dict(line), int(bound)) for line, bound in solver.equal]
    closing = [[index for index, (line, _) in enumerate(lines) if max(line) == place] for place in range(size)]
    chosen = [0] * size

    def go(place: int) -> Iterator[tuple[int, ...]]:
        if place == size:
            yield tuple(chosen)
            return
        options: Any = range(int(solver.floor[place]), top + 1)
        if closing[place]:
            line, bound = lines[closing[place][0]]
            rest = bound - sum(int(factor) * chosen[other] for other, factor in line.items() if other != place)
            options = [rest // int(line[place])] if rest % int(line[place]) == 0 else []
        for value in options:
            if int(solver.floor[place]) <= value <= top:
                chosen[place] = value
                if all(sum(int(f) * chosen[o] for o, f in lines[index][0].items()) == lines[index][1] for index in closing[place]):
                    yield from go(place + 1)

    yield from go(0)
