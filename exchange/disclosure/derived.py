"""Figures derived from cells (rates, shares, means, medians), read strictly, and what each tells an intruder while it is published.

Every figure must be the one that its cells give. What it tells is put as inequalities in whole numbers, exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.columns import Bools, Ints, complete, numbers, only, places, read_columns
from exchange.disclosure.declared import MOST_DECIMALS, Median, Ratio
from exchange.disclosure.errors import BadTables
from exchange.disclosure.knowledge import Statement
from exchange.disclosure.relations import Identity, aligned
from exchange.disclosure.releases import alike
from exchange.disclosure.sheets import Sheet
from exchange.disclosure.spec import Files, Hierarchy, Spec

Bound = tuple[tuple[int, ...], tuple[int, ...], int]


@dataclass(frozen=True)
class Figures:
    """A derived table. `texts`: (positions,) its figures as written, in the order of all combinations of its codes; "" where there is none.

    Statement k of a set that has this `table` and `position` p is about the figure `texts[p]`.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    hierarchies: tuple[Hierarchy, ...]
    texts: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class _Read:
    """The rows of a derived table by position: `millionths` exact, `blank` where the file gives no figure; `row` of the file for messages."""

    figures: Figures
    millionths: npt.NDArray[np.object_]
    blank: Bools
    row: Ints

    def refuse(self, wrong: Bools, why: str) -> None:
        """BadTables at the first row of the file that is `wrong`, if any is."""
        if wrong.any():
            raise BadTables(f"{self.figures.name}, row {int(self.row[wrong].min()) + 2}: {why}")


def read_figures(
    files: Files, spec: Spec, sheets: Sequence[Sheet], identity: Identity, value: Ints
) -> tuple[tuple[Figures, ...], tuple[Statement, ...]]:
    """All derived tables and what their figures say, by table and position. `value`: (count,) of each cell."""
    number = {sheet.name: place for place, sheet in enumerate(sheets)}
    figures: list[Figures] = []
    statements: list[Statement] = []
    for entry in spec.derived:
        sources = [sheets[number[name]] for name in entry.sources]
        cells = [identity.cells[number[name]] for name in entry.sources]
        if isinstance(entry, Ratio):
            read, found = _ratio(files, entry, sources, cells, value)
        else:
            if not spec.counts:
                raise BadTables(f"{entry.name}: a median needs counts")
            read, found = _median(files, entry, sources[0], cells[0], value)
        figures.append(read.figures)
        statements += [Statement(entry.name, position, bounds) for position, bounds in enumerate(found)]
    return tuple(figures), tuple(statements)


def _read(files: Files, entry: Ratio | Median, dims: Mapping[str, Hierarchy]) -> _Read:
    given = read_columns(files, entry.name, entry.file)
    only(entry.name, given, list(dims), ("value",))
    if "value" not in given:
        raise BadTables(f"{entry.name}, row 1: no value column")
    columns = tuple(name for name in given if name in dims)
    hierarchies = tuple(dims[name] for name in columns)
    position = places(entry.name, [given[name] for name in columns], hierarchies)
    complete(entry.name, position, hierarchies)
    blank = pc.equal(given["value"], "")
    plain = numbers(entry.name, pc.if_else(blank, pa.scalar("0"), given["value"]), whole=False)
    order = np.argsort(position)
    return _Read(
        Figures(entry.name, entry.file, columns, hierarchies, tuple(given["value"].take(pa.array(order)).to_pylist())),
        (plain.whole.astype(object) * 10**MOST_DECIMALS + plain.millionths.astype(object))[order],
        np.asarray(blank.to_numpy(zero_copy_only=False), dtype=np.bool_)[order],
        order,
    )


