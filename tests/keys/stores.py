"""Keystores to test with."""

from dataclasses import dataclass
from pathlib import Path

from keys.errors import KeystoreUnreadable
from keys.generation import Generation
from keys.keystore import SealedFileKeystore
from keys.places import FILE
from keys.providers import CredentialFileRoots


@dataclass
class Place:
    """A keystore's folders, and its root provider."""

    folder: Path
    roots: CredentialFileRoots

    @property
    def file(self) -> Path:
        return self.folder / FILE

    def open(self) -> SealedFileKeystore:
        return SealedFileKeystore(self.folder, self.roots)


def opens(sealed: bytes, roots: CredentialFileRoots) -> Generation | None:
    """What anyone with these roots can read of a keystore file: its own root and every other is tried."""
    for root in roots.ids():
        forged = sealed[:14] + bytes.fromhex(root) + sealed[30:]
        for candidate in (sealed, forged):
            try:
                return Generation.unseal(candidate, roots.get(root))
            except KeystoreUnreadable:
                continue
    return None
