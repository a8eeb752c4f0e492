"""Cell keys out of rows: the sum of everybody's record keys, whatever the table; and noise that never makes something of nothing."""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.perturbation import problems
from agreements.release import Level, Method, Release, Table, Terms, Zeros
from exchange.disclosure import Need
from exchange.disclosure.attack import attack
from exchange.disclosure.errors import BadTables
from exchange.disclosure.methods import apply
from exchange.disclosure.perturb import COLUMN, Noise
from exchange.disclosure.ptable import make_ptable
from exchange.errors import Unacceptable
from exchange.releases import perturbing
from exchange.releases.definition import KEYLESS, LOWER, UPPER, VALUE, cell_counts
from exchange.releases.engine import PSEUDONYM, Engine
from exchange.releases.errors import BadRelease
from exchange.releases.gate import advice, guard
from exchange.releases.protected import read_protected
from exchange.releases.tabulate import Tabulated, table_set, tabulate
from tests.exchange.releases import world

APRIL = world.periods("2021-04", "2021-04")
KEY = bytes(range(32))
NOISY = Terms(10, Zeros.PUBLISHED, Level.C, Method.CELL_KEY, bound=30, variance=8, smallest=3)
BY_TYPE = Table("by-type", "Crimes by type", ("force", "month", "crime_type"))
BY_PLACE = Table("by-place", "Crimes by place", ("month", "authority"))
TYPES = ("Drugs", "Burglary", "Robbery", "Other crime")


def released(*tables: Table, terms: Terms = NOISY) -> Release:
    return replace(world.release(), tables=tables, terms=terms)


def counted(release: Release, rows: world.Relations, key: bytes = KEY) -> tuple[dict[str, bytes], Tabulated]:
    made: list[Tabulated] = []
    files = tabulate(release, world.agreement(), rows, APRIL, tell=made.append, record_key=key)
    return files, made[0]


def named(kinds: Sequence[str], seed: str = "") -> world.Relations:
    return world.small([(f"{seed}{number}", "2021-04", "E01012085", kind, "") for number, kind in enumerate(kinds)], [])


def record_key(pseudonym: bytes) -> int:
    return int.from_bytes(hmac.digest(KEY, pseudonym, hashlib.sha256)[:4], "big")


def test_the_cell_key_of_every_cell_of_real_months_is_the_sum_of_its_crimes() -> None:
    rows = world.relations(APRIL)
    _, made = counted(released(BY_TYPE, BY_PLACE), rows)
    wanted: Counter[str] = Counter()
    for (dataset, supplier), table in rows.items():
        if dataset != "crimes":
            continue
        seen = set()
        for row in sorted(table.to_pylist(), key=repr):
            if row["crime"] is None or row["crime"] in seen:
                continue
            seen.add(row["crime"])
            for force in ("", supplier):
                wanted[force] += record_key(row["crime"])
    cube = made.keys["by-type"]
    assert int(cube[0, 0, 0]) == wanted[""] % 2**32
    for place, supplier in enumerate(made.along["force"].codes, start=1):
        assert int(cube[place, 0, 0]) == int(cube[place, 1, 0]) == wanted[supplier] % 2**32
    assert int(made.keys["by-place"][0, 0]) == int(cube[0, 0, 0])
    assert (cube[:, :, 1:].sum(axis=2) % 2**32 == cube[:, :, 0]).all()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(TYPES), min_size=1, max_size=120), st.integers(0, 2**32))
def test_the_same_people_get_the_same_noise_in_whatever_table_and_order(kinds: list[str], seed: int) -> None:
    rows = named(kinds)
    shuffled = {
        place: table.take(pa.array(Random(seed).sample(range(len(table)), len(table)), pa.int64())) for place, table in rows.items()
    }
    release, other = released(BY_TYPE), released(BY_PLACE, BY_TYPE)
    files, made = counted(release, rows)
    again, _ = counted(other, shuffled)
    assert again["by-type.csv"] == files["by-type.csv"]
    published = read_protected(release, APRIL, apply("cell-key", files, Need(0, 1), noise=perturbing.noise_of(NOISY)).files())[
        "by-type"
    ].counts
    beside = read_protected(other, APRIL, apply("cell-key", again, Need(0, 1), noise=perturbing.noise_of(NOISY)).files())
    assert (beside["by-type"].counts == published).all()
    assert int(beside["by-place"].counts[0, 0]) == int(published[0, 0, 0])
    truth = made.tables["by-type"]
    assert (published[truth == 0] == 0).all()
    assert ((published == 0) | (published >= NOISY.smallest)).all()
    assert (np.abs(published - truth) <= NOISY.bound).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 100), st.integers(1, 100), st.integers(1, 100))
