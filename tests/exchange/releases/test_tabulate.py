import json
from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.periods import Period
from agreements.release import Level, Terms, Zeros
from exchange.disclosure import read_table_set
from exchange.releases.cells import Axis, axes, cubes
from exchange.releases.errors import BadRelease, OutsideCategories
from exchange.releases.tabulate import tabulate
from tests.exchange.releases import world

APRIL = world.periods("2021-04", "2021-04")


def test_every_combination_of_categories_is_there_even_with_no_row_at_all() -> None:
    files = tabulate(world.release(), world.agreement(), world.small([], []), world.periods("2021-04", "2021-06"))
    sizes = {"by-area": 3 * 9 * 4 * 11, "by-type": 3 * 4 * 15 * 11, "months-to-outcome": 3 * 4 * 7}
    for table, size in sizes.items():
        found = world.cells(files, table)
        assert len(found) == size
        assert set(found.values()) == {"0"}


def test_the_specification_says_what_the_agreement_says() -> None:
    release = replace(world.release(), terms=Terms(7, Zeros.SUPPRESSIBLE, Level.A))
    files = tabulate(release, world.agreement(), world.small([], []), world.periods("2021-04", "2021-05"))
    spec = json.loads(files["spec.json"])
    assert (spec["measure"], spec["threshold"], spec["zeros"], spec["min_width"]) == ("count", 7, "suppressible", 1)
    assert spec["hierarchies"]["month"] == {"root": "Total", "children": {"Total": ["2021-04", "2021-05"]}}
    assert spec["hierarchies"]["force"]["children"]["Total"] == ["cleveland-police", "durham-constabulary"]
    assert list(spec["tables"]["by-type"]["dims"]) == sorted(["force", "month", "crime_type", "group"])


def test_the_disclosure_engine_reads_the_set_and_finds_it_additive() -> None:
    periods = world.periods("2021-04", "2021-05")
    files = tabulate(world.release(), world.agreement(), world.relations(periods), periods)
    tables = read_table_set(files)
    assert tables.primary.sum() > 50
    assert tables.default_need().min_width == 9


def test_the_same_rows_give_the_same_bytes() -> None:
    periods = world.periods("2021-04", "2021-05")
    relations = world.relations(periods)
    shuffled = {}
    for place, table in relations.items():
        order = np.random.default_rng(7).permutation(len(table))
        shuffled[place] = pa.concat_tables([table.take(pa.array(order[::2])), table.take(pa.array(order[1::2]))])
    one, other = (tabulate(world.release(), world.agreement(), given, periods) for given in (relations, shuffled))
    assert one == other


def test_beside_each_table_stands_what_each_supplier_sent_and_together_they_are_the_table() -> None:
    files = tabulate(world.release(), world.agreement(), world.relations(APRIL), APRIL)
    spec = json.loads(files["spec.json"])
    for table in world.release().tables:
        assert spec["tables"][table.name]["suppliers"] == f"{table.name}.suppliers.csv"
        rows = [line.split(",") for line in files[f"{table.name}.suppliers.csv"].decode().splitlines()]
        assert rows[0] == [*table.dimensions, "supplier", "value"]
        summed: Counter[tuple[str, ...]] = Counter()
        for *codes, supplier, value in rows[1:]:
            summed[tuple(codes)] += int(value)
            assert int(value) > 0
            assert codes[table.dimensions.index("force")] in {"Total", supplier}
        assert {codes: str(value) for codes, value in summed.items()} == {
            codes: value for codes, value in world.cells(files, table.name).items() if value != "0"
        }


def test_the_periods_may_be_quarters_or_out_of_order_and_have_gaps() -> None:
    release = world.release()
    assert axes(release, [Period.parse("2021-Q2")])["month"].codes == ("2021-04", "2021-05", "2021-06")
    mixed = [Period.parse(name) for name in ("2022-01", "2021-04", "2021-04")]
    assert axes(release, mixed)["month"].codes == ("2021-04", "2022-01")
    for none in ([], [Period.parse("2021-04-01")]):
        with pytest.raises(BadRelease, match="whole months"):
            axes(release, none)


