"""Records gathered into people by the values they share: stage by stage, over numbers alone, whatever order they come in.

A stage links the clusters that hold an equal value of one kind. What is allowed is decided for whole groups, never along a row of
merges, so that neither the order of records nor that of values makes a difference:

1. Clusters that hang together by the stage's values are one group. If it may be one person, it becomes one.
2. In a group that may not, each value is looked at by itself: one whose own clusters may not be one person links nothing.
3. What hangs together by the other values becomes one person if it may; if not, nothing in it is linked by this stage.

A group may be one person if it has no two different values of a kind of which a person has one only, no two values that a named person told
apart, and not more records than the most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exchange.releases.cells import Flags

Ints = np.ndarray[Any, np.dtype[np.int32]]
Longs = np.ndarray[Any, np.dtype[np.int64]]

NONE = -1


@dataclass(frozen=True)
class Stage:
    """What one stage refused: the values that would have brought different people together, and those that would have brought too many records."""

    refused: int
    too_common: int


@dataclass(frozen=True)
class Links:
    """Which cluster holds which value: two columns, each pair once."""

    cluster: Longs
    value: Longs

    def only(self, kept: Flags) -> "Links":
        return Links(self.cluster[kept], self.value[kept])


class Clusters:
    """A partition of records 0 to n-1. A cluster's number is that of its first record."""

    def __init__(self, records: int, single: Sequence[Ints], apart: Sequence[tuple[Longs, Longs]], most: int) -> None:
        """Every record by itself.

        Args:
            single: for each kind of which a person has one only, the value of each record (`NONE`: none).
            apart: pairs of lists of records: none of the one may be together with one of the other.
            most: the most records of one cluster.
        """
        self.label: Longs = np.arange(records, dtype=np.int64)
        self._size = np.ones(records, np.int64)
        self._single = [np.array(values) for values in single]
        self._most = most
        # The two sides of pair n are 2n and 2n + 1: which record is on which.
        sides = [side for pair in apart for side in pair]
        self._sided = np.concatenate([*sides, np.zeros(0, np.int64)]).astype(np.int64)
        self._side = np.repeat(np.arange(len(sides), dtype=np.int64), [len(side) for side in sides])

    def join(self, together: Sequence[Longs]) -> int:
        """Make one cluster of each list of records, because a named person said so; lists that share a record hang together.

        Neither the most records nor kinds of which a person has one only stand in the way: their different values count as one value from
        now on. What a named person told apart stays apart: the number of lists that were not joined because of it.
        """
        lists = [(self.label[records], np.full(len(records), place)) for place, records in enumerate(together) if len(records)]
        if not lists:
            return 0
        links = _distinct(np.concatenate([one for one, _ in lists]), np.concatenate([place for _, place in lists]))
        group = _components(links)
        parted = self._told_apart(links.cluster, group)[group]
        self._same_values(links.only(~parted), group[~parted])
        self._merge(links.cluster[~parted], group[~parted])
        return len(np.unique(links.value[parted]))

    def stage(self, values: Ints) -> Stage:
        """Link the clusters that share a value; `values`: of each record (`NONE`: none)."""
        held = np.flatnonzero(values != NONE)
        links = _shared(_distinct(self.label[held], values[held].astype(np.int64)))
        group = _components(links)
        differ, crowd = self._wrong(links.cluster, group)
        wrong = (differ | crowd)[group]
        self._merge(links.cluster[~wrong], group[~wrong])
        return self._value_by_value(links.only(wrong)) if wrong.any() else Stage(0, 0)

    def _value_by_value(self, links: Links) -> Stage:
        """Steps 2 and 3, on groups that may not be one person as a whole."""
        _, value = np.unique(links.value, return_inverse=True)
        differ, crowd = self._wrong(links.cluster, value)
        refused, too_common = int(differ.sum()), int((crowd & ~differ).sum())
        rest = links.only(~(differ | crowd)[value])
        group = _components(rest)
        differ, crowd = self._wrong(rest.cluster, group)
        wrong = (differ | crowd)[group]
        self._merge(rest.cluster[~wrong], group[~wrong])
        return Stage(refused + len(np.unique(rest.value[differ[group]])), too_common + len(np.unique(rest.value[(crowd & ~differ)[group]])))

    def _wrong(self, cluster: Longs, group: Longs) -> tuple[Flags, Flags]:
        """Of each group of clusters: may its records not be one person, and are there too many?"""
        pairs = _distinct(cluster, group)
        groups = int(group.max()) + 1 if len(group) else 0
        differ = self._told_apart(pairs.cluster, pairs.value)
        for values in self._single:
            held = values[pairs.cluster]
            known = held != NONE
            low, high = np.full(groups, np.iinfo(np.int32).max, np.int32), np.full(groups, NONE, np.int32)
            np.minimum.at(low, pairs.value[known], held[known])
            np.maximum.at(high, pairs.value[known], held[known])
            differ |= (high != NONE) & (low != high)
        records = np.zeros(groups, np.int64)
        np.add.at(records, pairs.value, self._size[pairs.cluster])
        return differ, records > self._most

    def _told_apart(self, cluster: Longs, group: Longs) -> Flags:
        """Of each group: does it hold records of both sides of a pair that was told apart?"""
        found = np.zeros(int(group.max()) + 1 if len(group) else 0, np.bool_)
        if not len(found) or not len(self._side):
            return found
        named = _distinct(self.label[self._sided], self._side)  # which clusters hold which side; few
        order = np.argsort(named.cluster, kind="stable")
        holders, sides = named.cluster[order], named.value[order]
        asked = np.isin(cluster, holders)
        begin, end = (np.searchsorted(holders, cluster[asked], where) for where in ("left", "right"))
        reached = np.repeat(group[asked], end - begin)
        side = np.concatenate([sides[first:last] for first, last in zip(begin, end, strict=True)] or [np.zeros(0, np.int64)])
        meeting = _distinct(reached, side)  # ordered by side: both sides of a pair are neighbours by number
        pair = _distinct(meeting.cluster, meeting.value // 2)
        both = np.unique(meeting.value // 2 * len(found) + meeting.cluster, return_counts=True)[1] > 1
        found[pair.cluster[both]] = True
        return found

    def _same_values(self, links: Links, group: Longs) -> None:
        """Values of one kind that meet in a group count as one value, wherever they stand."""
        for place, values in enumerate(self._single):
            held = values[links.cluster]
            known = held != NONE
            meeting = _distinct(held[known].astype(np.int64), group[known])
            if not len(meeting.value):
                continue
            class_of = _components(meeting)
            lowest = np.full(int(class_of.max()) + 1, np.iinfo(np.int64).max)
            np.minimum.at(lowest, class_of, meeting.cluster)
            alias = np.arange(int(values.max()) + 1)
            alias[meeting.cluster] = lowest[class_of]
            self._single[place] = np.where(values == NONE, NONE, alias[values]).astype(np.int32)

    def _merge(self, cluster: Longs, group: Longs) -> None:
        """Make one cluster of each group; its number is the lowest of theirs."""
        if not len(cluster):
            return
        pairs = _distinct(cluster, group)
        lowest = np.full(int(group.max()) + 1, len(self.label), np.int64)
        np.minimum.at(lowest, pairs.value, pairs.cluster)
        into = lowest[pairs.value]
        moved = pairs.cluster != into
        np.add.at(self._size, into[moved], self._size[pairs.cluster[moved]])
        for values in self._single:
            np.maximum.at(values, into, values[pairs.cluster])
        to = np.arange(len(self.label))
        to[pairs.cluster] = into
        self.label = to[self.label]


def too_common(values: Ints, most: int) -> tuple[Ints, int]:
    """The values with those left out that more than `most` records hold, and how many different ones these are."""
    counts = np.bincount(values[values != NONE])
    common = counts > most
    if not common.any():
        return values, 0
    return np.where((values != NONE) & common[values], np.int32(NONE), values), int(common.sum())


def across(labels: Longs, sources: Ints) -> Flags:
    """Of each record: is its cluster known to more than one source?"""
    low = np.full(int(labels.max(initial=NONE)) + 1, np.iinfo(np.int32).max, np.int32)
    high = np.full(len(low), NONE, np.int32)
    np.minimum.at(low, labels, sources)
    np.maximum.at(high, labels, sources)
    crossing: Flags = (low != high)[labels]
    return crossing


def _distinct(cluster: Longs, value: Longs) -> Links:
    """Each pair once, ordered by value and cluster."""
    width = int(cluster.max()) + 1 if len(cluster) else 1
    pairs = np.unique(value.astype(np.int64) * width + cluster)  # both are below 2^31
    return Links(pairs % width, pairs // width)


def _shared(links: Links) -> Links:
    """Only the values that more than one cluster holds; links are ordered by value."""
    same = links.value[1:] == links.value[:-1]
    return links.only(np.append(same, False) | np.insert(same, 0, False) if len(links.value) else np.zeros(0, np.bool_))


def _components(links: Links) -> Longs:
    """Of each link, the number (from 0) of what hangs together with it.

    Iterated minima: each value takes the lowest label of its clusters, each cluster the lowest of its values and, with it, the cluster that it
    was labelled by; labels of labels are followed at once, so that even a chain takes few rounds.
    """
    _, cluster = np.unique(links.cluster, return_inverse=True)
    _, value = np.unique(links.value, return_inverse=True)
    if not len(cluster):
        return np.zeros(0, np.int64)
    label = np.arange(int(cluster.max()) + 1)
    while True:
        low = np.full(int(value.max()) + 1, len(label))
        np.minimum.at(low, value, label[cluster])
        lower = label.copy()
        np.minimum.at(lower, cluster, low[value])
        np.minimum.at(lower, label[cluster], low[value])
        while not np.array_equal(lower[lower], lower):
            lower = lower[lower]
        if np.array_equal(lower, label):
            return np.unique(label[cluster], return_inverse=True)[1].astype(np.int64)
        label = lower
