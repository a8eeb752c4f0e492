"""Checking a backup, and putting it back where a hub was: never over anything that is there, and never serving before the replay."""

import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.orm import Session

from exchange.db import make_engine
from exchange.errors import Misconfigured
from exchange.hub import second_store
from exchange.keyring import Keyring
from exchange.keystores import open_keystore, place_of
from exchange.log.second import SEGMENT
from exchange.objects import Store, sync_folder
from exchange.places import objects_in
from exchange.restore.backup import (
    FORMAT,
    KEYSTORE,
    LEAVES,
    MANIFEST,
    OBJECTS,
    POSTGRESQL,
    SETTINGS,
    SQLITE,
    contents,
    described,
    postgresql,
)
from exchange.restore.standing import mark
from exchange.settings import Settings, read_settings
from keys.encoding import parse_json
from keys.errors import BadFormat, BadProof, KeysError
from keys.files import replace
from keys.places import FILE as SEALED
from keys.sign import Use, verify_document

_NAME = re.compile(r"[a-z0-9][A-Za-z0-9._-]*(/[a-z0-9][A-Za-z0-9._-]*)*")
_LARGEST = 1 << 28
_FOLDERS = ("objects", "staging", "keystore", "roots", "credential", "leaves")


@dataclass(frozen=True)
class Checked:
    """A backup that is whole. ``key``: the fingerprint it is signed with. ``apart``: whether its keystore was carried elsewhere."""

    document: Mapping[str, Any]
    key: str
    apart: bool

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """Every file that the manifest names."""
        found: Mapping[str, Mapping[str, Any]] = self.document["files"]
        return found


def check(folder: Path, trusted: Collection[str] = ()) -> Checked:
    """Check that every file is there as it was written, and that the log in the database is the one the manifest names.

    Args:
        trusted: fingerprints of the hub's identity key; without any, the key that the backup names is taken at its word.
    Raises:
        Misconfigured: there is no backup in the folder.
        BadSignature, BadProof: it was altered, or is not whole.
    """
    try:
        signed = parse_json((folder / MANIFEST).read_bytes(), limit=_LARGEST)
        document = verify_document(signed, Use.BACKUP, trusted or {str(signed.get("key")) if isinstance(signed, dict) else ""})
    except FileNotFoundError as error:
        raise Misconfigured("there is no whole backup in this folder.", remedy="Name the folder that “exchange backup” wrote.") from error
    except BadFormat as error:
        raise BadProof(f"the backup's manifest is not of the documented form: {error}") from error
    files = document.get("files")
    if document.get("format") != FORMAT or not isinstance(files, dict) or not files or not all(map(_NAME.fullmatch, files)):
        raise BadProof("this is not the manifest of a backup that this version knows.")
    apart = not (folder / KEYSTORE).exists()
    wanted = {name for name in document["files"] if not (apart and name.startswith(f"{KEYSTORE}/"))}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()} - {MANIFEST}
    if there != wanted:
        raise BadProof(f"the backup lacks {len(wanted - there)} of its files and holds {len(there - wanted)} that it should not.")
    for name in sorted(wanted):
        if described(folder / name) != document["files"][name]:
            raise BadProof(f"the backup's {name} is not as it was written.")
    _check_log(folder, document)
    return Checked(document, str(signed["key"]), apart)


def _check_log(folder: Path, document: Mapping[str, Any]) -> None:
    if not (folder / SQLITE).exists():
        return
    engine = create_engine(f"sqlite:///{folder / SQLITE}")
    try:
        with Session(engine) as session:
            size, root, _ = contents(session)
    finally:
        engine.dispose()
    if {"size": size, "root": root.hex()} != document["log"]:
        raise BadProof("the log in the backup's database does not lead to the checkpoint that the manifest names.")


def put_back(folder: Path, into: Path, *, keystore: Path | None = None, key: str = "") -> Path:
    """Put a backup back into a hub's folder; the path of its settings. What survived there (settings, keystore, roots, leaves) is kept.

    Args:
        keystore: a folder with a copy of the sealed keystore, where the hub's own is lost and it was carried apart.
        key: the fingerprint of the hub's identity key, where the keystore is not there to tell.
    Raises:
        Misconfigured: there is a database already, or nothing tells by which key the backup should be signed.
        BadSignature, BadProof: the backup is not whole.
    """
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = into / "hub.toml"
    made = not config.exists()
    if made:
        check(folder, {key} if key else ())  # no word of an altered backup becomes the hub's settings
        replace(config, _settings_for(folder, into).encode())
    try:
        settings = read_settings(config)
        found = check(folder, {key} if key else _trusted(settings))
        require_no_database(settings)
    except BaseException:
        if made:  # nor of one that somebody else has signed
            config.unlink()
        raise
    mark(settings).parent.mkdir(parents=True, exist_ok=True)
    replace(mark(settings), b"Run: exchange restore --replay\n")
    for place in (settings.objects, settings.staging, settings.keystore):
        if isinstance(place, Path):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not place_of(settings).there():
        _copy_keystore(settings, keystore or folder / KEYSTORE)
    _copy_objects(folder, settings, found)
    _copy_leaves(folder, settings)
    _copy_database(folder, settings)
    return config


