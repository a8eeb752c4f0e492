"""Public keys of clients that sign with ES256: ECDSA over P-256 with SHA-256 (FIPS 186-5, RFC 7518 section 3.4). Nothing of ours signs so."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.errors import BadFormat, BadSignature

FINGERPRINT_CONTEXT = b"LCJP-Exchange fingerprint v1\0es256\0"
PUBLIC_LENGTH = 65

_UNCOMPRESSED = 0x04
# P-256 (SP 800-186 section 3.2.1.3): the prime of its field, and the order of its group. The group has no smaller one in it.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Es256Key:
    """A public P-256 key: 65 bytes, 04 ‖ x ‖ y (SEC 1 section 2.3.3, uncompressed, big-endian). BadFormat for every other spelling of a point,
    so that a key has one fingerprint, and unless the point is on the curve.
    """

    def __init__(self, raw: bytes) -> None:
        places = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
        if len(raw) != PUBLIC_LENGTH or raw[0] != _UNCOMPRESSED or max(places) >= _P:
            raise BadFormat("not a usable P-256 public key")
        self.raw = bytes(raw)
        try:
            self._key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), self.raw)
        except ValueError as error:
            raise BadFormat("not a usable P-256 public key") from error

    @property
    def fingerprint(self) -> str:
        """`es256:` and 64 hex: SHA-256 over a context string and the 65 raw bytes. What agreements name and people compare."""
        return "es256:" + hashlib.sha256(FINGERPRINT_CONTEXT + self.raw).hexdigest()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raise BadSignature unless this key made `signature` over the bare message.

        A signature is r ‖ s, two numbers of 32 bytes, big-endian (IEEE P1363, as RFC 7518 has it); never DER. Where r ‖ s verifies, so does
        r ‖ n − s: a signature names no message, and nothing may be counted by it.
        """
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if len(signature) != 64 or not 0 < r < _N or not 0 < s < _N:
            raise BadSignature("the signature does not verify")
        try:
            self._key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
        except InvalidSignature as error:
            raise BadSignature("the signature does not verify") from error
