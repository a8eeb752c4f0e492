"""Sums, means and quartiles of values beside the counts: which of them may be told.

A figure stands only where its count does. Sums, and means, which with a count are sums, are protected as magnitudes: too few who make one up, or one
or two who make up too much of it, and it is hidden, with others around it. A median needs twice as many units as a count, quartiles four times.

Where a value rests on others' rows it says as much as a dimension made from them: sum and mean together tell how many units have it, and a sum of
events that there were some. So it stands only where everything does that such dimensions say of the cell; and where no dimension
of the table says whether units have the value, that is counted and protected as one more (``presence``), and not published.
Quartiles by themselves say of whom they are made no more than that there are enough who have the value: where no sum or mean of a value is told in any
table, they rest on who has it, and not on what else such dimensions say.
A mean of few whole numbers tells, by its decimals, how many they are, and a quartile on which side of a band's edge a quarter of them lie: so where a
dimension of any table says which units lack a value, or how large it is, and a count of these is hidden, no figure of the value stands beside.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agreements.release import Release, Table
from agreements.worked_out import Number, Show
from exchange.disclosure import Need, Unprotectable
from exchange.disclosure.attack import attack
from exchange.disclosure.methods import apply
from exchange.releases.cells import Counts, Flags, with_totals
from exchange.releases.counted_units import Counted, Numbers, presence, shows_sums
from exchange.releases.gate import provable, require_safe
from exchange.releases.protected import ENDINGS, Figure, cells_in
from exchange.releases.tabulate import beside_of, long, parts_of, spec_of
from exchange.releases.worlds import Worlds

P_PERCENT, DOMINANCE = 10, 80
"""The second contributor must not know the first to within so many per cent; and no one may make up more than so many per cent."""


NONE_TOLD = {"none_told": True}
"""The report where no sum of a value can be told."""


@dataclass(frozen=True)
class Beside:
    """Figures of every table (by table), the report of the attacks on their sums."""

    figures: dict[str, tuple[Figure, ...]]
    report: dict[str, Any]


def figures(
    release: Release, counted: Counted, hidden: Mapping[str, Flags], worlds: Worlds, extra: Mapping[tuple[str, str], Table]
) -> Beside:
    """The figures of the release's tables, given what is hidden of their counts.

    Args:
        hidden: table → its hidden cells, of all tables that were protected.
        extra: what was protected beside them for the sake of values (``presence_tables``).
    Raises:
        Unacceptable: sums cannot be protected.
    """
    report: dict[str, Any] = {}
    untold: dict[tuple[str, str], Flags] = {}
    for value in (one.name for one in release.values):
        mine = [table for table in release.tables if value in table.of and shows_sums(table)]
        if mine:
            sums, report[value] = _magnitudes(release, counted, mine, value, hidden, worlds)
            untold |= {(table.name, value): sums[table.name] for table in mine if sums is not None}
            untold |= {(table.name, value): np.ones_like(hidden[table.name]) for table in mine if sums is None}
    made = {}
    for table in release.tables:
        columns: list[Figure] = []
        for value in table.of if table.show else ():
            base = hidden[table.name] | _resting(release, table, value, hidden, worlds, extra.get((table.name, value)))
            sums_away = base | untold.get((table.name, value), base)
            # Where no sum at all is told, nothing that quartiles say can narrow one; else they go with it.
            alone = report.get(value) == NONE_TOLD
            away = {Show.SUM: sums_away, Show.MEAN: sums_away, Show.QUARTILES: base if alone else sums_away}
            columns += _columns(release, table, value, counted.numbers[table.name, value], away, joined=worlds.found.joined(value))
        made[table.name] = tuple(columns)
    return Beside(made, report)


def _columns(release: Release, table: Table, value: str, numbers: Numbers, base: Mapping[Show, Flags], *, joined: bool) -> Iterator[Figure]:
    least, n = release.terms.threshold, numbers.joint if joined else numbers.n
    few = np.minimum(n, numbers.some_joint) < least if joined else n < least
    made: dict[str, tuple[Counts, Flags]] = {
        "sum": (numbers.total, few),
        "mean": (numbers.hundredths_of_mean, few),
        "lower_quartile": (numbers.quartiles[0], n < 4 * least),
        "median": (numbers.quartiles[1], n < 2 * least),
        "upper_quartile": (numbers.quartiles[2], n < 4 * least),
    }
    for show in Show:
        for ending in ENDINGS[show] if show in table.show else ():
            figure, too_few = made[ending]
            away = base[show] | too_few
            yield Figure(value, ending, np.where(away, 0, figure), away)


# ------------------------------------------------------------------------------------------------------------ what rests on others


def presence_tables(release: Release, worlds: Worlds) -> dict[tuple[str, str], Table]:
    """(table, value) → the table by dimensions and by presence of a joined value, where no dimension of the table says whether what it needs was found."""
    made: dict[tuple[str, str], Table] = {}
    for table in release.tables:
        for value in table.of if table.show else ():
            tied = [name for name in table.dimensions if name in worlds.found.tied_to(value)]
            if (
                worlds.found.values[value].number is not Number.EVENTS
                and worlds.found.joined(value)
                and not worlds.says_whether_found(tied, value)
            ):
                wanted = (*table.dimensions, presence(value))
                made[table.name, value] = Table(f"has-{len(made)}", "", wanted)
    return made


def _resting(release: Release, table: Table, value: str, hidden: Mapping[str, Flags], worlds: Worlds, extra: Table | None) -> Flags:
    """Cells in which something is hidden that a value would tell of: how large it is and how many lack it; of one that rests on others' rows, all that is made from them."""
    away, found = np.zeros_like(hidden[table.name]), worlds.found
    measuring = found.measuring(value)
    for other in release.tables:
        if measuring & set(other.dimensions):
            away |= _told_by(measuring, table, other, hidden, away.shape)
        for name, lacking in found.without(value).items():
            if name in other.dimensions:
                without = np.take(hidden[other.name], [lacking], axis=other.dimensions.index(name))
                away |= _placed(table, other, without, away.shape)
    if not found.joined(value):
        return away
    if extra is not None:
        away |= hidden[extra.name][..., 1]
    tied = found.tied_to(value) & set(release.joined)
    quartiles_alone = not any(shows_sums(one) for one in release.tables if value in one.of)
    # Quartiles alone rest on who has the value: that is protected by itself (``extra``), or said by the table's own dimensions.
    resting = ((table,) if extra is None else ()) if quartiles_alone else release.tables
    for other in resting:
        if tied & set(other.dimensions):
            away |= _told_by(tied, table, other, hidden, away.shape)
    return away


