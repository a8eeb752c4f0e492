"""Extracts written as their systems write them: CSV, XLSX, XML, JSON, fixed width. Same rows, same bytes."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import xlsxwriter

from adapters.csv_extract import CsvSource
from adapters.errors import ConfigError
from adapters.fixed_width import FixedWidthSource
from adapters.json_extract import JsonSource
from adapters.sheet_extract import SheetSource
from adapters.source import Source
from adapters.synthesis.native import Sheet, layout_of
from adapters.xml_extract import XmlSource
from agreements.fields import FieldType

# How suppliers' systems encode CSV; others write UTF-8.
ENCODINGS: Mapping[str, str] = {
    "durham-constabulary": "cp1252",
    "cps-north-east": "cp1252",
    "durham-tees-valley-crc": "cp1252",
    "vcas": "cp1252",
    "cleveland-police": "utf-8-sig",
    "witness-care-units": "utf-8-sig",
}
PUBLISHED = ("police_crimes", "police_outcomes")  # the Home Office publishes these, in UTF-8
TRAILING = ("rj-hub",)  # whose export ends every line with a comma
Way = Callable[[Any, str, Sheet, Path], None]
_MADE = datetime(2020, 1, 1, tzinfo=UTC)  # the same for every workbook


def suffix(source: Source) -> str:
    """What the file's name ends with."""
    return _way(source)[0]


def write(source: Source, supplier: str, rows: Sheet, path: Path) -> None:
    """Write one extract."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _way(source)[1](source, supplier, rows, path)


def _way(source: Source) -> tuple[str, Way]:
    """What files of the source's format end with, and what writes them."""
    ways: Sequence[tuple[type[Source], str, Way]] = (
        (CsvSource, "csv", _csv),
        (SheetSource, "xlsx", _xlsx),
        (XmlSource, "xml", _xml),
        (JsonSource, "json", _json),
        (FixedWidthSource, "txt", _fixed),
    )
    for kind, ending, way in ways:
        if isinstance(source, kind):
            return ending, way
    raise ConfigError(f"No extract of {source.name} can be invented: its format is not known to synthesise.")


def _csv(source: CsvSource, supplier: str, rows: Sheet, path: Path) -> None:
    encoding = "utf-8" if source.name in PUBLISHED else ENCODINGS.get(supplier, "utf-8")
    buffer = io.BytesIO()
    header = ",".join(f'"{name}"' if "," in name else name for name in rows.columns)
    buffer.write(f"{header}\n".encode())
    table = pa.table(dict(rows.columns))
    pcsv.write_csv(table, buffer, pcsv.WriteOptions(include_header=False, quoting_style="needed", delimiter=source.delimiter))
    data = buffer.getvalue()
    if supplier in TRAILING:
        data = data.replace(b"\n", b",\n")
    path.write_bytes(data if encoding == "utf-8" else data.decode().encode(encoding, "replace"))


def _xlsx(source: SheetSource, supplier: str, rows: Sheet, path: Path) -> None:
    """A title above the header, dates as dates."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False})
    book.set_properties({"created": _MADE})
    page = book.add_worksheet(source.sheet or "Responses")
    shown = book.add_format({"num_format": "dd/mm/yyyy"})
    page.write_string(0, 0, f"{source.system}: {supplier}")
    for place, header in enumerate(rows.columns):
        page.write_string(2, place, header)
    dated = {place for place, header in enumerate(rows.columns) if source.columns[header].type is FieldType.DATE}
    for number, row in enumerate(_records(rows), 3):
        for place, value in enumerate(row):
            if value and place in dated:
                page.write_datetime(number, place, _day(value), shown)
            elif value:
                page.write_string(number, place, value)
    book.close()


def _day(text: str) -> date:
    """The day that YYYY-MM-DD or DD/MM/YYYY says."""
    return date.fromisoformat("-".join(reversed(text.split("/"))))


def _records(rows: Sheet) -> Iterator[tuple[str | None, ...]]:
    return zip(*(column.to_pylist() for column in rows.columns.values()), strict=True)


def _xml(source: XmlSource, _: str, rows: Sheet, path: Path) -> None:
    headers = list(rows.columns)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<{source.root}>\n')
        for record in _records(rows):
            values = {header: value or "" for header, value in zip(headers, record, strict=True) if value or header not in source.sparse}
            stream.write(f"  {_element(source.row, values)}\n")
        stream.write(f"</{source.root}>\n")


def _element(name: str, values: Mapping[str, str]) -> str:
    """An element with its attributes, its children in order, and their values."""
    attributes = "".join(f" {path[1:]}={quoteattr(value)}" for path, value in values.items() if path.startswith("@"))
    inside = escape(values.get("", ""))
    children: dict[str, dict[str, str]] = {}
    for path, value in values.items():
        if path and not path.startswith("@"):
            child, _, rest = path.partition("/")
            children.setdefault(child, {})[rest] = value
    inside += "".join(_element(child, below) for child, below in children.items())
    return f"<{name}{attributes}>{inside}</{name}>"


def _json(source: JsonSource, _: str, rows: Sheet, path: Path) -> None:
    headers = list(rows.columns)
    records = []
    for row in _records(rows):
        record: dict[str, Any] = {}
        for header, value in zip(headers, row, strict=True):
            if value is None and header in source.sparse:
                continue
            *above, last = header.split(".")
            place = record
            for key in above:
                place = place.setdefault(key, {})
            place[last] = value
        records.append(json.dumps(record, ensure_ascii=False))
    if source.lines:
        path.write_text("".join(f"{record}\n" for record in records), encoding="utf-8", newline="\n")
        return
    text = "[\n" + ",\n".join(records) + "\n]"
    for key in reversed(source.rows.split(".") if source.rows else []):
        text = f"{{{json.dumps(key)}: {text}}}"
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _fixed(source: FixedWidthSource, _: str, rows: Sheet, path: Path) -> None:
    """Lines of one record type between the header record and the trailer record that counts them, in ISO 8859-1."""
    kind = layout_of(source, {source.columns[header].name for header in rows.columns})
    layout = source.layouts[kind]
    lines = np.full((rows.rows, layout.width + 1), ord(" "), np.uint8)
    _place(lines, source.kind, [kind] * rows.rows)
    for header, span in layout.at.items():
        if header in rows.columns:
            _place(lines, span, rows.columns[header].to_pylist())
    lines[:, layout.width] = ord("\n")
    start, length = source.count
    trailer = f"{source.trailer_record:<{start - 1}}{rows.rows:0{length}d}"
    path.write_bytes(f"{source.header_record}{source.name.upper()}\n".encode() + lines.tobytes() + f"{trailer}\n".encode())


def _place(lines: "np.ndarray[Any, np.dtype[np.uint8]]", span: tuple[int, int], values: Sequence[str | None]) -> None:
    start, length = span
    text = b"".join((value or "").encode("latin-1", "replace")[:length].ljust(length) for value in values)
    lines[:, start - 1 : start - 1 + length] = np.frombuffer(text, np.uint8).reshape(len(values), length)
