"""Suppliers' own parts of the cells, one CSV a table, read strictly: what each of them knows and must not learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.columns import Columns, Numbers, numbers, once, only, places, read_columns
from exchange.disclosure.errors import BadTables
from exchange.disclosure.knowledge import Supplier
from exchange.disclosure.relations import Relations
from exchange.disclosure.releases import Differences
from exchange.disclosure.sheets import Bools, Ints, Sheet
from exchange.disclosure.spec import Files, Spec

MOST_ROUNDS = 100
"""How often what sums say of cells without a file is gone through: as often as it is passed on, in sets with as many levels as any has."""


@dataclass(frozen=True)
class Owned:
    """`covered`: (count,) cells of which files of parts, or the sums they stand in, say each supplier's part exactly.

    `share`, `most`: each supplier's (count,) part of every cell, at least and at most; the same two where it is covered.
    """

    covered: Bools
    share: Mapping[str, Ints]
    most: Mapping[str, Ints]


class Parts:
    """One table's file of suppliers' parts. `position`, `part`: (rows,) place in the table, and how much; `names`: the suppliers, sorted."""

    def __init__(self, files: Files, sheet: Sheet, file: str, *, counts: bool) -> None:
        where = f"{sheet.name}, suppliers"
        columns = read_columns(files, where, file)
        only(where, columns, sheet.columns, ("supplier", "value"))
        if not {"supplier", "value"} <= set(columns):
            raise BadTables(f"{where}, row 1: there must be columns supplier and value")
        self.where = where
        self.sheet = sheet
        self.position = places(where, [columns[name] for name in sheet.columns], sheet.hierarchies)
        self.part: Numbers = numbers(where, columns["value"], whole=counts)
        self.names, supplier = _named(where, columns)
        once(where, supplier * (int(self.position.max()) + 1) + self.position)
        self._order = np.argsort(supplier, kind="stable")
        self._first = np.searchsorted(supplier[self._order], np.arange(len(self.names) + 1))

    def of(self, supplier: str, decimals: int) -> tuple[Ints, Ints]:
        """(positions,) the supplier's part at each place of the table, and the row that says so (-1: none, so nothing)."""
        part = np.zeros(len(self.sheet.position), dtype=np.int64)
        row = np.full(len(part), -1, dtype=np.int64)
        if supplier in self.names:
            number = self.names.index(supplier)
            mine = self._order[int(self._first[number]) : int(self._first[number + 1])]
            row[self.position[mine]] = mine
            part[self.position[mine]] = self.part.at(mine).units(decimals)
        return part, row

    def refuse(self, row: int, why: str) -> BadTables:
        """The error for a row of the file; for a row left out, which says that there is nothing, for the whole file."""
        return BadTables(
            f"{self.where}, row {row + 2}: {why}" if row >= 0 else f"{self.where}: a row is left out where it is needed: {why}"
        )


def _named(where: str, columns: Columns) -> tuple[list[str], Ints]:
    blank = pc.equal(columns["supplier"], "")
    if pc.any(blank).as_py():
        raise BadTables(f"{where}, row {pc.index(blank, True).as_py() + 2}: no supplier is named")
    names = sorted(pc.unique(columns["supplier"]).to_pylist())
    return names, pc.index_in(columns["supplier"], pa.array(names, pa.string())).to_numpy().astype(np.int64)


def read_parts(files: Files, spec: Spec, sheets: Sequence[Sheet]) -> dict[int, Parts]:
    """The files of suppliers' parts, by the number of their table."""
    named = {number: table.suppliers for number, table in enumerate(spec.tables) if table.suppliers}
    return {number: Parts(files, sheets[number], file, counts=spec.counts) for number, file in named.items()}


def shares(parts: Mapping[int, Parts], cells: Sequence[Ints], relations: Relations, value: Ints, decimals: int) -> Owned:
    """What each supplier has of every cell.

    BadTables where a part is more than its cell, differs between two tables, or is not the sum of the parts below it.
    """
    covered = np.zeros(len(value), dtype=np.bool_)
    for number in parts:
        covered[cells[number]] = True
    found, most = {}, {}
    exact = np.ones(len(value), dtype=np.bool_)
    for name in sorted({name for part in parts.values() for name in part.names}):
        share = np.full(len(value), -1, dtype=np.int64)
        for number, part in parts.items():
            own, row = part.of(name, decimals)
            fresh = share[cells[number]] < 0
            share[cells[number][fresh]] = own[fresh]
            for wrong, why in (
                (own != share[cells[number]], "conflicts with another row for the same cell"),
                (own > value[cells[number]], "more than the whole cell"),
            ):
                if wrong.any():
                    raise part.refuse(int(row[wrong].max()), why)
        found[name] = np.maximum(share, 0)
        unbalanced = _unbalanced(relations, covered, found[name])
        if len(unbalanced):
            raise _place(parts, cells, name, unbalanced)
        found[name], most[name] = _deduced(relations, covered, found[name], value)
        exact &= found[name] == most[name]
    return Owned(exact if found else covered, found, most)


