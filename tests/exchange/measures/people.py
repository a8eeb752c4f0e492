"""Who is who, by the rules of docs/linkage.md read once more: plain union-find over equal pseudonyms, rule by rule. No named person's joins or splits.

A record without any key is nobody's. A value held by more than ``most`` records links nothing. Parts that hang together by a rule's values become one, unless
that would give somebody two numbers of a single kind, or more than ``most`` records: then each value that would do so by itself is left out; and what of it still
hangs together wrongly is not linked by that rule at all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from agreements.fields import PseudonymiseRule
from agreements.linkage import Linkage
from agreements.model import Agreement, Dataset
from tests.exchange.measures.held import Held, Place

Value = object


def numbered(held: Held, linkage: str, datasets: Iterable[str]) -> dict[Place, list[int | None]]:
    """A number of a person for each row of these datasets, or None for nobody: (dataset, supplier) → one a row."""
    rules = next(one for one in held.agreement.linkages if one.name == linkage)
    places = [(name, supplier) for name in dict.fromkeys(datasets) for supplier in _dataset(held.agreement, name).suppliers]
    columns: dict[str, list[Value]] = {kind: [] for kind in rules.rules}
    for place in places:
        fields = {
            field.rule.kind: field.name for field in _dataset(held.agreement, place[0]).fields if isinstance(field.rule, PseudonymiseRule)
        }
        table = held.rows[place]
        for kind in rules.rules:
            columns[kind].extend(table[fields[kind]].to_pylist() if kind in fields else [None] * table.num_rows)
    person = people(columns, rules)
    found, start = {}, 0
    for place in places:
        end = start + held.rows[place].num_rows
        found[place] = person[start:end]
        start = end
    return found


def people(columns: Mapping[str, Sequence[Value]], rules: Linkage) -> list[int | None]:
    """A number for each record: the least record of its person; None for a record without a key."""
    parts = _Parts(columns, rules)
    for kind in rules.rules:
        parts.rule(columns[kind])
    keyed = [any(column[record] is not None for column in columns.values()) for record in range(parts.records)]
    return [parts.root(record) if has else None for record, has in enumerate(keyed)]


class _Parts:
    """Records in parts, each known by its least record: how many records it has, and its number of each single kind."""

    def __init__(self, columns: Mapping[str, Sequence[Value]], rules: Linkage) -> None:
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
            if value is not None and many[value] <= self.most:
                holders[value].add(self.root(record))
        for parts, values in _hanging(holders):
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


def _dataset(agreement: Agreement, name: str) -> Dataset:
    found = agreement.dataset(name)
    assert found is not None
    return found
