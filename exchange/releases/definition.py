"""From a release definition to Ibis expressions: which row is a unit, which outcome is its own, which cell it falls in.

Columns are named ``dataset.field`` until the dimensions are made, so no name can mean two things.
"""

from collections.abc import Sequence
from typing import Any

import ibis

from agreements.fields import PseudonymiseRule
from agreements.model import Agreement
from agreements.periods import Period
from agreements.perturbation import unit_kind
from agreements.release import Release
from agreements.sources import fields_read
from exchange.releases import reading
from exchange.releases.deriving import column
from exchange.releases.errors import BadRelease
from exchange.releases.matching import matched
from exchange.releases.reading import (
    agreed,
    base_rows,
    first_of_repeated,
    inside,
    linkage_used,
    relation,
    union,
    unit_keys,
    used_dimensions,
)

Relations = reading.Relations
"""(dataset, supplier) → its rows, all of them: outcomes may lie in later months than the crimes."""

COUNT = "count of units"  # no dimension can be called so: names hold no spaces
VALUE, UPPER, LOWER, KEYLESS = (
    "value of pseudonym",
    "upper half of record keys",
    "lower half of record keys",
    "count of units without record key",
)
CHOICE, SUPPLIER, ROWS, ALONE = "choice of fields", "place of supplier", "count of rows", "count of rows alone"


def cell_counts(
    release: Release,
    agreement: Agreement,
    relations: Relations,
    periods: Sequence[Period],
    *,
    repeated: bool = True,
    keys: ibis.Table | None = None,
) -> ibis.Table:
    """How many units each supplier of the base has in each combination of all used dimensions that occurs: rows are read once, tables are sums.

    Columns: the dimensions that some table uses, ``COUNT``, and the place of the supplier whose base rows they are (``SUPPLIER``).

    A unit is a row of the base whose period field lies in one of ``periods``, whose ``present`` fields are all there, and of which ``where`` holds. Where
    some of those present are pseudonyms, they say which thing the row is about: what one supplier names twice in one period is one unit, and of its rows
    the one that comes first by the values of the fields used counts. ``repeated=False`` leaves that step out, for callers who know that nothing repeats.

    ``keys``: of every pseudonym of a unit (``VALUE``) the upper and the lower half of its record key (``UPPER``, ``LOWER``: 16 bits each, so that sums are
    exact). Then the answer has columns of these names, the sums over the units, and ``KEYLESS``, how many units have no key.

    Raises:
        BadRelation: a dataset of some supplier is missing, or lacks a field.
        BadRelease: the definition reads one dataset twice, or has units that must be looked at one by one (:func:`exchange.releases.joining.row_units`).
    """
    check_once(release)
    if release.cohort or any(lookup.across for lookup in release.lookups) or linkage_used(release, agreement):
        raise BadRelease(f"release {release.name}: its units rest on rows of several suppliers, and are looked at one by one.")
    used = used_dimensions(release)
    told = [name for name in used if release.dimension(name).source != "supplier"]
    parts = []
    for place, supplier in enumerate(agreed(agreement, release.base).suppliers):
        rows = base_rows(release, agreement, relations, periods, supplier)
        if repeated:
            rows = first_of_repeated(release, agreement, rows)
        for lookup in release.lookups:
            rows = matched(release, agreement, rows, lookup, relations, bits={supplier: 1})
        # Counted by itself, each supplier is a column less to group by, and a smaller group-by.
        if keys is not None:
            rows = rows.left_join(keys, rows[_unit_field(release, agreement)] == keys[VALUE]).drop(VALUE)
        units, sums = _dimensions(release, rows, told, keyed=keys is not None), _sums(keyed=keys is not None)
        counted = (units.group_by(told) if told else units).aggregate(**sums)
        columns = {name: counted[name] if name in told else ibis.literal(supplier) for name in used}
        parts.append(counted.select(**columns, **{name: counted[name] for name in sums}, **{SUPPLIER: ibis.literal(place)}))
    return union(parts)


def surplus(release: Release, agreement: Agreement, relations: Relations, periods: Sequence[Period]) -> ibis.Table | None:
    """One row, one column: how many base rows repeat a unit. None where nothing says which thing a row is about."""
    keys = unit_keys(release, agreement)
    if not keys:
        return None
    parts = []
    for supplier in agreed(agreement, release.base).suppliers:
        groups = base_rows(release, agreement, relations, periods, supplier).group_by(keys).aggregate(rows=ibis._.count())
        parts.append(groups.filter(ibis._["rows"] > 1).aggregate(**{COUNT: (ibis._["rows"] - 1).sum()}))
    return union(parts).aggregate(**{COUNT: ibis._[COUNT].sum()})


