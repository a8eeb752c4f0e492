"""Published rates as inequalities over hidden cells, against enumeration of all whole tables."""

import itertools
import json

import pytest

from exchange.disclosure import BadTables, Need
from exchange.disclosure.attack import attack
from tests.exchange.disclosure.generate import rate
from tests.exchange.disclosure.tables import change, flat, hide, to_csv


def rated(above: tuple[int, ...], below: tuple[int, ...]) -> dict[str, bytes]:
    """A numerator, a denominator, and the rate per hundred to one decimal."""
    tables = {name: {"file": f"{name}.csv", "dims": {"d": "d"}, "universe": name} for name in ("N", "D")}
    derived = {"R": {"file": "R.csv", "kind": "ratio", "numerator": "N", "denominator": "D", "per": 100, "decimals": 1}}
    spec = {"hierarchies": {"d": flat("d", len(above))}, "tables": tables, "measure": "count", "threshold": 5, "derived": derived}
    codes = ["Total", *(f"d{at + 1}" for at in range(len(above)))]
    n, d = (sum(above), *above), (sum(below), *below)
    return {
        "spec.json": json.dumps(spec).encode(),
        "N.csv": to_csv(["d", "value"], list(zip(codes, n, strict=True))),
        "D.csv": to_csv(["d", "value"], list(zip(codes, d, strict=True))),
        "R.csv": to_csv(["d", "value"], [[code, rate(x, y, 100, 1)] for code, x, y in zip(codes, n, d, strict=True)]),
    }


def test_a_rate_beside_its_denominator_gives_the_count_away() -> None:
    files = rated((3, 4, 20), (40, 55, 90))
    protected = hide(files, {"N": {("d1",), ("d2",)}})
    assert attack(files, protected, Need(1, 4)).safe
    told = {**protected, "R.csv": files["R.csv"]}
    assert {(x.codes, x.low, x.high) for x in attack(files, told, Need(1, 4)).vulnerable} == {(("d1",), 3, 3), (("d2",), 4, 4)}


@pytest.mark.parametrize(("above", "below"), [((2, 3, 9), (7, 11, 20)), ((1, 4, 9), (5, 9, 20)), ((4, 2, 9), (6, 12, 20))])
def test_ranges_are_those_of_enumeration(above: tuple[int, ...], below: tuple[int, ...]) -> None:
    files = rated(above, below)
    cells = {("d1",), ("d2",)}
    told = {**hide(files, {"N": cells, "D": cells}), "R.csv": files["R.csv"]}
    found = attack(files, told, Need(0, 10**6))
    n, d = above[0] + above[1], below[0] + below[1]
    possible = [
        (x, y)
        for x, y in itertools.product(range(n + 1), range(d + 1))
        if y
        and d - y
        and rate(x, y, 100, 1) == rate(above[0], below[0], 100, 1)
        and rate(n - x, d - y, 100, 1) == rate(above[1], below[1], 100, 1)
    ]
    ends = {("d1",): (min(x for x, _ in possible), max(x for x, _ in possible))}
    assert {x.codes: (x.low, x.high) for x in found.vulnerable if x.codes == ("d1",)} == ends


def test_a_figure_that_is_not_its_cells_is_refused() -> None:
    files = rated((3, 4, 20), (40, 55, 90))
    with pytest.raises(BadTables):
        attack(change(files, "d1,7.5", "d1,7.6", "R.csv"), hide(files, {}))
