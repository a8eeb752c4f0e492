"""Objects that appear whole or not at all, and the folder of them: written beside their place, flushed, renamed, and the folder flushed."""

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from pyarrow import fs

from exchange.errors import Unacceptable

_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{0,119}$")


def checked(name: str) -> str:
    """The name, if it is one: names are ours (ids), never a caller's text."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise Unacceptable("this is not the name of an object.")
    return name


class Store(Protocol):
    """A store of objects. OSError where it fails; what is not there is FileNotFoundError.

    ``room``: the folder on whose disk drafts lie. ``own_drafts``: no other host's are among them. ``filesystem``: what
    ``keys.parquet.decrypting_dataset`` reads :meth:`place` through; None for that of the machine.
    """

    own_drafts: bool
    room: Path

    @property
    def filesystem(self) -> fs.FileSystem | None:
        """See above."""
        ...

    def place(self, name: str) -> str | Path:
        """What an object is to ``filesystem``."""
        ...

    def draft(self, name: str) -> Path:
        """A place to write before :meth:`keep`: a file of this host."""
        ...

    def keep(self, draft: Path, name: str) -> None:
        """Make a finished draft durable under its name; it is then no more."""
        ...

    def keep_all(self, drafts: Sequence[tuple[Path, str]]) -> None:
        """The same of many, beside each other where that is quicker."""
        ...

    def holds(self, name: str, size: int) -> bool:
        """Whether an object of this size is there."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Every object whose name begins so, as for :meth:`beginning`, and its size."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        ...

    def beginning(self, prefix: str) -> list[str]:
        """Every object whose name begins so: two letters at least."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects for good: once this returns, no loss of power brings one back. One that is not there is no error."""
        ...

    def names(self, older: timedelta | None = None) -> Iterator[str]:
        """Every object there is, or those older than that; drafts are not objects."""
        ...

    def sweep(self) -> int:
        """Remove every draft: leftovers of a process that was killed. Only while nobody writes one."""
        ...

    def save(self, name: str, into: Path) -> None:
        """Copy an object to a file. FileNotFoundError."""
        ...

    def at_hand(self, names: Sequence[str]) -> AbstractContextManager[list[Path]]:
        """These objects as files of this machine, for as long as the block runs."""
        ...


@dataclass(frozen=True)
class Places:
    """Where sealed parts wait and held parts are kept."""

    staging: Store
    held: Store


class Objects:
    """A folder of objects."""

    own_drafts = False
    filesystem: fs.FileSystem | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = self.room = folder

    def path(self, name: str) -> Path:
        """Where an object is, or would be. Two letters of its name make its folder."""
        return self.folder / checked(name)[:2] / name

    place = path

    def draft(self, name: str) -> Path:
        """See :meth:`Store.draft`: in the same file system."""
        place = self.path(name)
        if not place.parent.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)  # or a loss of power could take the folder, and with it what was kept in it
        return place.with_name(f"{name}.{secrets.token_hex(4)}.part")

    def keep(self, draft: Path, name: str) -> None:
        """See :meth:`Store.keep`."""
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        place = self.path(name)
        draft.replace(place)
        sync_folder(place.parent)

    def keep_all(self, drafts: Sequence[tuple[Path, str]]) -> None:
        """See :meth:`Store.keep_all`: one disk does one after the other."""
        for draft, name in drafts:
            self.keep(draft, name)

    def holds(self, name: str, size: int) -> bool:
        """See :meth:`Store.holds`."""
        try:
            return self.path(name).stat().st_size == size
        except FileNotFoundError:
            return False

    def sizes(self, prefix: str) -> dict[str, int]:
        """See :meth:`Store.sizes`."""
        found = {}
        for name in self.beginning(prefix):
            with contextlib.suppress(FileNotFoundError):
                found[name] = self.path(name).stat().st_size
        return found

    def delete(self, name: str) -> None:
        """See :meth:`Store.delete`."""
        self.path(name).unlink(missing_ok=True)

    def beginning(self, prefix: str) -> list[str]:
        """See :meth:`Store.beginning`: the two letters are those of its folder."""
        folder = self.path(prefix).parent
        return sorted(path.name for path in folder.glob(f"{prefix}*") if not path.name.endswith(".part"))

    def remove(self, names: Iterable[str]) -> None:
        """See :meth:`Store.remove`."""
        folders = set()
        for name in names:
            self.delete(name)
            folders.add(self.path(name).parent)
        for folder in sorted(folders):
            if folder.is_dir():
                sync_folder(folder)

    def names(self, older: timedelta | None = None) -> Iterator[str]:
        """See :meth:`Store.names`."""
        before = time.time() - older.total_seconds() if older is not None else None
        for path in sorted(self.folder.glob("??/*")):
            if not path.name.endswith(".part") and (before is None or path.stat().st_mtime < before):
                yield path.name

    def sweep(self) -> int:
        """See :meth:`Store.sweep`."""
        drafts = list(self.folder.glob("??/*.part"))
        for path in drafts:
            path.unlink(missing_ok=True)
        return len(drafts)

    def save(self, name: str, into: Path) -> None:
        """See :meth:`Store.save`."""
        with self.path(name).open("rb") as file, into.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)

    @contextlib.contextmanager
    def at_hand(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """See :meth:`Store.at_hand`: where they lie."""
        yield [self.path(name) for name in names]


def sync_folder(folder: Path) -> None:
    """Make what was renamed or removed in this folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
