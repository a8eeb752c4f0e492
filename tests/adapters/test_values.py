"""From text to typed columns: dates in three forms, blanks, what people write for “missing”, codes, and fields made from others."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.cjs_codes import ETHNICITY
from adapters.derived import Age, Derived
from adapters.doubts import Doubts
from adapters.errors import ValidationFailed
from adapters.native_codes import COURT_CODE, HOME_OFFICE_CLASS, OFFENCE_CODE, YES_NO, Codes
from adapters.source import Column
from adapters.values import ABSENT, stripped, typed
from agreements.fields import FieldType

DAY = date(2018, 7, 4)


def column(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


@pytest.mark.parametrize(
    "written",
    [
        "2018-07-04",
        "04/07/2018",
        "04-JUL-2018",
        "04-Jul-2018",
        "2018-07-04T13:05:00Z",
        "2018-07-04 13:05:00.000",
        "04/07/2018 00:00",
        "04-JUL-2018 13:05:59",
        "2018-07-04T13:05:00+01:00",
    ],
)
def test_a_date_in_each_of_its_forms_is_that_day(written: str) -> None:
    assert typed(column(written), "day", FieldType.DATE).to_pylist() == [DAY]


@pytest.mark.parametrize(
    "written",
    ["4/7/2018", "07/04/18", "31/02/2018", "2018-7-4", "04-JUL-18", "04-JUI-2018", "20180704", "04.07.2018", "2018-07-04x", "２018-07-04"],
)
def test_any_other_date_is_refused_by_its_row_and_not_repeated(written: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        typed(column("2018-07-04", written), "day", FieldType.DATE, 10)
    assert caught.value.report[0]["rows"] == [12]
    assert written not in str(caught.value.document())


def test_a_packed_date_is_read_where_the_format_packs() -> None:
    assert typed(column("20180704", "04/07/2018"), "day", FieldType.DATE, packed=True).to_pylist() == [DAY, DAY]


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_the_three_forms_say_the_same_day(day: date) -> None:
    forms = column(day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%d-%b-%Y}".upper(), f"{day:%Y%m%d}")
    assert set(typed(forms, "day", FieldType.DATE, packed=True).to_pylist()) == {day}


@given(st.lists(st.none() | st.text(alphabet=" \t\n\u00a0\u2003abé/1", max_size=6), max_size=20), st.integers(0, 3))
def test_outer_blanks_are_stripped_and_what_is_empty_is_null(values: list[str | None], skipped: int) -> None:
    text = column(*values).slice(skipped)
    assert stripped(text).to_pylist() == [(value or "").strip() or None for value in values[skipped:]]


@pytest.mark.parametrize("written", [*sorted(ABSENT), "null", "n/a", "Unknown", " - "])
def test_what_people_write_for_missing_is_null_only_where_a_name_or_identifier_stands(written: str) -> None:
    text = column(written, "Smith")
    assert Column("surname", FieldType.TEXT).read(text).to_pylist() == [None, "Smith"]
    assert Column("pnc_id", FieldType.TEXT, identifier="pnc").read(column(written)).to_pylist() == [None]
    assert Column("town", FieldType.TEXT).read(text).to_pylist() == [written.strip(), "Smith"]


def test_an_identifier_that_is_none_is_null_and_counted_and_one_that_is_missing_is_not() -> None:
    doubts = Doubts()
    read = Column("pnc_id", FieldType.TEXT, identifier="pnc").read(column("81/34U", "81/34V", "N/A", None, "x"), 0, doubts)
    assert read.to_pylist() == ["1981/0000034U", None, None, None, None]
    assert doubts.items() == [("pnc_id", "not a PNC id, counted as missing", 2)]
    assert doubts.lines() == ["pnc_id: not a PNC id, counted as missing (2 values)."]


def test_codes_become_what_they_mean_and_retired_ones_are_doubtful() -> None:
    codes, doubts = Codes({"A": "first", "B": "second"}, retired={"Z": "second"}), Doubts()
    read = Column("stage", FieldType.TEXT, codes=codes).read(column(" a", "B", "z", "z", "other", None), 0, doubts)
    assert read.to_pylist() == ["first", "second", "second", "second", "OTHER", None]
    assert [(name, count) for name, _, count in doubts.items()] == [("stage", 2)]


def test_unlisted_codes_are_refused_where_the_list_is_strict() -> None:
    with pytest.raises(ValidationFailed) as caught:
        Codes({"A": "A"}, strict=True).delivered(column("a", "CANARY", None, "CANARY"), "stage", 5)
    assert caught.value.report[0]["rows"] == [7, 9]
    assert "CANARY" not in str(caught.value.document())


def test_a_code_not_of_the_form_of_its_codes_is_doubtful_or_refused() -> None:
    doubts = Doubts()
    assert Codes(form=OFFENCE_CODE).delivered(column("th68001", "theft"), "offence", 0, doubts).to_pylist() == ["TH68001", "THEFT"]
    assert doubts.items()[0][2] == 1
    with pytest.raises(ValidationFailed):
        Codes(form=OFFENCE_CODE, strict=True).delivered(column("theft"), "offence")


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (OFFENCE_CODE, ["TH68001", "TH68001A", "COML001", "COML001B"], ["TH6800", "T968001", "COML01", "TH68001AA"]),
        (HOME_OFFICE_CLASS, ["105/01"], ["105/1", "10501"]),
        (COURT_CODE, ["C17TE", "C17TE00", "B11EI00"], ["D17TE", "17TE", "C17TE0"]),
    ],
)
def test_the_forms_of_codes(form: str, good: list[str], bad: list[str]) -> None:
    strict = Codes(form=form, strict=True)
    assert strict.delivered(column(*good), "code").to_pylist() == good
    for code in bad:
        with pytest.raises(ValidationFailed):
            strict.delivered(column(code), "code")


def test_yes_and_no_and_ethnicity() -> None:
    written = column("y", "Yes", "1", "TRUE", "t", "n", "NO", "0", "false", "F", None)
    assert YES_NO.delivered(written, "flag").to_pylist() == ["Y"] * 5 + ["N"] * 5 + [None]
    doubts = Doubts()
    assert ETHNICITY.delivered(column("o1", "A4", "NS"), "ethnicity", 0, doubts).to_pylist() == ["A4", "A4", "NS"]
    assert [count for _, _, count in doubts.items()] == [1]


@pytest.mark.parametrize(
    ("born", "at", "years"),
    [
        (date(2000, 7, 4), date(2018, 7, 3), 17),
        (date(2000, 7, 4), date(2018, 7, 4), 18),
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2000, 2, 29), date(2016, 2, 29), 16),
        (date(2018, 7, 4), date(2018, 7, 4), 0),
        (date(2018, 7, 5), date(2018, 7, 4), None),
        (None, date(2018, 7, 4), None),
        (date(2000, 7, 4), None, None),
    ],
)
def test_an_age_is_in_whole_years(born: date | None, at: date | None, years: int | None) -> None:
    age = Age("born", "at")
    assert isinstance(age, Derived)
    assert age.make([pa.array([born], pa.date32()), pa.array([at], pa.date32())]).to_pylist() == [years]


@given(st.dates(date(1920, 1, 1), date(2018, 1, 1)), st.dates(date(1920, 1, 1), date(2026, 1, 1)))
def test_an_age_is_how_many_birthdays_there_were(born: date, at: date) -> None:
    days = [date(year, born.month, born.day) if (born.month, born.day) != (2, 29) else None for year in range(born.year + 1, at.year + 1)]
    [age] = Age("born", "at").make([pa.array([born]), pa.array([at])]).to_pylist()
    if at < born:
        assert age is None
    elif (born.month, born.day) != (2, 29):
        assert age == sum(day is not None and day <= at for day in days)


def test_doubts_add_up_and_nothing_is_no_doubt() -> None:
    doubts = Doubts()
    for count in (1, 0, 1_999):
        doubts.add("pnc_id", "not a PNC id, counted as missing", count)
    doubts.add("crn", "x", 0)
    assert doubts.lines() == ["pnc_id: not a PNC id, counted as missing (2,000 values)."]
