"""A backup: whole or none, signed, without any secret; and put back only where nothing is."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from exchange import objects
from exchange.errors import Misconfigured
from exchange.hub import Hub, open_hub
from exchange.restore import backup as backups
from exchange.restore.backup import POSTGRESQL, SQLITE, UNFINISHED, _leaves, backup
from exchange.restore.putting_back import check, put_back
from exchange.restore.standing import mark, require_reapplied
from keys.errors import BadProof, BadSignature
from keys.places import FILE
from tests.exchange.restoring import Two, dispose, held_world, killed, month, replayed, rows_of, saved, two
from tests.exchange.standing import CLEVELAND, World, settings_in

__all__ = ["held_world", "two"]  # fixtures


def test_a_backup_is_whole_signed_and_holds_no_secret(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    trusted = world.hub.keyring.signing("identity").public.fingerprint
    assert check(copy, {trusted}).key == trusted
    names = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert {"manifest.json", "hub.toml", POSTGRESQL if world.server else SQLITE, "leaves.jsonl", f"keystore/{FILE}"} <= names
    assert len([name for name in names if name.startswith("objects/")]) == 2
    secret = world.hub.settings.credential.read_bytes().strip()
    roots = [path.read_bytes() for path in world.hub.settings.roots.iterdir()]
    for path in copy.rglob("*"):
        if path.is_file():
            assert not any(one in path.read_bytes() for one in (secret, *roots))
    with pytest.raises(Misconfigured, match="is there already, a whole backup"):
        backup(world.hub, copy, world.clock)
    with pytest.raises(BadSignature):
        check(copy, {world.signing(f"{CLEVELAND}/manifest").public.fingerprint})


@pytest.mark.parametrize("name", ["database", "leaves.jsonl", "objects", "hub.toml"])
def test_a_backup_that_was_touched_is_refused(two: Two, tmp_path: Path, name: str) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    [path, *_] = (copy / name).rglob("*.parquet") if (copy / name).is_dir() else copy.glob(f"{name}*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadProof, match="not as it was written"):
        check(copy)
    path.unlink()
    with pytest.raises(BadProof, match="lacks 1"):
        check(copy)
    (copy / "more").write_text("x")
    path.write_bytes(content)
    with pytest.raises(BadProof, match="holds 1"):
        check(copy)


def test_a_backup_that_fails_in_the_middle_leaves_none(two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _, _ = two
    out = tmp_path / "backup"
    with monkeypatch.context() as patch:
        patch.setattr("exchange.restore.backup._settings", killed)
        with pytest.raises(ZeroDivisionError):
            backup(world.hub, out, world.clock)
    assert list(tmp_path.glob("backup*")) == []
    (tmp_path / f"backup{UNFINISHED}" / "objects").mkdir(parents=True)  # of one that was killed
    (tmp_path / f"backup{UNFINISHED}" / "more").write_text("x")
    check(saved(world, out))


@pytest.mark.parametrize("left", ["shm", "wal", "journal"])
def test_a_leftover_of_sqlite_is_in_no_backup(two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str) -> None:
    world, _, _ = two
    out = tmp_path / "backup"
    (tmp_path / f"backup{UNFINISHED}").mkdir()
    stays = tmp_path / f"backup{UNFINISHED}" / f"database.sqlite-{left}"
    connect = sqlite3.connect

    def leaving(place: Path) -> object:  # SQLite where the disk will not remove its file: it does nothing, and says nothing
        stays.mkdir()
        return connect(place)

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", leaving)
        with pytest.raises(OSError, match="Errno 5"):
            backup(world.hub, out, world.clock)
    assert not out.exists()
    check(saved(world, out))


def test_a_backup_of_which_the_name_is_not_durable_is_none_and_can_be_made_again(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, _ = two
    out = tmp_path / "backup"
    synced = objects.sync_folder

    def failing(folder: Path) -> None:
        synced(folder)
        if folder == tmp_path:
            broken()

    with monkeypatch.context() as patch:
        patch.setattr(backups, "sync_folder", failing)
        with pytest.raises(OSError, match="Input/output error"):
            backup(world.hub, out, world.clock)
    assert list(tmp_path.glob("backup*")) == []
    check(saved(world, out))


def broken(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_what_is_destroyed_while_a_backup_runs_is_left_out_of_it_and_nothing_else_may_be(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, gone, kept = two

    def meanwhile(hub: Hub, files: Any) -> None:
        dispose(world, gone)
        _leaves(hub, files)

    with monkeypatch.context() as patch:
        patch.setattr("exchange.restore.backup._leaves", meanwhile)
        from_now = saved(world, tmp_path / "backup")
    assert len(list((from_now / "objects").rglob("*.parquet"))) == 1
    check(from_now)
    [part] = world.row(kept).held
    world.hub.places.held.delete(part.object)
    with pytest.raises(Misconfigured, match="is missing"):
        backup(world.hub, tmp_path / "other", world.clock)
    assert not (tmp_path / "other").exists()


def test_put_back_into_what_is_left_of_the_hub(two: Two, tmp_path: Path) -> None:
    world, _, kept = two
    copy = saved(world, tmp_path / "backup")
    rest = tmp_path / "new"
    rest.mkdir(mode=0o700)
    for name in ("keystore", "roots"):
        shutil.copytree(world.folder / name, rest / name)
    shutil.copy(world.folder / "credential", rest / "credential")
    config = put_back(copy, rest)
    assert mark(settings_in(rest)).exists()
    with pytest.raises(Misconfigured, match="was put back"):
        require_reapplied(open_hub(settings_in(rest), world.clock))
    with pytest.raises(Misconfigured, match="a database already"):
        put_back(copy, rest)
    assert "hub.sqlite" in config.read_text(encoding="utf-8")
    moved = World(rest, world.clock, world.keys)
    assert replayed(moved, settings_in(rest)).replayed == 0
    assert rows_of(moved, kept) == 5
    month(moved, 6)
    moved.close()


def test_without_a_keystore_the_fingerprint_and_a_copy_must_be_named(two: Two, tmp_path: Path) -> None:
    world, _, kept = two
    copy = saved(world, tmp_path / "backup")
    (copy / "keystore").rename(tmp_path / "apart")
    assert check(copy).apart
    rest = tmp_path / "new"
    rest.mkdir()
    shutil.copytree(world.folder / "roots", rest / "roots")
    shutil.copy(world.folder / "credential", rest / "credential")
    with pytest.raises(Misconfigured, match="not there to tell"):
        put_back(copy, rest)
    key = world.hub.keyring.signing("identity").public.fingerprint
    with pytest.raises(Misconfigured, match="no keystore"):
        put_back(copy, rest, key=key)
    put_back(copy, rest, key=key, keystore=tmp_path / "apart")
    moved = World(rest, world.clock, world.keys)
    replayed(moved, settings_in(rest))
    assert rows_of(moved, kept) == 5
    moved.close()


def test_backup_and_restore_of_a_postgresql(world: World, tmp_path: Path, engine: str) -> None:
    assert engine == "postgresql"
    assert world.server is not None
    gone, kept = month(world, 4), month(world, 5, 5)
    copy = saved(world, tmp_path / "backup")
    assert (copy / POSTGRESQL).is_file()
    dispose(world, gone)
    world.disconnect()
    rest = tmp_path / "new"
    rest.mkdir(mode=0o700)
    for name in ("keystore", "roots", "leaves"):
        shutil.copytree(world.folder / name, rest / name)
    shutil.copy(world.folder / "credential", rest / "credential")
    shutil.copy(copy / "hub.toml", rest / "hub.toml")
    database = world.server.create()
    text = (copy / "hub.toml").read_text(encoding="utf-8")
    (rest / "hub.toml").write_text(text.replace(world.database, database).replace(str(world.folder), str(rest)), encoding="utf-8")
    put_back(copy, rest)
    with pytest.raises(Misconfigured, match="a database already"):
        put_back(copy, rest)
    moved = World(rest, world.clock, world.keys, server=world.server, database=database)
    assert replayed(moved, settings_in(rest, database)).destroyed == [gone]
    assert (rows_of(moved, gone), rows_of(moved, kept)) == (0, 5)
    moved.close()
