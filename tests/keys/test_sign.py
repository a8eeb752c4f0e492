"""Derivation, signatures and signed documents: what is accepted, and every way to be refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.derive import derive
from keys.encoding import b64
from keys.errors import BadFormat, BadSignature, KeysError
from keys.sign import SigningKey, Use, VerifyKey, sign_document, verify_document

KEY, OTHER = SigningKey.from_seed(bytes(32)), SigningKey.from_seed(bytes([1]) * 32)
DOCUMENT = {"rows": 3, "name": "Cleveland"}


def test_a_derived_key_depends_on_every_part_of_its_context() -> None:
    secret = bytes(range(32))
    keys = {
        derive(secret, "use", "ab", "c", 1),
        derive(secret, "use", "a", "bc", 1),
        derive(secret, "use", "ab", "c", "1"),
        derive(secret, "usea", "b", "c", 1),
        derive(secret, "use", "ab", "c", 2),
        derive(secret, "use", "ab", "c"),
        derive(secret[::-1], "use", "ab", "c", 1),
    }
    assert len(keys) == 7
    assert {len(key) for key in keys} == {32}
    assert len(derive(secret, "use", length=8)) == 8
    with pytest.raises(BadFormat):
        derive(secret[:31], "use")


def test_a_signature_is_for_one_use_one_message_and_one_key() -> None:
    signature = KEY.sign("a", b"message")
    KEY.public.verify("a", b"message", signature)
    for key, use, message in [(KEY, "b", b"message"), (KEY, "a", b"massage"), (OTHER, "a", b"message"), (KEY, "am", b"essage")]:
        with pytest.raises(BadSignature):
            key.public.verify(use, message, signature)
    for use in ("", "é", "x" * 256):
        with pytest.raises(BadFormat):
            KEY.sign(use, b"message")


def test_a_bare_signature_never_passes_for_one_with_a_context() -> None:
    with pytest.raises(BadFormat):
        KEY.sign_raw(b"LCJP-Exchange signature v1\0\x08manifest{}")


def test_keys_come_back_from_their_bytes() -> None:
    key = SigningKey.generate()
    assert SigningKey.from_seed(key.seed).public == key.public == VerifyKey(key.public.raw)
    assert len({key.public, SigningKey.from_seed(key.seed).public}) == 1
    assert key.public.fingerprint.startswith("ed25519:")
    assert len(key.public.fingerprint) == 72
    assert b64(key.seed) not in repr(key)
    assert key.seed.hex() not in repr(key)
    with pytest.raises(BadFormat):
        SigningKey.from_seed(bytes(31))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(31),
        bytes(33),
        bytes(32),
        bytes(31) + b"\x80",
        b"\x01" + bytes(31),
        (2**255 - 20).to_bytes(32, "little"),
        (2**255 - 19).to_bytes(32, "little"),
        (2**255 - 18).to_bytes(32, "little"),
        b"\xff" * 32,
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ],
)
def test_points_that_fit_many_messages_are_no_keys(raw: bytes) -> None:
    with pytest.raises(BadFormat):
        VerifyKey(raw)


def test_a_signed_document_returns_what_was_signed() -> None:
    signed = sign_document(DOCUMENT, Use.RECEIPT, KEY)
    assert set(signed) == {"document", "use", "key", "public", "signature"}
    assert signed["use"] == "receipt"
    assert signed["key"] == KEY.public.fingerprint
    trusted = [OTHER.public.fingerprint, KEY.public.fingerprint]
    assert verify_document(signed, Use.RECEIPT, trusted) == DOCUMENT
    assert verify_document(signed, Use.RECEIPT, KEY.public.fingerprint) == DOCUMENT


@pytest.mark.parametrize("trusted", [[], "", (), {OTHER.public.fingerprint}, "ed25519:", [KEY.public.fingerprint[:-1]]])
def test_a_key_that_is_not_trusted_is_refused(trusted: Any) -> None:
    with pytest.raises(BadSignature):
        verify_document(sign_document(DOCUMENT, Use.RECEIPT, KEY), Use.RECEIPT, trusted)


CHANGES: dict[str, tuple[dict[str, Any], type[KeysError]]] = {
    "another document": ({"document": {**DOCUMENT, "rows": 4}}, BadSignature),
    "another use": ({"use": "manifest"}, BadSignature),
    "another public key": ({"public": b64(OTHER.public.raw)}, BadSignature),
    "another key named": ({"key": OTHER.public.fingerprint}, BadSignature),
    "another key altogether": ({"key": OTHER.public.fingerprint, "public": b64(OTHER.public.raw)}, BadSignature),
    "another signature": ({"signature": b64(OTHER.sign("receipt", b""))}, BadSignature),
    "a short signature": ({"signature": "AAAA"}, BadFormat),
    "no signature": ({"signature": None}, BadFormat),
    "an empty signature": ({"signature": ""}, BadFormat),
    "a member too many": ({"extra": 1}, BadFormat),
    "a document that is a list": ({"document": []}, BadFormat),
    "a document that is no JSON": ({"document": {"a": float("nan")}}, BadFormat),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_document_is_refused(name: str) -> None:
    change, error = CHANGES[name]
    signed = {**sign_document(DOCUMENT, Use.RECEIPT, KEY), **change}
    with pytest.raises(error):
        verify_document(signed, Use.RECEIPT, {KEY.public.fingerprint, OTHER.public.fingerprint})


@pytest.mark.parametrize("member", ["document", "use", "key", "public", "signature"])
def test_a_missing_member_is_refused(member: str) -> None:
    signed = sign_document(DOCUMENT, Use.RECEIPT, KEY)
    del signed[member]
    with pytest.raises(BadFormat):
        verify_document(signed, Use.RECEIPT, KEY.public.fingerprint)


@given(st.sampled_from(list(Use)), st.sampled_from(list(Use)))
def test_a_signature_for_one_use_is_refused_for_every_other(made: Use, asked: Use) -> None:
    signed = sign_document(DOCUMENT, made, KEY)
    if made == asked:
        assert verify_document(signed, asked, KEY.public.fingerprint) == DOCUMENT
        return
    for relabelled in (signed, {**signed, "use": str(asked)}):
        with pytest.raises(BadSignature):
            verify_document(relabelled, asked, KEY.public.fingerprint)
