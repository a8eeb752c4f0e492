"""Root keys, which the keystore file is sealed under: kept outside every backup, so that an old keystore cannot be opened.

Every provider keeps a root as a file of a shelf (`keys.places`: a folder, or what several hosts share), wrapped by something that is not in the folder: a key made from a credential (here), a key of its own
in a key service (`keys.transit`) or in a hardware module (`keys.hardware`). Where the wrapping key is the root's own, erasing destroys it
as well, and a copy of the file that somebody kept is worth nothing even with the service at hand.
"""

import re
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from keys.derive import derive
from keys.errors import KeyExists, KeystoreUnreadable
from keys.files import readable_by_others
from keys.places import FolderShelf, RootShelf

ROOT = 32
ROOT_ID = re.compile(r"[0-9a-f]{32}")
MIN_CREDENTIAL = 32
_PREFIX = "root-"
_NUMBERED = "0" * 8


def pending(root: str, number: int) -> bool:
    """Whether this root was made for a generation later than `number`: somebody may be about to seal under it, or has died before."""
    return root.startswith(_NUMBERED) and int(root[:16], 16) > number


class RootProvider(Protocol):
    """Where root keys live: a folder sealed by a credential, a key service, a hardware module."""

    def create(self, number: int | None = None) -> tuple[str, bytes]:
        """A new random root: its id (32 hex) and its 32 bytes. Durable on return.

        Where several hosts share a keystore, the id begins with the number of the generation that it is made for (16 hex, 8 zeros first).
        """

    def get(self, root: str) -> bytes:
        """The 32 bytes of a root. KeystoreUnreadable if it is not there or does not open."""

    def erase(self, root: str) -> None:
        """Make a root unreadable for ever. Durable on return; nothing happens if it is gone."""

    def ids(self) -> list[str]:
        """The ids of all roots that exist."""


class WrappedRoots(ABC):
    """Roots as wrapped files on a shelf, or in a folder (made with mode 0700 for the first one). Keep it outside every backup and snapshot."""

    def __init__(self, place: str | Path | RootShelf) -> None:
        self._shelf: RootShelf = FolderShelf(Path(place)) if isinstance(place, str | Path) else place

    def create(self, number: int | None = None) -> tuple[str, bytes]:
        """See `RootProvider.create`."""
        root = secrets.token_hex(16) if number is None else f"{number:016x}{secrets.token_hex(8)}"
        key = secrets.token_bytes(ROOT)
        if self._shelf.create(_name(root), self._wrap(root, key)) is None:
            raise KeyExists("there is a root key of that id")
        return root, key

    def get(self, root: str) -> bytes:
        """See `RootProvider.get`."""
        found = self._shelf.read(_name(root))
        if found is None:
            raise KeystoreUnreadable("the root key of this keystore file is not there")
        key = self._unwrap(root, found[0])
        if len(key) != ROOT:
            raise KeystoreUnreadable("the root key is not of the length of one")
        return key

    def erase(self, root: str) -> None:
        """See `RootProvider.erase`."""
        if self._shelf.stamp(_name(root)) is not None:
            self._forget(root)
            self._shelf.erase(_name(root))

    def ids(self) -> list[str]:
        """See `RootProvider.ids`."""
        names = (name.removeprefix(_PREFIX) for name in self._shelf.names(_PREFIX))
        return sorted(name for name in names if ROOT_ID.fullmatch(name))

    @abstractmethod
    def _wrap(self, root: str, key: bytes) -> bytes:
        """The root's bytes, wrapped and bound to its id. KeystoreUnreadable if it cannot be done now."""

    @abstractmethod
    def _unwrap(self, root: str, wrapped: bytes) -> bytes:
        """The reverse of `_wrap`. KeystoreUnreadable."""

    @abstractmethod
    def _forget(self, root: str) -> None:
        """Destroy what wraps this root alone, if there is such a thing; nothing happens if it is gone. KeystoreUnreadable if it may still be there."""


def _name(root: str) -> str:
    if not ROOT_ID.fullmatch(root):
        raise KeystoreUnreadable("not a root key id")
    return f"{_PREFIX}{root}"


class CredentialFileRoots(WrappedRoots):
    """Roots wrapped (AES-KW, RFC 3394) under a key derived from the bytes of a credential file.

    The credential (at least 32 random bytes, as `systemd-creds` or an orchestrator hands over) is read at each use and never stored;
    KeystoreUnreadable if it is missing, short, or readable by everyone. It wraps every root: what makes an old one unreadable is that its file was
    overwritten and removed, so the folder must be where no copy-on-write or snapshot keeps it.
    """

    def __init__(self, place: str | Path | RootShelf, credential_file: str | Path) -> None:
        super().__init__(place)
        self._credential = Path(credential_file)

    def _wrap(self, root: str, key: bytes) -> bytes:
        return aes_key_wrap(self._wrapping_key(root), key)

    def _unwrap(self, root: str, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap(self._wrapping_key(root), wrapped)
        except (InvalidUnwrap, ValueError) as error:
            raise KeystoreUnreadable("the root key does not open with this credential") from error

    def _forget(self, root: str) -> None:
        """The credential wraps all of them; the file is all there is."""

    def _wrapping_key(self, root: str) -> bytes:
        try:
            shared = readable_by_others(self._credential, group=False)
            credential = self._credential.read_bytes()
        except OSError as error:
            raise KeystoreUnreadable("the credential file cannot be read") from error
        if shared:
            raise KeystoreUnreadable("the credential file is readable by everyone")
        if len(credential) < MIN_CREDENTIAL:
            raise KeystoreUnreadable(f"the credential file holds fewer than {MIN_CREDENTIAL} bytes")
        return derive(credential, "keystore-root", root)
