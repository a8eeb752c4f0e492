"""One generation of the keystore file: its keys and tombstones, sealed as one."""

import secrets
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.derive import derive
from keys.encoding import b64, canonical, parse_json, unb64
from keys.errors import BadFormat, KeystoreUnreadable

MAGIC = b"LCJPK\x01"
CONTEXT = b"LCJP-Exchange keystore v1\0"
NONCE = 12
_HEADER = len(MAGIC) + 8 + 16
UNIQUE = _HEADER + NONCE  # the bytes at the front that no two files share
_LIMIT = 1 << 28


@dataclass(frozen=True)
class Generation:
    """The content of one file: number (1 upwards), id of the root it is sealed under, name → material, destroyed name → generation."""

    number: int
    root: str
    keys: Mapping[str, bytes] = field(repr=False)  # so that no traceback or log shows them
    destroyed: Mapping[str, int]

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.keys)

    def beginning(self, prefix: str) -> list[str]:
        """The names that begin so, sorted. Asked at every request, of a keystore that may hold one key a submission."""
        found = []
        for at in range(bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[at].startswith(prefix):
                break
            found.append(self._sorted[at])
        return found

    def adding(self, name: str, material: bytes) -> "Generation":
        """The next generation, with a key more, under the same root."""
        return Generation(self.number + 1, self.root, {**self.keys, name: bytes(material)}, self.destroyed)

    def destroying(self, name: str, root: str) -> "Generation":
        """The next generation, with a tombstone more and that key gone, under another root."""
        keys = {other: material for other, material in self.keys.items() if other != name}
        return Generation(self.number + 1, root, keys, {**self.destroyed, name: self.number + 1})

    def under(self, root: str) -> "Generation":
        """The next generation, with the same keys, under another root."""
        return Generation(self.number + 1, root, self.keys, self.destroyed)

    def seal(self, root_key: bytes) -> bytes:
        """MAGIC ‖ number (u64) ‖ root id (16) ‖ nonce (12) ‖ AES-256-GCM of the canonical JSON, all before it authenticated."""
        header = MAGIC + self.number.to_bytes(8, "big") + bytes.fromhex(self.root)
        nonce = secrets.token_bytes(NONCE)
        body = canonical({"destroyed": self.destroyed, "keys": {name: b64(material) for name, material in self.keys.items()}})
        return header + nonce + _cipher(root_key, self.number).encrypt(nonce, body, CONTEXT + header)

    @staticmethod
    def root_of(sealed: bytes) -> str:
        """The id of the root that a file says it is sealed under."""
        if len(sealed) < _HEADER + NONCE + 16 or not sealed.startswith(MAGIC):
            raise KeystoreUnreadable("not a keystore file")
        return sealed[_HEADER - 16 : _HEADER].hex()

    @classmethod
    def unseal(cls, sealed: bytes, root_key: bytes) -> Self:
        """Open a file. KeystoreUnreadable if it was altered or sealed under another root."""
        root = cls.root_of(sealed)
        header, nonce, body = sealed[:_HEADER], sealed[_HEADER : _HEADER + NONCE], sealed[_HEADER + NONCE :]
        number = int.from_bytes(header[len(MAGIC) : len(MAGIC) + 8], "big")
        try:
            opened = parse_json(_cipher(root_key, number).decrypt(nonce, body, CONTEXT + header), limit=_LIMIT)
            keys = {name: unb64(material) for name, material in opened["keys"].items()}
            return cls(number, root, keys, opened["destroyed"])
        except (InvalidTag, BadFormat) as error:
            raise KeystoreUnreadable("the keystore file was altered, or is not of this root") from error


def _cipher(root_key: bytes, number: int) -> AESGCM:
    # One key a generation: random nonces never meet under one key, however often a root seals.
    return AESGCM(derive(root_key, "keystore-file", number))
