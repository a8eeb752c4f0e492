"""Workbooks: what a cell becomes, where the header is, and what is refused before it is opened."""

import time
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
import xlsxwriter

from adapters import sheet_extract
from adapters.errors import ValidationFailed
from adapters.sheet_extract import SheetSource
from adapters.source import Column
from agreements.fields import FieldType
from tests.adapters.contract import read, refusal
from tests.adapters.copies import _ODS, ods_of, write_ods, write_xlsx
from tests.adapters.hostile import nothing_said


class Survey(SheetSource):
    """The first sheet."""

    name = "invented_survey"
    system = "invented"
    grain = "answer"
    format = "XLSX"
    columns: ClassVar[Mapping[str, Column]] = {
        "Day": Column("day", FieldType.DATE),
        "Score": Column("score", FieldType.INTEGER),
        "Answer": Column("answer", FieldType.TEXT),
    }


class Named(Survey):
    """A sheet by its name."""

    name = "invented_named"
    sheet = "Data"


SOURCE, NAMED = Survey(), Named()
HEAD = ["Day", "Score", "Answer"]
ROW = ["2018-07-04", "3", "CANARY"]


def sheet(tmp_path: Path, *rows: list[Any], suffix: str = "xlsx") -> Path:
    path = tmp_path / f"extract.{suffix}"
    (write_ods if suffix == "ods" else write_xlsx)(path, {"Extract": rows})
    return path


def refused(path: Path, source: SheetSource = SOURCE) -> ValidationFailed:
    return refusal(source, path)


def test_numbers_dates_and_truths_become_text_as_fields_read_it(tmp_path: Path) -> None:
    path = tmp_path / "extract.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy"}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEAD)
        page.write_row(1, 0, [date(2018, 7, 4), 3, True])
        page.write_row(2, 0, [datetime.fromisoformat("2018-07-04T13:05"), 3.0, 2.5])
        page.write_row(3, 0, ["04/07/2018", "3", 7])
        page.write_formula(4, 1, "=1+2", None, 3)
        page.write_formula(5, 2, '="CAN"&"ARY"', None, "CANARY")
        page.write_formula(6, 2, "=1/0", None, "#DIV/0!")
        page.write_number(6, 1, 4)
        page.merge_range(7, 0, 8, 0, "2018-07-05")
        page.write_string(8, 2, "x")
    table = read(SOURCE, path)
    assert table["day"].to_pylist() == [date(2018, 7, 4)] * 3 + [None] * 3 + [date(2018, 7, 5), None]
    assert table["score"].to_pylist() == [3, 3, 3, 3, None, 4, None, None]
    assert table["answer"].to_pylist() == ["TRUE", "2.5", "7", None, "CANARY", None, None, "x"]


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_a_title_above_and_blank_rows_between_are_no_records(tmp_path: Path, suffix: str) -> None:
    rows: list[list[Any]] = [
        ["Answers of July", None, None],
        [None] * 3,
        ["Confidential", "Score", None],
        ["Answer", None, None],
        HEAD,
        ROW,
        [None] * 3,
        [" ", None, None],
        ROW,
    ]
    assert read(SOURCE, sheet(tmp_path, *rows, suffix=suffix)).num_rows == 2


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_a_header_below_the_twentieth_row_is_not_looked_for(tmp_path: Path, suffix: str) -> None:
    path = sheet(tmp_path, *[["CANARY", None, None]] * 19, HEAD, ROW, suffix=suffix)
    assert read(SOURCE, path).num_rows == 1
    assert "none of the first 20 rows" in refused(sheet(tmp_path, *[["CANARY", None, None]] * 20, HEAD, ROW, suffix=suffix)).what


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_columns_without_header_may_stand_at_the_end_while_they_are_empty(tmp_path: Path, suffix: str) -> None:
    assert read(SOURCE, sheet(tmp_path, [*HEAD, " ", None], [*ROW, None, " "], suffix=suffix)).num_rows == 1
    error = refused(sheet(tmp_path, [*HEAD, None, None], ROW + [None] * 2, [*ROW, None, "CANARY"], suffix=suffix))
    assert error.report[0]["rows"] == [2]
    assert (
        "is unknown" in refused(sheet(tmp_path, ["Day", None, "Score", "Answer"], ["2018-07-04", "CANARY", "3", "x"], suffix=suffix)).what
    )


def test_the_named_sheet_is_read_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "extract.xlsx"
    write_xlsx(path, {"Notes": [["CANARY"]], "Data": [HEAD, ROW]})
    assert read(NAMED, path).num_rows == 1
    assert "first 20 rows" in refused(path).what
    write_xlsx(path, {"Notes": [HEAD, ROW]})
    assert "no sheet “Data”" in refused(path, NAMED).what


def test_an_error_and_a_value_that_is_none_are_told_apart(tmp_path: Path) -> None:
    assert refused(sheet(tmp_path, HEAD, ROW, ["2018-07-04", "2.5", "x"], [None, "CANARY", None])).report[0]["rows"] == [2, 3]


