"""Consistent rounding: every value to the nearest multiple of a base, the same value always the same, margins by themselves.

Rounding alone proves nothing: a row of small parts under a rounded total may still say too much. So what remains possible is checked for
every primary cell, over all rounded values together, for everybody who may look.
"""

import numpy as np

from exchange.disclosure.altered import Treated, seen, treated
from exchange.disclosure.errors import BadTables, Unprotectable
from exchange.disclosure.program import ENDLESS
from exchange.disclosure.room import narrow, onlookers
from exchange.disclosure.sheets import Ints
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet

VERSION = 1
BASES = (5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000)
"""Bases tried, smallest first, where none is asked for."""


def nearest(value: Ints, base: int) -> Ints:
    """The nearest multiple of `base`, halves up: nothing counts but the value."""
    return np.asarray((value + base // 2) // base * base)


def behind(published: Ints, base: int) -> tuple[Ints, Ints]:
    """The least and the greatest value that rounds to each published one."""
    return np.asarray(np.maximum(published - base // 2, 0)), np.asarray(published + (base - 1) // 2)


def rounded(tables: TableSet, need: Need, base: int | None = None) -> Treated:
    """Every value rounded to `base` (whole numbers of the value; None: the smallest of `BASES` that protects).

    Raises Unprotectable, naming the cells and what to do, where a primary cell would be left with less than `need`.
    """
    whole_numbers_only(tables, base)
    if base is not None:
        return _rounded(tables, need, base)
    for tried in BASES:
        try:
            return _rounded(tables, need, tried)
        except Unprotectable:
            continue
    raise Unprotectable(f"no base up to {BASES[-1]} protects every primary cell: hide cells instead (--method suppress)")


def whole_numbers_only(tables: TableSet, base: int | None) -> None:
    """BadTables for a base that makes no sense, and for sets with a history: what they published exactly cannot be rounded any more."""
    if base is not None and not 2 <= base * 10**tables.decimals <= ENDLESS // 4:
        raise BadTables("a base must be a whole number of at least 2, and not larger than any value can be")
    if any(sheet.suppressed is not None for sheet in tables.sheets):
        raise BadTables(
            "an earlier release was published exactly, so its cells cannot be rounded or perturbed any more: use --method suppress"
        )


def _rounded(tables: TableSet, need: Need, base: int) -> Treated:
    unit = base * 10**tables.decimals
    published = nearest(tables.value, unit)
    low, high = behind(published, unit)
    refuse_narrow(tables, need, *open_where_unseen(tables, low, high), f"rounding to multiples of {base}")
    method = {"method": "rounding", "base": base, "version": VERSION}
    return treated(tables, need, method, published, np.zeros(len(published), dtype=np.bool_))


def open_where_unseen(tables: TableSet, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """The ranges with cells that no published table shows left open: nothing is said of them but that they are not negative."""
    unseen = ~seen(tables)
    return np.where(unseen, 0, low), np.where(unseen, tables.value + ENDLESS, high)


def refuse_narrow(tables: TableSet, need: Need, low: Ints, high: Ints, what: str, remedy: str = "a larger base") -> None:
    """Unprotectable where `low` to `high` (n,) leave somebody too little doubt about a primary cell: says what to do, and names a cell."""
    for onlooker in onlookers(tables, need):
        cells = narrow(tables, onlooker, low, high)
        if len(cells):
            raise Unprotectable(
                f"{what} says too much{f' to {onlooker.name}' if onlooker.name else ''} about {_named(tables, cells)}: "
                f"{need.min_width + 1} possible values were asked for; use {remedy}, or ask for less with --min-width"
            )


def _named(tables: TableSet, cells: Ints) -> str:
    table, codes = tables.place(int(cells[0]))
    return f"a primary cell ({table}: {', '.join(codes)})"
