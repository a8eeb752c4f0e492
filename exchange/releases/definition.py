"""From a release definition to Ibis expressions: which row is a unit, which outcome is its own, which cell it falls in.

Columns are named ``dataset.field`` until the dimensions are made, so no name can mean two things.
"""

import operator
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import reduce
from typing import Any

import ibis

from agreements.fields import PseudonymiseRule
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.perturbation import unit_kind
from agreements.release import Derived, FirstOf, Lookup, Release
from exchange.releases.errors import BadRelation, BadRelease

Relations = Mapping[tuple[str, str], ibis.Table]
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

    A unit is a row of the base whose period field lies in one of ``periods`` and whose ``present`` fields are all there. Where some of those
    are pseudonyms, they say which thing the row is about: what one supplier names twice in one period is one unit, and of its rows the one that comes
    first by the values of the fields used counts. ``repeated=False`` leaves that step out, for callers who know that nothing repeats.

    ``keys``: of every pseudonym of a unit (``VALUE``) the upper and the lower half of its record key (``UPPER``, ``LOWER``: 16 bits each, so that sums are
    exact). Then the answer has columns of these names, the sums over the units, and ``KEYLESS``, how many units have no key.

    Raises:
        BadRelation: a dataset of some supplier is missing, or lacks a field.
        BadRelease: the definition reads one dataset twice.
    """
    _check_once(release)
    used = used_dimensions(release)
    told = [name for name in used if release.dimension(name).source != "supplier"]
    parts = []
    for place, supplier in enumerate(_dataset(agreement, release.base).suppliers):
        rows = _base(release, agreement, relations, periods, supplier)
        if repeated:
            rows = _first_of_repeated(release, agreement, rows)
        for lookup in release.lookups:
            rows = _joined(release, lookup, rows, relations, supplier)
        # Counted by itself, each supplier is a column less to group by, and a smaller group-by.
        if keys is not None:
            rows = rows.left_join(keys, rows[_unit_field(release, agreement)] == keys[VALUE]).drop(VALUE)
        units, sums = _dimensions(release, rows, told, keyed=keys is not None), _sums(keyed=keys is not None)
        counted = (units.group_by(told) if told else units).aggregate(**sums)
        columns = {name: counted[name] if name in told else ibis.literal(supplier) for name in used}
        parts.append(counted.select(**columns, **{name: counted[name] for name in sums}, **{SUPPLIER: ibis.literal(place)}))
    return _union(parts)


def surplus(release: Release, agreement: Agreement, relations: Relations, periods: Sequence[Period]) -> ibis.Table | None:
    """One row, one column: how many base rows repeat a unit. None where nothing says which thing a row is about."""
    keys = _unit_keys(release, agreement)
    if not keys:
        return None
    parts = []
    for supplier in _dataset(agreement, release.base).suppliers:
        groups = _base(release, agreement, relations, periods, supplier).group_by(keys).aggregate(rows=ibis._.count())
        parts.append(groups.filter(ibis._["rows"] > 1).aggregate(**{COUNT: (ibis._["rows"] - 1).sum()}))
    return _union(parts).aggregate(**{COUNT: ibis._[COUNT].sum()})


def pseudonyms(release: Release, agreement: Agreement, relations: Relations, periods: Sequence[Period]) -> ibis.Table:
    """One column, ``VALUE``: every pseudonym that a unit has, each once. BadRelease unless a unit has one."""
    name = _unit_field(release, agreement)
    suppliers = _dataset(agreement, release.base).suppliers
    return _union([_base(release, agreement, relations, periods, one).select(**{VALUE: ibis._[name]}) for one in suppliers]).distinct()


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


def used_dimensions(release: Release) -> tuple[str, ...]:
    """Names of the dimensions that some table uses, in the order of the release."""
    used = {name for table in release.tables for name in table.dimensions}
    return tuple(dimension.name for dimension in release.dimensions if dimension.name in used)


def fields_used(release: Release, dataset: str) -> tuple[str, ...]:
    """Names of the fields of a dataset that the release reads, apart from keys and choices of rows, sorted."""
    sources = {release.dimension(name).source for name in used_dimensions(release)}
    for derived in release.derived:
        if derived.name in sources:
            sources.update(_sources(derived))
    return tuple(sorted(source.split(".", 1)[1] for source in sources if source.startswith(dataset + ".")))


def kept_fields(agreement: Agreement, dataset: str) -> tuple[str, ...]:
    """Names of a dataset's fields that say something by their value: all but pseudonyms, in the agreement's order."""
    return tuple(field.name for field in _dataset(agreement, dataset).fields if not isinstance(field.rule, PseudonymiseRule))


def fields_needed(release: Release, agreement: Agreement, dataset: str) -> frozenset[str]:
    """Names of every field of a dataset without which the release could not be made: read, matched on, chosen by, or its period."""
    found = {_dataset(agreement, dataset).period_field, *fields_used(release, dataset)}
    if dataset == release.base:
        found.update(release.present, (lookup.on for lookup in release.lookups))
    for lookup in release.lookups:
        if lookup.dataset == dataset:
            found.update((lookup.on, lookup.latest_by, lookup.then_by))
    return frozenset(found)


def alone(
    agreement: Agreement, relations: Relations, periods: Sequence[Period], dataset: str, choices: Sequence[Sequence[str]]
) -> ibis.Table:
    """One row a choice of fields (its place among ``choices``, of which the first holds all others) and supplier (its place): how many rows the
    supplier has in the periods, and how many of them are its only one with their values in those fields, absent being a value. Rows are read once.
    """
    agreed = _dataset(agreement, dataset)
    parts = []
    for place, supplier in enumerate(agreed.suppliers):
        rows = _relation(relations, dataset, supplier, list(dict.fromkeys((agreed.period_field, *choices[0]))))
        rows = rows.filter(_inside(rows[f"{dataset}.{agreed.period_field}"], periods)).mutate(**{SUPPLIER: ibis.literal(place)})
        parts.append(rows.group_by([SUPPLIER, *_named(dataset, choices[0])]).aggregate(**{COUNT: ibis._.count()}))
    groups = _union(parts)
    found = []
    for number, choice in enumerate(choices):
        merged = groups.group_by([SUPPLIER, *_named(dataset, choice)]).aggregate(**{COUNT: _total()})
        counts = {ROWS: _total(), ALONE: ibis._.count(where=ibis._[COUNT] == 1)}
        found.append(merged.group_by(SUPPLIER).aggregate(**counts).mutate(**{CHOICE: ibis.literal(number)}))
    return _union(found)


def in_periods(
    agreement: Agreement, relations: Relations, periods: Sequence[Period], dataset: str, supplier: str, fields: Sequence[str]
) -> ibis.Table:
    """A supplier's rows of a dataset that lie in the periods: these fields and the period field, each under ``dataset.field``."""
    period_field = _dataset(agreement, dataset).period_field
    rows = _relation(relations, dataset, supplier, list(dict.fromkeys((period_field, *fields))))
    return rows.filter(_inside(rows[f"{dataset}.{period_field}"], periods))


