"""The demonstration's reading of native files: its names are those of the pinned vectors, though it shares no code with the adapters that made them."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo.partnership.reread import names
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