def _told_by(names: Collection[str], table: Table, other: Table, hidden: Mapping[str, Flags], shape: Sequence[int]) -> Flags:
    """Cells of a table in which another table hides something that these dimensions say."""
    covered: Flags = hidden[other.name]
    for place, name in enumerate(other.dimensions):
        if name in names:
            # At its total a cell tells of all its categories; at one of them, of that one.
            rest = np.asarray(covered.any(axis=place, keepdims=True))
            covered = np.concatenate([rest, np.delete(covered, 0, axis=place)], axis=place) if name in table.dimensions else rest
        elif name not in table.dimensions:
            covered = np.take(covered, [0], axis=place)
    return _placed(table, other, covered, shape)


def _placed(table: Table, other: Table, covered: Flags, shape: Sequence[int]) -> Flags:
    """Flags of the cells of another table, where they are cells of this one: what only the one or the other is cut by stands at its total."""
    shared = [name for name in table.dimensions if name in other.dimensions]
    kept = covered[tuple(slice(None) if name in shared else 0 for name in other.dimensions)]
    order = [name for name in other.dimensions if name in shared]
    kept = kept.transpose([order.index(name) for name in shared])
    found = np.zeros(shape, dtype=np.bool_)
    found[tuple(slice(None) if name in shared else 0 for name in table.dimensions)] = kept
    return found


