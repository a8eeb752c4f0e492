"""Bad input is refused with a table's name and a row number, and never with what stands there."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from exchange.disclosure import BadTables, Need, read_table_set
from exchange.disclosure.problem import pose
from tests.exchange.disclosure.tables import change, count_set, load, to_csv

Files = dict[str, bytes]
INNER = np.array([[61, 8], [7, 9]])


def _spec(**changes: Any) -> Callable[[Files], Files]:
    def apply(files: Files) -> Files:
        return {**files, "spec.json": json.dumps({**json.loads(files["spec.json"]), **changes}).encode()}

    return apply


def _text(old: str, new: str) -> Callable[[Files], Files]:
    return lambda files: change(files, old, new)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_text("d01,d11,61", "d01,d11,62"), "not the sum of its parts"),
        (_text("d01,d11,61", "d01,d11,-61"), "T, row 6: a negative number"),
        (_text("d01,d11,61", "d01,d11,61.5"), "T, row 6: a number not written as required"),
        (_text("d01,d11,61", "d01,d11,"), "T, row 6: a number not written as required"),
        (_text("d01,d11,61", "d01,d11,\u0666\u0661"), "T, row 6: a number not written as required"),
        (_text("d01,d11,61", "d01,sixtyone,61"), "T, row 6: a code that its hierarchy does not hold"),
        (_text("d01,d12,8", "d01,d11,61"), "T, row 7: this cell has come before"),
        (_text("d01,d11,61\n", ""), "T: 1 cells are missing"),
        (_text("d01,d11,61", "d01,d11,61,0"), "T, row 6: not as many fields"),
        (_text("d0,d1,value", "d0,d1,value,note"), "T, row"),
        (_text("d0,d1,value", "d0,d0,value"), "T, row 1"),
        (_text("d0,d1,value", "d0,d1,count"), "T, row 1"),
        (lambda files: {"spec.json": files["spec.json"]}, "T: its file is missing"),
        (lambda files: {"T.csv": files["T.csv"]}, "spec.json is missing"),
        (lambda files: {**files, "spec.json": b"{"}, "not JSON"),
        (lambda files: change(files, '"measure"', '"zeros": "suppressible", "measure"', "spec.json"), "a key comes twice"),
        (lambda files: {**files, "T.csv": b"\xff\xfe"}, "not a CSV in UTF-8"),
        (_spec(measure="volume"), "measure"),
        (_spec(zeros="unknown"), "zeros"),
        (_spec(threshold=0), "threshold"),
        (_spec(threshold=None), "no threshold"),
        (_spec(min_width=True), "min_width"),
        (_spec(min_width=10**16), "min_width"),
        (_text("d01,d11,61", '"d01"x,d11,61'), "T: not a CSV in UTF-8"),
        (_text("d01,d11,61", "d01,d11,61\n"), "T, row 7: not as many fields"),
        (_text("d01,d11,61\n", "d01,d11,61\r\r\n"), "T, row 7: not as many fields"),
        (_text("d01,d11,61", "d01,d11, 61"), "T, row 6: a number not written as required"),
        (_text("d01,d11,61", "d01,d11,NA"), "T, row 6: a number not written as required"),
        (_spec(tables={"T": {"file": "T.csv", "dims": {"d0": "d0", "d1": "d1"}, "universe": 1}}), "T: universe must be text"),
        (_spec(tables={"T": {"file": "T.csv", "dims": {"d0": "d0", "d1": "d1"}, "suppliers": "a/b"}}), "plain name"),
        (_spec(p_percent=0), "p_percent"),
        (_spec(tables={}), "no table"),
        (_spec(tables={"T": {"file": "../T.csv", "dims": {"d0": "d0", "d1": "d1"}}}), "plain name"),
        (_spec(tables={"T": {"file": "T.csv", "dims": {"d0": "d9"}}}), "hierarchy that is not given"),
        (_spec(hierarchies={"d0": {"root": "a", "children": {"a": ["b", "b"]}}}), "two parents"),
        (_spec(hierarchies={"d0": {"root": "a", "children": {"a": ["b"], "c": ["d"]}}}), "hang from the root"),
        (_spec(releases={"relation": "similar"}), "relation"),
    ],
)
def test_bad_input_is_refused_by_place_and_without_values(spoil: Callable[[Files], Files], says: str) -> None:
    with pytest.raises(BadTables) as refused:
        read_table_set(spoil(count_set(INNER)))
    assert says in str(refused.value)
    assert "61" not in str(refused.value)
    assert "sixtyone" not in str(refused.value)


def test_quotes_line_ends_and_a_mark_at_the_front_are_nothing_new() -> None:
    plain = count_set(INNER)
    text = plain["T.csv"].decode()
    quoted = text.replace("d01", '"d01"')
    for other in (
        quoted,
        text.replace("\n", "\r\n"),
        quoted.replace("\n", "\r\n"),
        "\ufeff" + text,
        text.rstrip("\n"),
        text.replace("61", "0061"),
    ):
        assert read_table_set({**plain, "T.csv": other.encode()}).digest == read_table_set(plain).digest


def test_codes_with_commas_quotes_and_line_ends() -> None:
    names = ["a, b", 'say "c"', "two\nlines"]
    spec = {
        "hierarchies": {"d": {"root": "", "children": {"": names}}},
        "tables": {"T": {"file": "T.csv", "dims": {"d": "d"}}},
        "measure": "count",
        "threshold": 5,
    }
    files = {"spec.json": json.dumps(spec).encode(), "T.csv": to_csv(["d", "value"], [["", 60], *zip(names, [10, 20, 30], strict=True)])}
    tables = read_table_set(files)
    assert [tables.place(cell)[1][0] for cell in range(4)] == ["", *names]


def test_tables_that_disagree_about_a_common_cell_are_refused() -> None:
    files = load("a3")
    spoiled = change(change(files, "M,3,1", "M,4,1", "T2.csv"), "N,3,1", "N,2,1", "T2.csv")
    with pytest.raises(BadTables, match="conflicts"):
        read_table_set(spoiled)


def test_the_same_cases_are_one_cell() -> None:
    tables = read_table_set(load("a3"))
    assert len(tables.value) == 13  # 8 leaves, 4 groups, 1 total, in two tables of 11 rows


def test_an_only_child_is_its_parent() -> None:
    files = count_set(np.array([[3, 8, 9]]))
    tables = read_table_set(files)
    assert len(tables.value) == 4


def test_a_code_that_means_two_things_is_refused() -> None:
    spec = json.loads(load("a3")["spec.json"])
    spec["hierarchies"]["by_size"]["children"] = {"Total": ["big", "north"], "big": ["M", "N"], "north": ["A", "B", "I", "J", "K", "L"]}
    with pytest.raises(BadTables, match="different leaves"):
        read_table_set({**change(load("a3"), "small", "north", "T2.csv"), "spec.json": json.dumps(spec).encode()})


def test_primaries_follow_the_threshold_and_the_zero_policy() -> None:
    inner = np.array([[0, 4, 5], [9, 1, 7]])
    published = read_table_set(count_set(inner))
    suppressible = read_table_set(count_set(inner, zeros="suppressible"))
    assert sorted(published.value[published.primary]) == [1, 4]
    assert sorted(suppressible.value[suppressible.primary]) == [0, 1, 4]
    assert published.default_need() == Need(1, 4)
    assert suppressible.default_need() == Need(0, 4)


def test_rules_that_contradict_each_other_are_refused() -> None:
    suppressible = read_table_set(count_set(np.array([[0, 4, 5], [9, 1, 7]]), zeros="suppressible"))
    with pytest.raises(BadTables, match="known_min must be 0"):
        pose(suppressible, Need(1, 4))
    flags = np.zeros((3, 4), dtype=np.int64)
    flags[1, 1] = 1
    zero_is_primary = read_table_set(count_set(np.array([[0, 4, 5], [9, 1, 7]]), extra={"primary": flags}))
    with pytest.raises(BadTables, match="T, row 7: a zero must be hidden"):
        pose(zero_is_primary, Need(0, 4))
    both = read_table_set(count_set(np.array([[2, 4, 5], [9, 1, 7]]), extra={"forced": flags}))
    with pytest.raises(BadTables, match="T, row 7: must be hidden, yet is published"):
        pose(both, Need(0, 4))


@pytest.mark.parametrize("level", [(2, 4), (-1, 4), (0, 0)])
def test_a_level_that_means_nothing_is_refused(level: tuple[int, int]) -> None:
    with pytest.raises(BadTables):
        Need(*level)


def test_keys_that_mean_nothing_are_named() -> None:
    table = {"file": "T.csv", "dims": {"d0": "d0", "d1": "d1"}, "supplier": "S.csv", "note": "of no account"}
    tables = read_table_set(_spec(tables={"T": table}, treshold=9)(count_set(INNER)))
    assert tables.spec.ignored == ("tables.T.supplier", "treshold")
