"""Earlier editions, and what those of them bear on a new one that cannot be made again: their rows are gone, or were revised.

What such an edition hid is known to nobody any more, the hub included. Three things are certain: what it published and is the same now stays
published; where a count differs by less than the threshold from what was published, the new count is hidden, as a small count is; and what
it hid, the new edition hides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agreements.release import Release, Table, Zeros
from exchange.releases.cells import Flags
from exchange.releases.errors import Unconnected
from exchange.releases.protected import Shown
from exchange.releases.tabulate import Tabulated


@dataclass(frozen=True)
class Past:
    """An earlier edition over the same people.

    ``shown``: what it published, by table; ``made``: its exact counts, where they are kept and are what it published; ``revised``:
    suppliers whose rows it counted are not those that are counted now. ``release``: its own definition; ``columns``: dimension of it →
    the name, among the new edition's dimensions and all others, of what it means.
    """

    edition: str
    shown: Mapping[str, Shown] = field(repr=False)
    made: Tabulated | None = field(repr=False)
    revised: frozenset[str]
    release: Release = field(repr=False)
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def months(self) -> tuple[str, ...]:
        """The months it counts."""
        shown = next(iter(self.shown.values()))
        return next(axis.codes for axis in shown.along if axis.name == self.release.period_dimension)


@dataclass(frozen=True)
class Bearing:
    """What is certain of one table of the new edition. ``small``: is hidden like a small count; ``hidden``: stays hidden; ``again``: stays published."""

    small: Flags
    hidden: Flags
    again: Flags


def require_bearing(release: Release, now: Tabulated, pasts: Sequence[Past]) -> None:
    """Unconnected where it cannot be told how an earlier edition bears on the new one."""
    for one in (release, *(past.release for past in pasts)):
        if lacking := [table.name for table in one.tables if one.period_dimension not in table.dimensions]:
            raise Unconnected(f"table {lacking[0]} is not cut by {one.period_dimension}")
    mine = now.along[release.period_dimension].codes
    for past in pasts:
        theirs = past.months
        if past.made is None and not (theirs == mine or (len(theirs) == 1 and set(theirs) <= set(mine))):
            raise Unconnected(f"{past.edition} counts other months together, and what it was made from is held no longer")


def bearings(release: Release, now: Tabulated, pasts: Sequence[Past]) -> dict[str, Bearing]:
    """What editions that cannot be made again bear on each table of the new one, by its name."""
    return {table.name: _bearing(release, table, now, pasts) for table in release.tables}


def _bearing(release: Release, table: Table, now: Tabulated, pasts: Sequence[Past]) -> Bearing:
    counts = now.tables[table.name]
    largest = np.max([found[table.name] for found in now.shares.values()], axis=0)
    small, kept, again = (np.zeros(counts.shape, dtype=np.bool_) for _ in range(3))
    for past in pasts:
        for at, before, hidden in _common(release, table, now, past):
            apart = np.abs(counts[at] - before)
            few = (apart > 0) & (apart < release.terms.threshold)
            if len(past.revised) > 1:
                # Each of those who revised knows its own part of the change: what is left may be small however large the change is.
                few |= (apart > 0) & (largest[at] < counts[at])
            small[at] |= ~hidden & few
            kept[at] |= hidden
            again[at] |= ~hidden & (apart == 0)
    # A nought that must be shown hides nothing.
    may_hide = (counts > 0) | (release.terms.zeros is Zeros.SUPPRESSIBLE)
    return Bearing(small & may_hide, kept & may_hide, again)


def _common(release: Release, table: Table, now: Tabulated, past: Past) -> list[tuple[tuple[Any, ...], Any, Any]]:
    """For each month, and all together, that both count: its place in the new table, the counts shown before, and what was hidden."""
    month, shown = table.dimensions.index(release.period_dimension), past.shown[table.name]
    codes, theirs = now.along[release.period_dimension].codes, past.months
    places = [(codes.index(code) + 1, place) for place, code in enumerate(theirs, start=1)] + ([(0, 0)] if theirs == codes else [])
    found = []
    for mine, place in places:
        at = tuple(mine if axis == month else slice(None) for axis in range(len(table.dimensions)))
        found.append((at, np.take(shown.counts, place, axis=month), np.take(shown.hidden, place, axis=month)))
    return found
