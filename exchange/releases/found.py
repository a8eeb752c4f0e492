"""What dimensions and numbers of a release are made from, and which of them tell of one another: from its words alone."""

from functools import cached_property
from itertools import combinations

from agreements.cohort import ATTRIBUTES, EVENTS
from agreements.release import Release, Table
from agreements.worked_out import Banded, Cases, FirstOf, Matched, MonthsBetween, Number, Value
from exchange.releases.errors import BadRelease

Atom = tuple[str, str]
"""A kind of thing, and its name: ``found`` a lookup's row, ``field``, ``events``, ``attributes``."""

A_CENTURY = 36_525
"""Days beyond which a band is there for dates that cannot be believed: its edge says nothing of how long things take."""


class Found:
    """The words of a release, by name."""

    def __init__(self, release: Release) -> None:
        """Read the words."""
        self.release = release
        self.derived = {one.name: one for one in release.derived}
        self.values = {one.name: one for one in release.values}
        self.lookups = {one.dataset: one for one in release.lookups}
        self.sources = {one.name: one.source for one in release.dimensions}
        self.categories = {one.source: [code for code, _ in one.categories] for one in release.dimensions if one.categories}

    def plain_nothing(self, source: str) -> str | None:
        """What a source of a cohort says where nothing was found."""
        kind, _, name = source.partition(".")
        if self.release.cohort is None:
            return None
        if kind == EVENTS:
            return "false"
        return next((one.otherwise for one in self.release.cohort.attributes if kind == ATTRIBUTES and one.name == name), None)

    # -------------------------------------------------------------------------------------------------------- what is told of one thing

    def told_of(self, source: str) -> frozenset[Atom]:
        """What a source, a derived value or a number is made from: lookups (by dataset), fields, events, numbers."""
        made = self.derived.get(source) or self.values.get(source)
        match made:
            case None:
                return self._plain(source)
            case FirstOf(first_of=sources) | Value(sources=sources, number=Number.AMOUNT | Number.CHANGE | Number.DAYS):
                return frozenset[Atom]().union(*map(self.told_of, sources))
            case Value(sources=(event,)):
                return frozenset({(EVENTS, event)})
            case MonthsBetween(start=start, end=end):
                return self.told_of(start) | self.told_of(end)
            case Banded(value=name):
                return self.told_of(name)
            case Matched(dataset=name):
                return frozenset({("found", name)})
            case Cases(cases=cases):
                return frozenset[Atom]().union(*(self.told_of(asked) for case in cases for asked, _ in case.when))
        raise BadRelease(f"release {self.release.name}: {source} is made in a way that is not known here.")

    def _plain(self, source: str) -> frozenset[Atom]:
        kind, dot, name = source.partition(".")
        if self.release.cohort is not None and kind in {EVENTS, ATTRIBUTES}:
            return frozenset({(kind, name)})
        found = frozenset({("field", source)})
        return found | {("found", kind)} if dot and kind in self.lookups else found

    def joined(self, source: str) -> bool:
        """Whether a source, a derived value or a number rests on rows beyond those of the unit's own supplier."""
        return any(kind in {EVENTS, ATTRIBUTES} or (kind == "found" and self.lookups[name].across) for kind, name in self.told_of(source))

    def rests_on(self) -> dict[str, frozenset[Atom]]:
        """Each joined dimension, and each joined value, by name: what it is made from."""
        dimensions = {name: self.told_of(source) for name, source in self.sources.items() if name in self.release.joined}
        return {**{name: self.told_of(name) for name in self.values if self.joined(name)}, **dimensions}

    @cached_property
    def tied(self) -> frozenset[tuple[str, str]]:
        """Pairs of dimensions, both ways round, that are made from one thing, the period apart."""
        names = [one.name for one in self.release.dimensions if one.name != self.release.period_dimension]
        told = {name: self.told_of(self.sources[name]) for name in names}
        return frozenset(pair for one, other in combinations(names, 2) if told[one] & told[other] for pair in ((one, other), (other, one)))

    def tied_to(self, value: str) -> frozenset[str]:
        """The dimensions that are made from what a number is made from."""
        mine = self.told_of(value)
        return frozenset(
            name for name, source in self.sources.items() if name != self.release.period_dimension and mine & self.told_of(source)
        )

    def without(self, value: str) -> dict[str, int]:
        """Dimension → the place, totals first, of the category that holds exactly the units that lack a value: what bands say where there is none."""
        needed = frozenset(self.values[value].sources)
        bands = {name: self.derived.get(source) for name, source in self.sources.items()}
        return {
            name: self.categories[self.sources[name]].index(one.otherwise) + 1
            for name, one in bands.items()
            if isinstance(one, Banded) and frozenset(self.values[one.value].sources) == needed
        }

    def measuring(self, value: str) -> frozenset[str]:
        """The dimensions that say how large a number is, or one that holds it: in bands, or in months between the same dates, by themselves or through others."""
        needed = frozenset(self.values[value].sources)
        return frozenset(
            name
            for name, source in self.sources.items()
            if name != self.release.period_dimension and any(one <= needed or needed <= one for one in self._measured(source))
        )

    def _measured(self, source: str) -> frozenset[frozenset[str]]:
        """What each number is made from, of whose size a source says something."""
        match self.derived.get(source):
            case Banded(value=name, bands=bands):
                value = self.values[name]
                parts = value.number is not Number.DAYS or any(band.up_to < A_CENTURY for band in bands)
                return frozenset({frozenset(value.sources)}) if parts else frozenset()
            case MonthsBetween(start=start, end=end):
                return frozenset({frozenset({start, end})})
            case FirstOf(first_of=sources):
                return frozenset[frozenset[str]]().union(*map(self._measured, sources))
            case Cases(cases=cases):
                return frozenset[frozenset[str]]().union(*(self._measured(asked) for case in cases for asked, _ in case.when))
        return frozenset()

    def completed(self) -> tuple[Table, ...]:
        """The tables of the release, and those that tie them: where one is cut by a dimension and another by one that tells of it, both together.

        What is protected with these beside it gives nothing away by a difference between two of its tables. They are not published.
        """
        tables = list(self.release.tables)
        for one, other in combinations(self.release.tables, 2):
            ends = {name for pair in self.tied if pair[0] in one.dimensions and pair[1] in other.dimensions for name in pair}
            wanted = tuple(
                name
                for name in dict.fromkeys((*one.dimensions, *other.dimensions))
                if name in ends or (name in one.dimensions and name in other.dimensions)
            )
            if ends and not any(set(wanted) <= set(table.dimensions) for table in tables):
                tables.append(Table(f"tie-{len(tables)}", "", wanted))
        return tuple(tables)


def in_bands(banded: Banded, number: object) -> str:
    """The label of a number; of None, what is said where there is none."""
    if not isinstance(number, int):
        return banded.otherwise
    if number < 0:
        return banded.before
    return next((band.label for band in banded.bands if number <= band.up_to), banded.beyond)
