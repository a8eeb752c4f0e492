"""Cell keys and perturbation tables: the same cases, the same noise; distributed as said; never further than said."""

import hashlib
import json
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from exchange.disclosure.errors import BadTables, Unprotectable
from exchange.disclosure.methods import apply
from exchange.disclosure.perturb import COLUMN, Noise, key_sums
from exchange.disclosure.ptable import RANGE, PTable, make_ptable
from exchange.disclosure.sheets import Floats
from exchange.disclosure.spec import Need, read_spec
from tests.exchange.disclosure.tables import Array, count_set, read_csv, to_csv, with_margins

NOISE = Noise(5, 3, 2)


def record_key(person: str) -> int:
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big")


def keyed(inner: Array, tag: str = "") -> dict[str, bytes]:
    """A flat set in which every record has a key; `tag` makes other people of them."""
    keys = np.zeros(inner.shape, dtype=np.int64)
    for index, count in np.ndenumerate(inner):
        keys[index] = sum(record_key(f"{tag}{index}{number}") for number in range(count))
    return count_set(inner, extra={COLUMN: with_margins(keys)})


def published(files: dict[str, bytes]) -> dict[tuple[str, ...], int]:
    found = apply("cell-key", files, Need(0, 1), noise=NOISE).files()
    return {tuple(list(row.values())[:-2]): int(row["value"]) for row in read_csv(found["T.csv"])}


INNER = np.array([[12, 0, 33, 7], [48, 3, 51, 0], [19, 77, 1, 25]])

good = st.tuples(st.integers(2, 20), st.integers(1, 200), st.integers(0, 3))


@settings(max_examples=50, deadline=None)
@given(good)
def test_every_row_has_mean_nothing_and_the_variance_asked_for(asked: tuple[int, int, int]) -> None:
    bound, tenths, none = asked
    try:
        table = make_ptable(bound, Fraction(tenths, 10), none)
    except BadTables:
        assume(False)
    noise = np.arange(-bound, bound + 1)
    assert table.probabilities(0)[bound] == 1
    for count in range(1, bound + none + 4):
        chance = table.probabilities(count)
        assert chance.sum() == pytest.approx(1)
        result = count + noise
        assert (chance[(result < 0) | ((result >= 1) & (result <= none))] == 0).all()
        assert chance @ noise == pytest.approx(0, abs=1e-5)
        assert chance @ noise**2 == pytest.approx(tenths / 10, rel=1e-3)


def entropy(chance: Floats) -> float:
    kept = chance[chance > 0]
    return float(-(kept * np.log(kept)).sum())


@pytest.mark.parametrize("count", [1, 2, 3, 6, 20])
def test_no_other_distribution_says_less(count: int) -> None:
    """Any small step that keeps sum, mean and variance lowers the entropy."""
    table = make_ptable(5, 3, 2)
    chance = table.probabilities(count)
    noise = np.arange(-5, 6)
    allowed = chance > 0
    free = np.linalg.svd(np.stack([np.ones(11), noise, noise**2])[:, allowed])[2][3:]
    for direction in free:
        for step in (1e-3, -1e-3):
            other = chance.copy()
            other[allowed] += step * direction
            if (other >= 0).all():
                assert entropy(other) < entropy(chance) + 1e-9


def test_known_table() -> None:
    """Bound 1: the three probabilities follow from mean and variance alone; nothing is left to choose."""
    table = make_ptable(1, Fraction(1, 2))
    assert table.probabilities(1).tolist() == table.probabilities(9).tolist() == [0.25, 0.5, 0.25]
    # Count 1 with no results of 1 and 2, variance 2: -1 or +2, and only one way to have mean 0.
    assert make_ptable(5, 2, 2).probabilities(1)[[4, 7]] == pytest.approx([2 / 3, 1 / 3], abs=1e-6)


@pytest.mark.parametrize(("bound", "variance", "none"), [(5, 1, 2), (5, 6, 2), (0, 1, 0), (5, 0, 0), (3, 2, 3), (101, 3, 0)])
def test_what_cannot_be_had_is_refused(bound: int, variance: int, none: int) -> None:
    with pytest.raises(BadTables):
        make_ptable(bound, variance, none)


def test_the_digest_tells_tables_apart() -> None:
    assert make_ptable(5, 3, 2).digest == make_ptable(5, "3.0", 2).digest
    assert (
        len({make_ptable(bound, variance, none).digest for bound, variance, none in ((5, "3", 2), (5, "3", 1), (6, "3", 2), (5, "3.1", 2))})
        == 4
    )


@pytest.mark.parametrize("count", [1, 2, 4, 6, 100])
def test_noise_is_distributed_as_the_table_says(count: int) -> None:
    table = make_ptable(5, 3, 2)
    keys = np.random.default_rng(count).integers(0, RANGE, 50_000)
    noise = table.noise(np.full(len(keys), count), keys)
    chance = table.probabilities(count)
    seen = np.bincount(noise + 5, minlength=11)
    assert (seen[chance == 0] == 0).all()
    likely = chance > 1e-4
    expected = chance[likely] / chance[likely].sum() * seen[likely].sum()
    assert stats.chisquare(seen[likely], expected).pvalue > 1e-3


def test_keys_of_real_records_are_spread_evenly_too() -> None:
    """Sums of few hashed keys are as good as uniform: the noise of 4,000 cells of three people each fits the table."""
    table = make_ptable(5, 3, 0)
    keys = np.array([sum(record_key(f"{cell}-{person}") for person in range(3)) % RANGE for cell in range(4000)])
    seen = np.bincount(table.noise(np.full(4000, 3), keys) + 5, minlength=11)
    chance = table.probabilities(3)
    likely = chance > 2e-3
    assert stats.chisquare(seen[likely], chance[likely] / chance[likely].sum() * seen[likely].sum()).pvalue > 1e-3


