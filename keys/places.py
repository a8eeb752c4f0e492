"""Where a sealed keystore and its wrapped roots lie: in folders of one host, or on a shelf that several hosts share.

A folder is locked (flock) for as long as its file is changed. A shelf (an object store, say) has no lock: whoever puts the next generation
there names the one that it follows, and is told if another was quicker.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from keys.errors import KeyExists, KeysError, KeystoreUnreadable
from keys.files import erase, opened_to_scrub, remove_unfinished, replace, write_new
from keys.generation import UNIQUE

FILE = "keystore.sealed"
LOCK = "keystore.lock"


class Outrun(KeysError):  # said of the caller, who reads again and tries once more
    """Another process has written since it was read."""


class RootShelf(Protocol):
    """Small objects by name, each written whole and once, durable when a call returns, seen from then on by whoever shares it.

    A stamp is what tells one content of a name from another. What the service behind it cannot do now is raised as the caller's own error,
    which is a :class:`KeystoreUnreadable` or says as much.
    """

    def stamp(self, name: str) -> str | None:
        """The stamp of what is there now; None if nothing is."""
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and stamp; None if nothing is there."""
        ...

    def create(self, name: str, data: bytes) -> str | None:
        """Write what is not there; its stamp. None if there is something of that name, unless it is this very content."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Every name that begins so, sorted."""
        ...

    def erase(self, name: str) -> None:
        """Remove for good; nothing happens if it is not there."""
        ...


class Shelf(RootShelf, Protocol):
    """One on which an object may follow another, for every host."""

    def swap(self, name: str, data: bytes, stamp: str) -> str | None:
        """Write in place of what has this stamp; the new one. None if something else, or nothing, is there."""
        ...


class Place(Protocol):
    """Where one sealed file lies. ``alone``: whether :meth:`locked` keeps everybody else out."""

    alone: bool

    def locked(self, *, writing: bool) -> AbstractContextManager[None]:
        """Keep others out, as far as the place can."""
        ...

    def look(self) -> bytes:
        """The stamp of the file. KeystoreUnreadable if there is none."""
        ...

    def read(self) -> tuple[bytes, bytes]:
        """Content and stamp. KeystoreUnreadable if there is none."""
        ...

    def create(self, sealed: bytes) -> None:
        """The first file. KeyExists if there is one."""
        ...

    def there(self) -> bool:
        """Whether there is a file."""
        ...

    def replace(self, sealed: bytes, stamp: bytes, *, scrub: bool) -> bytes:
        """Put the next file in place of the one with this stamp, durably; its own. ``scrub``: overwrite what the old one's blocks held. Outrun."""
        ...

    def tidy(self) -> None:
        """Erase what a crash left half done."""
        ...


class FolderPlace:
    """One file of a folder, locked by flock: every process of one host."""

    alone = True

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / FILE

    @contextlib.contextmanager
    def locked(self, *, writing: bool) -> Iterator[None]:
        """See `Place.locked`."""
        try:
            descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise KeystoreUnreadable("there is no keystore here") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if writing else fcntl.LOCK_SH)  # given back when it is closed, also by a crash
            yield
        finally:
            os.close(descriptor)

    def look(self) -> bytes:
        """The first bytes of the file, random nonce included: no two files share them, as inode and time stamp could."""
        try:
            with self.file.open("rb", buffering=0) as file:
                return file.read(UNIQUE)
        except OSError as error:
            raise KeystoreUnreadable("there is no keystore here") from error

    def read(self) -> tuple[bytes, bytes]:
        """See `Place.read`."""
        try:
            sealed = self.file.read_bytes()
        except OSError as error:
            raise KeystoreUnreadable("the keystore file cannot be read") from error
        return sealed, sealed[:UNIQUE]

    def create(self, sealed: bytes) -> None:
        """See `Place.create`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(self.file, sealed)

    def there(self) -> bool:
        """See `Place.there`."""
        return self.file.exists()

    def replace(self, sealed: bytes, stamp: bytes, *, scrub: bool) -> bytes:  # the lock keeps the stamp true
        """See `Place.replace`."""
        with opened_to_scrub(self.file) as scrub_old:
            replace(self.file, sealed)
            if scrub:
                scrub_old()
        return sealed[:UNIQUE]

    def tidy(self) -> None:
        """See `Place.tidy`."""
        remove_unfinished(self.folder)


class ShelfPlace:
    """One object of a shelf: processes of any number of hosts. Nothing is locked; who was outrun reads again."""

    alone = False

    def __init__(self, shelf: Shelf, name: str = FILE) -> None:
        self._shelf, self._name = shelf, name

    def locked(self, *, writing: bool) -> AbstractContextManager[None]:
        """Nobody is kept out."""
        return contextlib.nullcontext()

    def look(self) -> bytes:
        """See `Place.look`."""
        stamp = self._shelf.stamp(self._name)
        if stamp is None:
            raise KeystoreUnreadable("there is no keystore here")
        return stamp.encode()

    def read(self) -> tuple[bytes, bytes]:
        """See `Place.read`."""
        found = self._shelf.read(self._name)
        if found is None:
            raise KeystoreUnreadable("there is no keystore here")
        return found[0], found[1].encode()

    def create(self, sealed: bytes) -> None:
        """See `Place.create`."""
        if self._shelf.create(self._name, sealed) is None:
            raise KeyExists("there is a keystore already")

    def there(self) -> bool:
        """See `Place.there`."""
        return self._shelf.stamp(self._name) is not None

    def replace(self, sealed: bytes, stamp: bytes, *, scrub: bool) -> bytes:  # what a service has removed it overwrites, or not
        """See `Place.replace`."""
        new = self._shelf.swap(self._name, sealed, stamp.decode())
        if new is None:
            raise Outrun
        return new.encode()

    def tidy(self) -> None:
        """A shelf has nothing half done."""


class FolderShelf:
    """The wrapped roots of one host: a folder (made with mode 0700 for the first one), each root a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self, name: str) -> str | None:
        """See `Shelf.stamp`: whether it is there is all that is asked of a root."""
        return name if (self._folder / name).exists() else None

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See `Shelf.read`."""
        try:
            return (self._folder / name).read_bytes(), name
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeystoreUnreadable("a root key cannot be read") from error

    def create(self, name: str, data: bytes) -> str | None:
        """See `Shelf.create`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            write_new(self._folder / name, data)
        except KeyExists:
            return None
        return name

    def names(self, prefix: str) -> list[str]:
        """See `Shelf.names`."""
        return sorted(path.name for path in self._folder.glob(f"{prefix}*"))

    def erase(self, name: str) -> None:
        """See `Shelf.erase`: overwritten before it is removed."""
        erase(self._folder / name)
