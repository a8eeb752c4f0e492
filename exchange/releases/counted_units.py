"""Units counted: every cell of every table, of them those that no supplier knows by itself and those each has named, and what their numbers come to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from agreements.release import Release, Table
from agreements.worked_out import Number, Show
from exchange.releases.cells import Axis, Counts, Flags, with_totals
from exchange.releases.errors import BadRelease
from exchange.releases.units import ABSENT, Units

RestsOn = Mapping[str, frozenset[tuple[str, str]]]
"""Joined dimension or value → what it is made from."""

PRESENCE = "~"
"""Ends the name of the axis that says whether units have a value; no dimension is called so."""


@dataclass(frozen=True)
class Numbers:
    """One value in every cell of one table, over the units that have it; totals at place 0.

    Attributes:
        n: how many have it; ``joint``: those of them who are left to the supplier that knows most of them by itself; ``some``, ``some_joint``: the
            same of those of whom it is more than nought.
        total: their sum; ``single``: number of the one unit that has it, else -1.
        size: the sum of what they come to either way; ``top1``, ``top2``: the largest of these and the second.
        quartiles: lower quartile, median and upper quartile, in whole numbers, half up; 0 where nobody has it.
    """

    n: Counts
    joint: Counts
    some: Counts
    some_joint: Counts
    total: Counts
    size: Counts
    top1: Counts
    top2: Counts
    single: Counts
    quartiles: tuple[Counts, Counts, Counts]

    @property
    def hundredths_of_mean(self) -> Counts:
        """The mean to two decimals, half up, in hundredths; 0 where nobody has the value."""
        n = np.maximum(self.n, 1)
        return np.asarray((200 * self.total + n) // (2 * n))


@dataclass(frozen=True)
class Counted:
    """Exact counts of an edition by table, one dimension an axis, totals at place 0. They stay in this process's memory.

    Attributes:
        confirmed: (table, joined dimension) → of units that are left to the supplier that knows most of them by itself.
        known: supplier → table → of units of which something was found, all of it said by rows that the supplier sent, as it did the unit's own.
        shares: supplier → table → units that it has named.
        numbers: (table, value) → what the value comes to, for the tables that show any of it.
        parts: the same → supplier → what the values of units that it has named add up to.
    """

    along: Mapping[str, Axis]
    tables: Mapping[str, Counts] = field(repr=False)
    shares: Mapping[str, Mapping[str, Counts]] = field(repr=False)
    numbers: Mapping[tuple[str, str], Numbers] = field(repr=False)
    parts: Mapping[tuple[str, str], Mapping[str, Counts]] = field(repr=False)
    confirmed: Mapping[tuple[str, str], Counts] = field(default_factory=dict, repr=False)
    known: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict, repr=False)


def presence(value: str) -> str:
    """The name of the axis that says whether units have a value."""
    return f"{value}{PRESENCE}"


def count_units(release: Release, along: Mapping[str, Axis], units: Units, tables: Sequence[Table], rests_on: RestsOn) -> Counted:
    """Count units in these tables, which may be cut by the axis of a value's presence too (``presence``).

    Args:
        rests_on: joined dimension or value → what it is made from, as ``units.evidence`` names it.
    Raises:
        BadRelease: an amount is negative.
    """
    values = {one.name: numbers_of(release, one.name, units) for one in release.values}
    along = {**along, **{presence(name): _presence_axis(name) for name in values}}
    places = {**units.places, **{presence(name): np.where(number == ABSENT, 1, 0) for name, number in values.items()}}
    bits = {name: (units.named >> place) & 1 for place, name in enumerate(units.suppliers)}
    found: dict[str, Counts] = {}
    shares: dict[str, dict[str, Counts]] = {name: {} for name in units.suppliers}
    numbers: dict[tuple[str, str], Numbers] = {}
    parts: dict[tuple[str, str], dict[str, Counts]] = {}
    alone = {name: _known_alone(units, atoms) for name, atoms in rests_on.items()}
    alone |= {presence(name): alone[name] for name in values if name in alone}
    nobody = np.full(len(units), -1, dtype=np.int64)
    confirmed: dict[tuple[str, str], Counts] = {}
    found_by = _found_by(units, rests_on)
    known: dict[str, dict[str, Counts]] = {units.suppliers[one]: {} for one in np.unique(found_by[found_by >= 0]).tolist()}
    for table in tables:
        shape = [len(along[name].codes) for name in table.dimensions]
        cell = _flat([places[name] for name in table.dimensions], shape)
        found[table.name] = with_totals(_sum(cell, shape))
        for name in set(table.dimensions) & set(alone):
            confirmed[table.name, name] = _unknown_to_all(cell, shape, alone[name])
        for name, of in known.items():
            of[table.name] = with_totals(_sum(cell[found_by == units.suppliers.index(name)], shape))
        for name, own in bits.items():
            shares[name][table.name] = with_totals(_sum(cell[own == 1], shape))
        for name in table.of if table.show else ():
            at = [places[one] for one in table.dimensions]
            numbers[table.name, name] = _either_way(values[name], at, shape, alone.get(name, nobody))
            size = np.where(values[name] == ABSENT, 0, np.abs(values[name]))
            parts[table.name, name] = {one: with_totals(_sum(cell, shape, size * own)) for one, own in bits.items()}
    return Counted(along, found, shares, numbers, parts, confirmed, known)


def _known_alone(units: Units, atoms: Iterable[tuple[str, str]]) -> Counts:
    """(units,) the supplier that can say all of this of the unit from its own rows alone, else -1.

    It has sent the unit, and a row that says so of everything that was found; what was not found it may guess. Where nobody can say who
    sent what, it is the only one who has named the unit.
    """
    own = np.left_shift(np.int64(1), units.sent)
    if not units.evidence:
        return np.where(units.named == own, units.sent, -1).astype(np.int64)
    known = np.ones(len(units), dtype=np.bool_)
    for atom in atoms:
        if atom in units.evidence:
            known &= (units.evidence[atom] == 0) | ((units.evidence[atom] & own) != 0)
    return np.where(known, units.sent, -1).astype(np.int64)


def _found_by(units: Units, rests_on: RestsOn) -> Counts:
    """(units,) the supplier that can say from its own rows alone all that was found of the unit, which is something; else -1."""
    atoms = [atom for atom in frozenset[tuple[str, str]]().union(*rests_on.values()) if atom in units.evidence]
    some = np.zeros(len(units), dtype=np.bool_)
    for atom in atoms:
        some |= units.evidence[atom] != 0
    return np.where(some, _known_alone(units, atoms), -1).astype(np.int64)


def _unknown_to_all(cell: Counts, shape: Sequence[int], alone: Counts) -> Counts:
    """Of each cell how many units are left to the supplier that knows most of them by itself."""
    every = with_totals(_sum(cell, shape))
    known = [with_totals(_sum(cell[alone == one], shape)) for one in np.unique(alone[alone >= 0]).tolist()]
    return np.asarray(every - np.max(known, axis=0)) if known else every


def numbers_of(release: Release, value: str, units: Units) -> Counts:
    """(units,) the number of each unit, ``ABSENT`` where it has none: negative days are none."""
    made = next(one for one in release.values if one.name == value)
    number = units.values[value]
    negative = (number < 0) & (number != ABSENT)
    if made.number is Number.EVENTS and bool(negative.any()):
        raise BadRelease(f"release {release.name}: {value} is negative for some units; sums of such are not published.")
    return np.where(negative & (made.number is Number.DAYS), ABSENT, number).astype(np.int64)


def _presence_axis(value: str) -> Axis:
    return Axis(presence(value), value, ("true", "false"), ("true", "false"), "all")


def shows_sums(table: Table) -> bool:
    """Whether sums or means of values stand in a table, so that they are protected as magnitudes."""
    return Show.SUM in table.show or Show.MEAN in table.show


# ------------------------------------------------------------------------------------------------------------ sums


def _flat(places: Sequence[Counts], shape: Sequence[int]) -> Counts:
    """(units,) place among the inner cells, in C order."""
    cell = np.zeros(len(places[0]), dtype=np.int64)
    for place, size in zip(places, shape, strict=True):
        cell = cell * size + place
    return cell


def _sum(cell: Counts, shape: Sequence[int], weights: Counts | None = None) -> Counts:
    size = int(np.prod(shape))
    if weights is None:
        return np.bincount(cell, minlength=size).astype(np.int64).reshape(shape)
    found = np.zeros(size, dtype=np.int64)
    np.add.at(found, cell, weights)
    return found.reshape(shape)


# ------------------------------------------------------------------------------------------------------------ numbers


def _either_way(value: Counts, places: Sequence[Counts], shape: Sequence[int], alone: Counts) -> Numbers:
    """Where some are negative, what is large is so either way."""
    found = _numbers(value, places, shape, alone)
    if not bool(((value < 0) & (value != ABSENT)).any()):
        return found
    sizes = _numbers(np.where(value == ABSENT, ABSENT, np.abs(value)), places, shape, alone)
    return replace(found, some=sizes.some, some_joint=sizes.some_joint, size=sizes.total, top1=sizes.top1, top2=sizes.top2)


def _numbers(value: Counts, places: Sequence[Counts], shape: Sequence[int], alone: Counts) -> Numbers:
    """Every cell's, total or not: over the units that have the value, by its size, one way of leaving dimensions out at a time."""
    order = np.argsort(value, kind="stable")
    order = order[value[order] != ABSENT]
    sizes = [size + 1 for size in shape]
    made = [np.zeros(sizes, dtype=np.int64) for _ in range(5)] + [np.full(sizes, -1, dtype=np.int64)]
    quartiles = [np.zeros(sizes, dtype=np.int64) for _ in range(3)]
    for where, cell in _margins([place[order] for place in places], shape):
        for into, column in zip((*made, *quartiles), _of_cells(cell, value[order], order, into_size=made[0][where].size), strict=True):
            into[where] = column.reshape(into[where].shape)
    n, some, total, top1, top2, single = made
    cell = _flat(places, shape)
    joint, some_joint = (_unknown_to_all(cell[which], shape, alone[which]) for which in (value != ABSENT, value > 0))
    return Numbers(n, joint, some, some_joint, total, total, top1, top2, single, (quartiles[0], quartiles[1], quartiles[2]))


