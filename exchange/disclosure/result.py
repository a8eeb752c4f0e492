"""What protection hands back: the protected tables as files, the certificate, a report for people who check."""

import json
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.certificate import VERSION, write_certificate
from exchange.disclosure.derived import Figures
from exchange.disclosure.errors import BadTables
from exchange.disclosure.pattern import value_texts, write_rows
from exchange.disclosure.problem import Problem
from exchange.disclosure.sheets import Bools
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet
from exchange.disclosure.witnesses import MOST, Witnesses


@dataclass(frozen=True)
class Protected:
    """A protected table set. `hidden`: (n,) the cells left out; `told`: (statements,) the derived figures published;
    `certificate` and `report` are internal and never published.
    """

    tables: TableSet
    hidden: Bools
    told: Bools
    certificate: bytes
    report: dict[str, Any]

    @property
    def insiders(self) -> bool:
        """Whether contributors who know an own cell were guarded against too (the input says which cells have a single one)."""
        return bool((self.tables.contributor >= 0).any())

    def suppressed(self, table: str) -> Bools:
        """(rows,) whether each row of a table is hidden, in the order of its input file."""
        for sheet, numbers in zip(self.tables.sheets, self.tables.cells, strict=True):
            if sheet.name == table:
                return np.asarray(self.hidden[numbers[sheet.position]])
        raise BadTables("no such table")

    def files(self) -> dict[str, bytes]:
        """File name -> content: each published table again, certificate.json, report.json. Rows follow the hierarchies, whatever the
        input's order.
        """
        contents: dict[str, bytes] = {}
        for sheet, numbers in zip(self.tables.sheets, self.tables.cells, strict=True):
            if sheet.published:
                contents[sheet.file] = write_rows(sheet.columns, sheet.hierarchies, value_texts(self.tables, sheet), self.hidden[numbers])
        for derived in self.tables.derived:
            contents[derived.file] = write_rows(derived.columns, derived.hierarchies, derived.texts, self._untold(derived))
        contents["certificate.json"] = self.certificate
        contents["report.json"] = json.dumps(self.report, indent=1, ensure_ascii=False).encode() + b"\n"
        return contents

    def _untold(self, derived: Figures) -> Bools:
        """(positions,) the figures of a derived table that are hidden."""
        untold = np.zeros(len(derived.texts), dtype=np.bool_)
        for statement, told in zip(self.tables.statements, self.told.tolist(), strict=True):
            if statement.table == derived.name and not told:
                untold[statement.position] = True
        return untold


def conclude(
    tables: TableSet, need: Need, problem: Problem, hidden: Bools, told: Bools, witnesses: Witnesses, *, stopped: bool
) -> Protected:
    """Put the result together. `stopped`: the time budget ended the search for a smaller pattern (never the protection)."""
    # A contributor may know what one witness moves and not what another does: there all of them count.
    proof = witnesses.kept() if (tables.contributor >= 0).any() else witnesses.needed()
    asked = tables.primary.copy()
    for supplier in tables.suppliers:
        asked |= supplier.primary
    asked &= ~tables.virtual
    primary, secondary = tables.primary & ~tables.virtual, hidden & ~asked & ~tables.virtual
    unit = 10**tables.decimals
    report = {
        "input": tables.digest,
        "versions": {"certificate": VERSION, "HiGHS": highspy.Highs().version(), "numpy": np.__version__},
        "known_min": need.known_min,
        "min_width": need.min_width,
        "cells": int((~tables.virtual).sum()),
        "differences": int(tables.virtual.sum()),
        "primary": int(primary.sum()),
        "primary_for_suppliers": int((asked & ~primary).sum()),
        "secondary": int(secondary.sum()),
        "primary_value": _number(int(tables.value[primary].sum()), unit),
        "secondary_value": _number(int(tables.value[secondary].sum()), unit),
        "intruders": [_intruder(view, witnesses, unit) for view in problem.views],
        "witnesses": len(proof),
        "stopped_early": stopped,
        "ignored_keys": list(tables.spec.ignored),
        "tables": {
            sheet.name: {"cells": len(numbers), "suppressed": int(hidden[numbers].sum()), "published": sheet.published}
            for sheet, numbers in zip(tables.sheets, tables.cells, strict=True)
        },
        "figures": {
            name: {"figures": len(rows), "suppressed": len(rows) - sum(rows)} for name, rows in sorted(_by_table(tables, told).items())
        },
    }
    return Protected(tables, hidden, told, write_certificate(tables, need, proof), report)


def _intruder(view: Problem, witnesses: Witnesses, unit: int) -> dict[str, Any]:
    """How many cells are primary to one intruder, and how long the ranges proven for them are (None: so long that no end was sought)."""
    lengths = sorted(sum(witnesses.reach(view.offset + cell)) for cell in view.primary.tolist())
    ends = [lengths[len(lengths) // 2], lengths[-1]] if lengths else [0, 0]
    median, largest = (None if length >= MOST else _number(length, unit) for length in ends)
    return {"supplier": view.name or None, "primary": len(lengths), "median_range": median, "largest_range": largest}


def _by_table(tables: TableSet, told: Bools) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for statement, published in zip(tables.statements, told.tolist(), strict=True):
        found.setdefault(statement.table, []).append(published)
    return found


def _number(value: int, unit: int) -> int | float:
    return value // unit if value % unit == 0 else value / unit
