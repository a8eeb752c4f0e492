"""Changes that nobody outside can rule out, split into their smallest pieces, kept for every intruder to try."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from exchange.disclosure.attack.blocks import Block
from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.attack.programs import Floats

_SCALES = (1, 2, 3)
"""Pieces in halves or thirds prove something in whole numbers once doubled or trebled."""


class Piece(NamedTuple):
    """A change that balances by itself: `leaders`, their `steps`, and how often it fits the rows with room forwards and backwards."""

    leaders: Array
    steps: Floats
    forth: float
    back: float


def pieces(block: Block, change: Floats) -> Iterator[Piece]:
    """The parts of a change of a block that share no row. Of counts only parts in whole units are given, for only those prove anything."""
    used = np.abs(change) > 1e-7
    row, column, factor = block.entries
    entries = np.flatnonzero(used[column])
    rows, columns, weight = row[entries], column[entries], factor[entries].astype(np.float64)
    taken, found = np.zeros(len(change)), []
    for members in _parts(rows.tolist(), columns.tolist(), np.flatnonzero(used).tolist()):
        steps = _whole(change[members]) if block.whole else change[members]
        if steps is not None:
            taken[members] = steps
            found.append((members, steps))
    moved = np.bincount(rows, weights=weight * taken[columns], minlength=len(block.room)).astype(np.float64)
    level = np.isnan(block.room)
    plain = bool(level.all()) and not (block.whole and moved.any())
    for members, steps in found:
        if plain:
            yield Piece(block.leaders[members], steps, np.inf, np.inf)
            continue
        own = np.unique(rows[np.isin(columns, members)])
        if not block.whole or not moved[own][level[own]].any():
            yield Piece(block.leaders[members], steps, *_fits(moved[own], block.room[own]))


def _parts(rows: list[int], columns: list[int], used: list[int]) -> list[Array]:
    root = {member: member for member in used}
    first: dict[int, int] = {}
    for number, column in zip(rows, columns, strict=True):
        one, other = column, first.setdefault(number, column)
        while root[one] != one:
            one = root[one]
        while root[other] != other:
            other = root[other]
        if one != other:
            root[max(one, other)] = min(one, other)
    found: dict[int, list[int]] = {}
    for member in used:
        # Roots are never above their members, and members come in ascending order: what one stands under is settled already.
        root[member] = root[root[member]]
        found.setdefault(root[member], []).append(member)
    return [np.array(members, dtype=np.int64) for members in found.values()]


def _whole(change: Floats) -> Floats | None:
    for scale in _SCALES:
        steps = np.rint(change * scale)
        if np.abs(steps - change * scale).max() < 1e-6:
            return np.asarray(steps)
    return None


def _fits(moved: Floats, room: Floats) -> tuple[float, float]:
    """How often a change that moves the rows by `moved` fits into their room, and how often its opposite does."""
    bound = ~np.isnan(room) & (np.abs(moved) > 1e-9)
    if not bound.any():
        return np.inf, np.inf
    moved, room = moved[bound], room[bound]
    sinking, rising = moved < 0, moved > 0
    forth = float((room[sinking] / -moved[sinking]).min()) if sinking.any() else np.inf
    back = float((room[rising] / moved[rising]).min()) if rising.any() else np.inf
    return forth, back


@dataclass
class Reach:
    """(leaders,) how far below and above the truth each has been shown to reach; inf = without bound."""

    down: Floats
    up: Floats


@dataclass
class Needs:
    """(leaders,) what must remain possible for each."""

    down: Floats
    up: Floats
    width: Floats

    def met(self, reach: Reach, leaders: Array) -> Mask:
        """Whether each of some leaders reaches as far as it must."""
        down, up = reach.down[leaders], reach.up[leaders]
        return np.asarray((down >= self.down[leaders]) & (up >= self.up[leaders]) & (down + up >= self.width[leaders]))

    def wish(self, reach: Reach, leaders: Array, rising: Mask) -> Floats:
        """How far each of some leaders should be pushed, so that what it reaches on the other side already makes up the rest."""
        there = np.where(rising, reach.down[leaders], reach.up[leaders])
        return np.maximum(self.width[leaders] - there, np.where(rising, self.up[leaders], self.down[leaders]))

    def within(self, ends: Reach, leader: Array) -> bool:
        """Whether what one leader needs lies within the ends (of that leader alone) that fractions have."""
        down, up = np.floor(ends.down + 1e-6), np.floor(ends.up + 1e-6)
        return bool(((down >= self.down[leader]) & (up >= self.up[leader]) & (down + up >= self.width[leader])).all())


class Pool:
    """Pieces found so far, end to end."""

    def __init__(self) -> None:
        self._found: list[Piece] = []
        self._flat: tuple[Array, Array, Floats, Floats, Floats] | None = None

    def add(self, piece: Piece) -> None:
        """Keep a piece."""
        self._found.append(piece)
        self._flat = None

    def flat(self) -> tuple[Array, Array, Floats, Floats, Floats]:
        """(starts, leaders, steps, forth, back): the pieces end to end, and for each how often it fits rows with room."""
        if self._flat is None:
            lengths = [len(piece.leaders) for piece in self._found]
            self._flat = (
                np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)[:-1],
                np.concatenate([piece.leaders for piece in self._found] or [np.zeros(0, dtype=np.int64)]),
                np.concatenate([piece.steps for piece in self._found] or [np.zeros(0)]),
                np.array([piece.forth for piece in self._found]),
                np.array([piece.back for piece in self._found]),
            )
        return self._flat

    def replay(self, fall: Floats, rise: Floats, reach: Reach, *, whole: bool) -> None:
        """Widen the reach by every piece, as often as an intruder's limits let it be made."""
        starts, leaders, steps, forth, back = self.flat()
        if len(starts):
            widen((starts, leaders, steps), (forth, back), (fall[leaders], rise[leaders]), reach, whole=whole)


def widen(
    flat: tuple[Array, Array, Floats], fits: tuple[Floats, Floats], limits: tuple[Floats, Floats], reach: Reach, *, whole: bool
) -> tuple[Floats, Floats]:
    """Count pieces with all multiples either way; returns how often each can be made forwards and backwards.

    `flat`: (starts, leaders, steps), end to end; `limits`: how far each of the leaders in `flat` may fall and rise.
    """
    starts, leaders, steps = flat
    fall, rise = limits
    size = np.abs(steps)
    forth = np.minimum(fits[0], np.minimum.reduceat(np.where(steps < 0, fall, rise) / size, starts))
    back = np.minimum(fits[1], np.minimum.reduceat(np.where(steps < 0, rise, fall) / size, starts))
    if whole:
        forth, back = np.floor(forth), np.floor(back)
    lengths = np.diff(np.append(starts, len(leaders)))
    ahead, behind = np.repeat(forth, lengths) * size, np.repeat(back, lengths) * size
    np.maximum.at(reach.up, leaders, np.where(steps > 0, ahead, behind))
    np.maximum.at(reach.down, leaders, np.where(steps > 0, behind, ahead))
    return forth, back