def _ratio(
    files: Files, entry: Ratio, sources: Sequence[Sheet], cells: Sequence[Ints], value: Ints
) -> tuple[_Read, list[tuple[Bound, ...]]]:
    """A figure v = per x n / d, rounded half up, says that v - h/2 <= per x n / d < v + h/2, h being one unit of its last decimal."""
    if not alike(*sources):
        raise BadTables(f"{entry.name}: its numerator and its denominator differ in their columns or hierarchies")
    read = _read(files, entry, dict(zip(sources[0].columns, sources[0].hierarchies, strict=True)))
    above, below = (aligned(sheet, own, read.figures.columns) for sheet, own in zip(sources, cells, strict=True))
    per = entry.per * 10**entry.decimals
    n, d = value[above].astype(object), value[below].astype(object)
    read.refuse(read.blank & (d != 0), "a figure is missing; it may be left out only where its denominator is 0")
    read.refuse(~read.blank & (d == 0), "a figure where its denominator is 0; it must be left out")
    # floor(x + 1/2) in units of the last decimal.
    nearest = (2 * per.numerator * n + per.denominator * d) // np.where(d == 0, 1, 2 * per.denominator * d)
    read.refuse(
        ~read.blank & (read.millionths != nearest * 10 ** (MOST_DECIMALS - entry.decimals)), "not what its cells give, rounded half up"
    )
    found: list[tuple[Bound, ...]] = []
    twice = 2 * per.numerator
    for top, base, units, blank in zip(above.tolist(), below.tolist(), nearest.tolist(), read.blank.tolist(), strict=True):
        if blank:
            found.append(((((base,), (-1,), 0)),))
            continue
        at_least = _bound([(top, twice), (base, -(2 * units - 1) * per.denominator)], 0) if units else ()
        less_than = _bound([(top, -twice), (base, (2 * units + 1) * per.denominator)], 1)
        found.append((*at_least, *less_than))
    return read, found


def _median(files: Files, entry: Median, sheet: Sheet, cells: Ints, value: Ints) -> tuple[_Read, list[tuple[Bound, ...]]]:
    """At least half of the cases lie in intervals that begin no later than v, at least half in intervals that end no earlier."""
    trees = dict(zip(sheet.columns, sheet.hierarchies, strict=True))
    tree = trees.pop(entry.column, None)
    if tree is None or not trees:
        raise BadTables(f"{entry.name}: its column must be one of several dimensions of the table it is derived from")
    leaves = [node for node in range(len(tree.codes)) if node not in tree.children]
    edges = {code: (low, high) for code, low, high in entry.edges}
    if set(edges) != {tree.codes[node] for node in leaves}:
        raise BadTables(f"{entry.name}: edges must be given for each code with none below it, and for no other")
    read = _read(files, entry, trees)
    lines = aligned(sheet, cells, (*read.figures.columns, entry.column)).reshape(-1, len(tree.codes))
    total = value[lines[:, 0]]
    read.refuse(read.blank & (total != 0), "a figure is missing; it may be left out only where there are no cases")
    read.refuse(~read.blank & (total == 0), "a figure where there are no cases; it must be left out")
    unit = 10**MOST_DECIMALS
    found: list[tuple[Bound, ...]] = []
    for position, line in enumerate(lines.tolist()):
        if read.blank[position]:
            found.append(((((line[0],), (-1,), 0)),))
            continue
        median = read.millionths[position]
        bounds: list[Bound] = [((line[0],), (1,), 1)]
        begun = [line[node] for node in leaves if edges[tree.codes[node]][0] * unit <= median]
        ended = [line[node] for node in leaves if edges[tree.codes[node]][1] * unit >= median]
        for half in (begun, ended):
            if 2 * int(value[half].sum()) < int(total[position]):
                read.refuse(np.arange(len(lines)) == position, "not a median of its cells")
            if len(half) < len(leaves):
                bounds += _bound([(line[0], -1), *((cell, 2) for cell in half)], 0)
        found.append(tuple(bounds))
    return read, found


def _bound(terms: Iterable[tuple[int, int]], least: int) -> tuple[Bound, ...]:
    """One bound in its smallest whole factors; none where no cell is left in it. `least` is 0 or 1."""
    factors: dict[int, int] = {}
    for cell, factor in terms:
        factors[cell] = factors.get(cell, 0) + factor
    factors = {cell: factor for cell, factor in sorted(factors.items()) if factor}
    if not factors:
        return ()
    common = gcd(*factors.values())
    # A multiple of `common` that is at least 1 is at least `common`.
    return ((tuple(factors), tuple(factor // common for factor in factors.values()), least),)
