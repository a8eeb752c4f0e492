"""What the solver works on: one vector of cells, what may move and how far, what each primary cell needs."""

from dataclasses import dataclass

import numpy as np

from exchange.disclosure.errors import BadTables
from exchange.disclosure.relations import Relations
from exchange.disclosure.sheets import Bools, Floats, Ints
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet


@dataclass(frozen=True)
class Problem:
    """n cells bound by `relations`.

    `slack`: (n,) how far a hidden cell may fall below its value in the eyes of an intruder; `movable`: (n,) may be hidden;
    `weight`: (n,) price of hiding; `primary`: numbers of the primary cells, smallest value first, then by cell;
    `down`, `up`, `width`: (n,) how far below, above, and in all, the possible values of a primary cell must reach.
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


def pose(tables: TableSet, need: Need) -> Problem:
    """The problem of protecting `tables` at `need`; BadTables where the rules contradict each other."""
    spec, value = tables.spec, tables.value
    if need.known_min and spec.counts and not spec.zeros_published:
        raise BadTables("zeros are suppressible, so a hidden cell may be 0: known_min must be 0")
    least = need.known_min * 10**tables.decimals
    zeros_shown = spec.zeros_published or need.known_min > 0
    must = tables.primary | tables.hidden
    if (must & tables.shown).any():
        _contradicts(tables, must & tables.shown, "must be hidden, yet is published by request or by an earlier release")
    if zeros_shown and (must & (value == 0)).any():
        _contradicts(tables, must & (value == 0), "a zero must be hidden, yet zeros are published")
    if (must & (value < least)).any():
        _contradicts(tables, must & (value < least), "a hidden value is below the least an intruder may assume")
    movable = ~tables.shown & (value >= least)
    if zeros_shown:
        movable &= value > 0
    cells = np.flatnonzero(tables.primary)
    # Magnitudes: the width counts in units of the value, and one unit of the last decimal is the least that can be asked.
    width = need.min_width if spec.counts else max(1, need.min_width * 10**tables.decimals if need.min_width > 1 else 1)
    return Problem(
        value=value,
        slack=value - least,
        movable=movable,
        weight=tables.cost,
        primary=cells[np.lexsort((cells, value[cells]))],
        down=np.where(tables.primary, tables.lpl, 0),
        up=np.where(tables.primary, tables.upl, 0),
        width=np.where(tables.primary, width, 0),
        relations=tables.relations,
        whole=spec.counts,
    )


def _contradicts(tables: TableSet, which: Bools, why: str) -> None:
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        rows = np.flatnonzero(which[numbers[sheet.position]])
        if len(rows):
            raise BadTables(f"{sheet.name}, row {int(rows[0]) + 2}: {why}")
