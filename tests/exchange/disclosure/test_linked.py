"""Linked tables over hierarchies, made from random records: protected together, attacked together."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest

from exchange.disclosure import Need, Unprotectable, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from exchange.disclosure.sheets import Sheet
from tests.exchange.disclosure.tables import hide, load, read_csv, to_csv

TREES = {
    "x_one": {"Total": ["n", "s"], "n": ["x1", "x2", "x3"], "s": ["x4", "x5", "x6"]},
    "x_two": {"Total": ["big", "x3", "rest"], "big": ["x1", "x4"], "rest": ["x2", "x5", "x6"]},
    "x_short": {"Total": ["n", "s"]},
    "y": {"Total": ["y1", "y2", "odd"], "odd": ["y3", "y4"]},
    "z": {"Total": ["z1", "only"], "only": ["z2"]},
}
TABLES = {
    "T1": {"x": "x_one", "y": "y"},
    "T2": {"x": "x_two", "z": "z"},
    "T3": {"y": "y", "z": "z"},
    "T4": {"x": "x_short", "y": "y", "z": "z"},
}
LEVELS = [Need(1, 1), Need(0, 3), Need(1, 3)]


def linked(seed: int) -> dict[str, bytes]:
    random = np.random.default_rng(seed)
    leaves = {"x": [f"x{n}" for n in range(1, 7)], "y": [f"y{n}" for n in range(1, 5)], "z": ["z1", "z2"]}
    weights = {column: random.dirichlet(np.ones(len(codes)) * 2) for column, codes in leaves.items()}
    records = list(zip(*(random.choice(leaves[column], 150, p=weights[column]) for column in leaves), strict=True))
    files = {}
    for name, dims in TABLES.items():
        counts: Counter[tuple[str, ...]] = Counter()
        for record in records:
            counts.update(itertools.product(*(above(TREES[tree], record["xyz".index(column)]) for column, tree in dims.items())))
        codes = [["Total", *(child for below in TREES[tree].values() for child in below)] for tree in dims.values()]
        files[f"{name}.csv"] = to_csv([*dims, "value"], [[*key, counts[key]] for key in itertools.product(*codes)])
    spec = {
        "hierarchies": {name: {"root": "Total", "children": children} for name, children in TREES.items()},
        "tables": {name: {"file": f"{name}.csv", "dims": dims} for name, dims in TABLES.items()},
        "measure": "count",
        "threshold": 4,
    }
    return {**files, "spec.json": json.dumps(spec).encode()}


def above(children: dict[str, list[str]], leaf: str) -> list[str]:
    """A leaf and everything over it; a tree that stops early starts at the code it stops at."""
    parent = {child: code for code, below in children.items() for child in below}
    if leaf not in parent:
        leaf = next(code for code, below in TREES["x_one"].items() if leaf in below)
    chain = [leaf]
    while chain[-1] in parent:
        chain.append(parent[chain[-1]])
    return chain


@pytest.mark.parametrize("level", LEVELS, ids=["A", "B", "C"])
@pytest.mark.parametrize("seed", range(8))
def test_linked_tables_are_safe_together(seed: int, level: Need) -> None:
    files = linked(seed)
    tables = read_table_set(files)
    assert tables.primary.any()
    try:
        result = protect(tables, level)
    except Unprotectable:
        everything = {
            name: {tuple(list(row.values())[:-1]) for row in read_csv(files[f"{name}.csv"]) if row["value"] != "0"} for name in TABLES
        }
        assert not attack(files, hide(files, everything), level).safe
        return
    check_certificate(files, result.files(), level)
    assert attack(files, result.files(), level).safe


def test_one_column_under_three_hierarchies_is_one_set_of_cells() -> None:
    tables = read_table_set(linked(1))
    where = {
        (sheet.name, codes): int(numbers[at])
        for sheet, numbers in zip(tables.sheets, tables.cells, strict=True)
        for at, codes in _codes(sheet)
    }
    assert where["T1", ("n", "Total")] == where["T4", ("n", "Total", "Total")]
    assert where["T1", ("x3", "Total")] == where["T2", ("x3", "Total")]
    assert where["T2", ("Total", "only")] == where["T3", ("Total", "z2")]
    assert where["T1", ("Total", "y1")] == where["T3", ("y1", "Total")]
    assert where["T1", ("n", "Total")] != where["T2", ("big", "Total")]


def _codes(sheet: Sheet) -> list[tuple[int, tuple[str, ...]]]:
    return [(at, sheet.codes(at)) for at in range(int(np.prod(sheet.shape)))]


def test_the_published_tables_of_mv7_are_safe_together_and_hide_no_more_than_before() -> None:
    files, need = load("mv7"), Need(1, 9)
    result = protect(read_table_set(files), need)
    check_certificate(files, result.files(), need)
    assert attack(files, result.files(), need).safe
    assert result.report["secondary"] <= 253
    assert result.report["secondary_value"] <= 40769
