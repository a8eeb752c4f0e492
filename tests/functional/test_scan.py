"""Proof 5: after the whole road was gone, no crime id and no planted name stands anywhere, and what looks for them would have found them.

The extracts are the real ones of April 2021, with an invented person in the two columns that the agreement does not name.
"""

import csv
import gzip
import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from demo.cast import AGENCIES, DATA, OPERATOR, RECIPIENT, REFERENCE, RELEASE
from tests.closing import letting_go
from tests.folders import names_in
from tests.functional.raw import Raw, small
from tests.functional.scanning import Scanner, forms_of_id, forms_of_name, planted
from tests.functional.truth import Extract, dataset_of, minimised
from tests.functional.world import CLEVELAND, Server, World, agency, copied, names, person

CANARY, REFUSED, FORGED = "Zebedee Quillfeather", "Ottoline Marchbanks-Pym", "Peregrine Thistlewood"
MONTH = "2021-04"
IN_FOLDERS = ("hub/hub.sqlite-wal", "hub/objects/")
IN_SERVERS = ("servers/before/staging/", "servers/after/rows/submissions", "servers/after/objects/", "servers/after/leaves/")


@dataclass(frozen=True)
class Road:
    """A partnership whose data have gone the whole road, and what may be found nowhere."""

    world: World
    identifiers: frozenset[str] = field(repr=False)


def everywhere(world: World, when: str) -> Path:
    """Hub, server's log, agencies, recipient, people: everything but the raw extracts. What the hub has on servers, as they give it out now."""
    if world.beside:
        world.beside.brought(world.config, world.places.run / "servers" / when)
    return world.places.run


def with_canary(source: Path, folder: Path) -> tuple[Path, set[str]]:
    """A copy of a published file with the canary as place and context of every row; and its crime ids."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        header, rows = list(reader.fieldnames or []), list(reader)
    path = folder / source.name
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, **{name: CANARY for name in ("Location", "Context") if name in header}})
    return path, {row["Crime ID"] for row in rows if row["Crime ID"]}


@pytest.fixture(scope="module")
def road(prepared: World, tmp_path_factory: pytest.TempPathFactory) -> Road:
    world, extracts = copied(prepared, tmp_path_factory.mktemp("scan") / "run"), tmp_path_factory.mktemp("extracts")
    settings = world.config.read_text(encoding="utf-8")
    identifiers: set[str] = set()
    with Server(world) as server:
        # First a hub that opens nothing: parts wait in its staging folder and in the agencies' spools.
        world.config.write_text(settings + "process_every = 86400\n", encoding="utf-8")
        server.start()
        for one in AGENCIES:
            for dataset, kind in (("crimes", "street"), ("outcomes", "outcomes")):
                path, found = with_canary(DATA / f"{MONTH}-{one.short}-{kind}.csv.gz", extracts)
                identifiers |= found
                ended = agency("push", dataset, path, "--period", MONTH, "--no-wait", "--home", world.home(one.party))
                assert ended.code == 0, ended.err
        # Where files are read while a connection of ours is open, SQLite forgets that it holds locks on them (its page “How To Corrupt”, 2.2).
        with letting_go():
            refusals(world, extracts)
            assert len(names_in(world.hub().settings, "staging")) == 4 + 1
        assert any("part-00001" in name for name in names(world.home(CLEVELAND) / "spool"))
        assert scanner(identifiers).scan(everywhere(world, "before")) == []
        server.kill()
        world.config.write_text(settings, encoding="utf-8")
        server.start()
        for one in AGENCIES:
            ended = agency("push", "--resume", "--home", world.home(one.party))
            assert ended.code == 0, ended.err
        with letting_go():
            publish(world)
        server.kill()  # not stopped: its write-ahead log stays, as long as no connection of ours is closed after it
    return Road(world, frozenset(identifiers))


def scanner(identifiers: set[str] | frozenset[str]) -> Scanner:
    return Scanner.of(sorted(identifiers), (CANARY, REFUSED, FORGED))


def refusals(world: World, extracts: Path) -> None:
    """A name where it must be refused: in a column nobody declared and a file's name; and, by an agency that cheats, in an agreed column."""
    extract = small(extracts, CLEVELAND, "crimes", "2021-06")
    header, *lines = gzip.decompress(extract.path.read_bytes()).decode().splitlines()
    path = extracts / f"{REFUSED}.csv"
    path.write_text("\n".join([f"{header},Suspect", *(f"{line},{REFUSED}" for line in lines)]), encoding="utf-8")
    ended = agency("push", "crimes", path, "--period", "2021-06", "--no-wait", "--home", world.home(CLEVELAND))
    assert ended.code == 6
    raw = Raw(world, CLEVELAND)
    forged = Extract(CLEVELAND, "crimes", "2021-07", small(extracts, CLEVELAND, "crimes", "2021-07").path)
    table = minimised(world, forged, dataset_of(world.hub(), "crimes"))
    place = table.schema.get_field_index("crime_type")
    raw.sent(raw.sealed(forged, table=table.set_column(place, "crime_type", pa.array([FORGED] * table.num_rows))))