Where = tuple[slice | int, ...]


def _margins(places: Sequence[Counts], shape: Sequence[int]) -> Iterator[tuple[Where, Counts]]:
    """Each way of leaving dimensions out: which cells these are, and (units,) in which of them, in C order, each unit is."""
    for kept in product((True, False), repeat=len(shape)):
        where: Where = tuple(slice(1, None) if one else 0 for one in kept)
        cell = np.zeros(len(places[0]), dtype=np.int64)
        for place, size, one in zip(places, shape, kept, strict=True):
            cell = cell * size + place if one else cell
        yield where, cell


def _of_cells(cell: Counts, value: Counts, unit: Counts, *, into_size: int) -> list[Counts]:
    """(cells,) columns of :class:`Numbers`, the quartiles last. ``value``: (units,) from the least to the greatest."""
    by_cell = np.argsort(cell, kind="stable")
    mine, number = cell[by_cell], value[by_cell]
    n = np.bincount(mine, minlength=into_size).astype(np.int64)
    end = np.cumsum(n)
    start = end - n
    has = n > 0
    summed = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(number)])
    total = summed[end] - summed[start]
    some = number > 0

    def those(which: npt.NDArray[np.bool_]) -> Counts:
        return np.bincount(mine[which], minlength=into_size).astype(np.int64)

    def at(place: Counts, there: Flags) -> Counts:
        found = np.zeros(into_size, dtype=np.int64)
        found[there] = number[place[there]]
        return found

    single = np.full(into_size, -1, dtype=np.int64)
    single[n == 1] = unit[by_cell][start[n == 1]]
    quarters = []
    for quarter in (1, 2, 3):
        position = np.maximum(n - 1, 0) * quarter
        low, rest = start + position // 4, position % 4
        below = at(low, has)
        above = at(np.minimum(low + 1, np.maximum(end - 1, 0)), has)
        # In quarters of a whole number, so that halves are halves: 4 v + rest (w - v), half up.
        quarters.append((4 * below + rest * (above - below) + 2) // 4)
    return [n, those(some), total, at(end - 1, has), at(end - 2, n > 1), single, *quarters]
