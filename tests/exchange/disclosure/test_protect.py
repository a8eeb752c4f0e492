"""Protection holds at every level, costs what is known to be enough, and depends on nothing but the input."""

import csv
import io
import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import Need, TableSet, Unprotectable, check_certificate, protect, read_table_set, suppress
from exchange.disclosure.attack import attack
from exchange.disclosure.exchanges import ExchangeModel, Move
from exchange.disclosure.networks import NetworkModel
from exchange.disclosure.problem import Problem
from exchange.disclosure.resort import last_resort
from exchange.disclosure.sheets import Floats
from exchange.disclosure.witnesses import Witnesses
from tests.exchange.disclosure.tables import (
    Array,
    cells,
    change,
    count_set,
    hide,
    load,
    possible,
    read_csv,
    suppressed_codes,
    to_csv,
    with_margins,
)

LEVELS = {"A": Need(1, 1), "B": Need(0, 4), "C": Need(1, 4)}
# Secondary cells and their value, at most: the literature's optimum (a1), GaussSuppression 1.2.3 (b1), a trial implementation (c0: at A searched through).
KNOWN = {("a1", "A"): (3, 37), ("a4", "A"): (1, 35), ("b1", "A"): (9, 70), ("b1", "B"): (9, 70)}
KNOWN |= {("c0", "A"): (511, 5807), ("c0", "B"): (603, 7039), ("c0", "C"): (816, 10290)}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["a1", "a2", "a3", "a4", "b1", "c0"])
def test_shared_sets_are_safe_and_cost_no_more_than_known(name: str, level: str) -> None:
    files, need = load(name), LEVELS[level]
    result = protect(read_table_set(files), need)
    check_certificate(files, result.files(), need)
    assert attack(files, result.files(), need).safe
    secondary, value = KNOWN.get((name, level), (10**9, 10**9))
    assert result.report["secondary"] <= secondary
    assert result.report["secondary_value"] <= value


def test_the_optimum_of_the_literature() -> None:
    result = protect(read_table_set(load("a1")))
    assert suppressed_codes(result.files(), "T1.csv") == {("II", "C"), ("II", "A"), ("III", "A"), ("III", "C")}


@st.composite
def inners(draw: st.DrawFn) -> Array:
    shape = draw(st.sampled_from([(3, 3), (3, 4), (5, 4), (2, 3, 3), (3, 3, 4)]))
    size = int(np.prod(shape))
    values = draw(st.lists(st.sampled_from([0, 1, 1, 2, 3, 4, 5, 7, 12, 30]), min_size=size, max_size=size))
    return np.array(values, dtype=np.int64).reshape(shape)


needs = st.sampled_from([Need(1, 1), Need(0, 4), Need(1, 4), Need(0, 1)])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(inners(), needs)
def test_random_tables_are_proven_and_survive_the_attack(inner: Array, need: Need) -> None:
    _proven_and_safe(count_set(inner), need)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(inners(), needs)
def test_many_random_tables_are_proven_and_survive_the_attack(inner: Array, need: Need) -> None:
    _proven_and_safe(count_set(inner), need)


def _proven_and_safe(files: dict[str, bytes], need: Need) -> None:
    try:
        result = protect(read_table_set(files), need)
    except Unprotectable:
        # Only where even hiding everything that may be hidden is not enough.
        assert not attack(files, _all_hidden(files), need).safe
        return
    check_certificate(files, result.files(), need)
    assert attack(files, result.files(), need).safe


def _all_hidden(files: dict[str, bytes]) -> dict[str, bytes]:
    rows = [list(row.values()) for row in read_csv(files["T.csv"])]
    header = list(read_csv(files["T.csv"])[0])
    return {"T.csv": to_csv([*header, "suppressed"], [[*row[:-1], "" if row[-1] != "0" else "0", int(row[-1] != "0")] for row in rows])}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(inners(), st.sampled_from([1, 4]))
def test_suppressible_zeros_are_hidden_and_survive_the_attack(inner: Array, width: int) -> None:
    files, need = count_set(inner, zeros="suppressible"), Need(0, width)
    try:
        result = protect(read_table_set(files), need)
    except Unprotectable:
        everything = {codes for _, codes in cells(inner.shape)}
        assert not attack(files, hide(files, {"T": everything}), need).safe
        return
    check_certificate(files, result.files(), need)
    assert attack(files, result.files(), need).safe
    zeros = {codes for index, codes in cells(inner.shape) if with_margins(inner)[index] == 0}
    assert zeros <= suppressed_codes(result.files(), "T.csv")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0, 1, 2, 4]), min_size=6, max_size=6).filter(lambda found: 0 < sum(found) <= 8), st.integers(0, 1))