# ------------------------------------------------------------------------------------------------------------ sums


def _magnitudes(
    release: Release, counted: Counted, tables: Sequence[Table], value: str, hidden: Mapping[str, Flags], worlds: Worlds
) -> tuple[dict[str, Flags] | None, dict[str, Any]]:
    """Which sums of a value must be hidden (None: all), and the report of the attack on them."""
    files, need = _sums(release, counted, tables, value, hidden, worlds), Need(0, 1)
    with provable():
        try:
            protected = apply("suppress", files, need).files()
        except Unprotectable:
            # Somebody who knows an own number could work out another's whatever is hidden around it: none is told, and the counts stand alone.
            return None, dict(NONE_TOLD)
        report = require_safe(attack(files, protected, need, insiders=True))
    shapes = {table.name: [counted.along[name] for name in table.dimensions] for table in tables}
    away = {
        name: cells_in(protected[f"{name}.csv"], axes)[1].reshape([len(axis.all_codes) for axis in axes]) for name, axes in shapes.items()
    }
    return away, report


def by_appearance(singles: Sequence[Counts]) -> list[Counts]:
    """The units that have cells by themselves (-1: none has), numbered from 2 as they appear, so that the order in which rows were read tells in no byte.

    Nought is nobody, and 1 has a meaning of its own (docs/table-sets.md).
    """
    every = np.concatenate([one.reshape(-1) for one in singles])
    units, first, which = np.unique(every, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(np.where(units < 0, -1, first), kind="stable"), kind="stable")
    numbers = np.where(every < 0, 0, order[which] + (1 if units[0] < 0 else 2))
    ends = np.cumsum([one.size for one in singles])[:-1]
    return [part.reshape(one.shape) for part, one in zip(np.split(numbers, ends), singles, strict=True)]


def _sums(
    release: Release, counted: Counted, tables: Sequence[Table], value: str, hidden: Mapping[str, Flags], worlds: Worlds
) -> dict[str, bytes]:
    """The table set of what a value comes to, either way: where that cannot be worked out, the sum cannot."""
    document = json.loads(spec_of(replace(release, tables=tuple(tables)), counted.along))
    rules = [{"rule": "p_percent", "p": P_PERCENT}, {"rule": "dominance", "n": 1, "k": DOMINANCE}]
    document |= {"measure": "magnitude", "zeros": "suppressible", "min_width": 1, "p_percent": P_PERCENT, "rules": rules}
    files: dict[str, bytes] = {"spec.json": json.dumps(document, sort_keys=True).encode()}
    singles = by_appearance([counted.numbers[table.name, value].single for table in tables])
    for table, single in zip(tables, singles, strict=True):
        numbers, axes = counted.numbers[table.name, value], [counted.along[name] for name in table.dimensions]
        who = np.minimum(numbers.joint, numbers.some_joint) if worlds.found.joined(value) else numbers.n
        # Where a count of nought is shown, or nobody can have the value, the sum is known to be nought.
        able = with_totals(worlds.may_have(table, counted.along, value).astype(np.int64)) > 0
        empty = ~able | ((counted.tables[table.name] == 0) & ~hidden[table.name])
        few = (who < release.terms.threshold) & ~empty
        columns: dict[str, Counts] = {
            "value": numbers.size,
            "primary": few.astype(np.int64),
            "forced": empty.astype(np.int64),
            "n_contrib": numbers.n,
            "top1": numbers.top1,
            "top2": numbers.top2,
            "single_contributor": single,
        }
        files[f"{table.name}.csv"] = long(axes, columns)
        files[beside_of(table.name)] = parts_of(axes, counted.parts[table.name, value])
    return files
