"""The certificate: witnesses that prove a pattern, and their check in whole numbers without any solver.

Internal evidence. It names true values by implication and must never be published.
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from exchange.disclosure.errors import BadCertificate
from exchange.disclosure.problem import Problem, pose
from exchange.disclosure.sheets import Bools, Sheet
from exchange.disclosure.spec import Files, Need
from exchange.disclosure.table import TableSet, read_table_set
from exchange.disclosure.witnesses import Witness

VERSION = 1


def write_certificate(tables: TableSet, need: Need, witnesses: Sequence[Witness]) -> bytes:
    """The certificate as JSON: cells by (table, codes), changes by place in that list."""
    used = sorted({cell for witness in witnesses for cell in witness.cells})
    number = {cell: place for place, cell in enumerate(used)}
    document = {
        "version": VERSION,
        "input": tables.digest,
        "known_min": need.known_min,
        "min_width": need.min_width,
        "insiders": bool((tables.contributor >= 0).any()),
        "cells": [[table, *codes] for table, codes in places(tables, used)],
        "witnesses": [[w.back, w.forth, [number[cell] for cell in w.cells], list(w.delta)] for w in witnesses],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def places(tables: TableSet, cells: Sequence[int]) -> list[tuple[str, tuple[str, ...]]]:
    """(table, codes) of the first row that shows each of `cells`."""
    first: dict[int, tuple[Sheet, int]] = {}
    for sheet, numbers in reversed(list(zip(tables.sheets, tables.cells, strict=True))):
        own, position = np.unique(numbers, return_index=True)
        first.update((int(cell), (sheet, int(at))) for cell, at in zip(own, position, strict=True))
    return [(first[cell][0].name, first[cell][0].codes(first[cell][1])) for cell in cells]


def check_certificate(files: Files, protected: Files, need: Need | None = None) -> None:
    """Prove again, in exact whole numbers, that `protected` keeps every primary cell of `files` uncertain enough.

    `need`: the level that must be proven; None = the level the certificate names. Raises BadCertificate, or BadTables for bad `files`.
    """
    tables = read_table_set(files)
    document = _document(protected)
    claimed = Need(_whole(document.get("known_min")), _whole(document.get("min_width")))
    if need is not None and (claimed.known_min < need.known_min or claimed.min_width < need.min_width):
        raise BadCertificate("the certificate proves less than is needed")
    if document.get("version") != VERSION or document.get("input") != tables.digest:
        raise BadCertificate("the certificate belongs to another input")
    problem = pose(tables, claimed)
    hidden = read_pattern(tables, protected)
    if (hidden & ~problem.movable).any():
        raise BadCertificate("a cell is hidden that must be published")
    if (tables.primary & ~hidden).any() or (tables.hidden & ~hidden).any():
        raise BadCertificate("a cell is published that must be hidden")
    reach, alone = _reach(tables, problem, hidden, document)
    insiders = document.get("insiders") is True
    if insiders != bool((tables.contributor >= 0).any()):
        raise BadCertificate("the certificate does not say whether contributors were guarded against")
    for cell in problem.primary.tolist():
        if insiders and alone.get(cell):
            raise BadCertificate("a primary cell is not proven to be safe from a contributor to another")
        down, up = reach.get(cell, (0, 0))
        if down < int(problem.down[cell]) or up < int(problem.up[cell]) or down + up < int(problem.width[cell]):
            raise BadCertificate("a primary cell is not proven to be uncertain enough")


def _document(protected: Files) -> dict[str, Any]:
    try:
        document = json.loads(protected["certificate.json"].decode("utf-8"))
    except (KeyError, ValueError, RecursionError):
        raise BadCertificate("certificate.json is missing or not JSON") from None
    if not isinstance(document, dict):
        raise BadCertificate("certificate.json must be one object")
    return document


def _whole(found: object) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise BadCertificate("the certificate holds something that is not a whole number")
    return found


def _list(found: object) -> list[Any]:
    if not isinstance(found, list):
        raise BadCertificate("the certificate is malformed")
    return found


def _reach(
    tables: TableSet, problem: Problem, hidden: Bools, document: dict[str, Any]
) -> tuple[dict[int, tuple[int, int]], dict[int, set[int]]]:
    """How far below and above its value each cell is proven to reach, and the contributors it is not proven safe from.

    Each witness is checked first.
    """
    cells = [_cell(tables, _list(place)) for place in _list(document.get("cells"))]
    reach: dict[int, tuple[int, int]] = {}
    alone: dict[int, set[int]] = {}
    for entry in _list(document.get("witnesses")):
        back, forth, numbers, deltas = _four(_list(entry))
        change: dict[int, int] = {}
        for number, delta in zip(numbers, deltas, strict=True):
            place = _whole(number)
            if not 0 <= place < len(cells) or cells[place] in change:
                raise BadCertificate("a witness names a cell twice or not at all")
            change[cells[place]] = _whole(delta)
        _check_witness(problem, hidden, change, back, forth)
        people = {int(tables.contributor[cell]) for cell in change}
        for cell, delta in change.items():
            if delta and back + forth:
                alone[cell] = (alone.get(cell, people) & people) - {-1, int(tables.contributor[cell])}
            down, up = reach.get(cell, (0, 0))
            reach[cell] = max(down, -forth * delta, back * delta), max(up, forth * delta, -back * delta)
    return reach, alone


def _four(entry: list[Any]) -> tuple[int, int, list[Any], list[Any]]:
    if len(entry) != 4 or len(_list(entry[2])) != len(_list(entry[3])):
        raise BadCertificate("a witness is malformed")
    back, forth = _whole(entry[0]), _whole(entry[1])
    if back < 0 or forth < 0:
        raise BadCertificate("a witness is repeated a negative number of times")
    return back, forth, entry[2], entry[3]


def _cell(tables: TableSet, place: list[Any]) -> int:
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        if place and sheet.name == place[0] and len(place) == len(sheet.hierarchies) + 1:
            position = 0
            for hierarchy, code in zip(sheet.hierarchies, place[1:], strict=True):
                if not isinstance(code, str) or code not in hierarchy.numbers:
                    raise BadCertificate("the certificate names a cell that does not exist")
                position = position * len(hierarchy.codes) + hierarchy.numbers[code]
            return int(numbers[position])
    raise BadCertificate("the certificate names a cell that does not exist")


def _check_witness(problem: Problem, hidden: Bools, change: dict[int, int], back: int, forth: int) -> None:
    """Published cells stay, bounds hold at both ends, every sum balances."""
    relations = problem.relations
    sums: dict[int, int] = {}
    for cell, delta in change.items():
        if not hidden[cell]:
            raise BadCertificate("a witness moves a published cell")
        if min(forth * delta, -back * delta) < -int(problem.slack[cell]):
            raise BadCertificate("a witness takes a cell below what an intruder knows")
        begin, end = int(relations.first[cell]), int(relations.first[cell + 1])
        for row, sign in zip(relations.rows[begin:end].tolist(), relations.row_signs[begin:end].tolist(), strict=True):
            sums[row] = sums.get(row, 0) + sign * delta
    if any(sums.values()):
        raise BadCertificate("a witness does not balance")


def read_pattern(tables: TableSet, protected: Files) -> Bools:
    """(n,) the hidden cells of protected files; BadCertificate unless they are exactly the input's rows with hidden values left out."""
    hidden = np.zeros(len(tables.value), dtype=np.bool_)
    shown = np.zeros(len(tables.value), dtype=np.bool_)
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        flags = _flags(tables, sheet, protected)
        hidden[numbers[flags]] = True
        shown[numbers[~flags]] = True
    if (hidden & shown).any():
        raise BadCertificate("a cell is hidden in one place and published in another")
    return hidden


