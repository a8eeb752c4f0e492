"""The intruder finds exactly what can be found: compared with brute force, and tried on the known ways to get at a hidden cell."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import BadTables, Need, protect, read_table_set
from exchange.disclosure.attack import attack, blocks
from tests.exchange.disclosure.brute import Judge
from tests.exchange.disclosure.generate import named_insiders
from tests.exchange.disclosure.tables import Array, cells, change, count_set, hide, load, possible, with_margins

EVERYTHING_IS_TOO_NARROW = 10**6
SHAPES = ((2, 3), (3, 3), (2, 2, 2), (2, 2, 3))


@st.composite
def patterns(draw: st.DrawFn) -> tuple[Array, set[tuple[int, ...]], int]:
    """A small table, a set of hidden cells (at most four of them inner, never the grand total), and what the intruder assumes."""
    shape = draw(st.sampled_from(SHAPES))
    size = int(np.prod(shape))
    values = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size).filter(lambda found: 0 < sum(found) <= 11))
    inner = np.array(values, dtype=np.int64).reshape(shape)
    least = draw(st.integers(0, 1))
    everywhere = [index for index, _ in cells(shape)]
    leaves = draw(st.lists(st.sampled_from([index for index in everywhere if all(index)]), max_size=4, unique=True))
    margins = draw(st.lists(st.sampled_from([index for index in everywhere if not all(index) and any(index)]), max_size=3, unique=True))
    table = inner
    for axis in range(inner.ndim):
        table = np.concatenate([table.sum(axis=axis, keepdims=True), table], axis=axis)
    hidden = {index for index in [*leaves, *margins] if table[index] >= least}
    return inner, hidden, least


@settings(max_examples=90, deadline=None, derandomize=True)
@given(patterns())
def test_the_attack_finds_the_interval_that_enumeration_finds(pattern: tuple[Array, set[tuple[int, ...]], int]) -> None:
    inner, hidden, least = pattern
    names = dict(cells(inner.shape))
    flags = np.zeros([size + 1 for size in inner.shape], dtype=np.int64)
    for index in hidden:
        flags[index] = 1
    files = count_set(inner, extra={"primary": flags})
    protected = hide(files, {"T": {names[index] for index in hidden}})
    found = attack(files, protected, Need(least, EVERYTHING_IS_TOO_NARROW))
    expected = {names[index]: ends for index, ends in possible(inner, hidden, least).items()}
    assert {cell.codes: (cell.low, cell.high) for cell in found.vulnerable} == expected


@settings(max_examples=40, deadline=None, derandomize=True)
@given(patterns(), st.data())
def test_hiding_more_never_helps_the_intruder(pattern: tuple[Array, set[tuple[int, ...]], int], data: st.DataObject) -> None:
    inner, hidden, _ = pattern
    names = dict(cells(inner.shape))
    flags = np.zeros([size + 1 for size in inner.shape], dtype=np.int64)
    for index in hidden:
        flags[index] = 1
    files = count_set(inner, extra={"primary": flags})
    fewer = attack(files, hide(files, {"T": {names[index] for index in hidden}}), Need(0, EVERYTHING_IS_TOO_NARROW))
    more_hidden = {names[index] for index in hidden} | {
        data.draw(st.sampled_from([code for code in names.values() if set(code) != {"Total"}]))
    }
    more = {cell.codes: cell for cell in attack(files, hide(files, {"T": more_hidden}), Need(0, EVERYTHING_IS_TOO_NARROW)).vulnerable}
    for cell in fewer.vulnerable:
        wider = more[cell.codes]
        assert wider.low is None or (cell.low is not None and wider.low <= cell.low)
        assert wider.high is None or cell.high is None or wider.high >= cell.high


def test_two_hidden_in_every_line_are_not_enough() -> None:
    files = load("a4")
    primary = {("p", "s"), ("p", "t"), ("p", "u"), ("q", "s"), ("q", "u"), ("y", "t"), ("y", "v"), ("z", "t"), ("z", "v")}
    found = attack(files, hide(files, {"T1": primary}))
    assert [(cell.codes, cell.low, cell.high) for cell in found.vulnerable] == [(("p", "t"), 47, 47)]


def test_ones_are_exact_only_to_those_who_know_that_zeros_are_published() -> None:
    inner = np.array([[1, 1, 1, 9], [8, 7, 6, 5], [5, 6, 7, 8]])
    files = count_set(inner, threshold=2)
    hidden = {("d01", "d11"), ("d01", "d12"), ("d01", "d13"), ("d02", "d11"), ("d02", "d12"), ("d02", "d13")}
    protected = hide(files, {"T": hidden})
    assert attack(files, protected, Need(0, 1)).safe
    exact = attack(files, protected, Need(1, 1))
    assert {(cell.codes, cell.low, cell.high) for cell in exact.vulnerable} == {(("d01", f"d1{number}"), 1, 1) for number in (1, 2, 3)}


def test_tables_safe_alone_fall_together() -> None:
    """M + N is one group of the second table, so the group of four in the first gives K away; and A is published in the first."""
    files = load("a3")
    pattern = {"T1": {("K",), ("M",), ("N",)}, "T2": {("K",), ("A",), ("M",), ("N",)}}
    spec = json.loads(files["spec.json"])
    for name in ("T1", "T2"):
        alone = {**files, "spec.json": json.dumps({**spec, "tables": {name: spec["tables"][name]}}).encode()}
        assert attack(alone, hide(alone, pattern), Need(0, 4)).safe
    found = attack(files, hide(files, pattern), Need(0, 4))
    assert [(cell.codes, cell.low == cell.high) for cell in found.vulnerable] == [(("K",), True)]


def test_a_cell_hidden_in_one_table_and_published_in_another_is_known() -> None:
    files = load("a3")
    found = attack(files, hide(files, {"T1": {("M",), ("N",), ("L",), ("K",)}}), Need(0, 1))
    assert {(cell.codes, cell.low) for cell in found.vulnerable} >= {(("M",), 3), (("N",), 3)}


def test_a_value_left_standing_in_a_hidden_row_is_published() -> None:
    files = load("a1")
    pattern = {("II", "C"), ("II", "A"), ("III", "A"), ("III", "C")}
    assert attack(files, hide(files, {"T1": pattern})).safe
    leaky = change(hide(files, {"T1": pattern}), "II,C,,1", "II,C,22,1", "T1.csv")
    assert [(cell.codes, cell.low, cell.high) for cell in attack(files, leaky).vulnerable] == [(("II", "C"), 22, 22)]


def test_the_interval_of_the_literature() -> None:
    files = load("a1")
    protected = hide(files, {"T1": {("II", "C"), ("II", "A"), ("III", "A"), ("III", "C")}})
    cell = attack(files, protected, Need(0, EVERYTHING_IS_TOO_NARROW)).vulnerable[0]
    assert (cell.low, cell.high) == (5, 30)


def test_zero_lines_give_everything_away_where_zeros_may_be_hidden() -> None:
    files = count_set(np.array([[0, 0, 0], [9, 8, 7], [6, 7, 8]]), zeros="suppressible", extra={"primary": _flags([(1, 1)])})
    found = attack(files, hide(files, {"T": {("d01", "d11"), ("d01", "d12"), ("d02", "d11"), ("d02", "d12")}}), Need(0, 1))
    assert [(cell.codes, cell.low, cell.high) for cell in found.vulnerable] == [(("d01", "d11"), 0, 0)]


def test_an_insider_takes_away_an_own_cell() -> None:
    inner = np.array([[30, 20, 50], [25, 40, 60], [70, 80, 90]])
    files = count_set(inner, extra={"primary": _flags([(1, 1), (1, 2)]), "single_contributor": _flags([(1, 1)])})
    protected = hide(files, {"T": {("d01", "d11"), ("d01", "d12"), ("d02", "d11"), ("d02", "d12")}})
    assert attack(files, protected, Need(0, 4)).safe
    found = attack(files, protected, Need(0, 4), insiders=True)
    assert [(cell.codes, cell.low, cell.high, cell.insider) for cell in found.vulnerable] == [(("d01", "d12"), 20, 20, True)]


@pytest.mark.parametrize("seed", range(3))
def test_what_a_push_finds_too_dear_is_for_an_exact_program_to_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    files = named_insiders(seed)
    result = protect(read_table_set(files), Need(1, 1))
    need = Need(1, 3)
    whole = attack(files, result.files(), need, insiders=True)
    monkeypatch.setattr(blocks, "_PUSH", 1e-3)
    assert set(attack(files, result.files(), need, insiders=True).vulnerable) == set(whole.vulnerable)
    assert attack(files, result.files(), Need(1, 1), insiders=True).safe


def test_a_sum_of_one_case_and_its_only_case_are_one_contributors() -> None:
    inner = np.array([[1, 0, 0, 0], [8, 1, 7, 6], [6, 7, 1, 8], [9, 5, 6, 9]])
    files = count_set(inner, extra={"single_contributor": (with_margins(inner) == 1).astype(np.int64)})
    result = protect(read_table_set(files), Need(1, 1))
    assert attack(files, result.files(), Need(1, 1), insiders=True).safe
    assert Judge(files, result.files(), 1, 1).insiders() == []
    # By two names, against all reason, each knows the other's.
    named = change(change(files, "d01,Total,1,1", "d01,Total,1,ann"), "d01,d11,1,1", "d01,d11,1,bo")
    found = attack(named, result.files(), Need(1, 1), insiders=True)
    assert {("d01", "Total"), ("d01", "d11")} <= {cell.codes for cell in found.vulnerable}


def _flags(primary: list[tuple[int, int]]) -> Array:
    flags = np.zeros((4, 4), dtype=np.int64)
    for index in primary:
        flags[index] = 1
    return flags


def _without_last_row(files: dict[str, bytes]) -> dict[str, bytes]:
    return {**files, "T.csv": files["T.csv"].rsplit(b"\n", 2)[0] + b"\n"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: {},
        lambda _: {"T.csv": b""},
        lambda files: change(files, "suppressed", "hidden"),
        lambda files: change(files, "d01,d11,1,0", "d01,d11,2,0"),
        lambda files: change(files, "d01,d11,1,0", "d01,d12,1,0"),
        lambda files: change(files, "d01,d11,1,0", "d01,other,1,0"),
        lambda files: change(files, "d01,d11,1,0", "d01,d11,1,2"),
        _without_last_row,
    ],
    ids=["missing", "empty", "no flag", "other value", "cell twice", "unknown code", "flag 2", "row missing"],
)
def test_output_that_does_not_fit_its_input_is_refused(spoil: Any) -> None:
    files = count_set(np.array([[1, 8], [7, 9]]))
    protected = hide(files, {})
    attack(files, protected)
    with pytest.raises(BadTables):
        attack(files, spoil(protected))


def test_revised_releases_share_nothing() -> None:
    files = load("a3")
    spec = json.loads(files["spec.json"])
    spec["releases"] = {"relation": "revised"}
    spec["tables"]["T1"]["release"], spec["tables"]["T2"]["release"] = 1, 2
    pattern = {"T1": {("M",), ("N",)}, "T2": {("M",), ("N",)}}
    together = attack(files, hide(files, pattern), Need(1, 4))
    apart = attack({**files, "spec.json": json.dumps(spec).encode()}, hide(files, pattern), Need(1, 4))
    assert together.report["cells"] == 13
    assert apart.report["cells"] == 22
