"""Neighbourhoods of a cell: the product over its dimensions of the subtree under its parent, grandparent and so on, then everything.

Most cells can be protected by exchanges among their near relatives; a small model is solved in well under a millisecond.
"""

from collections.abc import Iterator

import numpy as np

from exchange.disclosure.sheets import Ints
from exchange.disclosure.table import TableSet

Box = tuple[tuple[int, ...], ...]
"""One entry a table: its number, then the top node of each dimension. The empty box is the whole set."""

EVERYTHING: Box = ()


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
        self._cache: dict[Box, Ints] = {EVERYTHING: eligible}
        cell = np.concatenate(tables.cells)
        self._order = np.argsort(cell, kind="stable")
        self._first = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(tables.value)))])
        self._offset = np.concatenate([[0], np.cumsum([len(numbers) for numbers in tables.cells])])

    def around(self, cell: int) -> Iterator[Box]:
        """The boxes of `cell`, smallest first, each within the next; the last one is EVERYTHING."""
        if not self.small:
            places = [self._nodes(int(at)) for at in self._order[self._first[cell] : self._first[cell + 1]]]
            places = [(table, self._up(table, nodes)) for table, nodes in places]
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
            parts.append(grid[tuple(slice(top, h.ends[top]) for top, h in zip(tops, sheet.hierarchies, strict=True))].reshape(-1))
        cells = np.unique(np.concatenate(parts))
        return cells[self._eligible[cells]]

    def _nodes(self, at: int) -> tuple[int, tuple[int, ...]]:
        table = int(np.searchsorted(self._offset, at, side="right")) - 1
        nodes = np.unravel_index(at - int(self._offset[table]), self._tables.sheets[table].shape)
        return table, tuple(int(node) for node in nodes)

    def _up(self, table: int, nodes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(h.parents[node], 0) for node, h in zip(nodes, self._tables.sheets[table].hierarchies, strict=True))

    def _wider(self, table: int, nodes: tuple[int, ...]) -> tuple[int, ...]:
        """One step up in the dimension where that adds least."""
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