def _named(dataset: str, fields: Sequence[str]) -> list[str]:
    return [f"{dataset}.{name}" for name in fields]


def _union(parts: Sequence[ibis.Table]) -> ibis.Table:
    return reduce(lambda one, other: one.union(other, distinct=False), parts)


def _total() -> Any:
    # The engine sums whole numbers into 128 bits, which come back as bytes; doubles are exact up to 2^53.
    return ibis._[COUNT].cast("float64").sum().cast("int64")


def _inside(day: Any, periods: Sequence[Period]) -> Any:
    """Whether a day lies in one of the periods; those that touch are one stretch, for every row is held against each."""
    stretches: list[tuple[date, date]] = []
    for period in sorted(periods, key=lambda period: period.start):
        if stretches and period.start <= stretches[-1][1] + timedelta(days=1):
            stretches[-1] = stretches[-1][0], max(stretches[-1][1], period.end)
        else:
            stretches.append((period.start, period.end))
    return reduce(operator.or_, [day.between(ibis.date(first), ibis.date(last)) for first, last in stretches])


def _check_once(release: Release) -> None:
    if len(set(release.datasets)) < len(release.datasets):
        raise BadRelease(f"release {release.name}: a dataset is read twice; look each dataset up once.")


def _dataset(agreement: Agreement, name: str) -> Dataset:
    found = agreement.dataset(name)
    if found is None:
        raise BadRelease(f"{agreement.clause('releases')}: there is no dataset {name}.")
    return found


def _sources(derived: Derived) -> tuple[str, ...]:
    return derived.first_of if isinstance(derived, FirstOf) else (derived.start, derived.end)


