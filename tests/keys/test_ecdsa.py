"""ES256 keys of clients: one spelling of a key and of a signature, the point on its curve, and a card for the role client alone."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from keys import errors
from keys.ecdsa import PUBLIC_LENGTH, Es256Key
from keys.errors import BadFormat, BadSignature
from keys.formats import Card, key_fingerprint
from tests.keys.shared import vector

VECTORS = vector("es256")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECRETS = st.integers(1, ORDER - 1)


def made(secret: int, message: bytes) -> tuple[bytes, bytes]:
    """A public key and its signature over the message, as another implementation writes them."""
    private = derive_private_key(secret, SECP256R1())
    r, s = decode_dss_signature(private.sign(message, ECDSA(SHA256())))
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return public, r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_signature_of_others_verifies(case: dict[str, Any]) -> None:
    key = Es256Key(bytes.fromhex(case["public"]))
    key.verify(bytes.fromhex(case["message"]), bytes.fromhex(case["signature"]))
    assert key.fingerprint == case["fingerprint"]


@pytest.mark.parametrize("case", VECTORS["negative"], ids=lambda case: case["name"])
def test_what_is_no_key_or_no_signature_ends_with_the_error_that_is_named(case: dict[str, Any]) -> None:
    with pytest.raises(getattr(errors, case["error"])):
        Es256Key(bytes.fromhex(case["public"])).verify(bytes.fromhex(case["message"]), bytes.fromhex(case["signature"]))


@pytest.mark.parametrize("case", VECTORS["cards"], ids=lambda case: case["name"])
def test_a_card_of_another_role_or_kind_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(getattr(errors, case["error"])):
        Card.parse(case["card"])
    # It is refused for that alone: with the right role, or as the kind it is, some of them are cards.
    if case["card"]["kind"] == "es256" and case["card"]["role"] != "client":
        assert Card.parse({**case["card"], "role": "client"}).fingerprint == VECTORS["cases"][0]["fingerprint"]


@given(SECRETS, st.binary(max_size=80), st.integers(0, 511))
def test_a_signature_holds_for_its_key_and_message_alone(secret: int, message: bytes, bit: int) -> None:
    public, signature = made(secret, message)
    key = Es256Key(public)
    key.verify(message, signature)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    other = Es256Key(made(secret % (ORDER - 1) + 1, message)[0])
    for verifier, words, attempt in (
        (key, message, bytes(flipped)),
        (key, message + b"\0", signature),
        (other, message, signature),
    ):
        with pytest.raises(BadSignature):
            verifier.verify(words, attempt)


@given(SECRETS)
def test_a_key_has_one_spelling_and_a_fingerprint_of_its_own_kind(secret: int) -> None:
    public, _ = made(secret, b"")
    key = Es256Key(public)
    assert (key.raw, len(public)) == (public, PUBLIC_LENGTH)
    assert key.fingerprint == key_fingerprint("es256", public)
    assert len(key.fingerprint) == len("es256:") + 64
    for other in (bytes([2 + (public[-1] & 1)]) + public[1:33], bytes([6 + (public[-1] & 1)]) + public[1:]):
        with pytest.raises(BadFormat):
            Es256Key(other)


@given(st.binary(max_size=140), st.binary(max_size=140))
def test_any_bytes_end_with_an_error_of_ours(public: bytes, signature: bytes) -> None:
    with pytest.raises(BadFormat):
        Es256Key(public)
    with pytest.raises(BadSignature):
        Es256Key(made(1, b"")[0]).verify(b"", signature)


@pytest.mark.parametrize("kind", ["", "ES256", "es384", "rsa", "es256 "])
def test_a_kind_that_is_none_has_no_fingerprint(kind: str) -> None:
    with pytest.raises(BadFormat, match="kind"):
        key_fingerprint(kind, made(1, b"")[0])
