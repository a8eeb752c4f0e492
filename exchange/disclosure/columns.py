"""A CSV of a table set as columns of text, and columns as numbers, flags and places: strict, and as fast as plain files allow.

Messages name the table and a row (the header is row 1), never what stands in it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from exchange.disclosure.declared import MOST_DECIMALS
from exchange.disclosure.errors import BadTables
from exchange.disclosure.spec import Files, Hierarchy

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Columns = dict[str, pa.Array]

LARGEST = 2**50
"""Largest value in units of the last decimal: exact in a float, with room for sums and moves."""

_WHOLE = r"^[0-9]{1,15}$"
_DECIMAL = r"^[0-9]{1,15}(\.[0-9]{1,6})?$"


@dataclass(frozen=True)
class Numbers:
    """(rows,) numbers of at least 0: whole part and millionths, exact; `decimals`: the most that any of them is written with."""

    whole: Ints = field(repr=False)
    millionths: Ints = field(repr=False)
    decimals: int

    def at(self, rows: Ints) -> "Numbers":
        """Those of some rows."""
        return Numbers(self.whole[rows], self.millionths[rows], self.decimals)

    def units(self, decimals: int) -> Ints:
        """The numbers in units of 10 ** -`decimals`; BadTables where one is too large."""
        if len(self.whole) and int(self.whole.max()) > LARGEST // 10**decimals - 1:
            raise BadTables("a value is too large to be exact")
        return np.asarray(self.whole * 10**decimals + self.millionths // 10 ** (MOST_DECIMALS - decimals), dtype=np.int64)


def read_columns(files: Files, table: str, file: str) -> Columns:
    """Column name -> (rows,) text, in the file's order; BadTables unless each row is as long as the header and names come once."""
    if file not in files:
        raise BadTables(f"{table}: its file is missing")
    try:
        text = files[file].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadTables(f"{table}: not a CSV in UTF-8") from None
    header, columns = _plain(text) or _quoted(table, text)
    if len(set(header)) < len(header):
        raise BadTables(f"{table}, row 1: every dimension must be a column, and no column may come twice")
    return dict(zip(header, columns, strict=True))


def _plain(text: str) -> tuple[list[str], list[pa.Array]] | None:
    """The columns of a file in which nothing is quoted; None where there is anything out of the ordinary, for `_quoted` to judge."""
    if any(sign in text for sign in ('"', "\0", "\n\n", "\n\r")) or text.count("\r") != text.count("\r\n"):
        return None
    header = text.partition("\n")[0].rstrip("\r").split(",")
    if header == [""]:
        return None
    names = [str(number) for number in range(len(header))]
    try:
        found = pacsv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pacsv.ReadOptions(use_threads=False, skip_rows=1, column_names=names),
            parse_options=pacsv.ParseOptions(quote_char=False, double_quote=False),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    return (header, [pa.concat_arrays(column.chunks) for column in found.columns]) if found.num_rows else None


def _quoted(table: str, text: str) -> tuple[list[str], list[pa.Array]]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        raise BadTables(f"{table}: not a CSV in UTF-8") from None
    if len(rows) < 2:
        raise BadTables(f"{table}: no rows")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise BadTables(f"{table}, row {number}: not as many fields as the header")
    return rows[0], [pa.array(column, pa.string()) for column in zip(*rows[1:], strict=True)]


def only(table: str, columns: Columns, dims: Sequence[str], known: Sequence[str]) -> None:
    """BadTables unless all of `dims` are there, and beside them only `known` ones."""
    if not set(dims) <= set(columns):
        raise BadTables(f"{table}, row 1: every dimension must be a column, and no column may come twice")
    if set(dims) & set(known):
        raise BadTables(f"{table}: a dimension has the name of a column that means something else")
    if set(columns) - set(dims) - set(known):
        raise BadTables(f"{table}, row 1: a column is not known; beside the dimensions there may be {', '.join(known)}")


def numbers(table: str, column: pa.Array, *, whole: bool) -> Numbers:
    """Numbers of at least 0, written with at most 15 digits and, unless `whole`, at most six decimals."""
    good = pc.match_substring_regex(column, _WHOLE if whole else _DECIMAL).to_numpy(zero_copy_only=False)
    if not good.all():
        row = int(np.argmin(good))
        negative = column[row].as_py().startswith("-")
        what = "a negative number" if negative else "a number not written as required (digits, at most six decimals)"
        raise BadTables(f"{table}, row {row + 2}: {what}")
    if whole or not pc.any(pc.match_substring(column, ".")).as_py():
        return Numbers(_ints(column), np.zeros(len(column), dtype=np.int64), 0)
    before = pc.replace_substring_regex(column, r"\..*$", "")
    after = pc.replace_substring_regex(column, r"^[0-9]+\.?", "")
    millionths = _ints(pc.utf8_rpad(after, MOST_DECIMALS, "0"))
    return Numbers(_ints(before), millionths, int(pc.max(pc.utf8_length(after)).as_py()))


def _ints(column: pa.Array) -> Ints:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def flags(table: str, name: str, column: pa.Array) -> Bools:
    """(rows,) of 0 and 1."""
    good = pc.is_in(column, pa.array(["0", "1"])).to_numpy(zero_copy_only=False)
    if not good.all():
        raise BadTables(f"{table}, row {int(np.argmin(good)) + 2}: {name} must be 0 or 1")
    return np.asarray(pc.equal(column, "1").to_numpy(zero_copy_only=False), dtype=np.bool_)


def places(table: str, columns: Sequence[pa.Array], hierarchies: Sequence[Hierarchy]) -> Ints:
    """(rows,) place of each row in the full product of the hierarchies' codes (C order); BadTables for an unknown code."""
    position = np.zeros(len(columns[0]), dtype=np.int64)
    size = 1
    for column, hierarchy in zip(columns, hierarchies, strict=True):
        size *= len(hierarchy.codes)
        if size > LARGEST:
            raise BadTables(f"{table}: more combinations of codes than can be counted")
        nodes = pc.index_in(column, pa.array(hierarchy.codes, pa.string())).fill_null(-1).to_numpy().astype(np.int64)
        if (nodes < 0).any():
            raise BadTables(f"{table}, row {int(np.argmax(nodes < 0)) + 2}: a code that its hierarchy does not hold")
        position = position * len(hierarchy.codes) + nodes
    return position


def complete(table: str, position: Ints, hierarchies: Sequence[Hierarchy]) -> None:
    """BadTables unless every combination of codes has one row."""
    once(table, position)
    size = 1
    for hierarchy in hierarchies:
        size *= len(hierarchy.codes)
    if len(position) < size:
        raise BadTables(f"{table}: {size - len(position)} cells are missing; every combination of codes, margins included, needs a row")


def once(table: str, key: Ints) -> None:
    """BadTables where a row has the key of one before it."""
    order = np.argsort(key, kind="stable")
    again = order[1:][key[order[1:]] == key[order[:-1]]]
    if len(again):
        raise BadTables(f"{table}, row {int(again.min()) + 2}: this cell has come before")
