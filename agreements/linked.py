"""What a linkage reaches in its agreement, and what a release that counts linked people is beyond its words: the report that comes with it.

Every dataset with a field of one of the linkage's kinds takes part. A release whose ``base`` is a linkage reads them all, and has one table more
than it names: how many of each source's people another source knows too, and by which rule they were linked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from agreements.fields import PseudonymiseRule
from agreements.linkage import Linkage
from agreements.model import ACCUSED, HARMED, Agreement, Dataset, Party
from agreements.release import Dimension, Level, Method, Release, Table, Zeros

KNOWN_TO, FIRST_MONTH = "sources", "first_month"
"""What may follow a linkage's name in a dimension's source beside the name of a dataset: by how many datasets a person is known; since when."""

REPORT, OF_SOURCE, OF_RULE = "linkage-report", "source", "rule"
"""Names of the table that is added, and of the two dimensions by which it is cut beside the period."""

BY_HAND = "by hand"
"""The rule of links that a named person made. No kind is called so."""

RECORDS = "records"
"""What the sources of those two dimensions begin with: they are of what sources know, not of people as a whole."""

_BAND = re.compile(r"([1-9][0-9]?)(?:(\+)|-([1-9][0-9]?))?")


def keys(linkage: Linkage, dataset: Dataset) -> dict[str, str]:
    """Kind → field of the dataset that is a pseudonym of it, for the kinds that the linkage uses, in its order."""
    found = {field.rule.kind: field.name for field in reversed(dataset.fields) if isinstance(field.rule, PseudonymiseRule)}
    return {kind: found[kind] for kind in dict.fromkeys((*linkage.rules, *linkage.single)) if kind in found}


def taking_part(linkage: Linkage, datasets: Iterable[Dataset]) -> tuple[Dataset, ...]:
    """The datasets that are linked: those with a field of a kind that links."""
    return tuple(one for one in datasets if set(keys(linkage, one)) & set(linkage.rules))


def sources(linked: Iterable[Dataset], parties: Sequence[Party]) -> tuple[tuple[str, str], ...]:
    """(code, label) of every source of records, a supplier of a dataset, in the agreement's order."""
    names = {party.id: party.short_name for party in parties}
    return tuple((f"{one.name}/{supplier}", f"{one.name}, {names.get(supplier, supplier)}") for one in linked for supplier in one.suppliers)


def completed(release: Release, linkages: Sequence[Linkage], datasets: Sequence[Dataset], parties: Sequence[Party]) -> Release:
    """The release as it is made: one that counts linked people names their datasets, and has the table of the report unless it is a cohort's."""
    linkage = next((one for one in linkages if one.name == release.base), None)
    if linkage is None:
        return release
    mine = taking_part(linkage, datasets)
    if release.cohort is not None:
        return replace(release, linked=tuple(one.name for one in mine if one.name in release.cohort.datasets))
    of_source = Dimension(OF_SOURCE, "Source", f"{RECORDS}.{OF_SOURCE}", sources(mine, parties), "All sources")
    rules = tuple((kind, kind) for kind in (BY_HAND, *linkage.rules))
    of_rule = Dimension(OF_RULE, "First rule that linked", f"{RECORDS}.{OF_RULE}", rules, "All rules")
    report = Table(REPORT, f"Linkage report: people whom another source knows too, as “{linkage.title}”", (OF_SOURCE, OF_RULE))
    return replace(
        release,
        linked=tuple(one.name for one in mine),
        dimensions=(*release.dimensions, of_source, of_rule),
        tables=(*release.tables, report),
    )


def cut_by(release: Release) -> tuple[str, ...]:
    """What the dimensions of a release that counts linked people may be made from."""
    people = (f"{release.base}.{name}" for name in (FIRST_MONTH, KNOWN_TO, *release.linked))
    return (*people, f"{RECORDS}.{OF_SOURCE}", f"{RECORDS}.{OF_RULE}")


def bands(codes: Iterable[str]) -> dict[str, range]:
    """Each category of a ``sources`` dimension (``2``, ``3-4``, ``5+``) as the numbers it stands for; an empty range for what is none."""
    found = {}
    for code in codes:
        told = _BAND.fullmatch(code)
        first = int(told[1]) if told else 1
        last = 0 if told is None else 99 if told[2] else int(told[3] or told[1])
        found[code] = range(first, last + 1)
    return found


