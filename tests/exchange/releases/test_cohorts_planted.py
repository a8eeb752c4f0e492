"""The cases that docs/synthesis.md plants, and the edges of the definitions of reoffending and repeat victimisation, a person at a time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from agreements.cohort import Cohort
from agreements.periods import PeriodKind
from agreements.worked_out import Number, Value
from tests.exchange.releases.cohort_world import (
    CAUTIONED,
    CLEVELAND,
    CONVICTED,
    DURHAM,
    PRISON,
    RELEASED,
    REPEATS,
    Row,
    Unit,
    World,
    cohort,
    day,
    months,
    release,
    repeat_victims,
    told,
    units,
)

CODES = {
    "cohort.window": (),
    "cohort.entry": tuple((one, one) for one in (RELEASED, CONVICTED, CAUTIONED)),
    "events.reoffences": (("true", "Yes"), ("false", "No")),
}
# Units have no name: a number on the row by which somebody came in says which case they are.
OFTEN = (Value("how_often", Number.EVENTS, ("reoffences",)), Value("case", Number.AMOUNT, ("prison_movements.days",)))


def proven(window: PeriodKind) -> Cohort:
    whole = cohort(window)
    return replace(whole, events=whole.events[:1], attributes=())


def out(on: str) -> Row:
    return {"person_pnc": 1, "movement": "Release", "movement_date": day(on)}


def offence(on: str, proven: str, later: int = 0, **fields: Any) -> Row:
    """Committed so many days after a day."""
    told = {"disposal": "Convicted", "recordable": True, "breach": False, **fields}
    return {"person_pnc": 1, "offence_date": day(on) + timedelta(days=later), "disposal_date": day(proven), **told}


def found(world: World, *windows: str, kind: PeriodKind = PeriodKind.YEAR) -> Counter[Unit]:
    """Window, entry, whether they reoffended, how often, and which case they are."""
    mine, periods = release(proven(kind), OFTEN, (), CODES), months(*windows)
    return Counter(unit[:5] for unit in told(units(world, periods, mine), periods, mine).elements())


def reoffences(*cases: tuple[str, Sequence[Row]]) -> list[int]:
    """How often somebody who was released on that day, and has these offences, reoffended; each case is another person."""
    released = [{**out(entry), "person_pnc": place, "days": place} for place, (entry, _) in enumerate(cases)]
    charged = [{**row, "person_pnc": place} for place, (_, rows) in enumerate(cases) for row in rows]
    counted = found({("prison_movements", PRISON): released, ("charges", CLEVELAND): charged}, "2023", "2024")
    assert all(unit[2] == ("true" if unit[3] else "false") for unit in counted)
    times = {int(unit[4]): int(unit[3]) for unit in counted if unit[1] == RELEASED}
    return [times[place] for place in range(len(cases))]


def test_three_entries_in_a_year_count_once_from_the_first() -> None:
    """Planted as repeat-entries: later entries never start the clock again."""
    world: World = {
        ("prison_movements", PRISON): [out("2023-09-10"), out("2023-02-01"), out("2023-05-20")],
        # In the year after the second and third entries, and not after the first.
        ("charges", DURHAM): [offence("2024-02-02", "2024-06-01")],
    }
    assert found(world, "2023") == {("2023", RELEASED, "false", 0, None): 1}
    assert found(world, "2023", kind=PeriodKind.QUARTER) == {
        ("2023-Q1", RELEASED, "false", 0, None): 1,
        ("2023-Q2", RELEASED, "true", 1, None): 1,
        ("2023-Q3", RELEASED, "true", 1, None): 1,
    }


def test_what_is_proven_in_the_nineteenth_month_does_not_count() -> None:
    """Planted as proven-in-month-19."""
    assert reoffences(
        ("2023-03-15", [offence("2023-09-01", "2024-09-15")]),
        ("2023-03-15", [offence("2023-09-01", "2024-09-16")]),
        ("2023-03-15", [{**offence("2023-09-01", "2024-01-01"), "disposal_date": None}]),
    ) == [1, 0, 0]


def test_breaches_and_what_is_not_proven_or_not_recordable_do_not_count() -> None:
    """Planted as breach."""
    wrong: list[dict[str, Any]] = [
        {"breach": True},
        {"breach": None},
        {"recordable": False},
        {"recordable": None},
        {"disposal": "Acquitted"},
        {"disposal": None},
    ]
    alone = [offence("2023-09-01", "2024-01-01", **fields) for fields in wrong]
    other = offence("2023-09-01", "2024-01-01")
    assert reoffences(*(("2023-03-15", [one]) for one in alone)) == [0] * len(alone)
    assert reoffences(*(("2023-03-15", [one, other]) for one in alone)) == [1] * len(alone)


def test_follow_up_begins_on_the_day_after_and_ends_on_the_day_a_year_on() -> None:
    edges = [
        ("2023-03-15", "2023-03-16", "2024-03-15"),
        ("2023-02-28", "2023-03-01", "2024-02-28"),
        ("2024-02-29", "2024-03-01", "2025-02-28"),
        ("2024-12-31", "2025-01-01", "2025-12-31"),
    ]
    inside = [(entry, [offence(first, last), offence(last, last), offence(last, last)]) for entry, first, last in edges]
    beyond = [(entry, [offence(first, last, -1), offence(last, last, 1)]) for entry, first, last in edges]
    assert reoffences(*inside, *beyond) == [3, 3, 3, 3, 0, 0, 0, 0]


def test_a_caution_is_an_entry_and_may_be_a_reoffence_of_an_earlier_one() -> None:
    cautions = [
        offence("2022-12-01", "2023-01-31", disposal="Caution"),
        offence("2023-06-01", "2023-08-01", disposal="Caution"),
    ]
    world: World = {("charges", CLEVELAND): cautions}
    assert found(world, "2023") == {("2023", CAUTIONED, "true", 1, None): 1}
    assert found(world, "2023-Q1", "2023-Q3", kind=PeriodKind.QUARTER) == {
        ("2023-Q1", CAUTIONED, "true", 1, None): 1,
        ("2023-Q3", CAUTIONED, "false", 0, None): 1,
    }


def test_of_entries_on_one_day_the_one_named_first_counts() -> None:
    charged = [offence("2022-12-01", "2023-01-31", disposal="Caution"), offence("2022-12-01", "2023-01-31")]
    world: World = {("charges", CLEVELAND): charged, ("prison_movements", PRISON): [out("2023-02-01")]}
    assert found(world, "2023") == {("2023", CONVICTED, "false", 0, None): 1}
    on_the_day: World = {**world, ("prison_movements", PRISON): [out("2023-01-31")]}
    assert found(on_the_day, "2023") == {("2023", RELEASED, "false", 0, None): 1}


# ------------------------------------------------------------------------------------------------------------ repeat victimisation


def victim(on: str, crime: int | None, incident: int | None, kind: str = "Person", person: int | None = 1) -> Row:
    return {"person_pnc": person, "report_date": day(on), "crime": crime, "incident": incident, "victim_kind": kind}


def repeats(*cases: Sequence[Row]) -> list[str]:
    """Of each case, which is a person with these rows, whether it is a repeat: true, false, or “” where nobody is counted in March 2024.

    The first row of each is Cleveland's, and the others Durham's.
    """
    mine = release(repeat_victims(), (Value("case", Number.AMOUNT, ("victims.loss",)),), (), REPEATS)
    tagged = [[{**row, "loss": place, "person_pnc": row["person_pnc"] and place + 1} for row in rows] for place, rows in enumerate(cases)]
    world: World = {
        ("victims", CLEVELAND): [rows[0] for rows in tagged],
        ("victims", DURHAM): [row for rows in tagged for row in rows[1:]],
    }
    periods = months("2024-03")
    counted = told(units(world, periods, mine), periods, mine)
    assert set(counted.values()) <= {1}
    said = {unit[2]: unit[1] for unit in counted}
    return [said.get(place, "") for place in range(len(cases))]


def test_crimes_of_one_incident_are_no_repeat() -> None:
    """Planted as same-incident."""
    assert repeats(
        [victim("2024-03-10", 1, 7), victim("2024-03-10", 2, 7)],
        [victim("2024-03-10", 1, 7), victim("2024-03-12", 2, 7)],
        [victim("2024-03-10", 1, 7), victim("2024-03-10", 2, 8)],
        # The extract has the row twice.
        [victim("2024-03-10", 1, 7), victim("2024-03-10", 1, 7)],
        # What is not known is not known to be another.
        [victim("2024-03-10", 1, None), victim("2024-03-01", 2, 7)],
        [victim("2024-03-10", 1, 7), victim("2024-03-01", None, 8)],
    ) == ["false", "false", "true", "false", "false", "false"]


def test_organisations_are_neither_counted_nor_anybodys_repeat() -> None:
    """Planted as organisation: without a name it is nobody; with one it is no person all the same."""
    firm = "Organisation"
    assert repeats(
        [victim("2024-03-10", 1, 7, firm, None), victim("2024-03-11", 2, 8, firm, None)],
        [victim("2024-03-10", 1, 7, firm), victim("2024-03-11", 2, 8, firm)],
        [victim("2024-03-10", 1, 7, person=None), victim("2024-03-11", 2, 8, person=None)],
        [victim("2024-03-10", 1, 7), victim("2024-03-01", 2, 8, firm)],
    ) == ["", "", "", "false"]


def test_the_days_before_reach_over_the_edge_of_the_window_and_end_after_365() -> None:
    entry = victim("2024-03-01", 1, 7)
    others = ("2023-03-02", "2023-03-01", "2024-02-29", "2024-03-31", "2024-04-01")
    # What comes later in the window lies before that entry of the same person; what comes after the window lies before none.
    assert repeats(*([entry, victim(other, 2, 8)] for other in others)) == ["true", "false", "true", "true", "false"]


def test_it_may_lie_before_any_entry_of_the_window() -> None:
    earlier = victim("2023-03-20", 2, 8)
    assert repeats(
        [victim("2024-03-01", 1, 7), earlier],
        # 366 days before this entry, and 364 before the other, which is of one incident with it.
        [victim("2024-03-20", 1, 7), earlier],
        [victim("2024-03-20", 1, 7), victim("2024-03-18", 3, 7), earlier],
    ) == ["true", "false", "true"]
