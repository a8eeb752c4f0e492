"""A table set as one vector of cells: values, sums, primaries, what is fixed. `read_table_set` is the only way to make one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.errors import BadTables
from exchange.disclosure.knowledge import Statement, Supplier
from exchange.disclosure.relations import Relations, bind, identify
from exchange.disclosure.sheets import Bools, Floats, Ints, Sheet, read_sheet
from exchange.disclosure.spec import Files, Need, Spec, read_spec

LARGEST = 2**50
"""Largest value in units of the last decimal: exact in a float, with room for sums and moves."""


@dataclass(frozen=True)
class TableSet:
    """All tables of a request over one vector of n cells.

    `value`, `lpl`, `upl`: (n,) whole numbers in units of 10 ** -`decimals`; `primary`: (n,) must be hidden;
    `shown`: (n,) must be published (by request, or published before); `hidden`: (n,) already hidden by an earlier release;
    `contributor`: (n,) number of the one contributor of a cell, -1 where there are more or it is not known;
    `cells[k]`: cell at every position of table k. `digest` identifies the input. `virtual`: (n,) in no table, such as the difference of
    two releases: known exactly when all it is bound to is published, and otherwise hidden by nature; `cost`: (n,) price of hiding.
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
    statements: tuple[Statement, ...] = ()

    def default_need(self) -> Need:
        """The level asked for by spec.json itself."""
        return self.spec.need()

    def place(self, cell: int) -> tuple[str, tuple[str, ...]]:
        """(table, codes) of the first row that shows `cell`."""
        for sheet, numbers in zip(self.sheets, self.cells, strict=True):
            found = np.flatnonzero(numbers == cell)
            if len(found):
                return sheet.name, sheet.codes(int(found[0]))
        raise BadTables("no such cell")


def read_table_set(files: Files) -> TableSet:
    """Read and check a whole table set; BadTables for whatever is not additive, complete, unambiguous and consistent."""
    spec = read_spec(files)
    sheets = tuple(read_sheet(files, table, counts=spec.counts) for table in spec.tables)
    decimals = max(_decimals(sheet) for sheet in sheets)
    count, cells = identify(sheets, by_release=spec.relation == "revised")
    relations = bind(count, sheets, cells)
    value = _joined(count, sheets, cells, [_scaled(sheet.value, decimals) for sheet in sheets])
    _check_sums(relations, value, sheets, cells)
    primary = _any(count, sheets, cells, [_primary(sheet, spec) for sheet in sheets])
    none = [None] * len(sheets)
    history = [sheet.suppressed if _is_past(sheet, sheets, spec) else None for sheet in sheets]
    return TableSet(
        spec=spec,
        sheets=sheets,
        cells=tuple(cells),
        relations=relations,
        decimals=decimals,
        value=value,
        lpl=_protection(sheets, cells, [sheet.lpl for sheet in sheets], decimals, spec, value * primary),
        upl=_protection(sheets, cells, [sheet.upl for sheet in sheets], decimals, spec, value * primary),
        primary=primary,
        shown=_any(count, sheets, cells, [sheet.forced for sheet in sheets])
        | _any(count, sheets, cells, [None if past is None else ~past for past in history]),
        hidden=_any(count, sheets, cells, history or none),
        contributor=_contributors(count, sheets, cells),
        digest=_digest(spec, sheets, decimals),
        virtual=np.zeros(count, dtype=np.bool_),
        cost=np.maximum(value, 1).astype(np.float64),
    )


def _is_past(sheet: Sheet, sheets: Sequence[Sheet], spec: Spec) -> bool:
    """An earlier release that says what it hid is history; one that does not is protected together with the newest."""
    if sheet.suppressed is None:
        return False
    if sheet.release == max(other.release for other in sheets):
        raise BadTables(f"{sheet.name}: only a table of an earlier release may say what was suppressed")
    return spec.relation in {"same", "revised"}


def _decimals(sheet: Sheet) -> int:
    texts = [text for column in (sheet.value, sheet.lpl, sheet.upl) if column is not None for text in column]
    return max(len(text.partition(".")[2]) for text in texts)


def _scaled(texts: Sequence[str], decimals: int) -> Ints:
    """Decimal text as whole numbers in units of the last decimal."""
    parts = (text.partition(".") for text in texts)
    whole = [int(before + after.ljust(decimals, "0")) for before, _, after in parts]
    if max(whole) > LARGEST:
        raise BadTables("a value is too large to be exact")
    return np.array(whole, dtype=np.int64)


