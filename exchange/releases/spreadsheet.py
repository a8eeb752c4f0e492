"""An edition as one spreadsheet, laid out as the Government Analysis Function asks ("Releasing statistics in spreadsheets"): a cover, the contents,
notes, then one table a sheet. Made from the published files alone, the same bytes every time.

Nothing in it runs: every text is written as text, and one that begins like a formula is quoted, so that it stays a text when it is edited.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from agreements.periods import day_in_words
from exchange.releases.formats import FORMULA
from exchange.releases.opened import MARKER, Column, Opened

NAME = "edition.xlsx"
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = 1_000_000
"""Rows of a table on one sheet: Excel has 1,048,576, and the heading needs a few."""
MOST = 2_500_000
"""Cells that are written at the most: what is larger takes minutes to make and more to open, and is better read from the CSV or Parquet."""
_WIDEST, _NARROWEST = 60, 12
_STAMP = (1980, 1, 1, 0, 0, 0)
_CORE = "docProps/core.xml"


@dataclass(frozen=True)
class Cover:
    """What the cover says.

    Attributes:
        title, summary: of the release.
        author: the organisation that publishes it.
        contact: how to ask about it.
        published: when; the document's own date too.
        facts: more lines: (what, words).
        notes: what a reader must know, in order.
    """

    title: str
    summary: str
    author: str
    contact: str
    published: datetime
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Sheet:
    """One table, or one part of it: rows from ``start`` to ``end``."""

    name: str
    opened: Opened
    start: int
    end: int
    part: int
    parts: int

    @property
    def title(self) -> str:
        part = f" (part {self.part} of {self.parts})" if self.parts > 1 else ""
        return f"{self.name.replace('_', ' ')}: {self.opened.title}{part}"


@dataclass(frozen=True)
class _Styles:
    """The few formats there are: 12 points, wrapped (but what stands above a table runs on to the right), no fill."""

    title: Format
    above: Format
    heading: Format
    text: Format
    quoted: Format
    link: Format
    head: Format
    count: Format
    number: Format
    marker: Format


def cells(tables: Mapping[str, Opened]) -> int:
    """How many cells a spreadsheet of these tables would hold."""
    return sum(one.data.num_rows * (len(one.dimensions) + len(one.figures)) for one in tables.values())


def spreadsheet(cover: Cover, tables: Mapping[str, Opened], *, rows: int = ROWS) -> bytes:
    """The file. ``rows``: how many of a table go on one sheet; a longer one goes on, on the next, and both say so."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    styles = _styles(book)
    sheets = list(_sheets(tables, rows))
    _cover(book.add_worksheet("Cover_sheet"), styles, cover)
    _contents(book.add_worksheet("Contents"), styles, sheets)
    _notes(book.add_worksheet("Notes"), styles, cover)
    for sheet in sheets:
        _table(book.add_worksheet(sheet.name), styles, sheet, cover)
    book.set_properties(
        {
            "title": cover.title,
            "author": cover.author,
            "subject": cover.summary,
            "created": cover.published.astimezone(UTC).replace(tzinfo=None),
        }
    )
    book.close()
    return _fixed(out.getvalue())


def _sheets(tables: Mapping[str, Opened], rows: int) -> Iterator[_Sheet]:
    number = 0
    for opened in tables.values():
        parts = max(1, -(-opened.data.num_rows // rows))
        for part in range(parts):
            number += 1
            yield _Sheet(f"Table_{number}", opened, part * rows, min((part + 1) * rows, opened.data.num_rows), part + 1, parts)


def _styles(book: Any) -> _Styles:
    def style(size: int = 12, **more: Any) -> Format:
        made: Format = book.add_format({"font_name": "Arial", "font_size": size, "text_wrap": True, "valign": "top", **more})
        return made

    book.formats[0].set_font_name("Arial")
    book.formats[0].set_font_size(12)
    return _Styles(
        title=style(16, bold=True, text_wrap=False),
        above=style(text_wrap=False),
        heading=style(14, bold=True),
        text=style(),
        quoted=style(quote_prefix=True),
        link=style(underline=True, font_color="#0000FF"),
        head=style(bold=True, bottom=1),
        count=style(num_format="#,##0", align="right"),
        number=style(num_format="#,##0.00", align="right"),
        marker=style(align="right"),
    )


def _say(sheet: Worksheet, row: int, column: int, text: str, styles: _Styles, style: Format | None = None) -> None:
    """Write a text as a text, whatever it looks like."""
    sheet.write_string(row, column, text, styles.quoted if text.startswith(FORMULA) else style or styles.text)


def _cover(sheet: Worksheet, styles: _Styles, cover: Cover) -> None:
    """All in column A, one thing a row."""
    sheet.set_column(0, 0, 90)
    lines: list[tuple[str, Format]] = [(cover.title, styles.title), (cover.summary, styles.text)]
    for what, words in (
        ("Published by", cover.author),
        ("Contact", cover.contact),
        ("Published", day_in_words(cover.published)),
        *cover.facts,
    ):
        lines += [(what, styles.heading), (words, styles.text)]
    lines += [("In this file", styles.heading)]
    for row, (words, style) in enumerate(lines):
        _say(sheet, row, 0, words, styles, style)
    for row, (name, words) in enumerate((("Contents", "Contents"), ("Notes", "Notes")), len(lines)):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", styles.link, string=words)
    sheet.activate()


def _contents(sheet: Worksheet, styles: _Styles, sheets: Sequence[_Sheet]) -> None:
    _say(sheet, 0, 0, "Contents", styles, styles.title)
    _say(sheet, 1, 0, "This sheet holds one table: every sheet with a table of figures, by name and title.", styles)
    _marked_up(sheet, 2, "Contents_of_this_file", ["Sheet", "Title"], len(sheets), styles)
    for row, one in enumerate(sheets, 3):
        sheet.write_url(row, 0, f"internal:'{one.name}'!A1", styles.link, string=one.name)
        _say(sheet, row, 1, one.title, styles)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)


def _notes(sheet: Worksheet, styles: _Styles, cover: Cover) -> None:
    _say(sheet, 0, 0, "Notes", styles, styles.title)
    _say(sheet, 1, 0, "This sheet holds one table: the notes, which hold for every table of this file.", styles)
    _marked_up(sheet, 2, "Notes_to_all_tables", ["Note number", "Note text"], len(cover.notes), styles)
    for number, words in enumerate(cover.notes, 1):
        _say(sheet, 2 + number, 0, f"note {number}", styles)
        _say(sheet, 2 + number, 1, words, styles)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)


