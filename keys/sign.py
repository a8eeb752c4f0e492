"""Signatures: Ed25519 (RFC 8032), every one over a context string and the use it is made for."""

import hashlib
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keys.encoding import b64, canonical, unb64
from keys.errors import BadFormat, BadSignature

# The zero bytes keep these messages apart from everything else an Ed25519 key of ours may sign: a C2SP note and a JWT hold no zero byte.
SIGNATURE_CONTEXT = b"LCJP-Exchange signature v1\0"
FINGERPRINT_CONTEXT = b"LCJP-Exchange fingerprint v1\0ed25519\0"
MEMBERS = frozenset({"document", "use", "key", "public", "signature"})

_P = 2**255 - 19
# Points of small order, for which one signature fits many messages. Their y coordinates, as RFC 8032 encodes them, sign bit cleared.
_SMALL_ORDER = frozenset(
    {
        (0).to_bytes(32, "little"),
        (1).to_bytes(32, "little"),
        (_P - 1).to_bytes(32, "little"),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    }
)


class Use(StrEnum):
    """What a signed document is for; a signature made for one use is refused for every other."""

    MANIFEST = "manifest"
    ACKNOWLEDGEMENT = "acknowledgement"
    RECEIPT = "receipt"
    STATEMENT = "statement"
    EDITION = "edition"
    OUTPUT_CHECK = "output-check"
    WITHDRAWAL = "withdrawal"
    SEALING_KEY = "sealing-key"
    ENVELOPE = "envelope"
    CERTIFICATE = "certificate"
    CARD = "card"
    BACKUP = "backup"
    RIGHTS_REQUEST = "rights-request"
    RIGHTS_RECEIPT = "rights-receipt"
    LINKAGE_REQUEST = "linkage-request"
    LOG_SUCCESSION = "log-succession"


class VerifyKey:
    """A public Ed25519 key: 32 raw bytes. BadFormat unless it is a canonical point of full order as far as its encoding shows."""

    def __init__(self, raw: bytes) -> None:
        cleared = raw[:31] + bytes([raw[31] & 0x7F]) if len(raw) == 32 else b""
        if len(raw) != 32 or cleared in _SMALL_ORDER or int.from_bytes(cleared, "little") >= _P:
            raise BadFormat("not a usable Ed25519 public key")
        self.raw = bytes(raw)
        self._key = Ed25519PublicKey.from_public_bytes(self.raw)

    @property
    def fingerprint(self) -> str:
        """`ed25519:` and 64 hex: SHA-256 over a context string and the raw key. What agreements name and people compare."""
        return "ed25519:" + hashlib.sha256(FINGERPRINT_CONTEXT + self.raw).hexdigest()

    def verify(self, use: str, message: bytes, signature: bytes) -> None:
        """Raise BadSignature unless `signature` was made by this key, for this use, over this message."""
        self.verify_raw(_to_sign(use, message), signature)

    def verify_raw(self, message: bytes, signature: bytes) -> None:
        """As `verify`, over the bare message: only for formats of others (C2SP notes) that leave no room for a context."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature as error:
            raise BadSignature("the signature does not verify") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(self.raw)


class SigningKey:
    """A private Ed25519 key, made by `generate` or from its 32-byte seed."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> Self:
        """A new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key whose RFC 8032 private key is these 32 bytes."""
        if len(seed) != 32:
            raise BadFormat("an Ed25519 seed is 32 bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes."""
        return self._key.private_bytes_raw()

    @property
    def public(self) -> VerifyKey:
        """The key that verifies what this one signs."""
        return VerifyKey(self._key.public_key().public_bytes_raw())

    def sign(self, use: str, message: bytes) -> bytes:
        """64 bytes over context, use and message."""
        return self._key.sign(_to_sign(use, message))

    def sign_raw(self, message: bytes) -> bytes:
        """64 bytes over the bare message: only for formats of others (C2SP notes) that leave no room for a context."""
        if b"\0" in message:
            raise BadFormat("a bare message may not hold a zero byte, lest it pass for one of ours")
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.fingerprint})"


def _to_sign(use: str, message: bytes) -> bytes:
    name = use.encode("ascii", "strict") if use.isascii() else b""
    if not 0 < len(name) < 256:
        raise BadFormat("a use is 1 to 255 ASCII characters")
    return SIGNATURE_CONTEXT + bytes([len(name)]) + name + message


def sign_document(document: Mapping[str, Any], use: Use, key: SigningKey) -> dict[str, Any]:
    """The document with its signature beside it: members document, use, key (fingerprint), public and signature (base64url)."""
    public = key.public
    signature = key.sign(use, canonical(document))
    return {
        "document": dict(document),
        "use": str(use),
        "key": public.fingerprint,
        "public": b64(public.raw),
        "signature": b64(signature),
    }


def verify_document(signed: object, use: Use, trusted: str | Collection[str]) -> dict[str, Any]:
    """Return the document if one of the `trusted` fingerprints signed it for `use`.

    BadFormat if its members are not exactly the five of `sign_document`; BadSignature for anything else, an empty `trusted` included.
    """
    if not isinstance(signed, Mapping) or set(signed) != MEMBERS:
        raise BadFormat("a signed document has exactly the members document, key, public, signature and use")
    document = signed["document"]
    if not isinstance(document, dict):
        raise BadFormat("document: not an object")
    allowed = {trusted} if isinstance(trusted, str) else set(trusted)
    public = VerifyKey(unb64(signed["public"], 32))
    if signed["use"] != str(use):
        raise BadSignature("signed for another use")
    if signed["key"] != public.fingerprint:
        raise BadSignature("the fingerprint is not that of the public key")
    if public.fingerprint not in allowed:
        raise BadSignature("not signed by a key that may sign this")
    public.verify(use, canonical(document), unb64(signed["signature"], 64))
    return document
