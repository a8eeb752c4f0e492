"""Editions that count people: records are linked, each person is counted once, and every cell is judged on those whom two suppliers have named.

What one supplier alone has named it may have invented. So a count that depends on what others know is shown only where at least
``threshold`` people in it were named by two suppliers or more, and where that fails for one cell of a month, the whole month is hidden:
with its own records at hand a supplier could work out the rest (``docs/decisions/0014-linkage.md``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from agreements.linked import FIRST_MONTH, KNOWN_TO, bands
from agreements.release import Dimension, Release, Table
from exchange.releases.cells import Axis, Counts, Flags, with_totals
from exchange.releases.readers import Reader, some_sets


@dataclass(frozen=True)
class Source:
    """A supplier of a dataset: where records come from."""

    dataset: str
    supplier: str


@dataclass(frozen=True)
class Known:
    """Linked people, counted: the smallest table out of which every cell is made.

    Attributes:
        month: (groups,) place of the first month of the edition in which a record of theirs lies, from 0.
        sources: (groups,) which sources know them, a bit a source.
        people: (groups,) how many there are.
        moved: supplier → (months,) how many of its people have their first record of its own in that month, and an earlier one of somebody else's.
        own: supplier → (months,) how many of its people have their first record of its own in that month.
    """

    month: Counts
    sources: Counts
    people: Counts
    moved: Mapping[str, Counts]
    own: Mapping[str, Counts]


@dataclass(frozen=True)
class People:
    """One table of people, totals at place 0: what is counted, each supplier's own, what must be hidden, and what can only be nought."""

    value: Counts
    shares: Mapping[str, Counts]
    primary: Flags
    never: Flags


def tables(release: Release, along: Mapping[str, Axis], sources: Sequence[Source], known: Known, threshold: int) -> dict[str, People]:
    """Every table of people of the release, by its name: those that are not of records."""
    mine = [table for table in release.tables if all(of_people(release, name) for name in table.dimensions)]
    named = suppliers_of(sources)
    two = sum(((known.sources & bits) != 0).astype(np.int64) for bits in named.values()) >= 2
    cubes = {table.name: _Cube(release, table, along, sources, known) for table in mine}
    counted = {name: cube.count(np.ones(len(known.people), dtype=np.bool_)) for name, cube in cubes.items()}
    joint = {name: cube.count(two) for name, cube in cubes.items()}
    months = len(along[release.period_dimension].codes)
    safe = [all(cubes[name].safe(joint[name], place, threshold) for name in cubes) for place in range(months + 1)]
    safe = [one and _tells_of_many(cubes, known, list(named.values()), place, threshold) for place, one in enumerate(safe)]
    if months > 1 and _moves_show(known, threshold):
        safe[1:] = [False] * months
    return {
        name: People(
            counted[name],
            {supplier: cube.count((known.sources & bits) != 0) for supplier, bits in named.items()},
            cube.primary(counted[name], safe, threshold),
            cube.never,
        )
        for name, cube in cubes.items()
    }


MOST_FIGURES = 2_000
"""Beyond this many cells of people, what they tell beside other figures is not judged."""


def figures(
    release: Release, along: Mapping[str, Axis], sources: Sequence[Source], known: Known, made: Mapping[str, People]
) -> tuple[list[Counts], list[Counts]] | None:
    """The cells of months that are shown, over the groups of ``known``: (groups,) 1 where they stand in the cell.

    Those that are large enough to be told come first, and then those that must be hidden; None where there are too many.
    """
    if sum(table.value.size for table in made.values()) > MOST_FIGURES:
        return None
    told: list[Counts] = []
    hidden: list[Counts] = []
    for table in release.tables:
        if table.name not in made:
            continue
        cube, found = _Cube(release, table, along, sources, known), made[table.name]
        for place in np.argwhere(~found.never):
            month = np.take(found.primary | found.never, place[cube.month], axis=cube.month)
            if not month.all():
                (hidden if found.primary[tuple(place)] else told).append(cube.inside(place))
    return told, hidden


def of_people(release: Release, dimension: str) -> bool:
    """Whether a dimension is one of people, and not of records."""
    return release.dimension(dimension).source.startswith(f"{release.base}.")


def _tells_of_many(cubes: Mapping[str, "_Cube"], known: Known, named: Sequence[int], place: int, threshold: int) -> bool:
    """Whether the cells of a month (of all months, at place 0) tell nobody of few people, in whatever combination."""
    counted: dict[int, int] = dict.fromkeys(some_sets(sum(bits.bit_count() for bits in named)), 0)
    here = known.people > 0 if place == 0 else known.month == place - 1
    for mask, people in zip(known.sources[here].tolist(), known.people[here].tolist(), strict=True):
        counted[mask] = counted.get(mask, 0) + people
    for mask in list(counted):
        counted |= {mask & bits: counted.get(mask & bits, 0) for bits in named if mask & bits}
    masks, people = (np.array(list(found), dtype=np.int64) for found in (counted, counted.values()))
    kinds = replace(known, month=np.full(len(masks), max(place - 1, 0)), sources=masks, people=people)
    told = np.array([line for cube in cubes.values() for line in cube.of(kinds).lines(place)], dtype=np.int64)
    if len(told) > MOST_FIGURES:
        return False
    at = {mask: number for number, mask in enumerate(counted)}
    for bits in (0, *named):
        reader = Reader(np.array([at[mask & bits] if mask & bits else -1 for mask in counted]), people, told, threshold)
        for number in range(len(told)):
            if not reader.may_be_told(number):
                return False
            reader.tell(number)
    return True


