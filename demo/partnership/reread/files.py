"""Native extracts as columns of text, read with the standard library alone: CSV, XLSX, XML, JSON, fixed width.

Of a source only its declaration is used, which `docs/sources.md` prints: delimiter, element, keys, positions.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from adapters.csv_extract import CsvSource
from adapters.fixed_width import FixedWidthSource
from adapters.json_extract import JsonSource
from adapters.sheet_extract import SheetSource
from adapters.source import Source
from adapters.xml_extract import XmlSource
from demo.partnership.reread import workbook
from demo.stage import Failed

Texts = Mapping[str, Sequence[str | None]]
"""Native header → what is written there, in the order of the file."""


def read(source: Source, path: Path) -> Texts:
    """One extract."""
    match source:
        case CsvSource():
            return _by_header(_csv(path, source.delimiter))
        case SheetSource():
            return _by_header(_sheet(path, set(source.columns)))
        case XmlSource():
            return _by_name(_elements(path, source.row, list(source.columns)), source.columns)
        case JsonSource():
            return _by_name(_objects(path, None if source.lines else source.rows, list(source.columns)), source.columns)
        case FixedWidthSource():
            return _fixed(source, path)
    raise Failed(f"{source.name}: nothing reads its format once more.")


def _by_header(rows: Iterable[Sequence[str | None]]) -> Texts:
    """Rows below the one of headers; what stands beyond the last header is not read."""
    first, *others = rows
    columns = list(zip(*others, strict=True)) or [()] * len(first)
    return {header: column for header, column in zip(first, columns, strict=False) if header}


def _by_name(rows: Iterable[Sequence[str | None]], names: Iterable[str]) -> Texts:
    return _by_header([list(names), *rows])


def _text(path: Path) -> str:
    whole = path.read_bytes()
    try:
        return whole.decode("utf-8-sig")
    except UnicodeDecodeError:
        return whole.decode("cp1252")


def _csv(path: Path, delimiter: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(_text(path).splitlines(), delimiter=delimiter) if row)


def _sheet(path: Path, headers: set[str]) -> Iterator[list[str | None]]:
    """From the first row that holds headers; rows as long as it."""
    width = 0
    for row in workbook.rows(path):
        width = width or (len(row) if len(headers.intersection(row)) > 1 else 0)
        if width and any(one is not None for one in row):
            yield (row + [None] * width)[:width]


def _elements(path: Path, row: str, paths: Sequence[str]) -> Iterator[list[str | None]]:
    split = [path.rpartition("@") for path in paths]
    for element in ET.parse(path).getroot().iter(row):  # noqa: S314 - invented by this very run
        yield [
            _named(element, above.rstrip("/"), attribute if at else "") if at else element.findtext(attribute)
            for above, at, attribute in split
        ]


def _named(element: ET.Element, above: str, attribute: str) -> str | None:
    holder = element.find(above) if above else element
    return None if holder is None else holder.get(attribute)


def _objects(path: Path, rows: str | None, names: Sequence[str]) -> Iterator[list[str | None]]:
    """Of a list at a path of keys; or, where there is no such path, of lines."""
    text = path.read_text(encoding="utf-8")
    listed: Any = [json.loads(line) for line in text.splitlines()] if rows is None else json.loads(text)
    for key in rows.split(".") if rows else ():
        listed = listed[key]
    for one in listed:
        yield [_at(one, name.split(".")) for name in names]


def _at(record: Any, keys: Sequence[str]) -> str | None:
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return None if record is None else str(record)


def _fixed(source: FixedWidthSource, path: Path) -> Texts:
    """Lines between the first and the last, by the positions of their record type."""
    _, *lines, _ = path.read_text(encoding="latin-1").splitlines()
    if not lines:
        return {header: [] for header in source.columns}
    start, length = source.kind
    layout = source.layouts[lines[0][start - 1 : start - 1 + length]]
    return {header: [line[first - 1 : first - 1 + long] for line in lines] for header, (first, long) in layout.at.items()}
