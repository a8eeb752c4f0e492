"""Releases of one series and sums of tables: which cells are one, what binds them, which differences are primary."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.disclosure import BadTables, TableSet, read_table_set
from exchange.disclosure.spec import in_order
from tests.exchange.disclosure.tables import Array, cells, flat, to_csv, with_margins


def series(
    inners: Mapping[str, Array], relation: str, *, extra: Mapping[str, Mapping[str, Array]] | None = None, **spec: Any
) -> dict[str, bytes]:
    """One flat table a release, named R and the release; `extra`: further columns of each, shaped like the table with its margins."""
    shape = next(iter(inners.values())).shape
    names = [f"d{axis}" for axis in range(len(shape))]
    document = {
        "hierarchies": {name: flat(name, size) for name, size in zip(names, shape, strict=True)},
        "tables": {f"R{r}": {"file": f"R{r}.csv", "dims": {name: name for name in names}, "release": r} for r in inners},
        "measure": "count",
        "threshold": 5,
        "releases": {"relation": relation},
        **spec,
    }
    files = {"spec.json": json.dumps(document).encode()}
    for release, inner in inners.items():
        columns = {"value": with_margins(inner), **(extra or {}).get(release, {})}
        rows = [[*codes, *(column[index] for column in columns.values())] for index, codes in cells(inner.shape)]
        files[f"R{release}.csv"] = to_csv([*names, *columns], rows)
    return files


def differences(tables: TableSet) -> dict[tuple[str, tuple[str, ...], str, tuple[str, ...]], tuple[int, bool]]:
    """(larger, smaller) of every virtual cell, by place -> its value, whether it is primary."""
    found = {}
    relations = tables.relations
    for cell in np.flatnonzero(tables.virtual).tolist():
        rows = relations.rows[relations.first[cell] : relations.first[cell + 1]]
        assert len(rows) == 1
        assert relations.essential[rows[0]]
        assert not tables.shown[cell]
        assert not tables.hidden[cell]
        assert tables.cost[cell] == tables.lpl[cell] == tables.upl[cell] == 0
        entries = slice(relations.start[rows[0]], relations.start[rows[0] + 1])
        members, signs = relations.cells[entries].tolist(), relations.signs[entries].tolist()
        assert signs == [1, -1, -1]
        assert members[2] == cell
        assert tables.place(cell) == tables.place(members[0])
        found[*tables.place(members[0]), *tables.place(members[1])] = int(tables.value[cell]), bool(tables.primary[cell])
    return found


def balanced(tables: TableSet) -> bool:
    """Whether the true values, those of virtual cells too, keep every row."""
    relations = tables.relations
    return not np.add.reduceat(relations.signs * tables.value[relations.cells], relations.start[:-1]).any()


def test_releases_stand_in_their_natural_order() -> None:
    assert in_order(["10", "9", "2", "9"]) == ["2", "9", "10"]
    assert in_order(["2024-10", "2024-9", "", "2023-12"]) == ["", "2023-12", "2024-9", "2024-10"]
    assert in_order(["b2", "a10", "7", "a9"]) == ["7", "a9", "a10", "b2"]
    assert in_order(["²", "1"]) == ["1", "²"]


@given(st.lists(st.text(alphabet="019ab-²", max_size=5)))
def test_the_order_of_releases_does_not_depend_on_how_they_come(names: list[str]) -> None:
    assert in_order(names) == in_order(reversed(names))
    assert set(in_order(names)) == set(names)


def test_a_difference_of_two_releases_is_a_cell() -> None:
    tables = read_table_set(series({"9": np.array([20, 30]), "10": np.array([23, 30])}, "additive"))
    assert len(tables.value) == 6 + 3
    assert balanced(tables)
    assert differences(tables) == {
        ("R10", ("Total",), "R9", ("Total",)): (3, True),
        ("R10", ("d01",), "R9", ("d01",)): (3, True),
        ("R10", ("d02",), "R9", ("d02",)): (0, False),
    }


def test_small_differences_over_several_releases_are_primary_too() -> None:
    tables = read_table_set(series({"1": np.array([20, 30]), "2": np.array([22, 40]), "3": np.array([24, 90])}, "additive"))
    found = differences(tables)
    assert found["R3", ("d01",), "R1", ("d01",)] == (4, True)
    assert found["R3", ("d01",), "R2", ("d01",)] == (2, True)
    assert ("R3", ("d02",), "R1", ("d02",)) not in found
    assert found["R2", ("d02",), "R1", ("d02",)] == (10, False)
    assert balanced(tables)


def test_only_what_two_releases_have_in_common_is_bound() -> None:
    files = series({"1": np.array([20, 30]), "2": np.array([22, 40])}, "additive")
    document = json.loads(files["spec.json"])
    document["hierarchies"]["e"] = flat("e", 2)
    document["tables"]["X"] = {"file": "X.csv", "dims": {"d0": "d0", "e": "e"}, "release": 2}
    x = with_margins(np.array([[20, 2], [15, 25]]))
    codes = [(a, b) for a in ("Total", "d01", "d02") for b in ("Total", "e1", "e2")]
    rows = [[*names, value] for names, value in zip(codes, x.reshape(-1), strict=True)]
    files |= {"spec.json": json.dumps(document).encode(), "X.csv": to_csv(["d0", "e", "value"], rows)}
    tables = read_table_set(files)
    assert len(tables.value) == 3 + 9 + 3
    assert set(differences(tables)) == {("R2", (code,), "R1", (code,)) for code in ("Total", "d01", "d02")}


def test_a_difference_of_few_contributors_is_primary() -> None:
    people = {"1": with_margins(np.array([4, 8])), "2": with_margins(np.array([6, 8]))}
    extra = {release: {"n_contrib": column} for release, column in people.items()}
    files = series({"1": np.array([20, 30]), "2": np.array([60, 70])}, "additive", extra=extra)
    found = differences(read_table_set(files))
    assert found["R2", ("d01",), "R1", ("d01",)] == (40, True)
    assert found["R2", ("d02",), "R1", ("d02",)] == (40, False)


def test_a_cell_that_falls_is_refused_by_its_row() -> None:
    with pytest.raises(BadTables, match="R2, row 4: less than in an earlier release"):
        read_table_set(series({"1": np.array([20, 30]), "2": np.array([77, 29])}, "additive"))


def test_an_earlier_release_that_says_what_it_hid_is_a_fact() -> None:
    extra = {"9": {"suppressed": np.array([0, 1, 1])}}
    tables = read_table_set(series({"9": np.array([2, 8]), "10": np.array([12, 18])}, "additive", extra=extra))
    assert tables.place(int(np.flatnonzero(tables.shown)[0])) == ("R9", ("Total",))
    assert tables.hidden.sum() == 2
    with pytest.raises(BadTables, match="R10: only a table of an earlier release"):
        read_table_set(series({"9": np.array([2, 8]), "10": np.array([12, 18])}, "additive", extra={"10": extra["9"]}))


def test_history_without_its_true_values_is_refused() -> None:
    extra = {"1": {"suppressed": np.array([0, 1, 1])}}
    files = series({"1": np.array([3, 20]), "2": np.array([3, 20])}, "same", extra=extra)
    files["R1.csv"] = files["R1.csv"].replace(b"d01,3,1", b"d01,,1")
    with pytest.raises(BadTables, match="R1, row 3: an earlier release needs its true values"):
        read_table_set(files)


def test_universes_share_nothing_and_sums_bind_them() -> None:
    first, second = np.array([20, 3]), np.array([7, 0])
    files = series({"a": first, "b": second, "w": first + second}, "same", sums=[{"total": "Rw", "parts": ["Ra", "Rb"]}])
    document = json.loads(files["spec.json"])
    with pytest.raises(BadTables, match="conflicts"):
        read_table_set(files)
    for name, entry in document["tables"].items():
        entry["universe"] = name
    files["spec.json"] = json.dumps(document).encode()
    tables = read_table_set(files)
    assert len(tables.value) == 9
    assert balanced(tables)
    lengths = np.diff(tables.relations.start)
    assert sorted(lengths.tolist()) == [3] * 6
    assert int(tables.relations.essential.sum()) == 3 + 2  # of the three sums over tables those of the two leaves
    files["Rw.csv"] = files["Rw.csv"].replace(b"27", b"26").replace(b"30", b"29")
    with pytest.raises(BadTables, match="Rw, row 2: not the sum of its parts"):
        read_table_set(files)


@pytest.mark.parametrize(
    ("sums", "says"),
    [
        ([{"total": "Rw", "parts": ["Ra", "Rx"]}], "sum 1: total and parts"),
        ([{"total": "Rw", "parts": ["Ra", "Ra"]}], "sum 1: total and parts"),
        ([{"total": "Rw", "parts": []}], "sum 1: needs"),
        ([{"total": "Rw", "parts": ["Ra"], "less": []}], "sum 1: needs"),
        ({"total": "Rw"}, "sums must be a list"),
        ([{"total": "Rw", "parts": ["Ra"]}], "shares cells"),
    ],
)
def test_a_sum_that_cannot_be_is_refused(sums: object, says: str) -> None:
    with pytest.raises(BadTables, match=says):
        read_table_set(series({"a": np.array([20, 3]), "w": np.array([20, 3])}, "same", sums=sums))


def changes(*rows: list[int]) -> dict[str, dict[str, Array]]:
    return {str(release): {"changed": np.array(row)} for release, row in enumerate(rows, start=2)}


def test_what_a_revision_left_alone_is_one_cell_and_what_it_hardly_touched_is_a_primary_difference() -> None:
    inners = {"1": np.array([20, 30, 40]), "2": np.array([20, 28, 90])}
    tables = read_table_set(series(inners, "revised", extra=changes([54, 0, 3, 51])))
    assert len(tables.value) == 8 - 1 + 1
    # It is counted from the smaller to the larger, whichever release that is.
    assert differences(tables) == {("R1", ("d02",), "R2", ("d02",)): (2, True)}
    assert balanced(tables)
    unbound = read_table_set(series(inners, "revised"))
    assert len(unbound.value) == 8
    assert not unbound.virtual.any()


def test_changes_of_several_revisions_add_up() -> None:
    inners = {"1": np.array([20, 30]), "2": np.array([21, 30]), "3": np.array([23, 30]), "4": np.array([90, 30])}
    tables = read_table_set(series(inners, "revised", extra=changes([1, 1, 0], [2, 2, 0], [70, 70, 0])))
    found = differences(tables)
    assert found == {
        (f"R{after}", (code,), f"R{before}", (code,)): (value, True)
        for code in ("Total", "d01")
        for after, before, value in ((2, 1, 1), (3, 2, 2), (3, 1, 3))
    }
    assert len(tables.value) == 4 + 4 + 1 + 6


def test_history_and_revisions_that_left_it_alone() -> None:
    extra = {**changes([5, 5, 0]), "1": {"suppressed": np.array([0, 1, 0])}}
    tables = read_table_set(series({"1": np.array([20, 30]), "2": np.array([25, 30])}, "revised", extra=extra))
    shown = {tables.place(cell) for cell in np.flatnonzero(tables.shown).tolist()}
    assert shown == {("R1", ("Total",)), ("R1", ("d02",))}  # the latter is the second release's too
    assert int(tables.hidden.sum()) == 1


@pytest.mark.parametrize(
    ("row", "spec", "says"),
    [
        ([5, 0, 0], {}, "R2, row 3: differs from the release before, yet changed says"),
        ([4, 5, 0], {}, "R2, row 2: differs from the release before by more"),
        ([5, -5, 0], {}, "R2, row 3: a negative number"),
        ([5, 5, 0], {"threshold": None}, "R2: the column changed needs a threshold"),
    ],
)
def test_changes_that_cannot_be_are_refused(row: list[int], spec: dict[str, Any], says: str) -> None:
    files = series({"1": np.array([20, 30]), "2": np.array([25, 30])}, "revised", extra=changes(row), **spec)
    with pytest.raises(BadTables, match=says):
        read_table_set(files)


def rank(tables: TableSet, *, essential: bool) -> int:
    relations = tables.relations
    matrix = np.zeros((len(relations.essential), len(tables.value)))
    matrix[np.repeat(np.arange(len(matrix)), np.diff(relations.start)), relations.cells] = relations.signs
    return int(np.linalg.matrix_rank(matrix[relations.essential] if essential else matrix))


@pytest.mark.parametrize("relation", ["same", "additive"])
def test_all_sums_follow_from_the_essential_ones(relation: str) -> None:
    random = np.random.default_rng(1)
    months = [random.integers(5, 30, (3, 4)) for _ in range(3)]
    inners = {str(number): month for number, month in enumerate(months)} | {"w": months[0] + months[1], "x": months[1] + months[2]}
    sums = [{"total": "Rw", "parts": ["R0", "R1"]}, {"total": "Rx", "parts": ["R2", "R1"]}]
    document = json.loads((files := series(inners, relation, sums=sums))["spec.json"])
    for name, entry in document["tables"].items():
        entry["universe"] = name
        entry["release"] = 1
    document["hierarchies"]["d0"]["children"] = {"Total": ["only", "d03"], "only": ["d01", "d02"]}
    again = json.loads(json.dumps(document))
    for name, entry in list(document["tables"].items()):
        # The same tables with one more level, and once more a release later.
        rows = files[f"{name}.csv"].decode().splitlines()
        values = [int(row.rsplit(",", 1)[1]) for row in rows[1:]]
        for at, code in enumerate(["Total", "d11", "d12", "d13", "d14"]):
            rows.append(f"only,{code},{values[5 + at] + values[10 + at]}")
        files[f"{name}.csv"] = "\n".join(rows).encode()
        again["tables"][f"{name}later"] = {**entry, "file": f"{name}later.csv", "release": 2}
        files[f"{name}later.csv"] = files[f"{name}.csv"]
    again["sums"] += [{"total": f"{entry['total']}later", "parts": [f"{part}later" for part in entry["parts"]]} for entry in sums]
    tables = read_table_set({**files, "spec.json": json.dumps(again).encode()})
    assert balanced(tables)
    assert bool(tables.virtual.any()) is (relation == "additive")
    assert rank(tables, essential=True) == rank(tables, essential=False)
    assert int(tables.relations.essential.sum()) < len(tables.relations.essential)
