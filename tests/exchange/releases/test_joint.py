"""The gate of joined tables, judged by going through every world that agrees with what is shown: nothing that rests on few can be worked out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.release import Dimension, Release
from agreements.worked_out import Case, Cases
from exchange.errors import Unacceptable
from exchange.releases import joint
from exchange.releases.cells import Counts, Flags, axes, with_totals
from exchange.releases.counted_units import Counted, count_units
from exchange.releases.errors import BadRelease
from exchange.releases.found import Found
from exchange.releases.joint import guard_joined, judge
from exchange.releases.units import Units
from exchange.releases.worlds import Worlds
from tests.exchange.releases.joined_release import PERIODS, by, release, units

COURTS = 2
KINDS = ((0, 0), (0, 1), (1, 1))
"""Who may stand in a court: prosecuted and convicted, prosecuted alone, neither; as places of yes and no."""

SETS = [
    (by("prosecuted", "court", "prosecuted"),),
    (by("both", "court", "prosecuted", "convicted"),),
    (by("prosecuted", "court", "prosecuted"), by("convicted", "court", "convicted")),
    (by("prosecuted", "court", "prosecuted"), by("convicted", "convicted")),
]


def made(which: int, counts: Sequence[int], threshold: int) -> tuple[Release, Counted, dict[str, Flags]]:
    """A release, its counts, and what is hidden; ``counts``: units of each kind, court by court."""
    wanted = release(*SETS[which], threshold=threshold)
    wanted = replace(
        wanted,
        dimensions=tuple(replace(one, categories=one.categories[:COURTS]) if one.name == "court" else one for one in wanted.dimensions),
    )
    places = [(court, *kind) for court in range(COURTS) for kind in KINDS]
    rows = [
        {"court": court, "prosecuted": yes, "convicted": too} for (court, yes, too), n in zip(places, counts, strict=True) for _ in range(n)
    ]
    worlds_of = Worlds(Found(wanted))
    tables = worlds_of.found.completed()
    counted = count_units(wanted, axes(wanted, PERIODS), units(rows), tables, worlds_of.found.rests_on())
    hidden, _ = guard_joined(wanted, counted, tables, worlds_of)
    return wanted, counted, hidden


def worlds(total: int) -> Iterator[tuple[int, ...]]:
    """Every way in which at most so many units stand in the courts."""

    def spread(left: int, cells: int) -> Iterator[tuple[int, ...]]:
        if not cells:
            yield ()
            return
        for one in range(left + 1):
            for rest in spread(left - one, cells - 1):
                yield (one, *rest)

    yield from spread(total, COURTS * len(KINDS))


def tables_of(wanted: Release, world: Sequence[int]) -> dict[str, Counts]:
    """Every table of a world."""
    inner = np.zeros((COURTS, 2, 2), dtype=np.int64)
    for place, n in enumerate(world):
        inner[(place // len(KINDS), *KINDS[place % len(KINDS)])] = n
    cube = with_totals(inner)
    names = ("court", "prosecuted", "convicted")
    return {one.name: cube[tuple(slice(None) if name in one.dimensions else 0 for name in names)] for one in wanted.tables}


def agree(wanted: Release, counted: Counted, hidden: dict[str, Flags], more: int) -> list[tuple[tuple[int, ...], dict[str, Counts]]]:
    """The worlds, of at most ``more`` units more than there are, that show what is shown."""
    total = int(counted.tables[wanted.tables[0].name].ravel()[0])
    found = []
    for world in worlds(total + more):
        tables = tables_of(wanted, world)
        if all(bool(((tables[name] == counted.tables[name]) | hidden[name]).all()) for name in tables):
            found.append((world, tables))
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(SETS) - 1), st.lists(st.integers(0, 3), min_size=6, max_size=6), st.integers(2, 3))
def test_nothing_that_rests_on_few_is_worked_out(which: int, counts: list[int], threshold: int) -> None:
    try:
        wanted, counted, hidden = made(which, counts, threshold)
    except Unacceptable:
        return  # nothing is published
    public = agree(wanted, counted, hidden, 1)
    stems = [sum(counts[place : place + len(KINDS)]) for place in range(0, len(counts), len(KINDS))]
    supplier = [one for one in public if [sum(one[0][at : at + len(KINDS)]) for at in range(0, len(counts), len(KINDS))] == stems]
    for table in wanted.tables:
        found = judge(wanted, counted, table, Worlds(Found(wanted)))
        count = counted.tables[table.name]
        few = ~found.stem & ~found.never & (found.of > 0) & ((found.few < threshold) | (count < threshold))
        assert not (few & ~hidden[table.name]).any()
        for cell in map(tuple, np.argwhere(few)):
            assert len({int(tables[table.name][cell]) for _, tables in public}) > 1
            if found.of[cell] > 0:
                known = {int(tables[table.name][cell]) for _, tables in supplier}
                if count[cell] < threshold:
                    assert set(range(min(int(found.of[cell]), threshold) + 1)) <= known
                # It has invented all of this cell's stem but whom others have named too, and at most one more.
                real = min(int(count[cell]) + 1, int(found.of[cell])) if found.positive[cell] else int(found.of[cell])
                assert len({one for one in known if one <= real}) > 1
        small = found.stem & (count > 0) & (count < threshold)
        for cell in map(tuple, np.argwhere(small)):
            assert hidden[table.name][cell]
            assert len({int(tables[table.name][cell]) for _, tables in public}) > 1


def test_cells_in_which_nobody_can_be_are_shown_and_hide_nothing() -> None:
    wanted, counted, hidden = made(1, [6, 1, 20, 8, 9, 11], 3)
    convicted_alone = (slice(None), 2, 1)  # not prosecuted, and convicted
    assert not counted.tables["both"][convicted_alone].any()
    assert not hidden["both"][convicted_alone].any()
    assert hidden["both"][1, 1, 2]  # prosecuted and not convicted: one
    assert judge(wanted, counted, wanted.tables[0], Worlds(Found(wanted))).never[convicted_alone].all()


def test_two_tables_do_not_tell_by_their_difference_how_many_are_one_and_not_the_other() -> None:
    wanted, counted, hidden = made(2, [8, 1, 20, 9, 9, 20], 3)
    # Nine were prosecuted and eight convicted in the first court: each is many, and their difference is one.
    assert counted.tables["prosecuted"][1, 1] - counted.tables["convicted"][1, 1] == 1
    assert hidden["prosecuted"][1, 1] or hidden["convicted"][1, 1]
    alone = release(SETS[2][0], threshold=3)
    assert len(Worlds(Found(wanted)).found.completed()) == 3
    assert len(Worlds(Found(alone)).found.completed()) == 1


def test_hidden_cells_of_a_line_whose_total_is_told_come_to_enough() -> None:
    wanted, counted, hidden = made(0, [1, 0, 1, 1, 0, 1], 3)
    for name, one in hidden.items():
        found = judge(wanted, counted, wanted.tables[0], Worlds(Found(wanted)))
        line = one[1:, 1]
        assert one[0, 1] or not line.any() or found.few[1:, 1][line].sum() >= 3, name


def test_what_a_supplier_knows_of_its_own_needs_no_second_supplier() -> None:
    withdrawn = Cases(
        "progress",
        (
            Case("Convicted", (("completed.outcome", ("Convicted",)),)),
            Case("Withdrawn", (("charges.withdrawn", ("true",)),)),
        ),
        "Open",
    )
    categories = tuple((one, one) for one in ("Convicted", "Withdrawn", "Open"))
    wanted = release(by("progress", "month", "progress"))
    wanted = replace(
        wanted,
        derived=(*wanted.derived, withdrawn),
        dimensions=(*wanted.dimensions, Dimension("progress", "Progress", "progress", categories, "All")),
    )
    assert wanted.joined == ("prosecuted", "convicted", "progress")
    worlds_of = Worlds(Found(wanted))
    assert worlds_of.resting("progress") == {"Convicted"}
    assert worlds_of.resting("prosecuted") == worlds_of.resting("convicted") == {"true"}


def test_units_where_the_words_leave_room_for_none_are_refused() -> None:
    wanted = release(*SETS[1])
    counted = count_units(
        wanted, axes(wanted, PERIODS), units([{"prosecuted": 1, "convicted": 0}]), wanted.tables, Found(wanted).rests_on()
    )
    with pytest.raises(BadRelease, match="leave room for none"):
        guard_joined(wanted, counted, wanted.tables, Worlds(Found(wanted)))


Row = tuple[int, int, int, int]
"""Who sent the unit (0, 1), its court, its kind, and who says what was found (bits of the two, and of a third)."""


def of_rows(which: int, rows: Sequence[Row], threshold: int) -> tuple[Release, Counted, dict[str, Flags]]:
    """A release of units of two senders."""
    wanted = release(*SETS[which], threshold=threshold)
    courts = tuple(replace(one, categories=one.categories[:COURTS]) if one.name == "court" else one for one in wanted.dimensions)
    wanted, worlds_of = replace(wanted, dimensions=courts), Worlds(Found(wanted))
    tables = worlds_of.found.completed()
    sent, court, kind, said = (np.array([row[at] for row in rows], dtype=np.int64) for at in range(4))
    places = {
        "month": np.zeros_like(sent),
        "court": court,
        "prosecuted": np.array(KINDS)[kind, 0],
        "convicted": np.array(KINDS)[kind, 1],
    }
    made = Units(places, {}, ("a", "b", "c"), said | (1 << sent), sent, {("found", "completed"): said})
    counted = count_units(wanted, axes(wanted, PERIODS), made, tables, worlds_of.found.rests_on())
    return wanted, counted, guard_joined(wanted, counted, tables, worlds_of)[0]


def outcomes(wanted: Release, counted: Counted, hidden: dict[str, Flags], rows: Sequence[Row]) -> set[int]:
    """What the last unit may be, to its sender, who knows all others of its own, and how many the other sender has in each court."""
    theirs = [sum(sent == 1 and court == at for sent, court, _, _ in rows) for at in range(COURTS)]
    spreads = [[(one, two, n - one - two) for one in range(n + 1) for two in range(n - one + 1)] for n in theirs]
    mine = np.zeros((COURTS, len(KINDS)), dtype=np.int64)
    for sent, court, kind, _ in rows[:-1]:
        mine[court, kind] += sent == 0
    found: set[int] = set()
    for last, split in product(range(len(KINDS)), product(*spreads)):
        world = mine + np.array(split)
        world[rows[-1][1], last] += 1
        tables = tables_of(wanted, world.ravel().tolist())
        if all(bool(((tables[name] == counted.tables[name]) | hidden[name]).all()) for name in tables):
            found.add(last)
    return found


def test_nobody_takes_away_what_it_knows_by_itself_and_is_left_with_an_outcome() -> None:
    own = [(0, 0, 1, 1), *[(0, 0, 0, 1)] * 2, (0, 1, 1, 1), *[(0, 1, 0, 1)] * 2, *[(0, 1, 2, 0)] * 3]
    theirs = [(1, 0, 2, 0), (1, 1, 0, 6), (1, 1, 0, 4)]
    rows = [*own, *theirs, (0, 0, 2, 0)]
    found = of_rows(2, rows, 2)
    # Eight prosecuted in all, and four convicted in the second court, would have told it that in the first there were three: its own.
    assert {KINDS[one][0] for one in outcomes(*found, rows)} == {0, 1}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, len(SETS) - 1),
    st.lists(st.sampled_from([(0, 1), (1, 1), (2, 0)]), max_size=8),
    st.lists(st.integers(0, COURTS - 1), min_size=8, max_size=8),
    st.lists(st.tuples(st.just(1), st.integers(0, COURTS - 1), st.integers(0, 2), st.sampled_from([2, 4, 6])), max_size=8),
    st.integers(0, 2),
    st.integers(2, 3),
)
def test_a_supplier_that_invented_all_but_one_does_not_learn_that_nothing_was_found_of_it(
    which: int, own: list[tuple[int, int]], courts: list[int], theirs: list[Row], last: int, threshold: int
) -> None:
    rows = [(0, court, kind, said) for (kind, said), court in zip(own, courts, strict=False)]
    rows += [(sent, court, kind, said if kind < 2 else 0) for sent, court, kind, said in theirs]
    rows.append((0, 0, last, 4 if last < 2 else 0))
    try:
        found = of_rows(which, rows, threshold)
    except Unacceptable:
        return  # nothing is published
    may_be = outcomes(*found, rows)
    assert last in may_be
    assert may_be != {2}  # that all of a threshold of them were found may be told: decision 0015, “All of many”
    if may_be <= {0, 1}:
        assert sum(sent == 1 and kind < 2 for sent, _, kind, _ in rows) + 1 >= threshold


def test_what_falls_to_the_attack_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    real = joint._to_public

    def careless(*arguments: object) -> object:
        hidden, files = real(*arguments)  # type: ignore[arg-type]
        one = dict(hidden)
        # One cell less than must be hidden: of the first court, who was not prosecuted.
        one["prosecuted"] = one["prosecuted"].copy()
        one["prosecuted"][1, 2] = one["prosecuted"][1, 0] = False
        return one, files

    monkeypatch.setattr(joint, "_to_public", careless)
    with pytest.raises(Unacceptable, match="work out"):
        made(0, [1, 0, 30, 20, 0, 20], 3)
