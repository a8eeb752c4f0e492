"""Advice for a definition: every method tried on its tables, each attacked, side by side by what it hides and what it costs.

The figures are internal: they tell how much lies hidden. They are for whoever chooses the method, and whoever checks the output.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from exchange.disclosure import methods
from exchange.disclosure.attack import attack
from exchange.disclosure.errors import BadTables, Unprotectable
from exchange.disclosure.perturb import Noise
from exchange.disclosure.picture import Bar, Map, draw
from exchange.disclosure.sheets import Bools, Sheet
from exchange.disclosure.spec import Files, Need
from exchange.disclosure.table import TableSet, read_table_set

WORDS = {
    "suppress": "Suppression",
    "rounding": "Rounding",
    "controlled": "Controlled rounding",
    "ten-five": "Ten-five rounding",
    "cell-key": "Cell key",
}


@dataclass(frozen=True)
class Option:
    """One method at one level, and what came of it.

    `why`: why it cannot be used, in words, else empty; then `safe` is False and the figures are nought. `hidden`: for each table, by name,
    whether each of its cells is hidden (positions in the order of the hierarchies).
    """

    method: str
    words: str
    need: Need
    why: str = ""
    safe: bool = False
    cells: int = 0
    cells_hidden: int = 0
    value: float = 0
    value_lost: float = 0
    largest_error: float = 0
    hidden: dict[str, Bools] = field(default_factory=dict, repr=False)

    def line(self) -> dict[str, object]:
        """The option as JSON has it: figures without any cell."""
        return {
            "method": self.method,
            "words": self.words,
            "known_min": self.need.known_min,
            "min_width": self.need.min_width,
            "usable": self.safe,
            "why_not": self.why,
            "cells": self.cells,
            "cells_hidden": self.cells_hidden,
            "value": self.value,
            "value_lost": self.value_lost,
            "largest_error": self.largest_error,
        }


def advise(files: Files, need: Need | None = None, noise: Noise | None = None) -> Iterator[Option]:
    """Every method that the set admits, one by one: first suppression at the level asked for and at the other ones, then the others.

    `noise`: of cell keys; None: as fits the level. Raises BadTables where the set itself cannot be read.
    """
    tables = read_table_set(files)
    asked = need or tables.default_need()
    for method, level in _candidates(tables, asked):
        yield _try(files, tables, method, level, noise if method == "cell-key" else None)


def _candidates(tables: TableSet, asked: Need) -> Iterator[tuple[str, Need]]:
    yield "suppress", asked
    width = (tables.spec.threshold or 1) - 1
    if tables.spec.counts and tables.spec.zeros_published and width > 1:
        yield from (("suppress", level) for level in (Need(1, 1), Need(0, width), Need(1, width)) if level != asked)
    yield from ((method, asked) for method in methods.NAMES if method != "suppress")


def _try(files: Files, tables: TableSet, method: str, need: Need, noise: Noise | None) -> Option:
    words = WORDS[method] + (f", {_level(tables, need)}" if method == "suppress" else "")
    try:
        found = methods.apply(method, files, need, noise=noise)
        contents = found.files()
        fallen = len(attack(files, contents, need, insiders=found.insiders).vulnerable)
    except (BadTables, Unprotectable) as error:
        return Option(method, words, need, why=str(error))
    unit = 10**tables.decimals
    real = ~tables.virtual
    if "base" in (chosen := found.report.get("method", {})) and method != "ten-five":
        words += f" to {chosen['base']}"
    return Option(
        method=method,
        words=words,
        need=need,
        why=f"the attack works out {fallen} primary cells too closely" if fallen else "",
        safe=not fallen,
        cells=int(real.sum()),
        cells_hidden=found.cells_hidden,
        value=float(tables.value[real].sum() / unit),
        value_lost=float(found.value_lost),
        largest_error=float(found.largest_error),
        hidden={sheet.name: _hidden(sheet, contents) for sheet in tables.sheets if sheet.file in contents},
    )


def _level(tables: TableSet, need: Need) -> str:
    width = (tables.spec.threshold or 1) - 1
    names = {(1, 1): "level A", (0, width): "level B", (1, width): "level C"}
    return names.get((need.known_min, need.min_width), f"width {need.min_width}, known minimum {need.known_min}")


def _hidden(sheet: Sheet, contents: Files) -> Bools:
    """Which rows of a protected table are hidden: its rows stand in the order of the hierarchies, its last column says."""
    rows = list(csv.reader(io.StringIO(contents[sheet.file].decode(), newline="")))[1:]
    return np.array([row[-1] == "1" for row in rows], dtype=np.bool_)


def picture(tables: TableSet, options: Sequence[Option], chosen: Option) -> str:
    """The comparison as bars, and the hidden cells of every table under `chosen` as maps: SVG."""
    usable = [option for option in options if option.safe]
    hidden = [Bar(option.words, option.cells_hidden, f"{option.cells_hidden:,} of {option.cells:,}") for option in usable]
    lost = [Bar(option.words, option.value_lost, f"{option.value_lost:,.0f}") for option in usable]
    largest = [Bar(option.words, option.largest_error, f"{option.largest_error:,.0f}") for option in usable]
    charts = {
        "Cells hidden": hidden,
        "Value lost: hidden, or published otherwise than it is": lost,
        "Largest error of a published figure": largest,
    }
    return draw("What each method costs", charts, [_mapped(sheet, chosen) for sheet in tables.sheets if sheet.name in chosen.hidden])


def _mapped(sheet: Sheet, option: Option) -> Map:
    """The longest dimension down, all others across."""
    flags = option.hidden[sheet.name].reshape(sheet.shape)
    longest = int(np.argmax(sheet.shape))
    others = [name for axis, name in enumerate(sheet.columns) if axis != longest]
    grid = np.moveaxis(flags, longest, 0).reshape(sheet.shape[longest], -1)
    return Map(
        f"{sheet.name}, {option.words[0].lower()}{option.words[1:]}", sheet.columns[longest], " × ".join(others) or "its value", grid
    )
