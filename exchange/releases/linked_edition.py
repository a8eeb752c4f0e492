"""From held rows to the table set of an edition that counts people: link, count each person once, and report what was linked, as tables of one set.

Only rows of the edition's periods are read and linked. What cannot stand in the set is told to the draft's checkers, in bands.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from agreements.linkage import Linkage
from agreements.linked import REPORT, keys
from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from exchange.releases.cells import Axis, Counts, axes
from exchange.releases.definition import Relations, in_periods
from exchange.releases.engine import Engine, Relation
from exchange.releases.errors import BadRelease
from exchange.releases.linking import BY_HAND, PERSON, ROW, SOURCE, Linked, Override, Records, Report, link, numbered
from exchange.releases.people import Flags, Known, Source, tables, with_totals
from exchange.releases.tabulate import beside_of, check_types, long, parts_of

MOST_SOURCES = 60
"""A bit a source, in one number."""

_MONTH, _RECORDS = "month", "records of the person"
_LATE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Made:
    """``files``: the table set, exact; ``beside``: for checkers, bands and no counts; ``found``: what was linked, exact, never kept."""

    files: dict[str, bytes] = field(repr=False)
    beside: dict[str, Any]
    found: Report = field(repr=False)


def people_tables(
    release: Release,
    agreement: Agreement,
    relations: Mapping[tuple[str, str], Relation],
    periods: Sequence[Period],
    *,
    memory: str = "4GB",
    threads: int = 2,
    overrides: Sequence[Override] = (),
    beside: Any = None,
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
    with Engine(memory=memory, threads=threads) as engine:
        known = {place: engine.register(relation) for place, relation in relations.items()}
        sources, records = _records(release, agreement, linkage, known, periods)
        linked = link(engine, linkage, records, overrides)
        rows = _people(engine, records, linked)
        if beside is not None:
            beside(engine, known)
    months = [_number(code) for code in along[release.period_dimension].codes]
    counted = _known(rows, sources, months)
    files = _files(release, along, sources, counted)
    report = _Rates(
        release,
        agreement=agreement,
        linkage=linkage,
        sources=sources,
        known=counted,
        largest=_largest(rows, len(sources)),
        report=linked.report,
        by_hand=bool(overrides),
    )
    files |= report.files(along)
    return Made({"spec.json": _spec(release, along), **files}, told(linked.report, release.terms.threshold), linked.report)


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
    """One row a person and source that knows them: the first month there, and how many records."""
    parts = [numbered(one.table).select(ROW, _MONTH).mutate(**{SOURCE: ibis.literal(place, "int32")}) for place, one in enumerate(records)]
    rows = parts[0].union(*parts[1:], distinct=False) if len(parts) > 1 else parts[0]
    found = rows.inner_join(linked.people, [SOURCE, ROW]).group_by([PERSON, SOURCE])
    return engine.run(found.aggregate(**{_MONTH: ibis._[_MONTH].min(), _RECORDS: ibis._.count()}))


def _number(month: str) -> int:
    year, _, number = month.partition("-")
    return int(year) * 12 + int(number) - 1


def _column(rows: pa.Table, name: str) -> Counts:
    return np.asarray(rows.column(name).to_numpy().astype(np.int64))


def _known(rows: pa.Table, sources: Sequence[Source], months: Sequence[int]) -> Known:
    person, source, month = (_column(rows, name) for name in (PERSON, SOURCE, _MONTH))
    place = np.searchsorted(months, month).astype(np.int64)
    people = int(person.max(initial=-1)) + 1
    first, mask = np.full(people, _LATE), np.zeros(people, dtype=np.int64)
    np.minimum.at(first, person, place)
    np.bitwise_or.at(mask, person, np.left_shift(np.int64(1), source))
    moved, own = {}, {}
    for supplier in dict.fromkeys(one.supplier for one in sources):
        mine = np.isin(source, [number for number, one in enumerate(sources) if one.supplier == supplier])
        since = np.full(people, _LATE)
        np.minimum.at(since, person[mine], place[mine])
        has = since < _LATE
        own[supplier] = np.bincount(since[has], minlength=len(months)).astype(np.int64)
        moved[supplier] = np.bincount(since[has & (first < since)], minlength=len(months)).astype(np.int64)
    masks, at = np.unique(mask, return_inverse=True)
    groups, count = np.unique(at * len(months) + first if people else np.zeros(0, dtype=np.int64), return_counts=True)
    return Known(groups % len(months), masks[groups // len(months)], count.astype(np.int64), moved, own)


def _largest(rows: pa.Table, sources: int) -> Counts:
    """(sources,) the most records that one person has there."""
    found = np.zeros(sources, dtype=np.int64)
    np.maximum.at(found, _column(rows, SOURCE), _column(rows, _RECORDS))
    return found


# ------------------------------------------------------------------------------------------------------------ the table set


def _files(release: Release, along: Mapping[str, Axis], sources: Sequence[Source], known: Known) -> dict[str, bytes]:
    files = {}
    of_table = {table.name: [along[name] for name in table.dimensions] for table in release.tables}
    for name, made in tables(release, along, sources, known, release.terms.threshold).items():
        files[f"{name}.csv"] = long(of_table[name], _cells(made.value, made.primary, made.never))
        files[beside_of(name)] = parts_of(of_table[name], made.shares)
    return files


def _cells(value: Counts, primary: Flags, never: Flags) -> dict[str, Counts]:
    return {"value": value, "primary": primary.astype(np.int64), "forced": never.astype(np.int64)}


class _Rates:
    """The table of the linkage report: each source's records that were linked to another one, by the first rule that did.

    Records of one person stand in it several times, and some are linked to others of the same supplier alone. Both are made up for: a count
    is shown only where at least ``threshold`` people whom two suppliers have named must be behind it.
    """

    def __init__(
        self,
        release: Release,
        *,
        agreement: Agreement,
        linkage: Linkage,
        sources: Sequence[Source],
        known: Known,
        largest: Counts,
        report: Report,
        by_hand: bool,
    ) -> None:
        self._release, self._sources = release, sources
        rules = (BY_HAND, *linkage.rules)
        inner = np.array([[one.by_rule[rule] for rule in rules] for one in report.sources], dtype=np.int64)
        kinds = {one.name: set(keys(linkage, one)) for one in agreement.datasets if one.name in release.linked}
        has = np.array([[rule == BY_HAND or rule in kinds[one.dataset] for rule in rules] for one in sources])
        met = has & (has.sum(axis=0) > 1) & np.array([rule != BY_HAND or by_hand for rule in rules])
        self._value, self._met = with_totals(inner), with_totals(met.astype(np.int64)) > 0
        self._need = _need(sources, known, largest, release.terms.threshold)

    def files(self, along: Mapping[str, Axis]) -> dict[str, bytes]:
        """The table's cells, and each supplier's part of them."""
        mine = [along[name] for name in next(table.dimensions for table in self._release.tables if table.name == REPORT)]
        primary = (self._value < self._need[:, None]) & self._met
        shares = {}
        for supplier in dict.fromkeys(one.supplier for one in self._sources):
            own = np.array([one.supplier == supplier for one in self._sources])
            shares[supplier] = with_totals(np.where(own[:, None], self._value[1:, 1:], 0))
        cells = _cells(self._value, primary, ~self._met)
        return {f"{REPORT}.csv": long(mine, cells), beside_of(REPORT): parts_of(mine, shares)}


def _need(sources: Sequence[Source], known: Known, largest: Counts, threshold: int) -> Counts:
    """(1 + sources,) how many records there must be for enough people to be behind them, of all sources together first."""
    suppliers = [
        sum(1 << at for at, one in enumerate(sources) if one.supplier == name) for name in dict.fromkeys(s.supplier for s in sources)
    ]
    alone = np.zeros(len(known.sources), dtype=np.bool_)
    for bits in suppliers:
        alone |= (known.sources & ~np.int64(bits)) == 0
    several = (known.sources & (known.sources - 1)) != 0
    within = [int(known.people[alone & several & ((known.sources >> place) & 1).astype(np.bool_)].sum()) for place in range(len(sources))]
    each = [(threshold + few) * max(int(most), 1) for few, most in zip(within, largest, strict=True)]
    # One person may have the most records in every source.
    return np.array([(threshold + sum(within)) * max(int(largest.sum()), 1), *each], dtype=np.int64)


def _spec(release: Release, along: Mapping[str, Axis]) -> bytes:
    names = dict.fromkeys(name for table in release.tables for name in table.dimensions)
    document: dict[str, Any] = {
        "hierarchies": {name: {"root": along[name].root, "children": {along[name].root: list(along[name].codes)}} for name in names},
        "tables": {
            table.name: {
                "file": f"{table.name}.csv",
                "dims": {name: name for name in table.dimensions},
                "suppliers": beside_of(table.name),
                "universe": "records" if table.name == REPORT else "people",
            }
            for table in release.tables
        },
        "measure": "count",
        "threshold": release.terms.threshold,
        "zeros": str(release.terms.zeros),
        "min_width": release.terms.min_width,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


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
