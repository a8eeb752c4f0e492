"""The spreadsheet of an edition, held to the Analysis Function's guidance by another program, and to never running anything."""

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from exchange.releases import spreadsheet
from exchange.releases.formats import FORMULA
from exchange.releases.opened import Column, Opened
from exchange.releases.spreadsheet import Cover

HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://x.example","x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "＝1",
    "{=1}",
    "http://x.example",
    "007",
    "TRUE",
    "#N/A",
    "'quoted",
]
MARKERS = {"[c]": "confidential"}
PUBLISHED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def cover(**members: Any) -> Cover:
    said: dict[str, Any] = {
        "title": "Outcomes: 2021-04",
        "summary": "Of the crimes recorded in a month, how many have had which outcome?",
        "author": "The Partnership",
        "contact": "figures@lcjp.example",
        "published": PUBLISHED,
        "facts": (
            ("Periods", "2021-04"),
            ("Next edition", "One each month."),
            ("Version", "ed-1"),
            ("Passing on", "As the agreement says."),
        ),
        "notes": ("Small counts are hidden.", "One outcome a crime."),
    }
    return Cover(**{**said, **members})


def table(name: str, labels: list[str], counts: list[int | None], *, title: str = "Outcomes by place") -> Opened:
    """A table of one dimension with ``count`` and a mean."""
    told = {
        "title": title,
        "unit": "crimes",
        "disclosure": "Counts from 1 to 9 are hidden.",
        "markers": MARKERS,
        "agreement": {"reference": "LCJP-X", "version": 1},
    }
    marker = ["[c]" if count is None else None for count in counts]
    means = [None if count is None else count / 4 for count in counts]
    columns = {"place": labels, "count": counts, "count_marker": marker, "days_mean": means, "days_mean_marker": marker}
    types = [pa.string(), pa.int64(), pa.string(), pa.float64(), pa.string()]
    data = pa.table(
        [pa.array(values, kind) for values, kind in zip(columns.values(), types, strict=True)],
        schema=pa.schema(list(zip(columns, types, strict=True))),
    )
    figures = (Column("count", "Count", "Number of crimes."), Column("days_mean", "Days, mean", "Mean of days."))
    return Opened(name, told, (Column("place", "Place of the crime", "Where."),), figures, data)


TABLES = {
    "by-place": table("by-place", ["All places", "Hartlepool", *HOSTILE], [60, 0, 1_234_567, None, *range(11, 22)]),
    "by-type": table("by-type", ["All", "Drugs"], [20, None], title="=cmd|' /C calc'!A0"),
}


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content), rich_text=False)


@pytest.fixture(scope="module")
def made() -> bytes:
    return spreadsheet.spreadsheet(cover(), TABLES)


def of_tables(book: Any) -> list[Worksheet]:
    return [book[name] for name in book.sheetnames if name.startswith("Table_")]


def test_sheets_are_named_and_ordered_as_the_guidance_says(made: bytes) -> None:
    book = opened(made)
    assert book.sheetnames == ["Cover_sheet", "Contents", "Notes", "Table_1", "Table_2"]
    assert book.active.title == "Cover_sheet"
    assert all(sheet.sheet_state == "visible" for sheet in book.worksheets)
    for sheet in book.worksheets:
        assert sheet.sheet_view.selection[0].activeCell in (None, "A1")


def test_the_document_says_what_it_is(made: bytes) -> None:
    told = opened(made).properties
    assert (told.title, told.creator, told.language) == ("Outcomes: 2021-04", "The Partnership", "en-GB")
    assert told.created == datetime(2026, 11, 22, 9, 30)  # noqa: DTZ001  # the reader gives it without its zone


def test_the_cover_holds_everything_in_its_first_column(made: bytes) -> None:
    sheet = opened(made)["Cover_sheet"]
    assert sheet.max_column == 1
    words = [cell.value for cell in sheet["A"]]
    assert None not in words
    for wanted in (
        "Published by",
        "The Partnership",
        "Contact",
        "figures@lcjp.example",
        "22 November 2026",
        "Next edition",
        "Version",
        "Passing on",
    ):
        assert wanted in words
    assert [cell.hyperlink.location for cell in sheet["A"] if cell.hyperlink] == ["'Contents'!A1", "'Notes'!A1"]


def test_every_table_is_marked_up_once_with_a_name_of_its_own_and_nothing_below_it(made: bytes) -> None:
    book, names = opened(made), []
    for sheet in book.worksheets[1:]:
        (marked,) = sheet.tables.values()
        names.append(marked.name)
        first, last = marked.ref.split(":")
        assert first.startswith("A")
        assert sheet.max_row == int(re.sub(r"\D", "", last))
        assert marked.headerRowCount in (None, 1)
        assert marked.autoFilter is None
        assert sheet["A1"].value
        heads = [cell.value for cell in sheet[int(re.sub(r"\D", "", first))]]
        assert all(heads)
        assert len({head.casefold() for head in heads}) == len(heads)
    assert len({name.casefold() for name in names}) == len(names) == 4
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names)


