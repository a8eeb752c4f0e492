"""Clusters against a slow reading of the same rules with a union-find over sets, and the laws that make a linkage defensible."""

import random
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.releases.clusters import NONE, Clusters, across, too_common

Partition = frozenset[frozenset[int]]
Column = list[int]


@dataclass(frozen=True)
class Case:
    """Records with a value of each kind (or NONE); the first two kinds are single. Stages are the kinds in order."""

    columns: tuple[Column, ...]
    joins: tuple[tuple[int, ...], ...]
    apart: tuple[tuple[int, int, int], ...]  # kind, left, right
    most: int

    @property
    def records(self) -> int:
        return len(self.columns[0])


SINGLE = 2


@st.composite
def cases(draw: st.DrawFn, joins: bool = True) -> Case:
    records = draw(st.integers(1, 14))
    value = st.integers(NONE, 3)
    columns = tuple(draw(st.lists(value, min_size=records, max_size=records)) for _ in range(5))
    record = st.integers(0, records - 1)
    lists = draw(st.lists(st.lists(record, min_size=1, max_size=3, unique=True).map(tuple), max_size=2 if joins else 0))
    two = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)).filter(lambda found: found[1] != found[2])
    return Case(columns, tuple(lists), tuple(draw(st.lists(two, max_size=2))), draw(st.sampled_from([2, 3, 5, 20])))


def holders(case: Case, kind: int, value: int) -> list[int]:
    return [record for record, found in enumerate(case.columns[kind]) if found == value]


def clusters_of(case: Case) -> Clusters:
    apart = [tuple(np.array(holders(case, kind, side), np.int64) for side in (left, right)) for kind, left, right in case.apart]
    single = [np.array(column, np.int32) for column in case.columns[:SINGLE]]
    return Clusters(case.records, single, [(left, right) for left, right in apart], case.most)


def partition(labels: Iterable[int]) -> Partition:
    found: dict[int, set[int]] = {}
    for record, label in enumerate(labels):
        found.setdefault(int(label), set()).add(record)
    return frozenset(frozenset(members) for members in found.values())


def run(case: Case) -> tuple[list[Partition], list[tuple[int, int]], int]:
    """The partition after the joins and after each stage, what each stage refused, and the joins that were refused."""
    clusters = clusters_of(case)
    not_joined = clusters.join([np.array(sorted(one), np.int64) for one in case.joins])
    partitions, refused = [partition(clusters.label)], []
    for column in case.columns:
        done = clusters.stage(np.array(column, np.int32))
        refused.append((done.refused, done.too_common))
        partitions.append(partition(clusters.label))
    return partitions, refused, not_joined


# ------------------------------------------------------------------------------------------------------ the slow reading


def hang_together(sets: Sequence[frozenset[int]], shared: Sequence[AbstractSet[object]]) -> list[list[int]]:
    """Places of sets that hang together by what they share, by a union-find."""
    parent = list(range(len(sets)))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    for one in range(len(sets)):
        for other in range(one):
            if shared[one] & shared[other]:
                parent[root(one)] = root(other)
    groups: dict[int, list[int]] = {}
    for place in range(len(sets)):
        groups.setdefault(root(place), []).append(place)
    return list(groups.values())


class Slow:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.parts: list[frozenset[int]] = [frozenset({record}) for record in range(case.records)]
        self.single = [list(column) for column in case.columns[:SINGLE]]

    def apart(self, members: frozenset[int]) -> bool:
        sides = [(set(holders(self.case, kind, left)), set(holders(self.case, kind, right))) for kind, left, right in self.case.apart]
        return any(members & left and members & right for left, right in sides)

    def differ(self, members: frozenset[int]) -> bool:
        return self.apart(members) or any(len({column[record] for record in members} - {NONE}) > 1 for column in self.single)

    def unite(self, parts: Iterable[frozenset[int]]) -> None:
        chosen = list(parts)
        self.parts = [part for part in self.parts if part not in chosen] + ([frozenset().union(*chosen)] if chosen else [])

    def join(self) -> int:
        refused = 0
        lists = [frozenset(one) for one in self.case.joins]
        for group in hang_together(lists, [set(one) for one in lists]):
            members = frozenset().union(*(lists[place] for place in group))
            if self.apart(members):
                refused += len(group)
                continue
            for column in self.single:
                self.same(column, {column[record] for record in members} - {NONE})
            self.unite(part for part in list(self.parts) if part & members)
        return refused

    @staticmethod
    def same(column: Column, values: set[int]) -> None:
        for record, value in enumerate(column):
            if value in values:
                column[record] = min(values)

    def stage(self, column: Column) -> tuple[int, int]:
        refused = crowded = 0

        def values(part: frozenset[int], leaving: set[int]) -> set[int]:
            return {column[record] for record in part} - {NONE} - leaving

        left_out: set[int] = set()
        for last in (False, True):
            parts = list(self.parts)
            for group in hang_together(parts, [values(part, left_out) for part in parts]):
                members = frozenset().union(*(parts[place] for place in group))
                if len(group) == 1:
                    continue
                if not self.differ(members) and len(members) <= self.case.most:
                    self.unite(parts[place] for place in group)
                    continue
                tried = set().union(*(values(parts[place], left_out) for place in group))
                for value in tried:
                    sharing = [parts[place] for place in group if value in values(parts[place], left_out)]
                    whole = members if last else frozenset().union(*sharing)
                    if len(sharing) < 2:
                        continue
                    if self.differ(whole):
                        refused += 1
                    elif len(whole) > self.case.most:
                        crowded += 1
                    else:
                        continue
                    if not last:
                        left_out.add(value)
        return refused, crowded


