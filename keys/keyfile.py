"""Private key files of people and agencies: one JSON object, mode 0600, never overwritten."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from keys.documents import Document, Name, one_of, text
from keys.encoding import b64, canonical, parse_json, unb64
from keys.errors import BadFormat, KeystoreUnreadable, UnknownKey
from keys.files import readable_by_others, write_new
from keys.formats import Card
from keys.seal import EncryptionKey
from keys.sign import SigningKey


@dataclass(frozen=True)
class KeyFile:
    """A private key with the party or person that owns it and the role it plays."""

    key: SigningKey | EncryptionKey
    owner: str
    role: str

    @property
    def signing(self) -> SigningKey:
        """The key, if it is an Ed25519 one; BadFormat otherwise."""
        if not isinstance(self.key, SigningKey):
            raise BadFormat("kind: not a signing key")
        return self.key

    @property
    def encryption(self) -> EncryptionKey:
        """The key, if it is an X-Wing one; BadFormat otherwise."""
        if not isinstance(self.key, EncryptionKey):
            raise BadFormat("kind: not an encryption key")
        return self.key

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the public key."""
        return self.card().fingerprint

    def card(self) -> Card:
        """The public half, to hand out."""
        if isinstance(self.key, SigningKey):
            return Card("ed25519", self.owner, self.role, b64(self.key.public.raw))
        return Card("xwing", self.owner, self.role, b64(self.key.public))


@dataclass(frozen=True, repr=False)
class _Stored(Document):
    kind: Annotated[str, one_of("ed25519", "xwing")]  # a passkey's private half never leaves its device
    owner: Name
    role: Name
    private: Annotated[str, text(r"[A-Za-z0-9_-]+", "base64url")]


def write_keyfile(path: str | Path, key: SigningKey | EncryptionKey, *, owner: str, role: str) -> KeyFile:
    """Write a private key, readable by its owner only. KeyExists if `path` is there."""
    kind, private = ("ed25519", key.seed) if isinstance(key, SigningKey) else ("xwing", key.private)
    write_new(Path(path), canonical(_Stored(kind, owner, role, b64(private)).document()) + b"\n")
    return KeyFile(key, owner, role)


def read_keyfile(path: str | Path) -> KeyFile:
    """Read a private key. UnknownKey if there is none, KeystoreUnreadable if others may read it, BadFormat if it is no key file."""
    path = Path(path)
    try:
        shared = readable_by_others(path, group=True)
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UnknownKey("there is no key file of that name") from error
    if shared:
        raise KeystoreUnreadable("the key file is readable by others; make it private to its owner (chmod 600)")
    stored = _Stored.parse(parse_json(data))
    private = unb64(stored.private)
    key = SigningKey.from_seed(private) if stored.kind == "ed25519" else EncryptionKey.from_private(private)
    return KeyFile(key, stored.owner, stored.role)