def test_nothing_is_merged_hidden_blank_filtered_frozen_or_coloured(made: bytes) -> None:
    for sheet in opened(made).worksheets:
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes is None
        assert sheet.auto_filter.ref is None
        assert not sheet.conditional_formatting
        assert not any(row.hidden for row in sheet.row_dimensions.values())
        assert not any(column.hidden for column in sheet.column_dimensions.values())
        assert not sheet._images  # the reader shows pictures nowhere else
        for number, row in enumerate(sheet.iter_rows(), 1):
            assert any(cell.value is not None for cell in row), f"{sheet.title}: row {number} is blank"
            assert all(cell.fill.fill_type is None for cell in row)


def test_letters_are_large_enough_and_wrapped(made: bytes) -> None:
    for sheet in opened(made).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    assert cell.font.sz >= 12
                    assert cell.font.name == "Arial"
        for marked in sheet.tables.values():
            texts = [cell for row in sheet[marked.ref] for cell in row if isinstance(cell.value, str)]
            assert all(cell.alignment.wrap_text for cell in texts)
            assert all(sheet.column_dimensions[letter].width >= 12 for letter in "AB")


def test_the_key_and_the_source_stand_above_the_table(made: bytes) -> None:
    for sheet in of_tables(opened(made)):
        above = [sheet.cell(row, 1).value for row in range(1, 6)]
        assert above[0].startswith(sheet.title.replace("_", " "))
        assert above[1] == "This sheet holds one table. Totals come first."
        assert above[2] == "Shorthand: [c] confidential."
        assert "[note 1] [note 2]" in above[3]
        assert above[4].startswith("Source: agreement LCJP-X, version 1")


def test_columns_of_numbers_hold_numbers_or_a_marker_and_nothing_else(made: bytes) -> None:
    found = []
    for sheet, one in zip(of_tables(opened(made)), TABLES.values(), strict=True):
        for row, label, count in zip(sheet.iter_rows(min_row=7), one.data["place"].to_pylist(), one.shown("count"), strict=True):
            assert (row[0].value, row[0].data_type) == (label, "s")
            assert row[1].value == count
            assert (row[1].data_type == "n") is not (row[1].value in MARKERS)
            found.append(row[1].value)
    assert {0, 1_234_567, "[c]"} <= set(found)


def test_nothing_in_it_runs(made: bytes) -> None:
    """No formula, macro, outside link or connection; and what looks like a formula stays a text when it is edited."""
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        names = parts.namelist()
        assert not [name for name in names if re.search(r"vba|macro|external|connection|calcChain|embed|drawing", name, re.IGNORECASE)]
        for name in names:
            text = parts.read(name).decode()
            assert "<f>" not in text
            assert "<f " not in text
            assert "http://x.example" not in text or name == "xl/sharedStrings.xml"
    sheet = opened(made)["Table_1"]
    by_label = {row[0].value: row[0] for row in sheet.iter_rows(min_row=7)}
    for label in HOSTILE:
        assert by_label[label].hyperlink is None
        assert by_label[label].quotePrefix is label.startswith(FORMULA)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=1, max_size=5, unique=True), st.sampled_from(HOSTILE))
@settings(max_examples=25, deadline=None)
def test_every_label_comes_back_as_it_was(labels: list[str], start: str) -> None:
    labels = [start + label for label in labels]
    content = spreadsheet.spreadsheet(cover(title=start), {"t": table("t", labels, [None] * len(labels))})
    sheet = opened(content)["Table_1"]
    found = [row[0] for row in sheet.iter_rows(min_row=7)]
    assert all(cell.data_type == "s" for cell in found)
    assert [cell.value for cell in found] == labels


def test_the_same_tables_give_the_same_bytes(made: bytes) -> None:
    assert spreadsheet.spreadsheet(cover(), TABLES) == made
    assert spreadsheet.spreadsheet(cover(published=datetime(2026, 11, 23, tzinfo=UTC)), TABLES) != made
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        assert {one.date_time for one in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_table_longer_than_a_sheet_goes_on_and_says_so() -> None:
    labels = [f"place {number}" for number in range(25)]
    book = opened(spreadsheet.spreadsheet(cover(), {"long": table("long", labels, list(range(25)))}, rows=10))
    sheets = of_tables(book)
    assert [sheet.title for sheet in sheets] == ["Table_1", "Table_2", "Table_3"]
    assert [row[0].value for sheet in sheets for row in sheet.iter_rows(min_row=7)] == labels
    for part, sheet in enumerate(sheets, 1):
        assert sheet["A1"].value.endswith(f"(part {part} of 3)")
        assert f"It is part {part} of 3: a sheet has room for no more rows." in sheet["A2"].value
    assert [row[1].value for row in book["Contents"].iter_rows(min_row=4)] == [sheet["A1"].value for sheet in sheets]