@settings(max_examples=400)
@given(cases())
def test_clusters_are_what_a_slow_reading_of_the_rules_gives(case: Case) -> None:
    partitions, refused, not_joined = run(case)
    slow = Slow(case)
    assert slow.join() == not_joined
    assert partitions[0] == frozenset(slow.parts)
    for column, found, counts in zip(case.columns, partitions[1:], refused, strict=True):
        assert slow.stage(column) == counts
        assert found == frozenset(slow.parts)


# ----------------------------------------------------------------------------------------------------------------- laws


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_records_and_the_names_of_values_make_no_difference(case: Case, dice: random.Random) -> None:
    order = list(range(case.records))
    dice.shuffle(order)  # order[new] = old
    place = {old: new for new, old in enumerate(order)}
    names = [dict(zip(range(4), dice.sample(range(10), 4), strict=True)) | {NONE: NONE} for _ in case.columns]
    columns = tuple([named[column[old]] for old in order] for named, column in zip(names, case.columns, strict=True))
    joins = tuple(tuple(place[record] for record in one) for one in case.joins)
    apart = tuple((kind, names[kind][left], names[kind][right]) for kind, left, right in case.apart)
    here, there = run(case), run(Case(columns, joins, apart, case.most))
    back = [frozenset(frozenset(order[record] for record in part) for part in parts) for parts in there[0]]
    assert (here[0], here[1], here[2]) == (back, there[1], there[2])


@given(cases())
def test_what_an_earlier_rule_linked_a_later_one_only_adds_to(case: Case) -> None:
    partitions, _, _ = run(case)
    for before, after in pairwise(partitions):
        assert all(any(part <= whole for whole in after) for part in before)


@given(cases(joins=False))
def test_nobody_has_two_values_of_a_single_kind_nor_more_records_than_the_most(case: Case) -> None:
    for parts in run(case)[0]:
        for part in parts:
            assert len(part) <= case.most
            for column in case.columns[:SINGLE]:
                assert len({column[record] for record in part} - {NONE}) <= 1


@given(cases())
def test_what_was_told_apart_is_never_together(case: Case) -> None:
    for parts in run(case)[0]:
        for kind, left, right in case.apart:
            assert not any(part & set(holders(case, kind, left)) and part & set(holders(case, kind, right)) for part in parts)


@given(cases())
def test_joined_records_are_together_unless_they_were_told_apart(case: Case) -> None:
    partitions, _, not_joined = run(case)
    together = [one for one in case.joins if any(set(one) <= part for part in partitions[-1])]
    assert len(together) >= len(case.joins) - not_joined


@given(cases())
def test_records_are_only_linked_by_what_they_share(case: Case) -> None:
    """Without refusals a cluster is what hangs together by values and joins; with them it is a part of that, never more."""
    shared = [
        {(kind, column[record]) for kind, column in enumerate(case.columns) if column[record] != NONE} for record in range(case.records)
    ]
    for place, one in enumerate(case.joins):
        for record in one:
            shared[record].add((NONE, place))
    singles = [frozenset({record}) for record in range(case.records)]
    widest = [set(group) for group in hang_together(singles, shared)]
    partitions, refused, not_joined = run(case)
    assert all(any(part <= whole for whole in widest) for part in partitions[-1])
    if not any(refused_here for counts in refused for refused_here in counts) and not not_joined:
        assert partitions[-1] == frozenset(frozenset(whole) for whole in widest)


