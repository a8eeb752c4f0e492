"""What the solver works on: one vector of cells, what may move and how far, what each primary cell needs."""

from dataclasses import dataclass, replace

import numpy as np

from exchange.disclosure.errors import BadTables
from exchange.disclosure.knowledge import Supplier
from exchange.disclosure.program import ENDLESS
from exchange.disclosure.relations import Relations
from exchange.disclosure.sheets import Bools, Floats, Ints
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet

LEAST_PRICE = 1e-3
"""Price of moving a cell that costs nothing to hide: above zero, so that witnesses stay short."""


@dataclass(frozen=True)
class Problem:
    """n cells bound by `relations`, in the eyes of one intruder: the public, or (in `others`) a supplier who knows its own part.

    `slack`: (n,) how far a hidden cell may fall below its value in the eyes of the intruder, `ENDLESS` where nothing holds it; `movable`: (n,) may be hidden, and is not
    known to it; `weight`: (n,) price of hiding; `primary`: numbers of the primary cells, smallest value first, then by cell;
    `down`, `up`, `width`: (n,) how far below, above, and in all, the possible values of a primary cell must reach;
    `must`: (n,) hidden from the start whatever it costs. A primary cell of an intruder has the key `offset` + its number.
    """

    value: Ints
    slack: Ints
    movable: Bools
    weight: Floats
    primary: Ints
    down: Ints
    up: Ints
    width: Ints
    relations: Relations
    whole: bool
    must: Bools
    name: str = ""
    offset: int = 0
    others: tuple["Problem", ...] = ()

    @property
    def views(self) -> tuple["Problem", ...]:
        """Every intruder's problem, the public's first."""
        return (self, *self.others)

    def seen(self, key: int) -> tuple["Problem", int]:
        """The intruder and the cell that a key stands for."""
        view, cell = divmod(key, len(self.value))
        return self.views[view], cell


def pose(tables: TableSet, need: Need) -> Problem:
    """The problem of protecting `tables` at `need`; BadTables where the rules contradict each other."""
    spec, value, real = tables.spec, tables.value, ~tables.virtual
    if need.known_min and spec.counts and not spec.zeros_published:
        raise BadTables("zeros are suppressible, so a hidden cell may be 0: known_min must be 0")
    least = np.where(real, need.known_min * 10**tables.decimals, 0)
    zeros_shown = spec.zeros_published or need.known_min > 0
    must = tables.primary | tables.hidden
    for supplier in tables.suppliers:
        must |= supplier.primary
    if (must & tables.shown).any():
        _contradicts(tables, must & tables.shown, "must be hidden, yet is published by request or by an earlier release")
    if zeros_shown and (must & real & (value == 0)).any():
        _contradicts(tables, must & real & (value == 0), "a zero must be hidden, yet zeros are published")
    if (must & (value < least)).any():
        _contradicts(tables, must & (value < least), "a hidden value is below the least an intruder may assume")
    movable = ~tables.shown & (value >= least)
    if zeros_shown:
        movable &= value > 0
    # Magnitudes: the width counts in units of the value, and one unit of the last decimal is the least that can be asked.
    width = need.min_width if spec.counts else max(1, need.min_width * 10**tables.decimals if need.min_width > 1 else 1)
    public = Problem(
        value=value,
        slack=np.where(_signless(tables), ENDLESS, value - least),
        movable=movable | tables.virtual,
        weight=np.where(tables.virtual, LEAST_PRICE, np.maximum(tables.cost, LEAST_PRICE)),
        primary=_smallest_first(tables.primary, value),
        down=np.where(tables.primary, tables.lpl, 0),
        up=np.where(tables.primary, tables.upl, 0),
        width=np.where(tables.primary, width, 0),
        relations=tables.relations,
        whole=spec.counts,
        must=must | tables.virtual,
    )
    others = (_supplier(tables, public, supplier, number, width) for number, supplier in enumerate(tables.suppliers, start=1))
    return replace(public, others=tuple(others))


def _supplier(tables: TableSet, public: Problem, supplier: Supplier, number: int, width: int) -> Problem:
    """The problem in the eyes of one supplier: no cell falls below its own part, and what is all its own does not move."""
    slack = np.maximum(np.minimum(public.slack, public.value - supplier.share), 0)
    slack[_signless(tables)] = ENDLESS
    return replace(
        public,
        slack=slack,
        movable=public.movable & ~supplier.known,
        primary=_smallest_first(supplier.primary, public.value - supplier.share),
        # What the others sent cannot be less than nothing: below that there is nothing to ask.
        down=np.where(supplier.primary, np.minimum(tables.lpl, slack), 0),
        up=np.where(supplier.primary, tables.upl, 0),
        width=np.where(supplier.primary, width, 0),
        name=supplier.name,
        offset=number * len(public.value),
    )


def _signless(tables: TableSet) -> Bools:
    """(n,) differences of releases of which nobody is told which of the two is the larger: of a revised series, all."""
    return tables.virtual & (tables.spec.relation == "revised")


def _smallest_first(primary: Bools, value: Ints) -> Ints:
    cells = np.flatnonzero(primary)
    return cells[np.lexsort((cells, value[cells]))]


def _contradicts(tables: TableSet, which: Bools, why: str) -> None:
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        rows = np.flatnonzero(which[numbers[sheet.position]])
        if len(rows):
            raise BadTables(f"{sheet.name}, row {int(rows[0]) + 2}: {why}")
    raise BadTables(f"a cell that stands in no table: {why}")
