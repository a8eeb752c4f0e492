"""The protected files, byte for byte: how they are written, and what they hide when they are exactly as they must be."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from exchange.disclosure.errors import BadCertificate
from exchange.disclosure.sheets import Bools, Ints, Sheet
from exchange.disclosure.spec import Files, Hierarchy
from exchange.disclosure.table import TableSet


def write_rows(columns: Sequence[str], hierarchies: Sequence[Hierarchy], values: Sequence[str], hidden: Bools) -> bytes:
    """One protected table. `values`, `hidden`: (positions,) of every combination of codes; a hidden value is left out, whatever it is."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*columns, "value", "suppressed"])
    shown = ["" if secret else text for text, secret in zip(values, hidden.tolist(), strict=True)]
    writer.writerows(zip(*_codes(hierarchies), shown, hidden.astype(np.int64).tolist(), strict=True))
    return out.getvalue().encode()


def read_pattern(tables: TableSet, protected: Files) -> Bools:
    """(n,) the hidden cells of protected files; BadCertificate unless they are exactly the input's rows with hidden values left out.

    Hidden is also what is in no published table.
    """
    hidden = np.zeros(len(tables.value), dtype=np.bool_)
    shown = np.zeros(len(tables.value), dtype=np.bool_)
    for sheet, numbers in zip(tables.sheets, tables.cells, strict=True):
        if sheet.published:
            flags = _flags(sheet.name, protected.get(sheet.file), sheet.columns, sheet.hierarchies, value_texts(tables, sheet))
            hidden[numbers[flags]] = True
            shown[numbers[~flags]] = True
        elif sheet.file in protected:
            raise BadCertificate(f"{sheet.name}: is not to be published")
    if (hidden & shown).any():
        raise BadCertificate("a cell is hidden in one place and published in another")
    return ~shown


def read_told(tables: TableSet, protected: Files) -> Bools:
    """(statements,) which derived figures protected files publish; BadCertificate as for cells."""
    shown = {each.name: ~_flags(each.name, protected.get(each.file), each.columns, each.hierarchies, each.texts) for each in tables.derived}
    return np.array([shown[statement.table][statement.position] for statement in tables.statements], dtype=np.bool_)


def _flags(name: str, content: bytes | None, columns: Sequence[str], hierarchies: Sequence[Hierarchy], values: Sequence[str]) -> Bools:
    """(positions,) the `suppressed` flags of one protected table, every row compared with what it must be."""
    if content is None:
        raise BadCertificate(f"{name}: its protected file is missing")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise BadCertificate(f"{name}: its protected file is not a CSV") from None
    flags = np.array([row[-1:] == ["1"] for row in rows[1:]], dtype=np.bool_)
    if rows[:1] != [[*columns, "value", "suppressed"]] or len(flags) != len(values):
        raise BadCertificate(f"{name}: its protected file does not have the required columns and rows")
    for number, (row, text, *codes) in enumerate(zip(rows[1:], values, *_codes(hierarchies), strict=True), start=2):
        expected = ["", "1"] if row[-1:] == ["1"] else [text, "0"]
        if row != [*codes, *expected]:
            raise BadCertificate(f"{name}, row {number}: not the row it must be")
    return flags


def _codes(hierarchies: Sequence[Hierarchy]) -> list[list[str]]:
    """For each dimension its code at every combination of codes, in order."""
    nodes = np.indices([len(hierarchy.codes) for hierarchy in hierarchies]).reshape(len(hierarchies), -1)
    return [[hierarchy.codes[node] for node in along] for hierarchy, along in zip(hierarchies, nodes.tolist(), strict=True)]


def value_texts(tables: TableSet, sheet: Sheet) -> list[str]:
    """The value at every position of a table, as it is published."""
    return plain(tables.value[tables.cells[tables.sheets.index(sheet)]], tables.decimals)


def plain(values: Ints, decimals: int) -> list[str]:
    """Values in units of the last decimal as plain digits without needless decimals: equal ones look the same whatever they come from."""
    if not decimals:
        return [str(value) for value in values.tolist()]
    unit = 10**decimals
    texts = (f"{value // unit}.{value % unit:0{decimals}d}" for value in values.tolist())
    return [text.rstrip("0").rstrip(".") for text in texts]