def test_enumeration_agrees_that_the_result_is_safe(values: list[int], least: int) -> None:
    inner = np.array(values, dtype=np.int64).reshape(2, 3)
    flags = np.zeros((3, 4), dtype=np.int64)
    table = with_margins(inner)
    flags[(table > 0) & (table < 3)] = 1
    flags[0, 0] = 0
    forced = np.zeros((3, 4), dtype=np.int64)
    forced[0, 0] = 1
    try:
        result = protect(read_table_set(count_set(inner, threshold=3, extra={"primary": flags, "forced": forced})), Need(least, 2))
    except Unprotectable:
        return
    index_of = {codes: index for index, codes in cells(inner.shape)}
    ends = possible(inner, {index_of[codes] for codes in suppressed_codes(result.files(), "T.csv")}, least)
    for index in np.argwhere(flags).tolist():
        low, high = ends[tuple(index)]
        assert high - low >= 2


def test_what_cannot_be_protected_names_the_cells_that_pin_it_down() -> None:
    inner = np.array([[2, 8, 9], [7, 6, 8]])
    forced = np.zeros((3, 4), dtype=np.int64)
    forced[1, 0] = forced[1, 2] = forced[1, 3] = 1
    with pytest.raises(Unprotectable) as refused:
        protect(read_table_set(count_set(inner, extra={"forced": forced})))
    assert set(refused.value.cells) == {("T", ("d01", "Total")), ("T", ("d01", "d12")), ("T", ("d01", "d13"))}


@settings(max_examples=30, deadline=None, derandomize=True)
@given(inners(), st.lists(st.booleans(), min_size=100, max_size=100))
def test_each_cell_that_pins_one_down_is_needed_for_it(inner: Array, wanted: list[bool]) -> None:
    """Were any of the cells named not to be published, the sums of the others would not pin anything down."""
    table = with_margins(inner)
    forced = (np.array(wanted[: table.size]).reshape(table.shape) & (table >= 5)).astype(np.int64)
    files = count_set(inner, extra={"forced": forced})
    tables = read_table_set(files)
    try:
        protect(tables, Need(0, 4))
    except Unprotectable as refused:
        published = {codes for index, codes in cells(inner.shape) if forced[index]}
        zeros = {codes for index, codes in cells(inner.shape) if table[index] == 0}
        named = {codes for _, codes in refused.cells}
        assert named
        assert named <= published | zeros
        assert len(named) <= 20


def _fractional(seed: int = 3) -> dict[str, bytes]:
    """Three dimensions and many ones: some cheapest exchanges are in halves and thirds."""
    return count_set(np.random.default_rng(seed).choice([0, 0, 0, 1, 1, 2, 3, 7], (4, 4, 4)))


def test_fractional_exchanges_become_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    program = ExchangeModel._integer_program

    def counted(model: ExchangeModel, cell: int, amount: int, change: Floats) -> Move | None:
        asked.append(cell)
        return program(model, cell, amount, change)

    monkeypatch.setattr(ExchangeModel, "_integer_program", counted)
    files, need = _fractional(), LEVELS["C"]
    result = protect(read_table_set(files), need)
    assert asked
    check_certificate(files, result.files(), need)
    assert attack(files, result.files(), need).safe


def test_a_search_that_gives_out_hides_more_instead_of_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """No integer program near by finds anything: the last resort may hide what it likes, and the result is as safe."""
    monkeypatch.setattr(ExchangeModel, "_integer_program", lambda *_: None)
    resorted: list[int] = []

    def counted(tables: TableSet, view: Problem, witnesses: Witnesses, cell: int) -> list[Move]:
        resorted.append(cell)
        return last_resort(tables, view, witnesses, cell)

    monkeypatch.setattr(suppress, "last_resort", counted)
    for seed in range(12):
        files = _fractional(seed)
        result = protect(read_table_set(files), LEVELS["A"])
        check_certificate(files, result.files(), LEVELS["A"])
    assert resorted


