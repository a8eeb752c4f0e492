"""Walking from table to table only saves work: the attack finds the same cells without it, and counts no table that cannot be."""

import csv
import io
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import Need, protect, read_table_set
from exchange.disclosure.attack import Vulnerable, attack
from exchange.disclosure.attack.blocks import Block
from exchange.disclosure.attack.walk import Search, Sums, Walk, gathered
from exchange.disclosure.attack.witnesses import Needs, Reach
from tests.exchange.disclosure import generate
from tests.exchange.disclosure.tables import Array, cells, count_set, hide, load, with_margins

LEVELS = {"A": Need(1, 1), "B": Need(0, 4), "C": Need(1, 4)}


def plainly(files: Mapping[str, bytes], protected: Mapping[str, bytes], need: Need | None) -> list[Vulnerable]:
    """What falls to an intruder who never walks, but solves for one neighbourhood and cell after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Walk, "wander", lambda *_: None)
        return attack(files, protected, need).vulnerable


def given_back(files: Mapping[str, bytes], protected: Mapping[str, bytes], share: float, random: np.random.Generator) -> dict[str, bytes]:
    """The protected files with some of what is hidden published after all."""
    found = dict(protected)
    for name in [name for name in protected if name.endswith(".csv") and name in files]:
        rows = list(csv.DictReader(io.StringIO(protected[name].decode())))
        truth = list(csv.DictReader(io.StringIO(files[name].decode())))
        dims = [column for column in rows[0] if column not in {"value", "suppressed"}]
        value = {tuple(row[column] for column in dims): row["value"] for row in truth}
        for row in rows:
            if row["suppressed"] == "1" and random.random() < share:
                row["suppressed"], row["value"] = "0", value[tuple(row[column] for column in dims)]
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        found[name] = out.getvalue().encode()
    return found


@st.composite
def tables(draw: st.DrawFn) -> tuple[Array, set[tuple[int, ...]]]:
    """A table of small counts in two or three dimensions, and hidden cells with something in them, never the grand total."""
    shape = draw(st.sampled_from([(4, 5), (6, 6), (3, 3, 4), (4, 4, 4)]))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    inner = random.geometric(draw(st.sampled_from([0.15, 0.3, 0.6])), shape) - draw(st.integers(0, 1))
    table, share = with_margins(inner), draw(st.sampled_from([0.3, 0.6, 0.9]))
    return inner, {index for index, _ in cells(shape) if any(index) and table[index] > 0 and random.random() < share}


@settings(max_examples=120, deadline=None, derandomize=True)
@given(tables(), st.sampled_from([*LEVELS.values(), Need(0, 1), Need(1, 9)]))
def test_the_same_cells_fall_with_and_without_the_walk(pattern: tuple[Array, set[tuple[int, ...]]], need: Need) -> None:
    inner, hidden = pattern
    names = dict(cells(inner.shape))
    files = count_set(inner, extra={"primary": ((with_margins(inner) > 0) & (with_margins(inner) < 5)).astype(np.int64)})
    protected = hide(files, {"T": {names[index] for index in hidden}})
    assert attack(files, protected, need).vulnerable == plainly(files, protected, need)


@pytest.mark.parametrize("name", ["a1", "a2", "a3", "a4", "b1", "c0"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_same_cells_of_the_shared_sets_fall(name: str, level: str) -> None:
    files = load(name)
    protected = protect(read_table_set(files), LEVELS[level]).files()
    assert attack(files, protected, LEVELS[level]).vulnerable == plainly(files, protected, LEVELS[level]) == []
    share = {"b1": 0.1, "c0": 0.005}.get(name, 0.3)
    planted = given_back(files, protected, share, np.random.default_rng(7))
    found = attack(files, planted, LEVELS[level]).vulnerable
    assert found == plainly(files, planted, LEVELS[level])
    assert found or planted == protected or name not in {"b1", "c0"}


@pytest.mark.parametrize("kind", ["magnitudes", "suppliers", "rates", "linked", "suppressible"])
def test_the_same_cells_of_other_kinds_fall(kind: str) -> None:
    for seed in range(4):
        files = generate.KINDS[kind](seed)
        planted = given_back(files, protect(read_table_set(files)).files(), 0.15, np.random.default_rng(seed))
        assert attack(files, planted).vulnerable == plainly(files, planted, None)


def square(rows: int = 2) -> Sums:
    """Every cell of a square hidden, all margins published."""
    size = 2 * rows
    row = np.concatenate([np.arange(size) // 2, rows + np.arange(size) % 2])
    entries = row.astype(np.int64), np.tile(np.arange(size), 2).astype(np.int64), np.ones(2 * size, dtype=np.int64)
    return Sums(np.arange(size), entries, np.full(rows + 2, np.nan))


def wander(sums: Sums, fall: float = 3.0) -> Reach:
    """What a walk over some sums reaches where each cell should reach four."""
    size = len(sums.leaders)
    reach = Reach(np.zeros(size), np.zeros(size))
    Walk(sums).wander(np.full(size, fall), np.full(size, np.inf), Needs(np.zeros(size), np.zeros(size), np.full(size, 4.0)), reach)
    return reach


def test_a_square_reaches_as_far_as_it_should_and_no_further_than_its_values_allow() -> None:
    reach = wander(square())
    assert (reach.down + reach.up >= 4).all()
    assert max(reach.down.max(), reach.up.max()) <= 3
    assert not wander(square(), fall=0.0).up.any()


@pytest.mark.parametrize("change", [[1, 0, 0, 0], [4, -4, -4, 4], [1, -1, 1, -1]])
def test_a_table_that_cannot_be_is_not_counted(change: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "best", lambda *_, **__: np.array(change, dtype=np.int64))
    reach = wander(square())
    assert not reach.down.any()
    assert not reach.up.any()


def test_sums_too_large_to_be_exact_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "best", lambda *_, **__: np.array([1, -1, -1, 1], dtype=np.int64) * 2**61)
    assert not wander(square(), fall=np.inf).up.any()


def test_components_are_walked_over_together_and_large_ones_alone() -> None:
    def block(first: int, size: int) -> Block:
        leaders = np.arange(first, first + size)
        entries = np.zeros(size, dtype=np.int64), np.arange(size), np.ones(size, dtype=np.int64)
        return Block(leaders, entries, np.array([np.nan]), whole=True)

    found = list(gathered([block(0, 3), block(10, 4), block(20, 2000), block(3000, 2)]))
    assert [len(sums.leaders) for sums in found] == [7, 2000, 2]
    assert found[0].leaders.tolist() == [0, 1, 2, 10, 11, 12, 13]
    assert found[0].entries[0].tolist() == [0] * 3 + [1] * 4
    assert found[0].entries[1].tolist() == list(range(7))
