"""Hidden cells that rise and fall as one, and the sums that say something new about them: the same question, many times smaller.

A sum in which only two cells are hidden makes each the other's double or its mirror; a sum with one hidden cell pins it down. Both are
carried through until nothing changes. Of the sums left, those that follow from others are dropped. Nothing here depends on any value.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.attack.long import Array, Mask

_LONGEST = 40
"""Sums that grow longer than this while dependent ones are looked for are kept as they stand."""

Row = dict[int, int]


@dataclass(frozen=True)
class Merged:
    """(m,) `leader` of each cell and its `sense` (the cell's change is sense x the leader's; 0 = pinned down), and the sums over leaders."""

    leader: Array
    sense: Array
    row: Array
    cell: Array
    factor: Array


def merge(count: int, row: Array, cell: Array, factor: Array, keep: Mask) -> Merged:
    """Merge `count` cells by the entries (row, cell, factor) of sums of unknown cells; `keep`: (rows,) sums that must stay as they are."""
    rows = _gather(row, cell, factor)
    leader, sense = list(range(count)), [1] * count
    follow_up = _Doubles(leader, sense)
    short = [number for number, entries in rows.items() if len(entries) <= 2 and not keep[number]]
    stands: dict[int, list[int]] = {}
    for number, entries in rows.items():
        for member in entries:
            stands.setdefault(member, []).append(number)
    while short:
        number = short.pop()
        entries = rows[number]
        for gone in follow_up.join(entries):
            for other in stands.pop(gone, ()):
                changed = rows[other]
                amount = changed.pop(gone, 0)
                if amount and sense[gone]:
                    head = leader[gone]
                    total = changed.get(head, 0) + amount * sense[gone]
                    if total:
                        changed[head] = total
                        stands.setdefault(head, []).append(other)
                    else:
                        changed.pop(head, None)
                if len(changed) <= 2 and not keep[other]:
                    short.append(other)
    follow_up.flatten()
    return _finish(leader, sense, rows, keep)


def _gather(row: Array, cell: Array, factor: Array) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for number, member, amount in zip(row.tolist(), cell.tolist(), factor.tolist(), strict=True):
        entries = rows.setdefault(number, {})
        total = entries.get(member, 0) + amount
        if total:
            entries[member] = total
        else:
            del entries[member]
    return rows


class _Doubles:
    """Union with signs."""

    def __init__(self, leader: list[int], sense: list[int]) -> None:
        self._leader, self._sense = leader, sense
        self._weight: dict[int, int] = {}

    def join(self, entries: Row) -> list[int]:
        """What a sum of one or two cells makes of them: the cells that lead no more."""
        if len(entries) == 1:
            (only,) = entries
            self._sense[only] = 0
            return [only]
        if len(entries) == 2:
            (one, first), (other, second) = entries.items()
            if abs(first) == abs(second):
                if self._weight.get(one, 1) < self._weight.get(other, 1):
                    one, other = other, one
                self._leader[other], self._sense[other] = one, -first * second // (first * first)
                self._weight[one] = self._weight.get(one, 1) + self._weight.get(other, 1)
                return [other]
        return []

    def flatten(self) -> None:
        """Every cell straight to the one that leads it."""
        leader, sense = self._leader, self._sense
        for member in range(len(leader)):
            chain = []
            at = member
            while leader[at] != at:
                chain.append(at)
                at = leader[at]
            through = 1 if sense[at] else 0
            for step in reversed(chain):
                through *= sense[step]
                leader[step], sense[step] = at, through
                # Its own sense is now the way straight to the top: what comes below it multiplies that.


def _finish(leader: list[int], sense: list[int], rows: dict[int, Row], keep: Mask) -> Merged:
    seen: set[tuple[tuple[int, int], ...]] = set()
    plain, kept = [], []
    for number, entries in rows.items():
        if keep[number]:
            kept.append((number, entries))
            continue
        if entries:
            flip = 1 if entries[min(entries)] > 0 else -1
            form = tuple(sorted((member, amount * flip) for member, amount in entries.items()))
            if form not in seen:
                seen.add(form)
                plain.append((number, dict(form)))
    new = _independent([entries for _, entries in plain])
    final = [plain[at] for at in new] + kept
    lengths = [len(entries) for _, entries in final]
    return Merged(
        np.array(leader, dtype=np.int64),
        np.array(sense, dtype=np.int64),
        np.repeat(np.array([number for number, _ in final], dtype=np.int64), lengths),
        np.array([member for _, entries in final for member in entries], dtype=np.int64),
        np.array([amount for _, entries in final for amount in entries.values()], dtype=np.int64),
    )


def _independent(original: list[Row]) -> list[int]:
    """Numbers of the sums from which the others follow, found by elimination, shortest sum first."""
    rows = [dict(entries) for entries in original]
    stands: dict[int, set[int]] = {}
    for number, entries in enumerate(rows):
        for member in entries:
            stands.setdefault(member, set()).add(number)
    queue = [(len(entries), number) for number, entries in enumerate(rows)]
    heapq.heapify(queue)
    used: set[int] = set()
    found = []
    while queue:
        length, number = heapq.heappop(queue)
        entries = rows[number]
        if number in used or length != len(entries):
            continue
        used.add(number)
        if not length:
            continue
        found.append(number)
        for member in entries:
            stands[member].discard(number)
        unit = [(len(stands[member]), member) for member, amount in entries.items() if abs(amount) == 1]
        if not unit or length > _LONGEST:
            continue
        pivot = min(unit)[1]
        for other in list(stands[pivot]):
            changed = rows[other]
            times = -changed[pivot] * entries[pivot]
            for member, amount in entries.items():
                total = changed.get(member, 0) + times * amount
                if total:
                    changed[member] = total
                    stands[member].add(other)
                elif member in changed:
                    del changed[member]
                    stands[member].discard(other)
            heapq.heappush(queue, (len(changed), other))
    return sorted(found)
