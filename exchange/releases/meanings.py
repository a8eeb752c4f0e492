"""What a release counts and by what, apart from all words: where two releases mean the same, whatever agreement they are in, their cells are the same cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agreements.model import Agreement
from agreements.release import Lookup, Release, Zeros
from agreements.sources import behind, named
from agreements.worked_out import Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Where
from exchange.releases.definition import fields_needed

Meaning = Any
"""Compared with others, and never looked into."""


def whole(agreement: Agreement, release: Release) -> Meaning:
    """All that a release counts, titles, labels and terms left out: where that is equal, the tables are the same tables."""
    datasets = [agreement.dataset(name) for name in release.datasets]
    fields = [
        (dataset.adapter, dataset.suppliers, dataset.period_field, field.name, field.source, field.rule)
        for dataset in datasets
        if dataset is not None
        for field in dataset.fields
        if field.name in fields_needed(release, agreement, dataset.name)
    ]
    dimensions = [(one.name, one.source, tuple(code for code, _ in one.categories)) for one in release.dimensions]
    tables = [(one.name, one.dimensions) for one in release.tables]
    definition = (release.base, agreement.linkage(release.base), release.linked, release.present)
    return fields, dimensions, tables, definition, release.period_dimension, release.lookups, release.derived, _more(release)


def _more(release: Release) -> Meaning:
    return release.where, release.values, release.cohort, [(one.name, one.of, one.show) for one in release.tables]


def unit(agreement: Agreement, release: Release) -> Meaning:
    """What is counted: of which rows, of whom, dated by what, and which of them count."""
    found = []
    for name in release.counted:
        dataset = agreement.dataset(name)
        if dataset is not None:
            present = sorted(repr(_field(agreement, name, one)) for one in release.present)
            dated = dataset.field(dataset.period_field).source
            asked = repr(_where(agreement, name, release.where))
            found.append((dataset.adapter, frozenset(dataset.suppliers), dated, tuple(present), asked, release.cohort))
    return found, agreement.linkage(release.base), agreement.reference if release.linked else ""


def kind(agreement: Agreement, release: Release) -> Meaning:
    """What kind of things is counted: rows, people by who knows them, or units of one release that are joined or have figures (decision 0015)."""
    if release.by_unit:
        return "units", agreement.reference, release.name
    return "people" if release.known_people else "rows"


def columns(agreement: Agreement, release: Release, others: Sequence[tuple[Agreement, Release]]) -> list[dict[str, str]]:
    """For each other release its dimensions by the names of their columns: the new release's own where they mean the same, else one of their own."""
    known = [(name, _dimension(agreement, release, name)) for name in _names(release)]
    found = []
    for their_agreement, theirs in others:
        mine: dict[str, str] = {}
        for name in _names(theirs):
            meaning = _dimension(their_agreement, theirs, name)
            column = next((one for one, other in known if other == meaning and one not in mine.values()), "")
            if not column:
                column = name
                while column in {one for one, _ in known} or column in mine.values():
                    column += "_"
                known.append((column, meaning))
            mine[name] = column
        found.append(mine)
    return found


def made_otherwise(agreement: Agreement, release: Release, others: Agreement, theirs: Release) -> str:
    """A dimension of another release that is made from a field that a dimension of this one is made from too, and not in the same way; "" if there is none.

    One such dimension may be the other made coarser, which would tie their cells by sums that nothing here knows of.
    """
    mine = [(_dimension(agreement, release, name), _fields(agreement, release, release.dimension(name).source)) for name in _names(release)]
    for name in _names(theirs):
        meaning, fields = _dimension(others, theirs, name), _fields(others, theirs, theirs.dimension(name).source)
        if any(fields & used and meaning != other for other, used in mine):
            return name
    return ""


def made_twice(agreement: Agreement, release: Release) -> tuple[str, str] | None:
    """Two dimensions of one release that are made from one field and do not stand in the same tables; None where there are no such.

    One may be the other made coarser, so that the table by the one would show what the table by the other hides. Side by side in one table
    they do no harm, for the cells in which they contradict each other are noughts that it shows. Each month is counted by itself: the field of the period ties nothing.
    """
    base = agreement.dataset(release.base)
    period = frozenset({(base.adapter, base.field(base.period_field).source)}) if base else frozenset[tuple[str, str]]()
    found = [
        (name, _dimension(agreement, release, name), _fields(agreement, release, release.dimension(name).source) - period)
        for name in _names(release)
    ]
    for one, (name, meaning, fields) in enumerate(found):
        for other, theirs, used in found[one + 1 :]:
            apart = release.terms.zeros is not Zeros.PUBLISHED or any(
                (name in table.dimensions) != (other in table.dimensions) for table in release.tables
            )
            if apart and (fields & used or meaning == theirs):
                return name, other
    return None