def pseudonyms(release: Release, agreement: Agreement, relations: Relations, periods: Sequence[Period]) -> ibis.Table:
    """One column, ``VALUE``: every pseudonym that a unit has, each once. BadRelease unless a unit has one."""
    name = _unit_field(release, agreement)
    suppliers = agreed(agreement, release.base).suppliers
    return union([base_rows(release, agreement, relations, periods, one).select(**{VALUE: ibis._[name]}) for one in suppliers]).distinct()


def _unit_field(release: Release, agreement: Agreement) -> str:
    found = unit_kind(agreement, release)
    if found is None:
        raise BadRelease(
            f"release {release.name}: perturbation needs one pseudonym of {release.base} that is present in every row it counts."
        )
    return f"{release.base}.{found[0]}"


def _sums(*, keyed: bool) -> dict[str, Any]:
    if not keyed:
        return {COUNT: ibis._.count()}
    # As whole numbers they would come back as 128 bits: see _total.
    halves = {name: ibis._[name].cast("float64").sum().fill_null(0).cast("int64") for name in (UPPER, LOWER)}
    return {COUNT: ibis._.count(), **halves, KEYLESS: ibis._.count(where=ibis._[UPPER].isnull())}


def kept_fields(agreement: Agreement, dataset: str) -> tuple[str, ...]:
    """Names of a dataset's fields that say something by their value: all but pseudonyms, in the agreement's order."""
    return tuple(field.name for field in agreed(agreement, dataset).fields if not isinstance(field.rule, PseudonymiseRule))


def fields_needed(release: Release, agreement: Agreement, dataset: str) -> frozenset[str]:
    """Names of every field of a dataset without which the release could not be made: read, matched on, chosen by, or its period."""
    held = {field.name for field in agreed(agreement, dataset).fields}
    return fields_read(agreement, release, dataset) & held


def alone(
    agreement: Agreement, relations: Relations, periods: Sequence[Period], dataset: str, choices: Sequence[Sequence[str]]
) -> ibis.Table:
    """One row a choice of fields (its place among ``choices``, of which the first holds all others) and supplier (its place): how many rows the
    supplier has in the periods, and how many of them are its only one with their values in those fields, absent being a value. Rows are read once.
    """
    mine = agreed(agreement, dataset)
    parts = []
    for place, supplier in enumerate(mine.suppliers):
        rows = relation(relations, dataset, supplier, list(dict.fromkeys((mine.period_field, *choices[0]))))
        rows = rows.filter(inside(rows[f"{dataset}.{mine.period_field}"], periods)).mutate(**{SUPPLIER: ibis.literal(place)})
        parts.append(rows.group_by([SUPPLIER, *_named(dataset, choices[0])]).aggregate(**{COUNT: ibis._.count()}))
    groups = union(parts)
    found = []
    for number, choice in enumerate(choices):
        merged = groups.group_by([SUPPLIER, *_named(dataset, choice)]).aggregate(**{COUNT: _total()})
        counts = {ROWS: _total(), ALONE: ibis._.count(where=ibis._[COUNT] == 1)}
        found.append(merged.group_by(SUPPLIER).aggregate(**counts).mutate(**{CHOICE: ibis.literal(number)}))
    return union(found)


def in_periods(
    agreement: Agreement, relations: Relations, periods: Sequence[Period], dataset: str, supplier: str, fields: Sequence[str]
) -> ibis.Table:
    """A supplier's rows of a dataset that lie in the periods: these fields and the period field, each under ``dataset.field``, and the rows' numbers

    where the engine has numbered them.
    """
    period_field = agreed(agreement, dataset).period_field
    rows = relation(relations, dataset, supplier, list(dict.fromkeys((period_field, *fields))), places=True)
    return rows.filter(inside(rows[f"{dataset}.{period_field}"], periods))


def _named(dataset: str, fields: Sequence[str]) -> list[str]:
    return [f"{dataset}.{name}" for name in fields]


def _total() -> Any:
    # The engine sums whole numbers into 128 bits, which come back as bytes; doubles are exact up to 2^53.
    return ibis._[COUNT].cast("float64").sum().cast("int64")


def check_once(release: Release) -> None:
    """BadRelease where one dataset is read twice: its columns would be called alike."""
    if len(set(release.datasets)) < len(release.datasets):
        raise BadRelease(f"release {release.name}: a dataset is read twice; look each dataset up once.")


def _dimensions(release: Release, rows: ibis.Table, names: Sequence[str], *, keyed: bool) -> ibis.Table:
    # Where the supplier is the only dimension, rows are counted all the same.
    halves = {name: rows[name] for name in (UPPER, LOWER) if keyed}
    return rows.select(**{name: column(release, rows, release.dimension(name).source) for name in names}, **halves) if names else rows