def _moves_show(known: Known, threshold: int) -> bool:
    """Whether a supplier could tell from months beside one another how few of its people others knew earlier: none, too, is few."""
    return any(bool(((known.own[supplier] > 0) & (moved < threshold))[1:].any()) for supplier, moved in known.moved.items())


def suppliers_of(sources: Sequence[Source]) -> dict[str, int]:
    """Supplier → which sources are its, a bit a source."""
    names = dict.fromkeys(source.supplier for source in sources)
    return {name: _bits(number for number, one in enumerate(sources) if one.supplier == name) for name in names}


def _bits(numbers: Iterator[int]) -> int:
    return sum(1 << number for number in numbers)


class _Cube:
    """A table of people: where each group of them stands in it, and which of its cells hold joined outcomes."""

    def __init__(self, release: Release, table: Table, along: Mapping[str, Axis], sources: Sequence[Source], known: Known) -> None:
        self._made_of = release, table, along, sources
        self._known = known
        self._along = [along[name] for name in table.dimensions]
        self.month = table.dimensions.index(release.period_dimension)
        datasets = list(release.linked)
        of = {name: _bits(number for number, one in enumerate(sources) if one.dataset == name) for name in datasets}
        knows = {name: (known.sources & bits) != 0 for name, bits in of.items()}
        number = np.sum([one.astype(np.int64) for one in knows.values()], axis=0)
        dimensions = [release.dimension(name) for name in table.dimensions]
        self._places = [
            known.month
            if _what(one) == FIRST_MONTH
            else _number_places(one, number)
            if _what(one) == KNOWN_TO
            else _flag_places(one, knows)
            for one in dimensions
        ]
        possible, alone = _possible(dimensions, self._along, len(datasets), self.month)
        self.never = ~with_totals(possible.astype(np.int64)).astype(np.bool_)
        self._joined = possible & ~alone

    def count(self, which: Flags) -> Counts:
        """Every cell, of these groups alone."""
        inner = np.zeros([len(axis.codes) for axis in self._along], dtype=np.int64)
        np.add.at(inner, tuple(place[which] for place in self._places), self._known.people[which])
        return with_totals(inner)

    def of(self, known: Known) -> "_Cube":
        """The table of other people."""
        return _Cube(*self._made_of, known)

    def lines(self, place: int) -> Iterator[Counts]:
        """Of each cell of a month (of all months, at place 0) in which somebody can be: (groups,) 1 where a group stands in it."""
        yield from (self.inside(cell) for cell in np.argwhere(~self.never) if cell[self.month] == place)

    def inside(self, place: Counts) -> Counts:
        """(groups,) 1 where a group stands in the cell at this place."""
        here = [(at == 0) | (groups == at - 1) for at, groups in zip(place, self._places, strict=True)]
        return np.asarray(np.all(here, axis=0), dtype=np.int64)

    def safe(self, joint: Counts, place: int, threshold: int) -> bool:
        """Whether every joined cell of a month (of all months, at place 0), and the month itself, has enough people whom two have named."""
        here = np.take(joint, place, axis=self.month)
        inner = here[tuple(slice(1, None) for _ in here.shape)] if here.ndim else here
        joined = np.any(self._joined, axis=self.month) if place == 0 else np.take(self._joined, place - 1, axis=self.month)
        return bool(here.ravel()[0] >= threshold and (inner[joined] >= threshold).all())

    def primary(self, counts: Counts, safe: Sequence[bool], threshold: int) -> Flags:
        """(like ``counts``) what must be hidden."""
        shape = [1] * counts.ndim
        shape[self.month] = len(safe)
        unsafe = ~np.array(safe, dtype=np.bool_).reshape(shape)
        return np.asarray(((counts < threshold) | unsafe) & ~self.never)


def _what(dimension: Dimension) -> str:
    return dimension.source.partition(".")[2]


def _number_places(dimension: Dimension, number: Counts) -> Counts:
    places = np.full(len(number), -1, dtype=np.int64)
    for place, band in enumerate(bands(code for code, _ in dimension.categories).values()):
        places[(number >= band.start) & (number < band.stop)] = place
    return places


def _flag_places(dimension: Dimension, knows: Mapping[str, Flags]) -> Counts:
    codes = [code for code, _ in dimension.categories]
    return np.where(knows[_what(dimension)], codes.index("true"), codes.index("false"))


def _possible(dimensions: Sequence[Dimension], along: Sequence[Axis], most: int, month: int) -> tuple[Flags, Flags]:
    """(inner cells) whether anybody can be there at all, and whether only those can whom a single dataset knows."""
    shape = tuple(len(axis.codes) for axis in along)
    possible, alone = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for place in product(*(range(1) if axis == month else range(size) for axis, size in enumerate(shape))):
        numbers = _numbers(dimensions, along, place, most)
        at = tuple(slice(None) if axis == month else one for axis, one in enumerate(place))
        possible[at], alone[at] = bool(numbers), numbers == {1}
    return possible, alone


def _numbers(dimensions: Sequence[Dimension], along: Sequence[Axis], place: Sequence[int], most: int) -> set[int]:
    """By how many datasets those in a cell may be known: its flags say who does and who does not, its bands how many do."""
    told = {
        _what(one): axis.codes[at] == "true"
        for one, axis, at in zip(dimensions, along, place, strict=True)
        if _what(one) not in (FIRST_MONTH, KNOWN_TO)
    }
    sure = sum(told.values())
    numbers = set(range(max(sure, 1), sure + most - len(told) + 1))
    for one, axis, at in zip(dimensions, along, place, strict=True):
        if _what(one) == KNOWN_TO:
            numbers &= set(bands([axis.codes[at]])[axis.codes[at]])
    return numbers
