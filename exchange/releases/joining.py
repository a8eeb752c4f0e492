"""The units of a release that joins rows across suppliers, or works a number out of each: one row of the base each, with all that its tables need.

Rows are joined and chosen inside the engine; what comes out is a place in every dimension, numbers, and who has named the unit.
"""

import operator
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from agreements.sources import SUPPLIER as SENDER
from exchange.releases.buckets import divided_by, in_buckets, together
from exchange.releases.cells import Counts, axes, places_of
from exchange.releases.definition import COUNT, SUPPLIER, Relations, check_once, surplus
from exchange.releases.deriving import column, found, number_of
from exchange.releases.engine import Engine
from exchange.releases.errors import BadRelease
from exchange.releases.matching import SENT, matched
from exchange.releases.persons import PersonOf
from exchange.releases.reading import agreed, base_rows, first_of_repeated, linkage_used, union, used_dimensions
from exchange.releases.units import ABSENT, Units, require_few

NAMED, VALUE = "bits of suppliers", "value"


def row_units(
    engine: Engine,
    release: Release,
    agreement: Agreement,
    known: Relations,
    periods: Sequence[Period],
    *,
    people: PersonOf | None = None,
) -> Units:
    """Every unit of a release whose base is a dataset: its rows that :func:`exchange.releases.definition.cell_counts` would count, each once.

    What a supplier names twice in one period is one unit. The suppliers are those of the base and of every lookup across suppliers, in that order.

    Args:
        known: (dataset, supplier) → its rows as registered, all that were read, for every supplier whose rows count or may match.
        people: of every dataset that is matched by the person, on either side; None where none is.
    Raises:
        BadRelation: a dataset of some supplier is missing, lacks a field, or was not linked.
        BadRelease: the definition does not suit its fields, reads one dataset twice, or has more suppliers than can be told apart.
        OutsideCategories, EngineError.
    """
    check_once(release)
    if linkage_used(release, agreement) and people is None:
        raise BadRelease(f"release {release.name}: its lookups ask for the same person, and nobody was linked.")
    suppliers = _suppliers(release, agreement)

    def joined(some: Relations) -> pa.Table:
        repeats = surplus(release, agreement, some, periods)
        repeated = repeats is not None and bool(engine.run(repeats).column(COUNT)[0].as_py())
        return engine.run(_told(release, _joined(release, agreement, some, periods, suppliers, people, repeated=repeated)))

    try:
        # People are told by the places of rows in their relation, and parts of relations have other places.
        rows = together(in_buckets(engine, known, {} if people else divided_by(release, agreement), joined))
    except ibis.common.exceptions.IbisError as error:
        raise BadRelease(f"release {release.name}: its fields do not suit what it asks of them ({type(error).__name__}).") from None
    return _units(release, periods, suppliers, rows)


def _suppliers(release: Release, agreement: Agreement) -> tuple[str, ...]:
    """Who may name a unit: the base's suppliers, then those of each lookup across suppliers, each once."""
    reached = [release.base, *(lookup.dataset for lookup in release.lookups if lookup.across)]
    names = tuple(dict.fromkeys(supplier for name in reached for supplier in agreed(agreement, name).suppliers))
    require_few(release.name, names)
    return names


def _joined(
    release: Release,
    agreement: Agreement,
    known: Relations,
    periods: Sequence[Period],
    suppliers: Sequence[str],
    people: PersonOf | None,
    *,
    repeated: bool,
) -> ibis.Table:
    """Every unit with the row of each lookup, and who sent it: a place, a bit, and a name."""
    bits = {supplier: 1 << place for place, supplier in enumerate(suppliers)}
    mine = agreed(agreement, release.base).suppliers
    parts = []
    for supplier in mine:
        rows = base_rows(release, agreement, known, periods, supplier, people)
        rows = first_of_repeated(release, agreement, rows) if repeated else rows
        place, bit = (ibis.literal(number, "int64") for number in (suppliers.index(supplier), bits[supplier]))
        parts.append(rows.mutate(**{SUPPLIER: place, SENT: bit, SENDER: ibis.literal(supplier)}))
    rows = union(parts)
    for lookup in release.lookups:
        reached = agreed(agreement, lookup.dataset).suppliers if lookup.across else mine
        rows = matched(release, agreement, rows, lookup, known, bits={one: bits[one] for one in reached}, people=people)
    return rows


def _told(release: Release, rows: ibis.Table) -> ibis.Table:
    """One row a unit: its dimensions by name, its values, and who sent and who has named it."""
    numbers = {value.name: number_of(release, rows, value) for value in release.values}
    others = [rows[found(lookup.dataset)].fill_null(0) for lookup in release.lookups]
    columns: dict[str, Any] = {name: column(release, rows, release.dimension(name).source) for name in used_dimensions(release)}
    columns |= {_value(name): ibis.coalesce(number, ibis.literal(ABSENT, "int64")) for name, number in numbers.items()}
    columns |= {found(lookup.dataset): other for lookup, other in zip(release.lookups, others, strict=True)}
    return rows.select(**columns, **{SUPPLIER: rows[SUPPLIER], NAMED: reduce(operator.or_, others, rows[SENT])})


def _value(name: str) -> str:
    # No dimension can be called so: names hold no spaces.
    return f"{VALUE} {name}"


def _units(release: Release, periods: Sequence[Period], suppliers: tuple[str, ...], rows: pa.Table) -> Units:
    used = used_dimensions(release)
    along: Mapping[str, Any] = {name: axis for name, axis in axes(release, periods).items() if name in used}
    return Units(
        places=places_of(along, rows, np.ones(rows.num_rows, dtype=np.int64)),
        values={value.name: _numbers(rows, _value(value.name)) for value in release.values},
        suppliers=suppliers,
        named=_numbers(rows, NAMED),
        sent=_numbers(rows, SUPPLIER),
        evidence={("found", one.dataset): _numbers(rows, found(one.dataset)) for one in release.lookups if one.across},
    )


def _numbers(rows: pa.Table, name: str) -> Counts:
    return np.asarray(rows.column(name).to_numpy(), dtype=np.int64)
