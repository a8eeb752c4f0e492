"""Which rows and fields of the relations a release reads, as Ibis expressions: columns are named ``dataset.field``, so that no name can mean two things."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import reduce
from typing import Any

import ibis

from agreements.fields import PseudonymiseRule
from agreements.linked import keys
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.release import Lookup, Release
from agreements.sources import named
from agreements.worked_out import Matched, Where
from exchange.releases.deriving import holds
from exchange.releases.errors import BadRelation, BadRelease
from exchange.releases.linking import PERSON, ROW, numbered

Relations = Mapping[tuple[str, str], ibis.Table]
"""(dataset, supplier) → its rows, all of them: outcomes may lie in later months than the crimes."""

PLACE = "place among rows alike"


def agreed(agreement: Agreement, name: str) -> Dataset:
    """A dataset of the agreement; BadRelease where there is none."""
    found = agreement.dataset(name)
    if found is None:
        raise BadRelease(f"{agreement.clause('releases')}: there is no dataset {name}.")
    return found


def used_dimensions(release: Release) -> tuple[str, ...]:
    """Names of the dimensions that some table uses, in the order of the release."""
    used = {name for table in release.tables for name in table.dimensions}
    return tuple(dimension.name for dimension in release.dimensions if dimension.name in used)


def fields_used(release: Release, dataset: str) -> tuple[str, ...]:
    """Names of the fields of a dataset that dimensions and values are made from: keys, and choices of rows, apart. Sorted."""
    sources = [*(release.dimension(name).source for name in used_dimensions(release)), *(value.name for value in release.values)]
    found = {field for source in sources for field in _fields(release, source)}
    return tuple(sorted(field.partition(".")[2] for field in found if field.startswith(f"{dataset}.")))


def _fields(release: Release, source: str) -> Iterator[str]:
    derived = next((one for one in release.derived if one.name == source), None)
    value = next((one for one in release.values if one.name == source), None)
    if derived is not None and not isinstance(derived, Matched):
        for name in named(derived):
            yield from _fields(release, name)
    elif value is not None:
        yield from value.sources
    elif "." in source:
        yield source


# ------------------------------------------------------------------------------------------------------------ rows


def relation(
    relations: Relations,
    dataset: str,
    supplier: str,
    fields: Sequence[str],
    people: Mapping[tuple[str, str], ibis.Table] | None = None,
    *,
    places: bool = False,
) -> ibis.Table:
    """The wanted fields of a relation, each under ``dataset.field``; with ``people``, of each row its person too, under :func:`person`.

    ``places``: with the number of each row, where the engine has numbered them (``linking.numbered``).

    Raises:
        BadRelation: the relation is not there, lacks a field, or its people are not known.
    """
    if (dataset, supplier) not in relations:
        raise BadRelation(f"dataset {dataset} of {supplier} is not there; what was never received is not the same as nothing to report.")
    table = relations[dataset, supplier]
    if missing := [field for field in fields if field not in table.columns]:
        raise BadRelation(f"dataset {dataset} of {supplier} lacks the field {', '.join(missing)}.")
    columns = {f"{dataset}.{field}": table[field] for field in fields}
    if people is None:
        return table.select(**columns, **{name: table[name] for name in (ROW,) if places and name in table.columns})
    if (dataset, supplier) not in people:
        raise BadRelation(f"dataset {dataset} of {supplier} was not linked into people: link every dataset that is matched by the person.")
    rows = numbered(table)
    rows = rows.select(**{name: rows[name.partition(".")[2]] for name in columns}, **{ROW: rows[ROW]})
    who = people[dataset, supplier]
    # Of two tables that are joined no two columns may be called alike.
    who = who.select(**{PLACE: who[ROW], person(dataset): who[PERSON]})
    return rows.left_join(who, rows[ROW] == who[PLACE]).select(*columns, person(dataset))


def person(dataset: str) -> str:
    """The column that holds the person of each row. No field is called so: names hold no spaces."""
    return f"{dataset} {PERSON}"


def base_rows(
    release: Release,
    agreement: Agreement,
    relations: Relations,
    periods: Sequence[Period],
    supplier: str,
    people: Mapping[tuple[str, str], ibis.Table] | None = None,
) -> ibis.Table:
    """The rows of the base that a supplier sent and that count: inside the periods, all that must be present there, and ``where`` holds."""
    base = agreed(agreement, release.base)
    matched = [lookup.on for lookup in release.lookups if lookup.of in {"", release.base}]
    wanted = (base.period_field, *release.present, *matched, *fields_used(release, release.base), *_more(release, agreement, base))
    asked = [name for name, _ in release.where]
    rows = relation(relations, release.base, supplier, list(dict.fromkeys((*wanted, *asked))), _of(release, agreement, base, people))
    inside_periods = inside(rows[f"{release.base}.{base.period_field}"], periods)
    present = (rows[f"{release.base}.{name}"].notnull() for name in release.present)
    return rows.filter(inside_periods, *present, *conditions(rows, release.base, release.where))


def looked_up(
    release: Release,
    agreement: Agreement,
    lookup: Lookup,
    relations: Relations,
    supplier: str,
    people: Mapping[tuple[str, str], ibis.Table] | None = None,
) -> ibis.Table:
    """The rows of a supplier that a lookup may find, as far as they say so by themselves."""
    dataset = agreed(agreement, lookup.dataset)
    chosen = [name for name in (lookup.latest_by, lookup.then_by) if name]
    wanted = (
        lookup.on,
        *chosen,
        *fields_used(release, lookup.dataset),
        *pseudonyms_of(agreement, lookup),
        *_more(release, agreement, dataset),
    )
    asked = [name for name, _ in lookup.where]
    rows = relation(relations, lookup.dataset, supplier, list(dict.fromkeys((*wanted, *asked))), _of(release, agreement, dataset, people))
    return rows.filter(conditions(rows, lookup.dataset, lookup.where)) if lookup.where else rows


def conditions(rows: ibis.Table, dataset: str, where: Where) -> list[Any]:
    """Whether each field holds one of its codes; never where it is absent."""
    return [holds(rows[f"{dataset}.{name}"], codes) for name, codes in where]


def first_of_repeated(release: Release, agreement: Agreement, rows: ibis.Table) -> ibis.Table:
    """Of the rows of one supplier that name the same thing in the same period, the first by the values of all fields read."""
    names = unit_keys(release, agreement)
    return first(rows, names, by_value(rows, names)) if names else rows


def by_value(rows: ibis.Table, without: Sequence[str]) -> list[Any]:
    """An order by every column, some apart. Numbers of people say nothing that holds whatever the order of rows: rows whose keys are alike and whose
    people are not have no key that links anything, and so match alike.
    """
    return [rows[name].asc(nulls_first=False) for name in rows.columns if name not in without and not name.endswith(f" {PERSON}")]


def unit_keys(release: Release, agreement: Agreement) -> list[str]:
    """What one unit is known by within a supplier: its period and its pseudonyms. Empty where it has none."""
    base = agreed(agreement, release.base)
    found = [name for name in release.present if isinstance(base.field(name).rule, PseudonymiseRule)]
    return [f"{release.base}.{name}" for name in dict.fromkeys((base.period_field, *found))] if found else []


def first(rows: ibis.Table, names: Sequence[str], order: list[Any]) -> ibis.Table:
    """Of the rows that share these columns, the first in an order that leaves ties only between rows that are alike in all that counts."""
    window = ibis.window(group_by=names, order_by=order or None)
    placed = rows.mutate(**{PLACE: ibis.row_number().over(window)})
    return placed.filter(ibis._[PLACE] == 0).drop(PLACE)


def inside(day: Any, periods: Sequence[Period]) -> Any:
    """Whether a day lies in one of the periods; those that touch are one stretch, for every row is held against each."""
    stretches: list[tuple[date, date]] = []
    for period in sorted(periods, key=lambda period: period.start):
        if stretches and period.start <= stretches[-1][1] + timedelta(days=1):
            stretches[-1] = stretches[-1][0], max(stretches[-1][1], period.end)
        else:
            stretches.append((period.start, period.end))
    return reduce(operator.or_, [day.between(ibis.date(start), ibis.date(end)) for start, end in stretches])


def union(parts: Sequence[ibis.Table]) -> ibis.Table:
    """All rows of tables with the same columns."""
    return reduce(lambda one, other: one.union(other, distinct=False), parts)


# ------------------------------------------------------------------------------------------------------------ keys of lookups


def pseudonyms_of(agreement: Agreement, lookup: Lookup) -> tuple[str, ...]:
    """Further pseudonyms in which a lookup's rows must agree, by name."""
    fields = {field.name for field in agreed(agreement, lookup.dataset).fields}
    return tuple(name for name in lookup.also_on if name in fields)


