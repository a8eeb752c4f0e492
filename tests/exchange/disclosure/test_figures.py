"""Rates and medians beside counts: published where they tell nothing new, or nothing that matters; hidden otherwise."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import BadCertificate, Need, check_certificate, protect, read_table_set
from tests.exchange.disclosure.seen import assert_safe, assert_safe_or_refused, interval
from tests.exchange.disclosure.tables import Array, cells, change, flat, read_csv, suppressed_codes, to_csv, with_margins

LEVELS = [Need(1, 1), Need(0, 4), Need(1, 4)]


def rates(n: Array, d: Array, *, per: int = 100, decimals: int = 1, published: bool = True) -> dict[str, bytes]:
    """Counts N out of D over two dimensions, and N per `per` of D; `published`: whether N is."""
    names = ("a", "b")
    document = {
        "hierarchies": {name: flat(f"d{axis}", size) for axis, (name, size) in enumerate(zip(names, n.shape, strict=True))},
        "tables": {
            name: {
                "file": f"{name}.csv",
                "dims": {column: column for column in names},
                "universe": name,
                "published": published or name == "D",
            }
            for name in ("N", "D")
        },
        "derived": {"R": {"file": "R.csv", "kind": "ratio", "numerator": "N", "denominator": "D", "per": per, "decimals": decimals}},
        "measure": "count",
        "threshold": 5,
    }
    top, bottom = with_margins(n), with_margins(d)
    files = {"spec.json": json.dumps(document).encode()}
    for name, table in (("N", top), ("D", bottom)):
        files[f"{name}.csv"] = to_csv([*names, "value"], [[*codes, int(table[index])] for index, codes in cells(n.shape)])
    rows = [[*codes, rounded(per * int(top[index]), int(bottom[index]), decimals)] for index, codes in cells(n.shape)]
    return {**files, "R.csv": to_csv([*names, "value"], rows)}


def rounded(top: int, bottom: int, decimals: int) -> str:
    if not bottom:
        return ""
    units = int(Fraction(top * 10**decimals, bottom) + Fraction(1, 2))
    return f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}" if decimals else str(units)


N = np.array([[3, 20, 31], [25, 40, 38], [17, 29, 44]])
D = np.array([[60, 70, 90], [85, 95, 99], [65, 81, 77]])


def test_a_rate_that_gives_a_small_count_away_is_hidden() -> None:
    """5.0 per cent of 60 is 3: that rate must go, and every rate of a cell that lies on the road of the proof."""
    files, need = rates(N, D), Need(1, 4)
    result = protect(read_table_set(files), need)
    protected = result.files()
    check_certificate(files, protected, need)
    assert_safe(result, need)
    assert ("d01", "d11") in suppressed_codes(protected, "R.csv")
    hidden = suppressed_codes(protected, "N.csv") | suppressed_codes(protected, "D.csv")
    assert suppressed_codes(protected, "R.csv") <= hidden
    shown = {(row["a"], row["b"]): row["value"] for row in read_csv(protected["R.csv"]) if row["suppressed"] == "0"}
    assert shown == {codes: figure for codes, figure in _figures(files).items() if codes in shown}
    assert {row["value"] for row in read_csv(protected["R.csv"]) if row["suppressed"] == "1"} == {""}


def _figures(files: Mapping[str, bytes]) -> dict[tuple[str, str], str]:
    return {(row["a"], row["b"]): row["value"] for row in read_csv(files["R.csv"])}


def test_a_rough_rate_of_hidden_cells_may_stay() -> None:
    """In whole tenths of a per cent of 100,000 a case more or less does not show: nothing needs to be hidden in that table."""
    files, need = rates(N, D * 10_000, per=100, decimals=1), Need(1, 4)
    result = protect(read_table_set(files), need)
    check_certificate(files, result.files(), need)
    assert_safe(result, need)
    assert suppressed_codes(result.files(), "N.csv")
    assert not suppressed_codes(result.files(), "R.csv")


def test_a_table_that_is_not_published_itself_is_nowhere_in_the_files() -> None:
    files, need = rates(N, D, published=False), Need(1, 4)
    result = protect(read_table_set(files), need)
    protected = result.files()
    assert sorted(protected) == ["D.csv", "R.csv", "certificate.json", "report.json"]
    check_certificate(files, protected, need)
    assert_safe(result, need)
    with pytest.raises(BadCertificate, match="not to be published"):
        check_certificate(files, {**protected, "N.csv": files["N.csv"]}, need)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([0, 1, 2, 4, 6, 15, 40]), min_size=6, max_size=6),
    st.lists(st.sampled_from([0, 0, 1, 3, 30, 500]), min_size=6, max_size=6),
    st.sampled_from([(100, 0), (100, 1), (1000, 0)]),
    st.sampled_from(LEVELS),
)
def test_random_rates_never_narrow_a_primary_cell(top: list[int], rest: list[int], how: tuple[int, int], need: Need) -> None:
    n = np.array(top).reshape(2, 3)
    files = rates(n, n + np.array(rest).reshape(2, 3), per=how[0], decimals=how[1])
    assert_safe_or_refused(files, need)


def test_whatever_is_touched_in_the_figures_is_refused() -> None:
    files, need = rates(N, D), Need(1, 4)
    protected = protect(read_table_set(files), need).files()
    check_certificate(files, protected, need)
    touched: list[Any] = [
        {name: content for name, content in protected.items() if name != "R.csv"},
        change(protected, ",0\n", ",1\n", "R.csv"),
        change(protected, "a,b,value", "b,a,value", "R.csv"),
    ]
    shown = next(row for row in read_csv(protected["R.csv"]) if row["suppressed"] == "0")
    line = f"{shown['a']},{shown['b']},{shown['value']},0"
    touched.append(change(protected, line, line.replace(f"{shown['value']},0", f"{float(shown['value']) + 1:.1f},0"), "R.csv"))
    for forged in touched:
        with pytest.raises(BadCertificate):
            check_certificate(files, forged, need)


def test_a_figure_published_that_narrows_is_refused() -> None:
    files, need = rates(N, D), Need(1, 4)
    result = protect(read_table_set(files), need)
    protected, figures = result.files(), _figures(files)
    hidden = suppressed_codes(protected, "R.csv")
    assert hidden
    for a, b in hidden:
        forged = change(protected, f"{a},{b},,1", f"{a},{b},{figures[a, b]},0", "R.csv")
        with pytest.raises(BadCertificate, match="narrows a witness"):
            check_certificate(files, forged, need)


def test_medians_are_told_only_while_the_counts_stay_uncertain() -> None:
    random = np.random.default_rng(5)
    inner = random.poisson(random.gamma(0.8, 9, (4, 3)))
    document = {
        "hierarchies": {"a": flat("d0", 4), "days": {"root": "Total", "children": {"Total": ["d11", "d12", "d13"]}}},
        "tables": {"T": {"file": "T.csv", "dims": {"a": "a", "days": "days"}}},
        "derived": {
            "M": {
                "file": "M.csv",
                "kind": "median",
                "table": "T",
                "column": "days",
                "edges": {"d11": [0, 6], "d12": [7, 27], "d13": [28, 90]},
            }
        },
        "measure": "count",
        "threshold": 5,
    }
    table = with_margins(inner)
    medians = []
    for code, line in zip(["Total", "d01", "d02", "d03", "d04"], table, strict=True):
        reached = int(np.argmax(2 * np.cumsum(line[1:]) >= line[0]))
        medians.append([code, [3, 14, 40][reached] if line[0] else ""])
    files = {
        "spec.json": json.dumps(document).encode(),
        "T.csv": to_csv(["a", "days", "value"], [[*codes, int(table[index])] for index, codes in cells(inner.shape)]),
        "M.csv": to_csv(["a", "value"], medians),
    }
    for need in LEVELS:
        result = protect(read_table_set(files), need)
        check_certificate(files, result.files(), need)
        assert_safe(result, need)
        assert result.report["figures"]["M"]["figures"] == 5


def test_without_the_bounds_of_the_rates_a_cell_would_fall() -> None:
    """If every rate were told, an intruder would have what the rule for rates keeps from him."""
    files, need = rates(N, D), Need(1, 4)
    result = protect(read_table_set(files), need)
    result.told[:] = True
    small = int(np.flatnonzero(result.tables.primary)[0])
    low, high = interval(result, need, small)
    assert high - low < need.min_width
