"""Tables of linked people: what is counted, what can only be nought, and what must be hidden, each law against a count person by person."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.model import Agreement
from agreements.periods import Period, months
from agreements.release import Dimension, Release, Table
from exchange.releases.cells import axes
from exchange.releases.gate import guard
from exchange.releases.linked_edition import people_tables, told
from exchange.releases.linking import Report, SourceLinks
from exchange.releases.people import Known, People, Source, tables
from tests.agreements.examples import agreement

SOURCES = [Source("victims", "cleveland-police"), Source("victims", "durham-constabulary")]
SOURCES += [Source("witness_days", "witness-care-units"), Source("rj_offers", "rj-hub")]
DATASETS = ("victims", "witness_days", "rj_offers")
SPAN = months(Period.parse("2026-05"), Period.parse("2026-06"))
Person = tuple[tuple[int, ...], ...]
"""For each source the months in which it has a record of the person."""


def words() -> Agreement:
    return agreement("victims")


def release() -> Release:
    """The shipped release with a table of who knows whom, beside its own."""
    found = words().release("people-known")
    assert found is not None
    flags = [Dimension(f"of_{name}", name, f"person.{name}", (("true", "Yes"), ("false", "No")), "All") for name in DATASETS]
    beside = Table("who", "Who knows them", ("month", *(one.name for one in flags)))
    bare = Table("bare", "How many", ("month",))
    return replace(found, dimensions=(*found.dimensions, *flags), tables=(*found.tables, beside, bare))


def known(people: Sequence[Person]) -> Known:
    """What linking would find."""
    suppliers = dict.fromkeys(one.supplier for one in SOURCES)
    own = {name: np.zeros(len(SPAN), dtype=np.int64) for name in suppliers}
    moved = {name: np.zeros(len(SPAN), dtype=np.int64) for name in suppliers}
    for person in people:
        first = min(month for seen in person for month in seen)
        for name in suppliers:
            mine = [month for seen, one in zip(person, SOURCES, strict=True) if one.supplier == name for month in seen]
            if mine:
                own[name][min(mine)] += 1
                moved[name][min(mine)] += first < min(mine)
    each = [(min(month for seen in one for month in seen), sum(1 << at for at, seen in enumerate(one) if seen)) for one in people]
    month, sources = (np.array([one[at] for one in each], dtype=np.int64) for at in (0, 1))
    return Known(month, sources, np.ones(len(people), dtype=np.int64), moved, own)


def made(people: Sequence[Person], threshold: int) -> dict[str, People]:
    return tables(release(), axes(release(), SPAN), SOURCES, known(people), threshold)


def person() -> st.SearchStrategy[Person]:
    seen = st.sets(st.integers(0, 1)).map(lambda found: tuple(sorted(found)))
    return st.tuples(*(seen for _ in SOURCES)).filter(any)


def knowing(one: Person) -> set[str]:
    return {source.dataset for source, seen in zip(SOURCES, one, strict=True) if seen}


def named_by(one: Person) -> set[str]:
    return {source.supplier for source, seen in zip(SOURCES, one, strict=True) if seen}


def in_cell(one: Person, month: int, flags: tuple[int, ...]) -> bool:
    """Whether a person stands in a cell of the table “who”: places as the table has them, 0 for all."""
    first = min(at for seen in one for at in seen)
    told = [place == 0 or (place == 1) == (name in knowing(one)) for name, place in zip(DATASETS, flags, strict=True)]
    return month in (0, first + 1) and all(told)


@given(st.lists(person(), max_size=60), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_every_cell_is_the_number_of_people_who_stand_in_it(people: list[Person], threshold: int) -> None:
    found = made(people, threshold)["who"]
    for place in product(range(3), *(range(3) for _ in DATASETS)):
        inside = [one for one in people if in_cell(one, place[0], place[1:])]
        assert found.value[place] == len(inside)
        for supplier, share in found.shares.items():
            assert share[place] == sum(supplier in named_by(one) for one in inside)


@given(st.lists(person(), max_size=80), st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_what_may_be_shown_rests_on_people_whom_two_suppliers_have_named(people: list[Person], threshold: int) -> None:
    """The law of the padder: in a month of which anything may be shown, each joined cell has enough people that no one supplier can have invented."""
    found = made(people, threshold)
    for place in range(len(SPAN) + 1):
        open_ = [
            name for name, table in found.items() if not (np.take(table.primary, place, axis=0) | np.take(table.never, place, axis=0)).all()
        ]
        if not open_:
            continue
        here = [one for one in people if place in (0, min(at for seen in one for at in seen) + 1)]
        assert sum(len(named_by(one)) > 1 for one in here) >= threshold
        for flags in product((True, False), repeat=len(DATASETS)):
            if sum(flags) > 1:
                cell = [one for one in here if knowing(one) == {name for name, flag in zip(DATASETS, flags, strict=True) if flag}]
                assert sum(len(named_by(one)) > 1 for one in cell) >= threshold


def test_a_cell_that_nobody_can_be_in_is_never_hidden_and_is_nought() -> None:
    people: list[Person] = [((0,), (), (0,), (0,))] * 20
    found = made(people, 5)["who"]
    assert found.never[1, 2, 2, 2]  # known to none of the three
    assert not found.never[1, 1, 2, 2]
    assert (found.value[found.never] == 0).all()
    assert not (found.primary & found.never).any()


def test_months_are_hidden_where_a_supplier_could_count_who_was_known_elsewhere_before() -> None:
    """Some of a supplier's people of June are counted in May, for another knew them then. Three of them are too few to be told, and so are none."""
    chosen = ((0, 2), (0, 3), (2, 3), (0, 2, 3))
    steady: list[Person] = [tuple((month,) if at in known_to else () for at in range(4)) for month in (0, 1) for known_to in chosen]
    moving: list[Person] = [((0,), (), (1,), ()), ((), (), (0,), (1,)), ((1,), (), (), (0,))]
    alone: list[Person] = [tuple((month,) if at == only else () for at in range(4)) for month, only in ((0, 0), (0, 1), (0, 2), (0, 3))]
    alone += [tuple((1,) if at == only else () for at in range(4)) for only in range(4)]
    steady += alone
    enough = [one for one in (*steady, *moving) for _ in range(12)]
    late: Person = ((), (1,), (0,), ())  # the other force's first
    assert not made([*enough, *[late] * 12], 10)["bare"].primary.any()
    for several, hidden in ((1, True), (9, True), (10, False)):
        assert made([*enough, *[late] * several], 10)["bare"].primary[1:].all() == hidden
    assert made([*enough, *[late] * 3], 10)["bare"].primary[0] == np.False_  # the two months together tell nothing of when
    assert made([one for one in steady for _ in range(12)], 10)["bare"].primary[1:].all()