def _joined(count: int, sheets: Sequence[Sheet], cells: Sequence[Ints], columns: Sequence[Ints]) -> Ints:
    """One value a cell; BadTables where two rows disagree about a common cell."""
    value = np.full(count, -1, dtype=np.int64)
    for sheet, numbers, column in zip(sheets, cells, columns, strict=True):
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
    if not sums.any():
        return
    parent = int(relations.cells[relations.start[int(np.argmax(sums != 0))]])
    for sheet, numbers in zip(sheets, cells, strict=True):
        row = np.flatnonzero(numbers[sheet.position] == parent)
        if len(row):
            raise BadTables(f"{sheet.name}, row {int(row[0]) + 2}: not the sum of its parts")


def _any(count: int, sheets: Sequence[Sheet], cells: Sequence[Ints], columns: Sequence[Bools | None]) -> Bools:
    flag = np.zeros(count, dtype=np.bool_)
    for sheet, numbers, column in zip(sheets, cells, columns, strict=True):
        if column is not None:
            flag[numbers[sheet.position][column]] = True
    return flag


def _primary(sheet: Sheet, spec: Spec) -> Bools:
    """The given flags, else the threshold rule: 0 < count < threshold, and 0 too where zeros are suppressible."""
    if sheet.primary is not None:
        return sheet.primary
    if not spec.counts or spec.threshold is None:
        raise BadTables(f"{sheet.name}: no primary column, and no threshold to work it out from")
    value = np.array([int(text) for text in sheet.value], dtype=np.int64)
    contributors = value if sheet.contributors is None else sheet.contributors
    small = (value > 0) & (np.minimum(value, contributors) < spec.threshold)
    return small if spec.zeros_published else small | (value == 0)


def _protection(
    sheets: Sequence[Sheet], cells: Sequence[Ints], columns: Sequence[Sequence[str] | None], decimals: int, spec: Spec, base: Ints
) -> Ints:
    """Required distance to one side: as given, else p per cent of a primary cell's own value (magnitudes), else none."""
    need = np.zeros(len(base), dtype=np.int64)
    if not spec.counts and spec.p_percent is not None and all(column is None for column in columns):
        return np.asarray(np.ceil(base * (spec.p_percent / 100)), dtype=np.int64)
    for sheet, numbers, column in zip(sheets, cells, columns, strict=True):
        if column is not None:
            np.maximum.at(need, numbers[sheet.position], _scaled(column, decimals))
    return need


def _contributors(count: int, sheets: Sequence[Sheet], cells: Sequence[Ints]) -> Ints:
    """Number of the single contributor of each cell: a name in the file, or 1 for "one, but we do not say which"."""
    found = np.full(count, -1, dtype=np.int64)
    names = sorted({text for sheet in sheets for text in sheet.single or () if text not in {"", "0"}})
    flags_only = names == ["1"]
    numbers_of = {name: number for number, name in enumerate(names)}
    for sheet, numbers in zip(sheets, cells, strict=True):
        own = numbers[sheet.position]
        for row, text in enumerate(sheet.single or ()):
            if text not in {"", "0"}:
                found[own[row]] = own[row] if flags_only else numbers_of[text]
    return found


def _digest(spec: Spec, sheets: Sequence[Sheet], decimals: int) -> str:
    """SHA-256 over the meaning of the input (rules, trees, values by place), so that neither row order nor key order changes it."""
    running = hashlib.sha256()
    terms = {
        "rules": [spec.counts, spec.zeros_published, spec.threshold, spec.min_width, spec.p_percent, spec.relation, decimals],
        "tables": [
            [s.name, s.file, s.release, s.columns, [[h.name, sorted(zip(h.codes, h.parents, strict=True))] for h in s.hierarchies]]
            for s in sheets
        ],
    }
    running.update(json.dumps(terms, sort_keys=True).encode())
    for sheet in sheets:
        order = np.argsort(sheet.position)
        for column in (sheet.value, sheet.lpl, sheet.upl, sheet.single):
            running.update(b"\x00" if column is None else "\x1f".join(column[int(row)] for row in order).encode())
        for flags in (sheet.primary, sheet.forced, sheet.suppressed, sheet.contributors):
            running.update(b"\x00" if flags is None else flags[order].astype(np.int64).tobytes())
    return running.hexdigest()
