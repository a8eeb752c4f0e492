"""What each supplier sent is its own knowledge: read strictly, and turned into what must stay uncertain to it."""

import json

import numpy as np
import pytest

from exchange.disclosure import BadTables, TableSet, read_table_set
from tests.exchange.disclosure.tables import change, count_set, to_csv

FILE = """d0,supplier,value
Total,north,31
d01,north,11
d02,north,20
Total,south,6
d01,south,1
d02,south,5
"""


def supplied(parts: str = FILE, **spec: object) -> dict[str, bytes]:
    """Two cells of 12 and 25, two suppliers."""
    files = count_set(np.array([12, 25]))
    document = json.loads(files["spec.json"])
    document["tables"]["T"]["suppliers"] = "S.csv"
    return {**files, "spec.json": json.dumps({**document, **spec}).encode(), "S.csv": parts.encode()}


def by_codes(tables: TableSet, column: np.ndarray) -> dict[str, int]:
    return {tables.place(cell)[1][0]: int(column[cell]) for cell in np.flatnonzero(column).tolist()}


def test_twelve_pooled_less_eleven_of_its_own_is_one() -> None:
    tables = read_table_set(supplied())
    north, south = tables.suppliers
    assert (north.name, south.name) == ("north", "south")
    assert by_codes(tables, north.share) == {"Total": 31, "d01": 11, "d02": 20}
    assert by_codes(tables, north.primary) == {"d01": 1}  # 12 - 11; 25 - 20 is as many as the threshold asks for
    assert not tables.primary.any()
    assert not north.known.any()
    assert not south.primary.any()


def test_rows_of_nothing_may_be_left_out_and_a_cell_wholly_its_own_is_known() -> None:
    tables = read_table_set(supplied("d0,supplier,value\nTotal,north,12\nd01,north,12\nTotal,south,25\nd02,south,25\n"))
    north, south = tables.suppliers
    assert by_codes(tables, north.known) == {"d01": 1}
    assert by_codes(tables, south.known) == {"d02": 1}
    assert not north.primary.any()


def test_what_is_primary_to_all_is_primary_to_a_supplier_where_others_have_a_part() -> None:
    files = supplied("d0,supplier,value\nTotal,north,11\nd01,north,11\nTotal,south,3\nd02,south,3\n")
    files = change(change(change(files, "d01,12", "d01,11"), "d02,25", "d02,3"), "Total,37", "Total,14")
    tables = read_table_set(files)
    north, south = tables.suppliers
    assert by_codes(tables, tables.primary) == {"d02": 1}
    assert by_codes(tables, north.primary) == {"d02": 1, "Total": 1}
    assert by_codes(tables, south.primary) == {}
    assert by_codes(tables, south.known) == {"d02": 1}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("d01,north,11", "d01,north,13", "T, suppliers, row 3: more than the whole cell"),
        ("d01,north,11", "d01,north,10", "T, suppliers, row 2: a supplier's parts do not add up"),
        ("Total,north,31\n", "", "T, suppliers, row 2: a supplier's parts do not add up"),
        ("d01,north,11", "d01,north,-11", "T, suppliers, row 3: a negative number"),
        ("d01,north,11", "d01,north,", "T, suppliers, row 3: a number not written"),
        ("d01,north,11", "d01,,11", "T, suppliers, row 3: no supplier is named"),
        ("d01,north,11", "d01,north,11\nd01,north,11", "T, suppliers, row 4: this cell has come before"),
        ("d01,north,11", "d09,north,11", "T, suppliers, row 3: a code that"),
        ("d01,north,11", "d01,north,11,2", "T, suppliers, row 3: not as many fields"),
        ("supplier,value", "supplier,count", "T, suppliers, row 1"),
        ("d0,supplier", "d1,supplier", "T, suppliers, row 1"),
    ],
)
def test_a_bad_file_is_refused_by_place_and_without_values(old: str, new: str, says: str) -> None:
    with pytest.raises(BadTables) as refused:
        read_table_set(change(supplied(), old, new, "S.csv"))
    assert str(refused.value).startswith(says)
    assert "north" not in str(refused.value)
    assert "11" not in str(refused.value)


def test_a_missing_file_and_a_file_used_twice_are_refused() -> None:
    files = supplied()
    with pytest.raises(BadTables, match="T, suppliers: its file is missing"):
        read_table_set({name: content for name, content in files.items() if name != "S.csv"})
    document = json.loads(files["spec.json"])
    document["tables"]["T"]["suppliers"] = "T.csv"
    with pytest.raises(BadTables, match="share one file"):
        read_table_set({**files, "spec.json": json.dumps(document).encode()})


def test_parts_of_a_cell_that_two_tables_share_must_agree() -> None:
    files = supplied()
    document = json.loads(files["spec.json"])
    document["tables"]["U"] = {"file": "U.csv", "dims": {"d0": "d0"}, "suppliers": "SU.csv"}
    files |= {"spec.json": json.dumps(document).encode(), "U.csv": files["T.csv"], "SU.csv": files["S.csv"]}
    assert len(read_table_set(files).suppliers) == 2
    other = change(change(files, "d01,south,1", "d01,south,0", "SU.csv"), "d02,south,5", "d02,south,6", "SU.csv")
    with pytest.raises(BadTables, match=r"U, suppliers, row \d: conflicts"):
        read_table_set(other)


def test_a_suppliers_own_part_of_a_difference() -> None:
    document = json.loads(count_set(np.array([12, 25]))["spec.json"])
    document["releases"] = {"relation": "additive"}
    document["tables"] = {
        name: {"file": f"{name}.csv", "dims": {"d0": "d0"}, "release": release, "suppliers": f"{name}s.csv"}
        for name, release in (("A", 1), ("B", 2))
    }
    parts = ["d0", "supplier", "value"]
    files = {
        "spec.json": json.dumps(document).encode(),
        "A.csv": to_csv(["d0", "value"], [["Total", 37], ["d01", 12], ["d02", 25]]),
        "B.csv": to_csv(["d0", "value"], [["Total", 55], ["d01", 24], ["d02", 31]]),
        "As.csv": to_csv(parts, [["Total", "n", 5], ["d01", "n", 5]]),
        "Bs.csv": to_csv(parts, [["Total", "n", 19], ["d01", "n", 13], ["d02", "n", 6]]),
    }
    tables = read_table_set(files)
    (supplier,) = tables.suppliers
    virtual = tables.virtual
    assert tables.value[virtual].tolist() == [18, 12, 6]
    assert supplier.share[virtual].tolist() == [14, 8, 6]
    assert supplier.known[virtual].tolist() == [False, False, True]
    assert supplier.primary[virtual].tolist() == [True, True, False]
    assert not tables.primary.any()


def test_the_digest_covers_what_suppliers_sent_but_not_the_order_of_rows() -> None:
    first = read_table_set(supplied()).digest
    header, *rows = FILE.splitlines()
    assert read_table_set(supplied("\n".join([header, *reversed(rows)]) + "\n")).digest == first
    moved = FILE.replace("d01,north,11", "d01,north,10").replace("Total,north,31", "Total,north,30")
    assert read_table_set(supplied(moved)).digest != first
