"""How often each agreed value occurs: exactly, for fields whose rule names its values, and for no other."""

from datetime import date

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from agreements.coarsen import Round
from agreements.columns import conform
from agreements.fields import KeepPattern, KeepRange, KeepValues, Map, PseudonymiseRule
from agreements.listed import MOST_VALUES, count_listed, listed_fields, listed_values, wholly_listed
from agreements.periods import Period
from tests.agreements import papers

VALUES = ("a", "b", "c")


def test_only_rules_that_name_their_values_are_counted() -> None:
    mapped = Map((("1", "one"), ("2", "two")), "", "", (), "other", "blank")
    assert listed_values(KeepValues(VALUES)) == VALUES
    assert listed_values(mapped) == ("one", "two", "other", "blank")
    for rule in (KeepPattern("^[0-9]+$"), KeepRange(1, 2), PseudonymiseRule("crime"), Round(5)):
        assert listed_values(rule) == ()
    assert listed_values(KeepValues(tuple(str(number) for number in range(MOST_VALUES + 1)))) == ()


def test_of_the_shipped_agreement() -> None:
    dataset = papers.agreement().dataset("crimes")
    assert dataset is not None
    assert set(listed_fields(dataset)) == {"authority", "crime_type", "last_outcome"}


@given(st.lists(st.sampled_from([*VALUES, None, "elsewhere"])))
def test_counts_are_exact_and_nothing_else_is_counted(column: list[str | None]) -> None:
    batch = pa.record_batch({"x": pa.array(column, pa.string())})
    [counted] = count_listed(batch, {"x": VALUES}).values()
    assert counted.tolist() == [column.count(value) for value in VALUES]
    assert wholly_listed(batch, {"x": counted}) == (frozenset() if "elsewhere" in column else {"x"})


@given(st.lists(st.sampled_from(["Drugs", "Robbery", "Piracy", None])), st.lists(st.sampled_from(["Hartlepool", "Atlantis", None])))
def test_what_is_wholly_listed_breaks_no_rule_that_the_whole_check_would_find(kinds: list[str | None], places: list[str | None]) -> None:
    dataset = papers.agreement().dataset("crimes")
    assert dataset is not None
    rows = min(len(kinds), len(places))
    columns = {
        "crime": pa.array([bytes(16)] * rows, pa.binary(16)),
        "month": pa.array([date(2021, 4, 1)] * rows, pa.date32()),
        "authority": pa.array(places[:rows], pa.string()),
        "crime_type": pa.array(kinds[:rows], pa.string()),
        "last_outcome": pa.array([None] * rows, pa.string()),
    }
    batch = pa.record_batch(columns, schema=dataset.schema)
    clean = wholly_listed(batch, count_listed(batch, listed_fields(dataset)))
    period = Period.parse("2021-04")
    assert conform(batch, dataset, period, listed=clean) == conform(batch, dataset, period)
