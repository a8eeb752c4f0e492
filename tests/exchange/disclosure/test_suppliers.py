"""Every supplier is an intruder: it knows its own part of every cell, and must not work out what the others sent."""

import json
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import BadCertificate, Need, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from tests.exchange.disclosure.seen import assert_safe, assert_safe_or_refused, interval
from tests.exchange.disclosure.tables import Array, cells, count_set, hide, suppressed_codes, to_csv, with_margins

LEVELS = [Need(1, 1), Need(0, 4), Need(1, 4)]


def supplied(inners: Mapping[str, Array], threshold: int = 5) -> dict[str, bytes]:
    """A flat count table pooled from the tables of several suppliers."""
    files = count_set(np.sum(list(inners.values()), axis=0), threshold=threshold)
    shape = next(iter(inners.values())).shape
    rows = [
        [*codes, name, int(with_margins(inner)[index])]
        for name, inner in inners.items()
        for index, codes in cells(shape)
        if with_margins(inner)[index]
    ]
    spec = json.loads(files["spec.json"])
    spec["tables"]["T"]["suppliers"] = "parts.csv"
    columns = [f"d{axis}" for axis in range(len(shape))]
    return {**files, "spec.json": json.dumps(spec).encode(), "parts.csv": to_csv([*columns, "supplier", "value"], rows)}


def pooled(own: int, other: int, threshold: int) -> dict[str, bytes]:
    """One cell made up so; all others are large in every part."""
    north, south = np.full((3, 3), 40), np.full((3, 3), 30)
    north[0, 0], south[0, 0] = own, other
    return supplied({"north": north, "south": south}, threshold)


@pytest.mark.parametrize(("own", "other", "threshold"), [(11, 1, 5), (9, 1, 10), (9, 3, 10), (400, 4, 5)])
def test_what_is_left_after_the_own_part_is_not_revealed(own: int, other: int, threshold: int) -> None:
    """Pooled 12 less its own 11 would be 1; nine invented people would isolate a tenth."""
    files, need = pooled(own, other, threshold), Need(1, threshold - 1)
    result = protect(read_table_set(files), need)
    check_certificate(files, result.files(), need)
    assert ("d01", "d11") in suppressed_codes(result.files(), "T.csv")
    assert (result.report["primary"], result.report["primary_for_suppliers"]) == (0, 1)
    assert_safe(result, need)
    assert [entry["supplier"] for entry in result.report["intruders"]] == [None, "north", "south"]
    assert [entry["primary"] for entry in result.report["intruders"]] == [0, 1, int(own < threshold)]


def test_without_the_rule_for_suppliers_one_of_them_would_learn_it() -> None:
    """The same table, hidden as if nobody had sent anything: the supplier of most of it sees the rest."""
    files, need = supplied({"north": np.array([[40, 11], [9, 30]]), "south": np.array([[30, 25], [1, 30]])}), Need(1, 4)
    alone = {name: content for name, content in files.items() if name != "parts.csv"}
    spec = json.loads(alone["spec.json"])
    del spec["tables"]["T"]["suppliers"]
    blind = protect(read_table_set({**alone, "spec.json": json.dumps(spec).encode()}), need)
    assert not blind.hidden.any()
    tables = read_table_set(files)
    assert tables.suppliers[0].primary.sum() == 1
    guarded = protect(tables, need)
    assert guarded.hidden.sum() == 4
    assert_safe(guarded, need)


def test_a_cell_all_its_own_hides_nothing_from_its_supplier() -> None:
    """Three small cells of one supplier in a row: to it they are known, so they cannot hide what the other sent."""
    north, south = np.full((4, 5), 40), np.full((4, 5), 50)
    north[0], south[0] = [3, 4, 3, 40, 40], [0, 0, 0, 2, 50]
    files = supplied({"north": north, "south": south})
    for need in LEVELS:
        result = protect(read_table_set(files), need)
        check_certificate(files, result.files(), need)
        assert_safe(result, need)
        tables = result.tables
        (cell,) = np.flatnonzero(tables.suppliers[0].primary)
        low, high = interval(result, need, int(cell), tables.suppliers[0])
        assert high - low >= need.min_width


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.lists(st.sampled_from([0, 0, 1, 2, 3, 6, 20]), min_size=12, max_size=12), min_size=1, max_size=3),
    st.sampled_from(LEVELS),
)
def test_no_supplier_of_random_tables_learns_too_much(parts: list[list[int]], need: Need) -> None:
    inners = {f"s{number}": np.array(values, dtype=np.int64).reshape(3, 4) for number, values in enumerate(parts)}
    if not sum(map(sum, parts)):
        return
    files = supplied(inners)
    assert_safe_or_refused(files, need)


def test_row_order_and_the_order_of_suppliers_change_nothing() -> None:
    random = np.random.default_rng(3)
    inners = {name: random.poisson(random.gamma(0.6, 9, (5, 4))) for name in ("east", "west", "mid")}
    files = supplied(inners)
    lines = files["parts.csv"].decode().splitlines()
    columns = [line.split(",") for line in lines]
    turned = "\n".join(",".join(line[::-1]) for line in [columns[0], *reversed(columns[1:])]) + "\n"
    straight = protect(read_table_set(files)).files()
    assert protect(read_table_set({**files, "parts.csv": turned.encode()})).files() == straight


