"""Named keys, apart from the database and its backups, whose destruction lasts.

`SealedFileKeystore` keeps them in one file a generation, sealed under a root key. Every destruction seals the next generation under a fresh
root and erases the old one, so that no copy of an older file can be opened with the roots that remain.
"""

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from keys.errors import BadFormat, CannotOpen, KeyDestroyed, KeyExists, KeystoreUnreadable, UnknownKey
from keys.files import opened_to_scrub, remove_unfinished, replace, write_new
from keys.generation import UNIQUE, Generation
from keys.providers import RootProvider

KEY = 32
MAX_NAME = 255
MAX_MATERIAL = 1 << 16
FILE = "keystore.sealed"
LOCK = "keystore.lock"


class Keystore(Protocol):
    """What every keystore offers. Names are 1 to 255 printable characters. Safe between threads and processes."""

    def create(self, name: str) -> bytes:
        """A new random 32-byte key. KeyExists, KeyDestroyed."""
        ...

    def put(self, name: str, material: bytes) -> None:
        """Keep given material (1 to 65,536 bytes). KeyExists, KeyDestroyed."""
        ...

    def get(self, name: str) -> bytes:
        """The material. UnknownKey, KeyDestroyed."""
        ...

    def get_or_create(self, name: str) -> bytes:
        """The material, or a new 32-byte key if there never was one. KeyDestroyed."""
        ...

    def wrap(self, name: str, data_key: bytes) -> bytes:
        """A data key wrapped under a 32-byte key (AES-KW, RFC 3394), 8 bytes longer. UnknownKey, KeyDestroyed."""
        ...

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The reverse of `wrap`. CannotOpen, UnknownKey, KeyDestroyed."""
        ...

    def destroy(self, name: str) -> None:
        """Destroy a key for ever and leave a tombstone, also for a name never used. Done only when it returns; repeat it if it raised."""
        ...

    def destroyed(self, name: str) -> bool:
        """Whether there is a tombstone of that name."""
        ...

    def names(self, prefix: str = "") -> list[str]:
        """The names of live keys that begin so, sorted."""
        ...

    def tombstones(self, prefix: str = "") -> list[str]:
        """The names of destroyed keys that begin so, sorted."""
        ...


class SealedFileKeystore:
    """The keystore in one sealed file of a folder. Opening it finishes what a crash interrupted. KeystoreUnreadable if it is not there."""

    def __init__(self, folder: str | Path, roots: RootProvider) -> None:
        self._folder, self._roots = Path(folder), roots
        self._file = self._folder / FILE
        self._mutex = threading.RLock()
        self._stamp = b""
        self._generation: Generation | None = None
        with self._locked(fcntl.LOCK_EX):
            self._recover(self._load())

    @classmethod
    def initialise(cls, folder: str | Path, roots: RootProvider) -> Self:
        """Make an empty keystore. KeyExists if there is one, or if there are roots already: they may belong to one that was lost."""
        folder = Path(folder)
        if roots.ids() or (folder / FILE).exists():
            raise KeyExists("there is a keystore, or the roots of one, already")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        root, key = roots.create()
        write_new(folder / FILE, Generation(1, root, {}, {}).seal(key))
        return cls(folder, roots)

    def create(self, name: str) -> bytes:
        """See `Keystore.create`."""
        key = secrets.token_bytes(KEY)
        self.put(name, key)
        return key

    def put(self, name: str, material: bytes) -> None:
        """See `Keystore.put`."""
        _check_name(name)
        if not 0 < len(material) <= MAX_MATERIAL:
            raise BadFormat(f"key material is 1 to {MAX_MATERIAL} bytes")
        with self._locked(fcntl.LOCK_EX):
            now = self._load()
            if name in now.destroyed:
                raise KeyDestroyed("a key of that name was destroyed")
            if name in now.keys:
                raise KeyExists("there is a key of that name")
            self._write(now.adding(name, material), self._roots.get(now.root))

    def get(self, name: str) -> bytes:
        """See `Keystore.get`."""
        now = self._now()
        if name in now.destroyed:
            raise KeyDestroyed("the key was destroyed")
        if name not in now.keys:
            raise UnknownKey("there is no key of that name")
        return now.keys[name]

    def get_or_create(self, name: str) -> bytes:
        """See `Keystore.get_or_create`."""
        with contextlib.suppress(UnknownKey):
            return self.get(name)
        try:
            return self.create(name)
        except KeyExists:  # another process was quicker
            return self.get(name)

    def wrap(self, name: str, data_key: bytes) -> bytes:
        """See `Keystore.wrap`."""
        if len(data_key) not in {16, 24, 32}:
            raise BadFormat("a data key is 16, 24 or 32 bytes")
        return aes_key_wrap(self._wrapping_key(name), data_key)

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """See `Keystore.unwrap`."""
        key = self._wrapping_key(name)
        try:
            return aes_key_unwrap(key, wrapped)
        except (InvalidUnwrap, ValueError) as error:
            raise CannotOpen from error

    def destroy(self, name: str) -> None:
        """See `Keystore.destroy`."""
        _check_name(name)
        with self._locked(fcntl.LOCK_EX):
            now = self._load()
            if name not in now.destroyed:
                root, key = self._roots.create()
                now = now.destroying(name, root)
                self._write(now, key, scrub=True)
            self._recover(now)

    def reseal(self, roots: RootProvider) -> None:
        """Seal the keystore under a fresh root of `roots` (the same provider, or another that takes over), and erase every older root.

        Other processes that have it open under another provider must be started again. KeystoreUnreadable if a provider does not answer:
        then the keystore is under the old root or the new one, opens with the provider of either, and this can be repeated.
        """
        with self._locked(fcntl.LOCK_EX):
            before, now = self._roots, self._load()
            root, key = roots.create()
            self._write(now.under(root), key, scrub=True)
            self._roots = roots
            for old in before.ids():
                if old != root:
                    before.erase(old)
            self._recover(self._load())

    def destroyed(self, name: str) -> bool:
        """See `Keystore.destroyed`."""
        return name in self._now().destroyed

    def names(self, prefix: str = "") -> list[str]:
        """See `Keystore.names`."""
        return self._now().beginning(prefix)

    def tombstones(self, prefix: str = "") -> list[str]:
        """See `Keystore.tombstones`."""
        return sorted(name for name in self._now().destroyed if name.startswith(prefix))

    def _wrapping_key(self, name: str) -> bytes:
        key = self.get(name)
        if len(key) != KEY:
            raise BadFormat("that key is not one to wrap with")
        return key

    def _now(self) -> Generation:
        """The current generation; re-read only if another process has written since."""
        with self._mutex:
            if self._generation is not None and self._stamp == self._look():
                return self._generation
            with self._locked(fcntl.LOCK_SH):
                return self._load()

    def _load(self) -> Generation:
        """Read the file, unless it is the one in memory. The lock is held, so file and roots fit together."""
        stamp = self._look()
        if self._generation is None or stamp != self._stamp:
            try:
                sealed = self._file.read_bytes()
            except OSError as error:
                raise KeystoreUnreadable("the keystore file cannot be read") from error
            found = Generation.unseal(sealed, self._roots.get(Generation.root_of(sealed)))
            if self._generation is not None and found.number < self._generation.number:
                raise KeystoreUnreadable("the keystore file is older than the one read before")
            self._generation, self._stamp = found, stamp
        return self._generation

    def _write(self, generation: Generation, key: bytes, *, scrub: bool = False) -> None:
        """Put the next generation in place; with `scrub`, overwrite what the old file's blocks held."""
        with opened_to_scrub(self._file) as scrub_old:
            replace(self._file, generation.seal(key))
            self._generation, self._stamp = generation, self._look()
            if scrub:
                scrub_old()

    def _recover(self, now: Generation) -> None:
        """Erase every root but the one that the file, just read or written, is sealed under; and what a crash left half done."""
        for root in self._roots.ids():
            if root != now.root:
                self._roots.erase(root)
        remove_unfinished(self._folder)

    def _look(self) -> bytes:
        """The first bytes of the file, random nonce included: no two files share them, as inode and time stamp could."""
        try:
            with self._file.open("rb", buffering=0) as file:
                return file.read(UNIQUE)
        except OSError as error:
            raise KeystoreUnreadable("there is no keystore here") from error

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with self._mutex:
            try:
                descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise KeystoreUnreadable("there is no keystore here") from error
            try:
                fcntl.flock(descriptor, how)  # given back when the descriptor is closed, also by a crash
                yield
            finally:
                os.close(descriptor)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise BadFormat(f"a key name is 1 to {MAX_NAME} printable characters")
