"""Measures that count rows, or units that rows name by themselves: every cell of every table is what plain SQL finds."""

import csv
import io
from collections.abc import Callable, Mapping

import pytest

from agreements.periods import Period, months
from agreements.release import Release
from demo.partnership.reread.measures import UNITS
from exchange.releases.tabulate import tabulate
from tests.agreements.examples import agreement
from tests.exchange.measures import counting
from tests.exchange.measures.held import WORKSTREAMS, Held

EDITION = ("2024-04", "2024-09")
COUNTED = [(name, one.name) for name in WORKSTREAMS for one in agreement(name).releases if not one.by_unit and not one.linked]


def cells(files: Mapping[str, bytes], table: str) -> dict[counting.Codes, int]:
    """A table as codes → count."""
    rows = list(csv.reader(io.StringIO(files[f"{table}.csv"].decode(), newline="")))
    return {tuple(row[:-1]): int(row[-1]) for row in rows[1:]}


def release_of(held: Held, name: str) -> Release:
    found = held.agreement.release(name)
    assert found is not None
    return found


@pytest.mark.parametrize(("workstream", "name"), COUNTED)
def test_every_cell_of_a_row_measure_is_what_plain_sql_finds(workstream: str, name: str, held: Callable[[str], Held]) -> None:
    rows = held(workstream)
    release = release_of(rows, name)
    periods = months(*(Period.parse(month) for month in EDITION))
    files = tabulate(release, rows.agreement, rows.rows, periods)
    with rows.connect() as engine:
        counting.between(engine, periods[0].start, periods[-1].end)
        units = counting.gathered(engine, UNITS[name])
        for table in release.tables:
            found = cells(files, table.name)
            expected = counting.counts(engine, units, table.dimensions)
            assert found == {codes: expected.get(codes, 0) for codes in found}
            assert set(expected) <= set(found)
            assert found[(counting.TOTAL,) * len(table.dimensions)] > 0
