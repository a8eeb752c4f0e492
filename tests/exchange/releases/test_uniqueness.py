"""Findings from held data: true, never a count, and safe against whoever subtracts what it knows of the others' rows."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations_with_replacement

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.fields import FieldType, KeepPattern
from agreements.model import Agreement, Category, Field
from exchange.releases import uniqueness
from exchange.releases.engine import Engine
from exchange.releases.errors import OutOfMemory
from exchange.releases.uniqueness import TOO_FEW, Count, Finding, block, look, share
from tests.exchange.releases import world as papers
from tests.exchange.standing import CLEVELAND, DURHAM, crimes

TRUE_OF: dict[str, tuple[float, float]] = {
    "under 1 %": (0, 1), "1 to 10 %": (1, 10), "10 to 50 %": (10, 50), "over half": (50, 101),
    "under 10 %": (0, 10), "1 to 50 %": (1, 50), "over 10 %": (10, 101), TOO_FEW: (0, 101),
}  # fmt: skip
Rule = Callable[[Sequence[Count], int], str]


@st.composite
def counts(draw: st.DrawFn, most: int = 3_000) -> Count:
    rows = draw(st.integers(0, most))
    return Count(rows, draw(st.integers(0, rows)))


def possible(rows: int) -> list[int]:
    """How many of so many rows can be alone: never all but one, for what is left would be alone too."""
    return [alone for alone in range(rows + 1) if alone != rows - 1]


# ---------------------------------------------------------------------------------------------------- the rule


@given(rows=st.integers(0, 200), threshold=st.integers(2, 30))
def test_blocks_share_out_what_is_possible_and_each_holds_as_many_as_the_threshold(rows: int, threshold: int) -> None:
    found = Counter(block(Count(rows, alone), threshold) for alone in possible(rows))
    if rows < threshold:
        assert set(found) == {None}
    else:
        assert min(found.values()) >= threshold
        assert all(
            one is not None and one[0] <= alone <= one[1] for alone in possible(rows) for one in [block(Count(rows, alone), threshold)]
        )


@given(st.lists(counts(), min_size=1, max_size=4), st.integers(2, 40))
def test_what_is_told_is_true(found: list[Count], threshold: int) -> None:
    told = share(found, threshold)
    low, high = TRUE_OF[told]
    rows = sum(one.rows for one in found)
    percent = 100 * sum(one.alone for one in found) / rows if rows else 0
    assert low <= percent < high or (high == 50 and percent == 50)
    assert told == TOO_FEW or all(one.rows >= threshold for one in found)


@given(st.lists(counts(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_suppliers_does_not_matter(found: list[Count], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert share(shuffled, 10) == share(found, 10)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (0, 0, "under 1 %"), (999, 999, "under 1 %"), (999, 1_000, "under 10 %"), (1_000, 1_000, "1 to 10 %"), (9_999, 10_000, "1 to 50 %"),
        (0, 20_000, "10 to 50 %"), (50_000, 50_000, "over 10 %"), (50_000, 50_010, "over half"), (100_000, 100_000, "over half"),
    ],
)  # fmt: skip
def test_every_band_is_told_of_enough_rows(one: int, other: int, told: str) -> None:
    """Where the blocks reach over an edge, both bands are told as one."""
    assert share([Count(100_000, one), Count(100_000, other)], 10) == told


def test_no_count_can_be_more_than_there_are_rows() -> None:
    with pytest.raises(ValueError, match="none to all"):
        Count(3, 4)


# -------------------------------------------------------------------------------------------------- the attack


def plain_share(found: Sequence[Count], _threshold: int) -> str:
    """What the rule replaces: the band of the true share, told whatever it says."""
    rows, alone = sum(one.rows for one in found), sum(one.alone for one in found)
    return "none" if not alone else "all" if alone == rows else str((100 * alone >= rows) + (10 * alone >= rows) + (2 * alone > rows))


def left_open(rule: Rule, own: Count, other: Count, threshold: int) -> int:
    """How many counts of the other supplier's are consistent with what is told, for one that subtracts its own and knows the other's rows."""
    told = rule([own, other], threshold)
    return sum(rule([own, Count(other.rows, alone)], threshold) == told for alone in possible(other.rows))


@given(own=counts(400), rows=st.integers(1, 120), threshold=st.integers(2, 12), data=st.data())
def test_one_of_two_suppliers_subtracts_its_own_and_is_left_with_a_block(
    own: Count, rows: int, threshold: int, data: st.DataObject
) -> None:
    other = Count(rows, data.draw(st.sampled_from(possible(rows))))
    assert left_open(share, own, other, threshold) >= min(threshold, len(possible(rows)))


@pytest.mark.parametrize(("own", "other"), [(Count(40, 0), Count(40, 0)), (Count(40, 40), Count(40, 40)), (Count(60, 0), Count(40, 1))])
def test_the_attack_succeeds_on_bands_that_are_told_whatever_they_say(own: Count, other: Count) -> None:
    assert left_open(plain_share, own, other, 10) < 10
    assert left_open(share, own, other, 10) >= 10


@given(rows=st.integers(4, 40), own=counts(60), threshold=st.integers(2, 6), data=st.data())
def test_neither_one_choice_of_fields_nor_the_difference_of_two_is_told_closer(
    rows: int, own: Count, threshold: int, data: st.DataObject
) -> None:
    """Leaving a field out makes no row alone that was not. Told both shares, and given both blocks, as much remains possible."""
    more = data.draw(st.sampled_from(possible(rows)))
    fewer = data.draw(st.sampled_from([alone for alone in possible(rows) if alone <= more]))
    if rows < threshold:
        return
    seen = [block(Count(rows, alone), threshold) for alone in (more, fewer)]
    worlds = [
        (one, other)
        for one in possible(rows)
        for other in possible(rows)
        if other <= one and [block(Count(rows, alone), threshold) for alone in (one, other)] == seen
    ]
    for left_open_ in ({one for one, _ in worlds}, {other for _, other in worlds}, {one - other for one, other in worlds}):
        assert len(left_open_) >= threshold
    assert share([own, Count(rows, more)], threshold) in TRUE_OF


def test_every_table_the_other_supplier_could_have_tried_on_real_rows() -> None:
    """Two suppliers, every table of seven rows over nine combinations that the second could hold: what the first sees leaves three counts open
    or more, and whether the second holds the like of the first's rows makes no difference at all.
    """
    threshold, mine = 3, Count(20, 4)
    found: dict[str, set[int]] = {}
    for table in combinations_with_replacement(range(9), 7):
        alone = sum(times == 1 for times in Counter(table).values())
        found.setdefault(share([mine, Count(7, alone)], threshold), set()).add(alone)
    assert sum(map(len, found.values())) == len(possible(7))
    assert min(map(len, found.values())) >= threshold


# ------------------------------------------------------------------------------------------------- planted rows

ROWS = 1_500
SPARE = {"postcode": "^[A-Z0-9 ]+$", "colour": "^[a-z]+$"}


def with_spare_fields() -> Agreement:
    """MV7's agreement, with two fields of the crimes that no release uses."""
    agreement = papers.agreement()
    dataset = agreement.dataset("crimes")
    assert dataset is not None
    more = [Field(name, name, FieldType.TEXT, KeepPattern(form), True, Category.ORDINARY, "", "") for name, form in SPARE.items()]
    crimes_ = replace(dataset, fields=(*dataset.fields, *more))
    return replace(agreement, datasets=tuple(crimes_ if one.name == "crimes" else one for one in agreement.datasets))


