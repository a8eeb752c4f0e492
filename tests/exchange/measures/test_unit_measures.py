"""Measures that join rows across suppliers, follow people or have numbers: what is counted before anything is protected is what plain SQL finds, cell for cell."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pytest

from agreements.periods import Period
from agreements.release import Release
from agreements.worked_out import Show
from demo.partnership.reread.measures import LINKED, UNITS
from exchange.releases.cells import axes
from exchange.releases.cohorts import cohort_units
from exchange.releases.counted_units import Counted, count_units
from exchange.releases.engine import Engine
from exchange.releases.joining import row_units
from exchange.releases.persons import persons
from exchange.releases.windows import reading as reading_of
from tests.agreements.examples import agreement
from tests.exchange.measures import counting, people
from tests.exchange.measures.held import WORKSTREAMS, Held
from tests.exchange.measures.test_row_measures import release_of

QUARTILES = ("lower_quartile", "median", "upper_quartile")


@dataclass(frozen=True)
class Reading:
    """How a release is read once more.

    Attributes:
        units: SQL of its units.
        people: the datasets that are linked for it; none where nobody is.
        periods: the edition.
    """

    units: str
    people: tuple[str, ...]
    periods: tuple[str, ...]


COUNTED = [(name, one.name) for name in WORKSTREAMS for one in agreement(name).releases if one.by_unit]
OTHER_PERIODS = dict.fromkeys(("mr1-reoffending", "mr7-diverted"), ("2023-Q1", "2023-Q2"))
READINGS: Mapping[str, Reading] = {
    name: Reading(UNITS[name], LINKED.get(name, ()), OTHER_PERIODS.get(name, ("2024-04", "2024-05", "2024-06")))
    for _, name in COUNTED
    if name in UNITS
}
BOTH_WAYS = [
    pytest.param(
        workstream,
        name,
        clean,
        id=f"{name}, {'clean records' if clean else 'records as written'}",
        marks=[pytest.mark.slow] if name in READINGS and READINGS[name].people and not clean else [],
    )
    for workstream, name in COUNTED
    for clean in ((True, False) if name not in READINGS or READINGS[name].people else (False,))
]
"""Where people are linked, on records without a mistake; on records as written too, in the slow run."""
READ: Mapping[str, Mapping[str, tuple[date, date]]] = {
    "mv5-repeat": {"victims": (date(2023, 4, 2), date(2024, 6, 30))},
    "mr1-reoffending": {
        "prison_movements": (date(2022, 12, 31), date(2023, 6, 30)),
        "charges": (date(2021, 1, 1), date(2024, 12, 30)),
        "yos_interventions": (date(2022, 1, 1), date(2023, 6, 30)),
        "ecins_cases": (date(2022, 11, 1), date(2023, 6, 30)),
        "nps_caseload": (date(2022, 1, 1), date(2023, 6, 30)),
        "crc_caseload": (date(2022, 1, 1), date(2023, 6, 30)),
    },
    "mr7-diverted": {"charges": (date(2023, 1, 1), date(2024, 12, 30)), "yos_interventions": (date(2023, 1, 1), date(2023, 6, 30))},
}
"""What an edition reads of each dataset, worked out by hand: entries in the windows, what is looked for 365 days before or 18 months after, attributes as far back."""


def counted(held: Held, release: Release, reading: Reading) -> tuple[Counted, Mapping[str, tuple[str, ...]]]:
    """As the hub counts it, and the codes of each axis, the total first."""
    periods = [Period.parse(one) for one in reading.periods]
    along = axes(release, periods)
    with Engine(memory="2GB") as engine:
        known = {place: engine.register(rows) for place, rows in held.rows.items() if place[0] in {*release.datasets, *reading.people}}
        if release.cohort:
            units = cohort_units(engine, release, held.agreement, known, periods)
        else:
            who = persons(engine, held.agreement, held.agreement.linkages[0], known, reading.people).of if reading.people else None
            units = row_units(engine, release, held.agreement, known, periods, people=who)
    return count_units(release, along, units, release.tables, {}), {name: axis.all_codes for name, axis in along.items()}


@pytest.mark.parametrize("name", READ)
def test_an_edition_reads_what_it_needs_and_no_more(name: str) -> None:
    papers = [agreement(one) for one in WORKSTREAMS]
    release = next(one for paper in papers for one in paper.releases if one.name == name)
    assert reading_of(release, [Period.parse(one) for one in READINGS[name].periods]) == READ[name]


@pytest.mark.parametrize(("workstream", "name", "clean"), BOTH_WAYS)
def test_every_cell_is_what_plain_sql_finds(workstream: str, name: str, clean: bool, held: Callable[[str], Held]) -> None:
    rows = held(workstream).clean if clean else held(workstream)
    release, reading = release_of(rows, name), READINGS[name]
    rows = rows.between(READ.get(name, {}))
    found, codes = counted(rows, release, reading)
    linked = people.numbered(rows, rows.agreement.linkages[0].name, reading.people) if reading.people else None
    with rows.connect(linked) as engine:
        counting.between(engine, Period.parse(reading.periods[0]).start, Period.parse(reading.periods[-1]).end)
        units = counting.gathered(engine, reading.units)
        for table in release.tables:
            expected = counting.counts(engine, units, table.dimensions)
            every = dict(
                zip(itertools.product(*(codes[name] for name in table.dimensions)), found.tables[table.name].ravel().tolist(), strict=True)
            )
            assert every == {cell: expected.get(cell, 0) for cell in every}, table.name
            assert set(expected) <= set(every)
            assert every[(counting.TOTAL,) * len(table.dimensions)] > 0
            for value in table.of:
                days = value in {one.name for one in release.values if one.number == "days_between"}
                told = counting.figures(engine, units, table.dimensions, value, days=days)
                numbers = found.numbers[table.name, value]
                cells = dict(
                    zip(
                        every,
                        zip(*(one.ravel().tolist() for one in (numbers.n, numbers.total, *numbers.quartiles)), strict=True),
                        strict=True,
                    )
                )
                nothing = dict.fromkeys(("n", "sum", *QUARTILES), 0)
                shown = ("n", "sum", *(QUARTILES if Show.QUARTILES in table.show else ()))
                for cell, (n, total, *quartiles) in cells.items():
                    mine = told.get(cell, nothing)
                    theirs = dict(zip(("n", "sum", *QUARTILES), (n, total, *quartiles), strict=True))
                    assert {one: theirs[one] for one in shown} == {one: int(mine[one]) for one in shown}, (table.name, cell)
