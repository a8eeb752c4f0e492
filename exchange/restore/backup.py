"""A backup while the hub serves: database first, then what it refers to, so that whatever the copy of the database names is in it.

A folder, written beside its place and renamed when every file in it is durable: there is no half backup with a whole one's name.

    manifest.json       every file with its size and SHA-256, the log's checkpoint; signed with the hub's identity key
    hub.toml            the settings, of which none is a secret
    database.sqlite     or database.pgdump, as ``pg_dump --format=custom`` writes it
    leaves.jsonl        the log's second store
    objects/…           held parts, encrypted
    keystore/…          the sealed keystore: to be carried apart from all the rest

Never in it: root keys, the credential, sealed parts that wait to be opened.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, make_url, select, text
from sqlalchemy.orm import Session

from exchange.errors import Misconfigured
from exchange.hub import Hub
from exchange.keystores import place_of
from exchange.log.record import checkpoint
from exchange.objects import Objects, sync_folder
from exchange.settings import Settings
from exchange.submissions.tables import HeldPartRow, SubmissionRow
from exchange.times import Clock, rfc3339
from exchange.where import InBucket
from keys.encoding import canonical
from keys.places import FILE as SEALED
from keys.sign import Use, sign_document

FORMAT = "lcjp-exchange/backup/1"
MANIFEST, SETTINGS, LEAVES, KEYSTORE, OBJECTS = "manifest.json", "hub.toml", "leaves.jsonl", "keystore", "objects"
SQLITE, POSTGRESQL = "database.sqlite", "database.pgdump"
UNFINISHED = ".unfinished"
_CHUNK = 1 << 20
_HOURS = 6 * 3600
_AT_ONCE = 8


def backup(hub: Hub, out: Path, clock: Clock) -> dict[str, Any]:
    """Write a backup to ``out``, which must not be there; returns its manifest's document. Raised or killed, there is none of that name.

    Raises:
        Misconfigured: ``out`` is there; a held part is missing though its key lives; PostgreSQL's programs are missing or refuse.
        OSError: no room, or the disk fails.
    """
    if out.exists():
        whole = ", a whole backup" if (out / MANIFEST).is_file() else ""
        raise Misconfigured(f"{out.name} is there already{whole}.", remedy="Name a new folder: a backup is never written over another.")
    _make(out.parent)
    draft = out.with_name(out.name + UNFINISHED)
    with _alone(draft):
        files = _Files(draft)
        with _database(hub, files) as (size, root, parts):
            _leaves(hub, files)
            _objects(hub, files, parts)
        _settings(hub.settings, files)
        _keystore(hub.settings, files)
        document = {
            "format": FORMAT,
            "made": rfc3339(clock()),
            "origin": hub.settings.origin,
            "log": {"size": size, "root": root.hex()},
            "files": files.listed,
        }
        signed = sign_document(document, Use.BACKUP, hub.keyring.signing("identity"))
        files.write(MANIFEST, canonical(signed) + b"\n")
        for folder in sorted({path.parent for path in draft.rglob("*")} | {draft}, reverse=True):
            sync_folder(folder)
        _name(draft, out)
    return document


def _name(draft: Path, out: Path) -> None:
    """Give a finished backup its name for good; or take the name back, so that one that was said to fail can be made again under it."""
    draft.rename(out)
    try:
        sync_folder(out.parent)
    except OSError:
        out.rename(draft)
        raise


def _make(folder: Path) -> None:
    """A folder whose own name is durable too: a backup in one that a power cut takes away is none."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


@contextmanager
def _alone(draft: Path) -> Iterator[None]:
    """The unfinished folder, emptied of what an earlier, killed backup left, and locked against another one."""
    draft.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Misconfigured("another backup is being written there.", remedy="Wait for it, or name another folder.") from error
        _empty(draft)
        try:
            yield
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


