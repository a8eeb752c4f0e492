"""Hostile and merely careless CSV: refused by name and row number, never by value."""

import gzip
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.csv_extract import BLOCK
from adapters.errors import NotThisEncoding, ValidationFailed
from adapters.police_outcomes import PoliceOutcomes
from adapters.values import typed
from agreements.fields import FieldType
from tests.adapters.contract import read

HEADER = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Outcome type\n"
ROW = "CANARY,2021-04,a,b,1,2,c,d,e,f\n"
SOURCE = PoliceOutcomes()


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "extract.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path, wanted: Collection[str] = ("crime_id", "month")) -> ValidationFailed:
    with pytest.raises(ValidationFailed) as caught:
        list(SOURCE.extract(path, wanted))
    error: BaseException | None = caught.value
    while error is not None:  # nor in what it is chained to, which a traceback would print
        assert "CANARY" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return caught.value


def test_a_row_of_too_few_values_is_named_by_its_number(tmp_path: Path) -> None:
    error = refused(written(tmp_path, HEADER + ROW * 5 + "CANARY,2021-04\n" + ROW))
    assert "row 6 " in error.what
    assert error.report[0]["rows"] == [6]


def test_ragged_rows_are_found_beyond_the_first_block(tmp_path: Path) -> None:
    many = BLOCK // len(ROW) * 2
    error = refused(written(tmp_path, HEADER + ROW * many + "CANARY\n"))
    assert error.report[0]["rows"] == [many + 1]


def test_a_month_that_is_none_is_named_by_its_row(tmp_path: Path) -> None:
    error = refused(written(tmp_path, HEADER + ROW + ROW.replace("2021-04", "CANARY") + ROW.replace("2021-04", "2021-13")))
    assert error.report == [{"field": "month", "rule": "must be a month (YYYY-MM)", "rows": [2, 3], "count": 2}]


@pytest.mark.parametrize("content", [b"", b"\n", HEADER.encode() + b'"CANARY,2021-04\n', b"\x00\x01\x02"])
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    refused(written(tmp_path, content))


def test_a_header_alone_is_an_extract_without_rows(tmp_path: Path) -> None:
    assert read(SOURCE, written(tmp_path, HEADER)).num_rows == 0


@pytest.mark.parametrize("spoil", [lambda data: data[:-9], lambda data: data[:-8] + bytes(8), lambda data: data[: len(data) // 2]])
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, spoil: object) -> None:
    packed = gzip.compress((HEADER + ROW * 1000).encode())
    assert callable(spoil)
    assert "damaged" in refused(written(tmp_path, spoil(packed))).what


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "extract.csv").what


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    assert "twice" in refused(written(tmp_path, HEADER.replace("Location", "Longitude"))).what


def test_text_of_windows_is_read_as_such_and_not_guessed(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + ROW.replace(",c,", ",Café,")).encode("cp1252"))
    with pytest.raises(NotThisEncoding):
        read(SOURCE, path, "location")
    assert read(SOURCE, path, "location", encoding="cp1252")["location"].to_pylist() == ["Café"]
    with pytest.raises(NotThisEncoding):
        read(SOURCE, written(tmp_path, HEADER.encode() + ROW.encode().replace(b",c,", b",\x81,")), "location", encoding="cp1252")


def test_a_column_that_is_not_wanted_is_not_even_decoded(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + ROW.replace(",c,", ",Café,")).encode("cp1252"))
    assert read(SOURCE, path, "month").num_rows == 1


def test_an_agency_may_leave_out_what_the_agreement_does_not_need(tmp_path: Path) -> None:
    lines = [line.split(",") for line in (HEADER + ROW).splitlines()]
    path = written(tmp_path, "".join(",".join(line[:2] + line[4:]) + "\n" for line in lines))
    assert read(SOURCE, path, "crime_id", "month").num_rows == 1


def test_columns_without_header_at_the_end_may_stand_there_while_they_are_empty(tmp_path: Path) -> None:
    lines = HEADER.strip() + ", ,\n" + ROW.strip() + ",,\n"
    assert read(SOURCE, written(tmp_path, lines)).num_rows == 1
    error = refused(written(tmp_path, lines + ROW.strip() + ",,\n" + ROW.strip() + ",,CANARY\n"))
    assert error.report[0]["rows"] == [3]
    assert "is unknown" in refused(written(tmp_path, (HEADER + ROW).replace(",", ",,", 1))).what


def test_blanks_around_headers_and_values_make_no_difference(tmp_path: Path) -> None:
    plain = read(SOURCE, written(tmp_path, HEADER + ROW))
    assert read(SOURCE, written(tmp_path, HEADER.replace(",", " , ") + ROW.replace(",", " ,\u00a0"))) == plain


