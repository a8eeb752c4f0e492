"""From held rows to the table set of an edition that counts people: link, count each person once, and report what was linked, as tables of one set.

Only rows of the edition's periods are read and linked. What cannot stand in the set is told to the draft's checkers, in bands.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from agreements.linkage import Linkage
from agreements.linked import REPORT, keys
from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from exchange.releases.cells import Axis, Counts, Flags, axes
from exchange.releases.definition import Relations, in_periods
from exchange.releases.engine import Engine, Power, Relation, opened
from exchange.releases.errors import BadRelease
from exchange.releases.linking import PERSON, ROW, RULE, SOURCE, Linked, Override, Records, Report, link, numbered
from exchange.releases.people import Known, People, Source, figures, tables
from exchange.releases.rates import Kinds, rates
from exchange.releases.tabulate import beside_of, check_types, long, parts_of, spec_of

MOST_SOURCES = 60
"""A bit a source, in one number."""

_MONTH = "month"
_LATE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Made:
    """``files``: the table set, exact; ``beside``: for checkers, bands and no counts."""

    files: dict[str, bytes] = field(repr=False)
    beside: dict[str, Any]


def people_tables(
    release: Release,
    agreement: Agreement,
    relations: Mapping[tuple[str, str], Relation],
    periods: Sequence[Period],
    *,
    memory: Power = "4GB",
    threads: int = 2,
    overrides: Sequence[Override] = (),
    beside: Callable[[Engine, Relations], None] | None = None,
) -> Made:
    """Every table of a release that counts people, and of its linkage report, as one table set with what must be hidden in it.

    Args:
        relations: (dataset, supplier) → its agreed fields, for every supplier of every dataset that the linkage links.
        overrides: what named persons said, on re-keyed pseudonyms.
        beside: asked with the engine and its relations once they are counted, as in :func:`exchange.releases.tabulate.tabulate`.
    Raises:
        BadRelation, BadRelease, EngineError.
    """
    linkage = agreement.linkage(release.base)
    if linkage is None:
        raise BadRelease(f"{agreement.clause('linkages')}: there is no linkage {release.base}.")
    along = axes(release, periods)
    check_types(agreement, relations)
    with opened(memory, threads=threads) as engine:
        known = {place: engine.register(relation) for place, relation in relations.items()}
        sources, records = _records(release, agreement, linkage, known, periods)
        linked = link(engine, linkage, records, overrides)
        rows = _people(engine, records, linked)
        if beside is not None:
            beside(engine, known)
    months = [_number(code) for code in along[release.period_dimension].codes]
    known_people, kinds = _known(rows, sources, months)
    people = tables(release, along, sources, known_people, release.terms.threshold)

    def beside_report(over: Kinds) -> tuple[list[Counts], list[Counts]] | None:
        return figures(release, along, sources, replace(known_people, month=over.month, sources=over.sources, people=over.people), people)

    links = _links(agreement, linkage, sources, by_hand=any(one.action == "join" for one in overrides))
    report = rates(sources, links, kinds, release.terms.threshold, beside_report)
    universes = {table.name: "people by source" if table.name == REPORT else "people" for table in release.tables}
    files = _files(release, along, {**people, REPORT: report})
    return Made({"spec.json": spec_of(release, along, universes), **files}, told(linked.report, release.terms.threshold))


def _records(
    release: Release, agreement: Agreement, linkage: Linkage, known: Relations, periods: Sequence[Period]
) -> tuple[list[Source], list[Records]]:
    """Every source with its rows of the periods: the month of each, and its keys."""
    sources, records = [], []
    for name in release.linked:
        dataset = agreement.dataset(name)
        if dataset is None:
            raise BadRelease(f"{agreement.clause('datasets')}: there is no dataset {name}.")
        kinds = {kind: f"{name}.{one}" for kind, one in keys(linkage, dataset).items()}
        for supplier in dataset.suppliers:
            rows = in_periods(agreement, known, periods, name, supplier, [column.partition(".")[2] for column in kinds.values()])
            day = rows[f"{name}.{dataset.period_field}"]
            rows = rows.mutate(**{_MONTH: (day.year() * 12 + day.month() - 1).cast("int64")})
            sources.append(Source(name, supplier))
            records.append(Records(name, supplier, rows, kinds))
    if len(sources) > MOST_SOURCES:
        raise BadRelease(f"release {release.name}: it links {len(sources)} sources; the most is {MOST_SOURCES}.")
    return sources, records


def _people(engine: Engine, records: Sequence[Records], linked: Linked) -> pa.Table:
    """One row a person and source that knows them: the first month there, and the first rule by which a record there was linked."""
    parts = [numbered(one.table).select(ROW, _MONTH).mutate(**{SOURCE: ibis.literal(place, "int32")}) for place, one in enumerate(records)]
    rows = parts[0].union(*parts[1:], distinct=False) if len(parts) > 1 else parts[0]
    found = rows.inner_join(linked.people, [SOURCE, ROW]).group_by([PERSON, SOURCE])
    return engine.run(found.aggregate(**{_MONTH: ibis._[_MONTH].min(), RULE: ibis._[RULE].min()}))


def _number(month: str) -> int:
    year, _, number = month.partition("-")
    return int(year) * 12 + int(number) - 1


def _column(rows: pa.Table, name: str) -> Counts:
    return np.asarray(rows.column(name).to_numpy().astype(np.int64))


def _known(rows: pa.Table, sources: Sequence[Source], months: Sequence[int]) -> tuple[Known, Kinds]:
    person, source, month, rule = (_column(rows, name) for name in (PERSON, SOURCE, _MONTH, RULE))
    place = np.searchsorted(months, month).astype(np.int64)
    people = int(person.max(initial=-1)) + 1
    first, mask, linked = np.full(people, _LATE), np.zeros(people, dtype=np.int64), np.full(people, _LATE)
    np.minimum.at(first, person, place)
    np.bitwise_or.at(mask, person, np.left_shift(np.int64(1), source))
    np.minimum.at(linked, person, rule)  # who is linked is so with every record
    moved, own = {}, {}
    for supplier in dict.fromkeys(one.supplier for one in sources):
        mine = np.isin(source, [number for number, one in enumerate(sources) if one.supplier == supplier])
        since = np.full(people, _LATE)
        np.minimum.at(since, person[mine], place[mine])
        has = since < _LATE
        own[supplier] = np.bincount(since[has], minlength=len(months)).astype(np.int64)
        moved[supplier] = np.bincount(since[has & (first < since)], minlength=len(months)).astype(np.int64)
    groups, count = np.unique(np.stack([first, mask, linked]), axis=1, return_counts=True)
    kinds = Kinds(groups[0], groups[1], groups[2], count.astype(np.int64))
    return Known(kinds.month, kinds.sources, kinds.people, moved, own), kinds


def _links(agreement: Agreement, linkage: Linkage, sources: Sequence[Source], *, by_hand: bool) -> Flags:
    """(sources, rules) whether a source's records may be linked by a rule, of which the first is what named persons said."""
    kinds = {one.name: set(keys(linkage, one)) for one in agreement.datasets}
    return np.array([[by_hand, *(rule in kinds[one.dataset] for rule in linkage.rules)] for one in sources], dtype=np.bool_)


