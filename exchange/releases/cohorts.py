"""Units of a cohort: linked people, once a window, from their first entry there, with what came before and after.

The rows of use are read once and held in the engine's memory; the rest is put together there, and nothing depends on the order of rows.
"""

from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pyarrow as pa

from agreements.cohort import ATTRIBUTES, EVENTS
from agreements.linkage import Linkage
from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from exchange.releases.cells import Counts, axes, places_of
from exchange.releases.cohorts_beside import BY, COUNT, SAYS, happened, said_at_entry
from exchange.releases.cohorts_rows import FIRST, SUPPLIER, UNIT, entries, gathered, suppliers_of
from exchange.releases.deriving import column, number_of, times
from exchange.releases.engine import Engine
from exchange.releases.errors import BadRelease
from exchange.releases.linking import PERSON, Override
from exchange.releases.persons import PersonOf, persons
from exchange.releases.reading import Relations, union, used_dimensions
from exchange.releases.units import ABSENT, Units, require_few
from exchange.releases.windows import windows

NAMED = "who has named the person"


def cohort_units(
    engine: Engine, release: Release, agreement: Agreement, known: Relations, periods: Sequence[Period], said: Sequence[Override] = ()
) -> Units:
    """Every person of a cohort, once for each window of ``periods`` in which they have an entry.

    Whoever sent a row of the person, among all that were read, has named the unit; whoever sent the row of its first entry has sent it.

    Args:
        known: (dataset, supplier) → its agreed fields, registered in the engine: what lies in :func:`exchange.releases.windows.reading`.
        said: what named persons said of the linkage.
    Raises:
        BadRelease: the definition cannot be run; BadRelation: rows are not there; OutsideCategories; EngineError.
    """
    linkage = _linkage(release, agreement)
    covered, suppliers = windows(release, periods), suppliers_of(release, agreement)
    require_few(release.name, suppliers)
    people = persons(engine, agreement, linkage, known, release.datasets, said)
    try:
        rows = gathered(engine, release, agreement, known, people.of, covered)
        units = _units(engine, release, rows, entries(engine, release, rows, covered), _named(people.of, suppliers))
        wanted = _wanted(release, units)
    except ibis.common.exceptions.IbisError as error:
        raise BadRelease(f"release {release.name}: its fields do not suit what it asks of them ({type(error).__name__}).") from None
    made = engine.run(wanted)
    places = places_of(axes(release, periods), made.select(used_dimensions(release)), np.ones(made.num_rows, dtype=np.int64))
    values = {value.name: _numbers(made.column(_value(value.name))) for value in release.values}
    named, sent = _numbers(made.column(NAMED)), _numbers(made.column(SUPPLIER))
    evidence = {one: _numbers(made.column(_by(*one))) for one in _beside(release)}
    # Numbers of people follow the order of rows: units are put in an order of their own.
    order = np.lexsort([*places.values(), *values.values(), named, sent, *evidence.values()][::-1])
    return Units(
        {name: place[order] for name, place in places.items()},
        {name: value[order] for name, value in values.items()},
        suppliers,
        named[order],
        sent[order],
        {one: who[order] for one, who in evidence.items()},
        people.report,
    )


def _linkage(release: Release, agreement: Agreement) -> Linkage:
    found = agreement.linkage(release.base)
    if found is None:
        raise BadRelease(f"{agreement.clause('linkages')}: there is no linkage {release.base}.")
    return found


def _named(people: PersonOf, suppliers: Sequence[str]) -> ibis.Table:
    """PERSON and NAMED: a bit for each supplier that has a row of the person."""
    bits = {supplier: ibis.literal(1 << place, "int64") for place, supplier in enumerate(suppliers)}
    parts = [of.select(PERSON, **{NAMED: bits[supplier]}) for (_, supplier), of in people.items()]
    every = union(parts)
    return every.group_by(PERSON).aggregate(**{NAMED: every[NAMED].bit_or()})


def _units(engine: Engine, release: Release, rows: Mapping[str, ibis.Table], entered: ibis.Table, named: ibis.Table) -> ibis.Table:
    """One row a unit, in memory, with everything that a dimension or value may be made from under its name.

    Each event and attribute is asked for by itself: a definition may have dozens, and one expression of them all would be too deep to compile.
    """
    cohort = release.cohort
    if cohort is None:
        raise BadRelease(f"release {release.name}: it counts no cohort.")
    first = entered.filter(entered[FIRST] == 0)
    units = engine.run(first.inner_join(named, PERSON).order_by(UNIT))
    for event in cohort.events:
        found = engine.run(happened(entered, rows[event.dataset], event))
        counts = np.zeros(len(units), dtype=np.int64)
        counts[_numbers(found.column(UNIT))] = _numbers(found.column(COUNT))
        units = units.append_column(times(event.name), pa.array(counts))
        units = units.append_column(f"{EVENTS}.{event.name}", pa.array(np.where(counts > 0, "true", "false"), pa.string()))
        units = units.append_column(_by(EVENTS, event.name), _who(found, len(units)))
    for one in cohort.attributes:
        found = engine.run(said_at_entry(entered, rows[one.dataset], one))
        place = np.full(len(units), found.num_rows, dtype=np.int64)
        place[_numbers(found.column(UNIT))] = np.arange(found.num_rows)
        words = pa.concat_arrays([*found.column(SAYS).chunks, pa.array([one.otherwise], pa.string())])
        units = units.append_column(f"{ATTRIBUTES}.{one.name}", words.take(pa.array(place)))
        units = units.append_column(_by(ATTRIBUTES, one.name), _who(found, len(units)))
    return engine.register(units)


def _wanted(release: Release, units: ibis.Table) -> ibis.Table:
    """The dimensions that some table uses, the values, and by whom."""
    of = {name: column(release, units, release.dimension(name).source) for name in used_dimensions(release)}
    numbers = {_value(value.name): number_of(release, units, value).fill_null(ABSENT) for value in release.values}
    by = [_by(*one) for one in _beside(release)]
    return units.select(*by, **of, **numbers, **{NAMED: units[NAMED], SUPPLIER: units[SUPPLIER]})


def _beside(release: Release) -> list[tuple[str, str]]:
    """Every event and attribute, as ``Units.evidence`` names it."""
    cohort = release.cohort
    return [(EVENTS, one.name) for one in cohort.events] + [(ATTRIBUTES, one.name) for one in cohort.attributes] if cohort else []


def _by(kind: str, name: str) -> str:
    """The column that says who sent what an event or attribute rests on."""
    return f"by {kind} {name}"


def _who(found: pa.Table, units: int) -> pa.Array:
    """(units,) a bit for each supplier of the rows found; 0 for units of which there are none."""
    who = np.zeros(units, dtype=np.int64)
    who[_numbers(found.column(UNIT))] = _numbers(found.column(BY))
    return pa.array(who)


def _value(name: str) -> str:
    """The column of a value, which no dimension is called."""
    return f"number {name}"


def _numbers(column: pa.ChunkedArray) -> Counts:
    return np.asarray(column.to_numpy().astype(np.int64))
