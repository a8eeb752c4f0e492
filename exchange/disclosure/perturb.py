"""Cell-key perturbation: noise that follows from who is in a cell, so that the same cases get the same noise in every table and edition.

Each record has a key, a number below 2**32; a cell's key is the sum of its records' keys modulo 2**32; the perturbation table turns count and
cell key into noise. Nothing is drawn at random when tables are made, and nothing adds up: each margin has noise of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from exchange.disclosure.altered import Treated, treated
from exchange.disclosure.columns import read_columns
from exchange.disclosure.errors import BadTables
from exchange.disclosure.ptable import RANGE, PTable, make_ptable
from exchange.disclosure.rounding import open_where_unseen, refuse_narrow, whole_numbers_only
from exchange.disclosure.sheets import Ints
from exchange.disclosure.spec import Files, Hierarchy, Need
from exchange.disclosure.table import TableSet

COLUMN = "record_key_sum"
_WHOLE = re.compile(r"[0-9]{1,20}")
_LEAST_BOUND = 5


@dataclass(frozen=True)
class Noise:
    """What noise is asked for: most that a count changes, variance, and no results from 1 to `none`. None: as fits the level.

    Whoever perturbs one population more than once keeps to one choice: another table is other noise for the same people.
    """

    bound: int | None = None
    variance: Fraction | int | str | None = None
    none: int | None = None

    def ptable(self, need: Need) -> PTable:
        """The table. It depends on the level asked for, never on the values."""
        bound = max(_LEAST_BOUND, need.min_width + (need.min_width + 1) // 2) if self.bound is None else self.bound
        variance = Fraction(3 * bound, 5) if self.variance is None else self.variance
        return make_ptable(bound, variance, min(2, bound - 1) if self.none is None else self.none)


def perturbed(tables: TableSet, need: Need, files: Files, noise: Noise) -> Treated:
    """Every count with the noise of its cell key. Raises BadTables without `record_key_sum`, Unprotectable where noise within the bound is too little."""
    if not tables.spec.counts:
        raise BadTables("only counts can be perturbed by cell key: use --method suppress or rounding")
    whole_numbers_only(tables, None)
    ptable = noise.ptable(need)
    published = tables.value + ptable.noise(tables.value, cell_keys(tables, files))
    low, high = open_where_unseen(tables, *ptable.behind(published))
    refuse_narrow(tables, need, low, high, f"noise of at most {ptable.bound}", "a larger bound")
    return treated(tables, need, {"method": "cell-key", **ptable.described()}, published, np.zeros(len(published), dtype=np.bool_))


def cell_keys(tables: TableSet, files: Files) -> Ints:
    """(n,) the cell key of every cell, from the columns `record_key_sum`.

    BadTables where one is missing or not a whole number, where two rows for one cell disagree, or where the sums do not add up as the counts do.
    """
    keys = np.full(len(tables.value), -1, dtype=np.int64)
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        columns = read_columns(files, sheet.name, sheet.file)
        if COLUMN not in columns:
            raise BadTables(f"{sheet.name}: perturbation by cell key needs a column {COLUMN}, the sum of the record keys of each cell")
        texts = columns[COLUMN].to_pylist()
        for row, text in enumerate(texts, start=2):
            if not _WHOLE.fullmatch(text):
                raise BadTables(f"{sheet.name}, row {row}: {COLUMN} must be a whole number of at least 0")
        own, found = numbers[sheet.position], np.array([int(text) % RANGE for text in texts], dtype=np.int64)
        fresh = keys[own] < 0
        keys[own[fresh]] = found[fresh]
        for wrong, why in (
            (keys[own] != found, "conflicts with another row for the same cell"),
            ((tables.value[own] == 0) & (found != 0), "must be 0 where nobody is counted"),
        ):
            if wrong.any():
                raise BadTables(f"{sheet.name}, row {int(np.argmax(wrong)) + 2}: {COLUMN} {why}")
    _check_sums(tables, keys)
    return np.maximum(keys, 0)


def _check_sums(tables: TableSet, keys: Ints) -> None:
    relations = tables.relations
    if not len(relations.cells):
        return
    off = np.add.reduceat(relations.signs * keys[relations.cells], relations.start[:-1]) % RANGE != 0
    off &= ~np.logical_or.reduceat(tables.virtual[relations.cells], relations.start[:-1])
    if off.any():
        table, _ = tables.place(int(relations.cells[relations.start[int(np.argmax(off))]]))
        raise BadTables(f"{table}: {COLUMN} of a cell is not the sum of its parts")


def key_sums(hierarchies: Sequence[Hierarchy], codes: Sequence[Sequence[str]], record_keys: npt.NDArray[np.uint32]) -> Ints:
    """(product of codes,) the cell key of every cell of a table, margins included, from its records.

    `codes`: for each dimension the finest code of every record, (records,); `record_keys`: (records,). The order is that of a table's
    positions: C order, codes in the order of their hierarchies. BadTables for a code that its hierarchy does not hold.
    """
    shape = [len(hierarchy.codes) for hierarchy in hierarchies]
    position = np.zeros(len(record_keys), dtype=np.int64)
    for hierarchy, column in zip(hierarchies, codes, strict=True):
        nodes = np.array([hierarchy.numbers.get(code, -1) for code in column], dtype=np.int64)
        if len(nodes) != len(record_keys) or (nodes < 0).any():
            raise BadTables(f"hierarchy {hierarchy.name}: a record lacks a code, or has one that the hierarchy does not hold")
        position = position * len(hierarchy.codes) + nodes
    sums = np.zeros(int(np.prod(shape)), dtype=np.uint64)
    np.add.at(sums, position, record_keys.astype(np.uint64))
    grid = sums.reshape(shape)
    for axis, hierarchy in enumerate(hierarchies):
        lines = np.moveaxis(grid, axis, 0)
        # Preorder backwards: every code is complete before it is added to its parent.
        for node in range(len(hierarchy.codes) - 1, 0, -1):
            lines[hierarchy.parents[node]] += lines[node]
    return np.asarray((grid.reshape(-1) % RANGE).astype(np.int64))
