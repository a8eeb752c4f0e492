"""Units counted, and what their numbers come to, against plain Python: every cell, every total, every quartile."""

import time
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.worked_out import Number, Show
from exchange.releases.cells import axes
from exchange.releases.counted_units import Counted, count_units, presence
from exchange.releases.errors import BadRelease
from exchange.releases.found import Found
from exchange.releases.units import ABSENT, Units
from tests.exchange.releases.joined_release import CPS, DAYS, FINE, PERIODS, POLICE, by, release, units

EVERYTHING = (Show.SUM, Show.MEAN, Show.QUARTILES)
TABLE = by("t", "month", "prosecuted", of=("days", "fine"), show=EVERYTHING)
ROW = st.fixed_dictionaries(
    {
        "month": st.integers(0, 1),
        "court": st.integers(0, 2),
        "prosecuted": st.integers(0, 1),
        "convicted": st.integers(0, 1),
        "days": st.one_of(st.integers(-5, 400), st.just(ABSENT)),
        "fine": st.one_of(st.integers(0, 5000), st.just(ABSENT)),
    }
)


def counted(rows: list[dict[str, Any]]) -> Counted:
    wanted = release(TABLE, values=(DAYS, FINE))
    return count_units(wanted, axes(wanted, PERIODS), units(rows), [TABLE, by("has", "month", presence("days"))], {})


def cells() -> list[tuple[int, int]]:
    return list(product(range(3), range(3)))


def inside(rows: list[dict[str, Any]], cell: tuple[int, int]) -> list[dict[str, Any]]:
    return [row for row in rows if all(at == 0 or row[name] == at - 1 for at, name in zip(cell, TABLE.dimensions, strict=True))]


def half_up(number: Fraction, places: int) -> int:
    return int((Decimal(number.numerator) / Decimal(number.denominator) * 10**places).quantize(Decimal(1), ROUND_HALF_UP))


def quantile(values: list[int], share: Fraction) -> Fraction:
    at = (len(values) - 1) * share
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (at - low) * (values[high] - values[low])


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=25))
def test_every_cell_is_what_its_units_come_to(rows: list[dict[str, Any]]) -> None:
    found = counted(rows)
    for cell in cells():
        mine = inside(rows, cell)
        assert found.tables["t"][cell] == len(mine)
        assert found.shares[POLICE]["t"][cell] == len(mine)
        assert found.shares[CPS]["t"][cell] == sum(row["prosecuted"] == 0 for row in mine)
        for name in ("days", "fine"):
            numbers = found.numbers["t", name]
            values = sorted(row[name] for row in mine if row[name] >= 0)
            both = [row[name] for row in mine if row[name] >= 0 and row["prosecuted"] == 0]
            # Nothing here rests on others' rows: nobody knows anything of it by itself that others do not.
            assert (numbers.n[cell], numbers.joint[cell]) == (len(values), len(values))
            assert numbers.some[cell] == numbers.some_joint[cell] == sum(one > 0 for one in values)
            assert numbers.total[cell] == found.parts["t", name][POLICE][cell] == sum(values)
            assert found.parts["t", name][CPS][cell] == sum(both)
            assert (numbers.top1[cell], numbers.top2[cell]) == tuple(([0, 0, *values])[-2:][::-1])
            assert (numbers.single[cell] >= 0) == (len(values) == 1)
            if numbers.single[cell] >= 0:
                assert rows[numbers.single[cell]][name] == values[0]
            if values:
                assert numbers.hundredths_of_mean[cell] == half_up(Fraction(sum(values), len(values)), 2)
                told = [int(one[cell]) for one in numbers.quartiles]
                assert told == [half_up(quantile(values, Fraction(share, 4)), 0) for share in (1, 2, 3)]
                assert told == [int(np.floor(np.quantile(values, share / 4, method="linear") + 0.5)) for share in (1, 2, 3)]


