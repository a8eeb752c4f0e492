"""The first sheet of an XLSX workbook, read with the standard library alone (ECMA-376, part 1, section 18): texts, numbers, days."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZipFile

_NS = {"": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_FIRST_DAY = datetime(1899, 12, 30, tzinfo=UTC)
_BUILT_IN_DATES = range(14, 23)


def rows(path: Path) -> Iterator[list[str | None]]:
    """Every row, each as long as its last cell; a day as YYYY-MM-DD, an empty cell as None."""
    with ZipFile(path) as book:
        shared = ["".join(text.itertext()) for text in _part(book, "sharedStrings").findall("si", _NS)]
        dates = _dates(_part(book, "styles"))
        for row in _part(book, "worksheets/sheet1").iterfind("sheetData/row", _NS):
            found: list[str | None] = []
            for cell in row.iterfind("c", _NS):
                found += [None] * (_column(cell.get("r", "")) - len(found)) + [_written(cell, shared, dates)]
            yield found


def _part(book: ZipFile, name: str) -> ET.Element:
    """A part of the workbook; an empty element where it has none, as one whose texts all stand in their cells."""
    if f"xl/{name}.xml" not in book.namelist():
        return ET.Element(name)
    return ET.fromstring(book.read(f"xl/{name}.xml"))  # noqa: S314 - invented by this very run


def _dates(styles: ET.Element) -> set[str]:
    """The styles, by their number as cells say it, under which a number is a day."""
    own = {one.get("numFmtId", ""): one.get("formatCode", "") for one in styles.iterfind("numFmts/numFmt", _NS)}
    used = [one.get("numFmtId", "0") for one in styles.iterfind("cellXfs/xf", _NS)]
    return {str(number) for number, format_ in enumerate(used) if int(format_) in _BUILT_IN_DATES or "yy" in own.get(format_, "").lower()}


def _column(reference: str) -> int:
    """The number of a cell's column, from nought: of B7 it is 1."""
    number = 0
    for letter in re.sub("[0-9]", "", reference):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _written(cell: ET.Element, shared: list[str], dates: set[str]) -> str | None:
    text = cell.findtext("v", namespaces=_NS)
    if cell.get("t") == "inlineStr":
        return "".join(cell.itertext())
    if text is None or cell.get("t") == "s":
        return None if text is None else shared[int(text)]
    if cell.get("t") in {None, "n"} and cell.get("s") in dates:
        return f"{_FIRST_DAY + timedelta(days=float(text)):%Y-%m-%d}"
    return text
