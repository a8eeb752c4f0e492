"""What a release counts and by what, apart from all words: where two releases mean the same, whatever agreement they are in, their cells are the same cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agreements.meant import Meaning, adapter_fields, dimension_meaning, field_meaning, names_used, where_meaning
from agreements.model import Agreement
from agreements.release import Release
from exchange.releases.definition import fields_needed


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
            present = sorted(repr(field_meaning(agreement, name, one)) for one in release.present)
            dated = dataset.field(dataset.period_field).source
            asked = repr(where_meaning(agreement, name, release.where))
            found.append((dataset.adapter, frozenset(dataset.suppliers), dated, tuple(present), asked, release.cohort))
    return found, agreement.linkage(release.base), agreement.reference if release.linked else ""


def kind(agreement: Agreement, release: Release) -> Meaning:
    """What kind of things is counted: rows, people by who knows them, or units of one release that are joined or have figures (decision 0015)."""
    if release.by_unit:
        return "units", agreement.reference, release.name
    return "people" if release.known_people else "rows"


def columns(agreement: Agreement, release: Release, others: Sequence[tuple[Agreement, Release]]) -> list[dict[str, str]]:
    """For each other release its dimensions by the names of their columns: the new release's own where they mean the same, else one of their own."""
    known = [(name, dimension_meaning(agreement, release, name)) for name in names_used(release)]
    found = []
    for their_agreement, theirs in others:
        mine: dict[str, str] = {}
        for name in names_used(theirs):
            meaning = dimension_meaning(their_agreement, theirs, name)
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
    mine = [
        (dimension_meaning(agreement, release, name), adapter_fields(agreement, release, release.dimension(name).source))
        for name in names_used(release)
    ]
    for name in names_used(theirs):
        meaning, fields = dimension_meaning(others, theirs, name), adapter_fields(others, theirs, theirs.dimension(name).source)
        if any(fields & used and meaning != other for other, used in mine):
            return name
    return ""


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
