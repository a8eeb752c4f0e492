"""Table sets made from records: margins, contributors, largest contributions and suppliers' parts, as a plain count finds them."""

import itertools
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from exchange.disclosure import BadTables, read_table_set
from exchange.disclosure.records import Roles, from_records
from tests.exchange.disclosure.tables import read_csv

TREES = {
    "area": {"root": "Total", "children": {"Total": ["n", "s"], "n": ["a1", "a2"], "s": ["a3"]}},
    "area_short": {"root": "Total", "children": {"Total": ["n", "s"]}},
    "kind": {"root": "All", "children": {"All": ["k1", "k2", "k3"]}},
}
DOCUMENT: dict[str, Any] = {
    "hierarchies": TREES,
    "tables": {
        "T": {"file": "T.csv", "dims": {"area": "area", "kind": "kind"}},
        "S": {"file": "S.csv", "dims": {"area": "area_short"}},
    },
    "measure": "count",
    "threshold": 4,
}
ABOVE = {"a1": ["a1", "n", "Total"], "a2": ["a2", "n", "Total"], "a3": ["a3", "s", "Total"]}


def microdata(size: int, seed: int) -> dict[str, list[str]]:
    random = np.random.default_rng(seed)
    return {
        "area": random.choice(["a1", "a2", "a3"], size).tolist(),
        "kind": random.choice(["k1", "k2", "k3"], size, p=[0.7, 0.2, 0.1]).tolist(),
        "person": [f"p{number}" for number in random.integers(0, 12, size).tolist()],
        "amount": [f"{number / 10:.1f}" for number in random.integers(0, 500, size).tolist()],
        "force": random.choice(["north", "south"], size).tolist(),
    }


def inside(records: dict[str, list[str]], area: str, kind: str = "All") -> list[int]:
    """The numbers of the records that count in a cell."""
    pairs = enumerate(zip(records["area"], records["kind"], strict=True))
    return [number for number, (a, k) in pairs if area in ABOVE[a] and kind in (k, "All")]


def test_counts_with_contributors_and_suppliers() -> None:
    records = microdata(60, 1)
    files = from_records(DOCUMENT, records, Roles(contributor="person", supplier="force", insiders=True))
    parts = {(row["area"], row["kind"], row["supplier"]): int(row["value"]) for row in read_csv(files["T.suppliers.csv"])}
    for row in read_csv(files["T.csv"]):
        own = inside(records, row["area"], row["kind"])
        people = {records["person"][number] for number in own}
        assert int(row["value"]) == len(own)
        assert int(row["n_contrib"]) == len(people)
        assert (row["single_contributor"] != "") is (len(people) == 1)
        sent = Counter(records["force"][number] for number in own)
        for force in ("north", "south"):
            assert parts.get((row["area"], row["kind"], force), 0) == sent[force]
    assert {row["area"]: int(row["value"]) for row in read_csv(files["S.csv"])} == {
        area: len(inside(records, area)) for area in ("Total", "n", "s")
    }
    tables = read_table_set(files)
    assert [supplier.name for supplier in tables.suppliers] == ["north", "south"]
    assert tables.primary.any()
    assert not any(name in content for content in files.values() for name in (b"p1", b"p7"))


def test_magnitudes_with_their_largest_contributions() -> None:
    records = microdata(40, 2)
    document = {**DOCUMENT, "measure": "magnitude", "rules": [{"rule": "dominance", "n": 3, "k": 80}]}
    del document["threshold"]
    files = from_records(document, records, Roles(contributor="person", value="amount"))
    for row in read_csv(files["T.csv"]):
        shares: Counter[str] = Counter()
        for number in inside(records, row["area"], row["kind"]):
            shares[records["person"][number]] += round(float(records["amount"][number]) * 10)
        largest = [*sorted(shares.values(), reverse=True), 0, 0, 0][:3]
        assert float(row["value"]) == sum(shares.values()) / 10
        assert [float(row[f"top{rank}"]) for rank in (1, 2, 3)] == [share / 10 for share in largest]
    assert read_table_set(files).primary.any()


def test_each_release_takes_its_own_records() -> None:
    records = microdata(30, 3)
    records["month"] = ["1"] * 20 + ["2"] * 10
    tables = {name: {"file": f"{name}.csv", "dims": {"area": "area"}, "release": release} for name, release in (("A", 1), ("B", 2))}
    files = from_records({**DOCUMENT, "tables": tables}, records, Roles(release="month"))
    assert [read_csv(files[name])[0]["value"] for name in ("A.csv", "B.csv")] == ["20", "10"]


def test_the_order_of_records_changes_nothing() -> None:
    records = microdata(50, 4)
    order = np.random.default_rng(5).permutation(50).tolist()
    shuffled = {name: [column[at] for at in order] for name, column in records.items()}
    roles = Roles(contributor="person", supplier="force", insiders=True)
    assert from_records(DOCUMENT, records, roles) == from_records(DOCUMENT, shuffled, roles)


@pytest.mark.parametrize(
    ("column", "code", "says"),
    [
        ("area", "a9", "records, row 3: a code that its hierarchy does not hold"),
        ("area", "n", "records, row 3: a code that is not a leaf"),
        ("area", "Total", "records, row 3: a code that is not a leaf"),
        ("force", "", "records, row 3: nobody is named"),
        ("amount", "-1", "records, row 3: a negative number"),
    ],
)
def test_a_bad_record_is_refused_by_its_row(column: str, code: str, says: str) -> None:
    records = microdata(10, 6)
    records[column][1] = code
    document = {**DOCUMENT, "measure": "magnitude"}
    with pytest.raises(BadTables, match=says):
        from_records(document, records, Roles(contributor="person", value="amount", supplier="force"))


@pytest.mark.parametrize("spoil", ["missing", "short", "none"])
def test_records_that_are_not_whole_are_refused(spoil: str) -> None:
    records = microdata(10, 7)
    if spoil == "missing":
        del records["kind"]
    elif spoil == "short":
        records["kind"].pop()
    else:
        records = {name: [] for name in records}
    with pytest.raises(BadTables, match="records"):
        from_records(DOCUMENT, records)


def test_every_combination_of_codes_has_a_row() -> None:
    files = from_records(DOCUMENT, microdata(5, 8))
    rows = [(row["area"], row["kind"]) for row in read_csv(files["T.csv"])]
    assert sorted(rows) == sorted(itertools.product(["Total", "n", "a1", "a2", "s", "a3"], ["All", "k1", "k2", "k3"]))
    assert json.loads(files["spec.json"]) == DOCUMENT