def test_noise_that_an_agreement_may_ask_for_exists(bound: int, variance: int, smallest: int) -> None:
    terms = replace(NOISY, level=Level.A, bound=bound, variance=variance, smallest=smallest)
    agreement = world.agreement()
    said = [line for line in problems(agreement, released(terms=terms)) if not line.startswith("people whose counts")]
    if bound > 1 and not said:
        assert make_ptable(bound, variance, smallest - 1).described()["bound"] == bound
    elif bound > 1 and smallest <= bound:
        with pytest.raises(BadTables, match="variance"):
            make_ptable(bound, variance, smallest - 1)


def test_without_a_pseudonym_there_is_no_record_key_and_no_noise() -> None:
    release = replace(released(BY_TYPE), present=())
    assert any("cell-key takes the key of each unit" in line for line in problems(world.agreement(), release))
    with pytest.raises(BadRelease, match="perturbation needs one pseudonym"):
        counted(release, named(["Drugs"] * 20))


def test_a_unit_that_finds_no_record_key_is_noticed() -> None:
    rows = named(["Drugs"] * 3)
    known = rows["crimes", "durham-constabulary"]["crime"].combine_chunks()
    with Engine(memory="512MB") as engine:
        relations = {place: engine.register(table) for place, table in rows.items()}
        lacking = pa.table({VALUE: known[:2].cast(PSEUDONYM), UPPER: pa.array([1, 2]), LOWER: pa.array([3, 4])})
        found = engine.run(cell_counts(released(BY_TYPE), world.agreement(), relations, APRIL, keys=engine.register(lacking)))
    assert found[KEYLESS].to_pylist() == [1]
    assert (found[UPPER].to_pylist(), found[LOWER].to_pylist()) == ([3], [7])


def test_what_leaves_the_gate_is_perturbed_attacked_and_says_how() -> None:
    release = released(BY_TYPE)
    files, made = counted(release, world.relations(APRIL))
    protected, report = guard(files, release)
    shown = read_protected(release, APRIL, protected)["by-type"]
    assert report["attack"]["safe"]
    assert report["noise"] == perturbing.described(NOISY) == {**make_ptable(30, 8, 2).described()}
    assert not shown.hidden.any()
    assert (shown.counts != made.tables["by-type"]).any()
    again, _ = guard(counted(release, world.relations(APRIL))[0], release)
    assert again == protected


def test_noise_too_small_to_protect_publishes_nothing() -> None:
    small = replace(NOISY, bound=4, variance=2, smallest=1)
    with pytest.raises(Unacceptable, match="cannot be proven safe"):
        guard(counted(released(BY_TYPE, terms=small), named(["Drugs"] * 3 + ["Burglary"] * 40))[0], released(BY_TYPE, terms=small))


def test_noise_that_was_too_small_is_found_out_by_the_attack() -> None:
    files, _ = counted(released(BY_TYPE), named(["Drugs"] * 3 + ["Burglary"] * 40))
    published = apply("cell-key", files, Need(0, 1), noise=Noise(2, 1, 0)).files()
    assert attack(files, published, Need(0, 1)).safe
    assert not attack(files, published, Need(1, 9)).safe


def test_advice_compares_noise_wherever_units_have_record_keys() -> None:
    release = released(BY_TYPE, terms=replace(world.release().terms))
    rows = named(["Drugs"] * 3 + ["Burglary"] * 40 + ["Robbery"] * 25)
    files, made = counted(release, rows)
    assert COLUMN.encode() not in files["by-type.csv"]
    without, beside = (
        {one["method"]: one for one in advice(table_set(release, made, keyed=keyed), release)}["cell-key"] for keyed in (False, True)
    )
    assert COLUMN in without["why_not"]
    assert COLUMN not in beside["why_not"]
    asked = released(BY_TYPE)
    told = {one["method"]: one for one in advice(counted(asked, rows)[0], asked)}["cell-key"]
    assert told["usable"], told
    assert json.dumps(told)