def linkage_of(agreement: Agreement, lookup: Lookup) -> str:
    """The linkage by which a lookup's rows must be about the same person; "" where it asks for none."""
    others = set(lookup.also_on) - set(pseudonyms_of(agreement, lookup))
    if len(others) > 1 or any(agreement.linkage(name) is None for name in others):
        raise BadRelease(f"lookup {lookup.dataset}: also_on names pseudonyms of that dataset, and at most one linkage.")
    return next(iter(others), "")


def linkage_used(release: Release, agreement: Agreement) -> str:
    """The one linkage by whose people rows are matched; "" where none is."""
    found = {linkage_of(agreement, lookup) for lookup in release.lookups} - {""}
    if len(found) > 1:
        raise BadRelease(f"release {release.name}: its lookups ask for the same person by more than one linkage; use one.")
    return next(iter(found), "")


def _linked(release: Release, agreement: Agreement, dataset: str) -> bool:
    """Whether people of a dataset's rows matter to some lookup: on either side."""
    return any(dataset in {lookup.of or release.base, lookup.dataset} for lookup in release.lookups if linkage_of(agreement, lookup))


def _of(
    release: Release, agreement: Agreement, dataset: Dataset, people: Mapping[tuple[str, str], ibis.Table] | None
) -> Mapping[tuple[str, str], ibis.Table] | None:
    """The people, where they matter of a dataset's rows."""
    return people if _linked(release, agreement, dataset.name) else None


def _more(release: Release, agreement: Agreement, dataset: Dataset) -> list[str]:
    """What later lookups need of a dataset's rows: the pseudonyms they start from, and where people matter the keys that tell people apart."""
    found: list[str] = []
    for lookup in release.lookups:
        if (lookup.of or release.base) == dataset.name:
            found += [lookup.on, *pseudonyms_of(agreement, lookup)]
    linkage = agreement.linkage(linkage_used(release, agreement)) if _linked(release, agreement, dataset.name) else None
    return [*found, *(keys(linkage, dataset).values() if linkage else ())]
