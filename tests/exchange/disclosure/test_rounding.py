"""Consistent rounding and the ten-five rule, against enumeration of every whole table that an intruder cannot rule out."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exchange.disclosure.attack import attack
from exchange.disclosure.commands.attacking import attack_command
from exchange.disclosure.commands.protecting import protect_command
from exchange.disclosure.errors import BadTables, Unprotectable
from exchange.disclosure.methods import NAMES, apply
from exchange.disclosure.rounding import behind, nearest
from exchange.disclosure.sheets import Bools
from exchange.disclosure.spec import Need
from exchange.disclosure.table import read_table_set
from tests.exchange.disclosure.generate import KINDS
from tests.exchange.disclosure.tables import Array, change, count_set, load, read_csv, suppressed_codes, to_csv, with_margins

SMALL = st.integers(0, 12) | st.just(0)


def values(files: Mapping[str, bytes], file: str = "T.csv") -> list[str]:
    return [row["value"] for row in read_csv(files[file])]


def narrowest(inner: Array, low: Array, high: Array, primary: Bools) -> int:
    """By enumeration: the least width left to a primary cell, when every cell of the table with its margins is from `low` to `high`."""
    ranges = [range(int(a), int(b) + 1) for a, b in zip(low[1:, 1:].ravel(), high[1:, 1:].ravel(), strict=True)]
    guesses = np.array(list(itertools.product(*ranges)), dtype=np.int64).reshape(-1, *inner.shape)
    full = np.concatenate([guesses.sum(axis=1, keepdims=True), guesses], axis=1)
    full = np.concatenate([full.sum(axis=2, keepdims=True), full], axis=2)
    full = full[((full >= low) & (full <= high)).all(axis=(1, 2))]
    return int((full.max(axis=0) - full.min(axis=0))[primary].min(initial=99))


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), st.integers(2, 1000))
def test_the_nearest_multiple_halves_up(found: list[int], base: int) -> None:
    value = np.array(found, dtype=np.int64)
    published = nearest(value, base)
    assert published.tolist() == [(2 * one + base) // (2 * base) * base for one in found] if base % 2 == 0 else True
    assert (published % base == 0).all()
    assert (np.abs(published - value) * 2 <= base).all()
    low, high = behind(published, base)
    assert ((low <= value) & (value <= high)).all()
    for end in (low, high):
        assert (nearest(end, base) == published).all()
    assert (nearest(high + 1, base) > published).all()


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, (2, 2), elements=SMALL), st.sampled_from([2, 3, 5]), st.integers(1, 4))
def test_what_rounding_leaves_is_what_enumeration_finds(inner: Array, base: int, width: int) -> None:
    table = with_margins(inner)
    low, high = behind(nearest(table, base), base)
    least = narrowest(inner, low, high, (table > 0) & (table < 5))
    files = count_set(inner)
    if least < width:
        with pytest.raises(Unprotectable, match="larger base"):
            apply("rounding", files, Need(0, width), base=base)
    else:
        found = apply("rounding", files, Need(0, width), base=base)
        assert [int(text) for text in values(found.files())] == nearest(table, base).ravel().tolist()


@settings(max_examples=40, deadline=None)
@given(arrays(np.int64, (2, 2), elements=st.integers(0, 25)), st.sampled_from([1, 4]))
def test_what_the_ten_five_rule_leaves_is_what_enumeration_finds(inner: Array, width: int) -> None:
    table = with_margins(inner)
    try:
        found = apply("ten-five", count_set(inner), Need(1, width))
    except Unprotectable:
        return
    shown = values(found.files())
    hidden = np.array([text == "" for text in shown]).reshape(table.shape)
    assert hidden[table < 10].all()
    assert [int(text) for text in shown if text] == nearest(table, 5)[~hidden].tolist()
    low, high = behind(nearest(table, 5), 5)
    low, high = np.where(hidden, 0, np.maximum(low, 10)), np.where(hidden, np.where(table < 10, 9, table + 15), high)
    strict = found.report["width_knowing_the_rule"]
    low = np.where(hidden & (table >= 10), 10, low)
    assert strict in {1, width}
    # Larger hidden cells have no end; fifteen more is as good as none for a width of at most nine.
    assert narrowest(inner, low, high, (table > 0) & (table < 5)) >= strict


def test_the_smallest_base_that_protects() -> None:
    files = load("b1")
    assert apply("rounding", files, Need(1, 1)).report["method"]["base"] == 5
    found = apply("rounding", files)
    assert found.report["method"]["base"] == 10
    assert (found.cells_hidden, found.largest_error) == (0, 5)
    with pytest.raises(Unprotectable, match="T1: "):
        apply("rounding", files, base=5)


def test_nothing_tells_the_original_values() -> None:
    inner = np.array([[1, 17, 33], [48, 3, 50], [19, 77, 0]])
    twin = inner + np.array([[1, -1, 0], [0, 0, 0], [-1, 0, 1]])
    one, other = (apply("rounding", count_set(table), Need(0, 1), base=10) for table in (inner, twin))
    assert nearest(with_margins(inner), 10).tolist() == nearest(with_margins(twin), 10).tolist()
    assert one.contents == other.contents
    assert json.loads(one.contents["method.json"]) == {"method": "rounding", "base": 10, "version": 1}


def test_equal_values_are_rounded_alike_everywhere_and_rows_in_any_order() -> None:
    files = load("a3")
    found = apply("rounding", files, Need(0, 1))
    spec = json.loads(files["spec.json"])
    seen: dict[str, set[str]] = {}
    for entry in spec["tables"].values():
        truth = {tuple(row[c] for c in entry["dims"]): row["value"] for row in read_csv(files[entry["file"]])}
        for row in read_csv(found.files()[entry["file"]]):
            seen.setdefault(truth[tuple(row[c] for c in entry["dims"])], set()).add(row["value"])
    assert all(len(published) == 1 for published in seen.values())
    lines = files["T1.csv"].decode().splitlines()
    turned = {**files, "T1.csv": "\n".join([lines[0], *reversed(lines[1:])]).encode() + b"\n"}
    assert apply("rounding", turned, Need(0, 1)).contents == found.contents


def test_magnitudes_keep_their_sides_and_decimals() -> None:
    inner = np.array([[20, 50, 10], [8, 19, 22], [17, 32, 12]])
    upl = np.zeros((4, 4), dtype=np.int64)
    upl[2, 3], primary = 6, np.zeros((4, 4), dtype=np.int64)
    primary[2, 3] = 1
    files = count_set(inner, extra={"primary": primary, "upl": upl, "lpl": upl})
    files["spec.json"] = files["spec.json"].replace(b'"count"', b'"magnitude"')
    files = change(files, "d01,d11,20,", "d01,d11,20.0,")
    tables = read_table_set(files)
    assert tables.decimals == 1
    with pytest.raises(Unprotectable):
        apply("rounding", files, base=10)
    found = apply("rounding", files)
    assert found.report["method"]["base"] == 20
    row = next(row for row in read_csv(found.files()["T.csv"]) if (row["d0"], row["d1"]) == ("d02", "d13"))
    assert row["value"] == "20"


def test_zeros_are_hidden_with_all_counts_under_ten() -> None:
    inner = np.array([[0, 14, 33, 12], [48, 3, 51, 22], [19, 77, 9, 10]])
    found = apply("ten-five", count_set(inner), Need(1, 4))
    hidden = suppressed_codes(found.files(), "T.csv")
    assert {("d01", "d11"), ("d02", "d12"), ("d03", "d13")} <= hidden
    assert (found.report["known_min"], found.report["min_width"]) == (0, 4)
    assert found.cells_hidden == len(hidden)


def test_a_cell_alone_in_its_line_takes_a_neighbour_with_it() -> None:
    """Margins of 10 to 14 below 13 to 17: rounding alone leaves the count of 3 too few possible values, so larger cells are hidden too."""
    inner = np.array([[3, 12, 30], [14, 40, 61], [28, 55, 90]])
    found = apply("ten-five", count_set(inner), Need(0, 9))
    assert found.report["width_knowing_the_rule"] == 9
    hidden = suppressed_codes(found.files(), "T.csv")
    assert ("d01", "d11") in hidden
    assert len(hidden) > 1
    assert len(suppressed_codes(apply("ten-five", count_set(inner), Need(0, 1)).files(), "T.csv")) == 1


def test_suppliers_are_onlookers_too() -> None:
    """Pooled 12, own 11: rounded to 10 the whole says 8 to 12 to the public, and 11 or 12 to the one who sent 11."""
    inner = np.array([[12, 40], [33, 58]])
    files = count_set(inner)
    spec = json.loads(files["spec.json"])
    spec["tables"]["T"]["suppliers"] = "S.csv"
    files["spec.json"] = json.dumps(spec).encode()
    files["S.csv"] = b"d0,d1,supplier,value\n" + b"".join(
        f"{a},{b},north,{n}\n".encode()
        for a, b, n in [("d01", "d11", 11), ("Total", "d11", 11), ("d01", "Total", 11), ("Total", "Total", 11)]
    )
    with pytest.raises(Unprotectable, match="north"):
        apply("rounding", files, base=5)


@pytest.mark.parametrize("method", [name for name in NAMES if name != "suppress"])
def test_what_was_published_exactly_cannot_be_changed_any_more(method: str) -> None:
    files = count_set(np.array([[20, 30], [40, 50]]))
    spec = json.loads(files["spec.json"])
    spec["tables"] = {"T": {**spec["tables"]["T"], "release": 1}, "U": {**spec["tables"]["T"], "file": "U.csv", "release": 2}}
    files = {**files, "spec.json": json.dumps(spec).encode(), "U.csv": files["T.csv"]}
    files["T.csv"] = b"".join(
        line + (b",suppressed" if number == 0 else b",0") + b"\n" for number, line in enumerate(files["T.csv"].splitlines())
    )
    with pytest.raises(BadTables, match="published exactly"):
        apply(method, files)


@pytest.mark.parametrize("kind", ["rates", "medians"])
def test_derived_figures_are_hidden(kind: str) -> None:
    files = KINDS[kind](1)
    found = apply("rounding", files, Need(0, 1)).files()
    for entry in json.loads(files["spec.json"])["derived"].values():
        rows, before = read_csv(found[entry["file"]]), read_csv(files[entry["file"]])
        assert {(row["value"], row["suppressed"]) for row in rows} == {("", "1")}
        assert {tuple(row.values())[:-2] for row in rows} == {tuple(row.values())[:-1] for row in before}


def test_tables_that_are_not_published_are_not_written_and_bind_nothing() -> None:
    """A hidden part of a published total is as free as its total allows, and nothing of it is counted as lost."""
    files = count_set(np.array([[3, 17], [24, 31]]))
    spec = json.loads(files["spec.json"])
    spec["tables"]["U"] = {"file": "U.csv", "dims": {"d0": "d0"}}
    spec["tables"]["T"]["published"] = False
    rows = [row for row in read_csv(files["T.csv"]) if row["d1"] == "Total"]
    files |= {"spec.json": json.dumps(spec).encode(), "U.csv": to_csv(["d0", "value"], [[row["d0"], row["value"]] for row in rows])}
    found = apply("rounding", files, Need(0, 4), base=5)
    assert sorted(found.contents) == ["U.csv", "method.json"]
    assert found.report["cells"] == 3
    assert found.value_lost == sum(abs(int(row["value"]) - int(nearest(np.array([int(row["value"])]), 5)[0])) for row in rows)


def test_a_name_or_a_base_that_is_none() -> None:
    files = load("a2")
    for method, base in (("round", None), ("ten-five", 5), ("suppress", 5), ("rounding", 1)):
        with pytest.raises(BadTables):
            apply(method, files, base=base)


@pytest.mark.parametrize("method", ["rounding", "controlled", "ten-five"])
def test_from_the_shell(tmp_path: Path, method: str) -> None:
    files, folder, out = load("a2"), tmp_path / "set", tmp_path / "out"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    done = CliRunner().invoke(protect_command, [str(folder), "--out", str(out), "--method", method])
    assert done.exit_code == 0, done.output
    assert "Attack           safe" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == ["T1.csv", "method.json", "report.json"]
    assert CliRunner().invoke(attack_command, [str(folder), "--protected", str(out)]).exit_code == 0
    # More is asked for than was given: the attack finds it, and the method refuses it.
    assert CliRunner().invoke(attack_command, [str(folder), "--protected", str(out), "--min-width", "30"]).exit_code == 1
    more = tmp_path / "more"
    options = [] if method == "ten-five" else ["--base", "5"]
    refused = CliRunner().invoke(protect_command, [str(folder), "--out", str(more), "--method", method, "--min-width", "30", *options])
    assert refused.exit_code == 1
    assert "--min-width" in refused.stderr
    assert not more.exists()


@pytest.mark.parametrize(
    "options",
    [["cell-key"], ["ten-five", "--base", "5"], ["suppress", "--base", "5"], ["rounding", "--bound", "5"], ["cell-key", "--variance", "x"]],
)
def test_options_that_do_not_fit_exit_2(tmp_path: Path, options: list[str]) -> None:
    folder, out = tmp_path / "set", tmp_path / "out"
    folder.mkdir()
    for name, content in load("a2").items():
        (folder / name).write_bytes(content)
    done = CliRunner().invoke(protect_command, [str(folder), "--out", str(out), "--method", *options])
    assert done.exit_code == 2
    assert not out.exists()


@pytest.mark.parametrize(
    "kind", ["hierarchical", "linked", "groupings", "suppressible", "people", "magnitudes", "suppliers", "additive", "rates"]
)
def test_what_a_method_lets_out_withstands_the_attack(kind: str) -> None:
    """Two roads that share no code: whatever the protecting side lets out, the intruder finds safe."""
    let_out = 0
    for method in ("rounding", "controlled", "ten-five"):
        files = KINDS[kind](3)
        try:
            found = apply(method, files, Need(0, 2))
        except (BadTables, Unprotectable):
            continue
        assert attack(files, found.files(), Need(0, 2), insiders=found.insiders).safe
        let_out += 1
    assert let_out