def _settings_for(folder: Path, into: Path) -> str:
    """The backup's settings, with every place of the hub's own in the new folder; what is in a bucket stays there."""
    lines = (folder / SETTINGS).read_text(encoding="utf-8").splitlines()
    shared = {name for name, _, value in (line.partition(" = ") for line in lines) if name in _FOLDERS and value.startswith('"s3://')}
    kept = [line for line in lines if (name := line.partition(" ")[0]) in shared or name not in (*_FOLDERS, "home")]
    kept += ['home = "."'] if "staging" in shared else []
    if (folder / SQLITE).exists():
        kept = [line for line in kept if not line.startswith("database_url")]
        kept.append(f"database_url = {json.dumps(f'sqlite:///{into.resolve()}/hub.sqlite')}")
    return "\n".join([*kept, *(f'{name} = "{name}"' for name in _FOLDERS if name not in shared)]) + "\n"


def _trusted(settings: Settings) -> set[str]:
    try:
        return {one.public.fingerprint for one in Keyring(open_keystore(settings)).every("identity")}
    except KeysError as error:
        raise Misconfigured(
            "the hub's keystore is not there to tell by which key its backups are signed.",
            remedy="Name the fingerprint of its identity key, as agreements have it, with --key.",
        ) from error


def require_no_database(settings: Settings) -> None:
    """Misconfigured where there is a database file, or tables in the database that the settings name."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        there = Path(str(url.database)).exists()
    else:
        engine = make_engine(settings.database_url)
        there = bool(inspect(engine).get_table_names())
        engine.dispose()
    if there:
        raise Misconfigured("there is a database already.", remedy="Move it aside, or name an empty one: nothing is put over it.")


# ------------------------------------------------------------------------------------------------------------ file by file


def _copy_keystore(settings: Settings, source: Path) -> None:
    if not (source / SEALED).exists():
        raise Misconfigured("there is no keystore, here or in the backup.", remedy="Name the folder with its copy: --keystore DIR")
    sealed = (source / SEALED).read_bytes()
    if isinstance(settings.keystore, Path):
        replace(settings.keystore / SEALED, sealed)
    else:
        place_of(settings).create(sealed)


def _copy_objects(folder: Path, settings: Settings, found: Checked) -> None:
    held = objects_in(settings, settings.objects)
    for name in found.files:
        if name.startswith(f"{OBJECTS}/"):
            bare = name.rpartition("/")[2]
            if not _is_there(held, bare, found.files[name]):
                held.delete(bare)  # in a bucket nothing is written over
                draft = held.draft(bare)
                shutil.copyfile(folder / name, draft)
                held.keep(draft, bare)


def _is_there(held: Store, name: str, wanted: Mapping[str, Any]) -> bool:
    try:
        with held.at_hand([name]) as [file]:
            return described(file) == wanted
    except FileNotFoundError:
        return False


def _copy_leaves(folder: Path, settings: Settings) -> None:
    """Into a store that is lost or shorter: what survived may hold what the backup lacks, and is never cut."""
    store = second_store(settings)
    size = store.size()
    lacking = (line for line in _lines(folder / LEAVES) if line["number"] >= size)
    while batch := list(islice(lacking, SEGMENT)):
        store.extend(batch)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _copy_database(folder: Path, settings: Settings) -> None:
    """Last, so that a restore that was interrupted is no hub yet; put in place whole."""
    if (folder / SQLITE).exists():
        place = Path(str(make_url(settings.database_url).database))
        draft = place.with_name(place.name + ".part")
        shutil.copyfile(folder / SQLITE, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(place)
        sync_folder(place.parent)
    else:
        engine = make_engine(settings.database_url)
        try:
            postgresql("pg_restore", engine, "--no-owner", "--exit-on-error", "--single-transaction", str(folder / POSTGRESQL))
        finally:
            engine.dispose()
