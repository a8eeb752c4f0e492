"""The certificate: witnesses that prove a pattern, and their check in whole numbers without any solver.

Internal evidence. It names true values by implication and must never be published.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from exchange.disclosure.errors import BadCertificate
from exchange.disclosure.figures import rooms
from exchange.disclosure.knowledge import Statement
from exchange.disclosure.pattern import read_pattern, read_told
from exchange.disclosure.problem import Problem, pose
from exchange.disclosure.sheets import Bools, Sheet
from exchange.disclosure.spec import Files, Need
from exchange.disclosure.table import TableSet, read_table_set
from exchange.disclosure.witnesses import Witness

VERSION = 2

Witnessed = tuple[dict[int, int], int, int]
"""A witness as read: the change of each cell it names, how often backwards, how often forwards."""


def write_certificate(tables: TableSet, need: Need, witnesses: Sequence[Witness]) -> bytes:
    """The certificate as JSON: cells by (table, codes), those in no table by ("", number among them); changes by place in that list."""
    used = sorted({cell for witness in witnesses for cell in witness.cells})
    number = {cell: place for place, cell in enumerate(used)}
    document = {
        "version": VERSION,
        "input": tables.digest,
        "known_min": need.known_min,
        "min_width": need.min_width,
        "insiders": bool((tables.contributor >= 0).any()),
        "suppliers": [supplier.name for supplier in tables.suppliers],
        "cells": [[table, *codes] for table, codes in places(tables, used)],
        "witnesses": [[w.back, w.forth, [number[cell] for cell in w.cells], list(w.delta)] for w in witnesses],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def places(tables: TableSet, cells: Sequence[int]) -> list[tuple[str, tuple[str | int, ...]]]:
    """(table, codes) of the first row that shows each of `cells`; ("", (number,)) of one that is in no table."""
    number = np.cumsum(tables.virtual) - 1
    first: dict[int, tuple[Sheet, int]] = {}
    wanted = np.zeros(len(tables.value), dtype=np.bool_)
    wanted[cells] = True
    for sheet, numbers in reversed(list(zip(tables.sheets, tables.cells, strict=True))):
        shown = np.flatnonzero(wanted[numbers])
        own, position = np.unique(numbers[shown], return_index=True)
        first.update((cell, (sheet, at)) for cell, at in zip(own.tolist(), shown[position].tolist(), strict=True))
    return [(first[cell][0].name, first[cell][0].codes(first[cell][1])) if cell in first else ("", (int(number[cell]),)) for cell in cells]


def check_certificate(files: Files, protected: Files, need: Need | None = None) -> None:
    """Prove again, in exact whole numbers, that `protected` keeps every primary cell of `files` uncertain enough.

    `need`: the level that must be proven; None = the level the certificate names. Raises BadCertificate, or BadTables for bad `files`.
    """
    tables = read_table_set(files)
    document = _document(protected)
    claimed = _level(document)
    if need is not None and (claimed.known_min < need.known_min or claimed.min_width < need.min_width):
        raise BadCertificate("the certificate proves less than is needed")
    if document.get("version") != VERSION or document.get("input") != tables.digest:
        raise BadCertificate("the certificate belongs to another input")
    problem = pose(tables, claimed)
    hidden = read_pattern(tables, protected)
    told = [tables.statements[number] for number in np.flatnonzero(read_told(tables, protected))]
    seen = np.zeros(len(hidden), dtype=np.bool_)
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        seen[numbers] |= sheet.published
    if (hidden & seen & ~problem.movable).any():
        raise BadCertificate("a cell is hidden that must be published")
    if (problem.must & ~hidden).any():
        raise BadCertificate("a cell is published that must be hidden")
    if document.get("suppliers") != [supplier.name for supplier in tables.suppliers]:
        raise BadCertificate("the certificate does not name the suppliers that were guarded against")
    insiders = document.get("insiders") is True
    if insiders != bool((tables.contributor >= 0).any()):
        raise BadCertificate("the certificate does not say whether contributors were guarded against")
    witnesses = _witnesses(tables, document)
    for change, back, forth in witnesses:
        _check_witness(problem, hidden, change, back, forth)
    _check_figures(tables, told, witnesses)
    if insiders:
        _check_insiders(tables, problem, witnesses)
    for view in problem.views:
        _check_reach(view, witnesses)


def _document(protected: Files) -> dict[str, Any]:
    try:
        document = json.loads(protected["certificate.json"].decode("utf-8"))
    except (KeyError, ValueError, RecursionError):
        raise BadCertificate("certificate.json is missing or not JSON") from None
    if not isinstance(document, dict):
        raise BadCertificate("certificate.json must be one object")
    return document


def _level(document: dict[str, Any]) -> Need:
    known_min, min_width = _whole(document.get("known_min")), _whole(document.get("min_width"))
    if known_min not in {0, 1} or min_width < 1:
        raise BadCertificate("the certificate names a level that does not exist")
    return Need(known_min, min_width)


def _whole(found: object) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise BadCertificate("the certificate holds something that is not a whole number")
    return found


def _list(found: object) -> list[Any]:
    if not isinstance(found, list):
        raise BadCertificate("the certificate is malformed")
    return found


def _witnesses(tables: TableSet, document: dict[str, Any]) -> list[Witnessed]:
    """The witnesses as they stand in the document."""
    cells = [_cell(tables, _list(place)) for place in _list(document.get("cells"))]
    found = []
    for entry in _list(document.get("witnesses")):
        back, forth, numbers, deltas = _four(_list(entry))
        change: dict[int, int] = {}
        for number, delta in zip(numbers, deltas, strict=True):
            place = _whole(number)
            if not 0 <= place < len(cells) or cells[place] in change:
                raise BadCertificate("a witness names a cell twice or not at all")
            change[cells[place]] = _whole(delta)
        found.append((change, back, forth))
    return found


def _check_figures(tables: TableSet, told: Sequence[Statement], witnesses: Sequence[Witnessed]) -> None:
    """Every published figure stays true at both ends of every witness, and so between them."""
    bounds: list[int] = []
    of_cell: dict[int, list[tuple[int, int]]] = {}  # cell -> (number of the bound, factor)
    for statement in told:
        for factors, room in rooms(tables.value, statement):
            for cell, factor in factors.items():
                of_cell.setdefault(cell, []).append((len(bounds), factor))
            bounds.append(room)
    if min(bounds, default=0) < 0:
        raise BadCertificate("a figure is published that is not true")
    for change, back, forth in witnesses:
        push: dict[int, int] = {}
        for cell, delta in change.items():
            for number, factor in of_cell.get(cell, ()):
                push[number] = push.get(number, 0) + factor * delta
        if any(min(forth * by, -back * by) < -bounds[number] for number, by in push.items()):
            raise BadCertificate("a published figure narrows a witness")


def _check_insiders(tables: TableSet, problem: Problem, witnesses: Sequence[Witnessed]) -> None:
    """Every primary cell has, for each contributor to other cells, a witness that leaves that contributor's cells alone."""
    alone: dict[int, set[int]] = {}
    for change, back, forth in witnesses:
        people = {int(tables.contributor[cell]) for cell, delta in change.items() if delta}
        for cell, delta in change.items():
            if delta and back + forth:
                alone[cell] = (alone.get(cell, people) & people) - {-1, int(tables.contributor[cell])}
    if any(alone.get(cell) for cell in problem.primary.tolist()):
        raise BadCertificate("a primary cell is not proven to be safe from a contributor to another")


