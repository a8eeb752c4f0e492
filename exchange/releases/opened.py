"""A published table opened again, from its published files alone: what the spreadsheet, the feed and the pages show can be nothing else.

The Parquet file has the rows and says what the table is; the CSVW beside the CSV says what its columns are called. Figures are whatever stands
beside the dimensions: ``count``, and where a release has values their sums, means and quartiles, each with its ``<column>_marker``.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from exchange.releases.errors import BadProtected
from exchange.releases.tables import EditionRow

MARKER = "_marker"


@dataclass(frozen=True)
class Column:
    """One column of a table: its name for machines, its title and what it says for people."""

    name: str
    title: str
    says: str


@dataclass(frozen=True)
class Opened:
    """One published table.

    Attributes:
        told: what every published form says of it (``exchange.releases.csvw.about``).
        data: one row a cell in the published order, totals first; a figure that is hidden is null, and ``<figure>_marker`` says why.
    """

    name: str
    told: Mapping[str, Any]
    dimensions: tuple[Column, ...]
    figures: tuple[Column, ...]
    data: pa.Table

    @property
    def title(self) -> str:
        """What the table is called."""
        return str(self.told["title"])

    @property
    def markers(self) -> Mapping[str, str]:
        """Every marker that may stand in it, with what it means."""
        found: Mapping[str, str] = self.told["markers"]
        return found

    @cached_property
    def labels(self) -> dict[str, list[str]]:
        """Of each dimension its labels in the published order, the total's first."""
        return {one.name: self.data.column(one.name).unique().to_pylist() for one in self.dimensions}

    def shown(self, figure: str, rows: Sequence[int] | None = None) -> list[int | float | str | None]:
        """A figure's values, all or of these rows: numbers, or the marker in place of one."""
        numbers, markers = self.data.column(figure), self.data.column(figure + MARKER)
        if rows is not None:
            numbers, markers = numbers.take(pa.array(rows, pa.int64())), markers.take(pa.array(rows, pa.int64()))
        return [marker if marker is not None else number for number, marker in zip(numbers.to_pylist(), markers.to_pylist(), strict=True)]


def open_tables(row: EditionRow) -> dict[str, Opened]:
    """Every table of an edition by name, in the order of names. The edition's files are read from the database."""
    return open_files({one.name: one.content for one in row.files})


def open_files(files: Mapping[str, bytes]) -> dict[str, Opened]:
    """The same from an edition's files by their names.

    Raises:
        BadProtected: a file does not say of its columns what every published file says.
    """
    names = sorted(name.removesuffix(".parquet") for name in files if name.endswith(".parquet"))
    return {name: _open(name, files[f"{name}.parquet"], files[f"{name}.csv-metadata.json"]) for name in names}


def _open(name: str, rows: bytes, described: bytes) -> Opened:
    return _opened(name, hashlib.sha256(rows + described).hexdigest(), _Once(rows, described))


@dataclass(frozen=True, eq=False)
class _Once:
    """Bytes that stand for themselves: the cache goes by their digest, which is its other key."""

    rows: bytes
    described: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=16)
def _opened(name: str, _digest: str, files: _Once) -> Opened:
    data = pq.read_table(pa.BufferReader(files.rows))
    told = json.loads((data.schema.metadata or {}).get(b"about", b"null"))
    columns = {one["name"]: one for one in json.loads(files.described)["tableSchema"]["columns"]}
    figures = [one for one in data.column_names if one + MARKER in data.column_names]
    dimensions = [one for one in data.column_names if one not in figures and not one.endswith(MARKER)]
    if not isinstance(told, dict) or not {*figures, *dimensions} <= set(columns):
        raise BadProtected(f"table {name}: its published files do not describe its columns.")

    def column(one: str) -> Column:
        return Column(one, str(columns[one]["dc:title"]), str(columns[one]["dc:description"]))

    return Opened(name, told, tuple(map(column, dimensions)), tuple(map(column, figures)), data)
