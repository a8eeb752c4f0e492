"""A protected table as people look at it: one cut at a time, two of its dimensions, the others held at one category; and two editions compared.

From what would be published alone: nothing here knows a count that is hidden.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exchange.releases.cells import Axis, Counts, Flags
from exchange.releases.protected import HIDDEN, LABELS, Shown

COUNT = "count"
_ACROSS = 6


@dataclass(frozen=True)
class Cell:
    """One cell as it is written."""

    text: str
    hidden: bool


@dataclass(frozen=True)
class Line:
    """One row of a cut. ``total``: it is that of all categories."""

    label: str
    total: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Asked:
    """Which cut: the dimensions down and across (empty where there is only one), the category code of each other one, and what is shown."""

    down: str
    across: str
    at: Mapping[str, str]
    show: str


@dataclass(frozen=True)
class Cut:
    """A table by two of its dimensions, totals last. ``fixed``: of the others title and category."""

    asked: Asked
    down: str
    across: str
    head: tuple[str, ...]
    lines: tuple[Line, ...]
    fixed: tuple[tuple[str, str], ...]

    @property
    def hidden(self) -> int:
        """How many of its cells are hidden."""
        return sum(cell.hidden for line in self.lines for cell in line.cells)


def shows(shown: Shown) -> dict[str, str]:
    """What a table shows for each cell: the name of its column → its title."""
    return {COUNT: "Count", **{one.name: f"{LABELS[one.ending]} of {one.value.replace('_', ' ')}" for one in shown.figures}}


def asked(shown: Shown, said: Mapping[str, str]) -> Asked:
    """Which cut somebody asks for, by ``down``, ``across``, ``show`` and ``at-<dimension>``; whatever the table has not is put right."""
    axes = {axis.name: axis for axis in shown.along}
    longest = max(axes, key=lambda name: len(axes[name].codes))
    down = said.get("down", "") if said.get("down") in axes else longest
    others = [name for name in axes if name != down]
    across = said.get("across", "") if said.get("across") in others else _across(others, axes)
    rest = (name for name in others if name != across)
    at = {name: code for name in rest if (code := said.get(f"at-{name}", "")) in axes[name].codes}
    return Asked(down, across, at, said.get("show", "") if said.get("show") in shows(shown) else COUNT)


def _across(names: Sequence[str], axes: Mapping[str, Axis]) -> str:
    """What is best read from left to right: of the dimensions that fit a screen the longest, else the shortest."""
    fitting = [name for name in names if len(axes[name].codes) <= _ACROSS]
    return max(fitting or names, key=lambda name: len(axes[name].codes) if fitting else -len(axes[name].codes), default="")


def cut(shown: Shown, wanted: Asked) -> Cut:
    """The cut, every cell as it would be published."""
    axes = {axis.name: axis for axis in shown.along}
    texts, hidden = _texts(shown, wanted.show)
    place = {name: axes[name].all_codes.index(wanted.at[name]) if name in wanted.at else 0 for name in axes}
    down, across = axes[wanted.down], axes.get(wanted.across)
    columns = _places(across) if across else [0]
    lines = []
    for row in _places(down):
        at = [
            tuple({**place, wanted.down: row, **({wanted.across: column} if across else {})}[name] for name in axes) for column in columns
        ]
        lines.append(Line(down.all_labels[row], row == 0, tuple(Cell(str(texts[one]), bool(hidden[one])) for one in at)))
    head = tuple(across.all_labels[column] for column in columns) if across else (shows(shown)[wanted.show],)
    fixed = tuple((axes[name].title, axes[name].all_labels[place[name]]) for name in axes if name not in (wanted.down, wanted.across))
    return Cut(wanted, down.title, across.title if across else "", head, tuple(lines), fixed)


def _places(axis: Axis) -> list[int]:
    """Its categories, then the total."""
    return [*range(1, len(axis.all_codes)), 0]


def _texts(shown: Shown, show: str) -> tuple[np.ndarray, Flags]:
    """What stands in every cell, laid out like the table."""
    figure = next((one for one in shown.figures if one.name == show), None)
    hidden = figure.hidden if figure else shown.hidden
    values, decimals = (figure.values(), figure.decimals) if figure else (shown.values(), 0)
    written = [HIDDEN if value is None else f"{value:,.{decimals}f}" for value in values]
    return np.array(written, dtype=object).reshape(hidden.shape), hidden


# ------------------------------------------------------------------------------------------------------------ two editions


@dataclass(frozen=True)
class Change:
    """A cell that both editions show, with another count, or that one of them hides. ``where``: its categories in words."""

    table: str
    where: str
    before: int | None
    after: int | None

    @property
    def difference(self) -> int | None:
        """How much more it is now; None where one of the two is hidden."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class Compared:
    """Two editions of one release, cell by cell over published values.

    Attributes:
        same: cells that both show, with the same count; ``both_hidden``: that both hide.
        changed: how many show another count, of which ``changes`` are the largest.
        hidden_now, shown_now: cells that the new one hides and the old one showed, or the other way; the first of them.
        hidden_now_count, shown_now_count: how many there are.
        unmatched: cells of the new one that the old one has not: other months, or categories.
    """

    same: int
    both_hidden: int
    changed: int
    changes: tuple[Change, ...]
    hidden_now_count: int
    hidden_now: tuple[Change, ...]
    shown_now_count: int
    shown_now: tuple[Change, ...]
    unmatched: int


