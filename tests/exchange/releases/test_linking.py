"""Linking over the locked engine: rows in any order, batches and threads; what named persons said; the counts of the report."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.linkage import Linkage
from agreements.linked import BY_HAND
from exchange.releases.clusters import NONE
from exchange.releases.engine import Engine, Relation
from exchange.releases.linking import PERSON, ROW, RULE, SOURCE, Override, Records, Report, SourceLinks, link, numbered

PNC, NAME, SOUND = "person_pnc", "person_name_dob", "person_sound_dob"
KINDS = (PNC, NAME, SOUND)
LINKAGE = Linkage("person", "People", KINDS, (PNC,), 20)
Rows = list[tuple[int | None, int | None, int | None]]


def value(number: int) -> bytes:
    return bytes([number] * 16)


def table(rows: Rows, kinds: Sequence[str] = KINDS) -> pa.Table:
    numbers = dict(zip(KINDS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(KINDS, ())
    held = {kind: [None if number is None else value(number) for number in numbers[kind]] for kind in kinds}
    return pa.table({kind: pa.array(column, pa.binary(16)) for kind, column in held.items()})


@dataclass(frozen=True)
class Found:
    """The report, and of each source its records by the rule that first linked them to another source."""

    report: Report
    by_rule: list[Counter[str]]


def linked(
    relations: Sequence[Relation], overrides: Sequence[Override] = (), *, linkage: Linkage = LINKAGE, threads: int = 2
) -> tuple[Found, list[list[int | None]]]:
    """What was linked, and of each source's rows the person."""
    with Engine(memory="500MB", threads=threads) as engine:
        records = [
            Records("rows", f"supplier-{place}", engine.register(relation), {name: name for name in relation.schema.names})
            for place, relation in enumerate(relations)
        ]
        found = link(engine, linkage, records, overrides)
        people = engine.run(found.people).to_pylist()
        sizes = [engine.run(one.table.aggregate(rows=one.table.count()))["rows"][0].as_py() for one in records]
    persons: list[list[int | None]] = [[None] * size for size in sizes]
    by_rule = [Counter[str]() for _ in sizes]
    for row in people:
        persons[row[SOURCE]][row[ROW]] = row[PERSON]
        if row[RULE] != NONE:
            by_rule[row[SOURCE]][(BY_HAND, *linkage.rules)[row[RULE]]] += 1
    return Found(found.report, by_rule), persons


def together(persons: Sequence[Sequence[int | None]]) -> set[frozenset[tuple[int, int]]]:
    groups: dict[int, set[tuple[int, int]]] = {}
    for source, column in enumerate(persons):
        for row, person in enumerate(column):
            if person is not None:
                groups.setdefault(person, set()).add((source, row))
    return {frozenset(group) for group in groups.values()}


def known_to(persons: Sequence[Sequence[int | None]]) -> Counter[int]:
    """How many people are known to how many sources."""
    return Counter(len({source for source, _ in group}) for group in together(persons))


SMALL: list[Rows] = [
    [(1, 1, 1), (2, 2, 2), (None, 1, None), (None, None, None)],
    [(None, 9, 2), (3, 2, 9), (None, 8, 8)],
]


def test_strong_numbers_first_then_match_keys_and_no_two_numbers_for_one_person() -> None:
    found, persons = linked([table(rows) for rows in SMALL])
    # Row (0,2) joins (0,0) by name; (1,1) shares a name with (0,1) and has another number; (1,0) joins (0,1) by sound.
    assert together(persons) == {
        frozenset({(0, 0), (0, 2)}),
        frozenset({(0, 1), (1, 0)}),
        frozenset({(1, 1)}),
        frozenset({(1, 2)}),
    }
    assert persons[0][3] is None
    report = found.report
    assert report.sources == (SourceLinks("rows", "supplier-0", 4, 3), SourceLinks("rows", "supplier-1", 3, 3))
    assert found.by_rule == [{SOUND: 1}, {SOUND: 1}]
    assert report.refused == {PNC: 0, NAME: 1, SOUND: 0}
    assert report.too_common == dict.fromkeys(KINDS, 0)
    assert (known_to(persons), report.largest, report.not_joined) == ({1: 3, 2: 1}, 2, 0)