def test_the_root_is_never_a_category() -> None:
    axis = Axis("a", "A", ("Total", "Total*", "x"), ("1", "2", "3"), "All")
    assert axis.root not in axis.codes
    assert axis.all_codes == (axis.root, "Total", "Total*", "x")


@pytest.mark.parametrize("total", ["Charged", "No outcome yet"])
def test_a_total_that_looks_like_a_category_is_refused(total: str) -> None:
    release = world.release()
    dimensions = tuple(replace(dimension, total=total) if dimension.name == "group" else dimension for dimension in release.dimensions)
    with pytest.raises(BadRelease, match="shown alike"):
        axes(replace(release, dimensions=dimensions), APRIL)


def test_a_dimension_called_like_a_column_of_ours_is_refused() -> None:
    release = world.release()
    dimensions = (*release.dimensions, replace(release.dimensions[0], name="count"))
    with pytest.raises(BadRelease, match="another meaning"):
        axes(replace(release, dimensions=dimensions), APRIL)


def test_a_table_too_large_to_protect_is_refused_before_a_row_is_read() -> None:
    release = world.release()
    many = tuple((f"c{number}", f"c{number}") for number in range(50_000))
    dimensions = tuple(replace(dimension, categories=many) if dimension.name == "group" else dimension for dimension in release.dimensions)
    with pytest.raises(BadRelease, match="the most is"):
        tabulate(replace(release, dimensions=dimensions), world.agreement(), {}, APRIL)


@given(rows=st.lists(st.tuples(st.sampled_from("pqr"), st.booleans(), st.integers(0, 3), st.integers(0, 10**12)), max_size=30))
def test_cubes_are_what_a_naive_count_finds(rows: list[tuple[str, bool, int, int]]) -> None:
    along = {
        "text": Axis("text", "T", ("p", "q", "r"), ("P", "Q", "R"), "All"),
        "flag": Axis("flag", "F", ("true", "false"), ("yes", "no"), "All"),
        "whole": Axis("whole", "W", ("0", "1", "2", "3"), ("0", "1", "2", "3"), "All"),
    }
    release = world.release()
    tables = (
        replace(release.tables[0], name="t", dimensions=("whole", "text", "flag")),
        replace(release.tables[0], name="u", dimensions=("text",)),
    )
    names = ("text", "flag", "whole", "n")
    types = (pa.string(), pa.bool_(), pa.int32(), pa.int64())
    counted = pa.table({name: pa.array([row[place] for row in rows], types[place]) for place, name in enumerate(names)})
    found = cubes(replace(release, tables=tables), along, counted, "n")
    naive: Counter[tuple[str, ...]] = Counter()
    for text, flag, whole, units in rows:
        for codes in product((str(whole), "Total"), (text, "Total"), (str(flag).lower(), "Total")):
            naive[codes] += units
    assert found["t"].shape == (5, 4, 3)
    for place in np.ndindex(*found["t"].shape):
        codes = tuple(along[name].all_codes[index] for name, index in zip(("whole", "text", "flag"), place, strict=True))
        assert found["t"][place] == naive[codes]
    assert found["u"].tolist() == found["t"][0, :, 0].tolist()


def test_every_dimension_with_a_stray_value_is_counted() -> None:
    release = world.release()
    along = axes(release, APRIL)
    names = list(along)
    row = {name: [along[name].codes[0], "stray"] for name in names} | {"n": pa.array([5, 3], pa.int64())}
    with pytest.raises(OutsideCategories) as caught:
        cubes(release, along, pa.table(row), "n")
    assert caught.value.rows == dict.fromkeys(names, 3)
    assert "3 row" not in str(caught.value)
    assert "stray" not in str(caught.value)
