"""Who is who, by the rules of docs/linkage.md read once more: plain union-find over equal keys, rule by rule. No named person's joins or splits.

A record without any key is nobody's. A value held by more than ``most`` records links nothing. Parts that hang together by a rule's values become one, unless
that would give somebody two numbers of a single kind, or more than ``most`` records: then each value that would do so by itself is left out; and what of it still
hangs together wrongly is not linked by that rule at all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Value = object


@dataclass(frozen=True)
class Rules:
    """A linkage of an agreement: kinds of key in the order in which they link, those of which a person has one, the most records of a person."""

    rules: Sequence[str]
    single: Sequence[str]
    most: int


def people(columns: Mapping[str, Sequence[Value]], rules: Rules) -> list[int | None]:
    """A number for each record: the least record of its person; None for a record without a key."""
    parts = _Parts(columns, rules)
    for kind in rules.rules:
        parts.rule(columns[kind])
    keyed = [any(column[record] is not None for column in columns.values()) for record in range(parts.records)]
    return [parts.root(record) if has else None for record, has in enumerate(keyed)]


class _Parts:
    """Records in parts, each known by its least record: how many records it has, and its number of each single kind."""

    def __init__(self, columns: Mapping[str, Sequence[Value]], rules: Rules) -> None:
        self.records = len(next(iter(columns.values())))
        self.parent = list(range(self.records))
        self.size = [1] * self.records
        self.most = rules.most
        self.single = [[{column[record]} - {None} for record in range(self.records)] for column in (columns[kind] for kind in rules.single)]

    def root(self, record: int) -> int:
        while self.parent[record] != record:
            self.parent[record] = self.parent[self.parent[record]]
            record = self.parent[record]
        return record

    def rule(self, column: Sequence[Value]) -> None:
        """Link by one kind."""
        many = Counter(value for value in column if value is not None)
        holders: dict[Value, set[int]] = defaultdict(set)
        for record, value in enumerate(column):
            if 1 < many.get(value, 0) <= self.most:
                holders[value].add(self.root(record))
        shared = {value: parts for value, parts in holders.items() if len(parts) > 1}
        for parts, values in _hanging(shared):
            if not self._may(parts):
                good = {value: holders[value] for value in values if self._may(holders[value])}
                for fewer, _ in _hanging(good):
                    if self._may(fewer):
                        self._unite(fewer)
                continue
            self._unite(parts)

    def _may(self, parts: Iterable[int]) -> bool:
        """Whether these may be one person."""
        found = list(parts)
        if len(found) < 2:
            return True
        if sum(self.size[part] for part in found) > self.most:
            return False
        return all(len(set().union(*(numbers[part] for part in found))) <= 1 for numbers in self.single)

    def _unite(self, parts: Iterable[int]) -> None:
        least, *others = sorted(parts)
        for other in others:
            self.parent[other] = least
            self.size[least] += self.size[other]
            for numbers in self.single:
                numbers[least] |= numbers[other]


def _hanging(holders: Mapping[Value, set[int]]) -> list[tuple[set[int], list[Value]]]:
    """Parts that hang together by what they hold, and by which values."""
    parent: dict[int, int] = {}

    def root(part: int) -> int:
        while parent.setdefault(part, part) != part:
            parent[part] = parent[parent[part]]
            part = parent[part]
        return part

    for parts in holders.values():
        first, *rest = parts
        for part in rest:
            parent[root(part)] = root(first)
        root(first)
    found: dict[int, tuple[set[int], list[Value]]] = {}
    for value, parts in holders.items():
        group = found.setdefault(root(next(iter(parts))), (set(), []))
        group[0].update(parts)
        group[1].append(value)
    return list(found.values())
