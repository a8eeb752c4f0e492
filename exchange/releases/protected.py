"""Protected tables read back: the only door through which counts reach what is published.

Nothing but the labels, the counts that may be shown and which cells are hidden gets through, so no published form can tell why a cell is hidden.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from agreements.periods import Period
from agreements.release import Release, Table
from agreements.worked_out import Show
from exchange.releases.cells import Axis, Counts, axes
from exchange.releases.errors import BadProtected

HIDDEN = "[c]"
"""The one marker of a confidential cell, hidden for whatever reason."""


LABELS = {
    "sum": "Sum",
    "mean": "Mean",
    "lower_quartile": "Lower quartile",
    "median": "Median",
    "upper_quartile": "Upper quartile",
}
"""What may be worked out of a value, by the end of its column's name, in the order shown."""

ENDINGS = {Show.SUM: ("sum",), Show.MEAN: ("mean",), Show.QUARTILES: ("lower_quartile", "median", "upper_quartile")}
DECIMALS = {"mean": 2}


@dataclass(frozen=True)
class Figure:
    """A column beside the counts of a protected table: one figure of a value. Arrays are laid out like the counts; a hidden number is 0 here and means nothing.

    `ending`: which figure it is, by ``LABELS``; `numbers`: whole, in units of the last of its decimals.
    """

    value: str
    ending: str
    numbers: Counts
    hidden: npt.NDArray[np.bool_]

    @property
    def name(self) -> str:
        """The name of its column."""
        return f"{self.value}_{self.ending}"

    @property
    def decimals(self) -> int:
        """With how many decimals it is written."""
        return DECIMALS.get(self.ending, 0)

    def values(self) -> list[int | float | None]:
        """Every cell's figure in the order of the table's cells, None where it is hidden."""
        unit = 10**self.decimals
        cells = zip(self.numbers.ravel().tolist(), self.hidden.ravel().tolist(), strict=True)
        return [None if hidden else number / unit if self.decimals else number for number, hidden in cells]

    def texts(self) -> list[str]:
        """The same as written, with the marker where it is hidden."""
        return [HIDDEN if value is None else f"{value:.{self.decimals}f}" for value in self.values()]


def columns_of(table: Table) -> list[tuple[str, str]]:
    """(value, ending) of every column of figures that a table has, in their order."""
    return [(value, ending) for value in table.of for show in Show if show in table.show for ending in ENDINGS[show]]


@dataclass(frozen=True)
class Shown:
    """One protected table. `counts` and `hidden` have one dimension an axis, totals at place 0; a hidden cell's count is 0 here and means nothing.

    `figures`: what stands beside the counts; a figure is hidden wherever its count is.
    """

    table: Table
    along: tuple[Axis, ...]
    counts: Counts
    hidden: npt.NDArray[np.bool_]
    figures: tuple[Figure, ...] = ()

    def labels(self) -> list[list[str]]:
        """For each dimension the label of every cell, in the order all published forms share: C order of the axes, totals first."""
        places = np.indices(self.counts.shape).reshape(self.counts.ndim, -1).tolist()
        return [[axis.all_labels[place] for place in column] for axis, column in zip(self.along, places, strict=True)]

    def values(self) -> list[int | None]:
        """Every cell's count in the same order, None where it is hidden."""
        return [None if hidden else count for count, hidden in zip(self.counts.ravel().tolist(), self.hidden.ravel().tolist(), strict=True)]


def read_protected(
    release: Release, periods: Sequence[Period], files: Mapping[str, bytes], figures: Mapping[str, Sequence[Figure]] | None = None
) -> dict[str, Shown]:
    """Every table of the release from the engine's protected files, by name, with what stands beside its counts.

    Raises:
        BadProtected: a table is missing, has other columns, lacks or repeats a cell, or a cell is neither shown nor hidden; a figure is missing, or
            shown where its count is not.
    """
    along, beside = axes(release, periods), figures or {}
    found = {table.name: _read(table, tuple(along[name] for name in table.dimensions), files) for table in release.tables}
    return {name: with_figures(shown, beside.get(name, ())) for name, shown in found.items()}


