"""Phase 4: which derived figures can be published beside the tables without telling too much about hidden cells."""

from collections.abc import Callable, Iterator

import numpy as np

from exchange.disclosure.insiders import knowing
from exchange.disclosure.knowledge import Statement
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.table import TableSet
from exchange.disclosure.witnesses import Witnesses

Limits = dict[int, tuple[int, int]]
"""How often, at most, each of some witnesses can still be made backwards and forwards, by its number."""


def publishable(tables: TableSet, hidden: Bools, witnesses: Witnesses, done: Callable[[int, int], None]) -> Bools:
    """(statements,) whether each can be published: at once where all its cells are, else where every proof stands with its bounds added.

    Those are tried one by one, the largest cells first, and what is published is added for good: the witnesses are cut accordingly.
    """
    published = np.array([not hidden[list(statement.cells)].any() for statement in tables.statements], dtype=np.bool_)
    waiting = [int(number) for number in np.flatnonzero(~published)]
    size = {number: int(tables.value[list(tables.statements[number].cells)].sum()) for number in waiting}
    for tried, number in enumerate(sorted(waiting, key=lambda number: (-size[number], number)), start=1):
        done(tried, len(waiting))
        limits = _limits(tables.value, tables.statements[number], witnesses)
        published[number] = limits is not None and _cut(tables.contributor, witnesses, limits)
    return published


def rooms(value: Ints, statement: Statement) -> Iterator[tuple[dict[int, int], int]]:
    """For each bound of a statement the factor of each cell, and by how much the true values more than keep it."""
    for cells, factors, least in statement.bounds:
        by_cell: dict[int, int] = {}
        for cell, factor in zip(cells, factors, strict=True):
            by_cell[cell] = by_cell.get(cell, 0) + factor
        yield by_cell, sum(factor * int(value[cell]) for cell, factor in by_cell.items()) - least


def _limits(value: Ints, statement: Statement, witnesses: Witnesses) -> Limits | None:
    """What the bounds of a statement leave of the witnesses that they cut; None where the true values break a bound."""
    limits: Limits = {}
    for factors, room in rooms(value, statement):
        if room < 0:
            return None
        for number, push in witnesses.pushes(factors).items():
            back, forth = limits.get(number, witnesses.ends(number))
            if push > 0:
                back = min(back, room // push)
            elif push < 0:
                forth = min(forth, room // -push)
            limits[number] = back, forth
    return {number: ends for number, ends in limits.items() if ends != witnesses.ends(number)}


def _cut(contributor: Ints, witnesses: Witnesses, limits: Limits) -> bool:
    """Cut witnesses if every primary cell that they prove stays proven; else leave them as they were."""
    before = {number: witnesses.ends(number) for number in limits}
    touched = witnesses.limit(limits)
    if all(witnesses.met(key) and not _falls(contributor, witnesses, key) for key in touched):
        return True
    witnesses.limit(before)
    return False


def _falls(contributor: Ints, witnesses: Witnesses, key: int) -> bool:
    """Whether some contributor to other cells knows everything that could still move a primary cell."""
    guarded = key < len(contributor) and bool((contributor >= 0).any())
    return guarded and bool(knowing(key, witnesses.proofs(key), contributor))