def compare(now: Sequence[Shown], before: Sequence[Shown], most: int = 20) -> Compared:
    """What the new edition says otherwise than the one before it; the largest differences first."""
    earlier = {one.table.name: one for one in before}
    counts = dict.fromkeys(("same", "both_hidden", "changed", "hidden_now", "shown_now", "unmatched"), 0)
    changes: list[Change] = []
    hidden_now: list[Change] = []
    shown_now: list[Change] = []
    for one in now:
        old = earlier.get(one.table.name)
        if old is None or {axis.name for axis in old.along} != {axis.name for axis in one.along}:
            counts["unmatched"] += one.counts.size
            continue
        mine, theirs = _common(one, old)
        new_count, new_hidden = one.counts[np.ix_(*mine)], one.hidden[np.ix_(*mine)]
        old_count, old_hidden = _aligned(one, old, theirs)
        difference = np.where(new_hidden | old_hidden, 0, new_count - old_count)
        found = {
            "same": ~new_hidden & ~old_hidden & (difference == 0),
            "both_hidden": new_hidden & old_hidden,
            "changed": difference != 0,
            "hidden_now": new_hidden & ~old_hidden,
            "shown_now": ~new_hidden & old_hidden,
        }
        for name, flags in found.items():
            counts[name] += int(flags.sum())
        counts["unmatched"] += one.counts.size - difference.size
        told = _Told(one, mine, new_count, new_hidden, old_count, old_hidden)
        changes += told.at(np.argsort(-np.abs(difference), axis=None, kind="stable")[: min(most, int(found["changed"].sum()))])
        hidden_now += told.at(np.flatnonzero(found["hidden_now"])[:most])
        shown_now += told.at(np.flatnonzero(found["shown_now"])[:most])
    changes.sort(key=lambda change: -abs(change.difference or 0))
    return Compared(
        counts["same"],
        counts["both_hidden"],
        counts["changed"],
        tuple(changes[:most]),
        counts["hidden_now"],
        tuple(hidden_now[:most]),
        counts["shown_now"],
        tuple(shown_now[:most]),
        counts["unmatched"],
    )


def _common(one: Shown, old: Shown) -> tuple[list[list[int]], dict[str, list[int]]]:
    """For each dimension the places of what both have, totals included: in the new table, and by name in the old one."""
    mine: list[list[int]] = []
    theirs: dict[str, list[int]] = {}
    axes = {axis.name: axis for axis in old.along}
    for axis in one.along:
        place = {code: number for number, code in enumerate(axes[axis.name].codes, 1)}
        both = [(number, place[code]) for number, code in enumerate(axis.codes, 1) if code in place]
        mine.append([0, *(here for here, _ in both)])
        theirs[axis.name] = [0, *(there for _, there in both)]
    return mine, theirs


def _aligned(one: Shown, old: Shown, theirs: Mapping[str, list[int]]) -> tuple[Counts, Flags]:
    """The old table's common cells with its dimensions in the new one's order."""
    order = [[axis.name for axis in old.along].index(axis.name) for axis in one.along]
    places = np.ix_(*(theirs[axis.name] for axis in one.along))
    return old.counts.transpose(order)[places], old.hidden.transpose(order)[places]


@dataclass(frozen=True)
class _Told:
    """The common cells of one table in both editions, told by their place."""

    shown: Shown
    mine: Sequence[Sequence[int]]
    new_count: Counts
    new_hidden: Flags
    old_count: Counts
    old_hidden: Flags

    def at(self, places: Counts) -> list[Change]:
        return [self._one(tuple(int(part) for part in np.unravel_index(place, self.new_count.shape))) for place in places.tolist()]

    def _one(self, at: tuple[int, ...]) -> Change:
        labels = [axis.all_labels[self.mine[number][at[number]]] for number, axis in enumerate(self.shown.along) if at[number]]
        before = None if self.old_hidden[at] else int(self.old_count[at])
        after = None if self.new_hidden[at] else int(self.new_count[at])
        return Change(self.shown.table.title, ", ".join(labels) or "All of them", before, after)
