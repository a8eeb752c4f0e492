"""One CSV of a table set, read strictly into arrays. Messages name the table and a row (the header is row 1), never what stands in it."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from exchange.disclosure.errors import BadTables
from exchange.disclosure.spec import Files, Hierarchy, TableSpec

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

KNOWN = ("value", "primary", "lpl", "upl", "n_contrib", "single_contributor", "forced", "suppressed")
_WHOLE = re.compile(r"[0-9]{1,15}")
_DECIMAL = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?")


@dataclass(frozen=True)
class Sheet:
    """The rows of one table, in the order of its file.

    `position`: (rows,) place of each row in the full product of its dimensions' codes (C order, codes in preorder).
    The other arrays are (rows,) or None where the file has no such column; decimals are still text.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    hierarchies: tuple[Hierarchy, ...]
    release: str
    position: Ints
    value: Sequence[str]
    lpl: Sequence[str] | None
    upl: Sequence[str] | None
    primary: Bools | None
    forced: Bools | None
    suppressed: Bools | None
    contributors: Ints | None
    single: Sequence[str] | None = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of codes of each dimension, in the file's column order."""
        return tuple(len(hierarchy.codes) for hierarchy in self.hierarchies)

    def codes(self, position: int) -> tuple[str, ...]:
        """The codes of the row that stands at `position` of the product."""
        nodes = np.unravel_index(position, self.shape)
        return tuple(hierarchy.codes[int(node)] for hierarchy, node in zip(self.hierarchies, nodes, strict=True))


def read_sheet(files: Files, spec: TableSpec, *, counts: bool) -> Sheet:
    """Read the file of one table; BadTables for anything but one row for every combination of known codes."""
    header, fields = _columns(files, spec)
    hierarchy_of = dict(spec.dims)
    columns = tuple(name for name in header if name in hierarchy_of)
    hierarchies = tuple(hierarchy_of[name] for name in columns)
    given = dict(zip(header, fields, strict=True))
    pattern = _WHOLE if counts else _DECIMAL

    def numbers(name: str) -> Sequence[str] | None:
        return _checked(spec.name, given[name], pattern) if name in given else None

    value = numbers("value")
    if value is None:
        raise BadTables(f"{spec.name}: no value column")
    contributors = _checked(spec.name, given["n_contrib"], _WHOLE) if "n_contrib" in given else None
    return Sheet(
        name=spec.name,
        file=spec.file,
        columns=columns,
        hierarchies=hierarchies,
        release=spec.release,
        position=_positions(spec.name, [given[name] for name in columns], hierarchies),
        value=value,
        lpl=numbers("lpl"),
        upl=numbers("upl"),
        primary=_flags(spec.name, given, "primary"),
        forced=_flags(spec.name, given, "forced"),
        suppressed=_flags(spec.name, given, "suppressed"),
        contributors=None if contributors is None else np.array([int(text) for text in contributors], dtype=np.int64),
        single=given.get("single_contributor"),
    )


def _columns(files: Files, spec: TableSpec) -> tuple[list[str], list[tuple[str, ...]]]:
    """Header and columns of the file, every row as long as the header."""
    if spec.file not in files:
        raise BadTables(f"{spec.name}: its file is missing")
    try:
        text = files[spec.file].decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise BadTables(f"{spec.name}: not a CSV in UTF-8") from None
    if len(rows) < 2:
        raise BadTables(f"{spec.name}: no rows")
    header = rows[0]
    names = {name for name, _ in spec.dims}
    if len(set(header)) < len(header) or not names <= set(header):
        raise BadTables(f"{spec.name}, row 1: every dimension must be a column, and no column may come twice")
    if names & set(KNOWN):
        raise BadTables(f"{spec.name}: a dimension has the name of a column that means something else")
    if set(header) - names - set(KNOWN):
        raise BadTables(f"{spec.name}, row 1: a column is not known; beside the dimensions there may be {', '.join(KNOWN)}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise BadTables(f"{spec.name}, row {number}: not as many fields as the header")
    return header, list(zip(*rows[1:], strict=True))


def _checked(table: str, texts: Sequence[str], pattern: re.Pattern[str]) -> Sequence[str]:
    for number, text in enumerate(texts, start=2):
        if not pattern.fullmatch(text):
            what = "a negative number" if text.startswith("-") else "a number not written as required (digits, at most six decimals)"
            raise BadTables(f"{table}, row {number}: {what}")
    return texts


def _flags(table: str, given: dict[str, tuple[str, ...]], name: str) -> Bools | None:
    if name not in given:
        return None
    for number, text in enumerate(given[name], start=2):
        if text not in {"0", "1"}:
            raise BadTables(f"{table}, row {number}: {name} must be 0 or 1")
    return np.array([text == "1" for text in given[name]], dtype=np.bool_)


def _positions(table: str, columns: list[tuple[str, ...]], hierarchies: tuple[Hierarchy, ...]) -> Ints:
    size = 1
    for hierarchy in hierarchies:
        size *= len(hierarchy.codes)
    position = np.zeros(len(columns[0]), dtype=np.int64)
    for texts, hierarchy in zip(columns, hierarchies, strict=True):
        nodes = np.array([hierarchy.numbers.get(text, -1) for text in texts], dtype=np.int64)
        if (nodes < 0).any():
            raise BadTables(f"{table}, row {int(np.argmin(nodes >= 0)) + 2}: a code that its hierarchy does not hold")
        position = position * len(hierarchy.codes) + nodes
    _, first = np.unique(position, return_index=True)
    if len(first) < len(position):
        again = np.setdiff1d(np.arange(len(position)), first)
        raise BadTables(f"{table}, row {int(again[0]) + 2}: this cell has come before")
    if len(position) < size:
        raise BadTables(f"{table}: {size - len(position)} cells are missing; every combination of codes, margins included, needs a row")
    return position