def test_presence_is_a_dimension_that_tables_may_be_cut_by() -> None:
    rows = [{"days": 3}, {"days": -3}, {"days": ABSENT}, {"month": 1, "days": 0}]
    found = counted(rows)
    assert found.tables["has"].tolist() == [[4, 2, 2], [3, 1, 2], [1, 1, 0]]


def test_a_correction_lowers_the_sum_and_is_protected_by_its_size() -> None:
    numbers = counted([{"fine": 30}, {"fine": -10}]).numbers["t", "fine"]
    assert (numbers.n[0, 0], numbers.total[0, 0], numbers.size[0, 0], numbers.top1[0, 0], numbers.top2[0, 0]) == (2, 20, 40, 30, 10)


def test_there_are_no_fewer_events_than_none() -> None:
    wanted = release(TABLE, values=(replace(FINE, number=Number.EVENTS, sources=("fines",)),))
    with pytest.raises(BadRelease, match="fine is negative"):
        count_units(wanted, axes(wanted, PERIODS), units([{"fine": -1}]), [TABLE], {})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 7)), max_size=30))
def test_what_is_left_to_whoever_knows_most_by_itself(drawn: list[tuple[int, int, int]]) -> None:
    """(sender, whether found, who said so): a cell counts the units that no one supplier could have made up by itself."""
    sent, code, said = (np.array([row[at] for row in drawn], dtype=np.int64) for at in range(3))
    who = np.where(code == 0, said, 0)
    wanted = release(by("t", "month", "prosecuted"))
    made = Units(
        {"month": np.zeros_like(sent), "prosecuted": code}, {}, ("a", "b", "c"), who | (1 << sent), sent, {("found", "completed"): who}
    )
    found = count_units(wanted, axes(wanted, PERIODS), made, wanted.tables, Found(wanted).rests_on()).confirmed["t", "prosecuted"]
    rows = list(zip(sent.tolist(), code.tolist(), who.tolist(), strict=True))
    for place in range(3):
        mine = [row for row in rows if place == 0 or row[1] == place - 1]
        left = [sum(not (sender == one and (by_whom == 0 or by_whom >> one & 1)) for sender, _, by_whom in mine) for one in range(3)]
        assert found[0, place] == min(left)


def test_a_million_units_and_ten_tables_take_seconds() -> None:
    random = np.random.default_rng(1)
    n = 1_000_000
    names = {"month": 2, "court": 3, "prosecuted": 2, "convicted": 2}
    made = Units(
        {name: random.integers(0, size, n) for name, size in names.items()},
        {"days": random.integers(0, 500, n), "fine": random.integers(0, 5000, n)},
        (POLICE, CPS),
        random.integers(1, 4, n),
        np.zeros(n, dtype=np.int64),
    )
    tables = [by(f"t{number}", "month", "court", "prosecuted", "convicted") for number in range(9)]
    tables.append(by("figures", "month", "court", of=("days",), show=EVERYTHING))
    wanted = release(*tables, values=(DAYS, FINE))
    begun = time.process_time()
    count_units(wanted, axes(wanted, PERIODS), made, tables, {})
    assert time.process_time() - begun < 10


def test_only_rows_that_say_what_was_found_confirm_it() -> None:
    wanted = release(by("t", "month", "prosecuted"))
    rests_on = Found(wanted).rests_on()
    plain = units([{"prosecuted": 0}, {"prosecuted": 0}, {"prosecuted": 1}])
    nobody_says = count_units(wanted, axes(wanted, PERIODS), plain, wanted.tables, rests_on)
    assert nobody_says.confirmed["t", "prosecuted"].tolist() == nobody_says.shares[CPS]["t"].tolist()
    # The first was found by the second supplier, the second by its own; the third was not.
    said = replace(plain, evidence={("found", "completed"): np.array([2, 1, 0])})
    counted_again = count_units(wanted, axes(wanted, PERIODS), said, wanted.tables, rests_on)
    assert counted_again.confirmed["t", "prosecuted"].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
