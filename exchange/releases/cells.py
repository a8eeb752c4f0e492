"""Cells of published tables: the categories of each dimension, and counts over their complete product with all totals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agreements.periods import Period, PeriodKind, months
from agreements.release import Dimension, Release
from exchange.releases.errors import BadRelease, OutsideCategories
from exchange.releases.windows import windows

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_CELLS = 2_000_000
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # all but the line feed, which agreements admit and quoting carries
_OF_SETS = {
    "value",
    "primary",
    "lpl",
    "upl",
    "n_contrib",
    "single_contributor",
    "forced",
    "suppressed",
    "cost",
    "changed",
    "supplier",
    "record_key_sum",
}
TAKEN = _OF_SETS | {"count", "count_marker"}
"""Column names with a meaning of their own in table sets or in what is published."""


@dataclass(frozen=True)
class Axis:
    """One dimension with its categories. Place 0 is the total, place i the i-th category; every table is laid out so.

    `codes`: as held; `labels`: as shown; `total`: the label shown for all of them together; `root`: the code of the total in table sets.
    """

    name: str
    title: str
    codes: tuple[str, ...]
    labels: tuple[str, ...]
    total: str

    @cached_property
    def root(self) -> str:
        """A code that is no category's."""
        root = "Total"
        while root in self.codes:
            root += "*"
        return root

    @property
    def all_codes(self) -> tuple[str, ...]:
        """The root's code, then the categories'."""
        return (self.root, *self.codes)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The total's label, then the categories'."""
        return (self.total, *self.labels)


def axes(release: Release, periods: Sequence[Period]) -> dict[str, Axis]:
    """Every dimension's axis, by name. The period dimension has the months of ``periods``, or the windows
    of a cohort, in order, each once.

    Raises:
        BadRelease: two categories of a dimension would look alike, a column name has another meaning, or a table would be too large.
    """
    found = {dimension.name: _axis(release, dimension, periods) for dimension in release.dimensions}
    for table in release.tables:
        size = 1
        for name in table.dimensions:
            size *= len(found[name].codes) + 1
        if size > MOST_CELLS:
            raise BadRelease(f"table {table.name}: {size:,} cells; the most is {MOST_CELLS:,}.")
    return found


def _axis(release: Release, dimension: Dimension, periods: Sequence[Period]) -> Axis:
    categories = dimension.categories
    if dimension.name == release.period_dimension:
        named = [window.name for window in windows(release, periods)] if release.cohort else _months(periods)
        categories = tuple((name, name) for name in named)
    codes, labels = tuple(code for code, _ in categories), tuple(label for _, label in categories)
    axis = Axis(dimension.name, dimension.title, codes, labels, dimension.total)
    if dimension.name in TAKEN:
        raise BadRelease(f"dimension {dimension.name}: the name has another meaning in published tables.")
    if not codes or len(set(codes)) < len(codes) or len(set(axis.all_labels)) < len(axis.all_labels):
        raise BadRelease(f"dimension {dimension.name}: needs categories, and no two of them, nor one and the total, may be shown alike.")
    if any(_CONTROL.search(text) for text in (*codes, *axis.all_labels)):
        raise BadRelease(
            f"dimension {dimension.name}: a category or label holds a control character, which readers of CSV take in different ways."
        )
    return axis


def _months(periods: Sequence[Period]) -> list[str]:
    if not periods or any(period.kind is PeriodKind.DAY for period in periods):
        raise BadRelease("an edition covers one or more whole months, quarters or years.")
    return sorted({month.name for period in periods for month in months(period, period)})


def cubes(release: Release, axes_of: Mapping[str, Axis], counted: pa.Table, count: str) -> dict[str, Counts]:
    """For each table its counts, one dimension of the array an axis, totals at place 0.

    Args:
        counted: one row a combination of dimension values, each under its dimension's name, and the column ``count``. A date stands for its month.
    Raises:
        OutsideCategories: some rows' value is no category, or is absent.
    """
    return parted(release, axes_of, counted, count, np.zeros(counted.num_rows, dtype=np.int64), 1)[0]


def parted(
    release: Release, axes_of: Mapping[str, Axis], counted: pa.Table, count: str, part: Counts, parts: int
) -> list[dict[str, Counts]]:
    """The same for each part by itself: ``part``: (rows,) from 0 to ``parts`` - 1.

    Raises:
        OutsideCategories: some rows' value is no category, or is absent, in whatever part.
    """
    units = counted.column(count).to_numpy().astype(np.int64)
    places = places_of(axes_of, counted, units)
    mine = [np.flatnonzero(part == number) for number in range(parts)]
    return [
        {
            table.name: _cube([axes_of[name] for name in table.dimensions], [places[name][rows] for name in table.dimensions], units[rows])
            for table in release.tables
        }
        for rows in mine
    ]


def places_of(axes_of: Mapping[str, Axis], rows: pa.Table, units: Counts) -> dict[str, Counts]:
    """Dimension → (rows,) place of each row among its categories, from 0, for the dimensions that are columns of ``rows``.

    Args:
        units: (rows,) how many units each row stands for.
    Raises:
        OutsideCategories: some rows' value is no category, or is absent.
    """
    places = {name: _places(axis, rows.column(name)) for name, axis in axes_of.items() if name in rows.column_names}
    outside = {name: int(units[place < 0].sum()) for name, place in places.items() if (place < 0).any()}
    if outside:
        raise OutsideCategories(outside)
    return places


def _places(axis: Axis, column: pa.ChunkedArray) -> Counts:
    """(rows,) place of each value among the categories, from 0; -1 where it is none of them."""
    if isinstance(column.type, pa.Bool8Type):  # how the engine returns yes and no; its categories are “true” and “false”
        column = column.cast(pa.int8()).cast(pa.bool_())
    # Few values, many rows: each value is put into words once.
    coded = column.combine_chunks().dictionary_encode()
    values = coded.dictionary
    text = pc.strftime(values, format="%Y-%m") if pa.types.is_date(values.type) else values.cast(pa.string())
    found = pc.fill_null(pc.index_in(text, value_set=pa.array(axis.codes, pa.string())), -1)
    if not len(found):
        return np.full(len(column), -1, dtype=np.int64)
    places = pc.fill_null(pc.take(found, coded.indices), -1)
    return np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int64)


def _cube(along: Sequence[Axis], places: Sequence[Counts], units: Counts) -> Counts:
    shape = tuple(len(axis.codes) for axis in along)
    inner = np.zeros(shape, dtype=np.int64)
    np.add.at(inner, tuple(places), units)
    return with_totals(inner)


def with_totals(inner: Counts) -> Counts:
    """Sums along every dimension, at place 0 of each."""
    for axis in range(inner.ndim):
        inner = np.concatenate([inner.sum(axis=axis, keepdims=True), inner], axis=axis)
    return np.asarray(inner)
