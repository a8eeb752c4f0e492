"""Magnitudes: sided requirements, decimals, contributors who know an own cell."""

import json

import numpy as np
import pytest

from exchange.disclosure import Need, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from tests.exchange.disclosure.seen import interval
from tests.exchange.disclosure.tables import Array, cells, count_set, to_csv, with_margins


def magnitude_set(inner: Array, seed: int, *, decimals: bool = False) -> dict[str, bytes]:
    """Leaf cells with up to four contributors each; primary by the p% rule (p = 20), as a statistical office would flag them."""
    random = np.random.default_rng(seed)
    primary, lpl, upl, single = (np.zeros([size + 1 for size in inner.shape], dtype=np.int64) for _ in range(4))
    for index in np.ndindex(*inner.shape):
        at = tuple(place + 1 for place in index)
        value = int(inner[index])
        shares = np.sort(random.dirichlet(np.ones(int(random.integers(1, 5))) * 0.7))[::-1] * value
        first, second = shares[0], shares[1] if len(shares) > 1 else 0.0
        missing = int(np.ceil(0.2 * first - (value - first - second)))
        if value and missing > 0:
            primary[at], lpl[at], upl[at] = 1, min(missing, value), missing
            single[at] = int(len(shares) == 1)
    files = count_set(inner, extra={"primary": primary, "lpl": lpl, "upl": upl, "single_contributor": single})
    spec = json.loads(files["spec.json"])
    spec["measure"] = "magnitude"
    del spec["threshold"]
    files["spec.json"] = json.dumps(spec).encode()
    if decimals:
        lines = files["T.csv"].decode().splitlines()
        rows = [line.split(",") for line in lines[1:]]
        for row in rows:
            for column in (inner.ndim, inner.ndim + 2, inner.ndim + 3):  # value, lpl, upl
                row[column] = f"{int(row[column]) // 10}.{int(row[column]) % 10}"
        files["T.csv"] = "\n".join([lines[0], *(",".join(row) for row in rows)]).encode() + b"\n"
    return files


@pytest.mark.parametrize("decimals", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_both_sides_hold_and_no_insider_learns_more(seed: int, decimals: bool) -> None:
    random = np.random.default_rng(seed)
    shape = [(6, 7), (3, 4, 4)][seed % 2]
    files = magnitude_set(random.integers(50, 900, shape), seed, decimals=decimals)
    result = protect(read_table_set(files))
    assert result.report["primary"] > 3
    assert result.insiders
    check_certificate(files, result.files())
    assert attack(files, result.files(), insiders=True).safe
    assert attack(files, result.files(), Need(0, 1)).safe


@pytest.mark.parametrize("seed", range(3))
def test_both_sides_hold_for_every_supplier_as_far_as_the_others_have_anything(seed: int) -> None:
    """What the others sent cannot fall below nothing; all else must stay as uncertain to a supplier as to anyone."""
    random = np.random.default_rng(seed)
    inner = random.integers(50, 900, (5, 6))
    files = magnitude_set(inner, seed)
    own = (inner * random.choice([0.0, 0.3, 0.9, 1.0], inner.shape)).astype(np.int64)
    rows = []
    for name, part in (("north", own), ("south", inner - own)):
        table = with_margins(part)
        rows += [[*codes, name, int(table[index])] for index, codes in cells(inner.shape) if table[index]]
    spec = json.loads(files["spec.json"])
    spec["tables"]["T"]["suppliers"] = "S.csv"
    files |= {"spec.json": json.dumps(spec).encode(), "S.csv": to_csv(["d0", "d1", "supplier", "value"], rows)}
    result = protect(read_table_set(files))
    check_certificate(files, result.files())
    tables = result.tables
    for who in tables.suppliers:
        assert who.primary.any()
        for cell in np.flatnonzero(who.primary).tolist():
            low, high = interval(result, Need(0, 1), cell, who)
            value, others = int(tables.value[cell]), int(tables.value[cell] - who.share[cell])
            assert high > low
            assert value - low >= min(int(tables.lpl[cell]), others)
            assert high - value >= int(tables.upl[cell])


@pytest.mark.parametrize("factor", [10**6, 10**8, 10**10])
def test_large_values_are_as_exact_as_small_ones(factor: int) -> None:
    random = np.random.default_rng(8)
    inner = random.integers(50, 900, (5, 6)) * factor + random.integers(0, 1000, (5, 6))
    files = magnitude_set(inner, 3)
    result = protect(read_table_set(files))
    check_certificate(files, result.files())


def test_decimals_are_published_as_they_are() -> None:
    files = magnitude_set(np.random.default_rng(1).integers(50, 900, (4, 4)), 1, decimals=True)
    lines = protect(read_table_set(files)).files()["T.csv"].decode().splitlines()
    assert lines[0] == "d0,d1,value,suppressed"
    total = files["T.csv"].decode().splitlines()[1].split(",")[2]
    assert lines[1] == f"Total,Total,{total.removesuffix('.0')},0"


def test_per_cent_of_the_value_where_no_sides_are_given() -> None:
    flags = np.zeros((4, 4), dtype=np.int64)
    flags[1, 1] = 1
    files = count_set(np.array([[100, 300, 500], [250, 400, 600], [700, 800, 900]]), extra={"primary": flags})
    spec = json.loads(files["spec.json"])
    files["spec.json"] = json.dumps({**spec, "measure": "magnitude", "p_percent": 15}).encode()
    tables = read_table_set(files)
    assert int(tables.upl.max()) == int(tables.lpl.max()) == 15
    result = protect(tables)
    check_certificate(files, result.files())
    assert attack(files, result.files()).safe
