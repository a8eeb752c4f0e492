from pathlib import Path
from typing import Any

import pytest

from adapters.csv_extract import CsvSource
from adapters.errors import ConfigError, InvalidSource
from adapters.police_outcomes import PoliceOutcomes
from adapters.registry import find
from adapters.source import Column, Source
from agreements.fields import FieldType
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
    with pytest.raises(ConfigError, match="prison_movements"):
        find("prison_movements")


def test_a_dataset_of_other_columns_is_refused_before_anything_is_read() -> None:
    crimes = Partnership().agreement.dataset("crimes")
    assert crimes is not None
    with pytest.raises(ConfigError, match="“crime_type”, which the adapter police_outcomes"):
        PoliceOutcomes().require(crimes, "the clause")


def test_unread_names_the_columns_never_looked_at() -> None:
    sample = Path(__file__).parent / "data" / "police_outcomes.csv"
    assert "Location" in PoliceOutcomes().unread(sample, {"crime_id", "month"})
