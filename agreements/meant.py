"""What dimensions and fields of a release mean, apart from all words and names: two that mean the same are one, whatever agreement they are in. Pure."""

from typing import Any

from agreements.model import Agreement
from agreements.release import Lookup, Release, Zeros
from agreements.sources import behind, named
from agreements.worked_out import Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Where

Meaning = Any
"""Compared with others, and never looked into."""


def made_twice(agreement: Agreement, release: Release) -> tuple[str, str] | None:
    """Two dimensions of one release that are made from one field and do not stand in the same tables; None where there are no such.

    One may be the other made coarser, so that the table by the one would show what the table by the other hides. Side by side in one table
    they do no harm, for the cells in which they contradict each other are noughts that it shows. Each month is counted by itself: the field of the period ties nothing.
    Joined tables are tied by others that are protected beside them (``exchange.releases.found``), and tables of linked people are cut by who knows them alone.
    """
    if release.known_people or release.joined:
        return None
    base = agreement.dataset(release.base)
    period = frozenset({(base.adapter, base.field(base.period_field).source)}) if base else frozenset[tuple[str, str]]()
    found = [
        (name, dimension_meaning(agreement, release, name), adapter_fields(agreement, release, release.dimension(name).source) - period)
        for name in names_used(release)
    ]
    for one, (name, meaning, fields) in enumerate(found):
        for other, theirs, used in found[one + 1 :]:
            apart = release.terms.zeros is not Zeros.PUBLISHED or any(
                (name in table.dimensions) != (other in table.dimensions) for table in release.tables
            )
            if apart and (fields & used or meaning == theirs):
                return name, other
    return None


def adapter_fields(agreement: Agreement, release: Release, source: str) -> frozenset[tuple[str, str]]:
    """The adapters' columns that a dimension is made from."""
    found = set()
    for name, _, field in (one.partition(".") for one in behind(release, source)):
        if (dataset := agreement.dataset(name)) is not None:
            found |= {(dataset.adapter, one.source) for one in dataset.fields if one.name == field}
    return frozenset(found)


def names_used(release: Release) -> list[str]:
    """The dimensions that some table is cut by, the period apart."""
    used = {name for table in release.tables for name in table.dimensions}
    return [one.name for one in release.dimensions if one.name in used and one.name != release.period_dimension]


def dimension_meaning(agreement: Agreement, release: Release, name: str) -> Meaning:
    """How a dimension is made, its name and labels apart."""
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
    return field_meaning(agreement, dataset, name), _lookup(agreement, release, lookup) if lookup else None


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
    fields = [field_meaning(agreement, lookup.dataset, one) for one in (lookup.on, lookup.latest_by, lookup.then_by) if one]
    of = (lookup.of,) if lookup.of else release.counted
    rest = lookup.across, lookup.earliest, lookup.also_on, where_meaning(agreement, lookup.dataset, lookup.where)
    return fields, [field_meaning(agreement, name, lookup.on) for name in of], lookup.order, rest


def where_meaning(agreement: Agreement, dataset: str, where: Where) -> Meaning:
    """What is asked of rows of a dataset."""
    return [(field_meaning(agreement, dataset, name), codes) for name, codes in where]


def field_meaning(agreement: Agreement, dataset: str, name: str) -> Meaning:
    """A field by the adapter's name for it and its rule; one that cannot be told is like no other agreement's."""
    found = agreement.dataset(dataset)
    field = next((one for one in found.fields if one.name == name), None) if found else None
    if found is None or field is None:
        return agreement.reference, dataset, name
    return found.adapter, frozenset(found.suppliers), found.field(found.period_field).source, field.source, field.rule
