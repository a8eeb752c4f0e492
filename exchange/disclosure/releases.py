"""Releases of one series, and tables that are sums of others: what binds cells across tables.

A difference of two releases is a cell of its own, in no table: a pair published together publishes it. It is counted from the smaller to the
larger, so its value is at least 0. In an additive series an intruder knows which of the two is the larger; in a revised one it does not, and
there nothing holds a difference from below (`problem`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from exchange.disclosure.declared import Sum
from exchange.disclosure.errors import BadTables
from exchange.disclosure.relations import Identity, Rows, aligned, first_row
from exchange.disclosure.sheets import Bools, Ints, Sheet
from exchange.disclosure.spec import Spec


@dataclass(frozen=True)
class Differences:
    """m differences: `larger`, `smaller` (m,) cells, `later`, `earlier` (m,) the same two by release; `primary`: (m,).

    `changed`: (m,) records that came or went between the two; of an additive series, by how much the cell rose.
    """

    larger: Ints
    smaller: Ints
    later: Ints
    earlier: Ints
    primary: Bools
    changed: Ints

    def rows(self, first: int) -> Rows:
        """The rows "larger - smaller - difference = 0", the differences being cells from `first` on; none follows from another."""
        numbers = np.arange(first, first + len(self.larger))
        return Rows(np.column_stack([self.larger, self.smaller, numbers]), np.ones(len(numbers), dtype=np.bool_))


NONE = np.zeros(0, dtype=np.int64)
APART = Differences(NONE, NONE, NONE, NONE, NONE.astype(np.bool_), NONE)


def additive(spec: Spec, sheets: Sequence[Sheet], identity: Identity, value: Ints, contributors: Ints) -> Differences:
    """The differences of an additive series: of each case between a release and the next that has it, and between any two where it is small.

    Where there are suppliers, between any two: a rise that is large to all may be small but for one supplier's part (`supplied.telling`).

    `value`, `contributors`: (count,) of each cell, the latter -1 where not known. BadTables where a cell falls.
    """
    later, earlier, primary = [NONE], [NONE], [NONE.astype(np.bool_)]
    apart = 1
    while (pairs := _pairs(identity, apart)).size:
        after, before = pairs + apart, pairs
        falls = value[after] < value[before]
        if falls.any():
            which = np.zeros(identity.count, dtype=np.bool_)
            which[after[np.argmax(falls)]] = True
            raise BadTables(f"{first_row(sheets, identity.cells, which)}: less than in an earlier release, yet the series is additive")
        small = _small(spec, value[after] - value[before], _risen(contributors, after, before))
        kept = small | (apart == 1) | any(table.suppliers for table in spec.tables)
        later.append(after[kept])
        earlier.append(before[kept])
        primary.append(small[kept])
        apart += 1
    found = np.concatenate(later), np.concatenate(earlier)
    return Differences(*found, *found, np.concatenate(primary), value[found[0]] - value[found[1]])


def revised(spec: Spec, sheets: Sequence[Sheet], identity: Identity, value: Ints, changed: Ints) -> Differences:
    """The differences of a revised series that tell of too few records: of two releases between which 1 to threshold - 1 were changed.

    Where there are suppliers, of any number: few of them may be others' (`supplied.telling`).

    `changed`: (count,) records changed in a cell since the release before, -1 where not known. BadTables where a count moved further than that.
    """
    if spec.counts:
        pairs = _pairs(identity, 1)
        moved = np.abs(value[pairs + 1] - value[pairs])
        wrong = pairs[(changed[pairs + 1] >= 0) & (moved > changed[pairs + 1])] + 1
        if len(wrong):
            which = np.arange(identity.count) == wrong[0]
            raise BadTables(f"{first_row(sheets, identity.cells, which)}: differs from the release before by more than changed says")
    later, earlier, told = [NONE], [NONE], [NONE]
    supplied = any(table.suppliers for table in spec.tables)
    total, apart = changed.copy(), 1
    while (pairs := _pairs(identity, apart)).size:
        after = pairs + apart
        # What changed between two releases is at most what changed on the way from one to the other, and unknown where a step is.
        if apart > 1:
            step = changed[pairs + 1]
            total[after] = np.where((total[after] >= 0) & (step >= 0), total[after] + step, -1)
        kept = (total[after] > 0) & ((total[after] < spec.fewest) | supplied)
        # Two zeros that the policy publishes tell of nobody, whoever came and went between them.
        kept &= ~(spec.zeros_published & (value[after] == 0) & (value[pairs] == 0))
        later.append(after[kept])
        earlier.append(pairs[kept])
        told.append(total[after][kept])
        apart += 1
    after, before = np.concatenate(later), np.concatenate(earlier)
    rose = value[after] >= value[before]
    larger, smaller = np.where(rose, after, before), np.where(rose, before, after)
    records = np.concatenate(told)
    return Differences(larger, smaller, after, before, records < spec.fewest, records)


def unchanged(spec: Spec, sheets: Sequence[Sheet], identity: Identity, value: Ints) -> tuple[Ints, Identity]:
    """(records changed in each cell since the release before, -1 where not known; the identity in which unchanged cells are one).

    Both by the new numbering. BadTables where a cell that did not change has another value, or there is no threshold to judge by.
    """
    changed = np.full(identity.count, -1, dtype=np.int64)
    for sheet, numbers in zip(sheets, identity.cells, strict=True):
        if sheet.changed is not None:
            if not spec.fewest:
                raise BadTables(f"{sheet.name}: the column changed needs a threshold to be judged by")
            own = numbers[sheet.position]
            wrong = (changed[own] >= 0) & (changed[own] != sheet.changed)
            if wrong.any():
                raise BadTables(f"{sheet.name}, row {int(np.argmax(wrong)) + 2}: changed conflicts with another row for the same cell")
            changed[own] = sheet.changed
    same = _pairs(identity, 1) + 1
    same = same[changed[same] == 0]
    wrong = same[value[same] != value[same - 1]]
    if len(wrong):
        which = np.arange(identity.count) == wrong[0]
        raise BadTables(f"{first_row(sheets, identity.cells, which)}: differs from the release before, yet changed says that nothing did")
    kept = np.setdiff1d(np.arange(identity.count), same)
    return changed[kept], merged(identity, same)


def _pairs(identity: Identity, apart: int) -> Ints:
    """The cells whose case stands, `apart` releases that have it later, in the cell with the number `apart` greater."""
    return np.flatnonzero(identity.case[apart:] == identity.case[:-apart])


def _risen(contributors: Ints, after: Ints, before: Ints) -> Ints:
    known = (contributors[after] >= 0) & (contributors[before] >= 0)
    return np.where(known, contributors[after] - contributors[before], 0)


def _small(spec: Spec, risen: Ints, people: Ints) -> Bools:
    """Where a rise tells of too few cases (counts), or of too few contributors more."""
    few = (people > 0) & (people < spec.fewest)
    return np.asarray((risen > 0) & (few | (risen < spec.strictest) if spec.counts else few))


def sums_of(declared: Sequence[Sum], sheets: Sequence[Sheet], cells: Sequence[Ints]) -> list[Rows]:
    """The rows of the declared sums; BadTables where tables do not match code by code, or show the same cells."""
    number = {sheet.name: place for place, sheet in enumerate(sheets)}
    found = []
    for entry in declared:
        total = sheets[number[entry.total]]
        for name in entry.parts:
            if not alike(total, sheets[number[name]]):
                raise BadTables(f"{entry.total}: is the sum of {name}, yet the two differ in their columns or hierarchies")
        own = [aligned(sheets[number[name]], cells[number[name]], total.columns) for name in (entry.total, *entry.parts)]
        rows = np.stack(own, axis=1)
        ordered = np.sort(rows, axis=1)
        if (ordered[:, 1:] == ordered[:, :-1]).any():
            raise BadTables(f"{entry.total}: shares cells with a part of its sum; give each a universe of its own")
        leaf = np.ones((), dtype=np.bool_)
        for hierarchy in total.hierarchies:
            leaf = np.logical_and.outer(leaf, [node not in hierarchy.children for node in range(len(hierarchy.codes))])
        found.append(Rows(rows, leaf.reshape(-1)))
    return found


def alike(one: Sheet, other: Sheet) -> bool:
    """Whether two sheets have the same columns under equal hierarchies."""

    def trees(sheet: Sheet) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
        return {column: (h.codes, h.parents) for column, h in zip(sheet.columns, sheet.hierarchies, strict=True)}

    return trees(one) == trees(other)


def merged(identity: Identity, same: Ints) -> Identity:
    """The identity with each of the cells `same` made one with the cell before it: the same case in the release before, unchanged."""
    step = np.ones(identity.count, dtype=np.int64)
    step[same] = 0
    number = np.cumsum(step) - 1
    kept = np.flatnonzero(step)
    return replace(
        identity,
        count=len(kept),
        cells=tuple(number[numbers] for numbers in identity.cells),
        case=identity.case[kept],
        release=identity.release[kept],
    )
