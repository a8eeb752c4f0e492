"""Sealing for one recipient: HPKE single shot (RFC 9180, base mode) with X-Wing (ML-KEM-768 and X25519), HKDF-SHA256, AES-256-GCM."""

import hashlib
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from keys.encoding import framed
from keys.errors import BadFormat, CannotOpen

MAGIC = b"LCJPS"
VERSION = 1
XWING_HKDF_SHA256_AES256GCM = 1
HEADER = MAGIC + bytes([VERSION, XWING_HKDF_SHA256_AES256GCM])
INFO_CONTEXT = b"LCJP-Exchange seal v1\0"
FINGERPRINT_CONTEXT = b"LCJP-Exchange fingerprint v1\0xwing\0"
MLKEM_SEED, MLKEM_PUBLIC, X25519_LENGTH = 64, 1184, 32
PRIVATE_LENGTH = MLKEM_SEED + X25519_LENGTH
PUBLIC_LENGTH = MLKEM_PUBLIC + X25519_LENGTH
OVERHEAD = len(HEADER) + MLKEM_PUBLIC - 96 + X25519_LENGTH + 16  # ML-KEM-768 ciphertext 1088, X25519 share 32, tag 16

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class EncryptionKey:
    """A private X-Wing key. `private` is the ML-KEM-768 seed (d ‖ z, 64 bytes) ‖ the X25519 scalar (32 bytes); `hpke` is for this module."""

    def __init__(self, mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> None:
        self._mlkem, self._x25519 = mlkem, x25519
        self.hpke = MLKEM768X25519PrivateKey(mlkem, x25519)

    @classmethod
    def generate(cls) -> Self:
        """A new random key."""
        return cls(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    @classmethod
    def from_private(cls, private: bytes) -> Self:
        """The key whose `private` is these 96 bytes."""
        if len(private) != PRIVATE_LENGTH:
            raise BadFormat(f"an X-Wing private key is {PRIVATE_LENGTH} bytes")
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(private[:MLKEM_SEED]),
            X25519PrivateKey.from_private_bytes(private[MLKEM_SEED:]),
        )

    @property
    def private(self) -> bytes:
        """The 96 secret bytes."""
        return self._mlkem.private_bytes_raw() + self._x25519.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The 1216 public bytes: ML-KEM-768 encapsulation key ‖ X25519 public key, the order of the X-Wing draft."""
        return self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """See `encryption_fingerprint`."""
        return encryption_fingerprint(self.public)

    def __repr__(self) -> str:
        return f"EncryptionKey({self.fingerprint})"


def encryption_fingerprint(public: bytes) -> str:
    """`xwing:` and 64 hex: SHA-256 over a context string and the 1216 raw bytes."""
    if len(public) != PUBLIC_LENGTH:
        raise BadFormat(f"an X-Wing public key is {PUBLIC_LENGTH} bytes")
    return "xwing:" + hashlib.sha256(FINGERPRINT_CONTEXT + public).hexdigest()


def seal(plaintext: bytes | memoryview, public: bytes, info: bytes) -> bytes:
    """HEADER ‖ enc ‖ ciphertext, `OVERHEAD` bytes longer than the plaintext. `info` must be given again to open. BadFormat on a bad key."""
    if len(public) != PUBLIC_LENGTH:
        raise BadFormat(f"an X-Wing public key is {PUBLIC_LENGTH} bytes")
    try:
        recipient = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC:]),
        )
        return HEADER + _SUITE.encrypt(plaintext, recipient, _info(info))
    except ValueError as error:  # a coefficient out of range, or an X25519 share that gives the all-zero secret
        raise BadFormat("not a usable X-Wing public key") from error


def unseal(sealed: bytes | memoryview, key: EncryptionKey, info: bytes) -> bytes:
    """The plaintext, or CannotOpen for every failure alike."""
    view = memoryview(sealed)
    if len(view) < OVERHEAD or view[: len(HEADER)] != HEADER:
        raise CannotOpen
    try:
        return _SUITE.decrypt(view[len(HEADER) :], key.hpke, _info(info))
    except (InvalidTag, ValueError) as error:
        raise CannotOpen from error


def _info(info: bytes) -> bytes:
    # The header is bound too: a sealed thing relabelled to another version or suite does not open.
    return INFO_CONTEXT + HEADER + info


def part_info(*, agreement: str, dataset: str, supplier: str, upload: str, part: int) -> bytes:
    """What a sealed part is bound to: agreement digest (`sha256:…`), dataset, supplier, upload id and part number (counted from 1)."""
    return framed("part", 1, agreement, dataset, supplier, upload, part)


def envelope_info(*, reference: str, epoch: int, issuer: str, recipient: str) -> bytes:
    """What a sealed linkage secret is bound to: agreement reference, epoch, issuing and receiving party."""
    return framed("envelope", 1, reference, epoch, issuer, recipient)


def linkage_info(*, agreement: str, supplier: str, request: str) -> bytes:
    """What the sealed pair of a request about linkage is bound to: agreement digest, supplier and request id."""
    return framed("linkage request", 1, agreement, supplier, request)


def rights_info(*, agreement: str, supplier: str, request: str) -> bytes:
    """What the sealed pseudonyms of a request about people's rights are bound to: agreement digest, supplier and request id."""
    return framed("rights", 1, agreement, supplier, request)
