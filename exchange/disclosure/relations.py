"""Which cells are the same unknown, and which sums bind them. Pure arrays; used by the protecting side only (the attack has its own)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.errors import BadTables
from exchange.disclosure.sheets import Bools, Ints, Sheet
from exchange.disclosure.spec import Hierarchy


@dataclass(frozen=True)
class Relations:
    """Sparse rows `parent - children = 0` over cells, both ways round.

    Row r holds `cells[start[r]:start[r+1]]` with `signs` (+1 the parent, -1 a child);
    cell c stands in the rows `rows[first[c]:first[c+1]]` with `row_signs`.
    `essential`: the rows from which all others follow, one for each parent in each sheet.
    """

    start: Ints
    cells: Ints
    signs: Ints
    first: Ints
    rows: Ints
    row_signs: Ints
    essential: Bools

    def around(self, cells: Ints) -> tuple[Ints, Ints, Ints]:
        """Every entry of the columns `cells`: (place in `cells`, row, sign), each of the same length."""
        return _slices(self.first, cells, self.rows, self.row_signs)

    def within(self, rows: Ints) -> tuple[Ints, Ints, Ints]:
        """Every entry of the rows `rows`: (place in `rows`, cell, sign)."""
        return _slices(self.start, rows, self.cells, self.signs)


def _slices(start: Ints, wanted: Ints, what: Ints, signs: Ints) -> tuple[Ints, Ints, Ints]:
    lengths = start[wanted + 1] - start[wanted]
    owner = np.repeat(np.arange(len(wanted)), lengths)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    entries = np.repeat(start[wanted], lengths) + offset
    return owner, what[entries], signs[entries]


def identify(sheets: Sequence[Sheet], *, by_release: bool) -> tuple[int, list[Ints]]:
    """Number of distinct cells, and for each sheet the cell at every position of its product.

    Two positions are one cell where their codes, roots left out, stand for the same cases. Numbers follow the codes' names,
    so neither row order nor the order of keys in a file changes them. `by_release`: cells of two releases are never one.
    """
    columns = sorted({column for sheet in sheets for column in sheet.columns})
    classes = {column: _classes(column, sheets) for column in columns}
    releases = sorted({sheet.release for sheet in sheets})
    keys = []
    for sheet in sheets:
        grid = np.indices(sheet.shape).reshape(len(sheet.shape), -1)
        key = np.zeros((grid.shape[1], len(columns) + 1), dtype=np.int64)
        for axis, column in enumerate(sheet.columns):
            of_node = np.array(
                [classes[column][sheet.hierarchies[axis].name, code] for code in sheet.hierarchies[axis].codes], dtype=np.int64
            )
            key[:, columns.index(column)] = of_node[grid[axis]]
        key[:, -1] = releases.index(sheet.release) if by_release else 0
        keys.append(key)
    _, number = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    number = number.reshape(-1).astype(np.int64)
    cuts = np.cumsum([len(key) for key in keys])[:-1]
    return int(number.max()) + 1, np.split(number, cuts)


class _Finest:
    """The finest codes under each code of a column, over all its hierarchies: a leaf of one may be an inner code of another."""

    def __init__(self, hierarchies: Iterable[Hierarchy]) -> None:
        self._found: dict[str, frozenset[str]] = {}
        self._inner: dict[str, tuple[Hierarchy, int]] = {}
        for hierarchy in hierarchies:
            for node in hierarchy.children:
                if node:
                    self._inner.setdefault(hierarchy.codes[node], (hierarchy, node))

    def under(self, code: str) -> frozenset[str]:
        """The finest codes under `code`."""
        if code not in self._found:
            self._found[code] = frozenset([code])  # also ends a circle between two hierarchies that contradict each other
            if code in self._inner:
                hierarchy, node = self._inner[code]
                self._found[code] = frozenset().union(*(self.under(hierarchy.codes[child]) for child in hierarchy.children[node]))
        return self._found[code]


def _classes(column: str, sheets: Sequence[Sheet]) -> dict[tuple[str, str], int]:
    """(hierarchy, code) -> class of the code in `column`: 0 for everything, else one number for each set of cases."""
    hierarchies = {h.name: h for sheet in sheets for c, h in zip(sheet.columns, sheet.hierarchies, strict=True) if c == column}
    finest = _Finest(hierarchies.values())
    sets: dict[tuple[str, str], frozenset[str] | None] = {}
    for hierarchy in hierarchies.values():
        for node in range(len(hierarchy.codes) - 1, -1, -1):
            code = hierarchy.codes[node]
            below = hierarchy.children.get(node)
            if node and below and frozenset().union(*(finest.under(hierarchy.codes[child]) for child in below)) != finest.under(code):
                raise BadTables(f"column {column}: a code stands for different leaves in two hierarchies")
            sets[hierarchy.name, code] = finest.under(code) if node else None
        # An only child is the same set of cases as its parent, up to the root itself.
        everything = frozenset().union(*(sets[hierarchy.name, code] or frozenset() for code in hierarchy.codes[1:]))
        for code in hierarchy.codes[1:]:
            if sets[hierarchy.name, code] == everything:
                sets[hierarchy.name, code] = None
    names: dict[frozenset[str], str] = {}
    for (_, code), found in sorted(sets.items(), key=lambda item: item[0][1]):
        if found is not None:
            names.setdefault(found, code)
    order = {found: number for number, found in enumerate(sorted(names, key=lambda found: names[found]), start=1)}
    return {key: 0 if found is None else order[found] for key, found in sets.items()}


def bind(count: int, sheets: Sequence[Sheet], cells: Sequence[Ints]) -> Relations:
    """The sums of all sheets over `count` cells, each sum once."""
    blocks: dict[int, list[Ints]] = {}
    first_of: dict[int, list[Bools]] = {}
    for sheet, numbers in zip(sheets, cells, strict=True):
        grid = numbers.reshape(sheet.shape)
        explained = np.zeros(count, dtype=np.bool_)
        # Down to its leaves a cell is the same sum along whichever axis it is split first: one split, and the sums of its parts, are enough.
        for axis, hierarchy in enumerate(sheet.hierarchies):
            lines = np.moveaxis(grid, axis, 0).reshape(sheet.shape[axis], -1)
            before = explained.copy()
            for parent, children in hierarchy.children.items():
                if len(children) > 1:
                    below = np.sort(lines[list(children)].T, axis=1)
                    blocks.setdefault(len(children) + 1, []).append(np.column_stack([lines[parent], below]))
                    first_of.setdefault(len(children) + 1, []).append(~before[lines[parent]])
                    explained[lines[parent]] = True
    flat, signs, lengths, essential = [], [], [], []
    for width in sorted(blocks):
        rows, inverse = np.unique(np.concatenate(blocks[width]), axis=0, return_inverse=True)
        needed = np.zeros(len(rows), dtype=np.bool_)
        np.logical_or.at(needed, inverse.reshape(-1), np.concatenate(first_of[width]))
        essential.append(needed)
        flat.append(rows.reshape(-1))
        signs.append(np.tile(np.r_[1, np.full(width - 1, -1)], len(rows)))
        lengths.append(np.full(len(rows), width))
    none = np.zeros(0, dtype=np.int64)
    needed = np.concatenate([none.astype(np.bool_), *essential])
    return _both_ways(count, np.concatenate([none, *flat]), np.concatenate([none, *signs]), np.concatenate([none, *lengths]), needed)


def _both_ways(count: int, cells: Ints, signs: Ints, lengths: Ints, essential: Bools) -> Relations:
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    order = np.argsort(cells, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=count))]).astype(np.int64)
    return Relations(start, cells, signs.astype(np.int64), first, row[order].astype(np.int64), signs[order].astype(np.int64), essential)
