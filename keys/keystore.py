"""Named keys, apart from the database and its backups, whose destruction lasts.

`SealedFileKeystore` keeps them in one file a generation (`keys.places`: a folder, or what several hosts share), sealed under a root key.
Every destruction seals the next generation under a fresh root and erases the old one, so that no copy of an older file can be opened with
the roots that remain.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, Self

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from keys.errors import BadFormat, CannotOpen, KeyDestroyed, KeyExists, KeysError, KeystoreUnreadable, UnknownKey
from keys.generation import Generation
from keys.places import FolderPlace, Outrun, Place
from keys.providers import RootProvider, pending

KEY = 32
MAX_NAME = 255
MAX_MATERIAL = 1 << 16
LENIENT = 1.0
"""Seconds for which a place that several hosts share is not asked again about the keys that the caller says may be so old."""
_OUTRUN = 200  # times in a row: somebody else was quicker each time, so all of them together get on


class Keystore(Protocol):
    """What every keystore offers. Names are 1 to 255 printable characters. Safe between threads and processes."""

    def create(self, name: str) -> bytes:
        """A new random 32-byte key. KeyExists, KeyDestroyed."""

    def put(self, name: str, material: bytes) -> None:
        """Keep given material (1 to 65,536 bytes). KeyExists, KeyDestroyed."""

    def get(self, name: str) -> bytes:
        """The material. UnknownKey, KeyDestroyed."""

    def get_or_create(self, name: str) -> bytes:
        """The material, or a new 32-byte key if there never was one. KeyDestroyed."""

    def wrap(self, name: str, data_key: bytes) -> bytes:
        """A data key wrapped under a 32-byte key (AES-KW, RFC 3394), 8 bytes longer. UnknownKey, KeyDestroyed."""

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The reverse of `wrap`. CannotOpen, UnknownKey, KeyDestroyed."""

    def destroy(self, name: str) -> None:
        """Destroy a key for ever and leave a tombstone, also for a name never used. Done only when it returns; repeat it if it raised."""

    def destroyed(self, name: str) -> bool:
        """Whether there is a tombstone of that name."""

    def names(self, prefix: str = "") -> list[str]:
        """The names of live keys that begin so, sorted."""

    def tombstones(self, prefix: str = "") -> list[str]:
        """The names of destroyed keys that begin so, sorted."""

    def probe(self) -> None:
        """Find out whether it could be changed now, and opened again. KeystoreUnreadable."""


