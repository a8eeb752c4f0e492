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
        self._users: dict[int, list[int]] = {}  # cell -> numbers of the witnesses that move it
        self._proofs: dict[int, list[tuple[int, int, int]]] = {cell: [] for cell in self._needs}  # (number, how far down, how far up)
        self._reach: dict[int, tuple[int, int]] = dict.fromkeys(self._needs, (0, 0))

    def add(self, move: Move) -> int:
        """Keep a change, as often in both directions as every bound allows; its number."""
        slack = self._problem.slack[move.cells]
        witness = Witness(tuple(move.cells.tolist()), tuple(move.delta.tolist()), _times(slack, move.delta), _times(slack, -move.delta))
        number = len(self._all)
        self._all.append(witness)
        for cell, delta in zip(witness.cells, witness.delta, strict=True):
            self._users.setdefault(cell, []).append(number)
            if cell in self._reach:
                down, up = _spread(witness, delta)
                self._proofs[cell].append((number, down, up))
                self._widen(cell, down, up)
        return number

    def reach(self, cell: int) -> tuple[int, int]:
        """How far below and above its value a primary cell is proven to reach, both as numbers of at least 0."""
        return self._reach[cell]

    def met(self, cell: int) -> bool:
        """Whether the primary cell has what it needs."""
        return self._enough(cell, *self._reach[cell])

    def drop_users(self, cell: int) -> tuple[list[int], list[int]]:
        """Set aside every witness that moves `cell`: (their numbers, primary cells that lost their proof by it)."""
        numbers = [number for number in self._users.get(cell, ()) if number not in self._dropped]
        return numbers, self.drop(numbers)

    def drop(self, numbers: Iterable[int]) -> list[int]:
        """Set aside witnesses; the primary cells that lost their proof by it, ascending."""
        numbers = list(numbers)
        self._dropped.update(numbers)
        lost = []
        for cell in sorted(self._touched(numbers)):
            before = self._reach[cell]
            standing = [(down, up) for number, down, up in self._proofs[cell] if number not in self._dropped]
            self._reach[cell] = max((down for down, _ in standing), default=0), max((up for _, up in standing), default=0)
            if self._enough(cell, *before) and not self.met(cell):
                lost.append(cell)
        return lost

    def restore(self, numbers: Iterable[int]) -> None:
        """Take witnesses back."""
        for number in numbers:
            self._dropped.discard(number)
            witness = self._all[number]
            for cell, delta in zip(witness.cells, witness.delta, strict=True):
                if cell in self._reach:
                    self._widen(cell, *_spread(witness, delta))

    def forget(self, numbers: Iterable[int]) -> None:
        """Witnesses set aside that will never be taken back: they need not be looked at again."""
        for cell in self._touched(numbers):
            self._proofs[cell] = [proof for proof in self._proofs[cell] if proof[0] not in self._dropped]

    def kept(self) -> list[Witness]:
        """All witnesses that stand, in the order found."""
        return [witness for number, witness in enumerate(self._all) if number not in self._dropped]

    def needed(self) -> list[Witness]:
        """Standing witnesses that prove as much of what is needed as all of them do, in the order found."""
        chosen: set[int] = set()
        for cell in self._problem.primary.tolist():
            standing = [proof for proof in self._proofs[cell] if proof[0] not in self._dropped]
            mine = [proof for proof in standing if proof[0] in chosen]
            if not self._enough(cell, max((down for _, down, _ in mine), default=0), max((up for _, _, up in mine), default=0)):
                for side in (1, 2):
                    chosen.add(max(standing, key=lambda proof: (proof[side], proof[0] in chosen, -proof[0]))[0])
        return [self._all[number] for number in sorted(chosen)]

    def proofs(self, cell: int) -> list[Witness]:
        """The standing witnesses that move a primary cell."""
        return [self._all[number] for number, _, _ in self._proofs[cell] if number not in self._dropped]

    def _enough(self, cell: int, down: int, up: int) -> bool:
        least, most, width = self._needs[cell]
        return down >= least and up >= most and down + up >= width

    def _widen(self, cell: int, down: int, up: int) -> None:
        reached = self._reach[cell]
        if down > reached[0] or up > reached[1]:
            self._reach[cell] = max(reached[0], down), max(reached[1], up)

    def _touched(self, numbers: Iterable[int]) -> set[int]:
        return {cell for number in numbers for cell in self._all[number].cells if cell in self._reach}


def _spread(witness: Witness, delta: int) -> tuple[int, int]:
    """How far down and up a witness takes a cell that it moves by `delta`."""
    forward, backward = witness.forth * delta, -witness.back * delta
    return -min(forward, backward), max(forward, backward)


def _times(slack: np.ndarray, fall: np.ndarray) -> int:
    """How often a change can be made in which cells fall by `fall` (negative: rise) before one leaves its bound."""
    falling = fall > 0
    return min(MOST, int((slack[falling] // fall[falling]).min())) if falling.any() else MOST
