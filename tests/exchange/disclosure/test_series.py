"""Releases over time: what two of them tell together, which neither tells alone."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import BadCertificate, BadTables, Need, Unprotectable, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from tests.exchange.disclosure.brute import Judge
from tests.exchange.disclosure.seen import assert_safe, assert_safe_or_refused, interval
from tests.exchange.disclosure.solving import enumerate_tables
from tests.exchange.disclosure.tables import suppressed_codes, with_margins
from tests.exchange.disclosure.test_series_read import series

LEVELS = [Need(1, 1), Need(0, 4), Need(1, 4)]
FIRST = np.array([[40, 30, 25], [33, 50, 28]])


def test_a_small_rise_is_not_told() -> None:
    """Nothing is small in either release, but one cell rises by 2: it, or what it was, must stay uncertain."""
    second = FIRST + np.array([[2, 10, 10], [10, 10, 10]])
    files, need = series({"1": FIRST, "2": second}, "additive"), Need(1, 4)
    tables = read_table_set(files)
    result = protect(tables, need)
    check_certificate(files, result.files(), need)
    assert_safe(result, need)
    assert result.report["primary"] == 0
    assert result.report["secondary"] > 0
    assert ("d01", "d11") in suppressed_codes(result.files(), "R1.csv") | suppressed_codes(result.files(), "R2.csv")
    (difference,) = np.flatnonzero(tables.primary)
    assert tables.virtual[difference]
    low, high = interval(result, need, int(difference))
    assert low <= 2 <= high


def test_a_difference_both_of_whose_ends_are_published_is_known() -> None:
    """The same two releases with no small difference: nothing is hidden, and differences held by published ends count for nothing."""
    files, need = series({"1": FIRST, "2": FIRST + 10}, "additive"), Need(1, 4)
    result = protect(read_table_set(files), need)
    check_certificate(files, result.files(), need)
    assert not result.hidden[~result.tables.virtual].any()
    assert result.report["secondary"] == 0
    assert json.loads(result.certificate)["witnesses"] == []


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([0, 1, 3, 6, 9, 20]), min_size=6, max_size=6),
    st.lists(st.lists(st.sampled_from([0, 0, 1, 2, 7]), min_size=6, max_size=6), min_size=1, max_size=2),
    st.sampled_from(LEVELS),
)
def test_random_series_that_only_grow_are_safe_together(first: list[int], rises: list[list[int]], need: Need) -> None:
    inner = np.array(first, dtype=np.int64).reshape(2, 3)
    releases = {"1": inner}
    for number, rise in enumerate(rises, start=2):
        inner = inner + np.array(rise, dtype=np.int64).reshape(2, 3)
        releases[str(number)] = inner
    files = series(releases, "additive")
    assert_safe_or_refused(files, need)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([1, 3, 6, 9, 20]), min_size=4, max_size=4),
    st.lists(st.sampled_from([-3, -1, 0, 0, 1, 2, 9]), min_size=4, max_size=4),
    st.sampled_from(LEVELS),
)
def test_random_revisions_are_safe_together(first: list[int], changes: list[int], need: Need) -> None:
    inner, change = np.array(first).reshape(2, 2), np.array(changes).reshape(2, 2)
    change = np.maximum(change, -inner)
    changed = with_margins(np.abs(change))
    files = series({"1": inner, "2": inner + change}, "revised", extra={"2": {"changed": changed}})
    try:
        tables = read_table_set(files)
        result = protect(tables, need)
    except (Unprotectable, BadTables):
        return
    check_certificate(files, result.files(), need)
    assert_safe(result, need)


def test_the_sign_of_a_revision_is_free() -> None:
    """The first release is published: 40. Now there are 42, in a sum that leaves room for 43 at most: with 40 as the least that is a width of
    3. But nobody is told that there are more than there were, so that anything from 0 up remains possible.
    """
    files = series(
        {"1": np.array([40, 20, 100]), "2": np.array([42, 1, 100])},
        "revised",
        extra={
            "1": {"suppressed": np.zeros(4, dtype=np.int64)},
            "2": {"changed": np.array([30, 2, 25, 9]), "forced": np.array([1, 0, 0, 1])},
        },
    )
    need = Need(0, 4)
    tables = read_table_set(files)
    result = protect(tables, need)
    check_certificate(files, result.files(), need)
    assert_safe(result, need)
    (difference,) = np.flatnonzero(tables.virtual & tables.primary)
    assert interval(result, need, int(difference)) == (-40, 3)
    assert attack(files, result.files(), need).safe
    judge = Judge(files, result.files(), need.known_min, need.min_width)
    ends = enumerate_tables(judge.solver(), int(max(judge.value)))
    later, earlier = next((later, earlier) for _, later, earlier, small in judge.pairs if small)
    before = int(judge.value[earlier])
    assert (ends[later][0] - before, ends[later][1] - before) == (-40, 3)


def test_noughts_that_are_published_on_both_sides_of_a_change_are_no_secret() -> None:
    """None, then 2, then none again: between the first release and the third 4 records came and went, and both noughts are published."""
    inners = [np.array([0, 30, 25]), np.array([2, 30, 25]), np.array([0, 30, 25])]
    files = series(
        {str(number): inner for number, inner in enumerate(inners, start=1)},
        "revised",
        extra={release: {"changed": np.array([9, 2, 9, 9])} for release in ("2", "3")},
    )
    for need in LEVELS:
        result = protect(read_table_set(files), need)
        check_certificate(files, result.files(), need)
        assert ("d01",) in suppressed_codes(result.files(), "R2.csv")
        assert attack(files, result.files(), need).safe
        assert not Judge(files, result.files(), need.known_min, need.min_width).public()


def test_row_order_and_key_order_change_nothing() -> None:
    second = FIRST + np.array([[2, 10, 1], [10, 0, 10]])
    files = series({"9": FIRST, "10": second}, "additive")
    spec = json.loads(files["spec.json"])
    turned = {"spec.json": json.dumps({key: _turned(spec[key]) for key in reversed(spec)}).encode()}
    for name, content in files.items():
        if name != "spec.json":
            header, *rows = [line.split(",") for line in content.decode().splitlines()]
            turned[name] = "\n".join(",".join((row[1], row[0], *row[2:])) for row in [header, *reversed(rows)]).encode()
    straight, other = protect(read_table_set(files)), protect(read_table_set(turned))
    assert straight.hidden.tolist() == other.hidden.tolist()
    assert suppressed_codes(straight.files(), "R9.csv") == {codes[::-1] for codes in suppressed_codes(other.files(), "R9.csv")}


def _turned(found: Any) -> Any:
    return dict(reversed(found.items())) if isinstance(found, dict) else found


def test_what_cannot_be_protected_names_rows_of_either_release() -> None:
    forced = np.ones((3, 4), dtype=np.int64)
    files = series(
        {"1": FIRST, "2": FIRST + np.array([[2, 10, 10], [10, 10, 10]])},
        "additive",
        extra={release: {"forced": forced} for release in ("1", "2")},
    )
    with pytest.raises(Unprotectable) as refused:
        protect(read_table_set(files))
    assert set(refused.value.cells) == {("R1", ("d01", "d11")), ("R2", ("d01", "d11"))}


def test_a_difference_that_falls_below_nothing_is_no_proof() -> None:
    """Differences may be 0 whatever is known of cells, and no less: a witness drawn out farther is refused."""
    files, need = series({"1": FIRST, "2": FIRST + np.array([[2, 10, 10], [10, 10, 10]])}, "additive"), Need(1, 4)
    protected = protect(read_table_set(files), need).files()
    document = json.loads(protected["certificate.json"])
    virtual = [place for place, name in enumerate(document["cells"]) if name[0] == ""]
    assert virtual
    for back, forth in ((10**6, 0), (0, 10**6)):
        for number, entry in enumerate(document["witnesses"]):
            falling = [delta for place, delta in zip(entry[2], entry[3], strict=True) if place in virtual and (delta > 0) == (back > 0)]
            if falling:
                longer = [*document["witnesses"][:number], [back, forth, *entry[2:]], *document["witnesses"][number + 1 :]]
                with pytest.raises(BadCertificate, match="below what an intruder knows"):
                    check_certificate(files, _with(protected, {**document, "witnesses": longer}), need)
    for name in (["", -1], ["", 10**9], ["", "0"], ["", 0, 0]):
        changed = [name if place == virtual[0] else old for place, old in enumerate(document["cells"])]
        with pytest.raises(BadCertificate):
            check_certificate(files, _with(protected, {**document, "cells": changed}), need)


def _with(protected: dict[str, bytes], document: dict[str, Any]) -> dict[str, bytes]:
    return {**protected, "certificate.json": json.dumps(document).encode()}
