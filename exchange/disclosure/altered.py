"""What a method that changes values hands back: each table again with the values published, what it cost, and how it was made."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exchange.disclosure.declared import Median, Ratio
from exchange.disclosure.sheets import Bools, Ints, Sheet
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
    contents = {sheet.file: _table(tables, sheet, published[numbers], hidden[numbers]) for sheet, numbers in sheets}
    contents |= {entry.file: _derived(tables, entry) for entry in tables.spec.derived}
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


def _table(tables: TableSet, sheet: Sheet, published: Ints, hidden: Bools) -> bytes:
    """One table as CSV, its rows in the order of the hierarchies, whatever the input's order."""
    secret = hidden.tolist()
    values = ["" if one else _text(value, tables.decimals) for value, one in zip(published.tolist(), secret, strict=True)]
    return _csv(sheet, range(len(sheet.columns)), np.arange(len(secret)), values)


def _derived(tables: TableSet, entry: Ratio | Median) -> bytes:
    """A derived table with every figure hidden: worked out from true values it would tell of them; from published ones anybody can do it."""
    sheet = next(sheet for sheet in tables.sheets if sheet.name == entry.sources[0])
    left_out = entry.column if isinstance(entry, Median) else ""
    axes = [axis for axis, column in enumerate(sheet.columns) if column != left_out]
    places = np.arange(len(sheet.position)).reshape(sheet.shape)
    if left_out:
        places = np.take(places, 0, axis=sheet.columns.index(left_out))
    return _csv(sheet, axes, places.reshape(-1), [""] * places.size)


def _csv(sheet: Sheet, axes: Sequence[int], places: Ints, values: Sequence[str]) -> bytes:
    """Rows of a table at some of its places, with the codes of some of its axes; what has no value is suppressed."""
    nodes = np.unravel_index(places, sheet.shape)
    codes = [[sheet.hierarchies[axis].codes[node] for node in nodes[axis].tolist()] for axis in axes]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(sheet.columns[axis] for axis in axes), "value", "suppressed"])
    writer.writerows(zip(*codes, values, ["0" if value else "1" for value in values], strict=True))
    return out.getvalue().encode()


def _text(value: int, decimals: int) -> str:
    """A value as text, decimals only where it has any: a multiple of the base looks the same whatever it was."""
    whole, rest = divmod(value, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if rest else str(whole)
