"""Figures derived from cells: each must be what its cells give, and says what it says in whole numbers."""

import itertools
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import BadTables, TableSet, read_table_set
from tests.exchange.disclosure.tables import Array, cells, flat, to_csv, with_margins

DAYS = {"short": [0, 6], "middle": [7, 27], "long": [28, 400]}


def rates(n: Array, d: Array, *, per: float = 100, decimals: int = 1, text: dict[int, str] | None = None, **entry: Any) -> dict[str, bytes]:
    """Tables N and D of one dimension and their ratio R; `text`: other words for some rows of R."""
    document = {
        "hierarchies": {"a": flat("d0", len(n))},
        "tables": {name: {"file": f"{name}.csv", "dims": {"a": "a"}, "universe": name} for name in ("N", "D")},
        "derived": {
            "R": {"file": "R.csv", "kind": "ratio", "numerator": "N", "denominator": "D", "per": per, "decimals": decimals, **entry}
        },
        "measure": "count",
        "threshold": 5,
    }
    codes = [names for _, (names,) in cells(n.shape)]
    tops, bottoms = with_margins(n).tolist(), with_margins(d).tolist()
    figures = [rounded(Fraction(str(per)) * top / bottom, decimals) if bottom else "" for top, bottom in zip(tops, bottoms, strict=True)]
    figures = [(text or {}).get(place, figure) for place, figure in enumerate(figures)]
    return {
        "spec.json": json.dumps(document).encode(),
        "N.csv": to_csv(["a", "value"], list(zip(codes, tops, strict=True))),
        "D.csv": to_csv(["a", "value"], list(zip(codes, bottoms, strict=True))),
        "R.csv": to_csv(["a", "value"], list(zip(codes, figures, strict=True))),
    }


def rounded(exact: Fraction, decimals: int) -> str:
    units = int(exact * 10**decimals + Fraction(1, 2))
    return f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}" if decimals else str(units)


def allows(tables: TableSet, position: int, values: dict[int, int], table: str = "R") -> bool:
    """Whether a figure's statement allows these values of cells."""
    (statement,) = (entry for entry in tables.statements if entry.table == table and entry.position == position)
    assert statement.cells <= set(values)
    return all(sum(f * values[c] for c, f in zip(own, factors, strict=True)) >= least for own, factors, least in statement.bounds)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 12), st.integers(0, 12), st.sampled_from([(100, 0), (100, 1), (1000, 0), (1, 3), (0.5, 2)]))
def test_a_ratio_says_exactly_which_pairs_give_it(n: int, d: int, how: tuple[float, int]) -> None:
    per, decimals = how
    tables = read_table_set(rates(np.array([n, 7]), np.array([d, 9]), per=per, decimals=decimals))
    (_, numerator), (_, denominator) = (
        (sheet.name, numbers[1]) for sheet, numbers in sorted(zip(tables.sheets, tables.cells, strict=True), key=lambda x: x[0].name == "D")
    )
    figure = tables.derived[0].texts[1]
    assert figure == (rounded(Fraction(str(per)) * n / d, decimals) if d else "")
    for other, base in itertools.product(range(14), repeat=2):
        gives = rounded(Fraction(str(per)) * other / base, decimals) if base else ""
        assert allows(tables, 1, {int(numerator): other, int(denominator): base}) is (gives == figure)


def test_rows_may_come_in_any_order_and_columns_too() -> None:
    files = rates(np.array([3, 8, 9]), np.array([10, 20, 30]))
    header, *rows = files["R.csv"].decode().splitlines()
    shuffled = {**files, "R.csv": "\n".join([header, *reversed(rows)]).encode()}
    assert read_table_set(shuffled).statements == read_table_set(files).statements
    assert read_table_set(shuffled).digest == read_table_set(files).digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ({1: "30.1"}, "R, row 3: not what its cells give"),
        ({1: "30.05"}, "R, row 3: not what its cells give"),
        ({1: ""}, "R, row 3: a figure is missing"),
        ({3: "0"}, "R, row 5: a figure where its denominator is 0"),
        ({1: "-30"}, "R, row 3: a negative number"),
        ({1: "30.0000001"}, "R, row 3: a number not written"),
        ({1: "thirty"}, "R, row 3: a number not written"),
    ],
)
def test_a_figure_that_cannot_be_is_refused(text: dict[int, str], says: str) -> None:
    with pytest.raises(BadTables) as refused:
        read_table_set(rates(np.array([3, 8, 0]), np.array([10, 20, 0]), text=text))
    assert str(refused.value).startswith(says)
    assert "30" not in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "quotient"}, "R: a derived table must be of the kind"),
        ({"numerator": "X"}, "R: is derived from a table that the set does not have"),
        ({"per": 0}, "R: per must be above 0"),
        ({"per": "100"}, "R: per must be a number"),
        ({"decimals": 7}, "R: at most 6 decimals"),
        ({"decimals": -1}, "R: decimals must be a whole number"),
        ({"file": "N.csv"}, "two tables share one file"),
        ({"file": "../R.csv"}, "R: file must be a plain name"),
        ({"places": 1}, "R: a ratio takes"),
    ],
)
def test_a_derived_table_that_cannot_be_is_refused(entry: dict[str, Any], says: str) -> None:
    files = rates(np.array([3, 8]), np.array([10, 20]))
    document = json.loads(files["spec.json"])
    document["derived"]["R"].update(entry)
    with pytest.raises(BadTables, match=says):
        read_table_set({**files, "spec.json": json.dumps(document).encode()})


