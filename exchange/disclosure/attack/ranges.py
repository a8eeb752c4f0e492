"""How closely intruders can work out hidden cells: changes that nobody can rule out first, exact ends only for what those leave open."""

from dataclasses import dataclass, field

import numpy as np

from exchange.disclosure.attack.blocks import Block, components
from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.attack.merging import merge
from exchange.disclosure.attack.programs import Floats
from exchange.disclosure.attack.walk import Walk, gathered
from exchange.disclosure.attack.witnesses import Needs, Piece, Pool, Reach, pieces, widen

_BATCHES = (64, 64, 16, 16, 4, 4, 1, 1)
"""How many targets are pushed at once, pass after pass. Wider targets stand in each other's way, so they start with the second pair."""

_PATCH, _CORE, _IN_PATCHES = 300, 100, (16, 8, 4)
_WIDE = (16, 16, 4, 4, 1, 1)

_BESIDE = 100
"""About how many leaders around one are looked at first when it is asked whether some contributor's cells can stay while it moves."""

_NEAR = (150, 600)
"""Neighbourhoods searched in whole numbers before a whole component is: about how many leaders."""


@dataclass(frozen=True)
class Targets:
    """What must remain possible for some hidden cells: so far below their values, so far above, and so much in all. All (t,)."""

    cells: Array
    down: Floats
    up: Floats
    width: Floats

    def only(self, which: Mask) -> "Targets":
        """Some of them."""
        return Targets(self.cells[which], self.down[which], self.up[which], self.width[which])


@dataclass(frozen=True)
class Fallen:
    """A cell that is less uncertain than it must be, and how far below and above its value it may still lie (inf = without bound)."""

    cell: int
    down: float
    up: float


@dataclass(frozen=True)
class System:
    """(m,) cells of which some are `unknown`, the rows over them as entries (row, cell, factor), and `room`: (rows,), nan = a sum."""

    unknown: Mask
    row: Array
    cell: Array
    factor: Array
    room: Floats
    whole: bool


