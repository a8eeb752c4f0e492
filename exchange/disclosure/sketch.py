"""A whole set in outline, from where one cell stands: which far cells it would be exchanged with, so that little else need be looked at.

Some cells cannot be helped by their near relatives. To them most of a large set is far away, and need only be seen from above: in each
dimension the codes beside the cell's own and beside each code above it, but nothing under those. The cheapest exchange in that outline,
each cell at its own price and that of the cheapest of its parts, says which codes to use; a program over what lies under them settles it.
"""

import numpy as np

from exchange.disclosure.exchanges import FREE
from exchange.disclosure.problem import Problem
from exchange.disclosure.program import ENDLESS, answer, program
from exchange.disclosure.relations import Relations
from exchange.disclosure.sheets import Bools, Floats, Ints, Sheet
from exchange.disclosure.spec import Hierarchy
from exchange.disclosure.table import TableSet


class Outline:
    """The outline of a table from one of its positions. `lines`: along each dimension the nodes seen; `cells`: what stands where they meet."""

    def __init__(self, sheet: Sheet, numbers: Ints, position: int) -> None:
        nodes = np.unravel_index(position, sheet.shape)
        self._hierarchies, self._grid = sheet.hierarchies, numbers.reshape(sheet.shape)
        seen = [_line(hierarchy, int(node)) for hierarchy, node in zip(sheet.hierarchies, nodes, strict=True)]
        self.lines = [line for line, _ in seen]
        self._open = [opened for _, opened in seen]
        self.cells = self._grid[np.ix_(*self.lines)]

    def price(self, price: Floats) -> Floats:
        """What it takes to move each cell: its own price, and along each dimension that of its cheapest part that is not in the outline."""
        found = price[self.cells]
        for axis, (line, hierarchy) in enumerate(zip(self.lines, self._hierarchies, strict=True)):
            closed = [place for place, node in enumerate(line) if node in hierarchy.children and node not in self._open[axis]]
            for place in closed:
                below = self._grid[np.ix_(*self.lines[:axis], hierarchy.children[line[place]], *self.lines[axis + 1 :])]
                found[(slice(None),) * axis + (place,)] += price[below].min(axis=axis)
        return found

    def under(self, wanted: Bools) -> Ints:
        """Some cells of the outline, and all that lies under each but is not in the outline."""
        nodes = []
        for axis, (line, opened, h) in enumerate(zip(self.lines, self._open, self._hierarchies, strict=True)):
            used = [line[place] for place in np.unique(np.nonzero(wanted)[axis]).tolist()]
            nodes.append(sorted({0, *opened}.union(*([node] if node in opened else range(node, h.ends[node]) for node in used))))
        return np.unique(self._grid[np.ix_(*nodes)])


def _line(hierarchy: Hierarchy, node: int) -> tuple[list[int], set[int]]:
    """The nodes seen from `node`, ascending: those above it and the children of all of them; and which of them these children are of."""
    above, at = set(), node
    while at:
        at = hierarchy.parents[at]
        above.add(at)
    above = above or {0}
    return sorted({0}.union(*(hierarchy.children.get(one, ()) for one in above))), above


def leading(tables: TableSet, problem: Problem, hidden: Bools, cell: int) -> Ints:
    """The cells among which `cell` can probably be given what it needs at little cost; none where the outline shows no way."""
    none = np.zeros(0, dtype=np.int64)
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        found = np.flatnonzero(numbers == cell)
        if not len(found):
            continue
        outline = Outline(sheet, numbers, int(found[0]))
        price = outline.price(np.where(hidden, FREE, np.where(problem.movable, problem.weight, np.inf))).reshape(-1)
        cells, first, place = np.unique(outline.cells.reshape(-1), return_index=True, return_inverse=True)
        used = _exchange(problem, cells, price[first], cell)
        if used is not None:
            return outline.under(used[place.reshape(-1)].reshape(outline.cells.shape))
    return none


def _exchange(problem: Problem, cells: Ints, price: Floats, cell: int) -> Bools | None:
    """Which of `cells` the cheapest exchange in an outline moves; None where there is none."""
    count, place = len(cells), int(np.searchsorted(cells, cell))
    barred = np.isinf(price)
    most = np.concatenate([np.where(barred, 0, ENDLESS), np.where(barred, 0, problem.slack[cells])])
    width = int(max(problem.width[cell], problem.up[cell], problem.down[cell]))
    for moved, still, far in ((place, place + count, width), (place + count, place, min(width, int(problem.slack[cell])))):
        if far and not barred[place]:
            ends = most.copy()
            ends[still] = 0
            solver = program(
                _sums(problem.relations, cells),
                np.tile(np.arange(count), 2),
                np.repeat([1, -1], count),
                ends,
                np.tile(np.where(barred, 0.0, price), 2),
            )
            solver.changeColBounds(moved, float(far), float(far))
            found = answer(solver)
            if found is not None:
                return np.asarray(np.abs(found[:count] - found[count:]) > 1e-9)
    return None


def _sums(relations: Relations, cells: Ints) -> tuple[Ints, Ints, Ints]:
    """The entries (row, place among `cells`, sign) of sums that hold in the outline: not those of parts that are not in it."""
    owner, rows, signs = relations.around(cells)
    told = np.zeros(len(relations.essential), dtype=np.bool_)
    told[rows[signs < 0]] = True
    kept = told[rows] & relations.essential[rows]
    return np.unique(rows[kept], return_inverse=True)[1].reshape(-1), owner[kept], signs[kept]
