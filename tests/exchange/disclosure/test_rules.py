"""The rules that make cells primary: each by its definition, together, and refused without what they need."""

import json
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import BadTables, Need, TableSet, read_table_set
from exchange.disclosure.sheets import Bools
from tests.exchange.disclosure.tables import Array, count_set, with_margins

Rules = list[dict[str, Any]]


def ruled(
    inner: Array, rules: Rules, *, extra: dict[str, Array] | None = None, threshold: int | None = None, **spec: Any
) -> dict[str, bytes]:
    """A table set with rules, and no threshold of its own unless given."""
    files = count_set(inner, extra=extra, zeros=spec.pop("zeros", "published"))
    document = {**json.loads(files["spec.json"]), "rules": rules, "threshold": threshold, **spec}
    return {**files, "spec.json": json.dumps(document).encode()}


def primary(tables: TableSet) -> set[tuple[str, ...]]:
    return {tables.place(cell)[1] for cell in np.flatnonzero(tables.primary).tolist()}


def of(tables: TableSet, column: Array | Bools, *codes: str) -> int:
    """What stands in `column` for the cell of one row."""
    (sheet,), (numbers,) = tables.sheets, tables.cells
    position = next(at for at in range(len(numbers)) if sheet.codes(at) == codes)
    return int(column[numbers[position]])


def test_the_threshold_as_a_rule_is_the_threshold() -> None:
    inner = np.array([[0, 4, 5], [9, 1, 7]])
    for zeros in ("published", "suppressible"):
        by_rule = read_table_set(ruled(inner, [{"rule": "threshold", "k": 5}], zeros=zeros))
        by_key = read_table_set(count_set(inner, zeros=zeros))
        assert primary(by_rule) == primary(by_key)
        assert by_rule.default_need() == by_key.default_need()


def test_the_strictest_rule_wins() -> None:
    inner = np.array([[3, 40, 6], [9, 8, 70]])
    tables = read_table_set(ruled(inner, [{"rule": "threshold", "k": 7}, {"rule": "threshold", "k": 4}], threshold=5))
    assert primary(tables) == {("d01", "d11"), ("d01", "d13")}
    assert tables.default_need() == Need(1, 6)


def test_flags_that_are_given_stand_for_the_key_and_rules_apply_beside_them() -> None:
    flags = np.zeros((3, 4), dtype=np.int64)
    flags[1, 2] = 1
    inner = np.array([[3, 40, 6], [9, 8, 70]])
    assert primary(read_table_set(ruled(inner, [], extra={"primary": flags}, threshold=5))) == {("d01", "d12")}
    beside = read_table_set(ruled(inner, [{"rule": "threshold", "k": 5}], extra={"primary": flags}))
    assert primary(beside) == {("d01", "d11"), ("d01", "d12")}


def test_too_few_contributors() -> None:
    people = with_margins(np.array([[2, 9, 3], [4, 0, 5]]))
    tables = read_table_set(
        ruled(np.array([[30, 40, 60], [90, 0, 70]]), [{"rule": "min_contributors", "n": 4}], extra={"n_contrib": people})
    )
    assert primary(tables) == {("d01", "d11"), ("d01", "d13")}
    magnitudes = ruled(np.array([[30, 40, 60]]), [{"rule": "threshold", "k": 4}], extra={"n_contrib": people[:2]}, measure="magnitude")
    tables = read_table_set(magnitudes)
    assert tables.primary.sum() == 2
    assert tables.default_need() == Need(0, 1)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 400), min_size=3, max_size=8), st.sampled_from([5, 20, 79.9, 100]))
def test_dominance_and_p_per_cent_by_their_definitions(contributions: list[int], percent: float) -> None:
    """One cell of the given contributions beside one that no rule touches."""
    contributions = sorted(contributions, reverse=True)
    value, p = sum(contributions), Fraction(str(percent))
    first, second = contributions[:2]
    calm = [100] * 200
    tops = {}
    for number in range(2):
        whole = sorted(contributions + calm, reverse=True)
        tops[f"top{number + 1}"] = np.array([whole[number], contributions[number], 100])
    inner = np.array([value, 20000])
    dominated = read_table_set(ruled(inner, [{"rule": "dominance", "n": 2, "k": percent}], extra=tops, measure="magnitude"))
    expected = 100 * (first + second) > p * value
    assert (of(dominated, dominated.primary, "d01") == 1) is expected
    assert of(dominated, dominated.upl, "d01") == (max(1, ceil(100 / p * (first + second) - value)) if expected else 0)
    estimated = read_table_set(ruled(inner, [{"rule": "p_percent", "p": percent}], extra=tops, measure="magnitude"))
    needed = ceil(p / 100 * first - (value - first - second))
    assert (of(estimated, estimated.primary, "d01") == 1) is (needed > 0)
    assert of(estimated, estimated.upl, "d01") == max(0, needed)


