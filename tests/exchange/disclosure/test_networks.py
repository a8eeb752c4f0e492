"""Exchanges by ways through a network: the same answers as a linear program gives, and patterns that a search cannot better."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure import Need, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from exchange.disclosure.exchanges import ExchangeModel, Move, balanced
from exchange.disclosure.models import model_of
from exchange.disclosure.networks import NetworkModel, ends
from exchange.disclosure.problem import Problem, pose
from tests.exchange.disclosure import generate
from tests.exchange.disclosure.tables import Array, cells, count_set, flat, load, to_csv

COUNTS = st.sampled_from([0, 1, 1, 2, 3, 4, 6, 9, 15, 30])
LEVELS = [Need(1, 1), Need(0, 4), Need(1, 4)]


def one_sided(inner: Array) -> dict[str, bytes]:
    """Counts of five places under two districts by three kinds: a hierarchy on one side."""
    below = {"Total": ["A", "B"], "A": ["a1", "a2"], "B": ["b1", "b2", "b3"]}
    districts = np.array([inner[:2].sum(axis=0), inner[2:].sum(axis=0)])
    rows = np.concatenate([[inner.sum(axis=0)], districts[:1], inner[:2], districts[1:], inner[2:]])
    places = ["Total", "A", "a1", "a2", "B", "b1", "b2", "b3"]
    lines = [
        [place, kind, int(count)]
        for place, row in zip(places, rows, strict=True)
        for kind, count in zip(["Total", "k1", "k2", "k3"], [row.sum(), *row], strict=True)
    ]
    document = {
        "hierarchies": {"place": {"root": "Total", "children": below}, "kind": flat("k", 3)},
        "tables": {"T": {"file": "T.csv", "dims": {"place": "place", "kind": "kind"}}},
        "measure": "count",
        "threshold": 5,
    }
    return {"spec.json": json.dumps(document).encode(), "T.csv": to_csv(["place", "kind", "value"], lines)}


def models(problem: Problem, hidden: Array | None = None) -> tuple[NetworkModel, ExchangeModel]:
    """Both models of all cells that may move, or of some."""
    balance = balanced(problem, np.flatnonzero(problem.movable) if hidden is None else hidden)
    nodes = ends(balance)
    assert nodes is not None
    return NetworkModel(problem, balance, nodes), ExchangeModel(problem, balance)


def price(problem: Problem, move: Move, cell: int) -> float:
    """What it takes to hide all that a change moves, but for the cell it is made for."""
    return float(problem.weight[move.cells[move.cells != cell]].sum())


def assert_good(problem: Problem, move: Move, cell: int, amount: int) -> None:
    change = np.zeros(len(problem.value), dtype=np.int64)
    change[move.cells] = move.delta
    relations = problem.relations
    assert not np.add.reduceat(relations.signs * change[relations.cells], relations.start[:-1]).any()
    assert (move.delta >= -problem.slack[move.cells]).all()
    assert not change[~problem.movable].any()
    assert move.delta.all()
    assert (np.diff(move.cells) > 0).all()
    assert change[cell] == amount


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(COUNTS, min_size=15, max_size=15), st.sampled_from(LEVELS), st.booleans())
def test_a_network_finds_what_a_linear_program_finds_and_never_at_more(counts: list[int], need: Need, sided: bool) -> None:
    inner = np.array(counts).reshape(5, 3)
    problem = pose(read_table_set(one_sided(inner) if sided else count_set(inner)), need)
    network, program = models(problem)
    for cell, amount in itertools.product(network.cells.tolist(), (1, -1, 4, -4)):
        found, other = network.move(cell, amount), program.move(cell, amount)
        assert (found is None) == (other is None)
        if found is not None and other is not None:
            assert_good(problem, found, cell, amount)
            if abs(amount) == 1:
                assert price(problem, found, cell) == pytest.approx(price(problem, other, cell))


def test_what_is_held_still_is_gone_round_and_may_move_again() -> None:
    problem = pose(read_table_set(count_set(np.array([[1, 20, 30], [25, 40, 50], [60, 70, 80]]))), Need(1, 1))
    network, program = models(problem)
    cell = int(problem.primary[0])
    first = network.move(cell, 1)
    assert first is not None
    for other in set(first.cells.tolist()) - {cell}:
        network.allow(other, allowed=False)
        program.allow(other, allowed=False)
    second, same = network.move(cell, 1), program.move(cell, 1)
    assert second is not None
    assert same is not None
    assert_good(problem, second, cell, 1)
    assert set(second.cells.tolist()) & set(first.cells.tolist()) == {cell}
    assert price(problem, second, cell) == pytest.approx(price(problem, same, cell))
    for other in problem.relations.within(problem.relations.rows[problem.relations.first[cell] : problem.relations.first[cell + 1]])[
        1
    ].tolist():
        if other != cell:
            network.allow(other, allowed=False)
    assert network.move(cell, 1) is None
    for other in network.cells.tolist():
        network.allow(other, allowed=True)
    again = network.move(cell, 1)
    assert again is not None
    assert (again.cells == first.cells).all()


def test_several_ways_are_taken_where_no_one_way_has_room() -> None:
    """All that can fall under the small cell's rise is two and three: four units need both."""
    inner = np.array([[2, 2, 3], [90, 91, 92]])
    problem = pose(read_table_set(count_set(inner)), Need(0, 4))
    numbers = {index: number for number, (index, _) in enumerate(cells(inner.shape))}
    kept = np.array(sorted(numbers[row, column] for row in (1, 2) for column in (1, 2, 3)))
    network, program = models(problem, kept)
    cell = next(int(one) for one in problem.primary if problem.value[one] == 2 and one in kept)
    move = network.move(cell, 4)
    assert move is not None
    assert_good(problem, move, cell, 4)
    assert len(move.cells) == 6
    assert network.move(cell, 6) is None
    assert program.move(cell, 6) is None