def test_a_header_run_together_with_the_first_record_is_not_repeated(tmp_path: Path) -> None:
    assert "not the header" in refused(written(tmp_path, HEADER.strip() + " " + ROW)).what


def test_a_damaged_row_of_windows_text_is_reported_as_such(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + ROW.replace(",c,", ",Café,") + "CANARY,Café\n").encode("cp1252"))
    with pytest.raises(NotThisEncoding):
        read(SOURCE, path)
    with pytest.raises(ValidationFailed, match="row 2 "):
        read(SOURCE, path, encoding="cp1252")


class Semicolons(PoliceOutcomes):
    """The same, as spreadsheets of other countries save it, with text over several lines."""

    name = "invented_semicolons"
    delimiter = ";"
    newlines_in_values = True


def test_another_delimiter_and_text_over_lines(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + ROW.replace(",c,", ',"c\r\nd",') * 2).replace(",", ";"))
    assert read(Semicolons(), path, "location")["location"].to_pylist() == ["c\r\nd"] * 2


def test_progress_ends_at_the_whole_file(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = written(tmp_path, gzip.compress((HEADER + ROW * 200_000).encode()))
    assert sum(batch.num_rows for batch in SOURCE.extract(path, {"month"}, seen=lambda *at: seen.append(at))) == 200_000
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert len(seen) > 1


@given(st.lists(st.sampled_from(["2021-04", "2020-02-29", "7", "-12", "x", "2021-00", "0021-1", "１２"]) | st.none(), max_size=30))
def test_values_are_read_or_refused_and_nulls_stay_null(values: list[str | None]) -> None:
    for kind, good in ((FieldType.MONTH, {"2021-04"}), (FieldType.DATE, {"2020-02-29"}), (FieldType.INTEGER, {"7", "-12"})):
        wrong = [number for number, value in enumerate(values, 1) if value is not None and value not in good]
        array = pa.array(values, pa.string())
        if not wrong:
            assert [value is None for value in typed(array, "c", kind).to_pylist()] == [value is None for value in values]
            continue
        with pytest.raises(ValidationFailed) as caught:
            typed(array, "c", kind)
        assert caught.value.report[0]["rows"] == wrong[:20]


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("packed", [False, True])
def test_rows_between_two_stray_quotes_are_not_swallowed(tmp_path: Path, packed: bool, end: str) -> None:
    """To a reader of CSV all that stands between them is one value, and the row it makes has as many values as any."""
    first, last = ROW.replace(",c,", ',"CANARY,'), ROW.replace(",c,", ',"c,')
    content = (HEADER + ROW + first + ROW * 2 + last + ROW).removesuffix("\n") + end
    error = refused(written(tmp_path, gzip.compress(content.encode()) if packed else content))
    assert error.report == [{"field": "", "rule": "must be a record on one line", "rows": [2], "count": 1}]


@pytest.mark.parametrize(
    "content", [HEADER + ROW, HEADER + "\n" + ROW + "\n\n", (HEADER + ROW).replace("\n", "\r\n"), (HEADER + ROW).replace("\n", "\r")]
)
@pytest.mark.parametrize("end", ["", None])
def test_lines_that_end_otherwise_or_are_empty_are_no_swallowed_rows(tmp_path: Path, content: str, end: str | None) -> None:
    assert read(SOURCE, written(tmp_path, content if end is None else content.rstrip("\r\n"))).num_rows == 1


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("wanted", [("crime_id",), ("crime_id", "outcome_type")])
def test_an_extract_put_behind_another_is_refused(tmp_path: Path, mark: str, wanted: tuple[str, ...]) -> None:
    error = refused(written(tmp_path, mark + HEADER + ROW + mark + HEADER + ROW), wanted)
    assert "header again" in error.what
    assert error.report[0]["rows"] == [2]


def test_a_value_that_reads_like_its_header_is_one(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + ROW.replace("f\n", "Outcome type\n"))
    assert read(SOURCE, path, "crime_id", "outcome_type").to_pylist() == [{"crime_id": "CANARY", "outcome_type": "Outcome type"}]


def test_the_second_reading_for_the_report_ends_where_the_file_does(tmp_path: Path) -> None:
    """After a row of too few values: the file breaks off, or a line goes on without end."""
    ragged = (HEADER + "CANARY\n" + ROW * (BLOCK // 2)).encode()
    assert "not CSV" in refused(written(tmp_path, gzip.compress(ragged)[:-9])).what
    endless = gzip.compress((HEADER + "CANARY\n" + ROW * (BLOCK // len(ROW))).encode() + b"a" * (4 * BLOCK))
    assert "not CSV" in refused(written(tmp_path, endless)).what
