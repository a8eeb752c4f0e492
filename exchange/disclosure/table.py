"""A table set as one vector of cells: values, sums, primaries, what is fixed. `read_table_set` is the only way to make one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.columns import Numbers
from exchange.disclosure.derived import Figures, read_figures
from exchange.disclosure.digest import digest_of
from exchange.disclosure.errors import BadTables
from exchange.disclosure.knowledge import Statement, Supplier
from exchange.disclosure.relations import Identity, Relations, bind, first_row, identify
from exchange.disclosure.releases import APART, Differences, additive, revised, sums_of, unchanged
from exchange.disclosure.rules import judge
from exchange.disclosure.sheets import Bools, Floats, Ints, Sheet, read_sheet
from exchange.disclosure.spec import Files, Need, Spec, in_order, read_spec
from exchange.disclosure.supplied import read_parts, shares, suppliers, telling

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class TableSet:
    """All tables of a request over one vector of n cells.

    `value`, `lpl`, `upl`: (n,) whole numbers in units of 10 ** -`decimals`; `primary`: (n,) must be hidden;
    `shown`: (n,) must be published (by request, or published before); `hidden`: (n,) already hidden by an earlier release;
    `contributor`: (n,) number of the one contributor of a cell, -1 where there are more or it is not known;
    `cells[k]`: cell at every position of table k. `digest` identifies the input. `virtual`: (n,) in no table, such as the difference of
    two releases: known exactly when all it is bound to is published, and otherwise hidden by nature; `cost`: (n,) price of hiding;
    `derived`: tables of figures, of which each statement says what the figure at one position tells.
    """

    spec: Spec
    sheets: tuple[Sheet, ...]
    cells: tuple[Ints, ...]
    relations: Relations
    decimals: int
    value: Ints
    lpl: Ints
    upl: Ints
    primary: Bools
    shown: Bools
    hidden: Bools
    contributor: Ints
    digest: str
    virtual: Bools
    cost: Floats
    suppliers: tuple[Supplier, ...] = ()
    derived: tuple[Figures, ...] = ()
    statements: tuple[Statement, ...] = ()

    def default_need(self) -> Need:
        """The level asked for by spec.json itself."""
        return self.spec.need()

    def place(self, cell: int) -> tuple[str, tuple[str, ...]]:
        """(table, codes) of the first row that shows `cell`; of a difference, the row that shows the larger of the two."""
        if self.virtual[cell]:
            relations = self.relations
            row = int(relations.rows[int(relations.first[cell])])
            cell = int(relations.cells[int(relations.start[row])])
        for sheet, numbers in zip(self.sheets, self.cells, strict=True):
            found = np.flatnonzero(numbers == cell)
            if len(found):
                return sheet.name, sheet.codes(int(found[0]))
        raise BadTables("no such cell")


def read_table_set(files: Files) -> TableSet:
    """Read and check a whole table set; BadTables for whatever is not additive, complete, unambiguous and consistent."""
    spec = read_spec(files)
    sheets = tuple(read_sheet(files, table, counts=spec.counts) for table in spec.tables)
    order = in_order(sheet.release for sheet in sheets)
    history = [_past(sheet, order) for sheet in sheets]
    parts = read_parts(files, spec, sheets)
    measured = [[sheet.value, sheet.lpl, sheet.upl, *sheet.tops] for sheet in sheets] + [[part.part] for part in parts.values()]
    decimals = _decimals(measured)
    identity = identify(sheets, order if spec.relation != "same" else ())
    identity, value, differences = _series(spec, sheets, identity, decimals)
    cells = identity.cells
    sums = sums_of(spec.sums, sheets, cells)
    judged = [judge(sheet, spec, decimals) for sheet in sheets]
    primary = _any(identity, sheets, [flags for flags, _ in judged])
    relations = bind(identity.count, sheets, cells, sums)
    _check_sums(relations, value, sheets, cells)
    above = _protection(identity, sheets, [sheet.upl for sheet in sheets], decimals, spec, value * primary)
    figures, statements = read_figures(files, spec, sheets, identity, value)
    owned = shares(parts, cells, relations, value, decimals)
    differences = telling(spec, owned, value, differences)
    compared = value if spec.zeros_published else np.zeros_like(value)
    people = _contributors(identity, sheets, relations, compared, staying=spec.relation == "additive")
    extra = len(differences.larger)
    if extra:
        relations = bind(identity.count + extra, sheets, cells, [*sums, differences.rows(identity.count)])
    all_values = np.concatenate([value, value[differences.larger] - value[differences.smaller]])
    all_primary = np.concatenate([primary, differences.primary])
    return TableSet(
        spec=spec,
        sheets=sheets,
        cells=cells,
        relations=relations,
        decimals=decimals,
        value=all_values,
        lpl=_widened(_protection(identity, sheets, [sheet.lpl for sheet in sheets], decimals, spec, value * primary), extra),
        upl=_widened(np.maximum(above, _largest(identity, sheets, [need for _, need in judged])), extra),
        primary=all_primary,
        shown=_widened(_shown(identity, sheets, history), extra),
        hidden=_widened(_any(identity, sheets, history), extra),
        contributor=np.concatenate([people, np.full(extra, -1)]),
        digest=digest_of(spec, sheets, decimals, owned.share, figures),
        virtual=np.arange(identity.count + extra) >= identity.count,
        cost=_widened(_cost(identity, sheets, value, decimals), extra),
        suppliers=suppliers(spec, owned, all_values, all_primary, differences),
        derived=figures,
        statements=statements,
    )


def _widened(column: npt.NDArray[T], extra: int) -> npt.NDArray[T]:
    """A column of the cells of tables with nothing for those that are in none."""
    return np.concatenate([column, np.zeros(extra, dtype=column.dtype)])


def _decimals(measured: Iterable[Sequence[Numbers | None]]) -> int:
    """The most decimals that any of the columns is written with."""
    return max(int(column.decimals) for columns in measured for column in columns if column is not None)


def _shown(identity: Identity, sheets: Sequence[Sheet], history: Sequence[Bools | None]) -> Bools:
    """What must be published: by request, or because it has been before."""
    before = _any(identity, sheets, [None if past is None else ~past for past in history])
    return _any(identity, sheets, [sheet.forced for sheet in sheets]) | before


def _past(sheet: Sheet, order: Sequence[str]) -> Bools | None:
    """What an earlier release hid; None for one that does not say: it is protected together with the newest."""
    if sheet.suppressed is not None and sheet.release == order[-1]:
        raise BadTables(f"{sheet.name}: only a table of an earlier release may say what was suppressed")
    return sheet.suppressed


def _series(spec: Spec, sheets: Sequence[Sheet], identity: Identity, decimals: int) -> tuple[Identity, Ints, Differences]:
    """The identity once cells that a revision left alone are one, the (count,) values, and the differences that are cells."""
    value = _joined(identity, sheets, [sheet.value.units(decimals) for sheet in sheets])
    if spec.relation == "revised" and identity.count > 1:
        changed, identity = unchanged(spec, sheets, identity, value)
        value = _joined(identity, sheets, [sheet.value.units(decimals) for sheet in sheets])
        return identity, value, revised(spec, sheets, identity, value, changed)
    if spec.relation == "additive" and identity.count > 1:
        contributors = np.full(identity.count, -1, dtype=np.int64)
        for sheet, numbers in zip(sheets, identity.cells, strict=True):
            if sheet.contributors is not None:
                contributors[numbers[sheet.position]] = sheet.contributors
        return identity, value, additive(spec, sheets, identity, value, contributors)
    return identity, value, APART


def _joined(identity: Identity, sheets: Sequence[Sheet], columns: Sequence[Ints]) -> Ints:
    """One value a cell; BadTables where two rows disagree about a common cell."""
    value = np.full(identity.count, -1, dtype=np.int64)
    for sheet, numbers, column in zip(sheets, identity.cells, columns, strict=True):
        own = numbers[sheet.position]
        fresh = value[own] < 0
        value[own[fresh]] = column[fresh]
        differs = value[own] != column
        if differs.any():
            raise BadTables(f"{sheet.name}, row {int(np.argmax(differs)) + 2}: conflicts with another row for the same cell")
    return value


def _check_sums(relations: Relations, value: Ints, sheets: Sequence[Sheet], cells: Sequence[Ints]) -> None:
    if not len(relations.cells):
        return
    sums = np.add.reduceat(relations.signs * value[relations.cells], relations.start[:-1])
    if sums.any():
        which = np.zeros(len(value), dtype=np.bool_)
        which[relations.cells[relations.start[int(np.argmax(sums != 0))]]] = True
        raise BadTables(f"{first_row(sheets, cells, which)}: not the sum of its parts")


def _any(identity: Identity, sheets: Sequence[Sheet], columns: Sequence[Bools | None]) -> Bools:
    flag = np.zeros(identity.count, dtype=np.bool_)
    for sheet, numbers, column in zip(sheets, identity.cells, columns, strict=True):
        if column is not None:
            flag[numbers[sheet.position][column]] = True
    return flag


def _protection(
    identity: Identity, sheets: Sequence[Sheet], columns: Sequence[Numbers | None], decimals: int, spec: Spec, base: Ints
) -> Ints:
    """Required distance to one side: as given, else p per cent of a primary cell's own value (magnitudes), else none."""
    need = np.zeros(identity.count, dtype=np.int64)
    if not spec.counts and spec.p_percent is not None and all(column is None for column in columns):
        # Exact: 70 x 0.1 in floats is more than 7.
        return np.asarray(-(-base.astype(object) * spec.p_percent.numerator // (100 * spec.p_percent.denominator)), dtype=np.int64)
    return np.maximum(need, _largest(identity, sheets, [None if column is None else column.units(decimals) for column in columns]))


def _largest(identity: Identity, sheets: Sequence[Sheet], columns: Sequence[Ints | None]) -> Ints:
    """(count,) the largest of what the rows of a cell say; 0 where none says anything."""
    found = np.zeros(identity.count, dtype=np.int64)
    for sheet, numbers, column in zip(sheets, identity.cells, columns, strict=True):
        if column is not None:
            np.maximum.at(found, numbers[sheet.position], column)
    return found


def _cost(identity: Identity, sheets: Sequence[Sheet], value: Ints, decimals: int) -> Floats:
    """(count,) price of hiding: as the user says, the highest where rows differ; elsewhere the value, and at least 1."""
    said = np.full(identity.count, -1.0)
    for sheet, numbers in zip(sheets, identity.cells, strict=True):
        if sheet.cost is not None:
            np.maximum.at(said, numbers[sheet.position], (sheet.cost.whole + sheet.cost.millionths / 10**6) * 10**decimals)
    return np.where(said >= 0, said, np.maximum(value, 1).astype(np.float64))


def _contributors(identity: Identity, sheets: Sequence[Sheet], relations: Relations, value: Ints, *, staying: bool) -> Ints:
    """Number of the single contributor of each cell: a name in the file, or 1 for "one, but we do not say which".

    Where a sum and one of its parts have the same `value` above 0, and either's contributor is not named, the two are one and the same.
    So are, where contributors are `staying` (additive series), those of a cell in two releases.
    """
    found = np.full(identity.count, -1, dtype=np.int64)
    columns = [sheet.single for sheet in sheets]
    names = sorted({text for column in columns if column is not None for text in pc.unique(column).to_pylist()} - {"", "0"})
    for sheet, numbers, column in zip(sheets, identity.cells, columns, strict=True):
        if column is not None:
            person = pc.index_in(column, pa.array(names, pa.string())).fill_null(-1).to_numpy().astype(np.int64)
            own = numbers[sheet.position][person >= 0]
            found[own] = own if names == ["1"] else person[person >= 0]
    if names == ["1"]:
        sums = np.flatnonzero(relations.signs > 0)
        whole = np.repeat(relations.cells[sums], np.diff(relations.start))
        alike = (value[whole] == value[relations.cells]) & (value[whole] > 0) & (found[whole] >= 0) & (found[relations.cells] >= 0)
        whole, part = whole[alike], relations.cells[alike]
        if staying:
            before = np.flatnonzero((identity.case[1:] == identity.case[:-1]) & (found[1:] >= 0) & (found[:-1] >= 0))
            whole, part = np.concatenate([whole, before]), np.concatenate([part, before + 1])
        while (found[whole] != found[part]).any():
            least = np.minimum(found[whole], found[part])
            np.minimum.at(found, whole, least)
            np.minimum.at(found, part, least)
    return found