def test_three_dimensions_are_no_network_and_two_are() -> None:
    deep = pose(read_table_set(generate.large("c1")), Need(1, 4))
    assert isinstance(model_of(deep, np.flatnonzero(deep.movable)), ExchangeModel)
    wide = pose(read_table_set(count_set(np.arange(20).reshape(4, 5))), Need(1, 4))
    assert isinstance(model_of(wide, np.flatnonzero(wide.movable)), NetworkModel)


def cheapest(problem: Problem, primary: list[int]) -> float:
    """By trying patterns from the cheapest on, each asked of linear programs: the least that protects every primary cell by one unit."""
    others = [cell for cell in np.flatnonzero(problem.movable).tolist() if cell not in primary]
    patterns = itertools.chain.from_iterable(itertools.combinations(others, size) for size in range(6))
    for pattern in sorted(patterns, key=lambda pattern: float(problem.weight[list(pattern)].sum())):
        model = ExchangeModel(problem, np.array(sorted([*primary, *pattern])))
        if all(model.move(cell, 1) or model.move(cell, -1) for cell in primary):
            return float(problem.weight[list(pattern)].sum())
    raise AssertionError("no pattern of five cells protects")


@pytest.mark.parametrize("seed", range(6))
def test_what_is_searched_to_the_end_at_width_one_cannot_be_bettered(seed: int) -> None:
    random = np.random.default_rng(seed)
    inner = random.integers(6, 60, (3, 3))
    inner.flat[random.choice(9, 3, replace=False)] = random.integers(1, 4, 3)
    files = count_set(inner)
    tables = read_table_set(files)
    problem = pose(tables, Need(1, 1))
    result = protect(tables, Need(1, 1), thorough=True)
    assert result.report["secondary_value"] == cheapest(problem, problem.primary.tolist())


def test_more_work_hides_no_more_and_all_of_it_is_safe() -> None:
    files = load("b1")
    for need in LEVELS:
        little, much = (protect(read_table_set(files), need, thorough=thorough) for thorough in (False, True))
        assert much.report["secondary_value"] <= little.report["secondary_value"]
        for result in (little, much):
            check_certificate(files, result.files(), need)
            assert attack(files, result.files(), need, insiders=result.insiders).safe
            assert protect(read_table_set(files), need, thorough=result is much).certificate == result.certificate
