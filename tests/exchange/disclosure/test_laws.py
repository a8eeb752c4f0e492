"""Laws of protection and attack that no example can show: bounds met exactly, nothing gained from names, order or what is known anyway."""

import csv
import io
import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import BadTables, Need, Unprotectable, protect, read_table_set
from exchange.disclosure.attack import attack
from tests.exchange.disclosure import generate
from tests.exchange.disclosure.brute import Judge
from tests.exchange.disclosure.generate import Files
from tests.exchange.disclosure.tables import Array, cells, count_set, hide, load, suppressed_codes

EVERYTHING_IS_TOO_NARROW = 10**6


def sided(upl: int, lpl: int) -> Files:
    """One primary cell of 22 that a square of four hidden cells lets rise by 8 and fall by 17, and no further."""
    inner = np.array([[20, 50, 10], [8, 19, 22], [17, 32, 12]])
    columns: dict[str, Array] = {name: np.zeros((4, 4), dtype=np.int64) for name in ("primary", "lpl", "upl")}
    columns["primary"][2, 3], columns["lpl"][2, 3], columns["upl"][2, 3] = 1, lpl, upl
    files = count_set(inner, extra=columns)
    return generate.respec(files, measure="magnitude", threshold=None)


@pytest.mark.parametrize(("upl", "lpl", "safe"), [(8, 17, True), (9, 17, False), (8, 18, False)])
def test_sides_are_reached_exactly_at_the_bound(upl: int, lpl: int, safe: bool) -> None:
    files = sided(upl, lpl)
    square = {("d02", "d11"), ("d02", "d13"), ("d03", "d11"), ("d03", "d13")}
    found = attack(files, hide(files, {"T": square}))
    assert found.safe is safe
    judge = Judge(files, hide(files, {"T": square}), 0, 1)
    assert (judge.public() == []) is safe
    assert not safe or [(fallen.low, fallen.high) for fallen in attack(files, hide(files, {"T": square}), Need(0, 26)).vulnerable] == [
        (5, 30)
    ]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 400), st.integers(0, 1))