def with_figures(shown: Shown, figures: Sequence[Figure]) -> Shown:
    """The table with its figures; BadProtected unless they are those that it says, each hidden where its count is."""
    if [(one.value, one.ending) for one in figures] != columns_of(shown.table):
        raise BadProtected(f"{shown.table.name}: its figures are not those that the release asks for.")
    for one in figures:
        if one.numbers.shape != shown.counts.shape or one.hidden.shape != shown.counts.shape or bool((shown.hidden & ~one.hidden).any()):
            raise BadProtected(f"{shown.table.name}: {one.name} is not hidden wherever the count is.")
    return replace(shown, figures=tuple(replace(one, numbers=np.where(one.hidden, 0, one.numbers)) for one in figures))


def _read(table: Table, along: tuple[Axis, ...], files: Mapping[str, bytes]) -> Shown:
    columns = _columns(table, files)
    shape = tuple(len(axis.all_codes) for axis in along)
    position = np.zeros(columns.num_rows, dtype=np.int64)
    for axis, size in zip(along, shape, strict=True):
        place = pc.fill_null(pc.index_in(columns[axis.name], value_set=pa.array(axis.all_codes, pa.string())), -1).to_numpy()
        if (place < 0).any():
            raise BadProtected(f"{table.name}: {int((place < 0).sum())} cells of {axis.name} are under no category of the release.")
        position = position * size + place
    total = int(np.prod(shape))
    if len(position) != total or len(np.unique(position)) != total:
        raise BadProtected(f"{table.name}: every combination of categories, totals included, must stand there once.")
    counts, hidden = _cells(table, columns)
    order = np.argsort(position)
    return Shown(table, along, counts[order].reshape(shape), hidden[order].reshape(shape))


def _columns(table: Table, files: Mapping[str, bytes]) -> pa.Table:
    content = files.get(f"{table.name}.csv")
    if content is None:
        raise BadProtected(f"{table.name}: the table is missing.")
    wanted = [*table.dimensions, "value", "suppressed"]
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
    )
    try:
        found = pacsv.read_csv(pa.BufferReader(content), parse_options=pacsv.ParseOptions(newlines_in_values=True), convert_options=convert)
    except pa.ArrowInvalid:
        # Arrow's message quotes the row it stumbled over.
        raise BadProtected(f"{table.name}: not a CSV in UTF-8 with as many fields in every row.") from None
    if sorted(found.column_names) != sorted(wanted):
        raise BadProtected(f"{table.name}: the columns must be {', '.join(wanted)}.")
    return found


def _cells(table: Table, columns: pa.Table) -> tuple[Counts, npt.NDArray[np.bool_]]:
    flags, values = columns["suppressed"], columns["value"]
    hidden = np.asarray(pc.equal(flags, "1").to_numpy())
    shown = np.asarray(pc.equal(flags, "0").to_numpy())
    empty = np.asarray(pc.equal(values, "").to_numpy())
    whole = np.asarray(pc.match_substring_regex(values, "^[0-9]{1,15}$").to_numpy())
    if not ((hidden & empty) | (shown & whole)).all():
        raise BadProtected(f"{table.name}: every cell is either hidden and empty, or shown and a whole number.")
    return np.asarray(pc.if_else(pc.equal(values, ""), "0", values).cast(pa.int64()).to_numpy()), hidden


def cells_in(content: bytes, rest: Sequence[Axis]) -> tuple[Counts, npt.NDArray[np.bool_]]:
    """(cells,) values, 0 where hidden, and what is hidden, in C order of the axes: of one table of a series."""
    shape = tuple(len(axis.all_codes) for axis in rest)
    values, hidden = np.full(int(np.prod(shape)), -1, dtype=np.int64), np.zeros(int(np.prod(shape)), dtype=np.bool_)
    numbers = [{code: number for number, code in enumerate(axis.all_codes)} for axis in rest]
    for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
        place = int(np.ravel_multi_index(tuple(of[row[axis.name]] for of, axis in zip(numbers, rest, strict=True)), shape))
        hidden[place] = row["suppressed"] == "1"
        values[place] = 0 if hidden[place] else int(row["value"])
    if (values < 0).any():
        raise BadProtected("a table of the series does not hold every cell once")
    return values, hidden