class SealedFileKeystore:
    """The keystore in one sealed file of a folder, or of a place that several hosts share. Opening it finishes what a crash interrupted.

    Where nobody can be kept out, every change names the generation that it follows: who was outrun reads again. A root is then made for one
    generation, and erased only once that is there (`keys.providers.pending`): nobody erases what another is about to seal under.

    Args:
        lenient: beginnings of names that, in such a place, may be read as they were up to `LENIENT` seconds ago.

    KeystoreUnreadable if it is not there.
    """

    def __init__(self, place: str | Path | Place, roots: RootProvider, *, lenient: tuple[str, ...] = ()) -> None:
        self._place: Place = FolderPlace(Path(place)) if isinstance(place, str | Path) else place
        self._roots, self._lenient = roots, lenient
        self._mutex = threading.RLock()
        self._stamp, self._looked = b"", 0.0
        self._generation: Generation | None = None
        with self._locked(writing=True):
            self._recover(self._load())

    @classmethod
    def initialise(cls, place: str | Path | Place, roots: RootProvider, *, lenient: tuple[str, ...] = ()) -> Self:
        """Make an empty keystore. KeyExists if there is one, or if there are roots already: they may belong to one that was lost."""
        where: Place = FolderPlace(Path(place)) if isinstance(place, str | Path) else place
        if roots.ids() or where.there():
            raise KeyExists("there is a keystore, or the roots of one, already")
        root, key = roots.create(None if where.alone else 1)
        try:
            where.create(Generation(1, root, {}, {}).seal(key))
        except BaseException:
            with contextlib.suppress(KeysError):
                roots.erase(root)
            raise
        return cls(where, roots, lenient=lenient)

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
        tried = False

        def step(now: Generation) -> None:
            nonlocal tried
            if name in now.destroyed:
                raise KeyDestroyed("a key of that name was destroyed")
            if name in now.keys:
                if tried and now.keys[name] == material:  # written before, though this was not learnt
                    return
                raise KeyExists("there is a key of that name")
            tried = True
            self._write(now.adding(name, material), self._roots.get(now.root))

        self._change(step)

    def get(self, name: str) -> bytes:
        """See `Keystore.get`."""
        now = self._now(name)
        if name not in now.keys and name not in now.destroyed:
            now = self._now()  # made a moment ago, maybe
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

        def step(now: Generation) -> None:
            if name not in now.destroyed:
                root, key = self._new_root(self._roots, now)
                now = now.destroying(name, root)
                self._write(now, key, scrub=True)
            self._recover(now)

        self._change(step)

    def reseal(self, roots: RootProvider) -> None:
        """Seal the keystore under a fresh root of `roots` (the same provider, or another that takes over), and erase every older root.

        Other processes that have it open under another provider must be started again. KeystoreUnreadable if a provider does not answer:
        then the keystore is under the old root or the new one, opens with the provider of either, and this can be repeated.
        """

        def step(now: Generation) -> None:
            before = self._roots
            root, key = self._new_root(roots, now)
            now = now.under(root)
            self._write(now, key, scrub=True)
            self._roots = roots
            self._erase_all_but(now, before)
            self._recover(now)

        self._change(step)

    def destroyed(self, name: str) -> bool:
        """See `Keystore.destroyed`."""
        return name in self._now().destroyed

    def names(self, prefix: str = "") -> list[str]:
        """See `Keystore.names`."""
        return self._now(prefix).beginning(prefix)

    def tombstones(self, prefix: str = "") -> list[str]:
        """See `Keystore.tombstones`."""
        return sorted(name for name in self._now().destroyed if name.startswith(prefix))

    def probe(self) -> None:
        """See `Keystore.probe`: the root is asked for anew, as every change and every opening asks for it."""
        self._roots.get(self._now().root)

    def _wrapping_key(self, name: str) -> bytes:
        key = self.get(name)
        if len(key) != KEY:
            raise BadFormat("that key is not one to wrap with")
        return key

    def _now(self, name: str = "") -> Generation:
        """The current generation; re-read only if another process has written since. ``name``: what is asked for."""
        with self._mutex:
            if self._generation is not None and (self._may_be_old(name) or self._stamp == self._look()):
                return self._generation
            with self._locked(writing=False):
                return self._load()

    def _may_be_old(self, name: str) -> bool:
        recent = time.monotonic() - self._looked < LENIENT
        return recent and not self._place.alone and bool(self._lenient) and name.startswith(self._lenient)

    def _look(self) -> bytes:
        at = time.monotonic()
        stamp = self._place.look()
        self._looked = at
        return stamp

    def _change(self, step: Callable[[Generation], None]) -> None:
        """Do a step on the newest generation; again on a newer one where another process was quicker."""
        for _ in range(_OUTRUN):
            with self._locked(writing=True):
                now = self._load()
                try:
                    step(now)
                except Outrun:
                    continue
                except KeystoreUnreadable:
                    if self._place.alone or self._stamp == self._look():
                        raise
                    continue  # its root was erased by whoever wrote since
                return
        raise KeystoreUnreadable("others change the keystore all the time")

    def _load(self) -> Generation:
        """Read the file, unless it is the one in memory. Under a lock file and roots fit together; without one they do if it stays the same."""
        for _ in range(_OUTRUN):
            if self._generation is not None and self._look() == self._stamp:
                return self._generation
            sealed, stamp = self._place.read()
            try:
                found = Generation.unseal(sealed, self._roots.get(Generation.root_of(sealed)))
            except KeystoreUnreadable:
                if self._place.alone or self._look() == stamp:
                    raise
                continue
            if self._generation is not None and found.number < self._generation.number:
                raise KeystoreUnreadable("the keystore file is older than the one read before")
            self._generation, self._stamp = found, stamp
            return found
        raise KeystoreUnreadable("others change the keystore all the time")

    def _write(self, generation: Generation, key: bytes, *, scrub: bool = False) -> None:
        """Put the next generation in place of the one in memory. Outrun."""
        self._stamp = self._place.replace(generation.seal(key), self._stamp, scrub=scrub)
        self._generation = generation

    def _new_root(self, roots: RootProvider, now: Generation) -> tuple[str, bytes]:
        return roots.create(None if self._place.alone else now.number + 1)

    def _recover(self, now: Generation) -> None:
        """Erase every root but the one that the file, just read or written, is sealed under; and what a crash left half done."""
        self._erase_all_but(now, self._roots)
        self._place.tidy()

    def _erase_all_but(self, now: Generation, roots: RootProvider) -> None:
        for root in roots.ids():
            if root != now.root and (self._place.alone or not pending(root, now.number)):
                roots.erase(root)

    @contextlib.contextmanager
    def _locked(self, *, writing: bool) -> Iterator[None]:
        with self._mutex, self._place.locked(writing=writing):
            yield


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise BadFormat(f"a key name is 1 to {MAX_NAME} printable characters")
