"""Which cells are the same unknown, and which sums bind them. Pure arrays; used by the protecting side only (the attack has its own)."""

from collections.abc import Iterable, Iterator, Sequence
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


@dataclass(frozen=True)
class Identity:
    """Which positions are one cell: `count` cells in all, `cells[k]` the cell at every position of sheet k.

    `case`: (count,) what the cell is, releases left out; `release`: (count,) place of its release in the series, 0 where releases share
    cells. Cells are numbered by case, then by release, so the same case in the next release is the next number.
    """

    count: int
    cells: tuple[Ints, ...]
    case: Ints
    release: Ints


def identify(sheets: Sequence[Sheet], order: Sequence[str] = ()) -> Identity:
    """The distinct cells of the sheets. `order`: the releases from first to last where cells of two are never one, else nothing.

    Two positions are one cell where their universe is one and their codes, roots left out, stand for the same cases. Numbers follow the
    codes' names, so neither row order nor the order of keys in a file changes them.
    """
    columns = sorted({column for sheet in sheets for column in sheet.columns})
    universes = sorted({sheet.universe for sheet in sheets})
    lengths = [len(sheet.position) for sheet in sheets]
    key = np.zeros(sum(lengths), dtype=np.int64)
    # One digit a column; as numbers they sort just as the codes' classes do. Brought back to small numbers before they could overflow.
    size = 1
    for column in columns:
        classes = _classes(column, sheets)
        base = max(classes.values()) + 1
        key, size = _compact(key, size, base)
        key = key * base + np.concatenate([_digit(sheet, column, classes) for sheet in sheets])
        size *= base
    key, size = _compact(key, size, len(universes))
    key = key * len(universes) + np.repeat([universes.index(sheet.universe) for sheet in sheets], lengths)
    case = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
    depth = max(len(order), 1)
    release = np.repeat([order.index(sheet.release) if order else 0 for sheet in sheets], lengths)
    found, number = np.unique(case * depth + release, return_inverse=True)
    cells = np.split(number.reshape(-1).astype(np.int64), np.cumsum(lengths)[:-1])
    return Identity(len(found), tuple(cells), found // depth, found % depth)


def _compact(key: Ints, size: int, base: int) -> tuple[Ints, int]:
    if size * base < 2**62:
        return key, size
    key = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return key, int(key.max()) + 1


def _digit(sheet: Sheet, column: str, classes: dict[tuple[str, str], int]) -> Ints:
    """(positions,) class of the sheet's code in `column` at each position; 0 where it has no such column."""
    if column not in sheet.columns:
        return np.zeros(len(sheet.position), dtype=np.int64)
    axis = sheet.columns.index(column)
    hierarchy = sheet.hierarchies[axis]
    of_node = np.array([classes[hierarchy.name, code] for code in hierarchy.codes], dtype=np.int64)
    inside = int(np.prod(sheet.shape[axis + 1 :], dtype=np.int64))
    return np.tile(np.repeat(of_node, inside), len(sheet.position) // (inside * len(of_node)))


def aligned(sheet: Sheet, numbers: Ints, columns: Sequence[str]) -> Ints:
    """What stands at the sheet's positions, in the order of positions that it would have with its columns in the order `columns`."""
    return numbers.reshape(sheet.shape).transpose([sheet.columns.index(column) for column in columns]).reshape(-1)


def first_row(sheets: Sequence[Sheet], cells: Sequence[Ints], which: Bools) -> str:
    """The first row that shows one of the cells `which`, for a message: its table and row."""
    for sheet, numbers in zip(sheets, cells, strict=True):
        rows = np.flatnonzero(which[numbers[sheet.position]])
        if len(rows):
            return f"{sheet.name}, row {int(rows[0]) + 2}"
    return "the set"


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


@dataclass(frozen=True)
class Rows:
    """Sums of one length. `rows`: (r, length) first the cell that is the sum, then those it is the sum of; `essential`: (r,)."""

    rows: Ints
    essential: Bools


def bind(count: int, sheets: Sequence[Sheet], cells: Sequence[Ints], more: Sequence[Rows] = ()) -> Relations:
    """The sums of all sheets, and `more`, over `count` cells, each sum once."""
    blocks: dict[int, list[Rows]] = {}
    for block in (*_splits(count, sheets, cells), *more):
        rows = np.column_stack([block.rows[:, 0], np.sort(block.rows[:, 1:], axis=1)])
        blocks.setdefault(rows.shape[1], []).append(Rows(rows, block.essential))
    flat, signs, lengths, essential = [], [], [], []
    for width in sorted(blocks):
        rows, needed = _distinct(np.concatenate([block.rows for block in blocks[width]]), blocks[width])
        essential.append(needed)
        flat.append(rows.reshape(-1))
        signs.append(np.tile(np.r_[1, np.full(width - 1, -1)], len(rows)))
        lengths.append(np.full(len(rows), width))
    none = np.zeros(0, dtype=np.int64)
    needed = np.concatenate([none.astype(np.bool_), *essential])
    return _both_ways(count, np.concatenate([none, *flat]), np.concatenate([none, *signs]), np.concatenate([none, *lengths]), needed)


def _splits(count: int, sheets: Sequence[Sheet], cells: Sequence[Ints]) -> Iterator[Rows]:
    """Every split of a cell into the codes below one of its own."""
    for sheet, numbers in zip(sheets, cells, strict=True):
        grid = numbers.reshape(sheet.shape)
        explained = np.zeros(count, dtype=np.bool_)
        # Down to its leaves a cell is the same sum along whichever axis it is split first: one split, and the sums of its parts, are enough.
        for axis, hierarchy in enumerate(sheet.hierarchies):
            lines = np.moveaxis(grid, axis, 0).reshape(sheet.shape[axis], -1)
            before = explained.copy()
            for parent, children in hierarchy.children.items():
                if len(children) > 1:
                    yield Rows(lines[[parent, *children]].T, ~before[lines[parent]])
                    explained[lines[parent]] = True


def _distinct(rows: Ints, blocks: Sequence[Rows]) -> tuple[Ints, Bools]:
    """The rows, sorted, each once; essential is what is essential in any block."""
    order = np.lexsort(rows.T[::-1])
    rows = rows[order]
    fresh = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    essential = np.concatenate([block.essential for block in blocks])[order]
    return rows[fresh], np.logical_or.reduceat(essential, np.flatnonzero(fresh))


def _both_ways(count: int, cells: Ints, signs: Ints, lengths: Ints, essential: Bools) -> Relations:
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    order = np.argsort(cells, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=count))]).astype(np.int64)
    return Relations(start, cells, signs.astype(np.int64), first, row[order].astype(np.int64), signs[order].astype(np.int64), essential)
