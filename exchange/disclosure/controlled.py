"""Controlled rounding: every value to a multiple of the base beside it, so that all tables still add up, as near to the truth as can be.

Values that are multiples already stay. In two dimensions, hierarchies included, the linear program has whole answers and there always is one;
in three and more, and for linked tables, it is an integer program, which may have no answer: then values may go one multiple further.
"""

import numpy as np

from exchange.disclosure.altered import Treated, treated
from exchange.disclosure.errors import DisclosureError, Unprotectable
from exchange.disclosure.program import Entries, answer, essential, integers, program
from exchange.disclosure.rounding import BASES, open_where_unseen, refuse_narrow, whole_numbers_only
from exchange.disclosure.sheets import Floats, Ints
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet

VERSION = 1
MOST_SPANS = 4
"""Multiples that a value may lie from its neighbourhood before the search is given up."""

MOST_CELLS = 5000
"""Sets of more cells than this are rounded only where the answer is a linear program in whole numbers: one table of two dimensions."""

MOST_NODES = 2000
"""Branch-and-bound nodes of one integer program: counted, not timed, so that results repeat."""


def controlled(tables: TableSet, need: Need, base: int | None = None) -> Treated:
    """Every value rounded up or down to a multiple of `base` (None: the smallest of `BASES` that protects), all sums kept.

    Raises Unprotectable where a primary cell would be left with less than `need`, or where no such rounding is found.
    """
    whole_numbers_only(tables, base)
    if len(tables.value) > MOST_CELLS and (len(tables.sheets) > 1 or max(len(sheet.columns) for sheet in tables.sheets) > 2):
        raise Unprotectable(
            f"controlled rounding of more than {MOST_CELLS} cells is tried for one table of two dimensions only: use --method rounding"
        )
    if base is not None:
        return _controlled(tables, need, base)
    for tried in BASES:
        try:
            return _controlled(tables, need, tried)
        except Unprotectable:
            continue
    raise Unprotectable(f"no base up to {BASES[-1]} protects every primary cell: hide cells instead (--method suppress)")


def _controlled(tables: TableSet, need: Need, base: int) -> Treated:
    unit = base * 10**tables.decimals
    for span in range(1, MOST_SPANS + 1):
        published = round_together(tables, unit, span)
        if published is not None:
            break
    else:
        raise Unprotectable(
            f"no rounding to multiples of {base} was found in which all tables add up: use a larger base, or --method rounding"
        )
    reach = span * unit - 1
    low, high = np.maximum(published - reach, 0), published + reach
    refuse_narrow(tables, need, *open_where_unseen(tables, low, high), f"controlled rounding to multiples of {base}")
    method = {"method": "controlled", "base": base, "span": span, "version": VERSION}
    return treated(tables, need, method, published, np.zeros(len(published), dtype=np.bool_))


def round_together(tables: TableSet, base: int, span: int) -> Ints | None:
    """(n,) multiples of `base`, in the set's units, that keep every sum, at the least total distance; each closer than `span` bases to the truth.

    None where there are none (or none was found within the limit of nodes).
    """
    floor, rest = tables.value // base, tables.value % base
    # A row that a cell outside all tables stands in binds nothing that is published.
    row, cell, sign = essential(tables.relations)
    unbound = np.zeros(int(row.max(initial=-1)) + 1, dtype=np.bool_)
    unbound[row[tables.virtual[cell]]] = True
    kept = ~unbound[row]
    row, cell, sign = np.unique(row[kept], return_inverse=True)[1].reshape(-1), cell[kept], sign[kept]
    steps = _Steps(floor, rest, base, span)
    chosen = _solve(steps, (row, cell, sign))
    if chosen is None:
        return None
    published = (floor + np.bincount(steps.cell, weights=steps.sign * chosen, minlength=len(floor)).round().astype(np.int64)) * base
    if len(row) and np.bincount(row, weights=(sign * (published[cell] // base)).astype(np.float64)).any():
        raise DisclosureError("the solver's rounding does not add up")
    return published


class _Steps:
    """Columns of the program: whole steps away from the multiple just below each value, each with its price in distance.

    One step up to the multiple just above (where the value is no multiple), and beyond both, for `span` above 1, at a whole base a step.
    """

    def __init__(self, floor: Ints, rest: Ints, base: int, span: int) -> None:
        between, further = np.flatnonzero(rest), np.arange(len(floor)) if span > 1 else np.zeros(0, dtype=np.int64)
        self.cell: Ints = np.concatenate([between, further, further])
        self.sign: Ints = np.concatenate([np.ones(len(between) + len(further)), -np.ones(len(further))]).astype(np.int64)
        # In parts of the base, so that prices do not grow with it.
        self.price: Floats = np.concatenate([1 - 2 * rest[between] / base, np.ones(2 * len(further))])
        most = np.full(len(further), span - 1)
        self.most: Ints = np.concatenate([np.ones(len(between)), most, np.minimum(most, floor[further])]).astype(np.int64)
        self.floor = floor


def _solve(steps: _Steps, entries: Entries) -> Floats | None:
    """How many of each step to take: whole numbers, or None."""
    row, cell, sign = entries
    if not len(steps.cell):
        return np.zeros(0)
    off = np.asarray(-np.bincount(row, weights=(sign * steps.floor[cell]).astype(np.float64)), dtype=np.float64)
    solver = program(entries, steps.cell, steps.sign, steps.most, steps.price, off)
    found = answer(solver)
    if found is None or np.abs(found - np.rint(found)).max() < 1e-6:
        return found
    integers(solver, on=True)
    solver.setOptionValue("mip_max_nodes", MOST_NODES)
    return answer(solver)
