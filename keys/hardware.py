"""Roots under keys of a hardware module, by PKCS#11 (OASIS, version 2.40): an extra, since it needs a library that few hubs have.

Every root has an AES-256 key of its own in the token, sensitive and not extractable, labelled with the root's id, which is also the
associated data of AES-GCM. Erasing a root destroys its key in the token. A wrapped root is a nonce of 12 bytes, then ciphertext and tag.
"""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error

from keys.errors import KeystoreUnreadable
from keys.files import readable_by_others
from keys.places import RootShelf
from keys.providers import WrappedRoots

_NONCE = 12
_loaded: dict[str, int] = {}  # module → the process that initialised it
_one_at_a_time = threading.Lock()


class HardwareRoots(WrappedRoots):
    """Roots wrapped in the token labelled `token` of the PKCS#11 library `module`.

    Args:
        pin_file: file of the user's PIN, read at each use; readable by its owner alone, or its group.
        prefix: how the labels of the keys begin; another one for each hub that shares the token.
    """

    def __init__(
        self, place: str | Path | RootShelf, module: str | Path, token: str, pin_file: str | Path, *, prefix: str = "lcjp-root"
    ) -> None:
        super().__init__(place)
        self._module, self._token, self._pin_file, self._prefix = str(module), token, Path(pin_file), prefix

    def _wrap(self, root: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        with self._session() as session:
            made = session.generate_key(
                KeyType.AES, 256, label=self._label(root), store=True, template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
            )
            return nonce + bytes(made.encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=_bound(nonce, root)))

    def _unwrap(self, root: str, wrapped: bytes) -> bytes:
        nonce, sealed = wrapped[:_NONCE], wrapped[_NONCE:]
        with self._session() as session:
            found = self._keys(session, root)
            if not found:
                raise KeystoreUnreadable("the hardware module has no key for this root")
            return bytes(found[0].decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=_bound(nonce, root)))

    def _forget(self, root: str) -> None:
        with self._session() as session:
            for key in self._keys(session, root):
                key.destroy()
            if self._keys(session, root):
                raise KeystoreUnreadable("the hardware module still has a key that it was told to destroy")

    def _label(self, root: str) -> str:
        return f"{self._prefix}-{root}"

    def _keys(self, session: Any, root: str) -> list[Any]:
        return list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self._label(root)}))

    @contextmanager
    def _session(self) -> Iterator[Any]:
        with _one_at_a_time:
            try:
                with self._library().get_token(token_label=self._token).open(rw=True, user_pin=self._pin()) as session:
                    yield session
            except (PKCS11Error, RuntimeError, OSError) as error:
                raise KeystoreUnreadable(f"the hardware module refused ({type(error).__name__})") from error

    def _library(self) -> Any:
        """The library, initialised in this process: what a parent initialised is not usable after a fork (PKCS#11, section 5.4)."""
        library = pkcs11.lib(self._module)
        if _loaded.setdefault(self._module, os.getpid()) != os.getpid():
            library.reinitialize()
            _loaded[self._module] = os.getpid()
        return library

    def _pin(self) -> str:
        try:
            if readable_by_others(self._pin_file, group=False):
                raise KeystoreUnreadable("the file of the hardware module's PIN is readable by everyone")
            return self._pin_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise KeystoreUnreadable("the file of the hardware module's PIN cannot be read") from error


def _bound(nonce: bytes, root: str) -> GCMParams:
    return GCMParams(nonce=nonce, aad=root.encode())
