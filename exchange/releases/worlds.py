"""Who can be where: which categories of the dimensions of a table can go together, from the words of a release alone.

Every dimension is made from *atoms*: whether a lookup found a row, a field, how many events there were, a number. Going through all that the atoms may be
together shows in which cells nobody can be, and what one dimension says of another's atoms.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from agreements.cohort import ATTRIBUTES, EVENTS
from agreements.release import Table
from agreements.worked_out import Banded, Cases, FirstOf, Matched, MonthsBetween, Number, Value
from exchange.releases.cells import Axis, Flags
from exchange.releases.counted_units import presence
from exchange.releases.errors import BadRelease
from exchange.releases.found import Atom, Found, in_bands

MOST_WORLDS = 200_000
"""Beyond this many combinations of what the dimensions of a table are made from, they are not gone through, and the release is refused."""

_OTHER = "\0other"
"""A value that nothing asks for."""

World = Mapping[Atom, object]
"""What each atom is."""


class Worlds:
    """All that the atoms of a release may be. Tables may be cut by the presence of values, too."""

    def __init__(self, found: Found) -> None:
        """Nothing is gone through yet."""
        self.found = found
        self._months = {one.name: one for one in found.derived.values() if isinstance(one, MonthsBetween)}
        self._resting: dict[str, frozenset[str]] = {}
        self._known: dict[tuple[str, ...], Flags] = {}
        self._presences = {presence(one.name): one for one in found.values.values()}

    def _source(self, dimension: str) -> str:
        return self.found.sources.get(dimension, dimension)

    def _told(self, dimension: str) -> frozenset[Atom]:
        return self.found.told_of(self._presences[dimension].name if dimension in self._presences else self._source(dimension))

    def resting(self, dimension: str) -> frozenset[str]:
        """The categories of a joined dimension that say that something was found: nobody has them of whom nothing was, beyond rows of their own supplier."""
        if dimension not in self._resting:
            self._resting[dimension] = (
                frozenset({"true"}) if dimension in self._presences else self._said_with(self.found.sources[dimension], dimension)
            )
        return self._resting[dimension]

    def _said_with(self, source: str, dimension: str) -> frozenset[str]:
        without = {self._label(source, world) for world in self._worlds((dimension,)) if not any(map(self._beyond, world.items()))}
        return frozenset(self.found.categories.get(source, [])) - without

    def _beyond(self, said: tuple[Atom, object]) -> bool:
        """Whether this is something that was found beyond rows of the unit's own supplier."""
        (kind, name), value = said
        if kind == "found":
            return bool(value) and self.found.lookups[name].across
        return (kind == EVENTS and bool(value)) or (kind == ATTRIBUTES and value is not None)

    def says_whether_found(self, dimensions: Sequence[str], value: str) -> bool:
        """Whether the labels of these dimensions say if all rows that a value needs were found."""
        needed = [("found", name) for name in self._datasets(self.found.values[value].sources)]
        said: dict[tuple[str | None, ...], bool] = {}
        for world in self._worlds(dimensions, needed):
            labels = tuple(self._label(self._source(name), world) for name in dimensions)
            all_found = all(bool(world[atom]) for atom in needed)
            if said.setdefault(labels, all_found) != all_found:
                return False
        return True

    def possible(self, table: Table, along: Mapping[str, Axis]) -> Flags:
        """(inner cells of the table) whether anybody can be there."""
        axes = [along[name] for name in table.dimensions]
        found = np.ones([len(axis.codes) for axis in axes], dtype=np.bool_)
        for group in self._groups(table.dimensions):
            places = [table.dimensions.index(name) for name in group]
            part = self._together(group, [axes[place] for place in places])
            shape = [1] * found.ndim
            for place in places:
                shape[place] = found.shape[place]
            found &= part.reshape(shape)
        return found

    def may_have(self, table: Table, along: Mapping[str, Axis], value: str) -> Flags:
        """(inner cells of the table) whether anybody there can have a value; of events, have any."""
        name = presence(value)
        there = Axis(name, name, ("true", "false"), ("true", "false"), name)
        return self.possible(replace(table, dimensions=(*table.dimensions, name)), {**along, name: there})[..., 0]

    def _groups(self, dimensions: Sequence[str]) -> list[tuple[str, ...]]:
        """Dimensions that tell of one another, together, in their order; those that are fields by themselves tell nothing."""
        left = [name for name in dimensions if name != self.found.release.period_dimension]
        groups: list[tuple[str, ...]] = []
        while left:
            group = [left.pop(0)]
            for name in [one for _ in left for one in left]:  # often enough for whatever hangs together over several
                if name in left and any(self._told(name) & self._told(one) for one in group):
                    group.append(name)
                    left.remove(name)
            if len(group) > 1 or self._source(group[0]) in {*self.found.derived, *self._presences}:
                groups.append(tuple(name for name in dimensions if name in group))
        return groups

    def _together(self, group: Sequence[str], axes: Sequence[Axis]) -> Flags:
        """(inner cells of these dimensions) whether anybody can be there. Many tables ask the same."""
        if tuple(group) not in self._known:
            self._known[tuple(group)] = self._gone_through(group, axes)
        return self._known[tuple(group)]

    def _gone_through(self, group: Sequence[str], axes: Sequence[Axis]) -> Flags:
        found = np.zeros([len(axis.codes) for axis in axes], dtype=np.bool_)
        places = [{code: place for place, code in enumerate(axis.codes)} for axis in axes]
        for world in self._worlds(group):
            labels = [self._label(self._source(name), world) for name in group]
            at = [of.get(label, -1) if label is not None else -1 for of, label in zip(places, labels, strict=True)]
            if min(at) >= 0:
                found[tuple(at)] = True
        return found

    def _worlds(self, group: Sequence[str], more: Iterable[Atom] = ()) -> Iterator[World]:
        """All that the atoms of some dimensions, and some more, may be together."""
        sources = [self._source(name) for name in group]
        atoms = sorted(frozenset(more).union(*(self._asked(source) for source in sources)))
        may_be = {atom: self._may_be(atom, sources) for atom in atoms}
        if np.prod([float(len(one)) for one in may_be.values()]) > MOST_WORLDS:
            raise BadRelease(
                f"release {self.found.release.name}: {', '.join(group)} hang together in too many ways to say which cells can hold anybody."
            )
        first, rest = [atom for atom in atoms if atom[0] == "found"], [atom for atom in atoms if atom[0] != "found"]
        for values in product(*(may_be[atom] for atom in first)):
            found: dict[Atom, object] = dict(zip(first, values, strict=True))
            if all(self._agrees(atom, value, found) for atom, value in found.items()):
                # All else depends on what was found alone, and not on one another.
                left = [[value for value in may_be[atom] if self._agrees(atom, value, found)] for atom in rest]
                yield from ({**found, **dict(zip(rest, others, strict=True))} for others in product(*left))

    def _asked(self, source: str) -> frozenset[Atom]:
        """The atoms that decide a source's label: as ``told_of``, but numbers and months between are atoms by themselves."""
        if (value := self._presences.get(source)) is not None:
            return frozenset({_atom(value), *(("found", one) for one in self._datasets(value.sources))})
        match self.found.derived.get(source):
            case Banded(value=name) if self.found.values[name].number is not Number.EVENTS:
                return frozenset({("number", name), *(("found", one) for one in self._datasets(self.found.values[name].sources))})
            case MonthsBetween(name=name, start=start, end=end):
                return frozenset({("months", name), *(("found", one) for one in self._datasets((start, end)))})
            case FirstOf(first_of=sources):
                return frozenset[Atom]().union(*map(self._asked, sources))
            case Cases(cases=cases):
                return frozenset[Atom]().union(*(self._asked(asked) for case in cases for asked, _ in case.when))
            case _:
                return self.found.told_of(source)

    def _datasets(self, sources: Iterable[str]) -> list[str]:
        return [name for name in dict.fromkeys(one.partition(".")[0] for one in sources) if name in self.found.lookups]

    def _may_be(self, atom: Atom, sources: Sequence[str]) -> Sequence[object]:
        kind, name = atom
        if kind == "found":
            return [True, False]
        if kind == EVENTS:
            edges = [
                band.up_to
                for one in self.found.derived.values()
                if isinstance(one, Banded) and self.found.values[one.value].sources == (name,)
                for band in one.bands
            ]
            return sorted({0, 1, *(edge + more for edge in edges for more in (0, 1) if edge + more >= 0)})
        if kind == "number":
            edges = [
                band.up_to for one in self.found.derived.values() if isinstance(one, Banded) and one.value == name for band in one.bands
            ]
            return [None, -1, 0, *sorted({edge + more for edge in edges for more in (0, 1)} - {-1, 0})]
        if kind == "months":
            made = self._months[name]
            return [None, *(code for code in dict.fromkeys((*(band.label for band in made.bands), made.beyond, made.before)))]
        return [None, *self._codes(name if kind == "field" else f"{kind}.{name}", sources), _OTHER]

    def _codes(self, source: str, sources: Sequence[str]) -> list[str]:
        """Codes that a field may hold: all that are categories of these sources; of those that are only asked for, one of each that are asked for alike."""
        through = {one.name for one in self.found.derived.values() if isinstance(one, FirstOf) and source in one.first_of}
        mine = [code for name in (source, *through) if name in sources for code in self.found.categories.get(name, [])]
        lookup = self.found.lookups.get(source.partition(".")[0])
        field = source.partition(".")[2]
        asked = [
            codes
            for one in self.found.derived.values()
            if isinstance(one, Cases)
            for case in one.cases
            for name, codes in case.when
            if name in {source, *through}
        ]
        asked += [codes for name, codes in (lookup.where if lookup else ()) if name == field]
        alike = {tuple(code in codes for codes in asked): code for codes in reversed(asked) for code in reversed(codes)}
        return list(dict.fromkeys((*mine, *alike.values())))

    def _agrees(self, atom: Atom, value: object, world: World) -> bool:
        """Whether what an atom is goes with the others: a row that was not found says nothing, and one that was is as was asked."""
        kind, name = atom
        dataset, _, field = name.partition(".")
        if kind == "field" and dataset in self.found.lookups:
            if not world[("found", dataset)]:
                return value is None
            return all(value in codes for asked, codes in self.found.lookups[dataset].where if asked == field)
        if kind == "found" and value and (of := self.found.lookups[name].of):
            return bool(world.get(("found", of), True))
        if kind in {"number", "months"} and value is not None:
            return all(found for (one, of), found in world.items() if one == "found" and of in self._datasets(self._ends(atom)))
        return True

    def _ends(self, atom: Atom) -> tuple[str, ...]:
        kind, name = atom
        if kind == "number":
            return self.found.values[name].sources
        made = self._months[name]
        return made.start, made.end

    def _label(self, source: str, world: World) -> str | None:
        """What a source says in a world; None: nothing."""
        if (value := self._presences.get(source)) is not None:
            number = world[_atom(value)]
            return "true" if isinstance(number, int) and number >= (value.number is Number.EVENTS) else "false"
        match self.found.derived.get(source):
            case FirstOf(first_of=sources, otherwise=otherwise):
                return next((said for one in sources if (said := self._label(one, world)) is not None), otherwise)
            case MonthsBetween(name=name, otherwise=otherwise):
                label = world[("months", name)]
                return otherwise if label is None else str(label)
            case Banded() as banded:
                value = self.found.values[banded.value]
                return in_bands(banded, world[_atom(value)])
            case Matched(dataset=name):
                return str(bool(world[("found", name)])).lower()
            case Cases(cases=cases, otherwise=otherwise):
                return next(
                    (case.label for case in cases if all(self._label(asked, world) in codes for asked, codes in case.when)), otherwise
                )
        return self._plain_label(source, world)

    def _plain_label(self, source: str, world: World) -> str | None:
        kind, _, name = source.partition(".")
        if self.found.release.cohort is not None and kind == EVENTS:
            return str(bool(world[(EVENTS, name)])).lower()
        if self.found.release.cohort is not None and kind == ATTRIBUTES:
            said = world[(ATTRIBUTES, name)]
            return str(self.found.plain_nothing(source)) if said is None else str(said)
        said = world[("field", source)]
        return None if said is None else str(said)


def _atom(value: Value) -> Atom:
    """The atom that is a number of a unit."""
    return (EVENTS, value.sources[0]) if value.number is Number.EVENTS else ("number", value.name)
