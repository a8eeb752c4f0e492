"""The ten-five rule: counts under 10 are hidden, all others rounded to the nearest 5, margins by themselves.

Rounding is what keeps the hidden counts from being worked out of the margins. Where it is not enough, a few larger cells are hidden too: the
cheapest that let the count in question move. The level asked for is met in the eyes of somebody who knows the rule, and even which hidden cells
are under 10, wherever that can be had; else in the eyes of one who takes a hidden cell for any number, and the other one can still work out none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np

from exchange.disclosure.altered import Treated, seen, treated
from exchange.disclosure.errors import BadTables, Unprotectable
from exchange.disclosure.program import ENDLESS, answer, essential, program
from exchange.disclosure.room import Onlooker, narrow, onlookers
from exchange.disclosure.rounding import behind, nearest, whole_numbers_only
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet

BELOW, BASE, VERSION = 10, 5, 1
_ROUNDS = 100
_FREE = 1e-3
"""Price of moving a cell within what is possible for it anyway."""


def ten_five(tables: TableSet, need: Need) -> Treated:
    """Counts under 10 hidden (zeros too), others to the nearest 5. Raises Unprotectable, naming a cell, where that cannot be made safe."""
    if not tables.spec.counts:
        raise BadTables("the ten-five rule is for counts: use --method suppress or rounding")
    whole_numbers_only(tables, None)
    if need.min_width >= BELOW:
        raise Unprotectable(
            f"the ten-five rule leaves a hidden count {BELOW} possible values: use --method suppress, or ask for less with --min-width"
        )
    small = (tables.value < BELOW) & seen(tables)
    if (small & tables.shown).any():
        table, _ = tables.place(int(np.flatnonzero(small & tables.shown)[0]))
        raise BadTables(f"{table}: a count under {BELOW} must be published, yet the ten-five rule hides it")
    # Zeros are hidden like any count under 10, so nobody can assume more than 0 of a hidden cell.
    need, loose = Need(0, need.min_width), Need(0, 1)
    public = [_View(onlooker, knowing=False) for onlooker in onlookers(tables, need)]
    try:
        width, hidden = need.min_width, _hidden(tables, small, [_View(view.onlooker, knowing=True) for view in public])
    except Unprotectable:
        width, hidden = 1, _hidden(tables, small, [*public, *(_View(one, knowing=True) for one in onlookers(tables, loose))])
    method = {"method": "ten-five", "base": BASE, "below": BELOW, "version": VERSION}
    found = treated(tables, need, method, np.where(hidden, 0, nearest(tables.value, BASE)), hidden)
    return replace(found, report={**found.report, "width_knowing_the_rule": width})


@dataclass(frozen=True)
class _View:
    """An onlooker who takes hidden cells for anything, or, `knowing`, each for what the rule makes of it: 0 to 9, or 10 and more."""

    onlooker: Onlooker
    knowing: bool

    def possible(self, tables: TableSet, hidden: Bools) -> tuple[Ints, Ints]:
        """(n,) the least and the greatest that each cell can be."""
        small, unseen = hidden & (tables.value < BELOW), ~seen(tables)
        low, high = behind(nearest(tables.value, BASE), BASE)
        low = np.where(unseen | small, 0, np.where(hidden, self.floor, np.maximum(low, BELOW)))
        endless = unseen | hidden if not self.knowing else unseen | (hidden & ~small)
        return low, np.where(endless, tables.value + ENDLESS, np.where(small, BELOW - 1, high))

    @property
    def floor(self) -> int:
        """The least that a hidden cell of 10 or more can be."""
        return BELOW if self.knowing else 0


def _hidden(tables: TableSet, small: Bools, views: Sequence[_View]) -> Bools:
    """(n,) the cells to hide: the small ones, and what it takes beside them."""
    hidden = small.copy()
    for _ in range(_ROUNDS):
        before, enough = hidden.copy(), True
        for view in views:
            low, high = view.possible(tables, before)
            cells = narrow(tables, view.onlooker, low, high, most=len(low))
            if len(cells):
                enough = False
                _Hiding(tables, view, before, low, high).widen(cells, hidden)
        if enough:
            return hidden
    raise Unprotectable("the ten-five rule cannot be made safe here: use --method suppress, or ask for less with --min-width")


class _Hiding:
    """The cheapest cells to hide as well, one program over the whole set: moving a cell beyond what is possible for it costs its weight."""

    def __init__(self, tables: TableSet, view: _View, hidden: Bools, low: Ints, high: Ints) -> None:
        value, onlooker = tables.value, view.onlooker
        self._tables, self._onlooker, self._hidden, self._count = tables, onlooker, hidden, len(value)
        self._fall = np.where(onlooker.known, 0, value - np.maximum(low, onlooker.least))
        self._rise = np.where(onlooker.known, 0, high - value)
        least = np.maximum(onlooker.least, view.floor)
        self._deepest = value - least
        self._spare = spare = np.flatnonzero(seen(tables) & ~hidden & ~tables.shown & ~onlooker.known)
        every = np.arange(len(value))
        cell = np.concatenate([every, every, spare, spare])
        factor = np.concatenate([np.repeat([1, -1], len(value)), np.repeat([1, -1], len(spare))])
        below = np.maximum(np.maximum(low, onlooker.least) - least, 0)[spare]
        self._most = np.concatenate([self._rise, self._fall, np.full(len(spare), ENDLESS), below])
        price = np.concatenate([np.full(2 * len(value), _FREE), tables.cost[spare], tables.cost[spare]])
        self._solver: highspy.Highs = program(essential(tables.relations), cell, factor, self._most, price)

    def widen(self, cells: Ints, hidden: Bools) -> None:
        """Hide what each of `cells` needs to be as uncertain as it must be."""
        wish = self._onlooker.wish
        for cell in cells.tolist():
            at = int(np.flatnonzero(wish.cells == cell)[0])
            self._widen(cell, int(wish.down[at]), int(wish.up[at]), int(wish.width[at]), hidden)

    def _widen(self, cell: int, down: int, up: int, width: int, hidden: Bools) -> None:
        fall = int(self._fall[cell] if self._hidden[cell] else self._deepest[cell])
        rise = int(self._rise[cell]) if self._hidden[cell] else ENDLESS
        plans = []
        for least in (min(fall, max(down, width - up)), max(down, width - rise)):
            plan = (least, max(up, width - least))
            if least <= fall and plan[1] <= rise and down <= least:
                plans.append(plan)
        found = [over for over in (self._needed(cell, plan) for plan in dict.fromkeys(plans)) if over is not None]
        if not found:
            table, codes = self._tables.place(cell)
            raise Unprotectable(
                f"the ten-five rule says too much{f' to {self._onlooker.name}' if self._onlooker.name else ''} about a primary cell "
                f"({table}: {', '.join(codes)}), whatever else is hidden: use --method suppress, or ask for less with --min-width"
            )
        chosen = min(found, key=lambda over: float(self._tables.cost[over].sum()))
        hidden[chosen] = True
        # What is hidden for one cell may move for the next.
        at = 2 * self._count + np.searchsorted(self._spare, chosen)
        columns = np.concatenate([at, at + len(self._spare)]).astype(np.int32)
        self._solver.changeColsCost(len(columns), columns, np.full(len(columns), _FREE))

    def _needed(self, cell: int, plan: tuple[int, int]) -> Ints | None:
        """The cells to hide so that one can fall and rise as planned, or None."""
        over: list[Ints] = []
        for amount, factor in zip(plan, (-1, 1), strict=True):
            if amount:
                change = self._moved(cell, amount, factor)
                if change is None:
                    return None
                over.append(change)
        return np.unique(np.concatenate(over)) if over else np.zeros(0, dtype=np.int64)

    def _moved(self, cell: int, amount: int, factor: int) -> Ints | None:
        """The cells moved further than is possible for them anyway, in the cheapest change that moves one by `amount`."""
        own = [cell if factor > 0 else self._count + cell]
        others = [self._count + cell if factor > 0 else cell]
        at = np.flatnonzero(self._spare == cell)
        if len(at):
            further = 2 * self._count + int(at[0])
            own.append(further if factor > 0 else further + len(self._spare))
            others.append(further + len(self._spare) if factor > 0 else further)
        solver = self._solver
        row = solver.getNumRow()
        solver.addRow(float(amount), float(amount), len(own), np.array(own, dtype=np.int32), np.ones(len(own)))
        for column in others:
            solver.changeColBounds(column, 0.0, 0.0)
        solver.clearSolver()
        found = answer(solver)
        solver.deleteRows(1, np.array([row], dtype=np.int32))
        for column in others:
            most = int(self._most[column])
            solver.changeColBounds(column, 0.0, highspy.kHighsInf if most >= ENDLESS // 2 else float(most))
        if found is None:
            return None
        beyond = found[2 * self._count :] > 1e-6
        return np.unique(np.tile(self._spare, 2)[beyond])
