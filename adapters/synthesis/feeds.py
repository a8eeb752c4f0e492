"""A feed: one supplier's scheduled extract of one kind, month by month: which events its rows are, and how its columns are made."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from adapters.synthesis.calendar import first_day, month_of
from adapters.synthesis.frames import NEVER, Array, changes, size
from adapters.synthesis.recorded import Recorded
from adapters.synthesis.world import World

MOST_ROWS = 150_000  # made at a time, so that memory does not grow with the years
LATE = 0.06  # share of records entered late
_LATE_DAYS = 45.0
_TWICE = 0.002  # share of rows that an export repeats
Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Made:
    """Columns of some rows by source column name, as the source delivers them, and what is true of each row.

    Attributes:
        columns: text, dates and whole numbers; a column left out is empty.
        slips: bits of `recorded.SLIPS`.
    """

    columns: Columns
    slips: Array


@dataclass(frozen=True)
class Feed:
    """One supplier's extract.

    Attributes:
        supplier: party of the example agreements.
        adapter: name of the source.
        name: folder of the extract; the dataset where an adapter serves two.
        datasets: of the example agreements, that this extract serves.
        table: of the events its rows are.
        events: event numbers, ordered by month.
        months: the month each row is written in.
        person: whom each row is about; -1 for nobody.
        make: columns of rows, from event numbers and the last day of each row's month.
        twice: whether rows may be repeated.
    """

    supplier: str
    adapter: str
    name: str
    datasets: tuple[str, ...]
    table: str
    events: Array
    months: Array
    person: Array
    make: Callable[[Array, Array], Made] = field(repr=False)
    twice: bool = True


@dataclass(frozen=True)
class Month:
    """One extract as it is written: of a month, its rows, and what is true of them."""

    month: int
    made: Made
    events: Array
    person: Array
    again: Array


def of_day(world: World, table: str, day: str, where: Array | None = None, *, late: str = "") -> tuple[Array, Array]:
    """Events that happened on a day of the months written, ordered by day, and their months.

    Args:
        where: a mask over the table.
        late: names the luck by which records are entered late: what is not entered by the day of reading is in no extract.
    """
    frame = world.tables[table]
    when = frame[day]
    chosen = world.window.in_months(when) & (when < NEVER)
    if where is not None:
        chosen &= where
    rows = np.flatnonzero(chosen)
    if late:
        luck = world.streams.luck(f"late/{late}", rows)
        wait = np.where(luck < LATE, -_LATE_DAYS * np.log1p(-np.minimum(luck, LATE * 0.999) / LATE), 0)
        rows = rows[when[rows] + wait <= world.window.as_of]
    rows = rows[np.argsort(when[rows], kind="stable")]
    return rows, month_of(when[rows])


def standing(world: World, table: str, start: str, end: str, where: Array | None = None) -> tuple[Array, Array]:
    """Events in force at the end of each month written (once for each of these months), ordered by month, and the months."""
    frame = world.tables[table]
    rows = np.arange(size(frame)) if where is None else np.flatnonzero(where)
    found, months = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for month in world.window.months:
        last = int(first_day(month + 1)) - 1
        here = rows[(frame[start][rows] <= last) & (frame[end][rows] > last)]
        found.append(here)
        months.append(np.full(len(here), month, np.int32))
    return np.concatenate(found), np.concatenate(months)


def written(feed: Feed, world: World) -> Iterator[Month]:
    """The feed's months in order, an empty one where nothing happened; a few rows stand twice."""
    start = 0
    months = np.array(world.window.months)
    ends = np.searchsorted(feed.months, months, side="right")
    while start < len(months):
        low = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, low + MOST_ROWS, side="right")), start + 1)
        rows = np.arange(low, int(ends[stop - 1]))
        rows, again = _repeated(feed, world, rows)
        last_days = first_day(feed.months[rows] + 1) - 1
        made = feed.make(feed.events[rows], last_days)
        edges = np.searchsorted(feed.months[rows], months[start:stop], side="right")
        for place, month in enumerate(months[start:stop].tolist()):
            piece = slice(int(edges[place - 1]) if place else 0, int(edges[place]))
            yield Month(month, _piece(made, piece), feed.events[rows][piece], feed.person[rows][piece], again[piece])
        start = stop


def _repeated(feed: Feed, world: World, rows: Array) -> tuple[Array, Array]:
    if not feed.twice:
        return rows, np.zeros(len(rows), bool)
    luck = world.streams.luck(f"twice/{feed.supplier}/{feed.name}", rows)
    many = np.where(luck < _TWICE, 2, 1)
    twice = np.repeat(rows, many)
    return twice, ~changes(twice)


def _piece(made: Made, piece: slice) -> Made:
    columns = {name: column.slice(piece.start, piece.stop - piece.start) for name, column in made.columns.items()}
    return Made(columns, made.slips[piece])


def words(values: Array) -> pa.Array:
    """Text, with "" as null."""
    return pa.array(values, pa.string(), mask=np.asarray(values == "", bool))


def yes(flags: Array) -> pa.Array:
    """Y or N."""
    return pa.array(np.where(flags, "Y", "N").astype(object), pa.string())


def made(recorded: Recorded | None, columns: Mapping[str, pa.Array], rows: int) -> Made:
    """Columns of people and of the event together."""
    if recorded is None:
        return Made(dict(columns), np.zeros(rows, np.uint16))
    return Made({**recorded.columns, **columns}, recorded.slips)