def _fields(agreement: Agreement, release: Release, source: str) -> frozenset[tuple[str, str]]:
    """The adapters' columns that a dimension is made from."""
    found = set()
    for name, _, field in (one.partition(".") for one in behind(release, source)):
        if (dataset := agreement.dataset(name)) is not None:
            found |= {(dataset.adapter, one.source) for one in dataset.fields if one.name == field}
    return frozenset(found)


def _names(release: Release) -> list[str]:
    used = {name for table in release.tables for name in table.dimensions}
    return [one.name for one in release.dimensions if one.name in used and one.name != release.period_dimension]


def _dimension(agreement: Agreement, release: Release, name: str) -> Meaning:
    return _source(agreement, release, release.dimension(name).source)


def _source(agreement: Agreement, release: Release, source: str) -> Meaning:
    derived = next((one for one in release.derived if one.name == source), None)
    if derived is not None:
        return _derived(agreement, release, derived)
    value = next((one for one in release.values if one.name == source), None)
    if value is not None:
        return value.number, [_source(agreement, release, one) for one in value.sources]
    dataset, dot, name = source.partition(".")
    if not dot or release.cohort is not None:
        return source  # the supplier; a cohort is a history of its own, in which names keep their meaning
    lookup = next((one for one in release.lookups if one.dataset == dataset), None)
    return _field(agreement, dataset, name), _lookup(agreement, release, lookup) if lookup else None


def _derived(agreement: Agreement, release: Release, derived: Derived) -> Meaning:
    made = [_source(agreement, release, one) for one in named(derived)]
    match derived:
        case FirstOf(otherwise=otherwise):
            return "first of", made, otherwise
        case MonthsBetween() | Banded():
            bands = [(band.label, band.up_to) for band in derived.bands]
            return type(derived).__name__, made, bands, derived.beyond, derived.before, derived.otherwise
        case Matched(dataset=dataset):
            return "matched", [_lookup(agreement, release, one) for one in release.lookups if one.dataset == dataset]
        case Cases(cases=cases, otherwise=otherwise):
            return (
                "cases",
                made,
                [(case.label, [(made[named(derived).index(asked)], codes) for asked, codes in case.when]) for case in cases],
                otherwise,
            )


def _lookup(agreement: Agreement, release: Release, lookup: Lookup) -> Meaning:
    fields = [_field(agreement, lookup.dataset, one) for one in (lookup.on, lookup.latest_by, lookup.then_by) if one]
    of = (lookup.of,) if lookup.of else release.counted
    rest = lookup.across, lookup.earliest, lookup.also_on, _where(agreement, lookup.dataset, lookup.where)
    return fields, [_field(agreement, name, lookup.on) for name in of], lookup.order, rest


def _where(agreement: Agreement, dataset: str, where: Where) -> Meaning:
    return [(_field(agreement, dataset, name), codes) for name, codes in where]


def _field(agreement: Agreement, dataset: str, name: str) -> Meaning:
    """A field by the adapter's name for it and its rule; one that cannot be told is like no other agreement's."""
    found = agreement.dataset(dataset)
    field = next((one for one in found.fields if one.name == name), None) if found else None
    if found is None or field is None:
        return agreement.reference, dataset, name
    return found.adapter, frozenset(found.suppliers), found.field(found.period_field).source, field.source, field.rule


# ------------------------------------------------------------------------------------------------------------ which rows


@dataclass(frozen=True)
class Dated:
    """By which of its columns an adapter's rows are dated where they are counted, and which columns of it are in the agreement at all."""

    by: frozenset[str]
    has: frozenset[str]


def dated(agreement: Agreement, release: Release) -> dict[str, Dated]:
    """For each adapter, how the rows that a release counts are dated."""
    found: dict[str, Dated] = {}
    for name in release.counted:
        if (dataset := agreement.dataset(name)) is not None:
            before = found.get(dataset.adapter, Dated(frozenset(), frozenset()))
            by, has = dataset.field(dataset.period_field).source, {field.source for field in dataset.fields}
            found[dataset.adapter] = Dated(before.by | {by}, before.has | has)
    return found


def may_share_rows(one: Mapping[str, Dated], other: Mapping[str, Dated], adapter: str) -> bool:
    """Whether a row of an adapter may be counted by both. Rows that two datasets date by different columns are of different events, unless one of them has
    the other's date too; where that is not known of both, it may.
    """
    mine, theirs = one.get(adapter), other.get(adapter)
    return mine is None or theirs is None or bool(mine.by & theirs.has or theirs.by & mine.has)