def test_zeros_stay_and_nothing_goes_beyond_the_bound() -> None:
    for tag in ("a", "b", "c"):
        found = published(keyed(INNER, tag))
        truth = with_margins(INNER)
        for number, value in zip(found.values(), truth.ravel().tolist(), strict=True):
            assert abs(number - value) <= 5
            assert number not in {1, 2}
            assert number >= 0
            if value == 0:
                assert number == 0


def test_the_same_people_get_the_same_noise_in_every_table_and_release() -> None:
    """Another table of the same people, and a later edition in which only one line has changed."""
    first = published(keyed(INNER))
    later = INNER.copy()
    later[2, 3] += 4
    second = published(keyed(later))
    same = [codes for codes in first if "d03" not in codes and "d14" not in codes and "Total" not in codes]
    assert same
    assert all(first[codes] == second[codes] for codes in same)
    assert first["Total", "d11"] == second["Total", "d11"]
    one_way = keyed(INNER.sum(axis=1, keepdims=True))
    keys = {row["d0"]: row[COLUMN] for row in read_csv(keyed(INNER)["T.csv"]) if row["d1"] == "Total"}
    rows = [[row["d0"], row["d1"], row["value"], keys[row["d0"]]] for row in read_csv(one_way["T.csv"])]
    margin = published({**one_way, "T.csv": to_csv(["d0", "d1", "value", COLUMN], rows)})
    assert {code: margin[code, "Total"] for code in keys} == {code: first[code, "Total"] for code in keys}
    others = published(keyed(INNER, "other people"))
    assert first != others


def test_what_is_written_down() -> None:
    found = apply("cell-key", keyed(INNER), Need(0, 1), noise=NOISE)
    method = json.loads(found.files()["method.json"])
    assert method == {
        "method": "cell-key",
        "bound": 5,
        "variance": "3",
        "none": 2,
        "version": 1,
        "ptable": make_ptable(5, 3, 2).digest,
    }
    assert found.report["additive"] is False
    assert found.cells_hidden == 0
    assert COLUMN not in found.files()["T.csv"].decode()
    assert found.largest_error <= 5


def test_too_little_noise_for_the_level_is_refused() -> None:
    with pytest.raises(Unprotectable, match="larger bound"):
        apply("cell-key", keyed(INNER), Need(1, 8), noise=NOISE)
    assert apply("cell-key", keyed(INNER), Need(1, 4)).report["method"]["bound"] == 6


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: [row.update({COLUMN: "-1"}) for row in rows[:1]], "row 2: record_key_sum must be a whole number"),
        (lambda rows: [row.update({COLUMN: str(int(row[COLUMN]) + 1)}) for row in rows[:1]], "not the sum of its parts"),
        (lambda rows: [row.update({COLUMN: "7"}) for row in rows if row["value"] == "0"], "must be 0 where nobody is counted"),
        (lambda rows: [row.pop(COLUMN) for row in rows], "needs a column record_key_sum"),
    ],
)
def test_bad_keys(spoil: Callable[[list[dict[str, str]]], object], message: str) -> None:
    files = keyed(INNER)
    rows = read_csv(files["T.csv"])
    spoil(rows)
    files["T.csv"] = to_csv(list(rows[0]), [list(row.values()) for row in rows])
    with pytest.raises(BadTables, match=message):
        apply("cell-key", files, noise=NOISE)


def test_sums_of_keys_from_records() -> None:
    """Records of a table with a hierarchy: every margin has the sum of the keys below it, modulo 2**32."""
    tree = {"root": "T", "children": {"T": ["A", "B"], "A": ["A1", "A2"]}}
    spec = {
        "hierarchies": {"h": tree, "g": {"root": "T", "children": {"T": ["x", "y"]}}},
        "tables": {"T": {"file": "T.csv", "dims": {"h": "h", "g": "g"}}},
        "measure": "count",
        "threshold": 5,
    }
    dims = dict(read_spec({"spec.json": json.dumps(spec).encode()}).tables[0].dims)
    rng = np.random.default_rng(5)
    h, g = rng.choice(["A1", "A2", "B"], 500), rng.choice(["x", "y"], 500)
    keys = rng.integers(0, RANGE, 500, dtype=np.uint32)
    found = key_sums([dims["h"], dims["g"]], [h.tolist(), g.tolist()], keys).reshape(5, 3)
    below = {"T": ["A1", "A2", "B"], "A": ["A1", "A2"], "A1": ["A1"], "A2": ["A2"], "B": ["B"]}
    for place, code in enumerate(dims["h"].codes):
        for other, column in enumerate(dims["g"].codes):
            mine = np.isin(h, below[code]) & ((column == "T") | (g == column))
            assert found[place, other] == int(keys[mine].sum(dtype=np.uint64)) % RANGE
    with pytest.raises(BadTables):
        key_sums([dims["h"]], [["C"]], keys[:1])


def test_the_lookup_is_where_the_key_falls() -> None:
    table = PTable(1, Fraction(1, 2), 0, np.array([[0, RANGE, RANGE], [RANGE // 4, 3 * RANGE // 4, RANGE]]))
    keys = np.array([0, RANGE // 4 - 1, RANGE // 4, 3 * RANGE // 4 - 1, 3 * RANGE // 4, RANGE - 1, 5])
    assert table.noise(np.array([5, 5, 5, 5, 5, 5, 0]), keys).tolist() == [-1, -1, 0, 0, 1, 1, 0]
