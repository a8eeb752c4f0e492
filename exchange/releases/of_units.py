"""Editions whose units are looked at one by one: joined across suppliers, counted as cohorts, or with sums and quartiles beside the counts.

Link, join, count, protect, attack. Units are in this process's memory alone, and gone when it is done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Method, Release
from exchange.disclosure import Files
from exchange.releases.cells import Flags, axes
from exchange.releases.cohorts import cohort_units
from exchange.releases.counted_units import Counted, count_units
from exchange.releases.engine import Engine, Power, opened
from exchange.releases.errors import BadRelease
from exchange.releases.figures import figures, presence_tables
from exchange.releases.found import Found
from exchange.releases.gate import guard
from exchange.releases.joining import row_units
from exchange.releases.joint import guard_joined, shown_as
from exchange.releases.linked_edition import told
from exchange.releases.linking import Override
from exchange.releases.persons import persons
from exchange.releases.protected import Figure, cells_in
from exchange.releases.reading import Relations, linkage_of, linkage_used
from exchange.releases.remaking import Rows
from exchange.releases.tabulate import Tabulated, check_types, table_set
from exchange.releases.units import Units
from exchange.releases.worlds import Worlds


@dataclass(frozen=True)
class Protected:
    """What may be published: ``files`` as protection leaves tables, ``figures`` by table; ``report`` of the attacks; ``beside`` for checkers, in bands."""

    files: Files
    figures: Mapping[str, Sequence[Figure]]
    report: dict[str, Any]
    beside: dict[str, Any] = field(default_factory=dict)


def protected_units(
    release: Release,
    agreement: Agreement,
    rows: Rows,
    periods: Sequence[Period],
    *,
    memory: Power,
    said: Sequence[Override] = (),
    beside: Callable[[Engine, Relations], None] | None = None,
) -> Protected:
    """The whole way from rows to what may be published.

    Args:
        rows: (dataset, supplier) → its agreed fields, of all that is read. said: what named persons said of the linkage.
        beside: asked with the engine and its relations once the units are made.
    Raises:
        BadRelation, BadRelease, OutsideCategories, EngineError; Unacceptable: it cannot be protected.
    """
    check_types(agreement, rows)
    with opened(memory) as engine:
        known = {place: engine.register(relation) for place, relation in rows.items()}
        units = units_of(engine, release, agreement, known, periods, said)
        if beside is not None:
            beside(engine, known)
    made = protect_units(release, periods, units)
    if units.report is None:
        return made
    bands = {"linkage": {**told(units.report, release.terms.threshold), "overrides": len(said)}}
    return Protected(made.files, made.figures, made.report, bands)


def units_of(
    engine: Engine, release: Release, agreement: Agreement, known: Relations, periods: Sequence[Period], said: Sequence[Override]
) -> Units:
    """The units of a release, rows or people."""
    if release.cohort is not None:
        return cohort_units(engine, release, agreement, known, periods, said)
    linkage = agreement.linkage(linkage_used(release, agreement))
    if linkage is None:
        return row_units(engine, release, agreement, known, periods)
    asked = [lookup for lookup in release.lookups if linkage_of(agreement, lookup)]
    linked = persons(engine, agreement, linkage, known, [name for one in asked for name in (one.of or release.base, one.dataset)], said)
    made = row_units(engine, release, agreement, known, periods, people=linked.of)
    return replace(made, report=linked.report)


def protect_units(release: Release, periods: Sequence[Period], units: Units) -> Protected:
    """Count units, protect the counts and what stands beside them, and attack both. Unacceptable where it cannot be done."""
    along, worlds = axes(release, periods), Worlds(Found(release))
    if release.terms.method is not Method.SUPPRESS:
        raise BadRelease(f"release {release.name}: what is joined, or has figures, is protected by hiding: its method is suppress.")
    extra = presence_tables(release, worlds) if release.joined else {}
    tables = [*(worlds.found.completed() if release.joined else release.tables), *extra.values()]
    counted = count_units(release, along, units, tables, worlds.found.rests_on())
    if release.joined:
        hidden, report = guard_joined(release, counted, tables, worlds)
        files: Files = shown_as(counted, release.tables, hidden)
    else:
        files, report = guard(table_set(release, Tabulated(along, counted.tables, counted.shares), keyed=False), release)
        hidden = _hidden(release, counted, files)
    beside = figures(release, counted, hidden, worlds, extra)
    return Protected(files, beside.figures, {**report, **({"attack_on_sums": beside.report} if beside.report else {})})


def _hidden(release: Release, counted: Counted, files: Files) -> dict[str, Flags]:
    made = {}
    for table in release.tables:
        mine = [counted.along[name] for name in table.dimensions]
        made[table.name] = cells_in(files[f"{table.name}.csv"], mine)[1].reshape(counted.tables[table.name].shape)
    return made
