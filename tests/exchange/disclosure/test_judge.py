"""The engine before a judge that shares nothing with it: enumeration of every whole table on small sets, whole systems of sums on others."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exchange.disclosure import Need, Unprotectable, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from tests.exchange.disclosure import generate
from tests.exchange.disclosure.brute import Judge
from tests.exchange.disclosure.generate import Array, Files
from tests.exchange.disclosure.judged import Aim
from tests.exchange.disclosure.solving import enumerate_tables

MOST_UNKNOWN = 9
SMALL = {"three_way": 3, "four_way": 3}
"""Seeds of the kinds whose set with seed 11 is large."""
SHAPES = [(2, 3), (3, 3), (2, 2, 2), (2, 2, 3), (3, 2, 2)]
LEVELS = [Need(1, 1), Need(0, 4), Need(1, 4), Need(0, 1), Need(0, 2)]


@st.composite
def small_sets(draw: st.DrawFn) -> Files:
    """A flat count set whose grand total is published, so that there are finitely many tables."""
    shape = draw(st.sampled_from(SHAPES))
    size = int(np.prod(shape))
    values = draw(st.lists(st.sampled_from([0, 1, 1, 2, 3, 4, 6]), min_size=size, max_size=size).filter(lambda found: sum(found) > 3))
    inner: Array = np.array(values, dtype=np.int64).reshape(shape)
    plan = generate.product_plan([generate.tree("rcs"[axis], [length]) for axis, length in enumerate(shape)])
    value = plan.tabulate(inner, "T")
    must = np.zeros_like(value)
    must.flat[0] = 1
    return generate.write(plan, {"T": generate.Sheet("T", {"value": value, "forced": must})}, threshold=3)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(small_sets(), st.sampled_from(LEVELS))
def test_every_whole_table_there_is_agrees_with_the_promise(files: Files, need: Need) -> None:
    try:
        protected = protect(read_table_set(files), need).files()
    except Unprotectable:
        assume(False)
    judge = Judge(files, protected, need.known_min, need.min_width)
    assume(0 < len(judge.value) - len(judge.published) <= MOST_UNKNOWN)
    ends = enumerate_tables(judge.solver(), int(max(judge.value)))
    for aim in judge.aims:
        low, high = ends[next(iter(aim.combination))]
        assert high - low >= need.min_width


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(small_sets(), st.randoms(use_true_random=False), st.integers(0, 1))
def test_the_attack_is_as_good_as_enumeration_on_any_pattern(files: Files, chance: random.Random, least: int) -> None:
    judge = Judge(files, _weakened(files, Judge(files, _all_hidden(files, least), least, 1), chance, 0.5), least, 10**6)
    protected = _weakened(files, judge, chance, 0.0)
    assume(len(judge.value) - len(judge.published) <= MOST_UNKNOWN)
    ends = enumerate_tables(judge.solver(), int(max(judge.value))) if len(judge.published) < len(judge.value) else {}
    found = attack(files, protected, Need(least, 10**6))
    expected = {}
    for aim in judge.aims:
        cell = next(iter(aim.combination))
        expected[aim.name] = ends.get(cell, (int(judge.value[cell]), int(judge.value[cell])))
    assert {(fallen.table, fallen.codes): (fallen.low, fallen.high) for fallen in found.vulnerable} == expected


def test_the_two_ways_of_judging_agree() -> None:
    """The judge itself: whole-number programs find what enumeration finds."""
    for seed in range(6):
        files = generate.counts(
            generate.product_plan([generate.tree("r", [2]), generate.tree("c", [3])]),
            np.random.default_rng(seed).integers(0, 4, (2, 3)),
            3,
        )
        judge = Judge(files, _weakened(files, Judge(files, _all_hidden(files, 0), 0, 1), random.Random(seed), 0.4), 0, 1)
        if (0 not in judge.published) or len(judge.published) == len(judge.value):
            continue
        solver = judge.solver()
        for cell, ends in enumerate_tables(judge.solver(), int(max(judge.value))).items():
            assert solver.interval({cell: Fraction(1)}, whole=True) == ends


def levels(files: Files, chance: random.Random) -> Need:
    """A level that the set admits."""
    if b'"magnitude"' in files["spec.json"]:
        return Need(0, 1)
    return Need(0 if b"suppressible" in files["spec.json"] else chance.randint(0, 1), chance.choice([1, 2, 4, 6]))


def judged(files: Files, need: Need, chance: random.Random) -> None:
    """Protect, let the judge look, weaken the pattern, and let judge and attack each say what falls."""
    try:
        result = protect(read_table_set(files), need)
    except Unprotectable:
        full = Judge(files, _all_hidden(files, need.known_min), need.known_min, need.min_width)
        assert full.public() or full.insiders() or full.suppliers(files)
        return
    protected = result.files()
    check_certificate(files, protected, need)
    judge = Judge(files, protected, need.known_min, need.min_width)
    assert judge.public() == []
    assert judge.insiders() == []
    assert judge.suppliers(files) == []
    assert attack(files, protected, need, insiders=True).safe
    weak = {**protected, **_weakened(files, judge, chance, 0.2)}
    judge = Judge(files, weak, need.known_min, need.min_width)
    fallen: list[Aim] = [aim for aim, _, _ in [*judge.public(), *judge.insiders()]] + [aim for _, aim, _, _ in judge.suppliers(files)]
    found = attack(files, weak, need, insiders=True)
    assert {_cell(judge, *aim.name) for aim in fallen} == {_cell(judge, item.table, item.codes) for item in found.vulnerable}


@pytest.mark.parametrize("kind", generate.KINDS)
def test_every_kind_of_set_is_safe_and_the_attack_agrees(kind: str) -> None:
    files, chance = generate.KINDS[kind](SMALL.get(kind, 11)), random.Random(kind)
    judged(files, levels(files, chance), chance)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
@pytest.mark.parametrize("kind", generate.KINDS)
def test_many_sets_of_every_kind(kind: str, seed: int) -> None:
    files, chance = generate.KINDS[kind](seed), random.Random(f"{kind} {seed}")
    judged(files, levels(files, chance), chance)


def _cell(judge: Judge, table: str, codes: tuple[str, ...]) -> int:
    """One name for a cell that several rows show; a difference of releases goes by the later of the two."""
    [rows] = [rows for rows in judge.tables if rows.name == table.split(" - ", maxsplit=1)[0]]
    return rows.cells[rows.codes.index(codes)]


def _all_hidden(files: Files, known_min: int) -> Files:
    """Everything hidden that may be: not zeros where they are published, not what must be published."""
    reader = Judge(files, {}, known_min, 1)
    zeros = known_min == 1 or reader.spec.get("zeros", "published") == "published"
    shown = {
        cell
        for rows in reader.tables
        for place, cell in enumerate(rows.cells)
        if (zeros and reader.value[cell] == 0) or rows.fields.get("forced", ["0"] * len(rows.cells))[place] == "1"
    }
    return _written(reader, shown)


def _weakened(files: Files, judge: Judge, chance: random.Random, share: float) -> Files:
    """The pattern that a judge has read with some hidden cells given back."""
    hidden = [cell for cell in range(len(judge.value)) if cell not in judge.published]
    return _written(judge, judge.published | {cell for cell in hidden if chance.random() < share})


def _written(judge: Judge, shown: set[int]) -> Files:
    files = {}
    for rows in judge.tables:
        lines = [
            [*codes, text if cell in shown else "", int(cell not in shown)]
            for codes, cell, text in zip(rows.codes, rows.cells, rows.fields["value"], strict=True)
        ]
        files[rows.entry["file"]] = generate.to_csv([*rows.columns, "value", "suppressed"], lines)
    return files