def _check_reach(view: Problem, witnesses: Sequence[Witnessed]) -> None:
    """Every primary cell of an intruder is proven to be uncertain enough; a supplier follows a witness no farther than its own part allows."""
    down, up = dict.fromkeys(view.primary.tolist(), 0), dict.fromkeys(view.primary.tolist(), 0)
    for change, back, forth in witnesses:
        least, most = (back, forth) if not view.offset else _followed(view, change, back, forth)
        for cell, delta in change.items():
            if cell in down:
                down[cell] = max(down[cell], -most * delta, least * delta)
                up[cell] = max(up[cell], most * delta, -least * delta)
    for cell in view.primary.tolist():
        if down[cell] < int(view.down[cell]) or up[cell] < int(view.up[cell]) or down[cell] + up[cell] < int(view.width[cell]):
            raise BadCertificate("a primary cell is not proven to be uncertain enough" + (" to a supplier" if view.offset else ""))


def _followed(view: Problem, change: dict[int, int], back: int, forth: int) -> tuple[int, int]:
    """How often a supplier must think a change possible: not at all where it moves what is known to it."""
    for cell, delta in change.items():
        if delta and not view.movable[cell]:
            return 0, 0
        if delta < 0:
            forth = min(forth, int(view.slack[cell]) // -delta)
        elif delta > 0:
            back = min(back, int(view.slack[cell]) // delta)
    return back, forth


def _four(entry: list[Any]) -> tuple[int, int, list[Any], list[Any]]:
    if len(entry) != 4 or len(_list(entry[2])) != len(_list(entry[3])):
        raise BadCertificate("a witness is malformed")
    back, forth = _whole(entry[0]), _whole(entry[1])
    if back < 0 or forth < 0:
        raise BadCertificate("a witness is repeated a negative number of times")
    return back, forth, entry[2], entry[3]


def _cell(tables: TableSet, place: list[Any]) -> int:
    if len(place) == 2 and place[0] == "":
        virtual = np.flatnonzero(tables.virtual)
        if not 0 <= _whole(place[1]) < len(virtual):
            raise BadCertificate("the certificate names a cell that does not exist")
        return int(virtual[place[1]])
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
        if delta and not hidden[cell]:
            raise BadCertificate("a witness moves a published cell")
        if min(forth * delta, -back * delta) < -int(problem.slack[cell]):
            raise BadCertificate("a witness takes a cell below what an intruder knows")
        begin, end = int(relations.first[cell]), int(relations.first[cell + 1])
        for row, sign in zip(relations.rows[begin:end].tolist(), relations.row_signs[begin:end].tolist(), strict=True):
            sums[row] = sums.get(row, 0) + sign * delta
    if any(sums.values()):
        raise BadCertificate("a witness does not balance")
