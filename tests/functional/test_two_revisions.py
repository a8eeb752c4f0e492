"""MV7 from real police data that were published twice: one month as Cleveland had it first and as it was corrected, two editions, the second safe beside the first."""

import csv
import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from demo import steps
from demo.cast import OPERATOR, RECIPIENT, REFERENCE, RELEASE
from demo.stage import agency
from exchange.db import reading
from exchange.releases.edition import find
from tests.functional.world import CLEVELAND, DURHAM, Server, World, copied

MONTH = "2025-03"
SHARED = Path(os.environ.get("LCJP_SHARED") or Path(__file__).parents[3] / "shared")
SNAPSHOTS = [SHARED / "data" / "police_uk_revision" / f"{MONTH}-cleveland-street.snapshot-{one}.csv.gz" for one in "ab"]


@pytest.fixture
def partnership(prepared: World, tmp_path: Path) -> World:
    if not all(path.exists() for path in SNAPSHOTS):
        pytest.skip("the shared data are not here: two snapshots of one month of street crime")
    return copied(prepared, tmp_path / "run")


def test_the_second_edition_of_a_revised_month_is_safe_beside_the_first(partnership: World, tmp_path: Path) -> None:
    world = partnership
    with Server(world) as server:
        server.start()
        empty = _empty(tmp_path)
        for party in (CLEVELAND, DURHAM):
            agency("push", "outcomes", f"{empty['outcomes']}:{MONTH}", "--nil", "--home", world.home(party))
        agency("push", "crimes", f"{empty['street']}:{MONTH}", "--nil", "--home", world.home(DURHAM))
        editions = [_edition(world, snapshot, number, tmp_path) for number, snapshot in enumerate(SNAPSHOTS)]
    first, second = editions
    with reading(world.hub().engine) as session:
        row = find(session, second)
        assert row.draft["revises"] == first
        assert row.draft["history"] == [first]
        assert row.draft["reason"] == "The force corrected the month."
        # Both editions stand in what was attacked, to the public and to each supplier.
        attack = row.report["attack"]
        assert attack["safe"]
        assert (attack["exact"], attack["narrow"]) == (0, 0)
    told = [_published(tmp_path / str(number)) for number in range(2)]
    for number, snapshot in enumerate(SNAPSHOTS):
        true = _counted(snapshot)
        shown = {kind: int(count) for kind, count in told[number].items() if count != "[c]"}
        assert len(shown) >= 5, shown
        assert shown == {kind: true[kind] for kind in shown}
    cells = [_cells(tmp_path / str(number)) for number in range(2)]
    assert cells[0].keys() == cells[1].keys()
    both = [(cells[0][cell], cells[1][cell]) for cell in cells[0]]
    assert any(one != other for one, other in both), "the two snapshots give the same tables: nothing was revised"
    # Where a count moved by few people, one of the two is not told.
    assert all("[c]" in pair or pair[0] == pair[1] or abs(int(pair[0]) - int(pair[1])) >= 10 for pair in both)


def _edition(world: World, snapshot: Path, number: int, folder: Path) -> str:
    agency("push", "crimes", f"{snapshot}:{MONTH}", "--home", world.home(CLEVELAND))
    why = ("--reason", "The force corrected the month.") if number else ()
    asked = ("--json", "release", "request", REFERENCE, RELEASE, "--from", MONTH, "--to", MONTH, *why)
    edition = str(json.loads(world.exchange(*asked, "--key", world.places.key(OPERATOR, "checker")))["edition"])
    steps.approve(world.places, world.config, edition, (CLEVELAND, DURHAM))
    agency("pull", REFERENCE, RELEASE, "--home", world.home(RECIPIENT), "--to", folder / str(number))
    return edition


def _empty(folder: Path) -> dict[str, Path]:
    """Extracts with a header and no rows, of both kinds."""
    made = {}
    for kind in ("street", "outcomes"):
        with gzip.open(Path(__file__).parents[2] / "demo" / "data" / f"2021-04-durham-{kind}.csv.gz", "rt", encoding="utf-8") as file:
            header = file.readline()
        made[kind] = folder / f"{kind}.csv"
        made[kind].write_text(header, encoding="utf-8")
    return made


def _cells(folder: Path) -> dict[tuple[str, ...], str]:
    """Every cell of every table, as downloaded."""
    found: dict[tuple[str, ...], str] = {}
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            _, *rows = csv.reader(file)
        found |= {(path.name, *row[:-1]): row[-1] for row in rows}
    return found


def _published(folder: Path) -> dict[str, str]:
    """Type of crime → count at every other dimension's total, as downloaded."""
    path = next(folder.rglob("by-type.csv"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    totals = {name: rows[0][name] for name in ("force", "group")}
    return {row["crime_type"]: row["count"] for row in rows if row["month"] == MONTH and all(row[k] == v for k, v in totals.items())}


def _counted(snapshot: Path) -> Counter[str]:
    """The same, read straight from the file: crimes with an id, each once."""
    with gzip.open(snapshot, "rt", encoding="utf-8", newline="") as file:
        crimes = {row["Crime ID"]: row["Crime type"] for row in csv.DictReader(file) if row["Crime ID"]}
    found = Counter(crimes.values())
    found["All types"] = found.total()
    return found