def publish(world: World) -> None:
    """An edition of the month, checked by two, and received."""
    asked = ("release", "request", REFERENCE, RELEASE, "--from", MONTH, "--to", MONTH)
    world.exchange(*asked, "--key", person(world, OPERATOR, "checker"))
    [edition] = [line.split()[0] for line in world.exchange("release", "list").splitlines()]
    for one in AGENCIES:
        world.exchange("release", "check", edition, "--approve", "--key", person(world, one.party, "checker"))
    ended = agency("pull", REFERENCE, RELEASE, "--home", world.home(RECIPIENT), "--to", world.places.out)
    assert ended.code == 0, ended.err


def test_nothing_is_found(road: Road) -> None:
    world = road.world
    assert len(road.identifiers) > 13_000
    folder = everywhere(world, "after")
    for expected in (*(IN_SERVERS if world.beside else IN_FOLDERS), "hub.log", f"{CLEVELAND}/receipts/", "performance-team/ed-"):
        found = [folder / name for name in names(folder) if name.startswith(expected)]
        assert any(path.stat().st_size for path in found), f"nothing under {expected} was scanned"
    assert scanner(road.identifiers).scan(folder) == []


def test_a_planted_one_is_found_in_every_form(road: Road, tmp_path: Path) -> None:
    identifier = min(road.identifiers)
    for forms in (forms_of_id(identifier), forms_of_name(CANARY)):
        (tmp_path / "planted").write_bytes(secrets.token_bytes(5000) + planted(forms) + secrets.token_bytes(5000))
        assert {hit.form for hit in scanner(road.identifiers).scan(tmp_path)} == set(forms)


def test_a_planted_one_is_found_in_a_name(road: Road, tmp_path: Path) -> None:
    (tmp_path / f"extract of {CANARY}.csv").touch()
    assert [hit.place for hit in scanner(road.identifiers).scan(tmp_path)] == [f"name of extract of {CANARY}.csv"]


@pytest.mark.parametrize("value", [min, lambda found: bytes.fromhex(min(found))], ids=["text", "binary"])
def test_a_planted_one_is_found_in_the_hubs_database_sqlite(road: Road, tmp_path: Path, value: object) -> None:
    assert callable(value)
    for name in ("hub.sqlite", "hub.sqlite-wal"):
        shutil.copy(road.world.places.hub / name, tmp_path / name)
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as connection:
        connection.execute("pragma secure_delete = on")
        connection.execute("create table planted (it)")
        connection.execute("insert into planted values (?)", (value(road.identifiers),))
        connection.commit()
    found = {hit.place for hit in scanner(road.identifiers).scan(tmp_path)}
    assert found == {"hub.sqlite", "rows of hub.sqlite"}


def test_a_planted_one_is_found_in_a_write_ahead_log(road: Road, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table planted (it)")
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("insert into planted values (?)", (CANARY,))
        connection.commit()
        assert {hit.place for hit in scanner(road.identifiers).scan(tmp_path)} == {"some.db-wal"}