@dataclass
class Ranges:
    """All that hidden cells can be, for one intruder after another. What is found for one is tried for the next."""

    system: System
    pool: Pool = field(default_factory=Pool)

    def __post_init__(self) -> None:
        system = self.system
        hidden = system.unknown[system.cell]
        merged = merge(len(system.unknown), system.row[hidden], system.cell[hidden], system.factor[hidden], ~np.isnan(system.room))
        self.leader, self.sense = merged.leader, np.where(system.unknown, merged.sense, 0)
        self._moves = np.flatnonzero(self.sense)
        label = components(len(system.unknown), merged.row, merged.cell)
        self._tied = np.zeros(len(label), dtype=np.bool_)
        self._tied[merged.cell] = True
        order = np.argsort(label[merged.cell], kind="stable")
        row, cell, factor = merged.row[order], merged.cell[order], merged.factor[order]
        cuts = np.flatnonzero(np.diff(label[cell])) + 1
        self.blocks: dict[int, Block] = {}
        for rows, cells, factors in zip(np.split(row, cuts), np.split(cell, cuts), np.split(factor, cuts), strict=True):
            if len(rows):
                leaders, place = np.unique(cells, return_inverse=True)
                used, local = np.unique(rows, return_inverse=True)
                entries = local.reshape(-1).astype(np.int64), place.reshape(-1).astype(np.int64), factors
                self.blocks[int(label[cells[0]])] = Block(leaders, entries, system.room[used], whole=system.whole)
        self.label = label
        for leader in np.unique(self.leader[self._moves]).tolist():
            if not self._tied[leader]:
                self.pool.add(Piece(np.array([leader]), np.ones(1), np.inf, np.inf))

    @property
    def count(self) -> int:
        """Components of cells that depend on each other."""
        return len(np.unique(self.label[self.leader[self.system.unknown]]))

    def fallen(self, fall: Floats, rise: Floats, targets: Targets) -> list[Fallen]:
        """The targets that are less uncertain than they must be to an intruder for whom cells fall and rise so far (inf = without bound)."""
        known = ~self.system.unknown[targets.cells] | (self.sense[targets.cells] == 0)
        found = [Fallen(cell, 0.0, 0.0) for cell in targets.cells[known].tolist()]
        targets = targets.only(~known)
        if not len(targets.cells):
            return found
        limits = self.limits(fall, rise)
        needs = self._needs(targets)
        reach = Reach(np.zeros(len(self.leader)), np.zeros(len(self.leader)))
        self.pool.replay(*limits, reach, whole=self.system.whole)
        open_ = np.unique(self.label[np.flatnonzero(~needs.met(reach, np.arange(len(self.leader))))]).tolist()
        for sums in gathered([self.blocks[label] for label in open_ if label in self.blocks]):
            Walk(sums).wander(*limits, needs, reach)
        for label in np.unique(self.label[np.flatnonzero(~needs.met(reach, np.arange(len(self.leader))))]).tolist():
            if label in self.blocks:
                block = self.blocks[label]
                block.limit(limits[0][block.leaders], limits[1][block.leaders])
                self._patches(block, needs, reach)
                self._explore(block, needs, reach, block.leaders, _WIDE if needs.width[block.leaders].max() > 1 else _BATCHES)
                self._finish(block, needs, reach)
        return found + self._short(targets, needs, reach)

    def around(self, leader: int) -> Block | None:
        """The neighbourhood of a leader, for `moves`; None where nothing ties it to others."""
        block = self.blocks.get(int(self.label[leader]))
        return block and block.near(int(np.searchsorted(block.leaders, leader)), _BESIDE)[0]

    def moves(self, part: Block, leader: int, held: Array, fall: Floats, rise: Floats) -> bool:
        """Whether a short change within `part` shows that a leader can move while the leaders `held` stay. False proves nothing."""
        return leader not in held and self._try(part, leader, held, (fall, rise))[1]

    def without(self, leader: int, held: Array, fall: Floats, rise: Floats) -> tuple[float, float]:
        """How far one leader can go down and up, or at least that it can move, to an intruder who knows the leaders `held` as well.

        `fall`, `rise`: (leaders,) limits without that knowledge.
        """
        block = self.blocks.get(int(self.label[leader]))
        if block is None or leader in held:
            return 0.0, 0.0
        reach, moved = self._try(block, leader, held, (fall, rise))
        if not moved:
            # A push that moves nothing may only have found it too dear: what cannot move is for an exact program to say.
            needs = self._one(leader)
            self._finish(block, needs, reach)
            if not needs.met(reach, np.array([leader]))[0]:
                return self._exact(leader, reach)
        return float(reach.down[leader]), float(reach.up[leader])

    def _one(self, leader: int) -> Needs:
        """That one leader can move at all."""
        needs = Needs(*(np.zeros(len(self.leader)) for _ in range(3)))
        needs.width[leader] = 1
        return needs

    def _try(self, block: Block, leader: int, held: Array, limits: tuple[Floats, Floats]) -> tuple[Reach, bool]:
        """Push one leader up, then down, while the leaders `held` stay; whether it moved by a unit."""
        reach, needs, one = Reach(np.zeros(len(self.leader)), np.zeros(len(self.leader))), self._one(leader), np.array([leader])
        free = ~np.isin(block.leaders, held)
        block.limit(*(np.where(free, limit[block.leaders], 0.0) for limit in limits))
        place = np.searchsorted(block.leaders, one)
        for rising in (True, False):
            if not needs.met(reach, one)[0]:
                self._count(block, block.push(place, np.array([rising]), np.ones(1)), reach)
        return reach, bool(needs.met(reach, one)[0])

    def useful(self, fall: Floats, rise: Floats) -> tuple[Array, Array, Mask]:
        """(leaders, piece, moves) of all pieces end to end: which piece each entry belongs to, and whether it moves its leader by a unit."""
        starts, leaders, steps, forth, back = self.pool.flat()
        none = Reach(np.zeros(len(self.leader)), np.zeros(len(self.leader)))
        if not len(starts):
            return leaders, leaders, np.zeros(0, dtype=np.bool_)
        down, up = self.limits(fall, rise)
        ahead, behind = widen((starts, leaders, steps), (forth, back), (down[leaders], up[leaders]), none, whole=self.system.whole)
        piece = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(leaders))))
        return leaders, piece, np.abs(steps) * (ahead + behind)[piece] >= 1

    def limits(self, fall: Floats, rise: Floats) -> tuple[Floats, Floats]:
        """How far leaders fall and rise: as far as all that move with them."""
        down, up = np.full(len(self.leader), np.inf), np.full(len(self.leader), np.inf)
        along, against = self._moves[self.sense[self._moves] > 0], self._moves[self.sense[self._moves] < 0]
        for limit, one, other in ((down, fall, rise), (up, rise, fall)):
            np.minimum.at(limit, self.leader[along], one[along])
            np.minimum.at(limit, self.leader[against], other[against])
        return down, up

    def _needs(self, targets: Targets) -> Needs:
        needs = Needs(*(np.zeros(len(self.leader)) for _ in range(3)))
        leader, along = self.leader[targets.cells], self.sense[targets.cells] > 0
        np.maximum.at(needs.down, leader, np.where(along, targets.down, targets.up))
        np.maximum.at(needs.up, leader, np.where(along, targets.up, targets.down))
        np.maximum.at(needs.width, leader, targets.width)
        return needs

    def _patches(self, block: Block, needs: Needs, reach: Reach) -> None:
        """Go over a large block patch by patch: most targets can move far enough without leaving their neighbourhood."""
        if len(block.leaders) <= 2 * _PATCH or needs.width[block.leaders].max() <= 1:
            return
        waiting = np.flatnonzero(~needs.met(reach, block.leaders))
        while len(waiting):
            part, _ = block.near(int(waiting[0]), _PATCH)
            core = block.near(int(waiting[0]), _CORE)[0].leaders
            self._explore(part, needs, reach, core, _IN_PATCHES)
            waiting = waiting[1:][~needs.met(reach, block.leaders[waiting[1:]])]
            waiting = waiting[~np.isin(block.leaders[waiting], core)]

    def _explore(self, block: Block, needs: Needs, reach: Reach, aims: Array, batches: tuple[int, ...]) -> None:
        """Push many targets at once, each up or down at random, by short changes, and count what moves by itself."""
        random = np.random.default_rng(len(block.leaders))
        for turn, batch in enumerate(batches):
            waiting = np.searchsorted(block.leaders, aims[~needs.met(reach, aims)])
            random.shuffle(waiting)
            while len(waiting):
                pushed, waiting = waiting[:batch], waiting[batch:]
                leaders = block.leaders[pushed]
                rising = random.random(len(pushed)) < 0.5 if batch > 1 else reach.up[leaders] < reach.down[leaders] + turn % 2
                # Where one side is as far as it goes already, the other.
                rising = (rising & (block.rise[pushed] > reach.up[leaders])) | (block.fall[pushed] <= reach.down[leaders])
                wish = needs.wish(reach, leaders, rising)
                self._count(block, block.push(pushed, rising, wish), reach)
                waiting = waiting[~needs.met(reach, block.leaders[waiting])]

    def _count(self, block: Block, change: Floats, reach: Reach) -> None:
        found = list(pieces(block, change))
        if found:
            starts = np.concatenate([[0], np.cumsum([len(piece.leaders) for piece in found])]).astype(np.int64)[:-1]
            fits = np.array([piece.forth for piece in found]), np.array([piece.back for piece in found])
            leaders, steps = np.concatenate([piece.leaders for piece in found]), np.concatenate([piece.steps for piece in found])
            place = np.searchsorted(block.leaders, leaders)
            widen((starts, leaders, steps), fits, (block.fall[place], block.rise[place]), reach, whole=self.system.whole)
            for piece in found:
                self.pool.add(piece)

    def _finish(self, block: Block, needs: Needs, reach: Reach) -> None:
        """What is left: the ends if fractions may be, then whole-number programs nearby, then over the whole block."""
        for place in np.flatnonzero(~needs.met(reach, block.leaders)).tolist():
            leader = int(block.leaders[place])
            one = np.array([leader])
            hopeless = self._ends(block, place, reach)
            if not self.system.whole or needs.met(reach, one)[0] or not needs.within(hopeless, one):
                continue
            for size in _NEAR:
                part, inside = block.near(place, size)
                for rising in (True, False):
                    if not needs.met(reach, one)[0]:
                        wish = needs.wish(reach, one, np.array([rising]))[0]
                        self._count(part, part.push_whole(inside, wish, rising=rising), reach)

    def _ends(self, block: Block, place: int, reach: Reach) -> Reach:
        """How far a leader goes if fractions may be; what its way there proves in whole numbers is counted."""
        leader, ends = block.leaders[place], []
        for rising in (False, True):
            distance, change = block.furthest(place, rising=rising)
            ends.append(distance)
            if change is not None:
                self._count(block, change, reach)
            side = reach.up if rising else reach.down
            if not self.system.whole or change is None:
                # Without bound in fractions is without bound in whole numbers: all factors are whole.
                side[leader] = max(side[leader], distance)
        return Reach(np.array([ends[0]]), np.array([ends[1]]))

    def _short(self, targets: Targets, needs: Needs, reach: Reach) -> list[Fallen]:
        """The targets whose leaders fell short, each judged by itself with its exact ends."""
        found = []
        short = np.flatnonzero(~needs.met(reach, self.leader[targets.cells]))
        exact: dict[int, tuple[float, float]] = {}
        for at in short.tolist():
            cell = int(targets.cells[at])
            leader = int(self.leader[cell])
            if leader not in exact:
                exact[leader] = self._exact(leader, reach)
            down, up = exact[leader] if self.sense[cell] > 0 else exact[leader][::-1]
            if down < targets.down[at] or up < targets.up[at] or down + up < targets.width[at]:
                found.append(Fallen(cell, down, up))
        return found

    def _exact(self, leader: int, reach: Reach) -> tuple[float, float]:
        if int(self.label[leader]) not in self.blocks:
            return float(reach.down[leader]), float(reach.up[leader])
        block = self.blocks[int(self.label[leader])]
        place = int(np.searchsorted(block.leaders, leader))
        ends = []
        for rising, side in ((False, reach.down), (True, reach.up)):
            shown = float(side[leader])
            if shown != np.inf:
                distance = block.furthest(place, rising=rising)[0]
                shown = self._end(block, place, shown, distance, rising=rising)
            ends.append(shown)
        return ends[0], ends[1]

    def _end(self, block: Block, place: int, shown: float, distance: float, *, rising: bool) -> float:
        """The exact end, given what has been shown and what is possible if fractions may be."""
        if distance == np.inf:
            return distance
        most = float(np.floor(distance + 1e-6))
        if not self.system.whole or shown >= most:
            return most
        return max(shown, float(np.rint(block.furthest_whole(place, rising=rising))))
