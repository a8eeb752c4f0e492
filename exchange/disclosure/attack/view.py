"""What an intruder sees: the published values of a protected table set, and the sums that bind what is hidden.

Written apart from the protecting side on purpose (own parser, own idea of which cells are one, own matrix), so that
one mistake cannot hide another. It works on long rows, never on whole products of codes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.attack.long import DIGITS, Array, Long, Mask, decimals_of, places, read_long, read_text, read_tree, units
from exchange.disclosure.attack.sums import same_cells, sums
from exchange.disclosure.errors import BadTables


@dataclass(frozen=True)
class View:
    """m distinct cells over all tables, and the entries (row, cell, sign) of the sums over them.

    `value`, `lpl`, `upl`: in units of 10 ** -`decimals`; `unknown`: hidden wherever it appears; `primary`: must not be worked out;
    `owner`: the single contributor of a cell or -1; `where`: (table, row) that shows each cell.
    """

    document: Mapping[str, Any]
    counts: bool
    decimals: int
    value: Array
    lpl: Array
    upl: Array
    unknown: Mask
    primary: Mask
    owner: Array
    row: Array
    cell: Array
    sign: Array
    tables: tuple[Long, ...]
    where: tuple[Array, Array]

    def name(self, cell: int) -> tuple[str, tuple[str, ...]]:
        """(table, codes) of the row that shows `cell`."""
        table = self.tables[int(self.where[0][cell])]
        return table.name, table.codes(int(self.where[1][cell]))


def look(files: Mapping[str, bytes], protected: Mapping[str, bytes]) -> View:
    """Read the original set (for the truth) and the protected one (for what is published); BadTables where they do not fit."""
    document = _document(files)
    trees = {name: read_tree(name, entry) for name, entry in document["hierarchies"].items()}
    longs = [read_long(files, name, document["tables"][name], trees) for name in sorted(document["tables"])]
    counts = document.get("measure") == "count"
    decimals = max(decimals_of(long, column) for long in longs for column in ("value", "lpl", "upl"))
    values = [units(long.text, long.name, "value", decimals) for long in longs]
    same = same_cells(longs, document)
    cell = np.concatenate(same)
    size = int(cell.max()) + 1
    value = np.full(size, -1, dtype=np.int64)
    value[cell] = np.concatenate(values)
    if (value[cell] != np.concatenate(values)).any():
        raise BadTables("two rows for one cell disagree")
    row, entry_cell, sign = sums(longs, same, value)
    table_of = np.repeat(np.arange(len(longs)), [len(part) for part in same])
    row_of = np.concatenate([np.arange(len(part)) for part in same])
    where = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    where[0][cell[::-1]], where[1][cell[::-1]] = table_of[::-1], row_of[::-1]
    seen = np.zeros(size, dtype=np.bool_)
    for long, numbers in zip(longs, same, strict=True):
        seen[numbers[~_hidden(protected, long, value[numbers], decimals)]] = True
    flags = _most(size, same, [_primary(long, document) for long in longs])
    share = _share(document, value * flags)
    return View(
        document=document,
        counts=counts,
        decimals=decimals,
        value=value,
        lpl=_sided(size, same, longs, "lpl", decimals, share),
        upl=_sided(size, same, longs, "upl", decimals, share),
        unknown=~seen,
        primary=flags > 0,
        owner=_owners(size, same, longs),
        row=row,
        cell=entry_cell,
        sign=sign,
        tables=tuple(longs),
        where=where,
    )


def _document(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        document = json.loads(files["spec.json"])
        named = document["hierarchies"].keys() and document["tables"].keys()
    except (KeyError, ValueError, AttributeError, TypeError, RecursionError):
        raise BadTables("spec.json is missing, not JSON, or lacks hierarchies and tables") from None
    if not named or not isinstance(document, dict):
        raise BadTables("spec.json names no table")
    return document


def _hidden(protected: Mapping[str, bytes], long: Long, value: Array, decimals: int) -> Mask:
    """(rows of the original,) what is hidden; a number left standing in a hidden row is published all the same."""
    text = read_text(protected, long.name, long.file)
    if (
        not {"suppressed", "value"} <= set(text.column_names)
        or not pc.all(pc.is_in(text.column("suppressed"), pa.array(["0", "1"]))).as_py()
    ):
        raise BadTables(f"{long.name}: its protected file needs value, and suppressed 0 or 1")
    place = places(long, text)
    if len(place) != len(value):
        raise BadTables(f"{long.name}: its protected file has other rows")
    flag = pc.equal(text.column("suppressed"), "1").to_numpy() & ~pc.match_substring_regex(text.column("value"), DIGITS).to_numpy()
    shown = units(text.filter(pa.array(~flag)), long.name, "value", decimals)
    order, theirs = np.argsort(long.place), np.argsort(place)
    hidden = np.zeros(len(value), dtype=np.bool_)
    hidden[order] = flag[theirs]
    all_shown = np.zeros(len(place), dtype=np.int64)
    all_shown[~flag] = shown
    if (all_shown[theirs] != value[order])[~flag[theirs]].any():
        raise BadTables(f"{long.name}: its protected file publishes values that are not the original's")
    return hidden


def _primary(long: Long, document: Mapping[str, Any]) -> Array:
    if "primary" in long.text.column_names:
        return units(long.text, long.name, "primary", 0)
    if document.get("measure") != "count" or not isinstance(document.get("threshold"), int):
        raise BadTables(f"{long.name}: neither primary flags nor a threshold")
    value = units(long.text, long.name, "value", 0)
    people = units(long.text, long.name, "n_contrib", 0) if "n_contrib" in long.text.column_names else value
    small = (value > 0) & (np.minimum(value, people) < document["threshold"])
    zero_too = (value == 0) & (document.get("zeros") == "suppressible")
    return np.asarray(small | zero_too, dtype=np.int64)


def _most(size: int, same: Sequence[Array], columns: Sequence[Array]) -> Array:
    most = np.zeros(size, dtype=np.int64)
    for numbers, column in zip(same, columns, strict=True):
        np.maximum.at(most, numbers, column)
    return most


def _share(document: Mapping[str, Any], base: Array) -> Array:
    """The distance that p per cent of each primary value asks for (magnitudes only)."""
    percent = document.get("p_percent") if document.get("measure") != "count" else None
    return np.asarray(np.ceil(base * (float(percent or 0) / 100)), dtype=np.int64)


def _sided(size: int, same: Sequence[Array], longs: Sequence[Long], column: str, decimals: int, share: Array) -> Array:
    given = [column in long.text.column_names for long in longs]
    if not any(given):
        return share
    none = [np.zeros(len(numbers), dtype=np.int64) for numbers in same]
    return _most(
        size, same, [units(x.text, x.name, column, decimals) if has else zero for x, has, zero in zip(longs, given, none, strict=True)]
    )


def _owners(size: int, same: Sequence[Array], longs: Sequence[Long]) -> Array:
    """A number for the one contributor of each cell; a bare 1 says "one" without saying who, so each such cell has its own."""
    owner = np.full(size, -1, dtype=np.int64)
    texts = [x.text.column("single_contributor").to_pylist() if "single_contributor" in x.text.column_names else [] for x in longs]
    names = sorted({text for column in texts for text in column} - {"", "0"})
    for numbers, column in zip(same, texts, strict=True):
        for number, text in zip(numbers.tolist(), column, strict=False):
            if text not in {"", "0"}:
                owner[number] = number if names == ["1"] else names.index(text)
    return owner