def _table(sheet: Worksheet, styles: _Styles, one: _Sheet, cover: Cover) -> None:
    """Title in A1, what the sheet holds, the key to shorthand, the source; then the table, and nothing below it."""
    opened = one.opened
    part = f" It is part {one.part} of {one.parts}: a sheet has room for no more rows." if one.parts > 1 else ""
    key = "; ".join(f"{marker} {words}" for marker, words in opened.markers.items())
    lines = [
        f"This sheet holds one table.{part} Totals come first.",
        f"Shorthand: {key}." if key else "No shorthand is used in this table.",
        f"Counts of {opened.told['unit']}. {' '.join(f'[note {number}]' for number, _ in enumerate(cover.notes, 1))}".strip(),
        f"Source: agreement {opened.told['agreement']['reference']}, version {opened.told['agreement']['version']}; {cover.author}.",
    ]
    _say(sheet, 0, 0, one.title, styles, styles.title)
    for row, words in enumerate(lines, 1):
        _say(sheet, row, 0, words, styles, styles.above)
    top, columns = len(lines) + 1, [*opened.dimensions, *opened.figures]
    _marked_up(sheet, top, _table_name(one), _heads(columns), one.end - one.start, styles)
    for place, column in enumerate(opened.dimensions):
        _labels(sheet, top + 1, place, opened.data.column(column.name).slice(one.start, one.end - one.start).to_pylist(), styles)
    for place, column in enumerate(opened.figures, len(opened.dimensions)):
        _figures(sheet, top + 1, place, one, column, styles)
    _widths(sheet, opened)


def _labels(sheet: Worksheet, top: int, place: int, labels: Sequence[str], styles: _Styles) -> None:
    formats = {label: styles.quoted if label.startswith(FORMULA) else styles.text for label in set(labels)}
    for row, label in enumerate(labels, top):
        sheet.write_string(row, place, label, formats[label])


def _figures(sheet: Worksheet, top: int, place: int, one: _Sheet, column: Column, styles: _Styles) -> None:
    length = one.end - one.start
    numbers = one.opened.data.column(column.name).slice(one.start, length).to_pylist()
    markers = one.opened.data.column(column.name + MARKER).slice(one.start, length).to_pylist()
    for row, (number, marker) in enumerate(zip(numbers, markers, strict=True), top):
        if marker is not None or number is None:
            sheet.write_string(row, place, marker or "[x]", styles.marker)
        else:
            sheet.write_number(row, place, number, styles.count if isinstance(number, int) else styles.number)


def _marked_up(sheet: Worksheet, row: int, name: str, heads: Sequence[str], length: int, styles: _Styles) -> None:
    """A table in the spreadsheet's own sense, with a name, one header row, and neither filter nor stripes."""
    columns = [{"header": head, "header_format": styles.head} for head in heads]
    area = (row, 0, row + max(length, 1), len(heads) - 1)
    sheet.add_table(*area, {"name": name, "columns": columns, "autofilter": False, "style": None, "banded_rows": False})


def _heads(columns: Sequence[Column]) -> list[str]:
    """Titles as headers, each once: spreadsheets do not take two alike."""
    seen: set[str] = set()
    heads = []
    for one in columns:
        head = one.title if one.title.casefold() not in seen else f"{one.title} ({one.name})"
        seen.add(head.casefold())
        heads.append(head)
    return heads


def _table_name(one: _Sheet) -> str:
    """Letters, digits and underscores, beginning with a letter; never like the address of a cell."""
    return f"{one.name}_{one.opened.name.replace('-', '_')}"


def _widths(sheet: Worksheet, opened: Opened) -> None:
    for place, column in enumerate(opened.dimensions):
        longest = max(map(len, [column.title, *opened.labels[column.name]]))
        sheet.set_column(place, place, min(max(longest + 4, _NARROWEST), _WIDEST))
    for place, column in enumerate(opened.figures, len(opened.dimensions)):
        sheet.set_column(place, place, min(max(len(column.title) + 4, 16), _WIDEST))


def _fixed(made: bytes) -> bytes:
    """The same file with every member's time fixed, and its language said: what the library leaves to the clock, and leaves out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as read, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as write:
        for name in read.namelist():
            content = read.read(name)
            if name == _CORE:
                content = content.replace(b"</cp:coreProperties>", b"<dc:language>en-GB</dc:language></cp:coreProperties>")
            member = zipfile.ZipInfo(name, _STAMP)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            write.writestr(member, content)
    return out.getvalue()
