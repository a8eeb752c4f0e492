"""What a release reads: which fields lie behind a dimension, a value or a condition, and all that are read of one dataset. Pure."""

from collections.abc import Iterator

from agreements.cohort import ATTRIBUTES, EVENTS, WINDOW, Attribute, Cohort, Entry, Event
from agreements.linked import keys
from agreements.model import Agreement
from agreements.release import Lookup, Release
from agreements.worked_out import Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Number, Where

SUPPLIER = "supplier"


def named(derived: Derived) -> tuple[str, ...]:
    """What a derived value is made from, as the agreement writes it: fields, values, earlier derived values, or the dataset of a lookup."""
    match derived:
        case FirstOf(first_of=sources):
            return sources
        case MonthsBetween(start=start, end=end):
            return start, end
        case Banded(value=value):
            return (value,)
        case Matched(dataset=dataset):
            return (dataset,)
        case Cases(cases=cases):
            return tuple(dict.fromkeys(asked for case in cases for asked, _ in case.when))


def behind(release: Release, source: str) -> tuple[str, ...]:
    """The fields, ``dataset.field``, that a dimension's source is made from, each once. None behind the supplier, the window and the entry of a cohort."""
    return tuple(dict.fromkeys(_behind(release, source)))


def _behind(release: Release, source: str) -> Iterator[str]:
    derived = next((one for one in release.derived if one.name == source), None)
    value = next((one for one in release.values if one.name == source), None)
    start, dot, rest = source.partition(".")
    if derived is not None:
        if isinstance(derived, Matched):
            yield from (name for one in release.lookups if one.dataset == derived.dataset for name in matched_by(release, one))
            return
        for name in named(derived):
            yield from _behind(release, name)
    elif value is not None:
        for name in value.sources:
            yield from _behind(release, f"{EVENTS}.{name}" if value.number is Number.EVENTS else name)
    elif release.cohort is not None and (start in (EVENTS, ATTRIBUTES) or source.startswith(WINDOW.partition(".")[0] + ".")):
        yield from (name for one in _parts(release.cohort, start) if one.name == rest for name in read_by(one))
    elif dot:
        yield source


def _parts(cohort: Cohort, kind: str) -> tuple[Event, ...] | tuple[Attribute, ...]:
    return cohort.events if kind == EVENTS else cohort.attributes if kind == ATTRIBUTES else ()


def matched_by(release: Release, lookup: Lookup) -> tuple[str, ...]:
    """What a lookup finds its row by, ``dataset.field``: its keys on both sides (a linkage by its name), and the fields of which it asks something."""
    of = lookup.of or release.base
    plain = tuple(name for name in (lookup.on, *lookup.also_on))
    asked = (name for name, _ in lookup.where)
    return tuple(
        dict.fromkeys(
            (*(f"{one}.{name}" for name in plain for one in (of, lookup.dataset)), *(f"{lookup.dataset}.{name}" for name in asked))
        )
    )


def read_by(one: Entry | Event | Attribute) -> tuple[str, ...]:
    """The fields, ``dataset.field``, that one part of a cohort reads, its dataset's period field and keys apart."""
    names = [one.date, *(name for name, _ in one.where)]
    match one:
        case Event(proven=proven, differs=differs):
            names += [proven, *differs]
        case Attribute(field=field, since=since, until=until):
            names += [field, since, until]
        case _:
            pass
    return tuple(f"{one.dataset}.{name}" for name in dict.fromkeys(names) if name)


def fields_read(agreement: Agreement, release: Release, dataset: str) -> frozenset[str]:
    """Every field of a dataset without which the release could not be made: cut by, worked out of, matched on, chosen by, asked, or its period."""
    found = {name.partition(".")[2] for name in _all_read(agreement, release) if name.partition(".")[0] == dataset}
    named_there = agreement.dataset(dataset)
    # A lookup that asks for the same person names a linkage, whose keys are read instead.
    return frozenset(found & {field.name for field in named_there.fields} if named_there else ())


def _all_read(agreement: Agreement, release: Release) -> Iterator[str]:
    used = {name for table in release.tables for name in table.dimensions}
    shown = {name for table in release.tables for name in table.of}
    for source in (*(one.source for one in release.dimensions if one.name in used), *shown):
        yield from behind(release, source)
    yield from (f"{release.base}.{name}" for name in (*release.present, *asked_of(release.where)))
    for lookup in release.lookups:
        yield from matched_by(release, lookup)
        yield from (f"{lookup.dataset}.{name}" for name in (lookup.latest_by, lookup.then_by) if name)
    if release.cohort is not None:
        parts: tuple[Entry | Event | Attribute, ...] = (*release.cohort.entries, *release.cohort.events, *release.cohort.attributes)
        yield from (name for one in parts for name in read_by(one))
    yield from _always(agreement, release)


def asked_of(where: Where) -> tuple[str, ...]:
    """The fields of which something is asked."""
    return tuple(name for name, _ in where)


def _always(agreement: Agreement, release: Release) -> Iterator[str]:
    """The period field of every dataset read, and the keys by which people are linked."""
    linkages = {release.base, *(name for lookup in release.lookups for name in lookup.also_on)}
    for dataset in agreement.datasets:
        if dataset.name in release.datasets:
            yield f"{dataset.name}.{dataset.period_field}"
        for linkage in agreement.linkages:
            if linkage.name in linkages and dataset.name in linked_for(release, linkage.name):
                yield from (f"{dataset.name}.{name}" for name in keys(linkage, dataset).values())


def linked_for(release: Release, linkage: str) -> tuple[str, ...]:
    """The datasets whose records the release has linked by a linkage: those of its people, or both sides of each lookup that asks for the same person."""
    if release.base == linkage:
        return release.linked
    sides = ((lookup.of or release.base, lookup.dataset) for lookup in release.lookups if linkage in lookup.also_on)
    return tuple(dict.fromkeys(name for pair in sides for name in pair))
