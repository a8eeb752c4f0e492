"""Releases of one series: the differences that an intruder who has two of them can take."""

from dataclasses import dataclass

import numpy as np

from exchange.disclosure.attack.document import Document
from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.errors import BadTables


@dataclass(frozen=True)
class Differences:
    """(d,) differences of cells `later` less `earlier`. `target`: must not be worked out; `equal`: known to be nothing (a revision that

    left the cell alone); `moved`: records that came or went, -1 = not known; `floor`: what is known to be the least, -inf = nothing is known.
    """

    later: Array
    earlier: Array
    target: Mask
    equal: Mask
    moved: Array
    floor: float


def differences(document: Document, case: Array, value: Array, people: Array, changed: Array) -> Differences:
    """The differences in a series over cells in the order of `same_cells`. `people`, `changed`: contributors of a cell, and records changed
    in it since the release before, -1 = not known. BadTables where the values belie the relation.
    """
    nothing = np.zeros(0, dtype=np.int64)
    later, target = [nothing], [nothing.astype(np.bool_)]
    apart, steps, moved = 1, [nothing], [nothing]
    # What is large to all may be small but for one supplier's part, however far apart the releases are.
    every, additive = any(entry["suppliers"] for entry in document.tables.values()), document.relation == "additive"
    total = changed.astype(np.int64).copy()
    while document.relation != "same" and (earlier := np.flatnonzero(case[apart:] == case[:-apart])).size:
        after = earlier + apart
        rise = value[after] - value[earlier]
        if additive:
            if (rise < 0).any():
                raise BadTables("a cell is less than in an earlier release, yet the series is additive")
            few = (people[after] >= 0) & (people[earlier] >= 0) & (people[after] > people[earlier])
            small = (rise > 0) & few & (people[after] - people[earlier] < document.fewest)
            if document.counts:
                small |= (rise > 0) & (rise < document.strictest)
        else:
            if apart > 1:
                step = changed[earlier + 1]
                total[after] = np.where((total[after] >= 0) & (step >= 0), total[after] + step, -1)
            elif document.counts and ((changed[after] >= 0) & (np.abs(rise) > changed[after])).any():
                raise BadTables("a cell differs from the release before by more than changed says")
            small = (total[after] > 0) & (total[after] < document.fewest)
            # Noughts that the policy publishes are known in both releases: nobody is left in either who could be told of.
            small &= ~(document.zeros_published & (value[after] == 0) & (value[earlier] == 0))
        kept = small | (every & (additive | (total[after] > 0)))
        if apart == 1:
            kept |= additive | (changed[after] == 0)
        later.append(after[kept])
        target.append(small[kept])
        moved.append(total[after][kept])
        steps.append(np.full(int(kept.sum()), apart))
        apart += 1
    after, small = np.concatenate(later), np.concatenate(target)
    before = after - np.concatenate(steps)
    equal = (changed[after] == 0) & (after - before == 1) & (document.relation == "revised")
    if (value[after] != value[before])[equal].any():
        raise BadTables("a cell differs from the release before, yet changed says that nothing did")
    return Differences(after, before, small, equal, np.concatenate(moved), 0.0 if additive else -np.inf)