def test_whole_numbers_may_not_do_what_fractions_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every program and every way gives out, that is said, and nothing is written that is not proven."""
    monkeypatch.setattr(ExchangeModel, "move", lambda *_: None)
    monkeypatch.setattr(NetworkModel, "move", lambda *_: None)
    monkeypatch.setattr(NetworkModel, "cheapest", lambda *_: None)
    with pytest.raises(Unprotectable, match="a primary cell"):
        protect(read_table_set(load("a1")))


def test_a_cell_of_no_cost_is_hidden_before_any_other() -> None:
    inner = np.array([[2, 8, 9], [7, 60, 8], [9, 80, 90]])
    cost = with_margins(inner)
    cost[2, 2] = cost[1, 2] = cost[2, 1] = 0
    cost[1, 3] = cost[3, 1] = 1
    result = protect(read_table_set(count_set(inner, extra={"cost": cost})), Need(0, 4))
    assert suppressed_codes(result.files(), "T.csv") == {("d01", "d11"), ("d01", "d12"), ("d02", "d11"), ("d02", "d12")}


def test_a_table_of_one_cell_or_of_nothing_small() -> None:
    spec = {
        "hierarchies": {"all": {"root": "Total", "children": {}}},
        "tables": {"T": {"file": "T.csv", "dims": {"d": "all"}}},
        "measure": "count",
        "threshold": 5,
    }
    for value, hidden in ((3, {("Total",)}), (7, set())):
        files = {"spec.json": json.dumps(spec).encode(), "T.csv": f"d,value\nTotal,{value}\n".encode()}
        result = protect(read_table_set(files))
        check_certificate(files, result.files())
        assert suppressed_codes(result.files(), "T.csv") == hidden
        assert attack(files, result.files()).safe


@pytest.mark.parametrize("name", ["b1", pytest.param("c0", marks=pytest.mark.slow)])
def test_a_thorough_search_hides_no_more_and_is_as_safe(name: str) -> None:
    files = load(name)
    tables = read_table_set(files)
    quick, slow = protect(tables, Need(1, 1)), protect(tables, Need(1, 1), thorough=True)
    check_certificate(files, slow.files(), Need(1, 1))
    assert attack(files, slow.files(), Need(1, 1)).safe
    assert slow.report["secondary_value"] <= min(quick.report["secondary_value"], KNOWN[name, "A"][1])


def test_row_order_and_key_order_change_nothing() -> None:
    files = load("b1")
    spec = json.loads(files["spec.json"])
    rows = list(csv.reader(io.StringIO(files["T1.csv"].decode())))
    body = rows[1:]
    random.Random(4).shuffle(body)
    turned = {
        "T1.csv": to_csv(rows[0], body),
        "spec.json": json.dumps({key: spec[key] for key in reversed(spec)}, sort_keys=False).encode(),
    }
    assert protect(read_table_set(files)).files() == protect(read_table_set(turned)).files()


def test_suppressed_follows_the_rows_of_the_input() -> None:
    files = load("b1")
    lines = files["T1.csv"].decode().splitlines()
    turned = {**files, "T1.csv": "\n".join([lines[0], *reversed(lines[1:])]).encode()}
    straight = protect(read_table_set(files)).suppressed("T1")
    assert (protect(read_table_set(turned)).suppressed("T1") == straight[::-1]).all()


def test_a_spent_budget_still_protects() -> None:
    files = load("b1")
    result = protect(read_table_set(files), LEVELS["C"], time_limit=0)
    check_certificate(files, result.files())
    assert attack(files, result.files(), LEVELS["C"]).safe
    assert result.report["stopped_early"]


def test_the_protected_file_tells_nothing_more() -> None:
    files = load("b1")
    rows = read_csv(protect(read_table_set(files)).files()["T1.csv"])
    assert set(rows[0]) == {"court", "offence", "value", "suppressed"}
    assert {row["value"] for row in rows if row["suppressed"] == "1"} == {""}
    original = {(row["court"], row["offence"]): row["value"] for row in read_csv(files["T1.csv"])}
    assert all(row["value"] == original[row["court"], row["offence"]] for row in rows if row["suppressed"] == "0")


def test_an_earlier_release_is_a_fact() -> None:
    """What was published stays published, what was hidden stays hidden, and the new table is protected beside it."""
    files = load("a3")
    spec = json.loads(files["spec.json"])
    spec["releases"] = {"relation": "same"}
    spec["tables"]["T1"]["release"], spec["tables"]["T2"]["release"] = 1, 2
    hidden = {"K", "M", "N", "A", "south", "north"}
    past = [[*row.values(), int(row["area"] in hidden)] for row in read_csv(files["T1.csv"])]
    series = {**files, "spec.json": json.dumps(spec).encode(), "T1.csv": to_csv(["area", "value", "primary", "suppressed"], past)}
    result = protect(read_table_set(series), Need(0, 4))
    assert suppressed_codes(result.files(), "T1.csv") == {(code,) for code in hidden}
    assert attack(series, result.files(), Need(0, 4)).safe
    given_away = change(series, "N,3,1,1", "N,3,1,0", "T1.csv")
    with pytest.raises(Exception, match="published by request or by an earlier release"):
        protect(read_table_set(given_away), Need(0, 4))