def _deduced(relations: Relations, covered: Bools, share: Ints, value: Ints) -> tuple[Ints, Ints]:
    """(count,) a supplier's part of every cell, at least and at most: what no file speaks of stands in sums with what one does."""
    least, most = np.where(covered, share, 0), np.where(covered, share, value)
    cells, plus, first = relations.cells, relations.signs > 0, relations.start[:-1]
    for _ in range(0 if covered.all() or not len(cells) else MOST_ROUNDS):
        low, high = np.where(plus, least[cells], -most[cells]), np.where(plus, most[cells], -least[cells])
        # All terms of a sum come to nothing: each is what the others leave.
        lengths = np.diff(relations.start)
        above = low - np.repeat(np.add.reduceat(low, first), lengths)
        below = high - np.repeat(np.add.reduceat(high, first), lengths)
        closer = least.copy(), most.copy()
        np.maximum.at(closer[0], cells, np.where(plus, below, -above))
        np.minimum.at(closer[1], cells, np.where(plus, above, -below))
        if (closer[0] > closer[1]).any() or ((closer[0] == least) & (closer[1] == most)).all():
            break
        least, most = closer
    return least, most


def _unbalanced(relations: Relations, covered: Bools, share: Ints) -> Ints:
    """The cells of a sum, the total first, that a supplier's parts do not keep; sums over cells not spoken of do not count."""
    if not len(relations.cells):
        return relations.cells
    whole = np.logical_and.reduceat(covered[relations.cells], relations.start[:-1])
    wrong = whole & (np.add.reduceat(relations.signs * share[relations.cells], relations.start[:-1]) != 0)
    row = int(np.argmax(wrong))
    return relations.cells[int(relations.start[row]) : int(relations.start[row + int(wrong.any())])]


def _place(parts: Mapping[int, Parts], cells: Sequence[Ints], name: str, wrong: Ints) -> BadTables:
    """The error at the row of the total; where that was left out, at a row of one of its parts."""
    for cell in wrong.tolist():
        for number, part in parts.items():
            rows = part.of(name, 0)[1][cells[number] == cell]
            if len(rows) and int(rows.max()) >= 0:
                return part.refuse(int(rows.max()), "a supplier's parts do not add up")
    return BadTables("a supplier's parts do not add up")


def telling(spec: Spec, owned: Owned, value: Ints, differences: Differences) -> Differences:
    """Those of `differences` that must be watched: of neighbouring releases, primary ones, and rises few of which some supplier did not send.

    `value`: (count,) of the cells that stand in tables.
    """
    kept = differences.primary | ((differences.later - differences.earlier == 1) & (spec.relation == "additive"))
    if kept.all():
        return differences
    every = np.concatenate([value, value[differences.larger] - value[differences.smaller]])
    for share in owned.share.values():
        kept |= _few_of_others(spec, owned.covered, share, every, differences)
    return Differences(*(getattr(differences, column.name)[kept] for column in fields(differences)))


def suppliers(spec: Spec, owned: Owned, value: Ints, primary: Bools, differences: Differences) -> tuple[Supplier, ...]:
    """Each supplier by name, over all n cells; those that are differences of releases come last, in the order of `differences`.

    `value`, `primary`: (n,). To one that has a part of a cell, the others' part is what must stay uncertain: where the cell is primary to
    everybody, and (counts) where the others' part is below the threshold.
    """
    found = []
    for name, share in sorted(owned.share.items()):
        own, others = _risen(spec, owned.covered, share, value, differences)
        own = np.concatenate([share, own])
        others = np.concatenate([value[: len(share)] - share, others])
        sensitive = primary & (others > 0)
        if spec.counts:
            few = (others > 0) & (others < spec.strictest)
            few[: len(share)] &= value[: len(share)] > owned.most[name]
            few[len(share) :] = _few_of_others(spec, owned.covered, share, value, differences)
            sensitive |= few
        found.append(Supplier(name, own, (own > 0) & (own == value), sensitive))
    return tuple(found)


def _few_of_others(spec: Spec, covered: Bools, share: Ints, value: Ints, differences: Differences) -> Bools:
    """The differences that tell a supplier of too few of the others' cases; of a revision, of too few records changed that were not its own."""
    if spec.relation == "additive":
        _, others = _risen(spec, covered, share, value, differences)
        return np.asarray((others > 0) & (others < spec.strictest))
    later, earlier = differences.later, differences.earlier
    others = differences.changed - np.abs(share[later] - share[earlier])
    return np.asarray(covered[later] & covered[earlier] & spec.counts & (others > 0) & (others < spec.strictest))


def _risen(spec: Spec, covered: Bools, share: Ints, value: Ints, differences: Differences) -> tuple[Ints, Ints]:
    """The supplier's own part of each difference of two releases, and what others have of it."""
    later, earlier, rise = differences.later, differences.earlier, value[len(share) :]
    if spec.relation == "additive":
        # What others lost is no part of a rise; where no file speaks of either release, nothing is taken to be the supplier's own.
        own = np.where(covered[later] & covered[earlier], np.clip(share[later] - share[earlier], 0, rise), 0)
        return own, rise - own
    # Of a revision it is not known whose cases were revised: nobody's for certain, and others' wherever they have any; unless as many were
    # revised as came to or left the supplier's own part.
    others = value[later] - share[later] + value[earlier] - share[earlier]
    mine = covered[later] & covered[earlier] & (differences.changed <= np.abs(share[later] - share[earlier]))
    return np.zeros(len(rise), dtype=np.int64), np.where(mine, 0, others)