def problems(agreement: Agreement) -> Iterator[str]:
    """Every way in which linkages, or releases that count linked people, contradict the agreement."""
    for linkage in agreement.linkages:
        yield from (f"linkages.{linkage.name}: {line}" for line in _linkage(agreement, linkage))
    for release in agreement.releases:
        if release.known_people:
            yield from (f"releases.{release.name}: {line}" for line in _release(release))


def _linkage(agreement: Agreement, linkage: Linkage) -> Iterator[str]:
    if linkage.name == RECORDS or agreement.dataset(linkage.name) is not None:
        yield f"a linkage needs a name that no dataset has, other than “{RECORDS}”."
    if sum(one.name == linkage.name for one in agreement.linkages) > 1:
        yield "stands more than once."
    for what, kinds in (("rules", linkage.rules), ("single", linkage.single)):
        yield from (f"{what} names {kind} more than once." for kind in dict.fromkeys(kinds) if kinds.count(kind) > 1)
        yield from (
            f"no dataset has a pseudonym of kind {kind}."
            for kind in kinds
            if not any(kind in keys(linkage, one) for one in agreement.datasets)
        )
    for dataset in taking_part(linkage, agreement.datasets):
        every = [field.rule.kind for field in dataset.fields if isinstance(field.rule, PseudonymiseRule)]
        if twice := [kind for kind in keys(linkage, dataset) if every.count(kind) > 1]:
            yield f"{dataset.name} has several fields of kind {twice[0]}: whose record a row is would be open."
        if dataset.name in (KNOWN_TO, FIRST_MONTH):
            yield f"a dataset called {dataset.name} cannot be linked: the name has another meaning in dimensions."
    yield from _permitted(agreement, linkage)


def _permitted(agreement: Agreement, linkage: Linkage) -> Iterator[str]:
    """As for releases: victims and witnesses are not linked with suspects or convicted people unless a named permission says so."""
    about = {who for dataset in taking_part(linkage, agreement.datasets) for who in dataset.about}
    permission = agreement.permission(linkage.permission)
    if linkage.permission and permission is None:
        yield f"there is no permission “{linkage.permission}”."
    elif about & HARMED and about & ACCUSED and (permission is None or not about & (HARMED | ACCUSED) <= set(permission.joins)):
        yield f"it links {', '.join(sorted(about & (HARMED | ACCUSED)))}, and names no permission to join all of them."


def _release(release: Release) -> Iterator[str]:
    if release.lookups or release.derived or release.present or release.where or release.values:
        yield "people who are linked are counted as they are: no present fields, lookups or derived values, no where and no values; a cohort may have them."
    if release.terms.zeros is not Zeros.SUPPRESSIBLE or release.terms.level is not Level.B or release.terms.method is not Method.SUPPRESS:
        yield "terms: who is known to whom is a joined outcome: noughts are suppressible, the level is B, and the method is suppress."
    for dimension in release.dimensions:
        yield from (f"dimensions.{dimension.name}: {line}" for line in _dimension(release, dimension))
    by_number = {one.name for one in release.dimensions if one.source == f"{release.base}.{KNOWN_TO}"}
    if not any(
        set(table.dimensions) - by_number == {release.period_dimension} and set(table.dimensions) & by_number for table in release.tables
    ):
        yield f"tables: one is cut by the period and by {release.base}.{KNOWN_TO} alone: it is part of the linkage report."


def _dimension(release: Release, dimension: Dimension) -> Iterator[str]:
    of, _, what = dimension.source.partition(".")
    codes = [code for code, _ in dimension.categories]
    if of == release.base and (what == FIRST_MONTH) is not (dimension.name == release.period_dimension):
        yield f"the period dimension, and only it, is {release.base}.{FIRST_MONTH}."
    elif of == release.base and what == KNOWN_TO:
        yield from _bands(codes, len(release.linked))
    elif of == release.base and what in release.linked and sorted(codes) != ["false", "true"]:
        yield "a dataset knows a person or not: the categories are true and false."


def _bands(codes: Sequence[str], most: int) -> Iterator[str]:
    found: Mapping[str, range] = bands(codes)
    times = [sum(number in band for band in found.values()) for number in range(1, most + 1)]
    if any(count != 1 for count in times) or any(not band or band.start > most for band in found.values()):
        yield f"the categories, written 2, 3-4 or 5+, must hold every number from 1 to {most} once, and no other alone."
