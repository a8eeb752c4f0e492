"""Controlled rounding: everything adds up, nothing goes further than said, and no table of multiples is nearer to the truth."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exchange.disclosure.controlled import round_together
from exchange.disclosure.errors import Unprotectable
from exchange.disclosure.methods import apply
from exchange.disclosure.spec import Need
from exchange.disclosure.table import TableSet, read_table_set
from tests.exchange.disclosure.tables import Array, count_set, load, read_csv, with_margins
from tests.exchange.disclosure.test_rounding import narrowest

COUNTS = st.integers(0, 40) | st.integers(0, 6)


def least_distance(inner: Array, base: int) -> int:
    """By enumeration: the least total distance of any table of neighbouring multiples that adds up."""
    table = with_margins(inner)
    choices = [sorted({value // base * base, -(-value // base) * base}) for value in inner.ravel().tolist()]
    best = 10**9
    for guess in itertools.product(*choices):
        full = with_margins(np.array(guess).reshape(inner.shape))
        if (np.abs(full - table) < base).all():
            best = min(best, int(np.abs(full - table).sum()))
    return best


def addable(inner: Array) -> bool:
    """By enumeration, whether any table of neighbouring multiples of 2 adds up."""
    table = with_margins(inner)
    ones = np.argwhere(inner == 1)
    for guess in itertools.product((0, 2), repeat=len(ones)):
        full = np.zeros_like(inner)
        full[tuple(ones.T)] = guess
        if (np.abs(with_margins(full) - table) < 2).all():
            return True
    return False


def kept(tables: TableSet, published: Array) -> bool:
    """Whether every sum of the set holds for the published values."""
    relations = tables.relations
    return not np.add.reduceat(relations.signs * published[relations.cells], relations.start[:-1]).any()


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, (2, 3), elements=COUNTS), st.sampled_from([2, 3, 5, 10]))
def test_two_dimensions_always_have_an_answer_and_it_is_the_nearest(inner: Array, base: int) -> None:
    tables = read_table_set(count_set(inner))
    published = round_together(tables, base, 1)
    assert published is not None
    assert kept(tables, published)
    assert (published % base == 0).all()
    assert (np.abs(published - tables.value) < base).all()
    assert (published[tables.value % base == 0] == tables.value[tables.value % base == 0]).all()
    assert int(np.abs(published - tables.value).sum()) == least_distance(inner, base)


@settings(max_examples=25, deadline=None)
@given(arrays(np.int64, (2, 2, 3), elements=COUNTS), st.sampled_from([3, 5]))
def test_three_dimensions_have_an_answer_or_go_one_multiple_further(inner: Array, base: int) -> None:
    tables = read_table_set(count_set(inner))
    for span in (1, 2):
        published = round_together(tables, base, span)
        if published is not None:
            assert kept(tables, published)
            assert (published >= 0).all()
            assert (np.abs(published - tables.value) < span * base).all()
            return
    pytest.fail("neither neighbours nor the next multiples gave a table that adds up")


def test_where_no_neighbours_add_up_values_go_further() -> None:
    """Three dimensions of noughts and ones to base 2: no choice of neighbours adds up (HiGHS and enumeration agree), the next multiples do."""
    inner = np.random.default_rng(0).choice([0, 1], size=(3, 3, 3), p=[0.6, 0.4]).astype(np.int64)
    tables = read_table_set(count_set(inner))
    assert round_together(tables, 2, 1) is None
    assert not addable(inner)
    further = round_together(tables, 2, 2)
    assert further is not None
    assert kept(tables, further)
    assert np.abs(further - tables.value).max() < 4
    found = apply("controlled", count_set(inner), Need(0, 1), base=2)
    assert found.report["method"]["span"] == 2


@settings(max_examples=25, deadline=None)
@given(arrays(np.int64, (2, 2), elements=st.integers(0, 9)), st.sampled_from([3, 4]), st.integers(1, 4))
def test_what_is_left_is_what_enumeration_finds(inner: Array, base: int, width: int) -> None:
    files, table = count_set(inner), with_margins(inner)
    tables = read_table_set(files)
    published = round_together(tables, base, 1)
    assert published is not None
    grid = published[tables.cells[0]].reshape(table.shape)
    least = narrowest(inner, np.maximum(grid - base + 1, 0), grid + base - 1, (table > 0) & (table < 5))
    if least < width:
        with pytest.raises(Unprotectable):
            apply("controlled", files, Need(0, width), base=base)
    else:
        assert apply("controlled", files, Need(0, width), base=base).report["method"]["span"] == 1


@pytest.mark.parametrize("name", ["a2", "a3", "b1"])
def test_the_sets_add_up_when_read_again(name: str) -> None:
    """Linked tables in one system: the published set passes every check of a set of its own."""
    files = load(name)
    found = apply("controlled", files)
    assert found.report["additive"] is True
    again = {**files}
    for entry in json.loads(files["spec.json"])["tables"].values():
        assert all(row["suppressed"] == "0" for row in read_csv(found.files()[entry["file"]]))
        again[entry["file"]] = b"\n".join(line.rpartition(b",")[0] for line in found.files()[entry["file"]].splitlines()) + b"\n"
    base = found.report["method"]["base"]
    published = read_table_set(again).value
    assert (published % base == 0).all()
    assert found.largest_error < base * found.report["method"]["span"]


def test_the_same_bytes_whatever_the_order_of_rows() -> None:
    files = load("b1")
    lines = files["T1.csv"].decode().splitlines()
    shuffled = [lines[0], *(lines[1:][number] for number in np.random.default_rng(0).permutation(len(lines) - 1))]
    assert apply("controlled", {**files, "T1.csv": "\n".join(shuffled).encode() + b"\n"}).contents == apply("controlled", files).contents


def test_large_sets_in_three_dimensions_are_refused_at_once() -> None:
    files = count_set(np.full((17, 17, 17), 7))
    with pytest.raises(Unprotectable, match="--method rounding"):
        apply("controlled", files)