# ------------------------------------------------------------------------------------------------------------ the table set


def _files(release: Release, along: Mapping[str, Axis], people: Mapping[str, People]) -> dict[str, bytes]:
    files = {}
    of_table = {table.name: [along[name] for name in table.dimensions] for table in release.tables}
    for name, made in people.items():
        flags = {"primary": made.primary.astype(np.int64), "forced": made.never.astype(np.int64)}
        files[f"{name}.csv"] = long(of_table[name], {"value": made.value, **flags})
        files[beside_of(name)] = parts_of(of_table[name], made.shares)
    return files


# ------------------------------------------------------------------------------------------------------------ for checkers, in bands


def told(report: Report, threshold: int) -> dict[str, Any]:
    """What checkers are told of a linkage: no count, and nothing that tells none from few."""
    return {
        "refused": {rule: band(count, threshold) for rule, count in report.refused.items()},
        "too_common": {rule: band(count, threshold) for rule, count in report.too_common.items()},
        "largest": band(report.largest, threshold),
        "not_joined": band(report.not_joined, threshold),
        "with_a_key": {f"{one.dataset}/{one.supplier}": _share(one.keyed, one.records, threshold) for one in report.sources},
    }


def band(count: int, threshold: int) -> str:
    """A count in bands that begin with all that is too small to be told: 0 to 9, 10 to 99, 100 to 999 …"""
    low, high = 0, threshold
    while count >= high:
        low, high = high, high * 10
    return f"{low:,} to {high - 1:,}"


def _share(part: int, whole: int, threshold: int) -> str:
    if whole < threshold:
        return "too few records to say"
    few = min(part, whole - part) < threshold
    return ("over half" if 2 * part > whole else "half or less") if few else f"about {round(10 * part / whole)} in 10"


def in_words(kept: Mapping[str, Any]) -> list[str]:
    """What is kept beside a draft, as lines for people."""
    lines = [f"Linkage (bands, never counts): most records of one person {kept['largest']}; overrides in force {kept['overrides']}."]
    lines += [
        f"  {rule}: values refused as of several people {kept['refused'][rule]}, as too common {kept['too_common'][rule]}"
        for rule in kept["refused"]
    ]
    return [*lines, *(f"  {source}: records with a key {share}" for source, share in kept["with_a_key"].items())]
