"""A hub whose every place is of another kind than the default's does what every hub does: nothing in its folder but this host's own things."""

import os
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from exchange.db import reading
from exchange.hub import open_hub
from exchange.keystores import place_of
from exchange.log.second import Same, compare
from exchange.objects import Objects
from exchange.restore import putting_back
from exchange.restore.backup import backup
from exchange.restore.putting_back import check, put_back
from exchange.restore.replay import replay
from exchange.submissions.leftovers import LONG, tidy
from keys.errors import KeyDestroyed
from tests.exchange.restoring import dispose, month, rows_of
from tests.exchange.standing import DURHAM, World, crimes
from tests.folders import all_of, lose


def test_rows_are_held_read_and_destroyed(world: World, engine: str) -> None:
    first, second = month(world, 4), month(world, 5, 5)
    assert (rows_of(world, first), rows_of(world, second)) == (3, 5)
    held = world.hub.places.held
    assert len(list(held.names())) == 2
    assert list(world.hub.places.staging.names()) == []
    dispose(world, first)
    assert rows_of(world, first) == 0
    assert len(list(held.names())) == 1
    with pytest.raises(KeyDestroyed):
        world.restarted().hub.keyring.store.get(f"submission/{first}")
    with reading(world.hub.engine) as session:
        assert isinstance(compare(session, world.hub.second, whole=True), Same)
    if engine == "grown":
        assert not list(world.folder.glob("objects/*/*"))
        assert not (world.folder / "keystore" / "keystore.sealed").exists()
        assert not (world.folder / "leaves").exists()


def test_what_another_host_may_be_writing_is_left_alone(world: World) -> None:
    submission = month(world, 4)
    held = world.hub.places.held
    stray = f"{submission.removeprefix('sub-')}.9.aaaa.parquet"
    draft = held.draft(stray)
    draft.write_bytes(b"by another host, a moment ago")
    held.keep(draft, stray)
    assert tidy(world.hub.engine, world.hub.places, alone=False) == 0
    assert held.holds(stray, 29)
    assert tidy(world.hub.engine, world.hub.places) == 1
    assert rows_of(world, submission) == 3


def later(world: World, monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Everything that lies in the two stores is so much older: the files' times, or the clock of the service that answers."""
    if world.s3 is None:
        for path in (*world.folder.glob("objects/??/*"), *world.folder.glob("staging/??/*")):
            at = path.stat().st_mtime - by.total_seconds()
            os.utime(path, (at, at))
    else:
        monkeypatch.setattr("exchange.bucket.parsedate_to_datetime", lambda said: parsedate_to_datetime(said) + by)


def test_what_nobody_waits_for_goes_after_seven_days_beside_other_hosts_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = month(world, 4)
    waiting = world.prepare([crimes(9)], supplier=DURHAM)
    world.send(waiting, DURHAM)
    held, staging = world.hub.places.held, world.hub.places.staging
    # Of a submission that is held; of one that a worker may be at; sealed parts of nobody's.
    strays = [(held, f"{one.removeprefix('sub-')}.9.aaaa.parquet") for one in (submission, waiting.id)] + [(staging, "bb.1.parquet")]
    for place, name in strays:
        draft = place.draft(name)
        draft.write_bytes(b"left behind")
        place.keep(draft, name)
    parts, objects = set(staging.names()), set(held.names())
    later(world, monkeypatch, LONG - timedelta(hours=1))
    assert tidy(world.hub.engine, world.hub.places, alone=False) == 0
    monkeypatch.undo()
    later(world, monkeypatch, LONG + timedelta(hours=1))
    assert tidy(world.hub.engine, world.hub.places, alone=False) == 2
    assert set(held.names()) == objects - {strays[0][1]}
    assert set(staging.names()) == parts - {"bb.1.parquet"}
    monkeypatch.undo()
    assert rows_of(world, submission) == 3
    assert world.process(waiting.id) == "held"


def test_a_grown_hub_is_backed_up_and_put_back(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Database and objects are lost, keystore and second store are not: what was destroyed since stays so."""
    first, second = month(world, 4), month(world, 5, 5)
    out = tmp_path / "backup"
    backup(world.hub, out, world.clock)
    assert len([name for name in check(out).files if name.startswith("objects/")]) == 2
    dispose(world, first)
    identity = world.hub.keyring.signing("identity").public.fingerprint
    world.disconnect()
    assert world.server is not None
    assert world.s3 is not None
    world.server.empty(world.database)
    settings = world.settings
    lose(settings, "objects")
    # A file of settings may not say what this hub's do, whose roots a credential alone wraps: it has one host, and needs no key service.
    monkeypatch.setattr(putting_back, "read_settings", lambda _: settings)
    written = put_back(out, world.folder, key=identity).read_text()
    assert f'objects = "{world.more["objects"]}"' in written
    assert 'home = "."' in written
    assert len(all_of(settings, "objects")) == 2
    hub = open_hub(settings, world.clock)
    try:
        done = replay(hub, [])
    finally:
        hub.engine.dispose()
    assert done.replayed > 0
    world.clock.now += timedelta(seconds=2)
    again = world.restarted()
    assert rows_of(again, second) == 5
    assert rows_of(again, first) == 0
    assert place_of(settings).there()
    assert not isinstance(again.hub.places.held, Objects)
