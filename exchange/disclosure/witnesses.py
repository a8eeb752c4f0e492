"""Witnesses: balanced changes that prove how far a primary cell's possible values reach. Exact whole numbers throughout."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.exchanges import Move
from exchange.disclosure.problem import Problem

MOST = 10**9
"""A change may be repeated at most this often: keeps certificates readable where nothing else bounds it."""


@dataclass(frozen=True)
class Witness:
    """The tables `value + t * delta` for t from -`back` to `forth` are all possible to an intruder."""

    cells: tuple[int, ...]
    delta: tuple[int, ...]
    back: int
    forth: int


class Witnesses:
    """The witnesses found so far, by number, and what they prove about each primary cell."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._needs = {int(cell): (int(problem.down[cell]), int(problem.up[cell]), int(problem.width[cell])) for cell in problem.primary}
        self._all: list[Witness] = []
        self._dropped: set[int] = set()
        self._users: dict[int, list[tuple[int, int]]] = {}  # cell -> (number of a witness that moves it, by how much)
        self._reach: dict[int, tuple[int, int]] = dict.fromkeys(self._needs, (0, 0))

    def add(self, move: Move) -> int:
        """Keep a change, as often in both directions as every bound allows; its number."""
        slack = self._problem.slack[move.cells]
        witness = Witness(tuple(move.cells.tolist()), tuple(move.delta.tolist()), _times(slack, move.delta), _times(slack, -move.delta))
        number = len(self._all)
        self._all.append(witness)
        for cell, delta in zip(witness.cells, witness.delta, strict=True):
            self._users.setdefault(cell, []).append((number, delta))
            if cell in self._reach:
                self._reach[cell] = _wider(self._reach[cell], witness, delta)
        return number

    def reach(self, cell: int) -> tuple[int, int]:
        """How far below and above its value a primary cell is proven to reach, both as numbers of at least 0."""
        return self._reach[cell]

    def met(self, cell: int) -> bool:
        """Whether the primary cell has what it needs."""
        (down, up), (least, most, width) = self._reach[cell], self._needs[cell]
        return down >= least and up >= most and down + up >= width

    def drop_users(self, cell: int) -> tuple[list[int], list[int]]:
        """Set aside every witness that moves `cell`: (their numbers, primary cells that lost their proof by it)."""
        numbers = [number for number, _ in self._users.get(cell, ()) if number not in self._dropped]
        return numbers, self.drop(numbers)

    def drop(self, numbers: Iterable[int]) -> list[int]:
        """Set aside witnesses; the primary cells that lost their proof by it, ascending."""
        numbers = list(numbers)
        self._dropped.update(numbers)
        touched = sorted({cell for number in numbers for cell in self._all[number].cells if cell in self._reach})
        was_met = [cell for cell in touched if self.met(cell)]
        self._measure(touched)
        return [cell for cell in was_met if not self.met(cell)]

    def restore(self, numbers: Iterable[int]) -> None:
        """Take witnesses back."""
        numbers = list(numbers)
        self._dropped.difference_update(numbers)
        self._measure({cell for number in numbers for cell in self._all[number].cells if cell in self._reach})

    def kept(self) -> list[Witness]:
        """All witnesses that stand, in the order found."""
        return [witness for number, witness in enumerate(self._all) if number not in self._dropped]

    def proofs(self, cell: int) -> list[tuple[int, Witness]]:
        """The standing witnesses that move `cell`, with their numbers."""
        return [(number, self._all[number]) for number, _ in self._users.get(cell, ()) if number not in self._dropped]

    def _measure(self, cells: Iterable[int]) -> None:
        for cell in cells:
            down = up = 0
            for number, delta in self._users.get(cell, ()):
                if number not in self._dropped:
                    witness = self._all[number]
                    forward, backward = witness.forth * delta, -witness.back * delta
                    down, up = max(down, -forward, -backward), max(up, forward, backward)
            self._reach[cell] = (down, up)


def _times(slack: np.ndarray, fall: np.ndarray) -> int:
    """How often a change can be made in which cells fall by `fall` (negative: rise) before one leaves its bound."""
    falling = fall > 0
    return min(MOST, int((slack[falling] // fall[falling]).min())) if falling.any() else MOST


def _wider(reach: tuple[int, int], witness: Witness, delta: int) -> tuple[int, int]:
    forward, backward = witness.forth * delta, -witness.back * delta
    return max(reach[0], -min(forward, backward)), max(reach[1], forward, backward)