def planted(rows: int = ROWS, supplier: int = 0, *, month: date = date(2021, 4, 1)) -> pa.Table:
    """Rows alike in all but the postcode, which no two share, and the colour, which every other row lacks."""
    table = crimes(rows, seed=supplier, month=month)
    postcodes, colours = [f"TS{supplier} {row}" for row in range(rows)], ["red", None] * (rows // 2)
    return table.append_column("postcode", pa.array(postcodes)).append_column("colour", pa.array(colours, pa.string()))


def looked(tables: dict[str, pa.Table], agreement: Agreement | None = None, *, threads: int = 2) -> Finding:
    """The finding on crimes, from these rows of either force and no outcomes."""
    about = agreement or with_spare_fields()
    outcomes = papers.small([], [])["outcomes", CLEVELAND]
    relations = {("crimes", name): table for name, table in tables.items()} | {("outcomes", name): outcomes for name in tables}
    with Engine(memory="512MB", threads=threads) as engine:
        known = {place: engine.register(table) for place, table in relations.items()}
        crimes_, outcomes_ = look(engine, papers.release(), about, known, papers.periods("2021-04", "2021-04"))
    assert outcomes_.share == TOO_FEW
    return crimes_


def test_a_field_that_alone_makes_rows_unique_is_told_with_what_leaving_it_out_would_change() -> None:
    found = looked({CLEVELAND: planted(), DURHAM: planted(supplier=1)})
    used = ("month", "authority", "crime_type", "last_outcome")
    assert found == Finding(
        "crimes", (*used, "postcode", "colour"), "over half", used, "under 1 %", (("postcode", "under 1 %"), ("colour", "over half"))
    )
    lines = "\n".join(uniqueness.in_words(uniqueness.sealed([found], "")))
    assert "only the fields that this release uses (month, authority, crime_type, last_outcome): under 1 %" in lines
    assert "without postcode, which it does not use: under 1 %" in lines
    assert not [word for word in lines.split() if word.isdigit() and int(word) not in (1, 10, 50)]


def test_a_pseudonym_singles_out_nobody_here_and_rows_of_other_months_count_for_nothing() -> None:
    """Every crime has a pseudonym of its own, and would be alone if that were looked at."""
    rows = pa.concat_tables([crimes(ROWS), planted(ROWS, month=date(2021, 5, 1)).drop(["postcode", "colour"])])
    found = looked({CLEVELAND: rows, DURHAM: rows}, papers.agreement())
    assert (found.kept, found.share, found.without) == (("month", "authority", "crime_type", "last_outcome"), "under 1 %", ())
    late = crimes(ROWS, month=date(2021, 5, 1))
    assert looked({CLEVELAND: late, DURHAM: late}, papers.agreement()).share == TOO_FEW


def test_what_one_supplier_holds_of_anothers_makes_no_difference() -> None:
    mine = planted()
    assert looked({CLEVELAND: mine, DURHAM: mine}) == looked({CLEVELAND: mine, DURHAM: planted(supplier=1)})


def test_absent_is_a_value_like_any_other() -> None:
    nothing = planted().set_column(5, "postcode", pa.array([None] * ROWS, pa.string()))
    assert looked({CLEVELAND: nothing, DURHAM: nothing}).share == "under 1 %"


def test_neither_the_order_of_rows_nor_threads_change_it() -> None:
    mine, other = planted(), planted(supplier=1)
    backwards = mine.take(pa.array(range(ROWS - 1, -1, -1)))
    assert looked({CLEVELAND: mine, DURHAM: other}, threads=1) == looked({CLEVELAND: backwards, DURHAM: other}, threads=4)


def test_few_rows_of_one_supplier_and_nothing_is_told() -> None:
    found = looked({CLEVELAND: planted(), DURHAM: planted(8, 1)})
    assert {found.share, found.share_used, *(told for _, told in found.without)} == {TOO_FEW}


def test_too_little_memory_is_no_reason_to_be_without_an_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_engine: Engine, _expression: object) -> pa.Table:
        raise OutOfMemory("full")

    monkeypatch.setattr(Engine, "run", full)
    with Engine(memory="512MB") as engine:
        known = {place: engine.register(table) for place, table in papers.small([], []).items()}
        found = look(engine, papers.release(), papers.agreement(), known, papers.periods("2021-04", "2021-04"))
    assert {one.share for one in found} == {uniqueness.NO_MEMORY}


def test_the_published_months_of_both_forces_are_counted_as_in_plain_python() -> None:
    periods, about = papers.periods("2021-04", "2021-04"), papers.agreement()
    relations = papers.relations(periods)
    with Engine() as engine:
        known = {place: engine.register(table) for place, table in relations.items()}
        found = look(engine, papers.release(), about, known, periods)
    for one in found:
        expected = []
        for supplier in papers.SUPPLIERS:
            table = relations[one.dataset, supplier].select(list(one.kept))
            times = Counter(tuple(line.values()) for line in table.to_pylist())
            expected.append(Count(len(table), sum(count == 1 for count in times.values())))
        assert one.share == one.share_used == share(expected, 10) != TOO_FEW
