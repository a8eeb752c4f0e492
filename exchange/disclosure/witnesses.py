"""Witnesses: balanced changes that prove how far a primary cell's possible values reach. Exact whole numbers throughout."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from exchange.disclosure.exchanges import Move
from exchange.disclosure.problem import Problem
from exchange.disclosure.sheets import Ints

MOST = 10**9
"""A change may be repeated at most this often: keeps certificates readable where nothing else bounds it."""


@dataclass(frozen=True)
class Witness:
    """The tables `value + t * delta` for t from -`back` to `forth` are all possible to the public."""

    cells: tuple[int, ...]
    delta: tuple[int, ...]
    back: int
    forth: int


class Witnesses:
    """The witnesses found so far, by number, and what they prove about each primary cell of each intruder (by its key in the problem).

    A change that moves what a supplier knows proves nothing to it; another one it can follow only as far as its own part allows.
    """

    def __init__(self, problem: Problem) -> None:
        self._views = problem.views
        self._needs = {
            view.offset + int(cell): (int(view.down[cell]), int(view.up[cell]), int(view.width[cell]))
            for view in problem.views
            for cell in view.primary
        }
        self._all: list[Witness] = []
        self._spreads: list[list[tuple[int, int, int]]] = []  # by number: (key of a primary cell, how far down, how far up)
        self._dropped: set[int] = set()
        self._users: dict[int, list[int]] = {}  # cell -> numbers of the witnesses that move it
        self._proofs: dict[int, list[tuple[int, int, int]]] = {key: [] for key in self._needs}  # (number, how far down, how far up)
        self._reach: dict[int, tuple[int, int]] = dict.fromkeys(self._needs, (0, 0))

    def add(self, move: Move) -> int:
        """Keep a change, as often in both directions as every bound allows; its number."""
        number = len(self._all)
        witness = Witness(tuple(move.cells.tolist()), tuple(move.delta.tolist()), *span(self._views[0], move.cells, move.delta))
        self._all.append(witness)
        self._spreads.append(self._effects(witness))
        for cell in witness.cells:
            self._users.setdefault(cell, []).append(number)
        for key, down, up in self._spreads[number]:
            self._proofs[key].append((number, down, up))
            self._widen(key, down, up)
        return number

    def reach(self, key: int) -> tuple[int, int]:
        """How far below and above its value a primary cell is proven to reach, both as numbers of at least 0."""
        return self._reach[key]

    def met(self, key: int) -> bool:
        """Whether the primary cell has what it needs."""
        return self._enough(key, *self._reach[key])

    def drop_users(self, cell: int) -> tuple[list[int], list[int]]:
        """Set aside every witness that moves `cell`: (their numbers, keys of primary cells that lost their proof by it)."""
        numbers = [number for number in self._users.get(cell, ()) if number not in self._dropped]
        return numbers, self.drop(numbers)

    def drop(self, numbers: Iterable[int]) -> list[int]:
        """Set aside witnesses; the keys of the primary cells that lost their proof by it, ascending."""
        numbers = list(numbers)
        self._dropped.update(numbers)
        lost = []
        for key in sorted(self._leaning(numbers)):
            before = self._reach[key]
            self._reach[key] = self._standing(key)
            if self._enough(key, *before) and not self.met(key):
                lost.append(key)
        return lost

    def restore(self, numbers: Iterable[int]) -> None:
        """Take witnesses back."""
        for number in numbers:
            self._dropped.discard(number)
            for key, down, up in self._spreads[number]:
                self._widen(key, down, up)

    def forget(self, numbers: Iterable[int]) -> None:
        """Witnesses set aside that will never be taken back: they need not be looked at again."""
        for key in {key for number in numbers for key, _, _ in self._spreads[number]}:
            self._proofs[key] = [proof for proof in self._proofs[key] if proof[0] not in self._dropped]

    def ends(self, number: int) -> tuple[int, int]:
        """How often a witness can be made backwards and forwards, in the eyes of the public."""
        return self._all[number].back, self._all[number].forth

    def pushes(self, factors: Mapping[int, int]) -> dict[int, int]:
        """By how much each standing witness, made once, changes the sum of factor times value over cells (left out: not at all)."""
        found: dict[int, int] = {}
        for cell, factor in factors.items():
            for number in self._users.get(cell, ()):
                if number not in self._dropped:
                    witness = self._all[number]
                    found[number] = found.get(number, 0) + factor * witness.delta[witness.cells.index(cell)]
        return {number: push for number, push in found.items() if push}

    def limit(self, limits: Mapping[int, tuple[int, int]]) -> list[int]:
        """Let witnesses be made so often, and by no intruder more often than its bounds allow; the keys of the primary cells they move."""
        touched = {key for number in limits for key, _, _ in self._spreads[number]}
        for number, (back, forth) in limits.items():
            self._all[number] = replace(self._all[number], back=back, forth=forth)
            self._spreads[number] = self._effects(self._all[number])
        touched |= {key for number in limits for key, _, _ in self._spreads[number]}
        for key in touched:
            self._proofs[key] = [proof for proof in self._proofs[key] if proof[0] not in limits]
        for number in limits:
            for key, down, up in self._spreads[number]:
                self._proofs[key].append((number, down, up))
        for key in touched:
            self._reach[key] = self._standing(key)
        return sorted(touched)

    def kept(self) -> list[Witness]:
        """All witnesses that stand, in the order found."""
        return [witness for number, witness in enumerate(self._all) if number not in self._dropped]

    def needed(self) -> list[Witness]:
        """Standing witnesses that prove as much of what is needed as all of them do, in the order found."""
        chosen: set[int] = set()
        for key in self._needs:
            standing = [proof for proof in self._proofs[key] if proof[0] not in self._dropped]
            mine = [proof for proof in standing if proof[0] in chosen]
            if not self._enough(key, max((down for _, down, _ in mine), default=0), max((up for _, _, up in mine), default=0)):
                for side in (1, 2):
                    chosen.add(max(standing, key=lambda proof: (proof[side], proof[0] in chosen, -proof[0]))[0])
        return [self._all[number] for number in sorted(chosen)]

    def proofs(self, key: int) -> list[Witness]:
        """The standing witnesses that move a primary cell, in the eyes of its intruder."""
        return [self._all[number] for number, _, _ in self._proofs[key] if number not in self._dropped]

    def _enough(self, key: int, down: int, up: int) -> bool:
        least, most, width = self._needs[key]
        return down >= least and up >= most and down + up >= width

    def _widen(self, key: int, down: int, up: int) -> None:
        reached = self._reach[key]
        if down > reached[0] or up > reached[1]:
            self._reach[key] = max(reached[0], down), max(reached[1], up)

    def _standing(self, key: int) -> tuple[int, int]:
        """How far the standing witnesses take a primary cell."""
        lowest = highest = 0
        for number, down, up in self._proofs[key]:
            if (down > lowest or up > highest) and number not in self._dropped:
                lowest, highest = max(lowest, down), max(highest, up)
        return lowest, highest

    def _effects(self, witness: Witness) -> list[tuple[int, int, int]]:
        """(key, how far down, how far up) of every primary cell that a witness moves, for every intruder."""
        found, inside = [], None
        for view in self._views:
            back, forth = witness.back, witness.forth
            if view.offset:
                inside = inside or (np.array(witness.cells, dtype=np.int64), np.array(witness.delta, dtype=np.int64))
                less, fewer = span(view, *inside)
                back, forth = min(back, less), min(forth, fewer)
            if back or forth:
                for cell, delta in zip(witness.cells, witness.delta, strict=True):
                    key = view.offset + cell
                    if key in self._reach:
                        forward, backward = forth * delta, -back * delta
                        found.append((key, -min(forward, backward), max(forward, backward)))
        return found

    def _leaning(self, numbers: Iterable[int]) -> set[int]:
        """The primary cells whose reach, one way or the other, is that of one of these witnesses."""
        reach = self._reach
        return {key for number in numbers for key, down, up in self._spreads[number] if down >= reach[key][0] or up >= reach[key][1]}


def span(problem: Problem, cells: Ints, delta: Ints) -> tuple[int, int]:
    """How often an intruder thinks that a change can be made backwards and forwards; (0, 0) where it moves what the intruder knows."""
    if not problem.movable[cells].all():
        return 0, 0
    back = forth = MOST
    for room, change in zip(problem.slack[cells].tolist(), delta.tolist(), strict=True):
        if change > 0:
            back = min(back, room // change)
        else:
            forth = min(forth, room // -change)
    return back, forth