def test_rules_count_in_units_of_the_last_decimal() -> None:
    files = ruled(np.array([10, 30]), [{"rule": "p_percent", "p": 10}], measure="magnitude")
    files["T.csv"] = b"d0,value,top1,top2\nTotal,40.5,10,9.5\nd01,10.5,10,0.5\nd02,30.0,9.5,9.5\n"
    tables = read_table_set(files)
    assert tables.decimals == 1
    assert of(tables, tables.upl, "d01") == 10
    assert not of(tables, tables.primary, "d02")


def test_contributions_may_be_finer_than_their_cells() -> None:
    files = ruled(np.array([10, 30]), [{"rule": "dominance", "n": 1, "k": 50}], measure="magnitude")
    files["T.csv"] = b"d0,value,top1\nTotal,40,9\nd01,10,5.01\nd02,30,9\n"
    tables = read_table_set(files)
    assert primary(tables) == {("d01",)}
    assert of(tables, tables.upl, "d01") == 2  # hundredths: 10.02 less 10


def test_a_category_that_holds_all_is_primary_with_its_empty_siblings() -> None:
    inner = np.array([[0, 40, 0], [9, 8, 0]])
    rules = [{"rule": "group", "column": "d1"}]
    tables = read_table_set(ruled(inner, rules, zeros="suppressible"))
    assert primary(tables) == {("d01", "d11"), ("d01", "d12"), ("d01", "d13")}
    with pytest.raises(BadTables, match="group hides zeros, yet zeros are published"):
        read_table_set(ruled(inner, rules))
    with pytest.raises(BadTables, match="group needs a column"):
        read_table_set(ruled(inner, [{"rule": "group", "column": "outcome"}], zeros="suppressible"))


def test_costs_are_the_users_where_given() -> None:
    tables = read_table_set(count_set(np.array([8, 9]), extra={"cost": np.array([7, 0, 2])}))
    assert tables.cost.tolist() == [7, 0, 2]
    plain = read_table_set(count_set(np.array([[0, 9]])))
    assert sorted(plain.cost.tolist()) == [1, 9, 9]


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([{"rule": "dominance", "n": 3, "k": 80}], "T: the rule dominance needs the column top3"),
        ([{"rule": "min_contributors", "n": 3}], "T: the rule min_contributors needs the column n_contrib"),
        ([{"rule": "k_anonymity", "k": 3}], "rule 1: rule must be one of"),
        ([{"rule": "threshold", "n": 3}], "rule 1: threshold takes exactly k"),
        ([{"rule": "threshold", "k": 0}], "rule 1: k must be a whole number of at least 1"),
        ([{"rule": "p_percent", "p": 0}], "rule 1: p must be a number above 0"),
        ([{"rule": "dominance", "n": 1, "k": "80"}], "rule 1: k must be a number"),
        ([{"rule": "group", "column": 4}], "rule 1: column must be a name"),
        (["threshold"], "rule 1: rule must be one of"),
        ({"rule": "threshold", "k": 3}, "rules must be a list"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused(rules: Any, says: str) -> None:
    tops = {"top1": with_margins(np.array([[3, 3], [3, 3]])), "top2": np.zeros((3, 3), dtype=np.int64)}
    with pytest.raises(BadTables) as refused:
        read_table_set(ruled(np.array([[30, 40], [50, 60]]), rules, extra=tops, threshold=5))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [(41, 0, "T, row 3: top1"), (10, 11, "T, row 3: top2"), (30, 20, "T, row 3: top2")],
)
def test_contributions_that_cannot_be_are_refused(first: int, second: int, says: str) -> None:
    tops = {"top1": np.array([50, first, 50]), "top2": np.array([10, second, 10])}
    with pytest.raises(BadTables) as refused:
        read_table_set(ruled(np.array([40, 60]), [{"rule": "p_percent", "p": 10}], extra=tops))
    assert str(refused.value).startswith(says)


def test_a_contribution_left_out_is_refused() -> None:
    with pytest.raises(BadTables, match="T, row 1: the largest contributions must be top1, top2"):
        read_table_set(count_set(np.array([40, 60]), extra={"top2": np.zeros(3, dtype=np.int64)}))
