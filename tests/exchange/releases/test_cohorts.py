"""Cohorts over the engine against a slow reading of the definitions, over worlds full of edges; the same whatever the order of rows."""

import random
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.periods import PeriodKind
from tests.exchange.releases import cohort_naive as naive
from tests.exchange.releases.cohort_world import (
    CATEGORIES,
    SUPPLIERS,
    VALUES,
    Row,
    World,
    cohort,
    months,
    release,
    told,
    units,
)

DAYS = [date.fromisoformat(text) for text in (
    "2023-01-31", "2023-02-28", "2023-12-29", "2023-12-31", "2024-01-01", "2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01", "2024-02-28",
    "2024-02-29", "2024-03-01", "2024-03-02", "2024-03-29", "2024-03-30", "2024-03-31", "2024-04-01", "2025-01-31", "2025-02-01", "2025-02-28", "2025-03-01",
    "2025-03-31", "2025-07-31", "2025-08-28", "2025-08-29", "2025-09-01", "2025-09-30", "2025-10-01",
)]  # fmt: skip
EARLY = DAYS[4:17]

days = st.sampled_from(EARLY) | st.sampled_from(DAYS) | st.none()
people = st.sampled_from([1, 1, 1, 2, 2, 3, None])
few = st.integers(1, 2) | st.none()


def rows(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.fixed_dictionaries({"person_pnc": people, **fields}), max_size=7)


charges = rows(
    crime=few,
    incident=few,
    offence_date=days,
    disposal=st.sampled_from(["Convicted", "Caution", "Acquitted", None]),
    disposal_date=days,
    recordable=st.sampled_from([True, True, False, None]),
    breach=st.sampled_from([False, False, True, None]),
    age_band=st.sampled_from(["18-25", "26+", None]),
    fine=few,
)
of_dataset: Mapping[str, st.SearchStrategy[list[Row]]] = {
    "prison_movements": rows(movement=st.sampled_from(["Release", "Release", "Reception", None]), movement_date=days),
    "charges": charges,
    "managed": rows(start_date=days, end_date=days, home=st.sampled_from(["Settled", "None", None]), needs=st.sampled_from([2, 10, None])),
}
worlds = st.fixed_dictionaries({(name, supplier): of_dataset[name] for name in of_dataset for supplier in SUPPLIERS[name]})
asked = st.sampled_from(
    [
        (PeriodKind.MONTH, ("2024-02",)),
        (PeriodKind.MONTH, ("2024-01", "2024-03")),
        (PeriodKind.MONTH, ("2024-01", "2024-02", "2024-03")),
        (PeriodKind.QUARTER, ("2024-Q1",)),
        (PeriodKind.QUARTER, ("2024-Q1", "2025-Q1")),
        (PeriodKind.YEAR, ("2024",)),
    ]
)


@settings(max_examples=8, deadline=None)
@given(worlds, asked)
def test_units_are_those_of_a_slow_reading(world: World, of: tuple[PeriodKind, tuple[str, ...]]) -> None:
    kind, names = of
    mine, periods = release(cohort(kind)), months(*names)
    assert told(units(world, periods, mine), periods, mine) == naive.units(world, cohort(kind), VALUES, names)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (PeriodKind.MONTH, ("2024-01", "2024-02", "2024-03")),
        (PeriodKind.QUARTER, ("2024-Q1", "2025-Q1")),
        (PeriodKind.YEAR, ("2023", "2024")),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_units_of_a_crowd_are_those_of_a_slow_reading(kind: PeriodKind, names: tuple[str, ...], seed: int) -> None:
    """Hundreds of people at once, each with a few rows on the days at which definitions have their edges."""
    world, mine, periods = crowd(random.Random(seed)), release(cohort(kind)), months(*names)
    expected = naive.units(world, cohort(kind), VALUES, names)
    assert told(units(world, periods, mine), periods, mine) == expected
    said = [{unit[place] for unit in expected} for place in range(len(CATEGORIES))]
    assert said[1:] == [{code for code, _ in codes} for codes in list(CATEGORIES.values())[1:]]


def crowd(dice: random.Random) -> World:
    """People 1 to 250, and rows of nobody."""
    few, some = [1, 2, None], [*EARLY, *EARLY, *DAYS]
    fields: dict[str, dict[str, list[Any]]] = {
        "prison_movements": {"movement": ["Release", "Release", "Reception", None], "movement_date": some},
        "charges": {
            "crime": few,
            "incident": few,
            "offence_date": some,
            "disposal": ["Convicted", "Caution", "Acquitted", None],
            "disposal_date": some,
            "recordable": [True, True, False, None],
            "breach": [False, False, True, None],
            "age_band": ["18-25", "26+", None],
            "fine": few,
        },
        "managed": {"start_date": some, "end_date": [None, *some], "home": ["Settled", "None", None], "needs": [2, 10, None]},
    }
    return {
        (name, supplier): [
            {"person_pnc": dice.choice([None, *range(1, 251)]), **{field: dice.choice(mine) for field, mine in fields[name].items()}}
            for _ in range(300)
        ]
        for name in fields
        for supplier in SUPPLIERS[name]
    }


@pytest.mark.parametrize("seed", [3, 4])
def test_the_order_of_rows_and_threads_makes_no_difference(seed: int) -> None:
    dice = random.Random(seed)
    world = crowd(dice)
    periods = months("2024-01", "2024-02", "2024-03")
    shuffled = {place: dice.sample(list(mine), len(mine)) for place, mine in world.items()}
    one, other = units(world, periods, threads=1), units(shuffled, periods)
    assert len(one) > 150
    for name, places in one.places.items():
        assert places.tolist() == other.places[name].tolist()
    for name, values in one.values.items():
        assert values.tolist() == other.values[name].tolist()
    assert (one.named.tolist(), one.sent.tolist()) == (other.named.tolist(), other.sent.tolist())
