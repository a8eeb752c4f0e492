"""The rows that a cohort is made of: of each dataset those of linked people that are an entry, an event or an attribute of somebody, with little else."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from agreements.cohort import ENTRY, WINDOW, Attribute, Cohort, Event
from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from agreements.worked_out import Number, Where
from exchange.releases.deriving import NO
from exchange.releases.engine import Engine
from exchange.releases.errors import BadRelease
from exchange.releases.linking import PERSON
from exchange.releases.persons import PersonOf
from exchange.releases.reading import Relations, agreed, conditions, fields_used, person, relation, union
from exchange.releases.windows import before

SUPPLIER, KEY, DAY, PLACE, UNIT, FIRST = (
    "place of supplier",
    "key of row",
    "day of entry",
    "place of entry",
    "number of unit",
    "place among entries",
)
"""KEY tells every row from every other; UNIT is a person in a window; FIRST is 0 for the entry by which somebody counts. No field holds a space."""


@dataclass(frozen=True)
class Use:
    """One reason to read a row: ``flag`` is the column that says whether it holds, for the field ``on`` from ``first`` to ``last`` and ``where``."""

    flag: str
    dataset: str
    on: str
    where: Where
    first: date
    last: date
    fields: tuple[str, ...]


def flag(one: Event | Attribute) -> str:
    """The column that says whether a row may be this event or attribute of somebody."""
    return f"{'event' if isinstance(one, Event) else 'attribute'} {one.name}"


def bound(one: Event | Attribute) -> str:
    """The column of an entry that holds the furthest day, after or before, that counts for it."""
    return f"furthest {flag(one)}"


def proof(event: Event) -> str:
    """The column of an entry that holds the last day of proof."""
    return f"proof {event.name}"


def suppliers_of(release: Release, agreement: Agreement) -> tuple[str, ...]:
    """Everybody who may have sent a row that the release reads, in the order of its datasets."""
    return tuple(dict.fromkeys(supplier for name in release.datasets for supplier in agreed(agreement, name).suppliers))


def entry_fields(release: Release) -> tuple[str, ...]:
    """``dataset.field`` of what is asked of entries themselves: what events must differ in, and what values are made from.

    Raises:
        BadRelease: a value is asked of rows other than the one by which somebody came in.
    """
    cohort = _cohort(release)
    for value in release.values:
        datasets = {source.partition(".")[0] for source in value.sources}
        if value.number is not Number.EVENTS and (len(datasets) != 1 or not datasets <= set(cohort.entered)):
            raise BadRelease(
                f"values.{value.name}: a number of somebody in a cohort is of the row by which they came in, or how many events."
            )
    differs = (f"{event.dataset}.{name}" for event in cohort.events for name in event.differs if event.dataset in cohort.entered)
    used = (f"{dataset}.{name}" for dataset in cohort.entered for name in fields_used(release, dataset))
    return tuple(dict.fromkeys((*differs, *used)))


def gathered(
    engine: Engine, release: Release, agreement: Agreement, known: Relations, people: PersonOf, windows: Sequence[Period]
) -> dict[str, ibis.Table]:
    """Dataset → its rows of use, in memory: PERSON, SUPPLIER (place among :func:`suppliers_of`), KEY, flags of their uses, and fields as ``dataset.field``.

    Each relation is read once here. Dates and whole numbers stay what they are; all else is text.
    """
    uses = list(_uses(release, windows[0].start, windows[-1].end))
    order = {supplier: place for place, supplier in enumerate(suppliers_of(release, agreement))}
    found, rows = {}, 0
    for name in release.datasets:
        mine = [use for use in uses if use.dataset == name]
        parts = [_part(known, people, name, supplier, mine, order[supplier]) for supplier in agreed(agreement, name).suppliers]
        table = engine.run(union(parts))
        found[name] = engine.register(table.append_column(KEY, pa.array(np.arange(rows, rows + table.num_rows, dtype=np.int64))))
        rows += table.num_rows
    return found


def entries(engine: Engine, release: Release, rows: Mapping[str, ibis.Table], windows: Sequence[Period]) -> ibis.Table:
    """Every entry in a window, in memory: of whom (PERSON, UNIT), when (DAY, ``cohort.window``), by which (PLACE, ``cohort.entry``, KEY, SUPPLIER),

    the bounds of its events and attributes, and :func:`entry_fields`. Rows alike in all of that are told apart by KEY alone.
    """
    cohort, asked = _cohort(release), entry_fields(release)
    types = {name: rows[name.partition(".")[0]][name].type() for name in asked}
    parts = []
    for place, entry in enumerate(cohort.entries):
        table = rows[entry.dataset].filter(ibis._[f"entry {place}"] == 1)
        own = {name: table[name] if name in table.columns else ibis.null(types[name]) for name in asked}
        told = {DAY: table[f"{entry.dataset}.{entry.date}"], PLACE: ibis.literal(place), ENTRY: ibis.literal(entry.label)}
        parts.append(table.select(PERSON, SUPPLIER, KEY, **told, **own))
    days = engine.register(_days(cohort, windows)).rename({f"{DAY} of window": DAY})
    every = union(parts)
    inside = every.inner_join(days, every[DAY] == days[f"{DAY} of window"]).drop(f"{DAY} of window")
    # Entries of one day: the one named first, then by what is used of the row, and last by which row it is.
    order = [inside[name].asc(nulls_first=False) for name in (DAY, PLACE, SUPPLIER, *asked, KEY)]
    alike = [PERSON, WINDOW]
    unit, first = ibis.dense_rank().over(order_by=alike), ibis.row_number().over(group_by=alike, order_by=order)
    return engine.register(engine.run(inside.mutate(**{UNIT: unit, FIRST: first})))


def _cohort(release: Release) -> Cohort:
    if release.cohort is None:
        raise BadRelease(f"release {release.name}: it counts no cohort.")
    return release.cohort


def _uses(release: Release, first: date, last: date) -> Iterator[Use]:
    """Every use of a row, with the days between which it can be one for some entry from ``first`` to ``last``."""
    cohort, asked = _cohort(release), entry_fields(release)
    for place, entry in enumerate(cohort.entries):
        own = tuple(name.partition(".")[2] for name in asked if name.startswith(f"{entry.dataset}."))
        yield Use(f"entry {place}", entry.dataset, entry.date, entry.where, first, last, own)
    for event in cohort.events:
        since, until = (before(event.within, first), last) if event.before else (first, event.within.after(last))
        fields = (*event.differs, *([event.proven] if event.proven else []))
        yield Use(flag(event), event.dataset, event.date, event.where, since, until, fields)
    for one in cohort.attributes:
        fields = tuple(name for name in (one.field, one.since, one.until) if name)
        yield Use(flag(one), one.dataset, one.date, one.where, before(one.within, first), last, fields)


def _part(known: Relations, people: PersonOf, dataset: str, supplier: str, uses: Sequence[Use], place: int) -> ibis.Table:
    """One supplier's rows of use. Rows of nobody (no linking key) fall away."""
    kept = list(dict.fromkeys(name for use in uses for name in (use.on, *use.fields)))
    wanted = list(dict.fromkeys((*kept, *(name for use in uses for name, _ in use.where))))
    rows = relation(known, dataset, supplier, wanted, people)
    # What the engine returns as yes or no it does not take back: flags are numbers.
    rows = rows.mutate(**{use.flag: _of_use(rows, use).cast("int8") for use in uses})
    rows = rows.filter(rows[person(dataset)].notnull(), reduce(operator.or_, [rows[use.flag] == 1 for use in uses]))
    told = {PERSON: rows[person(dataset)], SUPPLIER: ibis.literal(place, "int32"), **{use.flag: rows[use.flag] for use in uses}}
    return rows.select(**told, **{f"{dataset}.{name}": _kept(rows[f"{dataset}.{name}"]) for name in kept})


