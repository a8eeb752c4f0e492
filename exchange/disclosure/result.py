"""What protection hands back: the protected tables as files, the certificate, a report for people who check."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.certificate import value_texts, write_certificate
from exchange.disclosure.errors import BadTables
from exchange.disclosure.sheets import Bools
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet
from exchange.disclosure.witnesses import Witness


@dataclass(frozen=True)
class Protected:
    """A protected table set. `hidden`: (n,) the cells left out; `certificate` and `report` are internal and never published."""

    tables: TableSet
    hidden: Bools
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
        """File name -> content: each table again, certificate.json, report.json. Rows follow the hierarchies, whatever the input's order."""
        contents = {sheet.file: self._table(number) for number, sheet in enumerate(self.tables.sheets)}
        contents["certificate.json"] = self.certificate
        contents["report.json"] = json.dumps(self.report, indent=1, ensure_ascii=False).encode() + b"\n"
        return contents

    def _table(self, number: int) -> bytes:
        sheet, hidden = self.tables.sheets[number], self.hidden[self.tables.cells[number]]
        nodes = np.indices(sheet.shape).reshape(len(sheet.shape), -1)
        codes = [[hierarchy.codes[node] for node in along] for hierarchy, along in zip(sheet.hierarchies, nodes.tolist(), strict=True)]
        values = ["" if secret else text for text, secret in zip(value_texts(self.tables, sheet), hidden.tolist(), strict=True)]
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*sheet.columns, "value", "suppressed"])
        writer.writerows(zip(*codes, values, hidden.astype(np.int64).tolist(), strict=True))
        return out.getvalue().encode()


def conclude(tables: TableSet, need: Need, hidden: Bools, witnesses: Sequence[Witness], *, stopped: bool) -> Protected:
    """Put the result together. `stopped`: the time budget ended the search for a smaller pattern (never the protection)."""
    secondary = hidden & ~tables.primary
    unit = 10**tables.decimals
    report = {
        "input": tables.digest,
        "solver": f"HiGHS {highspy.Highs().version()}",
        "known_min": need.known_min,
        "min_width": need.min_width,
        "cells": len(tables.value),
        "primary": int(tables.primary.sum()),
        "secondary": int(secondary.sum()),
        "primary_value": _number(int(tables.value[tables.primary].sum()), unit),
        "secondary_value": _number(int(tables.value[secondary].sum()), unit),
        "witnesses": len(witnesses),
        "stopped_early": stopped,
        "ignored_keys": list(tables.spec.ignored),
        "tables": {
            sheet.name: {"cells": len(numbers), "suppressed": int(hidden[numbers].sum())}
            for sheet, numbers in zip(tables.sheets, tables.cells, strict=True)
        },
    }
    return Protected(tables, hidden, write_certificate(tables, need, witnesses), report)


def _number(value: int, unit: int) -> int | float:
    return value // unit if value % unit == 0 else value / unit