def medians(counts: Array, texts: list[str], edges: dict[str, list[float]] | None = None) -> dict[str, bytes]:
    """A table of areas by days, which is not published, and the medians of the days by area."""
    document = {
        "hierarchies": {"a": flat("d0", len(counts)), "days": {"root": "Total", "children": {"Total": list(DAYS)}}},
        "tables": {"T": {"file": "T.csv", "dims": {"a": "a", "days": "days"}, "published": False}},
        "derived": {"M": {"file": "M.csv", "kind": "median", "table": "T", "column": "days", "edges": edges or DAYS}},
        "measure": "count",
        "threshold": 5,
    }
    names = [code for _, (code,) in cells(counts.shape[:1])]
    table = with_margins(counts)
    rows = [[name, code, int(table[i, j])] for i, name in enumerate(names) for j, code in enumerate(["Total", *DAYS])]
    return {
        "spec.json": json.dumps(document).encode(),
        "T.csv": to_csv(["a", "days", "value"], rows),
        "M.csv": to_csv(["a", "value"], list(zip(names, texts, strict=True))),
    }


def test_a_median_says_that_half_lie_on_either_side() -> None:
    tables = read_table_set(medians(np.array([[6, 3, 2], [1, 8, 8]]), ["9", "4.5", "27"]))
    assert not tables.sheets[0].published
    grid = tables.cells[0].reshape(3, 4)
    for short, middle, long in itertools.product(range(5), repeat=3):
        values = dict(zip(grid[1].tolist(), [short + middle + long, short, middle, long], strict=True))
        # 4.5 days: the median is among the short ones, so these are at least half, and there is a case at all.
        assert allows(tables, 1, values, "M") is (short + middle + long > 0 and 2 * short >= middle + short + long)
        values = dict(zip(grid[2].tolist(), [short + middle + long, short, middle, long], strict=True))
        both = 2 * (short + middle) >= short + middle + long <= 2 * (middle + long)
        assert allows(tables, 2, values, "M") is (short + middle + long > 0 and both)


def test_no_cases_no_median() -> None:
    tables = read_table_set(medians(np.array([[6, 3, 2], [0, 0, 0]]), ["4", "4", ""]))
    nothing = int(tables.cells[0].reshape(3, 4)[2, 0])
    assert allows(tables, 2, {nothing: 0}, "M")
    assert not allows(tables, 2, {nothing: 1}, "M")


@pytest.mark.parametrize(
    ("texts", "edges", "says"),
    [
        (["9", "9", "27"], DAYS, "M, row 3: not a median of its cells"),
        (["9", "", "27"], DAYS, "M, row 3: a figure is missing"),
        (["9", "6.5", "27"], DAYS, "M, row 3: not a median of its cells"),
        (["9", "4", "27"], {"short": [0, 6]}, "M: edges must be given for each code"),
        (["9", "4", "27"], {**DAYS, "Total": [0, 400]}, "M: edges must be given for each code"),
        (["9", "4", "27"], {**DAYS, "short": [6, 0]}, "M: an edge's low number is above"),
        (["9", "4", "27"], {**DAYS, "short": [0]}, "M: edges must give"),
    ],
)
def test_a_median_that_cannot_be_is_refused(texts: list[str], edges: dict[str, list[float]], says: str) -> None:
    with pytest.raises(BadTables, match=says):
        read_table_set(medians(np.array([[6, 3, 2], [1, 8, 8]]), texts, edges))
