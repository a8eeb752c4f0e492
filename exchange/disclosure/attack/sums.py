"""Which rows show the same cell, and which sums hold between cells, found from long rows alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exchange.disclosure.attack.long import Array, Long, Tree
from exchange.disclosure.errors import BadTables


def same_cells(longs: Sequence[Long], document: Mapping[str, Any]) -> list[Array]:
    """For each table, the number of the cell that each of its rows shows.

    Rows show one cell where they agree on every column, a column's root (or its absence) standing for everything. Codes of a column
    agree where they are equal, or gather the same finest codes. Revised releases share nothing.
    """
    columns = sorted({column for long in longs for column in long.columns})
    agree = {column: _agreement([long.trees[long.columns.index(column)] for long in longs if column in long.columns]) for column in columns}
    key = np.zeros(sum(len(long.place) for long in longs), dtype=np.int64)
    apart = isinstance(document.get("releases"), dict) and document["releases"].get("relation") == "revised"
    releases = sorted({str(document["tables"][long.name].get("release", "")) for long in longs})
    parts = [np.full(len(x.place), releases.index(str(document["tables"][x.name].get("release", ""))) if apart else 0) for x in longs]
    for digit in ([np.concatenate(parts)], *([_digits(longs, column, agree[column])] for column in columns)):
        key = key * (int(digit[0].max()) + 1) + digit[0]
        # Back to small numbers after each column: no product of sizes can overflow.
        key = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return np.split(key, np.cumsum([len(long.place) for long in longs])[:-1])


def _digits(longs: Sequence[Long], column: str, agreement: Mapping[tuple[str, str], int]) -> Array:
    parts = []
    for long in longs:
        if column in long.columns:
            axis = long.columns.index(column)
            tree = long.trees[axis]
            nodes = long.place // long.strides[axis] % len(tree.number)
            parts.append(np.array([agreement[tree.name, code] for code in tree.number], dtype=np.int64)[nodes])
        else:
            parts.append(np.zeros(len(long.place), dtype=np.int64))
    return np.concatenate(parts)


def _agreement(trees: Sequence[Tree]) -> dict[tuple[str, str], int]:
    """(hierarchy, code) -> a number shared by all codes that mean the same cases; 0 for the roots."""
    below: dict[str, list[str]] = {}
    for tree in trees:
        for code, codes in tree.below.items():
            if code != tree.root:
                below.setdefault(code, codes)
    finest: dict[str, frozenset[str]] = {}
    # Bottom up by repetition: a code is settled once everything under it is.
    waiting = dict(below)
    while waiting:
        ready = [code for code, codes in waiting.items() if not any(other in waiting for other in codes)]
        if not ready:
            raise BadTables("two hierarchies of one column contradict each other")
        for code in ready:
            finest[code] = frozenset().union(*(finest.get(other, frozenset([other])) for other in waiting.pop(code)))
    numbers: dict[frozenset[str], int] = {}
    found = {}
    for tree in trees:
        for code in tree.number:
            gathered = finest.get(code, frozenset([code]))
            found[tree.name, code] = 0 if code == tree.root else numbers.setdefault(gathered, len(numbers) + 1)
    return found


def sums(longs: Sequence[Long], same: Sequence[Array], value: Array) -> tuple[Array, Array, Array]:
    """The entries (row, cell, sign) of every sum "parent less its children is nothing"; BadTables where one does not hold."""
    rows, cells, signs, offset = [], [], [], 0
    for long, numbers in zip(longs, same, strict=True):
        axes = len(long.columns)
        for axis, (tree, stride) in enumerate(zip(long.trees, long.strides, strict=True)):
            nodes = long.place // stride % len(tree.number)
            inner = np.zeros(len(tree.number), dtype=np.bool_)
            inner[[tree.number[code] for code in tree.below]] = True
            above = tree.parent[nodes]
            for mask, at, sign in ((inner[nodes], long.place, 1), (above >= 0, long.place + (above - nodes) * stride, -1)):
                rows.append(offset + at[mask] * axes + axis)
                cells.append(numbers[mask])
                signs.append(np.full(int(mask.sum()), sign))
        offset += axes * len(long.place)
    row = np.unique(np.concatenate(rows), return_inverse=True)[1].reshape(-1).astype(np.int64)
    cell = np.concatenate(cells)
    factor: Array = np.concatenate(signs).astype(np.int64)
    # bincount adds in floats; values are below 2**50, so a wrong sum cannot hide.
    if len(row) and np.bincount(row, weights=(factor * value[cell]).astype(np.float64)).any():
        raise BadTables("the original tables are not additive")
    return row, cell, factor
