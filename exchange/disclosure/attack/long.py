"""The intruder's own reading of a CSV and a hierarchy: long rows and their places, strict, and never an echo of what stands in a row."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from exchange.disclosure.errors import BadTables

Array = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
DIGITS = r"^[0-9]{1,15}(\.[0-9]{1,6})?$"


@dataclass(frozen=True)
class Tree:
    """A hierarchy as the intruder reads it: node number of each code, parent of each node, codes below each inner code."""

    name: str
    number: dict[str, int]
    parent: Array
    below: dict[str, list[str]]
    root: str


@dataclass(frozen=True)
class Long:
    """One table as long rows: codes, place of each row among all combinations, strides, trees (parent of each node, -1 the root)."""

    name: str
    file: str
    columns: tuple[str, ...]
    trees: tuple[Tree, ...]
    place: Array
    strides: tuple[int, ...]
    text: pa.Table

    def codes(self, row: int) -> tuple[str, ...]:
        """The codes of a row, in the order of the file's columns."""
        return tuple(str(self.text.column(column)[row].as_py()) for column in self.columns)


def read_tree(name: str, entry: Any) -> Tree:
    """Read one hierarchy; BadTables unless it is a tree."""
    try:
        root, below = entry["root"], {code: list(codes) for code, codes in entry["children"].items() if codes}
        above = {child: code for code, codes in below.items() for child in codes}
    except (KeyError, TypeError, AttributeError):
        raise BadTables(f"hierarchy {name}: needs a root and children") from None
    codes = [root, *above]
    number = {code: place for place, code in enumerate(codes)}
    if root in above or sum(len(listed) for listed in below.values()) != len(above) or set(below) - set(codes):
        raise BadTables(f"hierarchy {name}: not a tree")
    return Tree(name, number, np.array([-1, *(number[above[code]] for code in codes[1:])], dtype=np.int64), below, root)


def read_text(files: Mapping[str, bytes], name: str, file: str) -> pa.Table:
    """A CSV as text columns; BadTables where it is missing or malformed."""
    try:
        header = pacsv.open_csv(io.BytesIO(files[file])).schema.names
        if len(set(header)) < len(header):
            raise BadTables(f"{name}: a column comes twice")
        types = pacsv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
        return pacsv.read_csv(io.BytesIO(files[file]), convert_options=types, read_options=pacsv.ReadOptions(use_threads=False))
    except (KeyError, pa.ArrowInvalid):
        raise BadTables(f"{name}: its file is missing or not a CSV") from None


def read_long(files: Mapping[str, bytes], name: str, entry: Any, trees: Mapping[str, Tree]) -> Long:
    """Read one original table; BadTables unless it has one row for every combination of codes."""
    try:
        file, dims = str(entry["file"]), {column: trees[tree] for column, tree in entry["dims"].items()}
    except (KeyError, TypeError, AttributeError):
        raise BadTables(f"{name}: needs a file and dims under known hierarchies") from None
    text = read_text(files, name, file)
    columns = tuple(column for column in text.column_names if column in dims)
    if len(columns) != len(dims) or "value" not in text.column_names:
        raise BadTables(f"{name}: lacks a dimension or its values")
    shape = [len(dims[column].number) for column in columns]
    strides = tuple(int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape)))
    long = Long(name, file, columns, tuple(dims[c] for c in columns), np.zeros(0, dtype=np.int64), strides, text)
    place = places(long, text)
    if len(place) != int(np.prod(shape, dtype=np.int64)):
        raise BadTables(f"{name}: cells are missing")
    return Long(name, file, columns, long.trees, place, strides, text)


def places(long: Long, text: pa.Table) -> Array:
    """Place of every row of `text` among all combinations of the table's codes; BadTables for unknown codes and repeats."""
    place = np.zeros(text.num_rows, dtype=np.int64)
    for column, tree, stride in zip(long.columns, long.trees, long.strides, strict=True):
        if column not in text.column_names:
            raise BadTables(f"{long.name}: a dimension is missing")
        nodes = pc.index_in(text.column(column), pa.array(list(tree.number), pa.string())).fill_null(-1).to_numpy().astype(np.int64)
        if (nodes < 0).any():
            raise BadTables(f"{long.name}, row {int(np.argmax(nodes < 0)) + 2}: unknown code")
        place += nodes * stride
    if len(np.unique(place)) < len(place):
        raise BadTables(f"{long.name}: a cell comes twice")
    return place


def decimals_of(long: Long, column: str) -> int:
    """The most decimals written in a column; 0 where it is missing."""
    if column not in long.text.column_names or not long.text.num_rows:
        return 0
    parts = pc.utf8_length(pc.replace_substring_regex(long.text.column(column), r"^[^.]*\.?", ""))
    return int(pc.max(parts).as_py())


def units(text: pa.Table, name: str, column: str, decimals: int) -> Array:
    """A column of plain numbers in units of the last decimal."""
    found = text.column(column)
    good = pc.match_substring_regex(found, DIGITS).to_numpy()
    if not good.all():
        raise BadTables(f"{name}, row {int(np.argmin(good)) + 2}: not a plain number of at least 0")
    if decimals == 0:
        return np.asarray(found.cast(pa.int64()).to_numpy(), dtype=np.int64)
    return np.array([int(Decimal(number).scaleb(decimals)) for number in found.to_pylist()], dtype=np.int64)
