"""The public half of a passkey: which places and keys are accepted, and that each has one form."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.credential import Passkey
from keys.encoding import framed
from keys.errors import BadFormat
from tests.keys.authenticator import COSE, EDDSA, ES256, OKP, ORIGIN, P256, RP_ID, RSA, p384_key, rsa_key


@pytest.mark.parametrize("algorithm", COSE)
def test_a_passkey_comes_back_from_its_bytes(algorithm: int) -> None:
    passkey = Passkey(RP_ID, ORIGIN, COSE[algorithm])
    assert Passkey.parse(passkey.raw) == passkey
    assert passkey.fingerprint.startswith("passkey:")
    assert len(passkey.fingerprint) == 72


def test_a_fingerprint_is_of_one_key_at_one_place() -> None:
    places = [(RP_ID, ORIGIN), ("lcjp.example", ORIGIN), ("lcjp.example", "https://other.lcjp.example"), (RP_ID, ORIGIN + ":8443")]
    prints = {Passkey(rp_id, origin, cose).fingerprint for rp_id, origin in places for cose in COSE.values()}
    assert len(prints) == len(places) * len(COSE)


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("localhost", "http://localhost"),
        ("localhost", "http://localhost:8080"),
        ("localhost", "https://localhost:8443"),
        ("hub", "https://hub"),
        ("lcjp.example", "https://a.b.lcjp.example:65535"),
        ("xn--nxasmq6b.example", "https://xn--nxasmq6b.example"),
    ],
)
def test_a_place_that_a_browser_would_give_a_passkey_to(rp_id: str, origin: str) -> None:
    assert Passkey(rp_id, origin, COSE[ES256]).origin == origin


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("hub.example", "http://hub.example"),
        ("localhost", "http://localhost:80"),
        ("hub.example", "https://hub.example:443"),
        ("hub.example", "https://hub.example:0443"),
        ("hub.example", "https://hub.example:65536"),
        ("hub.example", "https://hub.example/"),
        ("hub.example", "https://hub.example\n"),
        ("hub.example", "https://HUB.example"),
        ("hub.example", "https://user@hub.example"),
        ("hub.example", "https://hub..example"),
        ("hub.example", "https://-hub.example"),
        ("hub.example", "ftp://hub.example"),
        ("hub.example", "https://"),
        ("hub.example", ""),
        ("127.0.0.1", "https://127.0.0.1"),
        ("example", "https://hub.example"),
        ("other.example", "https://hub.example"),
        ("b.example", "https://hub.example"),
        (".example", "https://hub.example"),
        ("a.hub.example", "https://hub.example"),
        ("", "https://hub.example"),
        ("höb.example", "https://höb.example"),
        ("a" * 64 + ".example", "https://" + "a" * 64 + ".example"),
        (".".join(["a" * 60] * 5), "https://" + ".".join(["a" * 60] * 5)),
    ],
)
def test_a_place_that_no_browser_would_give_a_passkey_to(rp_id: str, origin: str) -> None:
    with pytest.raises(BadFormat):
        Passkey(rp_id, origin, COSE[ES256])
    with pytest.raises(BadFormat):
        Passkey.parse(framed(rp_id, origin, COSE[ES256]))


WRONG_KEYS: dict[str, Any] = {
    "a member too many": {**P256, 4: [2]},
    "a private part": {**P256, -4: bytes(32)},
    "a member too few": {label: value for label, value in P256.items() if label != -3},
    "a point off the curve": {**P256, -3: bytes(31) + b"\x01"},
    "the point at the origin": {**P256, -2: bytes(32), -3: bytes(32)},
    "a short coordinate": {**P256, -2: P256[-2][1:]},
    "ES512 named on P-256": {**P256, 3: -36},
    "EdDSA named for P-256": {**P256, 3: EDDSA},
    "ES256 named for Ed25519": {**OKP, 3: ES256},
    "another curve": p384_key(),
    "a coordinate as text": {**P256, -2: "x" * 32},
    "true for 1": {**P256, -1: True},
    "7.0 for 7": {**P256, 3: -7.0},
    "Ed25519 of small order": {**OKP, -2: bytes(32)},
    "Ed25519 of 31 bytes": {**OKP, -2: bytes(31)},
    "X25519": {**OKP, -1: 4},
    "RSA of 1,024 bits": rsa_key(1024),
    "RSA with the exponent 3": rsa_key(2048, 3),
    "RSA with a zero in front": {**RSA, -1: b"\0" + RSA[-1]},
    "RSA with an even modulus": {**RSA, -1: RSA[-1][:-1] + b"\0"},
    "RSA of PSS": {**RSA, 3: -37},
    "RSA with SHA-1": {**RSA, 3: -65535},
    "RSA beyond 8,192 bits": {**RSA, -1: b"\xff" * 1025},
    "a list": [1, 2],
    "a number": 5,
}


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_a_key_of_another_kind_is_none(name: str) -> None:
    with pytest.raises(BadFormat):
        Passkey(RP_ID, ORIGIN, cbor2.dumps(WRONG_KEYS[name]))


@pytest.mark.parametrize(
    "cose",
    [
        b"",
        COSE[ES256] + b"\0",
        COSE[ES256][:-1],
        cbor2.dumps(dict(reversed(P256.items()))),
        b"\xb8\x05" + COSE[ES256][1:],  # the number of members in two bytes
        b"\xbf" + COSE[ES256][1:] + b"\xff",  # a map of indefinite length
        b"\x04" + P256[-2] + P256[-3],  # the form of U2F
        b"\xa5" + COSE[ES256][1:3] + COSE[ES256][1:],
        b"\xff" * 3000,
    ],
    ids=["nothing", "more", "less", "another order", "two-byte length", "no length", "the form of U2F", "a member twice", "too long"],
)
def test_a_key_has_one_form(cose: bytes) -> None:
    with pytest.raises(BadFormat):
        Passkey(RP_ID, ORIGIN, cose)


RAW = Passkey(RP_ID, ORIGIN, COSE[ES256]).raw


@given(st.one_of(st.binary(max_size=400), st.integers(0, len(RAW)).map(lambda end: RAW[:end]), st.binary(min_size=1).map(RAW.__add__)))
def test_bytes_that_are_no_passkey(raw: bytes) -> None:
    if raw != RAW:
        with pytest.raises(BadFormat):
            Passkey.parse(raw)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_a_changed_byte_is_another_passkey_or_none(place: int, change: int) -> None:
    changed = RAW[:place] + bytes([RAW[place] ^ change]) + RAW[place + 1 :]
    try:
        found = Passkey.parse(changed)
    except BadFormat:
        return
    assert found.raw == changed
    assert found.fingerprint != Passkey.parse(RAW).fingerprint
