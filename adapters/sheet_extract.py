"""Extracts written as spreadsheets (XLSX, ODS): one sheet, cells as values; what would not fit in memory is refused before it is opened."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import IO, ClassVar

import pyarrow as pa
from lxml import etree
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum, WorksheetNotFound

from adapters.errors import ValidationFailed, rows_refused
from adapters.files import unreadable
from adapters.source import Seen, Source

ROWS = 1 << 12
TITLE_ROWS = 20
MOST_BYTES = 256 << 20
MOST_RATIO = 200
MOST_PARTS = 2_000
MOST_CELLS = 5_000_000
_SMALL = 1 << 20
_EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number
_CELL = re.compile(rb"""<(?:\w+:)?(c|row)(?=[\s/>])(?:[^<>]*?\sr\s*=\s*["']([A-Z]{0,3})(\d{0,7})["'])?""")
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
Cell = int | float | str | bool | date | datetime | time | timedelta


class SheetSource(Source):
    """A source whose extract is one sheet of a workbook, as Excel (XLSX) or LibreOffice (ODS) write it.

    The header is the one of the first 20 rows that holds most declared headers, if they are most of what it holds: what stands above it is
    a title and is not read. Rows without any value are no records. A cell's value counts, not how it is shown: a formula is its last result,
    a date is YYYY-MM-DD, a whole number has no point, an error is empty, and of merged cells the first has the value. A whole number of more
    than fifteen digits has lost the last ones, and is written with its exponent, so that no field takes it for an identifier or a number.
    Hidden rows and columns are read as others are, hidden sheets are not.

    Attributes:
        sheet: the name of the sheet; where it is empty, the first that is not hidden, and another with the same header is refused.
    """

    sheet: ClassVar[str] = ""
    encodings: ClassVar[tuple[str, ...]] = ("utf-8",)
    not_header: ClassVar[str] = f"none of the first {TITLE_ROWS} rows is the header"

    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        shown = 1
        with self._opened(path) as workbook:
            above = list(islice(_rows_of(self._chosen(workbook)), TITLE_ROWS))
            for name in [] if self.sheet else _shown(workbook)[1:]:
                shown += self._place(list(islice(_rows_of(workbook.get_sheet_by_name(name)), TITLE_ROWS))) is not None
        _, header = self._found(path, above)
        if shown > 1:
            raise ValidationFailed(
                f"{path.name}: {shown} of its sheets have the header of {self.name}.",
                why="One sheet is read, so records would be left out.",
                remedy="Put the records on one sheet, or export each sheet alone.",
            )
        return header

    def texts(self, path: Path, headers: Sequence[str], *, encoding: str = "utf-8", seen: Seen | None = None) -> Iterator[pa.RecordBatch]:
        rows = self._rows(path)
        above = list(islice(rows, TITLE_ROWS))
        place, present = self._found(path, above)
        places = [present.index(header) for header in headers]
        width, first = len(present), 0
        records = (row for row in chain(above[place + 1 :], rows) if any(row))
        total = path.stat().st_size
        while batch := list(islice(records, ROWS)):
            nameless = [first + number for number, row in enumerate(batch) if any(row[width:]) or _beside(row, present)]
            if nameless:
                raise rows_refused("", "values only below headers", nameless)
            columns = [pa.array([row[at] if at < len(row) else None for row in batch], pa.string()) for at in places]
            yield pa.RecordBatch.from_arrays(columns, names=list(headers))
            first += len(batch)
            if seen:
                seen(total, total)

    def _found(self, path: Path, rows: Sequence[Sequence[str | None]]) -> tuple[int, list[str]]:
        """The place of the header among the first rows, and the header without empty cells at its end."""
        place = self._place(rows)
        if place is not None:
            header = [(cell or "").strip() for cell in rows[place]]
            while not header[-1]:
                header.pop()
            return place, header
        raise ValidationFailed(
            f"{path.name}: {self.not_header} of {self.name}.",
            why=f"Its columns are: {', '.join(list(self.columns)[:3])}, …",
            remedy="Export the sheet with its header row, or name the dataset that it belongs to.",
        )

    def _place(self, rows: Sequence[Sequence[str | None]]) -> int | None:
        """The place of the header among rows, if it is among them."""
        known = [sum((cell or "").strip() in self.columns for cell in row) for row in rows]
        place = max(range(len(rows)), key=known.__getitem__, default=0)
        return place if rows and known[place] * 2 > sum(bool(cell and cell.strip()) for cell in rows[place]) else None

    def _chosen(self, workbook: CalamineWorkbook) -> CalamineSheet:
        shown = [self.sheet] if self.sheet else _shown(workbook)
        if not shown:
            raise WorksheetNotFound
        return workbook.get_sheet_by_name(shown[0])

    def _rows(self, path: Path) -> Iterator[list[str | None]]:
        with self._opened(path) as workbook:
            yield from _rows_of(self._chosen(workbook))

    @contextmanager
    def _opened(self, path: Path) -> Iterator[CalamineWorkbook]:
        """The workbook, once it is known to be no bomb; what its reader raises becomes one of ours."""
        _refuse_bombs(path)
        try:
            with CalamineWorkbook.from_path(path) as workbook:
                yield workbook
        except WorksheetNotFound:
            named = f" “{self.sheet}”" if self.sheet else ""
            raise ValidationFailed(f"{path.name}: there is no sheet{named}.", remedy="Export it with that sheet.") from None
        except CalamineError:
            raise _no_workbook(path) from None
        except OSError as error:
            raise unreadable(path, error) from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # what the reader, written in Rust, raises where it gives up; no Exception
                raise
            raise _no_workbook(path) from None


def _rows_of(sheet: CalamineSheet) -> Iterator[list[str | None]]:
    if sheet.total_height:
        yield from ([_text(cell) for cell in row] for row in sheet.iter_rows())


def _shown(workbook: CalamineWorkbook) -> list[str]:
    """The names of the sheets that hold cells and are not hidden, in their order."""
    sheets = workbook.sheets_metadata
    return [sheet.name for sheet in sheets if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible]


def _beside(row: Sequence[str | None], header: Sequence[str]) -> bool:
    return any(cell and not name for cell, name in zip(row, header, strict=False))


def _text(cell: Cell) -> str | None:
    """A cell's value as text that the field types read."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        if abs(cell) >= _EXACT:
            return f"{cell:e}"
        return str(int(cell)) if float(cell).is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell).strip() or None


def _refuse_bombs(path: Path) -> None:
    """Refuse a workbook that is damaged, or that would become far larger in memory than it is: by declared sizes, then by its cells."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
            if not {"xl/workbook.xml", "content.xml"} & {part.filename for part in parts}:
                raise _no_workbook(path)
            if len(parts) > MOST_PARTS or unpacked > MOST_BYTES or unpacked > max(packed, 1) * MOST_RATIO + _SMALL:
                raise _too_large(path, f"Unpacked it has {unpacked >> 20:,} MB in {len(parts):,} parts.")
            for part in parts:
                with archive.open(part) as content:
                    cells = _cells(part.filename, content)
                    while content.read(_SMALL):  # to the end: only then has its check sum been compared
                        pass
                if cells > MOST_CELLS:
                    raise _too_large(path, f"A sheet spans {cells:,} cells.")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, etree.XMLSyntaxError, UnicodeError):
        raise _no_workbook(path) from None
    except OSError as error:
        raise unreadable(path, error) from None


def _cells(name: str, content: IO[bytes]) -> int:
    """How many cells a part holds once it is laid out as a table: from its first cell to the last that is filled."""
    return _cells_of_tables(content) if name == "content.xml" else _cells_of_sheet(content)


def _cells_of_sheet(content: IO[bytes]) -> int:
    """Excel says where rows and cells are, or leaves it out where they follow one another. Any part may be called a sheet."""
    width = height = across = 0
    held = b""
    while data := content.read(_SMALL):
        text = held + data
        for kind, letters, row in _CELL.findall(text):
            across = 0 if kind == b"row" else across + 1
            height = max(height + (kind == b"row" and not row), int(row or 0))
            width = max(width, _column(letters), across)
        held = text[text.rfind(b"<") :][-_SMALL:]
    return width * height


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _cells_of_tables(content: IO[bytes]) -> int:
    """OpenDocument says how often rows and cells repeat: a few bytes may stand for millions of cells."""
    most = width = height = rows = across = 0
    filled = False
    # etree reads the part as it is unpacked; a document type has no place in it.
    for _, element in etree.iterparse(content, events=("end",), resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False):
        kind = etree.QName(element).localname
        if kind in {"table-cell", "covered-table-cell"}:
            across += _repeated(element, "columns")
            if len(element) or len(element.attrib) > 1:
                filled, width = True, max(width, across)
        elif kind == "table-row":
            rows += _repeated(element, "rows")
            height = rows if filled else height
            across, filled = 0, False
            element.clear()
        elif kind == "table":
            most = max(most, width * height)
            width = height = rows = 0
            element.clear()
    return most


def _repeated(element: etree._Element, what: str) -> int:
    said = str(element.get(f"{_TABLE}number-{what}-repeated", "1"))
    return int(said) if said.isdigit() and len(said) < 12 else MOST_CELLS + 1


def _too_large(path: Path, why: str) -> ValidationFailed:
    return ValidationFailed(
        f"{path.name}: the workbook is too large to be opened safely.",
        why=why,
        remedy="Export the sheet alone, without formatted empty cells.",
    )


def _no_workbook(path: Path) -> ValidationFailed:
    return ValidationFailed(f"{path.name}: this is no workbook (XLSX or ODS), or it is damaged.", remedy="Export the file again.")
