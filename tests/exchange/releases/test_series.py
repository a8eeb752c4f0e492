"""Many editions of real police data, one after another, as the gate makes them; then all that was published, attacked together."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from agreements.periods import Period
from agreements.release import Release, Table
from exchange.disclosure import Need
from exchange.disclosure.attack import attack
from exchange.releases import remaking, series
from exchange.releases.cells import Counts
from exchange.releases.errors import Unconnected
from exchange.releases.gate import guard
from exchange.releases.past import Past
from exchange.releases.protected import Shown, read_protected
from exchange.releases.tabulate import Tabulated, tabulate
from tests.exchange.releases import world

SNAPSHOTS = world.SHARED / "police_uk_revision"
MARCH = world.periods("2025-03", "2025-03")
BY_TYPE = Table("by-type", "Crimes by type and outcome", ("month", "crime_type", "group"))
BY_FORCE = Table("by-force", "Crimes by force and type", ("force", "month", "crime_type"))


def released(*tables: Table) -> Release:
    return replace(world.release(), tables=tables)


class Edition:
    """One that was made: its periods, its exact counts, its protected tables, and what is shown of them."""

    def __init__(self, name: str, release: Release, periods: Sequence[Period], rows: world.Relations, pasts: Sequence[Past]) -> None:
        counted: list[Tabulated] = []
        exact = tabulate(release, world.agreement(), rows, periods, tell=counted.append)
        self.made = counted[0]
        if pasts:
            protected, _ = guard(series.joined(release, self.made, pasts), release)
            self.files: Mapping[str, bytes] = series.newest(release, self.made, pasts, protected)
        else:
            self.files, _ = guard(exact, release)
        self.name, self.release, self.shown = name, release, read_protected(release, periods, self.files)

    def past(self, *, made: bool = True) -> Past:
        return Past(self.name, self.shown, self.made if made else None, frozenset({"cleveland-police"}), self.release)


def run(release: Release, steps: Sequence[tuple[str, Sequence[Period], world.Relations]]) -> list[Edition]:
    found: list[Edition] = []
    for name, periods, rows in steps:
        found.append(Edition(name, release, periods, rows, [one.past() for one in found]))
    return found


def all_together(release: Release, editions: Sequence[Edition]) -> None:
    """Attack every edition at once: what each published is all that is taken from it, and nothing is called history."""
    files = dict(series.joined(release, editions[-1].made, [one.past() for one in editions[:-1]]))
    protected = {}
    for name, entry in json.loads(files["spec.json"])["tables"].items():
        table, universe, number = name.split("~")
        edition = editions[int(number) - 1]
        shown = published(edition, table)
        rows = list(csv.DictReader(io.StringIO(files[entry["file"]].decode(), newline="")))
        kept = [column for column in rows[0] if column != "suppressed"]
        files[entry["file"]] = written(kept, [[row[column] for column in kept] for row in rows])
        dims = list(entry["dims"])
        month = universe if "+" not in universe else "Total"
        cells = [[*(row[dim] for dim in dims), *shown[frozenset({("month", month), *((dim, row[dim]) for dim in dims)})]] for row in rows]
        protected[entry["file"]] = written([*dims, "value", "suppressed"], cells)
    found = attack(files, protected, Need(release.terms.known_min, release.terms.min_width))
    assert found.safe, found.vulnerable[:5]


def published(edition: Edition, table: str) -> dict[frozenset[tuple[str, str]], tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(edition.files[f"{table}.csv"].decode(), newline=""))
    return {
        frozenset(item for item in row.items() if item[0] not in {"value", "suppressed"}): (row["value"], row["suppressed"]) for row in rows
    }


def written(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode()


def snapshot(letter: str) -> world.Relations:
    path = SNAPSHOTS / f"2025-03-cleveland-street.snapshot-{letter}.csv.gz"
    if not path.exists():
        pytest.skip("left out: the two published snapshots of one month, which are not here (set LCJP_SHARED)")
    return {**world.small([], []), ("crimes", "cleveland-police"): world.minimised("crimes", [world.read(path)])}


def test_two_snapshots_of_one_month_and_the_later_redone() -> None:
    release = released(BY_TYPE)
    before, after = snapshot("a"), snapshot("b")
    found = run(release, [("a", MARCH, before), ("b", MARCH, after), ("c", MARCH, after)])
    one, other, again = (edition.shown["by-type"] for edition in found)
    assert (found[0].made.tables["by-type"] != found[1].made.tables["by-type"]).sum() > 10
    assert (other.hidden == again.hidden).all()
    apart = np.abs(other.counts - one.counts)[~one.hidden & ~other.hidden]
    assert ((apart == 0) | (apart >= release.terms.threshold)).all()
    all_together(release, found)


def test_what_goes_back_to_how_it_was_is_refused() -> None:
    release = released(BY_TYPE)
    before, after = snapshot("a"), snapshot("b")
    first, second = run(release, [("a", MARCH, before), ("b", MARCH, after)])
    with pytest.raises(Unconnected, match="nearly changed back"):
        series.joined(release, first.made, [first.past(), second.past()])


def test_where_the_earlier_rows_are_gone_what_they_published_is_held_to() -> None:
    release = released(BY_TYPE)
    first = Edition("a", release, MARCH, snapshot("a"), [])
    second = Edition("b", release, MARCH, snapshot("b"), [first.past(made=False)])
    bears_with(release, first.shown["by-type"], second.shown["by-type"], second.made.tables["by-type"])
    all_together(release, [first, second])


def bears_with(release: Release, before: Shown, after: Shown, true: Counts) -> None:
    """What was published and is the same is published; what differs by little, and what was hidden, is hidden (unless it is nought)."""
    apart = np.abs(true - before.counts)
    little = ~before.hidden & (apart > 0) & (apart < release.terms.threshold)
    assert little.any()
    assert after.hidden[little].all()
    assert after.hidden[before.hidden & (true > 0)].all()
    assert not after.hidden[~before.hidden & (apart == 0)].any()


def months() -> list[tuple[str, Sequence[Period], world.Relations]]:
    """April; April and May; May alone. The same rows each time."""
    april, both = world.periods("2021-04", "2021-04"), world.periods("2021-04", "2021-05")
    rows = world.relations(both)
    return [("april", april, rows), ("both", both, rows), ("may", world.periods("2021-05", "2021-05"), rows)]


def test_month_after_month_and_months_together() -> None:
    release = released(BY_FORCE)
    found = run(release, months())
    shown = [edition.shown["by-force"] for edition in found]
    for number, place in ((0, 1), (2, 2)):  # each month by itself, and in the edition of both
        alone, inside = shown[number].hidden[:, 1], shown[1].hidden[:, place]
        assert (alone == inside).all()
    all_together(release, found)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_outcomes_that_come_later_over_many_editions() -> None:
    release = released(BY_TYPE, BY_FORCE)
    april, both, three = (world.periods("2021-04", last) for last in ("2021-04", "2021-05", "2021-06"))
    rows = world.relations(three)
    first = world.relations(april)
    later = {place: first[place] if place[0] == "crimes" else rows[place] for place in rows}
    found = run(release, [("one", april, first), ("two", april, later), ("three", both, rows), ("four", three, rows)])
    all_together(release, found)


def test_a_table_without_months_has_no_second_edition() -> None:
    release = released(Table("by-type", "Crimes by type", ("crime_type",)))
    rows = world.small([("a", "2021-04", "E01012085", "Drugs", "")], [])
    april = world.periods("2021-04", "2021-04")
    first = Edition("one", release, april, rows, [])
    with pytest.raises(Unconnected, match="is not cut by month"):
        series.joined(release, first.made, [Past("one", first.shown, first.made, frozenset(), release)])


def test_of_months_together_that_cannot_be_made_again_there_is_no_other_edition() -> None:
    release = released(BY_TYPE)
    both, april = world.periods("2021-04", "2021-05"), world.periods("2021-04", "2021-04")
    rows = world.relations(both)
    counted: list[Tabulated] = []
    for periods in (both, april):
        tabulate(release, world.agreement(), rows, periods, tell=counted.append)
    together, alone = counted
    shown = {
        "by-type": Shown(
            BY_TYPE, tuple(together.along[name] for name in BY_TYPE.dimensions), together.tables["by-type"], together.tables["by-type"] < 0
        )
    }
    with pytest.raises(Unconnected, match="counts other months together"):
        series.joined(release, alone, [Past("both", shown, None, frozenset(), release)])
    assert remaking.reshown(shown, together)
    assert not remaking.reshown(shown, alone)
