"""The intruder's own reading of a CSV and a hierarchy: long rows and their places, strict, and never an echo of what stands in a row."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
_DEEPEST = 50
LARGEST = 2**50
WHOLE = r"^[0-9]{1,15}$"
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
    entry: Mapping[str, Any]
    columns: tuple[str, ...]
    trees: tuple[Tree, ...]
    place: Array
    strides: tuple[int, ...]
    text: pa.Table

    @property
    def release(self) -> str:
        """The release it belongs to."""
        return str(self.entry.get("release", ""))

    def has(self, column: str) -> bool:
        """Whether its file has a column."""
        return column in self.text.column_names

    def codes(self, row: int) -> tuple[str, ...]:
        """The codes of a row, in the order of the file's columns."""
        return tuple(str(self.text.column(column)[row].as_py()) for column in self.columns)


def read_tree(name: str, entry: Any) -> Tree:
    """Read one hierarchy; BadTables unless it is a tree of codes."""
    root, children = (entry.get("root"), entry.get("children")) if isinstance(entry, dict) else (None, None)
    if not isinstance(root, str) or not isinstance(children, dict) or not all(isinstance(codes, list) for codes in children.values()):
        raise BadTables(f"hierarchy {name}: needs a root and children")
    below = {code: list(codes) for code, codes in children.items() if codes}
    if not all(isinstance(child, str) for codes in below.values() for child in codes):
        raise BadTables(f"hierarchy {name}: children must be lists of codes")
    above = {child: code for code, codes in below.items() for child in codes}
    codes = [root, *above]
    number = {code: place for place, code in enumerate(codes)}
    if root in above or sum(len(listed) for listed in below.values()) != len(above) or set(below) - set(codes):
        raise BadTables(f"hierarchy {name}: not a tree")
    parent = np.array([-1, *(number[above[code]] for code in codes[1:])], dtype=np.int64)
    reached = parent.copy()
    for _ in range(_DEEPEST):
        reached = np.where(reached > 0, parent[reached], reached)
    if (reached > 0).any():
        raise BadTables(f"hierarchy {name}: not a tree, or more than {_DEEPEST} levels")
    return Tree(name, number, parent, below, root)


def read_text(files: Mapping[str, bytes], name: str, file: str) -> pa.Table:
    """A CSV as text columns; BadTables where it is missing or malformed."""
    try:
        content = files[file].decode("utf-8-sig").encode()
        header = pacsv.open_csv(io.BytesIO(content)).schema.names
        if len(set(header)) < len(header):
            raise BadTables(f"{name}: a column comes twice")
        types = pacsv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
        return pacsv.read_csv(
            io.BytesIO(content),
            convert_options=types,
            read_options=pacsv.ReadOptions(use_threads=False),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
        )
    except (KeyError, ValueError, pa.ArrowException):
        raise BadTables(f"{name}: its file is missing or not a CSV in UTF-8") from None


def read_long(files: Mapping[str, bytes], name: str, entry: Mapping[str, Any], trees: Mapping[str, Tree], known: str) -> Long:
    """Read one table; BadTables unless it has one row for every combination of codes, and no column that `known` (a pattern) does not match."""
    dims = {column: trees[tree] for column, tree in entry["dims"].items()}
    text = read_text(files, name, entry["file"])
    columns = tuple(column for column in text.column_names if column in dims)
    if len(columns) != len(dims) or "value" not in text.column_names:
        raise BadTables(f"{name}: lacks a dimension or its values")
    if any(re.fullmatch(known, column) for column in columns):
        raise BadTables(f"{name}: a dimension has the name of a column that means something else")
    if not all(column in dims or re.fullmatch(known, column) for column in text.column_names):
        raise BadTables(f"{name}, row 1: a column is not known")
    shape = [len(dims[column].number) for column in columns]
    size = 1
    for length in shape:
        size *= length
    if size != text.num_rows:
        raise BadTables(f"{name}: needs one row for every combination of its codes")
    strides = tuple(int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape)))
    long = Long(name, entry, columns, tuple(dims[c] for c in columns), np.zeros(0, dtype=np.int64), strides, text)
    return replace(long, place=places(long, text))


def by_codes(long: Long, what: Array) -> Array:
    """What stands in the rows, in the order of all combinations of codes with the columns sorted by name."""
    order = sorted(range(len(long.columns)), key=lambda axis: long.columns[axis])
    place = np.zeros(len(what), dtype=np.int64)
    for axis in order:
        size = len(long.trees[axis].number)
        place = place * size + long.place // long.strides[axis] % size
    found = np.empty_like(what)
    found[place] = what
    return found


def places(long: Long, text: pa.Table) -> Array:
    """Place of every row of `text` among all combinations of the table's codes; BadTables for unknown codes and repeats."""
    place = places_among(long, text, long.name)
    if len(np.unique(place)) < len(place):
        raise BadTables(f"{long.name}: a cell comes twice")
    return place


def places_among(long: Long, text: pa.Table, name: str) -> Array:
    """As `places`, where one place may come more than once."""
    place = np.zeros(text.num_rows, dtype=np.int64)
    for column, tree, stride in zip(long.columns, long.trees, long.strides, strict=True):
        if column not in text.column_names:
            raise BadTables(f"{name}: a dimension is missing")
        nodes = pc.index_in(text.column(column), pa.array(list(tree.number), pa.string())).fill_null(-1).to_numpy().astype(np.int64)
        if (nodes < 0).any():
            raise BadTables(f"{name}, row {int(np.argmax(nodes < 0)) + 2}: unknown code")
        place += nodes * stride
    return place


def decimals_of(text: pa.Table, column: str) -> int:
    """The most decimals written in a column; 0 where it is missing."""
    if column not in text.column_names or not text.num_rows or not pc.any(pc.match_substring(text.column(column), ".")).as_py():
        return 0
    return int(pc.max(pc.utf8_length(pc.replace_substring_regex(text.column(column), r"^[^.]*\.?", ""))).as_py())


def units(text: pa.Table, name: str, column: str, decimals: int) -> Array:
    """A column of plain numbers in units of the last decimal; BadTables where it is missing or holds anything else."""
    if column not in text.column_names:
        raise BadTables(f"{name}: needs the column {column}")
    found = text.column(column)
    good = pc.match_substring_regex(found, DIGITS if decimals else WHOLE).to_numpy()
    if not good.all():
        raise BadTables(f"{name}, row {int(np.argmin(good)) + 2}: not a plain number of at least 0, or with more decimals than it may have")
    if decimals == 0:
        return np.asarray(found.cast(pa.int64()).to_numpy(), dtype=np.int64)
    numbers = [int(Decimal(number).scaleb(decimals)) for number in found.to_pylist()]
    if max(numbers, default=0) > LARGEST:
        raise BadTables(f"{name}: a number is too large to be exact")
    return np.array(numbers, dtype=np.int64)
