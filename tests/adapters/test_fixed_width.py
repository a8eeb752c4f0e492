"""Lines of fixed width: positions, record types, header and trailer, and what breaks them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import fixed_width
from adapters.errors import InvalidSource, NotThisEncoding, ValidationFailed
from adapters.fixed_width import FixedWidthSource, Layout
from adapters.source import Column
from agreements.fields import FieldType
from tests.adapters.contract import read, refusal


class Movements(FixedWidthSource):
    """Two record types of one system."""

    name = "invented_movements"
    system = "invented"
    grain = "row"
    format = "fixed width"
    columns: ClassVar[Mapping[str, Column]] = {
        "ID": Column("id", FieldType.TEXT),
        "DAY": Column("day", FieldType.DATE),
        "NAME": Column("surname", FieldType.TEXT),
        "COUNT": Column("count", FieldType.INTEGER),
    }
    layouts: ClassVar[Mapping[str, Layout]] = {
        "MOV": Layout(24, {"ID": (4, 4), "DAY": (8, 8), "NAME": (16, 9)}),
        "POP": Layout(12, {"ID": (4, 4), "COUNT": (8, 5)}),
    }


SOURCE = Movements()
HEAD, TAIL = b"HDR20180731PNOMIS\n", b"TRL%09d\n"
LINE = b"MOVA00120180704CANARY   \n"


def written(tmp_path: Path, *lines: bytes, count: int | None = None, head: bytes = HEAD) -> Path:
    path = tmp_path / "extract.txt"
    path.write_bytes(head + b"".join(lines) + TAIL % (len(lines) if count is None else count))
    return path


def refused(path: Path) -> ValidationFailed:
    return refusal(SOURCE, path)


def test_columns_stand_at_their_positions_without_blanks(tmp_path: Path) -> None:
    table = read(SOURCE, written(tmp_path, LINE, b"MOV            18".ljust(24) + b"\n"), "id", "surname")
    assert table.to_pylist() == [{"id": "A001", "surname": "CANARY"}, {"id": None, "surname": "18"}]


def test_the_record_type_chooses_the_layout(tmp_path: Path) -> None:
    path = written(tmp_path, b"POPA00100012\n")
    assert SOURCE.headers(path) == ["ID", "COUNT"]
    assert read(SOURCE, path).to_pylist() == [{"id": "A001", "count": 12}]
    with pytest.raises(ValidationFailed, match="“DAY” is missing"):
        read(SOURCE, path, "day")


def test_records_of_two_types_in_one_file_are_refused_by_row(tmp_path: Path) -> None:
    assert refused(written(tmp_path, LINE, LINE.replace(b"MOV", b"POP"), LINE)).report[0]["rows"] == [2]
    assert refused(written(tmp_path, LINE.replace(b"MOV", b"XXX"))).report[0]["rows"] == [1]


def test_a_line_of_another_length_is_refused_by_row(tmp_path: Path) -> None:
    assert refused(written(tmp_path, LINE, LINE.replace(b"CANARY", b"CANARYCANARY"), LINE[:-2] + b"\n")).report[0]["rows"] == [2, 3]
    assert refused(written(tmp_path, LINE, b"\n", LINE)).report[0]["rows"] == [2]


@pytest.mark.parametrize("count", [0, 1, 3, 999_999_999])
def test_a_trailer_that_counts_otherwise_is_refused(tmp_path: Path, count: int) -> None:
    assert "another number" in refused(written(tmp_path, LINE, LINE, count=count)).what


@pytest.mark.parametrize("end", [b"", b"TRL\n", b"TRLx00000002\n", LINE, LINE[:-1], b"TRL000000002\n\n", b"TRL000000002\nTRL000000002\n"])
def test_a_file_that_does_not_end_with_its_trailer_is_refused(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "extract.txt"
    path.write_bytes(HEAD + LINE * 2 + end)
    refused(path)


def test_a_file_without_header_record_is_refused(tmp_path: Path) -> None:
    assert "not the header" in refused(written(tmp_path, LINE, head=b"")).what


def test_no_records_is_a_nil_return_and_the_end_of_the_last_line_may_be_missing(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert read(SOURCE, path, "id").num_rows == 0
    path.write_bytes((HEAD + LINE + TAIL % 1).rstrip(b"\n"))
    assert read(SOURCE, path, "id").num_rows == 1


def test_ascii_is_tried_first_and_latin_1_then(tmp_path: Path) -> None:
    path = written(tmp_path, LINE, LINE.replace(b"CANARY", "Zoëéé ".encode("latin-1")))
    for encoding in ("ascii", "utf-8"):
        with pytest.raises(NotThisEncoding):
            read(SOURCE, path, "surname", encoding=encoding)
    assert read(SOURCE, path, "surname", encoding="latin-1")["surname"].to_pylist() == ["CANARY", "Zoëéé"]
    assert read(SOURCE, path, "day").num_rows == 2  # a column that is not wanted is not even decoded
    with pytest.raises(NotThisEncoding):  # 0x80 is in Windows-1252 alone
        read(SOURCE, written(tmp_path, LINE.replace(b"CANARY", b"CANAR\x80")), "surname", encoding="latin-1")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(rows=st.integers(0, 40), chunk=st.integers(1, 200), ends=st.sampled_from([b"\n", b"\r\n"]))
def test_however_the_file_is_cut_into_blocks_the_rows_are_the_same(tmp_path: Path, rows: int, chunk: int, ends: bytes) -> None:
    path = written(tmp_path, *(LINE.replace(b"A001", b"%04d" % row) for row in range(rows)))
    path.write_bytes(path.read_bytes().replace(b"\n", ends))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fixed_width, "CHUNK", chunk)
        assert read(SOURCE, path, "id")["id"].to_pylist() == [f"{row:04}" for row in range(rows)]


def test_rows_are_counted_through_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_width, "CHUNK", 64)
    lines = [LINE] * 30
    lines[21] = LINE.replace(b"20180704", b"20180732")
    assert refused(written(tmp_path, *lines)).report[0]["rows"] == [22]


@pytest.mark.parametrize(
    "layouts",
    [
        {"MO": Layout(24, {"ID": (4, 4)})},
        {"MOV": Layout(24, {"OTHER": (4, 4)})},
        {"MOV": Layout(24, {"ID": (3, 4)})},
        {"MOV": Layout(24, {"ID": (4, 4), "DAY": (7, 8)})},
        {"MOV": Layout(24, {"ID": (21, 5)})},
        {"MOV": Layout(24, {"ID": (4, 0)})},
    ],
)
def test_a_layout_that_contradicts_itself_cannot_be_defined(layouts: Mapping[str, Layout]) -> None:
    body: dict[str, Any] = {"name": "x", "system": "x", "grain": "x", "format": "x", "columns": Movements.columns, "layouts": layouts}
    with pytest.raises(InvalidSource):
        type("Broken", (FixedWidthSource,), body)
