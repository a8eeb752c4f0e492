"""Whole batches: an unlisted column never gets through, and what breaks the agreement is named by row and rule, never by value."""

from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.columns import MOST_ROWS, Breaches, conform, merge, minimise, refuse
from agreements.errors import RowsAtFault
from agreements.fields import FieldType, KeepPattern, Means
from agreements.model import Category, Dataset, Field
from agreements.periods import Period
from tests.agreements import papers

APRIL = Period.parse("2021-04")
CANARY = "Zebedee Quillfeather"
MEANS = Means(lambda column, _kind: pa.array([b"p" * 16 if value else None for value in column.to_pylist()], pa.binary(16)), papers.LISTS)
SOURCE = {
    "crime_id": ["a" * 64, None],
    "month": [date(2021, 4, 1)] * 2,
    "lsoa_code": ["E01011949", ""],
    "crime_type": ["Burglary", "Drugs"],
    "last_outcome": ["Local resolution", None],
}


def source(**more: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({**SOURCE, **more})


def agreed(rows: int = 3, **columns: list[Any]) -> pa.RecordBatch:
    """Rows as the crimes dataset holds them, some columns replaced."""
    whole: dict[str, list[Any]] = {
        "crime": [b"c" * 16] * rows,
        "month": [date(2021, 4, 1)] * rows,
        "authority": ["Hartlepool"] * rows,
        "crime_type": ["Drugs"] * rows,
        "last_outcome": [None] * rows,
    }
    return pa.RecordBatch.from_pydict({**whole, **columns}, schema=papers.dataset().schema)


def with_reference() -> Dataset:
    """The crimes dataset with a free reference kept by a pattern."""
    free = KeepPattern("^.{1,40}$")
    field = Field("note", "note", FieldType.TEXT, free, may_be_empty=True, category=Category.ORDINARY, meaning="m", reason="r")
    dataset = papers.dataset()
    return replace(dataset, fields=(*dataset.fields, field))


def test_an_unlisted_column_never_gets_through() -> None:
    batch = source(suspect_name=[CANARY, CANARY], crime=[CANARY, CANARY])
    made = minimise(batch, papers.dataset(), MEANS)
    assert made.schema.equals(papers.dataset().schema, check_metadata=True)
    assert CANARY not in str(made.to_pydict())


@settings(max_examples=30)
@given(
    st.permutations(list(SOURCE)),
    st.lists(st.text(min_size=1, max_size=6).filter(lambda name: name not in SOURCE), unique=True, max_size=4),
)
def test_whatever_else_stands_in_the_file_the_result_is_the_same(order: list[str], more: list[str]) -> None:
    members = {**{name: SOURCE[name] for name in order}, **{name: [CANARY, CANARY] for name in more}}
    assert minimise(pa.RecordBatch.from_pydict(members), papers.dataset(), MEANS).equals(minimise(source(), papers.dataset(), MEANS))


def test_a_missing_column_is_no_silence() -> None:
    with pytest.raises(KeyError):
        minimise(source().drop_columns(["lsoa_code"]), papers.dataset(), MEANS)


def test_metadata_of_the_file_stays_behind() -> None:
    batch = source().replace_schema_metadata({"author": CANARY})
    assert not minimise(batch, papers.dataset(), MEANS).schema.metadata


def test_what_was_minimised_conforms() -> None:
    assert conform(minimise(source(), papers.dataset(), MEANS), papers.dataset(), APRIL) == {}
    assert conform(agreed(0), papers.dataset(), APRIL) == {}


PLANTED: list[tuple[str, Any, str]] = [
    ("authority", CANARY, "one of 8 values"),
    ("authority", "", "one of 8 values"),
    ("authority", None, "must not be empty"),
    ("crime_type", "drugs", "may only be one of 14 values"),
    ("last_outcome", "Local resolution", "one of 9 values"),
    ("month", date(2036, 12, 2), "from 2010-12-01 to 2036-12-01"),
    ("month", date(2021, 3, 1), "must lie in the period 2021-04"),
    ("month", date(2021, 5, 1), "must lie in the period 2021-04"),
    ("month", date(2021, 4, 2), "must be the first day of a month"),
    ("month", None, "must not be empty"),
]


@pytest.mark.parametrize(("field", "value", "rule"), PLANTED)
@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_planted_fault_is_found_in_its_row(field: str, value: object, rule: str, row: int) -> None:
    column = agreed().column(field).to_pylist()
    column[row] = value
    found = conform(agreed(**{field: column}), papers.dataset(), APRIL, first_row=100)
    wanted = [(rows, count) for said, rows, count in found.values() if rule in said]
    assert wanted == [([row + 100], 1)]
    error = RowsAtFault(found)
    assert f"row {row + 101}" in str(error)
    assert all(one["field"] == field for one in error.report())
    if isinstance(value, str) and value:
        assert value not in str(error) + str(error.report())


@settings(max_examples=40)
@given(st.sets(st.integers(0, 299)), st.integers(1, 50))
def test_every_fault_is_counted_however_the_rows_are_cut(bad: set[int], size: int) -> None:
    types = [CANARY if row in bad else "Drugs" for row in range(300)]
    total: Breaches = {}
    for start in range(0, 300, size):
        part = types[start : start + size]
        merge(total, conform(agreed(len(part), crime_type=part), papers.dataset(), APRIL, start))
    if not bad:
        assert total == {}
        refuse(total)
        return
    [(rule, rows, count)] = total.values()
    assert (rows, count) == (sorted(bad)[:MOST_ROWS], len(bad))
    assert CANARY not in rule
    with pytest.raises(RowsAtFault) as caught:
        refuse(total)
    assert CANARY not in str(caught.value)


def test_two_rules_of_one_field_stay_two_in_whatever_batches_they_break() -> None:
    total: Breaches = {}
    merge(total, conform(agreed(crime_type=[CANARY, "Drugs", None]), papers.dataset(), APRIL, 0))
    merge(total, conform(agreed(crime_type=[None, "Drugs", "Drugs"]), papers.dataset(), APRIL, 3))
    merge(total, conform(agreed(crime_type=["Drugs", CANARY, CANARY]), papers.dataset(), APRIL, 6))
    report = {one["rule"]: (one["field"], one["rows"], one["count"]) for one in RowsAtFault(total).report()}
    own = papers.dataset().field("crime_type").rule.describe()
    assert report == {own: ("crime_type", [1, 8, 9], 3), "must not be empty": ("crime_type", [3, 4], 2)}


def test_kept_text_that_looks_like_an_identifier_is_refused_by_kind() -> None:
    dataset = with_reference()
    notes = ["ref 1", "943 476 5870", None, "someone@example.org"]
    columns = [*agreed(4).columns, pa.array(notes)]
    found = conform(pa.RecordBatch.from_arrays(columns, schema=dataset.schema), dataset, APRIL)
    assert {rule: rows for rule, rows, _ in found.values()} == {
        "must not look like an NHS number": [1],
        "must not look like an e-mail address": [3],
    }
    assert all(note not in str(RowsAtFault(found)) for note in notes if note)


@given(st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=8))
def test_no_day_that_a_column_can_hold_makes_the_check_fail(days: list[int | None]) -> None:
    months = pa.array(days, pa.int32()).cast(pa.date32())
    batch = agreed(len(days)).set_column(1, papers.dataset().schema.field("month"), months)
    found = conform(batch, papers.dataset(), APRIL)
    wrong = sum(day is not None and day != (date(2021, 4, 1) - date(1970, 1, 1)).days for day in days)
    assert max((count for rule, _, count in found.values() if rule != "must not be empty"), default=0) == wrong
