"""The gate by the agreement's method: what leaves it has been attacked, by the public and by every supplier."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from agreements.release import Level, Method, Release, Table, Terms, Zeros
from exchange.errors import Unacceptable
from exchange.releases.csvw import about
from exchange.releases.gate import guard
from exchange.releases.protected import read_protected
from exchange.releases.tabulate import Tabulated, tabulate
from tests.exchange.releases import world

APRIL = world.periods("2021-04", "2021-04")
BY_FORCE = Table("by-force", "Crimes by force and type", ("force", "month", "crime_type"))


def released(terms: Terms) -> Release:
    return replace(world.release(), tables=(BY_FORCE,), terms=terms)


def exact(release: Release) -> tuple[dict[str, bytes], Tabulated]:
    counted: list[Tabulated] = []
    files = tabulate(release, world.agreement(), world.relations(APRIL), APRIL, tell=counted.append)
    return files, counted[0]


def test_rounded_counts_are_multiples_near_the_truth_and_say_so() -> None:
    release = released(Terms(10, Zeros.PUBLISHED, Level.B, Method.ROUNDING, 20))
    files, made = exact(release)
    protected, report = guard(files, release)
    shown = read_protected(release, APRIL, protected)["by-force"]
    assert report["attack"]["safe"]
    assert not shown.hidden.any()
    assert (shown.counts % 20 == 0).all()
    assert (np.abs(shown.counts - made.tables["by-force"]) <= 10).all()
    assert "rounded to the nearest 20" in about(release, world.agreement(), shown, {})["disclosure"]


def test_ten_five_hides_what_is_small_and_rounds_the_rest() -> None:
    release = released(Terms(10, Zeros.SUPPRESSIBLE, Level.A, Method.TEN_FIVE))
    files, made = exact(release)
    protected, _ = guard(files, release)
    shown = read_protected(release, APRIL, protected)["by-force"]
    assert shown.hidden[made.tables["by-force"] < 10].all()
    assert (shown.counts % 5 == 0).all()
    assert "nearest 5" in about(release, world.agreement(), shown, {})["disclosure"]


def test_a_base_too_small_to_protect_publishes_nothing() -> None:
    fine = Table("by-outcome", "Crimes by type and outcome", ("force", "month", "crime_type", "group"))
    release = replace(released(Terms(10, Zeros.PUBLISHED, Level.B, Method.ROUNDING, 2)), tables=(fine,))
    with pytest.raises(Unacceptable, match="cannot be proven safe"):
        guard(exact(release)[0], release)


def test_twelve_less_ones_own_eleven_is_not_told() -> None:
    """Pooled 12 of which one force sent 11: the other's one stays hidden, and so does the 12."""
    release = replace(world.release(), tables=(Table("by-type", "Crimes by type", ("month", "crime_type")),))
    rows: world.Relations = {}
    for supplier, drugs in (("durham-constabulary", 11), ("cleveland-police", 1)):
        many = [("Drugs", drugs), ("Burglary", 40), ("Robbery", 30)]
        named = [(f"{supplier} {kind} {number}", kind) for kind, much in many for number in range(much)]
        crimes = [(name, "2021-04", "E01012085", kind, "") for name, kind in named]
        rows |= {place: table for place, table in world.small(crimes, [], supplier).items() if place[1] == supplier}
    files = tabulate(release, world.agreement(), rows, APRIL)
    protected, report = guard(files, release)
    cells = {tuple(row.values())[:2]: row for row in csv.DictReader(io.StringIO(protected["by-type.csv"].decode(), newline=""))}
    values = world.cells(files, "by-type")
    assert values["Total", "Drugs"] == "12"
    assert cells["2021-04", "Drugs"]["suppressed"] == "1"
    assert {one["supplier"] for one in report["attack"]["intruders"]} == {None, "cleveland-police", "durham-constabulary"}