class _Files:
    """The files of a backup, each durable and listed with its digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listed: dict[str, dict[str, Any]] = {}

    def place(self, name: str) -> Path:
        """Where a file is to be written."""
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def write(self, name: str, content: bytes) -> None:
        """A small file."""
        self.place(name).write_bytes(content)
        self.done(name)

    def done(self, name: str) -> None:
        """A file that is written: flushed, and listed."""
        with (self.folder / name).open("rb") as file:
            os.fsync(file.fileno())
        self.listed[name] = described(self.folder / name)


def described(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


# ------------------------------------------------------------------------------------------------------------ the database

_Parts = list[tuple[str, str]]
_Contents = tuple[int, bytes, _Parts]


@contextmanager
def _database(hub: Hub, files: _Files) -> Iterator[_Contents]:
    """Copy the database, and say of the copy: the log's size and root, and the held parts with the names of their keys."""
    if hub.engine.dialect.name == "sqlite":
        _copy_sqlite(hub.engine, files.place(SQLITE))
        files.done(SQLITE)
        copy = create_engine(f"sqlite:///{files.folder / SQLITE}")
        try:
            with Session(copy) as session:
                yield contents(session)
        finally:
            copy.dispose()
    else:
        with Session(hub.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)) as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            snapshot = str(session.execute(text("SELECT pg_export_snapshot()")).scalar_one())
            postgresql("pg_dump", hub.engine, "--format=custom", f"--snapshot={snapshot}", f"--file={files.place(POSTGRESQL)}")
            files.done(POSTGRESQL)
            yield contents(session)


def contents(session: Session) -> _Contents:
    """The log's size and root, and the held parts with the names of their keys, as a database has them."""
    head = checkpoint(session)
    query = select(HeldPartRow.object, SubmissionRow.key).join(SubmissionRow).order_by(HeldPartRow.object)
    return head.size, head.root, [(name, key) for name, key in session.execute(query)]


def _copy_sqlite(engine: Engine, place: Path) -> None:
    """SQLite's own online copy: one moment of the database, whoever writes meanwhile; then one file, without a journal beside it."""
    source = engine.raw_connection()
    copy = sqlite3.connect(place)
    try:
        source.driver_connection.backup(copy)  # type: ignore[union-attr]  # a pooled connection has one
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # to its end: the commit, and what fails in it, come after the answer
    except sqlite3.OperationalError as error:
        raise OSError(errno.EIO, str(error)) from error
    finally:
        copy.close()
        source.close()
    # A journal that could not be removed would be played back by whoever opens the copy next, and it was another file than was listed.
    if any(place.parent.glob(f"{place.name}-*")):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def postgresql(program: str, engine: Engine, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the hub's database, which it reaches as the hub does."""
    found = shutil.which(program)
    if found is None:
        raise Misconfigured(f"{program} is not on this machine.", remedy="Install PostgreSQL's client programs, of the server's version.")
    address = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run([found, f"--dbname={address}", *arguments], capture_output=True, text=True, timeout=_HOURS, check=False)
    if done.returncode:
        raise Misconfigured(f"{program} ended with status {done.returncode}: {done.stderr.strip().splitlines()[-1:]}.")


# ------------------------------------------------------------------------------------------------------------ the rest


def _objects(hub: Hub, files: _Files, parts: _Parts) -> None:
    """Every held part; of a bucket some beside each other, for each is a request that waits."""
    with ThreadPoolExecutor(_AT_ONCE if hub.places.held.own_drafts else 1) as pool:
        list(pool.map(lambda part: _object(hub, files, *part), parts))


def _object(hub: Hub, files: _Files, name: str, key: str) -> None:
    """A held part. One that was destroyed since the database was copied is left out: nobody could read it."""
    objects = Objects(files.folder / OBJECTS)
    place = str(objects.path(name).relative_to(files.folder))
    try:
        hub.places.held.save(name, files.place(place))
        files.done(place)
    except FileNotFoundError as error:
        (files.folder / place).unlink(missing_ok=True)
        if not hub.keyring.store.destroyed(key):
            raise Misconfigured(
                f"the held part {name} is missing, and was not destroyed.", remedy="Restore it from an earlier backup, and back up again."
            ) from error


def _leaves(hub: Hub, files: _Files) -> None:
    """The second store, at least as long as the copied database's log: it is copied later."""
    with files.place(LEAVES).open("w", encoding="utf-8") as file:
        for line in hub.second.lines():
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    files.done(LEAVES)


def _keystore(settings: Settings, files: _Files) -> None:
    """The sealed file as it is now; whatever it is sealed with stays where it is."""
    files.write(f"{KEYSTORE}/{SEALED}", place_of(settings).read()[0])


def _settings(settings: Settings, files: _Files) -> None:
    lines = ["# The settings of the hub that this backup is of."]
    for name, value in asdict(settings).items():
        if value is not None:
            shown = json.dumps(str(value) if isinstance(value, Path | InBucket | datetime) else value, ensure_ascii=False)
            lines.append(f"{name} = {shown}")
    files.write(SETTINGS, ("\n".join(lines) + "\n").encode())
