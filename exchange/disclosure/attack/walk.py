"""A walk from one possible table to the next, over all that is hidden at once: each one met widens the ranges of many cells together.

A table met is counted only when, in whole numbers, every sum of it holds and every bound is kept; how it was come by proves nothing.
"""

from collections.abc import Iterator, Sequence

import highspy
import numpy as np

from exchange.disclosure.attack.blocks import Block, components
from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.attack.programs import Entries, Floats, balanced
from exchange.disclosure.attack.witnesses import Needs, Reach

_TABLES = 60
"""The most tables looked for."""

_IDLE, _LITTLE = 2, 1 / 32
"""So many tables one after the other that settle less than this share of what is open end the walk: what is left is for others to settle."""

_DIVES, _MOST_DIVES = 5, 12
"""How often fractions are rounded before they are put back to the truth, and when a table is given up."""

_AROUND, _SMALLER = (60, 200), 0.4
"""Once this is much less, the walk goes on near what is open: over about so many leaders around each."""

_ABOUT = 4
"""Fractions are made whole within a neighbourhood so many times their number, if that can be."""

_TOGETHER = 1000
"""Components are walked over together up to about so many leaders."""

_LARGEST, _EXACT = 2.0**50, 2.0**62
"""Changes and sums that may grow beyond these are given up: they would no longer be exact."""

Ends = tuple[Floats, Floats]


class Sums:
    """Sums over leaders. `leaders`: (n,) ascending; `entries`: (row, place among the leaders, factor); `room`: (rows,), nan = a sum."""

    def __init__(self, leaders: Array, entries: Entries, room: Floats) -> None:
        order = np.argsort(entries[0], kind="stable")
        self.entries = entries[0][order], entries[1][order], entries[2][order]
        self.leaders, self.room = leaders, room
        self._starts = np.flatnonzero(np.diff(self.entries[0], prepend=-1))
        self.ends: Ends = np.where(np.isnan(room), 0.0, -room), np.where(np.isnan(room), 0.0, np.inf)

    def moved(self, change: Array) -> Array:
        """(rows,) how far a change in whole numbers moves each row."""
        _, column, factor = self.entries
        return np.asarray(np.add.reduceat(factor * change[column], self._starts), dtype=np.int64)

    def near(self, centre: Mask, size: int) -> Mask:
        """The leaders within as many steps of some as bring together about `size` of them."""
        row, column, _ = self.entries
        inside, count = centre, 0
        while count < inside.sum() < size:
            count = int(inside.sum())
            touched = np.zeros(len(self.room), dtype=np.bool_)
            touched[row[inside[column]]] = True
            inside = inside.copy()
            inside[column[touched[row]]] = True
        return inside

    def part(self, inside: Mask) -> tuple["Sums", Array]:
        """The same over some of the leaders, and the rows that are left of it."""
        row, column, factor = self.entries
        mine = inside[column]
        used, local = np.unique(row[mine], return_inverse=True)
        entries = local.reshape(-1).astype(np.int64), (np.cumsum(inside) - 1)[column[mine]], factor[mine]
        return Sums(self.leaders[inside], entries, self.room[used]), used


class Search:
    """Whole changes of all leaders of some sums, by a program that stays warm."""

    def __init__(self, sums: Sums, rows: Ends, random: np.random.Generator) -> None:
        self.sums, self._random = sums, random
        self._solver = balanced(sums.entries, len(sums.leaders), rows)

    def best(self, ends: Ends, cost: Floats, *, back: bool) -> Array | None:
        """The cheapest change within the ends, made whole; None where that does not come about. `back`: no change at all is possible."""
        solver, every = self._solver, np.arange(len(cost), dtype=np.int32)
        solver.changeColsBounds(len(every), every, *ends)
        solver.changeColsCost(len(every), every, cost)
        rounded: list[Array] = []
        for dive in range(_MOST_DIVES):
            solver.run()
            if solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                values = np.asarray(solver.getSolution().col_value)
                if np.abs(values).max() > _LARGEST:
                    return None
                broken = np.flatnonzero(np.abs(values - np.rint(values)) > 1e-6)
                if not len(broken):
                    return np.asarray(np.rint(values), dtype=np.int64)
                if back and dive == 0:
                    whole = self._mended(values, broken, ends, cost)
                    if whole is not None:
                        return whole
                if dive < _DIVES:
                    picked = self._one_each(broken)
                    to = np.where(self._random.random(len(picked)) < 0.5, np.floor(values[picked]), np.ceil(values[picked]))
                    solver.changeColsBounds(len(picked), picked.astype(np.int32), to, to)
                    rounded.append(picked)
                    continue
            elif not rounded:
                return None
            else:
                broken, rounded = np.unique(np.concatenate(rounded)), []
            if not back:
                return None
            solver.changeColsBounds(len(broken), broken.astype(np.int32), np.zeros(len(broken)), np.zeros(len(broken)))
        return None

    def _mended(self, values: Floats, broken: Array, ends: Ends, cost: Floats) -> Array | None:
        """A change made whole in a neighbourhood of its fractions, all else left as it is."""
        sums = self.sums
        centre = np.zeros(len(values), dtype=np.bool_)
        centre[broken] = True
        inside = sums.near(centre, _ABOUT * len(broken))
        part, used = sums.part(inside)
        whole = np.where(inside, 0.0, np.rint(values)).astype(np.int64)
        moved = sums.moved(whole)[used]
        search = Search(part, (part.ends[0] - moved, part.ends[1] - moved), self._random)
        found = search.best((ends[0][inside], ends[1][inside]), cost[inside], back=False)
        if found is None:
            return None
        whole[inside] = found
        return whole

    def _one_each(self, broken: Array) -> Array:
        """One at random of all that are in fractions together."""
        row, column, _ = self.sums.entries
        place = np.full(len(self.sums.leaders), -1)
        place[broken] = np.arange(len(broken))
        among = place[column] >= 0
        label = components(len(broken), row[among], place[column[among]])
        order = self._random.permutation(len(broken))
        return broken[order[np.unique(label[order], return_index=True)[1]]]


