"""Neighbourhoods of a cell: the product over its dimensions of the subtree under its parent, grandparent and so on, then everything.
Tables without such middles (months by force by type) are cut into slices along the column that most of them share.

Most cells can be protected by exchanges among their near relatives; a small model is solved in well under a millisecond.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.spec import Hierarchy
from exchange.disclosure.table import TableSet

Box = tuple[tuple[int, ...], ...]
"""One entry a table: its number, then for each dimension the top node, or ~node for a slice. The empty box is the whole set."""

EVERYTHING: Box = ()


BESIDE = 2
"""How many codes to either side a slice takes with it."""


class Boxes:
    """Boxes over the cells `eligible` of a table set. Sets of at most `whole_up_to` eligible cells have one box, the whole;
    boxes of fewer than `at_least` are passed over.
    """

    def __init__(self, tables: TableSet, eligible: Ints, *, whole_up_to: int, at_least: int = 0) -> None:
        self._tables = tables
        self._eligible = np.zeros(len(tables.value), dtype=np.bool_)
        self._eligible[eligible] = True
        self.small = len(eligible) <= whole_up_to
        self._at_least = at_least
        self._common = _common_column(tables)
        self.sliced = bool(self._common) and not self.small
        self._cache: dict[Box, Ints] = {EVERYTHING: eligible}
        self._widened: dict[tuple[int, tuple[int, ...]], tuple[int, ...]] = {}
        cell = np.concatenate(tables.cells)
        self._order = np.argsort(cell, kind="stable")
        self._first = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(tables.value)))])
        self._offset = np.concatenate([[0], np.cumsum([len(numbers) for numbers in tables.cells])])
        self._links = _links(tables)
        self.linked = bool(self._links.any())

    def around(self, cell: int) -> Iterator[Box]:
        """The boxes of `cell`, smallest first, each within the next; the last one is EVERYTHING."""
        if not self.small:
            places = [self._nodes(int(at)) for at in self._order[self._first[cell] : self._first[cell + 1]]]
            places = [(table, self._up(table, nodes)) for table, nodes in places]
            if self._common and not any(any(nodes) for _, nodes in places):
                yield from self._slice(cell)
            while any(any(nodes) for _, nodes in places):
                box = tuple((table, *nodes) for table, nodes in places)
                if len(self.cells(box)) >= self._at_least:
                    yield box
                places = [(table, self._wider(table, nodes)) for table, nodes in places]
        yield EVERYTHING

    def cells(self, box: Box) -> Ints:
        """The eligible cells of `box`, ascending."""
        if box not in self._cache:
            self._cache[box] = self._collect(box)
        return self._cache[box]

    def _collect(self, box: Box) -> Ints:
        parts = []
        for table, *tops in box:
            sheet = self._tables.sheets[table]
            grid = self._tables.cells[table].reshape(sheet.shape)
            if min(tops) >= 0:
                part = grid[tuple(slice(top, h.ends[top]) for top, h in zip(tops, sheet.hierarchies, strict=True))]
            else:
                part = grid[np.ix_(*(_nodes_of(top, h.ends) for top, h in zip(tops, sheet.hierarchies, strict=True)))]
            parts.append(part.reshape(-1))
        cells = np.sort(np.concatenate(parts))
        cells = cells[np.diff(cells, prepend=-1) > 0]
        if self.linked:
            cells = self._linked(self._linked(cells), virtual=True)
        return cells[self._eligible[cells]]

    def _linked(self, cells: Ints, *, virtual: bool = False) -> Ints:
        """The cells, and those that a sum across tables binds to them: the other tables' and, or only, those that are in no table."""
        _, rows, _ = self._tables.relations.around(cells)
        _, members, _ = self._tables.relations.within(np.unique(rows[self._links[rows]]))
        return np.union1d(cells, members[self._tables.virtual[members]] if virtual else members)

    def _slice(self, cell: int) -> Iterator[Box]:
        """Where no hierarchy has a middle: of the column that most tables share, the code of `cell`, those beside it and the root."""
        for at in self._order[self._first[cell] : self._first[cell + 1]]:
            table, nodes = self._nodes(int(at))
            columns = self._tables.sheets[table].columns
            node = nodes[columns.index(self._common)] if self._common in columns else 0
            if node:
                sheets = enumerate(self._tables.sheets)
                yield tuple((k, *(~node if column == self._common else 0 for column in sheet.columns)) for k, sheet in sheets)
                return

    def _nodes(self, at: int) -> tuple[int, tuple[int, ...]]:
        table = int(np.searchsorted(self._offset, at, side="right")) - 1
        left, nodes = at - int(self._offset[table]), []
        for size in reversed(self._tables.sheets[table].shape):
            left, node = divmod(left, size)
            nodes.append(node)
        return table, tuple(reversed(nodes))

    def _up(self, table: int, nodes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(h.parents[node], 0) for node, h in zip(nodes, self._tables.sheets[table].hierarchies, strict=True))

    def _wider(self, table: int, nodes: tuple[int, ...]) -> tuple[int, ...]:
        """One step up in the dimension where that adds least."""
        if (table, nodes) not in self._widened:
            self._widened[table, nodes] = self._one_up(table, nodes)
        return self._widened[table, nodes]

    def _one_up(self, table: int, nodes: tuple[int, ...]) -> tuple[int, ...]:
        hierarchies = self._tables.sheets[table].hierarchies
        growth = []
        for axis, (node, hierarchy) in enumerate(zip(nodes, hierarchies, strict=True)):
            if node:
                parent = hierarchy.parents[node]
                growth.append(((hierarchy.ends[parent] - parent) / (hierarchy.ends[node] - node), axis, parent))
        if not growth:
            return nodes
        _, axis, parent = min(growth)
        return (*nodes[:axis], parent, *nodes[axis + 1 :])


def _links(tables: TableSet) -> Bools:
    """(rows,) the sums that lie in no one table, such as between two releases."""
    relations = tables.relations
    links = np.ones(len(relations.start) - 1, dtype=np.bool_)
    if len(links):
        for numbers in tables.cells:
            inside = np.zeros(len(tables.value), dtype=np.bool_)
            inside[numbers] = True
            links &= ~np.logical_and.reduceat(inside[relations.cells], relations.start[:-1])
    return links


def _nodes_of(top: int, ends: Sequence[int]) -> list[int]:
    """The nodes under `top`; for ~node the node, its neighbours and the root of a hierarchy of one level."""
    if top >= 0:
        return list(range(top, ends[top]))
    node, last = ~top, ends[0] - 1
    return sorted({0, *((node - 1 + step) % last + 1 for step in range(-BESIDE, BESIDE + 1))})


def _common_column(tables: TableSet) -> str:
    """The column, wide enough to be cut into slices, that most tables share; "" where there is none, or any hierarchy has a middle."""
    found: dict[str, list[Hierarchy]] = {}
    if any(max(hierarchy.parents) > 0 for sheet in tables.sheets for hierarchy in sheet.hierarchies):
        return ""
    for sheet in tables.sheets:
        for column, hierarchy in zip(sheet.columns, sheet.hierarchies, strict=True):
            found.setdefault(column, []).append(hierarchy)
    wide = {
        column: (len(used), len(used[0].codes))
        for column, used in found.items()
        if len({hierarchy.name for hierarchy in used}) == 1 and max(used[0].parents) == 0 and len(used[0].codes) > 2 * BESIDE + 2
    }
    return max(sorted(wide), key=lambda column: wide[column], default="")
