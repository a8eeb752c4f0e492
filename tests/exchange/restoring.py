"""What the tests of backup and restore share: a hub with two months held, a backup put over it, and the replay."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.db import make_engine, reading
from exchange.errors import Misconfigured
from exchange.hub import open_hub
from exchange.log.tables import EntryRow
from exchange.places import objects_in
from exchange.restore.backup import POSTGRESQL, SQLITE, backup, postgresql
from exchange.restore.replay import Replayed, replay
from exchange.restore.standing import REMEDY, require_reapplied
from exchange.settings import Settings
from exchange.submissions import holdings, retention
from tests.exchange.standing import REFERENCE, World, crimes
from tests.folders import put_there, refill

Two = tuple[World, str, str]


def dispose(world: World, submission: str) -> dict[str, Any]:
    hub = world.hub
    return retention.dispose(hub.engine, hub.keyring, hub.places, submission, world.clock())


def saved(world: World, out: Path) -> Path:
    backup(world.hub, out, world.clock)
    return out


def killed(*_: object) -> None:
    """Stands where the process is killed."""
    raise ZeroDivisionError


def put_over(world: World, source: Path) -> Settings:
    """What an operator does who puts a backup of database and objects over a hub whose keystore, roots and leaves survived."""
    world.disconnect()
    if world.server:
        world.server.empty(world.database)
        engine = make_engine(world.database)
        postgresql("pg_restore", engine, "--no-owner", "--exit-on-error", str(source / POSTGRESQL))
        engine.dispose()
    else:
        for path in world.folder.glob("hub.sqlite*"):
            path.unlink()
        shutil.copy(source / SQLITE, world.folder / "hub.sqlite")
    settings = world.settings
    refill(settings, "objects", {})
    for path in source.glob("objects/*/*"):  # where nothing was held yet, a backup has none
        put_there(objects_in(settings, settings.objects), path.name, path.read_bytes())
    return settings


def replayed(world: World, settings: Settings, *more: object, give_up: bool = False) -> Replayed:
    hub = open_hub(settings, world.clock)
    try:
        done = replay(hub, list(more), give_up=give_up)
    finally:
        hub.engine.dispose()
    world.clock.forward(seconds=2)
    return done


def refused(world: World, settings: Settings, words: str) -> None:
    """The hub does not serve, by whichever door, and says why and what to do."""
    hub = open_hub(settings, world.clock)
    with pytest.raises(Misconfigured) as error:
        require_reapplied(hub)
    hub.engine.dispose()
    assert words in error.value.detail
    assert error.value.remedy == REMEDY
    with pytest.raises(Misconfigured):
        world.restarted().app  # noqa: B018  # making it is the test


def rows_of(world: World, submission: str) -> int:
    hub = world.hub
    with reading(hub.engine) as session:
        batches = [one for one in holdings.live(session, REFERENCE, "crimes") if one.submission == submission]
        dataset = world.agreement.dataset("crimes")
        assert dataset is not None
        return holdings.rows(session, hub.keyring, hub.places.held, batches, world.agreement, dataset).count_rows() if batches else 0


def whats(world: World) -> list[str]:
    with reading(world.hub.engine) as session:
        return [str(entry["what"]) for entry in session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars() if entry]


def of(number: int, rows: int) -> dict[str, Any]:
    """The rows of a month, as the arguments of a push."""
    return {"tables": [crimes(rows, month=date(2021, number, 1))], "period": f"2021-{number:02}"}


def month(world: World, number: int, rows: int = 3) -> str:
    """A month of 2021, held."""
    return world.hold(**of(number, rows)).id


@pytest.fixture(scope="module")
def held_world(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> Two:
    """Two months held: made once, and copied."""
    mine = first_world.copy(tmp_path_factory.mktemp("held") / "hub")
    return mine, month(mine, 4), month(mine, 5, 5)


@pytest.fixture
def two(held_world: Two, tmp_path: Path) -> Iterator[Two]:
    """A hub of the test's own, with two months held."""
    prepared, first, second = held_world
    mine = prepared.copy(tmp_path / "hub")
    yield mine, first, second
    mine.close()
