"""Cells that editions have in common, whatever their tables, and by how much each has changed from one edition to the next that has it."""

from collections.abc import Mapping, Sequence

import numpy as np

from exchange.releases.cells import Axis, Counts, Flags
from exchange.releases.errors import Unconnected

Cells = tuple[Counts, Counts]
"""(n,) what each cell is, in order; (suppliers + 1, n) each supplier's part of it, then its count."""


def cells_of(columns: Mapping[str, Axis], rest: Sequence[Axis], parts: Sequence[Counts], counts: Counts) -> Cells:
    """The cells of a table: one number for each combination of codes that are no totals, whatever table it stands in."""
    keys, size = np.zeros((1,) * len(rest), dtype=np.int64), 1
    along = {axis.name: number for number, axis in enumerate(rest)}
    for name, column in columns.items():
        if name in along and len(column.codes) > 1:  # an only category is all of them
            digit = {code: number for number, code in enumerate(column.codes, start=1)}
            digits = np.array([0, *(digit[code] for code in rest[along[name]].codes)], dtype=np.int64)
            keys = keys + size * digits.reshape([-1 if axis == along[name] else 1 for axis in range(len(rest))])
        size *= len(column.all_codes)
    shape = tuple(len(axis.all_codes) for axis in rest)
    return np.broadcast_to(keys, shape).reshape(-1), np.stack([part.reshape(-1) for part in (*parts, counts)])


def once(found: Sequence[Cells]) -> Cells:
    """The cells of all tables of one edition, each once, in order."""
    keys, first = np.unique(np.concatenate([keys for keys, _ in found]), return_index=True)
    return keys, np.concatenate([parts for _, parts in found], axis=1)[:, first]


def _places(cells: Cells, keys: Counts) -> tuple[Flags, Counts]:
    """(n,) which of these cells are among those; of them, in order, their places there."""
    places = np.minimum(np.searchsorted(cells[0], keys), len(cells[0]) - 1)
    there = np.asarray(cells[0][places] == keys)
    return there, places[there]


def _apart(one: Counts, other: Counts) -> Counts:
    """(n,) by how many units cells differ, at the least."""
    return np.asarray(np.maximum(np.abs(one - other)[:-1].sum(axis=0), np.abs(one - other)[-1]))


def changed_since(before: Sequence[Cells], now: Cells, otherwise: int) -> Counts:
    """(n,) at least how many units came to or left each cell since the last edition that has it: what each supplier's part differs by, added up."""
    changed = np.full(len(now[0]), otherwise, dtype=np.int64)
    for one in before:
        there, places = _places(one, now[0])
        changed[there] = _apart(now[1][:, there], one[1][:, places])
    return changed


def exchanged_since(before: Sequence[Cells], now: Cells) -> Flags:
    """(n,) the cells that other units are in than in the last edition that has it, by their cell keys: what ``Cells`` holds here is these alone."""
    found = np.zeros(len(now[0]), dtype=np.bool_)
    for one in before:
        there, places = _places(one, now[0])
        found[there] = now[1][0, there] != one[1][0, places]
    return found


def require_adjacent(threshold: int, seen: Sequence[Cells], keys: Sequence[Cells] = ()) -> None:
    """Unconnected where a cell changed by much and nearly changed back.

    The engine adds up what changed on the way from one edition to another. What went away and came back would look like much, and is little.
    ``keys``: of the same cells their cell keys; as many other people than before count as much, unless the two editions differ in nothing else.
    """
    for number, (cells, first) in enumerate(seen):
        since, last = np.zeros(len(cells), dtype=np.int64), first.copy()
        first_key = keys[number][1][0] if keys else np.zeros_like(cells)
        last_key = first_key.copy()
        for place, later in enumerate(seen[number + 1 :], number + 1):
            there, places = _places(later, cells)
            parts = later[1][:, places]
            key = keys[place][1][0, places] if keys else first_key[there]
            step, apart = _apart(parts, last[:, there]), _apart(parts, first[:, there])
            since[there] += np.where((step == 0) & (key != last_key[there]), threshold, step)
            near = (apart < threshold) & ~((apart == 0) & (key != first_key[there]))
            if ((since[there] >= threshold) & near).any():
                raise Unconnected("some cells changed and nearly changed back")
            last[:, there], last_key[there] = parts, key