# ---------------------------------------------------------------------------------------------------------- known cases


def labels(case: Case) -> Partition:
    return run(case)[0][-1]


def test_an_ambiguous_record_belongs_to_nobody() -> None:
    """Two people of one name and date of birth, and a record that has nothing else: it may be either's."""
    case = Case(([0, 1, NONE], [NONE] * 3, [5, 5, 5], [NONE] * 3, [NONE] * 3), (), (), 20)
    found, refused, _ = run(case)
    assert found[-1] == {frozenset({0}), frozenset({1}), frozenset({2})}
    assert refused[2] == (1, 0)


def test_a_bad_value_does_not_spoil_the_good_ones_beside_it() -> None:
    """Values 5 and 6 link three clusters; 7 would add another person: it alone is refused."""
    stage = [5, 5, NONE, 7, 7]
    case = Case(([0, NONE, 0, 0, 1], [NONE] * 5, stage, [NONE] * 5, [NONE] * 5), (), (), 20)
    found, refused, _ = run(case)
    assert found[-1] == {frozenset({0, 1, 2, 3}), frozenset({4})}
    assert refused[2] == (1, 0)


def test_a_chain_between_two_people_is_refused_as_a_whole() -> None:
    """First and last differ; in between, each value by itself would do: neither is better than the other."""
    case = Case(([0, NONE, NONE, 1], [NONE] * 4, [NONE, 5, 5, NONE], [1, 1, NONE, NONE], [NONE, NONE, 2, 2]), (), (), 20)
    found, refused, _ = run(case)
    assert found[-1] == {frozenset({0, 1, 2}), frozenset({3})}
    assert [counts[0] for counts in refused] == [0, 0, 0, 0, 1]


def test_a_join_makes_two_numbers_one_persons() -> None:
    """Somebody was given two numbers: a named person says so, and what follows either number follows both."""
    columns = ([0, 1, 0, 1], [NONE] * 4, [5, NONE, NONE, 5], [NONE] * 4, [NONE] * 4)
    assert len(labels(Case(columns, (), (), 20))) == 2
    assert labels(Case(columns, ((0, 1),), (), 20)) == {frozenset({0, 1, 2, 3})}


def test_a_split_parts_what_a_strong_number_joined_and_beats_a_join() -> None:
    columns = ([0, 0], [NONE] * 2, [5, 6], [NONE] * 2, [NONE] * 2)
    assert len(labels(Case(columns, (), (), 20))) == 1
    assert len(labels(Case(columns, (), ((2, 5, 6),), 20))) == 2
    assert run(Case(columns, ((0, 1),), ((2, 5, 6),), 20))[2] == 1


def test_a_long_chain_is_one_person() -> None:
    """Ten thousand clusters in a row, each sharing a value with the next, in an order that no iteration likes."""
    length = 10_000
    order = np.random.default_rng(5).permutation(length)
    clusters = Clusters(length, [], [], length)
    pairs = np.empty(length, np.int32)
    for shift in (0, 1):
        pairs[order] = (np.arange(length) + shift) // 2
        clusters.stage(pairs)
    assert len(np.unique(clusters.label)) == 1


def test_common_values_link_nothing_and_are_counted() -> None:
    values, count = too_common(np.array([1, 1, 1, 2, 2, NONE], np.int32), 2)
    assert (values.tolist(), count) == ([NONE, NONE, NONE, 2, 2, NONE], 1)
    untouched, none = too_common(np.array([NONE, NONE], np.int32), 1)
    assert (untouched.tolist(), none) == ([NONE, NONE], 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=12))
def test_whether_more_than_one_source_knows_a_cluster(pairs: list[tuple[int, int]]) -> None:
    found: Mapping[int, set[int]] = {label: {source for one, source in pairs if one == label} for label, _ in pairs}
    label, source = np.array([one for one, _ in pairs], np.int64), np.array([two for _, two in pairs], np.int32)
    assert across(label, source).tolist() == [len(found[one]) > 1 for one, _ in pairs]


@pytest.mark.parametrize("records", [0, 1])
def test_nothing_to_link(records: int) -> None:
    clusters = Clusters(records, [np.full(records, NONE, np.int32)], [], 5)
    assert clusters.join([]) == 0
    assert clusters.stage(np.full(records, NONE, np.int32)).refused == 0
    assert clusters.label.tolist() == list(range(records))