def repeated(rows: int, columns: int, content: str = "<text:p>CANARY</text:p>") -> str:
    cells = f'<table:table-cell table:number-columns-repeated="{columns}">{content}</table:table-cell>'
    return _ODS.format(
        f'<table:table table:name="x"><table:table-row table:number-rows-repeated="{rows}">{cells}</table:table-row></table:table>'
    )


@pytest.mark.parametrize("content", [repeated(1_048_576, 16_384), repeated(10**11, 1), repeated(10**30, 1), repeated(1, 10**9)])
def test_a_few_bytes_that_stand_for_millions_of_cells_are_refused(tmp_path: Path, content: str) -> None:
    ods_of(tmp_path / "extract.ods", content)
    assert "too large" in refused(tmp_path / "extract.ods").what


def test_two_cells_far_apart_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "extract.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEAD)
        page.write_string(1_048_575, 16_383, "CANARY")
    assert "too large" in refused(path).what


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c t="n"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row>',
        "<row r = '1048576'><c/><c/><c/><c/><c/><c/></row>",
        "<row>" + "<c/>" * 6 + "</row>" + "<row></row>" * 1_000_000,
    ],
)
def test_a_sheet_that_leaves_places_out_is_measured_all_the_same(tmp_path: Path, rows: str) -> None:
    whole = sheet(tmp_path, HEAD, ROW)
    path = tmp_path / "spoilt.xlsx"
    with zipfile.ZipFile(whole) as read_from, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for part in read_from.namelist():
            content = read_from.read(part)
            archive.writestr(
                part, content if "sheet1" not in part else content.partition(b"<sheetData>")[0] + f"<sheetData>{rows}".encode()
            )
    assert "too large" in refused(path).what


def test_a_sheet_of_many_rows_is_not_too_large(tmp_path: Path) -> None:
    assert read(SOURCE, sheet(tmp_path, HEAD, *[ROW] * 20_000), "score").num_rows == 20_000
    assert read(SOURCE, sheet(tmp_path, HEAD, *[ROW] * 5_000, suffix="ods"), "score").num_rows == 5_000


def test_a_document_type_in_a_workbook_is_refused(tmp_path: Path) -> None:
    ods_of(tmp_path / "extract.ods", '<!DOCTYPE x [<!ENTITY a "CANARY">]>' + repeated(1, 1).partition("?>")[2].replace("CANARY", "&a;"))
    refused(tmp_path / "extract.ods")


@pytest.mark.parametrize("bomb", ["ratio", "size", "parts"])
def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, bomb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sheet(tmp_path, HEAD, ROW)
    if bomb == "size":
        monkeypatch.setattr(sheet_extract, "MOST_BYTES", 1_000)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for part in range(2_001 if bomb == "parts" else 1):
            archive.writestr(f"xl/media/{part}.bin", bytes((20 << 20) if bomb == "ratio" else 1))
    assert "too large" in refused(path).what


def test_a_size_that_is_declared_too_small_is_found_out(tmp_path: Path) -> None:
    path = sheet(tmp_path, HEAD, ROW)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/0.bin", b"x" * 50_000)
    data = path.read_bytes()
    assert data.count((50_000).to_bytes(4, "little")) == 2
    path.write_bytes(data.replace((50_000).to_bytes(4, "little"), (5).to_bytes(4, "little")))
    refused(path)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"CANARY", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "extract.xlsx"
    path.write_bytes(content)
    refused(path)


def test_a_workbook_of_other_parts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "extract.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("CANARY.txt", "CANARY")
    refused(path)


def test_records_on_two_sheets_are_refused_and_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "extract.xlsx"
    write_xlsx(path, {"January": [HEAD, ROW], "Notes": [["CANARY"]], "February": [["Title"], HEAD, ROW]})
    assert "2 of its sheets have the header" in refused(path).what
    with xlsxwriter.Workbook(path) as book:
        for name, score in (("Old", "1"), ("New", "2"), ("Older", "3")):
            page = book.add_worksheet(name)
            page.write_row(0, 0, HEAD)
            page.write_row(1, 0, ["2018-07-04", score, "a"])
            if name == "New":
                page.activate()
            else:
                page.very_hidden() if name == "Older" else page.hide()
    assert read(SOURCE, path, "score").to_pylist() == [{"score": 2}]


@pytest.mark.parametrize(
    ("number", "text"), [(123456789012345, "123456789012345"), (1234567890123456, "1.234568e+15"), (1e300, "1.000000e+300")]
)
def test_a_number_that_lost_its_last_digits_is_no_whole_number(tmp_path: Path, number: float, text: str) -> None:
    path = sheet(tmp_path, HEAD, ["2018-07-04", "1", number])
    assert read(SOURCE, path, "answer").to_pylist() == [{"answer": text}]


@pytest.mark.parametrize("tag", ["<c ", "<row ", "<c r "])
def test_tags_that_never_end_do_not_take_for_ever(tmp_path: Path, tag: str) -> None:
    path = sheet(tmp_path, HEAD, ROW)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet2.xml", tag * 200_000)
    begun = time.process_time()
    with nothing_said():
        read(SOURCE, path)
    assert time.process_time() - begun < 10
