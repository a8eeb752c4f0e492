"""What a method that changes values hands back: each table again with the values published, what it cost, and how it was made."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exchange.disclosure.pattern import plain, write_rows
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet

Number = int | float


@dataclass(frozen=True)
class Treated:
    """A table set made fit to publish by some method. `contents`: file name -> content, `report` (internal) left out.

    `cells_hidden`: distinct cells without a value; `value_lost`: what they hold, and by how much all other cells differ from the truth;
    `largest_error`: the most that one published value differs from the truth. `insiders`: contributors were guarded against too.
    """

    method: str
    contents: Mapping[str, bytes]
    report: dict[str, Any]
    cells_hidden: int
    value_lost: Number
    largest_error: Number
    insiders: bool = False

    def files(self) -> dict[str, bytes]:
        """File name -> content, report.json among them."""
        return {**self.contents, "report.json": json.dumps(self.report, indent=1, ensure_ascii=False).encode() + b"\n"}


def seen(tables: TableSet) -> Bools:
    """(n,) the cells that a published table shows."""
    found = np.zeros(len(tables.value), dtype=np.bool_)
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        if sheet.published:
            found[numbers] = True
    return found


def treated(tables: TableSet, need: Need, method: Mapping[str, Any], published: Ints, hidden: Bools) -> Treated:
    """Put a result together from the values (n,) to publish, in the set's units, and the cells (n,) to leave out.

    `method` is written as method.json and tells an intruder nothing that the published tables do not.
    """
    unit, shown = 10**tables.decimals, seen(tables)
    error = np.where(hidden | ~shown, 0, np.abs(published - tables.value))
    gone = hidden & shown
    count = int(gone.sum())
    lost = in_units(int(error.sum() + tables.value[gone].sum()), unit)
    largest = in_units(int(error.max(initial=0)), unit)
    sheets = [(sheet, numbers) for sheet, numbers in zip(tables.sheets, tables.cells, strict=True) if sheet.published]
    contents = {
        sheet.file: write_rows(sheet.columns, sheet.hierarchies, plain(published[numbers], tables.decimals), hidden[numbers])
        for sheet, numbers in sheets
    }
    # Every derived figure is hidden: worked out from true values it would tell of them; from published ones anybody can work it out.
    contents |= {
        each.file: write_rows(each.columns, each.hierarchies, each.texts, np.ones(len(each.texts), np.bool_)) for each in tables.derived
    }
    contents["method.json"] = json.dumps(method, sort_keys=True).encode() + b"\n"
    report = {
        "input": tables.digest,
        "known_min": need.known_min,
        "min_width": need.min_width,
        "cells": int(shown.sum()),
        "primary": int((tables.primary & shown).sum()),
        "ignored_keys": list(tables.spec.ignored),
        "cells_hidden": count,
        "value_lost": lost,
        "largest_error": largest,
        "method": dict(method),
        "additive": method["method"] == "controlled",
        "tables": {sheet.name: {"cells": len(numbers), "suppressed": int(hidden[numbers].sum())} for sheet, numbers in sheets},
    }
    return Treated(str(method["method"]), contents, report, count, lost, largest, insiders=bool((tables.contributor >= 0).any()))


def in_units(value: int, unit: int) -> Number:
    """A value in units of the last decimal as a plain number."""
    return value // unit if value % unit == 0 else value / unit
