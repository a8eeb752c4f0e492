"""The demonstration's reading of native files: its names are those of the pinned vectors, though it shares no code with the adapters that made them."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from demo.partnership.reread import names, workbook
from demo.partnership.reread.names import Records
from demo.partnership.reread.values import age, day

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "adapters" / "vectors" / "match_keys.json").read_text(encoding="utf-8"))
FORMS = [(form, written) for form in ("surname", "forename", "postcode", "sound", "consonants") for written in VECTORS[form]]


@pytest.mark.parametrize(("form", "written"), FORMS)
def test_a_form_is_that_of_the_vectors(form: str, written: str) -> None:
    assert getattr(names, form)(written) == VECTORS[form][written]


@pytest.mark.parametrize("record", VECTORS["records"], ids=lambda one: str(one["keys"].get("name_dob")))
def test_a_record_has_the_keys_of_the_vectors(record: dict[str, Any]) -> None:
    born = record["date_of_birth"] and date.fromisoformat(record["date_of_birth"])
    read = Records([record["surname"]], [record["forename"]], [born], [record["postcode"]])
    assert {name: read.keys(name)[0] for name in record["keys"]} == record["keys"]


@pytest.mark.parametrize(
    "written", ["2026-10-01", "01/10/2026", "01-OCT-2026", "2026-10-01 00:00:00", "2026-10-01T08:30:00", "20261001", "2026-10"]
)
def test_a_day_is_read_however_a_system_writes_it(written: str) -> None:
    assert day(written) == date(2026, 10, 1)


def test_a_birthday_on_29_february_is_kept_on_1_march() -> None:
    assert [age(date(2008, 2, 29), date(2026, 2, 28)), age(date(2008, 2, 29), date(2026, 3, 1))] == [17, 18]
    assert age(date(2026, 3, 1), date(2026, 2, 28)) is None


@pytest.mark.parametrize("sparing", [False, True], ids=["texts shared", "texts in their cells"])
def test_a_workbook_is_read_as_another_reader_reads_it(tmp_path: Path, sparing: bool) -> None:
    path = tmp_path / "extract.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": sparing}) as book:
        sheet, day_ = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, ["Report of the month"])
        sheet.write_row(2, 0, ["Reference", "Opened", "Count", "Note"])
        for row, opened in enumerate((date(2026, 10, 1), date(1955, 2, 28)), start=3):
            sheet.write_string(row, 0, f"0{row} O’Brien & <Sons>")
            sheet.write_datetime(row, 1, datetime.combine(opened, datetime.min.time()), day_)
            sheet.write_number(row, 2, row)
        sheet.write_string(5, 27, "far out")
    other = [
        [f"{one:%Y-%m-%d}" if isinstance(one, datetime) else None if one is None else str(one) for one in row]
        for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    ]
    ours = [row + [None] * (28 - len(row)) for row in workbook.rows(path)]
    assert ours == [row for row in other if any(row)]
    assert ours[2][:4] == ["03 O’Brien & <Sons>", "2026-10-01", "3", None]