def test_publishing_what_is_exact_anyway_tells_nothing(seed: int, least: int) -> None:
    chance = np.random.default_rng(seed)
    inner = chance.integers(1, 9, (3, 4))
    flags = np.ones((4, 5), dtype=np.int64)
    files = count_set(inner, extra={"primary": flags})
    names = [codes for _, codes in cells(inner.shape)]
    hidden = {names[place] for place in chance.choice(np.arange(1, 20), int(chance.integers(3, 9)), replace=False)}

    def intervals(pattern: set[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[float | None, float | None]]:
        found = attack(files, hide(files, {"T": pattern}), Need(least, EVERYTHING_IS_TOO_NARROW))
        return {fallen.codes: (fallen.low, fallen.high) for fallen in found.vulnerable}

    before = intervals(hidden)
    exact = {codes for codes in hidden if before[codes][0] == before[codes][1]}
    assert intervals(hidden - exact) == before


def renamed(files: Files, chance: random.Random) -> Files:
    """The same set with its dimensions in another order and every code but the root called something else."""
    spec = json.loads(files["spec.json"])
    name: dict[str, str] = {"Total": "Total"}
    for entry in spec["hierarchies"].values():
        for code in [code for below in entry["children"].values() for code in below]:
            name.setdefault(code, f"{chance.random():.12f}")
        entry["children"] = {name[code]: [name[child] for child in below] for code, below in entry["children"].items()}
    [(table, entry)] = spec["tables"].items()
    columns = list(entry["dims"])
    turned = {column: f"{chance.random():.6f}" for column in columns}
    spec["tables"] = {table: {**entry, "dims": {turned[column]: tree for column, tree in entry["dims"].items()}}}
    rows = list(csv.DictReader(io.StringIO(files[entry["file"]].decode())))
    chance.shuffle(rows)
    body = [[*(name[row[column]] for column in reversed(columns)), row["value"]] for row in rows]
    header = [*(turned[column] for column in reversed(columns)), "value"]
    return {"spec.json": json.dumps(spec).encode(), entry["file"]: generate.to_csv(header, body)}


@pytest.mark.parametrize("seed", [2, 3, 6, 8])
def test_the_order_of_dimensions_and_the_names_of_codes_hardly_change_the_size(seed: int) -> None:
    """Ties between equally good patterns are broken by name, so the pattern may differ; what it costs may not, by more than a little."""
    files = generate.two_way(seed)
    straight = protect(read_table_set(files)).report
    turned = protect(read_table_set(renamed(files, random.Random(seed)))).report
    assert turned["primary"] == straight["primary"]
    assert abs(turned["secondary"] - straight["secondary"]) <= max(2, straight["secondary"] // 5)
    assert turned["secondary_value"] <= 1.15 * straight["secondary_value"] + 10


def test_nothing_is_left_of_zeros_that_are_the_whole_rest() -> None:
    """0 = x + x + 0: two hidden zeros under a published zero are no secret, so where zeros may be hidden their sum is hidden as well."""
    inner = np.array([[0, 0, 0, 9], [7, 8, 12, 6], [6, 9, 20, 7], [8, 8, 7, 9]])
    files = count_set(inner, zeros="suppressible", threshold=3)
    pattern = {("d01", "d11"), ("d01", "d12"), ("d02", "d11"), ("d02", "d12"), ("Total", "d11"), ("Total", "d12")}
    fallen = {cell.codes: (cell.low, cell.high) for cell in attack(files, hide(files, {"T": pattern}), Need(0, 2)).vulnerable}
    assert [fallen["d01", code] for code in ("d11", "d12")] == [(0, 0), (0, 0)]
    result = protect(read_table_set(files), Need(0, 2))
    assert attack(files, result.files(), Need(0, 2)).safe
    assert Judge(files, result.files(), 0, 2).public() == []
    published = protect(read_table_set(count_set(inner, threshold=3)))
    assert suppressed_codes(published.files(), "T.csv") == set()


def test_a_rate_beside_a_hidden_count_gives_it_away() -> None:
    """7 of 40 are 17.5 per cent: who knows the denominator and the rate knows the count."""
    files = generate.rates(3)
    spec = json.loads(files["spec.json"])
    protected = protect(read_table_set(files)).files()
    need = read_table_set(files).default_need()
    assert Judge(files, protected, need.known_min, need.min_width).public() == []
    told = {**protected, "R.csv": _with_flags(files["R.csv"])}
    fallen = Judge(files, told, need.known_min, need.min_width).public()
    assert any(low == high for _, low, high in fallen)
    found = attack(files, told, need)
    assert {(item.table, item.codes) for item in found.vulnerable} == {aim.name for aim, _, _ in fallen}
    assert spec["derived"]["R"]["kind"] == "ratio"


def _with_flags(content: bytes) -> bytes:
    rows = list(csv.reader(io.StringIO(content.decode())))
    return generate.to_csv([*rows[0], "suppressed"], [[*row, 0] for row in rows[1:]])


def test_a_former_release_cannot_be_told_again_another_way() -> None:
    """Release 1 has been published; a release 2 under another cut may not unlock what it hid, nor 1 be replayed after 2 as if new."""
    files = generate.series(3)
    spec = json.loads(files["spec.json"])
    first = {**files, "spec.json": json.dumps({**spec, "tables": {"R1": spec["tables"]["R1"]}}).encode()}
    need = Need(1, 4)
    published = protect(read_table_set(first), need).files()
    hidden = suppressed_codes(published, "R1.csv")
    rows = list(csv.DictReader(io.StringIO(files["R1.csv"].decode())))
    past = [[row["d0"], row["d1"], row["value"], int((row["d0"], row["d1"]) in hidden)] for row in rows]
    replayed = {**files, "R1.csv": generate.to_csv(["d0", "d1", "value", "suppressed"], past)}
    try:
        both = protect(read_table_set(replayed), need).files()
    except Unprotectable:
        return
    assert suppressed_codes(both, "R1.csv") == hidden
    assert Judge(files, both, 1, 4).public() == []
    # Protected alone, the second cut is another pattern; beside the first it must be found wanting or be enough by itself.
    second = {**files, "spec.json": json.dumps({**spec, "tables": {"R2": spec["tables"]["R2"]}}).encode()}
    alone = {**published, "R2.csv": protect(read_table_set(second), need).files()["R2.csv"]}
    judge = Judge(files, alone, 1, 4)
    assert attack(files, alone, need).safe is (judge.public() == [])


def test_only_an_earlier_release_can_be_history() -> None:
    files = generate.series(3)
    rows = list(csv.DictReader(io.StringIO(files["R2.csv"].decode())))
    newest = generate.to_csv([*rows[0], "suppressed"], [[*row.values(), 0] for row in rows])
    with pytest.raises(BadTables, match="earlier release"):
        read_table_set({**files, "R2.csv": newest})


def test_neither_order_nor_length_nor_names_of_the_files_tell_what_is_hidden() -> None:
    """Swap the truth under a pattern: the protected file must be the same, but for what is published."""
    files = load("b1")
    protected = protect(read_table_set(files)).files()
    rows = list(csv.DictReader(io.StringIO(protected["T1.csv"].decode())))
    assert {(row["value"], row["suppressed"]) for row in rows if row["suppressed"] == "1"} == {("", "1")}
    order = [tuple(row[column] for column in ("court", "offence")) for row in rows]
    tree = json.loads(files["spec.json"])["hierarchies"]
    assert order == [(a, b) for a in _codes(tree, "court", files) for b in _codes(tree, "offence", files)]
    assert set(protected) == {"T1.csv", "certificate.json", "report.json"}


def _codes(trees: dict[str, dict[str, object]], column: str, files: Files) -> list[str]:
    entry = trees[json.loads(files["spec.json"])["tables"]["T1"]["dims"][column]]
    children = entry["children"]
    assert isinstance(children, dict)
    return [str(entry["root"]), *children[entry["root"]]]