def _flags(tables: TableSet, sheet: Sheet, protected: Files) -> Bools:
    """(positions,) the `suppressed` flags of one protected table, every row compared with what it must be."""
    try:
        rows = list(csv.reader(io.StringIO(protected[sheet.file].decode("utf-8"), newline=""), strict=True))
    except (KeyError, UnicodeDecodeError, csv.Error):
        raise BadCertificate(f"{sheet.name}: its protected file is missing or not a CSV") from None
    flags = np.array([row[-1:] == ["1"] for row in rows[1:]], dtype=np.bool_)
    values = value_texts(tables, sheet)
    if rows[:1] != [[*sheet.columns, "value", "suppressed"]] or len(flags) != len(values):
        raise BadCertificate(f"{sheet.name}: its protected file does not have the required columns and rows")
    for position, row in enumerate(rows[1:]):
        expected = ["", "1"] if flags[position] else [values[position], "0"]
        if row != [*sheet.codes(position), *expected]:
            raise BadCertificate(f"{sheet.name}, row {position + 2}: not the row it must be")
    return flags


def value_texts(tables: TableSet, sheet: Sheet) -> list[str]:
    """The value at every position of a table, as it is published: plain digits, no needless decimals."""
    numbers = tables.cells[tables.sheets.index(sheet)]
    if not tables.decimals:
        return [str(value) for value in tables.value[numbers].tolist()]
    unit = 10**tables.decimals
    texts = (f"{value // unit}.{value % unit:0{tables.decimals}d}" for value in tables.value[numbers].tolist())
    return [text.rstrip("0").rstrip(".") for text in texts]
