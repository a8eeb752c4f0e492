"""Each format written anew from headers and rows, by other code than reads it: samples are copied, and spoilt, with these."""

import csv
import io
import json
import re
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from xml.sax.saxutils import escape

import xlsxwriter
from lxml import etree

from adapters.csv_extract import CsvSource
from adapters.fixed_width import FixedWidthSource
from adapters.json_extract import JsonSource
from adapters.sheet_extract import SheetSource
from adapters.source import Source
from adapters.xml_extract import XmlSource

Cells = Sequence[Sequence[str | None]]
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Copier(ABC):
    """How extracts of one format are written.

    Attributes:
        names: whether the extract itself names its columns, so that one can be unknown, missing or twice.
        gzips: whether it may be packed.
        encodings: besides UTF-8, those it may be in.
    """

    names: ClassVar[bool] = True
    gzips: ClassVar[bool] = True
    encodings: ClassVar[tuple[str, ...]] = ("cp1252",)

    def __init__(self, source: Any) -> None:
        self.source = source

    @abstractmethod
    def write(self, path: Path, headers: Sequence[str], rows: Cells, *, encoding: str = "utf-8") -> None:
        """Write an extract of these columns; None is empty."""

    def headless(self, path: Path, headers: Sequence[str], rows: Cells) -> None:
        """Write an extract whose first record stands where the header should."""
        first = [cell or f"CANARY {place}" for place, cell in enumerate(rows[0])]
        self.write(path, first, rows[1:])


class CsvCopier(Copier):
    def write(self, path: Path, headers: Sequence[str], rows: Cells, *, encoding: str = "utf-8") -> None:
        text = io.StringIO(newline="")
        lines = csv.writer(text, lineterminator="\n", delimiter=self.source.delimiter)
        lines.writerow(headers)
        lines.writerows([[cell or "" for cell in row] for row in rows])
        path.write_bytes(text.getvalue().encode(encoding, errors="replace"))


class XmlCopier(Copier):
    def write(self, path: Path, headers: Sequence[str], rows: Cells, *, encoding: str = "utf-8") -> None:
        root = etree.Element(self.source.root)
        etree.SubElement(root, "Produced").text = "2018-06-01"
        for row in rows:
            record = etree.SubElement(root, self.source.row)
            for header, cell in zip(headers, row, strict=True):
                _place(record, header, _NOT_XML.sub("", cell or ""))
        etree.ElementTree(root).write(str(path), encoding=encoding, xml_declaration=True)

    def headless(self, path: Path, headers: Sequence[str], rows: Cells) -> None:
        self.write(path, [f"Other{place}" for place in range(len(headers))], rows)


def _place(record: etree._Element, header: str, text: str) -> None:
    *groups, last = header.split("/")
    at = record
    for group in groups:
        found = at.find(group)
        at = etree.SubElement(at, group) if found is None else found
    if last.startswith("@"):
        at.set(last[1:], text)
    else:
        etree.SubElement(at, last.replace(" ", "_")).text = text


class JsonCopier(Copier):
    def write(self, path: Path, headers: Sequence[str], rows: Cells, *, encoding: str = "utf-8") -> None:
        records = [_nested(dict(zip(headers, row, strict=True))) for row in rows]
        if self.source.lines:
            text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        else:
            document: Any = records
            for key in reversed(self.source.rows.split(".") if self.source.rows else []):
                document = {"produced": "2018-06-01", key: document}
            text = json.dumps(document, ensure_ascii=False, indent=1)
        path.write_bytes(text.encode(encoding, errors="replace"))

    def headless(self, path: Path, headers: Sequence[str], rows: Cells) -> None:
        self.write(path, [f"other{place}" for place in range(len(headers))], rows)


def _nested(record: Mapping[str, str | None]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for header, cell in record.items():
        *groups, last = header.split(".")
        at = out
        for group in groups:
            at = at.setdefault(group, {})
        at[last] = cell
    return out


class FixedCopier(Copier):
    names: ClassVar[bool] = False
    encodings: ClassVar[tuple[str, ...]] = ("latin-1",)

    def write(self, path: Path, headers: Sequence[str], rows: Cells, *, encoding: str = "latin-1") -> None:
        kind, layout = next((kind, one) for kind, one in self.source.layouts.items() if set(one.at) == set(headers))
        spans = {**layout.at, "": self.source.kind}
        lines = [_laid(spans, dict(zip(headers, row, strict=True)) | {"": kind}, layout.width) for row in rows]
        count = _laid({"": self.source.kind, "n": self.source.count}, {"": self.source.trailer_record, "n": f"{len(rows):09}"}, 0)
        head = _laid({"": self.source.kind}, {"": self.source.header_record}, 0)
        text = "".join(f"{line}\n" for line in [head, *lines, count])
        path.write_bytes(text.encode("latin-1" if encoding == "utf-8" else encoding, errors="replace"))

    def headless(self, path: Path, headers: Sequence[str], rows: Cells) -> None:
        self.write(path, headers, rows)
        path.write_bytes(path.read_bytes().split(b"\n", 1)[1])


def _laid(spans: Mapping[str, tuple[int, int]], row: Mapping[str, str | None], width: int) -> str:
    line = [" "] * max(width, *(start + length - 1 for start, length in spans.values()))
    for header, (start, length) in spans.items():
        text = re.sub(r"[\r\n]", " ", row[header] or "")[:length]
        line[start - 1 : start - 1 + length] = text.ljust(length)
    return "".join(line)


class SheetCopier(Copier):
    gzips: ClassVar[bool] = False
    encodings: ClassVar[tuple[str, ...]] = ()

    def write(self, path: Path, headers: Sequence[str], rows: Cells, *, encoding: str = "utf-8") -> None:
        table = [["Produced for the partnership", *[None] * (len(headers) - 1)], headers, *rows]
        cells = [[_NOT_XML.sub("", cell)[:32_767] if cell else None for cell in row] for row in table]
        (write_ods if path.suffix == ".ods" else write_xlsx)(path, {self.source.sheet or "Extract": cells})


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write a workbook as Excel does: sheet name → rows; str, number, bool, date, or None."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "dd/mm/yyyy"}
    with xlsxwriter.Workbook(path, options) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(number, place, cell)
                    elif cell is not None:
                        sheet.write(number, place, cell)


_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'office:version="1.2"><office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>'
)


def write_ods(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write a workbook as LibreOffice does, empty cells and rows to the end of the sheet included: sheet name → rows of str or None."""
    tables = []
    for name, rows in sheets.items():
        lines = ["".join(_ods_cell(cell) for cell in row) + '<table:table-cell table:number-columns-repeated="900"/>' for row in rows]
        body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
        rest = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1000"/></table:table-row>'
        tables.append(f"<table:table table:name={json.dumps(escape(name))}>{body}{rest}</table:table>")
    ods_of(path, _ODS.format("".join(tables)))


def ods_of(path: Path, content: str) -> None:
    """Write an OpenDocument spreadsheet around a content."""
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
        'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)


def _ods_cell(cell: Any) -> str:
    if cell is None:
        return "<table:table-cell/>"
    return f'<table:table-cell office:value-type="string"><text:p>{escape(str(cell))}</text:p></table:table-cell>'


_COPIERS: Mapping[type[Source], type[Copier]] = {
    CsvSource: CsvCopier,
    XmlSource: XmlCopier,
    JsonSource: JsonCopier,
    FixedWidthSource: FixedCopier,
    SheetSource: SheetCopier,
}


def copier(source: Source) -> Copier:
    """How extracts of a source are written."""
    return next(cls(source) for base, cls in _COPIERS.items() if isinstance(source, base))
