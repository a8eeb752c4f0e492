"""Releases taken together: what an intruder finds in differences, against enumeration of all whole tables."""

import itertools
import json

import numpy as np
import pytest

from exchange.disclosure import BadTables, Need, read_table_set
from exchange.disclosure.attack import attack
from exchange.disclosure.attack.view import look
from tests.exchange.disclosure.tables import flat, hide, to_csv

EVERYTHING = 10**6


def series(*releases: tuple[int, ...], threshold: int = 5) -> dict[str, bytes]:
    """One table of one dimension a release, named R8, R9, R10 and so on."""
    tables = {f"R{8 + n}": {"file": f"R{8 + n}.csv", "dims": {"d": "d"}, "release": 8 + n} for n in range(len(releases))}
    spec = {"hierarchies": {"d": flat("d", len(releases[0]))}, "tables": tables, "measure": "count", "threshold": threshold}
    files = {"spec.json": json.dumps({**spec, "releases": {"relation": "additive"}}).encode()}
    for n, values in enumerate(releases):
        rows = [["Total", sum(values)], *([f"d{at + 1}", value] for at, value in enumerate(values))]
        files[f"R{8 + n}.csv"] = to_csv(["d", "value"], rows)
    return files


def test_a_published_pair_tells_a_small_difference() -> None:
    files = series((20, 30), (23, 40))
    found = attack(files, hide(files, {}), Need(0, 4))
    assert [(x.table, x.codes, x.low, x.high, x.since) for x in found.vulnerable] == [("R9", ("d1",), 3, 3, "8")]


def test_what_an_intruder_knows_to_be_there_stands_beside_a_hidden_cell() -> None:
    """In a column of that name, unless a dimension is called so."""
    files = series((3, 1), threshold=4)
    hidden = hide(files, {"R8": {("d1",), ("d2",)}})
    lines = hidden["R8.csv"].decode().splitlines()
    least = {"d": "least", "Total": "0", "d1": "2", "d2": "1"}
    told = {"R8.csv": "".join(f"{line},{least[line.partition(',')[0]]}\n" for line in lines).encode()}
    assert [(x.codes, x.low, x.high) for x in attack(files, {**hidden, **told}, Need(0, 4)).vulnerable] == [
        (("d1",), 2, 3),
        (("d2",), 1, 2),
    ]
    assert attack(files, hidden, Need(0, 4)).safe
    renamed = {name: content.replace(b"d,value", b"least,value").replace(b'"d": "d"', b'"least": "d"') for name, content in files.items()}
    assert attack(renamed, hide(renamed, {"R8": {("d1",), ("d2",)}}), Need(0, 4)).safe


def test_hiding_the_release_between_does_not_help() -> None:
    files = series((20, 30), (22, 40), (24, 50))
    cells = {("d1",), ("d2",)}
    found = attack(files, hide(files, {"R9": cells}), Need(0, 4))
    assert ("R10", ("d1",), 4, 4, "8") in {(x.table, x.codes, x.low, x.high, x.since) for x in found.vulnerable}


@pytest.mark.parametrize("seed", range(8))
def test_ranges_are_those_of_enumeration(seed: int) -> None:
    random = np.random.default_rng(seed)
    before = random.integers(1, 4, 3)
    after = before + random.integers(0, 3, 3)
    files = series(tuple(before.tolist()), tuple(after.tolist()), threshold=50)
    found = attack(files, hide(files, {"R8": {("d1",), ("d2",), ("d3",)}, "R9": {("d1",), ("d2",)}}), Need(0, EVERYTHING))
    first = [x for x in itertools.product(range(10), repeat=3) if sum(x) == before.sum()]
    second = [x for x in itertools.product(range(16), repeat=3) if sum(x) == after.sum() and x[2] == after[2]]
    both = [(x, y) for x in first for y in second if all(one <= other for one, other in zip(x, y, strict=True))]
    for x in found.vulnerable:
        if x.codes != ("Total",):
            at = int(x.codes[0][1]) - 1
            values = [y[at] - o[at] if x.since else (o if x.table == "R8" else y)[at] for o, y in both]
            assert (x.low, x.high) == (min(values), max(values))


def test_a_cell_that_falls_is_no_additive_series() -> None:
    files = series((20, 30), (19, 40))
    with pytest.raises(BadTables):
        attack(files, hide(files, {}))


@pytest.mark.parametrize("names", [("2023", "final"), ("9", "10"), ("v1", "v1b"), ("", "1")])
def test_releases_stand_in_their_natural_order_to_the_intruder_too(names: tuple[str, str]) -> None:
    """A series is additive in one order only."""
    files = series((20, 30), (23, 40))
    spec = json.loads(files["spec.json"])
    for table, name in zip(("R8", "R9"), names, strict=True):
        spec["tables"][table]["release"] = name
    files["spec.json"] = json.dumps(spec).encode()
    assert [x.since for x in attack(files, hide(files, {}), Need(0, 4)).vulnerable] == [names[0]]
    for table, name in zip(("R9", "R8"), names, strict=True):
        spec["tables"][table]["release"] = name
    with pytest.raises(BadTables, match="less than in an earlier release"):
        attack({**files, "spec.json": json.dumps(spec).encode()}, hide(files, {}), Need(0, 4))


def test_one_contributor_who_is_not_named_stays_the_same_in_an_additive_series() -> None:
    """Whoever alone makes up d1 in both releases knows it in both."""
    files = series((20, 30, 40), (30, 35, 40), threshold=1)
    flags = {"Total": 0, "d1": 1, "d2": 0, "d3": 0}
    for name in ("R8.csv", "R9.csv"):
        lines = files[name].decode().splitlines()
        rows = [[*line.split(","), flags[line.split(",")[0]], int(line.startswith("d2"))] for line in lines[1:]]
        files[name] = to_csv(["d", "value", "single_contributor", "primary"], rows)
    tables, owner = read_table_set(files), look(files, hide(files, {})).owner
    assert len(set(tables.contributor[tables.contributor >= 0].tolist())) == 1
    assert (len(set(owner[owner >= 0].tolist())), int((owner >= 0).sum())) == (1, 2)
    revised = {**files, "spec.json": files["spec.json"].replace(b"additive", b"revised")}
    owner = look(revised, hide(revised, {})).owner
    assert len(set(owner[owner >= 0].tolist())) == 2  # whose records were taken out, nobody says
