"""Which rows show the same cell, and which sums hold between cells, found from long rows alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from exchange.disclosure.attack.document import Document
from exchange.disclosure.attack.long import Array, Long, Tree, by_codes
from exchange.disclosure.attack.programs import Entries
from exchange.disclosure.errors import BadTables


def same_cells(longs: Sequence[Long], document: Document) -> tuple[Array, Array]:
    """(row's cell, cell's case): the number of the cell that each row of each table shows, the tables end to end.

    Rows show one cell where they agree on every column, a column's root (or its absence) standing for everything. Codes of a column
    agree where they are equal, or gather the same finest codes. Universes share nothing. Where releases differ, one case is a cell of its
    own in each of them; cells of one case are numbered one after the other, first release first.
    """
    columns = sorted({column for long in longs for column in long.columns})
    universes = sorted({long.entry["universe"] for long in longs})
    lengths = [len(long.place) for long in longs]
    key = np.repeat([universes.index(long.entry["universe"]) for long in longs], lengths).astype(np.int64)
    for column in columns:
        agree = _agreement([long.trees[long.columns.index(column)] for long in longs if column in long.columns])
        digits = _digits(longs, column, agree)
        if int(key.max(initial=0)) > 2**40:
            # Back to small numbers: no product of sizes can overflow.
            key = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
        key = key * (int(digits.max(initial=0)) + 1) + digits
    case = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
    if document.relation == "same":
        return case, np.arange(int(case.max()) + 1)
    release = np.repeat([document.order.index(long.release) for long in longs], lengths).astype(np.int64)
    found, cell = np.unique(case * len(document.order) + release, return_inverse=True)
    return cell.reshape(-1).astype(np.int64), found // len(document.order)


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
    for tree in trees:
        for code, codes in tree.below.items():
            gathered = frozenset().union(*(finest.get(other, frozenset([other])) for other in codes))
            if code != tree.root and gathered != finest[code]:
                raise BadTables("a code stands for different leaves in two hierarchies of one column")
    numbers: dict[frozenset[str], int] = {}
    found = {}
    for tree in trees:
        for code in tree.number:
            gathered = finest.get(code, frozenset([code]))
            found[tree.name, code] = 0 if code == tree.root else numbers.setdefault(gathered, len(numbers) + 1)
    return found


def sums(longs: Sequence[Long], same: Sequence[Array], document: Document) -> Entries:
    """The entries (row, cell, sign) of every sum "parent less its children is nothing", and of every sum of tables."""
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
    named = {long.name: (long, numbers) for long, numbers in zip(longs, same, strict=True)}
    for total, *parts in document.sums:
        size = len(named[total][1])
        for name, sign in ((total, 1), *((part, -1) for part in parts)):
            rows.append(np.arange(offset, offset + size))
            cells.append(by_codes(*named[name]))
            signs.append(np.full(size, sign))
        offset += size
    row = np.concatenate(rows)
    number = np.cumsum(np.bincount(row, minlength=1) > 0) - 1
    return number[row].astype(np.int64), np.concatenate(cells), np.concatenate(signs).astype(np.int64)


def check(entries: Entries, value: Array, what: str) -> None:
    """BadTables where a sum does not hold. bincount adds in floats; values are below 2**50, so a wrong sum cannot hide."""
    row, cell, factor = entries
    if len(row) and np.bincount(row, weights=(factor * value[cell]).astype(np.float64)).any():
        raise BadTables(what)
