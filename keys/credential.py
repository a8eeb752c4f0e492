"""The public half of a passkey: where it may be used, and its key in one form (COSE, RFC 9052; CTAP2 canonical CBOR)."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography, encode_cbor, parse_cbor
from webauthn.helpers.exceptions import WebAuthnException

from keys.encoding import framed
from keys.errors import BadFormat, KeysError
from keys.sign import VerifyKey

FINGERPRINT_CONTEXT = b"LCJP-Exchange fingerprint v1\0passkey\0"

_RAW_LIMIT = 2048  # of which an RSA key of 8,192 bits takes half
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"(?=.{{1,253}}(?::|\Z)){_LABEL}(?:\.{_LABEL})*"
_ORIGIN = re.compile(rf"(https?)://({_HOST})(?::([1-9][0-9]{{0,4}}))?\Z")


@contextmanager
def library(error: type[KeysError], meaning: str) -> Iterator[None]:
    """What the library and `cryptography` raise for what they are given, as one error of ours that quotes none of it."""
    try:
        yield
    except (WebAuthnException, InvalidSignature, UnsupportedAlgorithm) as cause:
        raise error(meaning) from cause
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as cause:  # of malformed CBOR
        raise error(meaning) from cause


@dataclass(frozen=True)
class Passkey:
    """A passkey's public half. BadFormat unless the relying party fits the origin and the key is of a kind accepted here, in one form.

    Attributes:
        rp_id: the relying party's domain: the origin's host, or a domain above it of at least two labels.
        origin: scheme, host and port as a browser writes them: https, or http on localhost.
        cose: the COSE_Key (RFC 9052, RFC 8230) in CTAP2 canonical CBOR: ES256 on P-256, Ed25519, or RS256 of 2,048 bits at least.
    """

    rp_id: str
    origin: str
    cose: bytes

    def __post_init__(self) -> None:
        _check_origin(self.rp_id, self.origin)
        if canonical_cose(self.cose) != self.cose:
            raise BadFormat("a passkey's key is not in canonical form")

    @property
    def raw(self) -> bytes:
        """What cards carry and fingerprints cover: rp_id, origin and key, framed."""
        return framed(self.rp_id, self.origin, self.cose)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """The reverse of `raw`; BadFormat for bytes that `raw` would not give."""
        if len(raw) > _RAW_LIMIT:
            raise BadFormat("too long for a passkey")
        bodies, start = [], 0
        for _ in range(3):
            end = start + 5 + int.from_bytes(raw[start + 1 : start + 5], "big")
            bodies.append(raw[start + 5 : end])
            start = end
        if not bodies[0].isascii() or not bodies[1].isascii():
            raise BadFormat("a passkey's domain and origin are ASCII")
        found = cls(bodies[0].decode("ascii"), bodies[1].decode("ascii"), bodies[2])
        if found.raw != raw:
            raise BadFormat("not a passkey's public half")
        return found

    @property
    def fingerprint(self) -> str:
        """`passkey:` and 64 hex: SHA-256 over a context string and `raw`. What agreements name and people compare."""
        return "passkey:" + hashlib.sha256(FINGERPRINT_CONTEXT + self.raw).hexdigest()


def _check_origin(rp_id: str, origin: str) -> None:
    found = _ORIGIN.match(origin)
    scheme, host, port = found.groups() if found else ("", "", None)
    if (
        not found
        or host.rpartition(".")[2].isdigit()
        or (port and int(port) > 65535)
        or (scheme, port) in {("https", "443"), ("http", "80")}
    ):
        raise BadFormat("a passkey's origin is https:// and a domain, as a browser writes it")
    if scheme == "http" and host != "localhost":
        raise BadFormat("a passkey's origin is https, or http on localhost")
    if rp_id != host and not ("." in rp_id and host.endswith("." + rp_id)):
        raise BadFormat("a passkey's domain is its origin's host, or a domain of at least two labels above it")


def canonical_cose(cose: bytes) -> bytes:
    """A COSE_Key in CTAP2 canonical CBOR, so that a key has one fingerprint; BadFormat for kinds that are not accepted."""
    if not 0 < len(cose) <= _RAW_LIMIT:
        raise BadFormat("not a COSE key")
    with library(BadFormat, "not a COSE key"):
        written = encode_cbor(_members(parse_cbor(cose)))
        decoded_public_key_to_cryptography(decode_credential_public_key(written))  # refuses points that are not on the curve
    return written


def _members(found: Any) -> dict[int, Any]:
    """Labels and values of RFC 9053 and RFC 8230, written anew: what CBOR calls equal (true and 1) is one value here."""
    match found:
        case {1: 2, 3: -7, -1: 1, -2: bytes(x), -3: bytes(y)} if len(found) == 5 and len(x) == len(y) == 32:
            return {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        case {1: 1, 3: -8, -1: 6, -2: bytes(x)} if len(found) == 4:
            return {1: 1, 3: -8, -1: 6, -2: VerifyKey(x).raw}
        case {1: 3, 3: -257, -1: bytes(n), -2: b"\x01\x00\x01"} if len(found) == 4 and n[:1] > b"\0":
            if 2048 <= int.from_bytes(n, "big").bit_length() <= 8192 and n[-1] & 1:
                return {1: 3, 3: -257, -1: n, -2: b"\x01\x00\x01"}
    raise BadFormat("a passkey's key is ES256 on P-256, Ed25519, or RS256 of 2,048 to 8,192 bits")