def test_a_supplier_left_out_of_the_certificate_is_noticed() -> None:
    files, need = pooled(11, 1, 5), Need(1, 4)
    protected = protect(read_table_set(files), need).files()
    document = json.loads(protected["certificate.json"])
    assert document["suppliers"] == ["north", "south"]
    for names in (["south"], [], None, ["north", "south", "south"]):
        forged = {**protected, "certificate.json": json.dumps({**document, "suppliers": names}).encode()}
        with pytest.raises(BadCertificate, match="suppliers"):
            check_certificate(files, forged, need)


def test_a_proof_for_the_public_is_none_for_a_supplier() -> None:
    """Pooled 12 of 11 and 1: the public cannot tell 12 from 8, yet to the supplier of 11 nothing below 11 is possible."""
    files, need = pooled(11, 1, 5), Need(1, 4)
    protected = protect(read_table_set(files), need).files()
    document = json.loads(protected["certificate.json"])
    place = document["cells"].index(["T", "d01", "d11"])
    for entry in document["witnesses"]:
        # What is left goes only where the cell falls.
        falls = entry[3][entry[2].index(place)] < 0
        entry[1 if not falls else 0] = 0
    forged = {**protected, "certificate.json": json.dumps(document).encode()}
    with pytest.raises(BadCertificate, match="to a supplier"):
        check_certificate(files, forged, need)


def _linked_to_a_table_without_a_file(inner: Array, north: Array) -> dict[str, bytes]:
    """Table M of the rows of T with the parts of suppliers; T itself, which shares M's cells, says nothing of them."""
    files, whole = count_set(inner), with_margins(inner)
    spec = json.loads(files["spec.json"])
    spec["tables"]["M"] = {"file": "M.csv", "dims": {"d0": "d0"}, "suppliers": "parts.csv"}
    rows = [codes[0] for _, codes in cells(inner.shape[:1])]
    margin, own = whole[:, 0], with_margins(north)
    return {
        **files,
        "spec.json": json.dumps(spec).encode(),
        "M.csv": to_csv(["d0", "value"], list(zip(rows, margin.tolist(), strict=True))),
        "parts.csv": to_csv(["d0", "supplier", "value"], [[code, "north", part] for code, part in zip(rows, own.tolist(), strict=True)]),
    }


def test_a_supplier_knows_its_part_of_tables_without_a_file_too() -> None:
    """The first row is all the supplier's: it knows both of its cells, so they cannot hide the 3 below them."""
    files, need = _linked_to_a_table_without_a_file(np.array([[10, 12], [3, 40], [30, 35]]), np.array([22, 0, 0])), Need(1, 4)
    tables = read_table_set(files)
    (north,) = tables.suppliers
    assert sorted(tables.place(cell)[1] for cell in np.flatnonzero(north.known).tolist()) == [("d01",), ("d01", "d11"), ("d01", "d12")]
    result = protect(tables, need)
    check_certificate(files, result.files(), need)
    assert attack(files, result.files(), need).safe
    assert_safe(result, need)
    weak = hide(files, {"T": {(row, column) for row in ("d01", "d02") for column in ("d11", "d12")}})
    assert {(cell.supplier, cell.codes) for cell in attack(files, weak, need).vulnerable} == {("north", ("d02", "d11"))}


def test_a_revision_that_is_large_to_all_may_be_small_but_for_one_supplier() -> None:
    """Twelve records changed, and north's part grew by eleven: it sees that one record came from others, unless one of the two is hidden."""
    before, after, north = np.array([100, 200, 300]), np.array([112, 220, 330]), (np.array([50, 80, 100]), np.array([61, 84, 110]))
    document = json.loads(count_set(before)["spec.json"])
    document["tables"] = {f"R{n}": {"file": f"R{n}.csv", "dims": {"d0": "d0"}, "release": n, "suppliers": f"S{n}.csv"} for n in (1, 2)}
    files = {"spec.json": json.dumps({**document, "releases": {"relation": "revised"}}).encode()}
    codes = [code for _, (code,) in cells((3,))]
    for n, values in ((1, before), (2, after)):
        columns = [codes, with_margins(values).tolist(), with_margins(after - before).tolist()]
        files[f"R{n}.csv"] = to_csv(["d0", "value", "changed"], list(zip(*columns, strict=True)))
        parts = with_margins(north[n - 1]).tolist()
        files[f"S{n}.csv"] = to_csv(["d0", "supplier", "value"], [[code, "north", part] for code, part in zip(codes, parts, strict=True)])
    seen = attack(files, hide(files, {})).vulnerable
    assert [(cell.table, cell.codes, cell.supplier, cell.since) for cell in seen] == [("R2", ("d01",), "north", "1")]
    result = protect(read_table_set(files))
    check_certificate(files, result.files())
    assert attack(files, result.files()).safe
    assert result.report["primary"] == 0
    assert result.hidden[~result.tables.virtual].any()