def _of_use(rows: ibis.Table, use: Use) -> Any:
    day = rows[f"{use.dataset}.{use.on}"]
    if not day.type().is_date():
        raise BadRelease(f"dataset {use.dataset}: {use.on} is no date, and nothing can be counted from it.")
    inside = day.between(ibis.date(use.first), ibis.date(use.last)).fill_null(NO)
    return reduce(operator.and_, conditions(rows, use.dataset, use.where), inside)


def _kept(column: Any) -> Any:
    """A field as it is held in memory."""
    return column if column.type().is_date() or column.type().is_integer() else column.cast("string")


def _days(cohort: Cohort, windows: Sequence[Period]) -> pa.Table:
    """Every day of the windows: which window it lies in, and for an entry on it how far each event and attribute may lie off.

    Days are few: they are worked out as agreements say, and not again in the engine's arithmetic.
    """
    days = [
        (window.name, window.start + timedelta(days=number)) for window in windows for number in range((window.end - window.start).days + 1)
    ]
    columns: dict[str, Any] = {WINDOW: [name for name, _ in days], DAY: [day for _, day in days]}
    for event in cohort.events:
        columns[bound(event)] = [before(event.within, day) if event.before else event.within.after(day) for _, day in days]
        if event.proven and event.proven_within:
            columns[proof(event)] = [event.proven_within.after(day) for _, day in days]
    for one in cohort.attributes:
        columns[bound(one)] = [before(one.within, day) for _, day in days]
    return pa.table({name: pa.array(values, pa.string() if name == WINDOW else pa.date32()) for name, values in columns.items()})
