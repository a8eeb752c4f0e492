"""A protected table on a terminal: two of its dimensions, the others held at one category."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.table import Table as Grid
from rich.text import Text
from sqlalchemy.orm import Session

from agreements.periods import Period, months
from agreements.release import Release
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.releases.cells import axes
from exchange.releases.errors import BadProtected, BadRelease
from exchange.releases.protected import DECIMALS, HIDDEN, Figure, Shown, columns_of, with_figures
from exchange.releases.tables import EditionRow


def published_tables(release: Release, periods: Sequence[Period], files: Mapping[str, bytes]) -> list[Shown]:
    """The tables of an edition, read back from the Parquet files that are, or would be, published."""
    along = axes(release, periods)
    found = []
    for table in release.tables:
        mine = tuple(along[name] for name in table.dimensions)
        shape = tuple(len(axis.all_codes) for axis in mine)
        read = pq.read_table(io.BytesIO(files[f"{table.name}.parquet"]))
        counts = read.column("count")
        if len(counts) != int(np.prod(shape)):
            raise BadProtected(f"{table.name}: the file does not hold every cell of the table once.")
        hidden = counts.is_null().to_numpy().reshape(shape)
        shown = Shown(table, mine, counts.fill_null(0).to_numpy().reshape(shape), hidden)
        found.append(with_figures(shown, [_figure(read, value, ending, shape) for value, ending in columns_of(table)]))
    return found


def tables_of(session: Session, row: EditionRow) -> list[Shown]:
    """The tables of an edition as it was made, under the version that it was made under; none where its files are gone."""
    release = parsed(session.get_one(AgreementRow, row.agreement).canonical).release(row.release)
    files = {one.name: one.content for one in row.files}
    if release is None or not files:
        return []
    return published_tables(release, months(Period.parse(row.first_period), Period.parse(row.last_period)), files)


def _figure(read: pa.Table, value: str, ending: str, shape: tuple[int, ...]) -> Figure:
    column = read.column(f"{value}_{ending}")
    numbers = np.rint(column.fill_null(0).to_numpy() * 10 ** DECIMALS.get(ending, 0)).astype(np.int64)
    return Figure(value, ending, numbers.reshape(shape), column.is_null().to_numpy().reshape(shape))


def grid(shown: Shown, *, rows: str, columns: str, at: Mapping[str, str] | None = None) -> Grid:
    """Counts by ``rows`` and ``columns`` with their totals last, as people read them.

    Args:
        at: dimension name → code of the category at which the table is cut, for dimensions other than those two; its total where not given.
    Raises:
        BadRelease: the table has no such dimension or category.
    """
    fixed = dict(at or {})
    places: dict[str, int] = {axis.name: _place(shown, axis.name, fixed.pop(axis.name, None)) for axis in shown.along}
    if fixed or rows == columns or not {rows, columns} <= set(places):
        raise BadRelease(f"table {shown.table.name} has no such dimensions: {', '.join(places)} are its own.")
    axis_of = {axis.name: axis for axis in shown.along}
    across = [*range(1, len(axis_of[columns].all_labels)), 0]
    down = [*range(1, len(axis_of[rows].all_labels)), 0]
    cut = ", ".join(axis_of[name].all_labels[place] for name, place in places.items() if name not in {rows, columns})
    # Text, never markup: a label, and the marker itself, hold square brackets.
    found = Grid(title=Text(f"{shown.table.title}: {cut}" if cut else shown.table.title), caption=Text(f"{HIDDEN} = confidential"))
    found.add_column(Text(axis_of[rows].title))
    for place in across:
        found.add_column(Text(axis_of[columns].all_labels[place]), justify="right")
    for row in down:
        cells = [_cell(shown, {**places, rows: row, columns: column}) for column in across]
        found.add_row(Text(axis_of[rows].all_labels[row]), *cells, style="bold" if row == 0 else None)
    return found


def _place(shown: Shown, name: str, code: str | None) -> int:
    axis = next(axis for axis in shown.along if axis.name == name)
    if code is None:
        return 0
    if code not in axis.codes:
        raise BadRelease(f"table {shown.table.name}: {name} has no such category.")
    return axis.codes.index(code) + 1


def _cell(shown: Shown, places: Mapping[str, int]) -> Text:
    where = tuple(places[axis.name] for axis in shown.along)
    return Text(HIDDEN if shown.hidden[where] else f"{int(shown.counts[where]):,}")