def _relation(relations: Relations, dataset: str, supplier: str, fields: Sequence[str]) -> ibis.Table:
    """The wanted fields of a relation, each under ``dataset.field``."""
    if (dataset, supplier) not in relations:
        raise BadRelation(f"dataset {dataset} of {supplier} is not there; what was never received is not the same as nothing to report.")
    table = relations[dataset, supplier]
    if missing := [field for field in fields if field not in table.columns]:
        raise BadRelation(f"dataset {dataset} of {supplier} lacks the field {', '.join(missing)}.")
    return table.select(**{f"{dataset}.{field}": table[field] for field in fields})


def _unit_keys(release: Release, agreement: Agreement) -> list[str]:
    """What one unit is known by within a supplier: its period and its pseudonyms. Empty where it has none."""
    base = _dataset(agreement, release.base)
    named = [name for name in release.present if isinstance(base.field(name).rule, PseudonymiseRule)]
    return [f"{release.base}.{name}" for name in dict.fromkeys((base.period_field, *named))] if named else []


def _base(release: Release, agreement: Agreement, relations: Relations, periods: Sequence[Period], supplier: str) -> ibis.Table:
    base = _dataset(agreement, release.base)
    keys = [lookup.on for lookup in release.lookups]
    wanted = dict.fromkeys((base.period_field, *release.present, *keys, *fields_used(release, release.base)))
    rows = _relation(relations, release.base, supplier, list(wanted))
    inside = _inside(rows[f"{release.base}.{base.period_field}"], periods)
    return rows.filter(inside, *(rows[f"{release.base}.{name}"].notnull() for name in release.present))


def _first_of_repeated(release: Release, agreement: Agreement, rows: ibis.Table) -> ibis.Table:
    keys = _unit_keys(release, agreement)
    return _first(rows, keys, [rows[name].asc(nulls_first=False) for name in rows.columns if name not in keys]) if keys else rows


def _first(rows: ibis.Table, keys: list[str], order: list[Any]) -> ibis.Table:
    """Of the rows that share their keys, the first in an order that leaves ties only between rows alike in every column."""
    window = ibis.window(group_by=keys, order_by=order or None)
    numbered = rows.mutate(**{COUNT: ibis.row_number().over(window)})
    return numbered.filter(ibis._[COUNT] == 0).drop(COUNT)


def _joined(release: Release, lookup: Lookup, rows: ibis.Table, relations: Relations, supplier: str) -> ibis.Table:
    """Each base row with at most one row of the other dataset: a null key finds nothing, and the other columns are then null."""
    wanted = list(dict.fromkeys((lookup.on, lookup.latest_by, lookup.then_by, *fields_used(release, lookup.dataset))))
    other = _relation(relations, lookup.dataset, supplier, wanted)
    key, latest, choice = (f"{lookup.dataset}.{name}" for name in (lookup.on, lookup.latest_by, lookup.then_by))
    rank = ibis.cases(*((other[choice] == value, place) for place, value in enumerate(lookup.order)), else_=len(lookup.order))
    rest = [other[name].asc(nulls_first=False) for name in other.columns if name not in {key, latest}]
    order = [other[latest].desc(nulls_first=False), rank, *rest]
    found = _first(other.filter(other[key].notnull()), [key], order)
    return rows.left_join(found, rows[f"{release.base}.{lookup.on}"] == found[key]).drop(key)


def _dimensions(release: Release, rows: ibis.Table, names: Sequence[str], *, keyed: bool) -> ibis.Table:
    derived = {value.name: value for value in release.derived}

    def column(source: str) -> Any:
        return _derived(derived[source], rows) if source in derived else rows[source]

    # Where the supplier is the only dimension, rows are counted all the same.
    halves = {name: rows[name] for name in (UPPER, LOWER) if keyed}
    return rows.select(**{name: column(release.dimension(name).source) for name in names}, **halves) if names else rows


def _derived(value: Derived, rows: ibis.Table) -> Any:
    if isinstance(value, FirstOf):
        return ibis.coalesce(*(rows[source] for source in value.first_of), ibis.literal(value.otherwise))
    start, end = rows[value.start], rows[value.end]
    if not (start.type().is_date() and end.type().is_date()):
        raise BadRelease(f"{value.name}: months are counted between dates, and one of its two fields is none.")
    between = (end.year() - start.year()) * 12 + end.month() - start.month()
    bands = [(between <= band.up_to, band.label) for band in value.bands]
    # The first branch that holds is taken: absent, then negative, then the bands from the lowest.
    return ibis.cases((between.isnull(), value.otherwise), (between < 0, value.before), *bands, else_=value.beyond)
