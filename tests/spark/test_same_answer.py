"""Every release of the shipped agreements, cohorts and linkages too: the same answer from Spark, over rows that its workers decrypt, as from DuckDB."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from agreements.periods import Period, months
from agreements.perturbation import unit_kind
from agreements.release import Release
from exchange.releases.engine import Power, opened
from exchange.releases.linked_edition import people_tables
from exchange.releases.of_units import units_of
from exchange.releases.tabulate import tabulate
from exchange.releases.uniqueness import look
from exchange.releases.units import Units
from exchange.releases.windows import reading
from tests.agreements.examples import agreement
from tests.exchange.measures.held import WORKSTREAMS, Held
from tests.exchange.measures.test_row_measures import EDITION
from tests.exchange.measures.test_unit_measures import READINGS
from tests.spark.conftest import Sealed, Shared

RECORD_KEY = bytes(range(32))
RELEASES = [(name, one.name) for name in WORKSTREAMS for one in agreement(name).releases]
UNITS = {name: reading.periods for name, reading in READINGS.items()}


def periods_of(release: Release) -> list[Period]:
    if release.by_unit:
        return [Period.parse(one) for one in UNITS.get(release.name, EDITION)]
    return months(*(Period.parse(month) for month in EDITION))


def exact(units: Units) -> dict[str, Any]:
    """Units in an order of their own: that of rows means nothing."""
    columns = {
        **{f"place {name}": column for name, column in units.places.items()},
        **{f"value {name}": column for name, column in units.values.items()},
        "named": units.named,
        "sent": units.sent,
        **{f"by {one}": column for one, column in units.evidence.items()},
    }
    order = np.lexsort(list(columns.values())[::-1])
    return {"suppliers": units.suppliers, "report": units.report, **{name: column[order].tolist() for name, column in columns.items()}}


def answer(power: Power, release: Release, held: Held, relations: Mapping[tuple[str, str], Any]) -> Any:
    """What is counted before anything is protected: units one by one, or tables; and how rare rows are."""
    periods = periods_of(release)
    if release.by_unit:
        with opened(power) as engine:
            known = {place: engine.register(rows) for place, rows in relations.items()}
            return exact(units_of(engine, release, held.agreement, known, periods, ())), look(
                engine, release, held.agreement, known, periods
            )
    if release.known_people:
        return people_tables(release, held.agreement, relations, periods, memory=power)
    found: list[Any] = []
    files = tabulate(
        release,
        held.agreement,
        relations,
        periods,
        memory=power,
        record_key=RECORD_KEY if unit_kind(held.agreement, release) else None,
        beside=lambda engine, known: found.append(look(engine, release, held.agreement, known, periods)),
    )
    return files, found


@pytest.fixture(scope="session")
def referred(held: Callable[[str], Held], sealed: Sealed) -> Callable[[str], dict[tuple[str, str], Any]]:
    made: dict[str, dict[tuple[str, str], Any]] = {}

    def of(workstream: str) -> dict[tuple[str, str], Any]:
        if workstream not in made:
            made[workstream] = sealed.hold_all(held(workstream).rows)
        return made[workstream]

    return of


@pytest.mark.parametrize(("workstream", "name"), RELEASES)
def test_a_release_has_the_same_answer_on_both_engines(
    workstream: str, name: str, held: Callable[[str], Held], referred: Callable[[str], dict[tuple[str, str], Any]], spark: Shared
) -> None:
    rows = held(workstream)
    release = rows.agreement.release(name)
    assert release is not None
    wanted = {place for place in rows.rows if place[0] in (release.linked or release.datasets)}
    if release.cohort:
        assert set(reading(release, periods_of(release))) == {place[0] for place in wanted}
    here = answer("2GB", release, rows, {place: rows.rows[place] for place in wanted})
    there = answer(spark, release, rows, {place: referred(workstream)[place] for place in wanted})
    assert there == here
