"""Suppliers as intruders: each knows its own part of every cell."""

import itertools
import json

import numpy as np
import pytest

from exchange.disclosure import Need
from exchange.disclosure.attack import attack
from tests.exchange.disclosure.tables import count_set, hide, to_csv

EVERYTHING = 10**6


def pooled(inner: list[list[int]], own: list[list[int]]) -> dict[str, bytes]:
    """A table of two dimensions, and one supplier's part of it."""
    files = count_set(np.array(inner))
    spec = json.loads(files["spec.json"])
    spec["tables"]["T"]["suppliers"] = "S.csv"
    part = np.array(own)
    rows = [[f"d0{r + 1}", f"d1{c + 1}", "durham", int(part[r, c])] for r in range(len(own)) for c in range(len(own[0]))]
    rows += [[f"d0{r + 1}", "Total", "durham", int(part[r].sum())] for r in range(len(own))]
    rows += [["Total", f"d1{c + 1}", "durham", int(part[:, c].sum())] for c in range(len(own[0]))]
    rows.append(["Total", "Total", "durham", int(part.sum())])
    return {**files, "spec.json": json.dumps(spec).encode(), "S.csv": to_csv(["d0", "d1", "supplier", "value"], rows)}


def test_pooled_twelve_less_own_eleven_is_one() -> None:
    files = pooled([[12, 40], [30, 50]], [[11, 20], [10, 20]])
    found = attack(files, hide(files, {}), Need(0, 4))
    assert [(x.codes, x.low, x.high, x.supplier) for x in found.vulnerable] == [(("d01", "d11"), 12, 12, "durham")]


@pytest.mark.parametrize("seed", range(6))
def test_ranges_are_those_of_enumeration(seed: int) -> None:
    random = np.random.default_rng(seed)
    own = random.integers(0, 3, (2, 2))
    inner = own + random.integers(0, 3, (2, 2)) + 1
    files = pooled(inner.tolist(), own.tolist())
    cells = {(f"d0{r}", f"d1{c}") for r in (1, 2) for c in (1, 2)}
    found = attack(files, hide(files, {"T": cells | {("d01", "Total"), ("d02", "Total")}}), Need(1, EVERYTHING))
    left, right = inner.sum(axis=0).tolist()
    least = np.maximum(own, 1)
    tables = [
        ((a, b), (left - a, right - b))
        for a, b in itertools.product(range(left + 1), range(right + 1))
        if (np.array([[a, b], [left - a, right - b]]) >= least).all()
    ]
    fallen = [x for x in found.vulnerable if x.supplier and x.codes in cells]
    assert fallen
    for x in fallen:
        values = [table[int(x.codes[0][2]) - 1][int(x.codes[1][2]) - 1] for table in tables]
        assert (x.low, x.high) == (min(values), max(values))
