"""Root keys, which the keystore file is sealed under: kept outside every backup, so that an old keystore cannot be opened.

Every provider keeps a root as a file, wrapped by something that is not in the folder: a key made from a credential (here), a key of its own
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
from keys.errors import KeystoreUnreadable
from keys.files import erase, readable_by_others, write_new

ROOT = 32
ROOT_ID = re.compile(r"[0-9a-f]{32}")
MIN_CREDENTIAL = 32
_PREFIX = "root-"


class RootProvider(Protocol):
    """Where root keys live: a folder sealed by a credential, a key service, a hardware module."""

    def create(self) -> tuple[str, bytes]:
        """A new random root: its id (32 hex) and its 32 bytes. Durable on return."""
        ...

    def get(self, root: str) -> bytes:
        """The 32 bytes of a root. KeystoreUnreadable if it is not there or does not open."""
        ...

    def erase(self, root: str) -> None:
        """Make a root unreadable for ever. Durable on return; nothing happens if it is gone."""
        ...

    def ids(self) -> list[str]:
        """The ids of all roots that exist."""
        ...


class WrappedRoots(ABC):
    """Roots as wrapped files in `folder` (made with mode 0700 for the first one). Keep the folder outside every backup and snapshot."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def create(self) -> tuple[str, bytes]:
        """See `RootProvider.create`."""
        root, key = secrets.token_hex(16), secrets.token_bytes(ROOT)
        wrapped = self._wrap(root, key)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(self._path(root), wrapped)
        return root, key

    def get(self, root: str) -> bytes:
        """See `RootProvider.get`."""
        try:
            wrapped = self._path(root).read_bytes()
        except OSError as error:
            raise KeystoreUnreadable("the root key of this keystore file is not there") from error
        key = self._unwrap(root, wrapped)
        if len(key) != ROOT:
            raise KeystoreUnreadable("the root key is not of the length of one")
        return key

    def erase(self, root: str) -> None:
        """See `RootProvider.erase`."""
        path = self._path(root)
        if path.exists():
            self._forget(root)
            erase(path)

    def ids(self) -> list[str]:
        """See `RootProvider.ids`."""
        names = (path.name.removeprefix(_PREFIX) for path in self._folder.glob(f"{_PREFIX}*"))
        return sorted(name for name in names if ROOT_ID.fullmatch(name))

    def _path(self, root: str) -> Path:
        if not ROOT_ID.fullmatch(root):
            raise KeystoreUnreadable("not a root key id")
        return self._folder / f"{_PREFIX}{root}"

    @abstractmethod
    def _wrap(self, root: str, key: bytes) -> bytes:
        """The root's bytes, wrapped and bound to its id. KeystoreUnreadable if it cannot be done now."""

    @abstractmethod
    def _unwrap(self, root: str, wrapped: bytes) -> bytes:
        """The reverse of `_wrap`. KeystoreUnreadable."""

    @abstractmethod
    def _forget(self, root: str) -> None:
        """Destroy what wraps this root alone, if there is such a thing; nothing happens if it is gone. KeystoreUnreadable if it may still be there."""


class CredentialFileRoots(WrappedRoots):
    """Roots wrapped (AES-KW, RFC 3394) under a key derived from the bytes of a credential file.

    The credential (at least 32 random bytes, as `systemd-creds` or an orchestrator hands over) is read at each use and never stored;
    KeystoreUnreadable if it is missing, short, or readable by everyone. It wraps every root: what makes an old one unreadable is that its file was
    overwritten and removed, so the folder must be where no copy-on-write or snapshot keeps it.
    """

    def __init__(self, folder: str | Path, credential_file: str | Path) -> None:
        super().__init__(folder)
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
