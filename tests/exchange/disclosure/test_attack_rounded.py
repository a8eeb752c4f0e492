"""Rounded tables: each published value an interval, against enumeration of all whole tables behind it."""

import itertools
import json

import numpy as np
import pytest

from exchange.disclosure import Need
from exchange.disclosure.attack import attack
from tests.exchange.disclosure.tables import Array, cells, count_set, to_csv, with_margins


@pytest.mark.parametrize(("base", "seed"), [(2, 0), (3, 1), (4, 2), (5, 3)])
def test_ranges_are_those_of_enumeration(base: int, seed: int) -> None:
    inner = np.random.default_rng(seed).integers(0, 7, (2, 2))
    primary = np.ones((3, 3), dtype=np.int64)
    files = count_set(inner, zeros="suppressible", extra={"primary": primary})
    rounded = (with_margins(inner) + base // 2) // base * base
    rows = [[*codes, int(rounded[index]), 0] for index, codes in cells((2, 2))]
    protected = {
        "T.csv": to_csv(["d0", "d1", "value", "suppressed"], rows),
        "method.json": json.dumps({"method": "rounding", "base": base}).encode(),
    }
    found = attack(files, protected, Need(0, 10**6))
    tables = [with_margins(np.array(x).reshape(2, 2)) for x in itertools.product(range(12), repeat=4)]
    possible = [table for table in tables if ((table + base // 2) // base * base == rounded).all()]
    ends = {codes: (min(int(t[i]) for t in possible), max(int(t[i]) for t in possible)) for i, codes in cells((2, 2))}
    assert {x.codes: (x.low, x.high) for x in found.vulnerable} == ends


METHODS = [
    ({"method": "controlled", "base": 3}, [[1, 5], [4, 2]], [[12, 3, 9], [6, 0, 6], [6, 3, 3]]),
    ({"method": "controlled", "base": 3, "span": 2}, [[1, 5], [4, 2]], [[9, 3, 6], [6, 3, 3], [3, 0, 3]]),
    ({"method": "ten-five", "base": 5, "below": 10}, [[3, 6], [4, 11]], [[25, -1, 15], [-1, -1, -1], [15, -1, 10]]),
    ({"method": "ten-five", "base": 5, "below": 10}, [[3, 2], [8, 13]], [[25, 10, 15], [-1, -1, -1], [20, -1, -1]]),
    ({"method": "cell-key", "bound": 2}, [[1, 0], [4, 2]], [[9, 4, 2], [0, 3, 0], [4, 2, 0]]),
    ({"method": "cell-key", "bound": 1}, [[1, 2], [3, 1]], [[6, 4, 2], [3, 0, 3], [5, 4, 1]]),
]


@pytest.mark.parametrize(("method", "inner", "told"), METHODS)
def test_ranges_of_other_methods_are_those_of_enumeration(method: dict[str, object], inner: list[list[int]], told: list[list[int]]) -> None:
    """`told`: what is published, -1 = hidden."""
    names, published = cells((2, 2)), np.array(told)
    files = count_set(np.array(inner), zeros="suppressible", extra={"primary": np.ones((3, 3), dtype=np.int64)})
    rows = [[*codes, "" if published[index] < 0 else int(published[index]), int(published[index] < 0)] for index, codes in names]
    protected = {"T.csv": to_csv(["d0", "d1", "value", "suppressed"], rows), "method.json": json.dumps(method).encode()}
    guess = np.indices((28,) * 4).reshape(4, -1)
    top, bottom = guess[0] + guess[1], guess[2] + guess[3]
    left, right = guess[0] + guess[2], guess[1] + guess[3]
    tables = np.stack([top + bottom, left, right, top, guess[0], guess[1], bottom, guess[2], guess[3]], axis=1).reshape(-1, 3, 3)
    tables = tables[((published < 0) | _may_become(method, tables, published)).all(axis=(1, 2))]
    found = attack(files, protected, Need(0, 10**6))
    ends = {codes: (int(tables[:, index[0], index[1]].min()), int(tables[:, index[0], index[1]].max())) for index, codes in names}
    assert {x.codes: (x.low, x.high) for x in found.vulnerable} == ends


def _may_become(method: dict[str, object], tables: Array, published: Array) -> Array:
    """Whether each value can be published as what is published."""
    away = np.abs(tables - published)
    if method["method"] == "controlled":
        # A multiple of the base stays, if rounding goes no further than its neighbours.
        return np.asarray(away < 3 * int(str(method.get("span", 1))))
    if method["method"] == "ten-five":
        return np.asarray((away <= 2) & (tables >= 10))
    return np.asarray((away <= int(str(method["bound"]))) & ((tables > 0) | (published == 0)))
