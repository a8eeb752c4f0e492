import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from adapters.csv_extract import CsvSource
from adapters.derived import Age, Derived
from adapters.doubts import Doubts
from adapters.errors import ConfigError, InvalidSource, ValidationFailed
from adapters.native_codes import YES_NO
from adapters.police_outcomes import PoliceOutcomes
from adapters.registry import find
from adapters.source import Column, Source
from agreements.fields import FieldType
from tests.adapters.contract import read
from tests.adapters.partnership import Partnership

GOOD: dict[str, Any] = {
    "name": "invented",
    "system": "a system",
    "grain": "a row",
    "format": "CSV",
    "columns": {"Id": Column("id", FieldType.TEXT)},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Not A Name"}, "name"),
        ({"system": ""}, "system"),
        ({"grain": None}, "grain"),
        ({"columns": {}}, "columns"),
        ({"columns": {" Id": Column("id", FieldType.TEXT)}}, "header"),
        ({"columns": {"Id": "id"}}, "Column"),
        ({"columns": {"Id": Column("Not A Name", FieldType.TEXT)}}, "Column"),
        ({"columns": {"Id": Column("id", FieldType.TEXT), "Also": Column("id", FieldType.TEXT)}}, "twice"),
        ({"columns": {"Id": Column("id", FieldType.DATE, codes=YES_NO)}}, "TEXT"),
        ({"columns": {"Id": Column("id", FieldType.INTEGER, identifier="pnc")}}, "TEXT"),
        ({"columns": {"Id": Column("id", FieldType.TEXT, identifier="passport")}}, "no identifier"),
        ({"columns": {"Id": Column("id", FieldType.TEXT, YES_NO, "pnc")}}, "cannot have codes"),
        ({"derived": {"id": Age("id", "id")}}, "twice"),
        ({"derived": {"age": Age("id", "other")}}, "no column"),
        ({"derived": {"age": "Age"}}, "derived"),
    ],
)
def test_a_declaration_that_contradicts_itself_cannot_be_defined(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSource, match=said):
        type("Invented", (CsvSource,), {**GOOD, **change})


def test_a_good_declaration_can_be_defined() -> None:
    assert type("Invented", (CsvSource,), GOOD)().name == "invented"


def test_a_source_that_reads_nothing_cannot_be_defined() -> None:
    with pytest.raises(InvalidSource, match="extract"):
        type("Invented", (Source,), GOOD)


def test_an_adapter_nobody_wrote_is_named() -> None:
    with pytest.raises(ConfigError, match="shoe_sizes"):
        find("shoe_sizes")


def test_a_dataset_of_other_columns_is_refused_before_anything_is_read() -> None:
    crimes = Partnership().agreement.dataset("crimes")
    assert crimes is not None
    with pytest.raises(ConfigError, match="“crime_type”, which the adapter police_outcomes"):
        PoliceOutcomes().require(crimes, "the clause")


class Layouts(CsvSource):
    """Two exports of one system, of which each lacks columns, and fields made from others."""

    name = "invented_layouts"
    system = "a system"
    grain = "a row"
    format = "CSV"
    columns: ClassVar[Mapping[str, Column]] = {
        "Id": Column("id", FieldType.TEXT),
        "Born": Column("date_of_birth", FieldType.DATE),
        "Seen": Column("seen_date", FieldType.DATE),
        "PNC": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "Flag": Column("flag", FieldType.TEXT, codes=YES_NO),
    }
    derived: ClassVar[Mapping[str, Derived]] = {"age": Age("date_of_birth", "seen_date")}


def layouts(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "extract.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_derived_fields_are_made_and_their_parts_do_not_leave(tmp_path: Path) -> None:
    path = layouts(tmp_path, "Seen,Id,Born,PNC\n2018-07-04,1,01/01/2000,CANARY\n,2,05-JUL-2018,\n")
    table = read(Layouts(), path, "age", "id")
    assert table.to_pylist() == [{"id": "1", "age": 18}, {"id": "2", "age": None}]
    assert table.schema == Layouts().schema({"id", "age"})
    assert Layouts().unread(path, {"id", "age"}) == ["PNC"]
    assert Layouts().needed({"age"}) == {"date_of_birth", "seen_date"}


def test_an_export_may_lack_what_is_not_wanted_and_no_part_of_what_is(tmp_path: Path) -> None:
    path = layouts(tmp_path, "Id,Born\n1,2000-01-01\n")
    assert read(Layouts(), path, "id").num_rows == 1
    with pytest.raises(ValidationFailed, match="“Seen” is missing"):
        read(Layouts(), path, "age")


def test_doubts_are_counted_through_the_whole_extract_and_only_of_what_is_read(tmp_path: Path) -> None:
    path, doubts = layouts(tmp_path, "Id,PNC,Flag\n" + "1,81/34X,y\n" * 300_000), Doubts()
    assert read(Layouts(), path, "pnc_id", "flag", doubts=doubts).num_rows == 300_000
    assert doubts.items() == [("pnc_id", "not a PNC id, counted as missing", 300_000)]
    assert read(Layouts(), path, "flag", doubts=(none := Doubts())).num_rows == 300_000
    assert none.items() == []


def test_a_derived_field_may_be_what_an_agreement_names() -> None:
    types = Layouts().types()
    assert list(types) == ["id", "date_of_birth", "seen_date", "pnc_id", "flag", "age"]
    assert types["age"] is FieldType.INTEGER


def test_unread_names_the_columns_never_looked_at() -> None:
    sample = Path(__file__).parent / "data" / "police_outcomes.csv"
    assert "Location" in PoliceOutcomes().unread(sample, {"crime_id", "month"})


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """The header may have been that of another file, whose columns stand elsewhere."""
    path = layouts(tmp_path, "Id,Flag\n1,y\n")
    rows = Layouts().extract(path, {"id"})
    assert next(rows).num_rows == 1
    path.write_text("Flag,Id\ny,CANARY\n", encoding="utf-8")
    with pytest.raises(ValidationFailed, match="changed while it was read"):
        list(rows)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "extract.csv"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/zero")):
        with pytest.raises(ValidationFailed, match="this is no file"):
            list(Layouts().extract(path, {"id"}))
        with pytest.raises(ValidationFailed, match="this is no file"):
            Layouts().unread(path, {"id"})


@pytest.mark.parametrize(("written", "doubted"), [("Siân", 0), ("SiÃ¢n", 1), ("Oâ€™Neill", 1), ("CONCEIÇÃO", 0), ("JOSÉ’S", 0), ("", 0)])
def test_names_that_a_wrong_encoding_spoilt_are_delivered_and_counted(written: str, doubted: int) -> None:
    doubts = Doubts()
    name = Column("surname", FieldType.TEXT).read(pa.array(["Smith", written, None]), doubts=doubts)
    assert name.to_pylist() == ["Smith", written or None, None]
    assert sum(count for _, _, count in doubts.items()) == doubted
