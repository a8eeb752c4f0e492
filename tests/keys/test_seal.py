"""Sealing: only the right key in the right context opens, and every failure looks the same."""

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import BadFormat, CannotOpen
from keys.seal import HEADER, OVERHEAD, EncryptionKey, encryption_fingerprint, envelope_info, part_info, seal, unseal

KEY, OTHER = EncryptionKey.generate(), EncryptionKey.generate()
PART: dict[str, Any] = {"agreement": "sha256:" + "0" * 64, "dataset": "crimes", "supplier": "cleveland", "upload": "0" * 32, "part": 0}
ENVELOPE: dict[str, Any] = {"reference": "MV7", "epoch": 1, "issuer": "cleveland", "recipient": "durham"}


@given(st.binary(max_size=300), st.binary(max_size=50))
def test_what_is_sealed_opens(plaintext: bytes, info: bytes) -> None:
    sealed = seal(plaintext, KEY.public, info)
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert unseal(sealed, KEY, info) == plaintext
    assert unseal(seal(memoryview(plaintext), KEY.public, info), EncryptionKey.from_private(KEY.private), info) == plaintext


def changed(value: str | int) -> str | int:
    return value + 1 if isinstance(value, int) else value[:-1] + ("x" if value[-1] != "x" else "y")


@given(st.sampled_from(sorted(PART)), st.sampled_from(sorted(ENVELOPE)))
def test_any_one_changed_member_of_the_context_refuses(part_member: str, envelope_member: str) -> None:
    sealed = seal(b"rows", KEY.public, part_info(**PART))
    assert unseal(sealed, KEY, part_info(**PART)) == b"rows"
    with pytest.raises(CannotOpen):
        unseal(sealed, KEY, part_info(**{**PART, part_member: changed(PART[part_member])}))
    secret = seal(b"secret", KEY.public, envelope_info(**ENVELOPE))
    with pytest.raises(CannotOpen):
        unseal(secret, KEY, envelope_info(**{**ENVELOPE, envelope_member: changed(ENVELOPE[envelope_member])}))


def test_members_of_the_context_do_not_run_into_each_other() -> None:
    one = part_info(**{**PART, "dataset": "ab", "supplier": "c"})
    assert one != part_info(**{**PART, "dataset": "a", "supplier": "bc"})
    assert envelope_info(**ENVELOPE) != part_info(**PART)


@given(st.data())
def test_every_alteration_refuses_alike(data: st.DataObject) -> None:
    sealed = seal(b"rows", KEY.public, b"info")
    position = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[position] ^= 1 << data.draw(st.integers(0, 7))
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    messages = set()
    for bad in (bytes(flipped), cut, sealed + b"\0"):
        with pytest.raises(CannotOpen) as refused:
            unseal(bad, KEY, b"info")
        messages.add(str(refused.value))
    with pytest.raises(CannotOpen) as refused:
        unseal(sealed, OTHER, b"info")
    assert messages == {str(refused.value)}


def test_keys_have_the_documented_lengths() -> None:
    assert (len(KEY.private), len(KEY.public)) == (96, 1216)
    assert KEY.fingerprint == encryption_fingerprint(KEY.public)
    assert KEY.fingerprint.startswith("xwing:")
    assert KEY.private.hex() not in repr(KEY)


@pytest.mark.parametrize("public", [b"", bytes(1215), bytes(1217), b"\xff" * 1216, KEY.public[:1184] + bytes(32)])
def test_what_is_no_public_key_is_refused(public: bytes) -> None:
    with pytest.raises(BadFormat):
        seal(b"rows", public, b"")


def test_what_is_no_key_of_the_right_length_is_refused() -> None:
    with pytest.raises(BadFormat):
        EncryptionKey.from_private(bytes(95))
    with pytest.raises(BadFormat):
        encryption_fingerprint(bytes(32))


def labelled(suite: bytes, label: bytes, content: bytes) -> bytes:
    return b"HPKE-v1" + suite + label + content


def opened_by_the_book(sealed: bytes, private: bytes, public: bytes, info: bytes) -> bytes:
    """RFC 9180 sections 4 and 5.1 and the X-Wing combiner, from primitives and with nothing of the library's HPKE."""
    enc, ciphertext = sealed[:1120], sealed[1120:]
    from_mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64]).decapsulate(enc[:1088])
    from_x25519 = X25519PrivateKey.from_private_bytes(private[64:]).exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    shared = hashlib.sha3_256(from_mlkem + from_x25519 + enc[1088:] + public[1184:] + b"\\.//^\\").digest()
    suite = b"HPKE" + bytes.fromhex("647a00010002")

    def extract(salt: bytes, label: bytes, content: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), labelled(suite, label, content), "sha256")

    def expand(secret: bytes, label: bytes, content: bytes, length: int) -> bytes:
        return hmac.digest(secret, length.to_bytes(2, "big") + labelled(suite, label, content) + b"\1", "sha256")[:length]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return AESGCM(expand(secret, b"key", context, 32)).decrypt(expand(secret, b"base_nonce", context, 12), ciphertext, None)


def test_it_is_hpke_with_x_wing_by_the_book() -> None:
    sealed = seal(b"rows", KEY.public, b"info")
    assert sealed[:7] == HEADER == b"LCJPS\1\1"
    assert opened_by_the_book(sealed[7:], KEY.private, KEY.public, b"LCJP-Exchange seal v1\0" + HEADER + b"info") == b"rows"