class Walk:
    """An intruder's way over the leaders that stand in sums."""

    def __init__(self, sums: Sums) -> None:
        self._sums = sums
        self._random = np.random.default_rng(len(sums.leaders))

    def wander(self, fall: Floats, rise: Floats, needs: Needs, reach: Reach) -> None:
        """Widen `reach` by tables in which what is open moves as far as it should, some up and some down, at random."""
        sums, size = self._sums, len(self._sums.leaders)
        waiting = self._along(sums, _SMALLER * size / _AROUND[0], (fall, rise), needs, reach)
        for around in _AROUND:
            inside = sums.near(waiting, int(around * waiting.sum()))
            if waiting.any():
                self._along(sums.part(inside)[0] if inside.sum() <= _SMALLER * size else sums, 0, (fall, rise), needs, reach)
                waiting = ~needs.met(reach, sums.leaders)

    def _along(self, sums: Sums, few: float, limits: Ends, needs: Needs, reach: Reach) -> Mask:
        leaders, idle, failed = sums.leaders, 0, np.zeros(len(sums.leaders))
        limits = limits[0][leaders], limits[1][leaders]
        search = Search(sums, sums.ends, self._random)
        waiting = ~needs.met(reach, leaders)
        first = self._random.random(len(leaders)) < 0.5
        for turn in range(_TABLES):
            if idle == _IDLE or waiting.sum() <= few:
                break
            ends, cost = self._aims(leaders, waiting, needs, reach, limits, first ^ (turn % 2 == 1))
            change = search.best(ends, cost * (1 + failed), back=True)
            if change is not None and self._possible(sums, change, limits):
                reach.up[leaders], reach.down[leaders] = np.maximum(reach.up[leaders], change), np.maximum(reach.down[leaders], -change)
            before, waiting = waiting, ~needs.met(reach, leaders)
            failed[waiting] += 1
            idle = 0 if waiting.sum() <= (1 - _LITTLE) * before.sum() else idle + 1
        return waiting

    def _aims(self, leaders: Array, waiting: Mask, needs: Needs, reach: Reach, limits: Ends, first: Mask) -> tuple[Ends, Floats]:
        """((least, most), cost) of every leader: those waiting may go no further than they should, for that is room for others."""
        fall, rise = limits
        up, down = reach.up[leaders], reach.down[leaders]
        everyone = np.ones(len(fall), dtype=np.bool_)
        high, low = needs.wish(reach, leaders, everyone), needs.wish(reach, leaders, ~everyone)
        may_rise, may_fall = (high > up) & (rise > up), (low > down) & (fall > down)
        rising = may_rise & (first | ~may_fall)
        falling = may_fall & ~rising
        # Unequal prices, so that of two that exclude each other now one goes first and now the other.
        price = self._random.random(len(fall)) ** 2
        most, least = np.where(waiting & rising, np.minimum(rise, high), rise), -np.where(waiting & falling, np.minimum(fall, low), fall)
        return (least, most), np.where(waiting, price * (falling.astype(np.float64) - rising), 0.0)

    def _possible(self, sums: Sums, change: Array, limits: Ends) -> bool:
        """Whether the truth with this change is a table that nobody can rule out, in whole numbers."""
        if float(np.abs(change).max()) * float(np.abs(sums.entries[2]).max()) * len(change) > _EXACT:
            return False
        moved = sums.moved(change)
        kept = (moved >= sums.ends[0]).all() and (moved <= sums.ends[1]).all()
        return bool(kept and (change >= -limits[0]).all() and (change <= limits[1]).all())


def gathered(blocks: Sequence[Block]) -> Iterator[Sums]:
    """The sums of several components together, so that small ones do not each cost a program; large ones stay by themselves."""
    together: list[Block] = []
    for number, block in enumerate(blocks):
        together.append(block)
        if number + 1 == len(blocks) or sum(len(one.leaders) for one in together) + len(blocks[number + 1].leaders) > _TOGETHER:
            sizes, rows = np.cumsum([0, *(len(one.leaders) for one in together)]), np.cumsum([0, *(len(one.room) for one in together)])
            entries = (
                np.concatenate([one.entries[0] + offset for one, offset in zip(together, rows[:-1], strict=True)]),
                np.concatenate([one.entries[1] + offset for one, offset in zip(together, sizes[:-1], strict=True)]),
                np.concatenate([one.entries[2] for one in together]),
            )
            yield Sums(np.concatenate([one.leaders for one in together]), entries, np.concatenate([one.room for one in together]))
            together = []