def test_a_join_by_a_named_person_holds_against_numbers_and_a_split_against_a_join() -> None:
    join = Override(NAME, value(1), value(2), "join")
    found, persons = linked([table(rows) for rows in SMALL], [join])
    assert frozenset({(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)}) in together(persons)
    assert [by_rule[BY_HAND] for by_rule in found.by_rule] == [3, 1]
    found, persons = linked([table(rows) for rows in SMALL], [join, Override(PNC, value(2), value(3), "split")])
    assert found.report.not_joined == 1
    assert together(persons) == together(linked([table(rows) for rows in SMALL])[1])


def test_a_split_parts_two_values_and_a_value_split_from_itself_links_nothing() -> None:
    rows: Rows = [(None, 1, 1), (None, 2, 1), (None, 2, None)]
    assert len(together(linked([table(rows)])[1])) == 1
    assert together(linked([table(rows)], [Override(NAME, value(1), value(2), "split")])[1]) == {
        frozenset({(0, 0)}),
        frozenset({(0, 1), (0, 2)}),
    }
    assert together(linked([table(rows)], [Override(NAME, value(2), value(2), "split")])[1]) == {
        frozenset({(0, 0), (0, 1)}),
        frozenset({(0, 2)}),
    }
    assert (
        len(together(linked([table(rows)], [Override(NAME, value(7), value(8), "split"), Override(SOUND, value(9), value(9), "join")])[1]))
        == 1
    )


def test_a_value_that_too_many_hold_links_nothing_and_is_no_number_either() -> None:
    most = Linkage("person", "People", KINDS, (PNC,), 3)
    rows: Rows = [(5, 1, None)] * 4 + [(1, 2, None), (None, 2, None)]
    found, persons = linked([table(rows)], linkage=most)
    assert found.report.too_common == {PNC: 1, NAME: 1, SOUND: 0}
    assert (len(together(persons)), found.report.largest) == (5, 2)


def test_sources_without_a_kind_and_kinds_without_a_source() -> None:
    found, persons = linked([table([(1, 1, 1)], (NAME,)), table([(1, 1, 1)], (NAME, SOUND)), table([], KINDS)])
    assert together(persons) == {frozenset({(0, 0), (1, 0)})}
    assert [source.records for source in found.report.sources] == [1, 1, 0]
    assert linked([])[1] == []


cells = st.none() | st.integers(1, 4)
sources = st.lists(st.lists(st.tuples(cells, cells, cells), max_size=7), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(sources, st.randoms(use_true_random=False))
def test_the_order_of_rows_suppliers_and_threads_makes_no_difference(rows: list[Rows], dice: random.Random) -> None:
    first, persons = linked([table(one) for one in rows], threads=1)
    suppliers = dice.sample(range(len(rows)), len(rows))
    orders = [dice.sample(range(len(rows[place])), len(rows[place])) for place in suppliers]
    shuffled = [pa.Table.from_batches(table([rows[place][row] for row in order]).to_batches(max_chunksize=2)) if order else table([])
                for place, order in zip(suppliers, orders, strict=True)]  # fmt: skip
    again, others = linked(shuffled, threads=2)
    back = {frozenset((suppliers[source], orders[source][row]) for source, row in group) for group in together(others)}
    assert back == together(persons)
    assert (again.report.refused, known_to(others), again.report.largest) == (first.report.refused, known_to(persons), first.report.largest)
    for mine, place in enumerate(suppliers):
        assert again.report.sources[mine].keyed == first.report.sources[place].keyed
        assert again.by_rule[mine] == first.by_rule[place]


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_have_the_same_number_at_every_reading(tmp_path: Path, threads: int) -> None:
    """A dataset of several files and row groups, as the hub holds submissions: numbered in their order, whichever columns are read."""
    rows = 300_000
    for part in range(3):
        numbers = pa.array(range(part * rows, (part + 1) * rows), pa.int64())
        pq.write_table(
            pa.table({"n": numbers, "half": pa.array([i % 2 for i in range(rows)])}), tmp_path / f"{part}.parquet", row_group_size=50_000
        )
    dataset = pads.dataset([str(tmp_path / f"{part}.parquet") for part in range(3)])
    with Engine(threads=threads) as engine:
        seen = numbered(engine.register(dataset))
        assert engine.run(seen.filter(seen[ROW] != seen["n"])).num_rows == 0
        few = seen.filter(ibis._["half"] == 1).select(ROW, "n")
        assert engine.run(few).num_rows == 3 * rows // 2
        assert engine.run(few.filter(few[ROW] != few["n"])).num_rows == 0