@pytest.mark.parametrize("seed", range(3))
def test_the_whole_set_is_protected_and_attacked(seed: int) -> None:
    chance = np.random.default_rng(seed)
    found = words().release("people-known")
    assert found is not None
    pool = [f"key {number}".encode().ljust(16)[:16] for number in range(300)]
    relations = {}
    for source in SOURCES:
        dataset = words().dataset(source.dataset)
        assert dataset is not None
        rows = int(chance.integers(150, 250))
        names = [pool[number] for number in chance.integers(0, 300, rows)]
        columns: dict[str, list[Any]] = {field.name: [None] * rows for field in dataset.fields}
        columns |= {"person_name_dob": names, dataset.period_field: [SPAN[0].start] * rows}
        relations[source.dataset, source.supplier] = pa.table(columns, schema=dataset.schema)
    out = people_tables(found, words(), relations, SPAN[:1])
    protected, report = guard(out.files, found)  # proven safe to the public and to each supplier, and attacked in vain
    assert {"people.csv", "linkage-report.csv"} <= set(protected)
    assert report["attack"]


@given(st.lists(st.tuples(*(st.integers(0, 3) for _ in SOURCES)).filter(any), min_size=1, max_size=60), st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_a_count_of_linked_people_that_may_be_shown_has_enough_behind_it(people: list[tuple[int, ...]], threshold: int) -> None:
    """``people``: for each source how many records it has of the person, who counts once. Every count is exact, and rests on people whom two

    suppliers have named.
    """
    found = words().release("people-known")
    assert found is not None
    asked = replace(found, terms=replace(found.terms, threshold=threshold))
    relations = {}
    for at, source in enumerate(SOURCES):
        dataset = words().dataset(source.dataset)
        assert dataset is not None
        names = [f"person {number}".encode().ljust(16) for number, records in enumerate(people) for _ in range(records[at])]
        columns: dict[str, list[Any]] = {field.name: [None] * len(names) for field in dataset.fields}
        columns |= {"person_name_dob": names, dataset.period_field: [SPAN[0].start] * len(names)}
        relations[source.dataset, source.supplier] = pa.table(columns, schema=dataset.schema)
    rows = csv.DictReader(io.StringIO(people_tables(asked, words(), relations, SPAN[:1]).files["linkage-report.csv"].decode()))
    for cell in rows:
        if cell["rule"] in ("Total", "person_name_dob"):
            sources = [at for at, one in enumerate(SOURCES) if cell["source"] in ("Total", f"{one.dataset}/{one.supplier}")]
            linked = [one for one in people if sum(records > 0 for records in one) > 1 and any(one[at] for at in sources)]
            assert int(cell["value"]) == sum(one[at] > 0 for one in linked for at in sources)
            if cell["primary"] == "0":
                named = [{source.supplier for source, records in zip(SOURCES, one, strict=True) if records} for one in linked]
                assert sum(len(suppliers) > 1 for suppliers in named) >= threshold
        else:
            assert cell["value"] == "0"


def test_bands_never_tell_none_from_few() -> None:
    def report(refused: int, common: int, largest: int, keyed: int) -> Report:
        return Report((SourceLinks("victims", "a", 100, keyed),), {"k": refused}, {"k": common}, largest, 0)

    assert told(report(0, 0, 1, 100), 10) == told(report(9, 9, 9, 91), 10)
    assert told(report(0, 0, 1, 55), 10)["with_a_key"] != told(report(0, 0, 1, 75), 10)["with_a_key"]
