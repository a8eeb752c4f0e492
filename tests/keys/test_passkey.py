"""Passkeys: which are accepted, registration and signing in, every way to be refused."""

import json
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.encoding import b64, unb64
from keys.errors import BadFormat, BadSignature, KeysError
from keys.passkey import (
    Passkey,
    Registered,
    new_challenge,
    registration_options,
    request_options,
    verify_login,
    verify_registration,
)
from tests.keys.authenticator import (
    AT,
    BS,
    COSE,
    EDDSA,
    ES256,
    OKP,
    ORIGIN,
    P256,
    RP_ID,
    RS256,
    UP,
    UV,
    SoftAuthenticator,
    enrolled,
    p384_key,
    rsa_key,
)


def register(device: SoftAuthenticator, *, exclude: tuple[bytes, ...] = (), origin: str = ORIGIN) -> tuple[dict[str, Any], bytes]:
    options, challenge = registration_options(
        rp_id=RP_ID, rp_name="LCJP Exchange", user_id=b"\x01" * 16, user_name="a.person", display_name="A. Person", exclude=exclude
    )
    return device.create(options, origin), challenge


def registered(device: SoftAuthenticator) -> Registered:
    credential, challenge = register(device)
    return verify_registration(credential, challenge=challenge, rp_id=RP_ID, origin=ORIGIN)


# ---------------------------------------------------------------------------------------------------------- registration


def test_the_options_ask_for_a_verified_person_and_no_attestation() -> None:
    options, challenge = registration_options(
        rp_id=RP_ID, rp_name="LCJP Exchange", user_id=b"u", user_name="a", display_name="A", exclude=[b"\x05" * 4]
    )
    asked = json.loads(options)
    assert asked["rp"] == {"id": RP_ID, "name": "LCJP Exchange"}
    assert asked["user"] == {"id": b64(b"u"), "name": "a", "displayName": "A"}
    assert asked["attestation"] == "none"
    assert [one["alg"] for one in asked["pubKeyCredParams"]] == [EDDSA, ES256, RS256]
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert [one["id"] for one in asked["excludeCredentials"]] == [b64(b"\x05" * 4)]
    assert unb64(asked["challenge"]) == challenge
    assert len(challenge) == 32
    assert challenge != new_challenge()


@pytest.mark.parametrize("wrong", [{"user_id": b""}, {"user_id": bytes(65)}, {"rp_id": ""}, {"rp_name": ""}, {"user_name": ""}])
def test_options_are_not_made_of_nothing(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"rp_id": RP_ID, "rp_name": "X", "user_id": b"u", "user_name": "a", "display_name": "A", "exclude": []}
    with pytest.raises(BadFormat):
        registration_options(**{**right, **wrong})


@pytest.mark.parametrize("algorithm", COSE)
def test_a_passkey_is_registered(algorithm: int) -> None:
    device = SoftAuthenticator((algorithm,))
    found = registered(device)
    credential = device.credentials[found.credential_id]
    assert found.passkey == credential.passkey(ORIGIN)
    assert found.sign_count == 0
    with pytest.raises(LookupError):
        register(device, exclude=(found.credential_id,))


REGISTRATIONS: dict[str, dict[str, Any]] = {
    "nobody verified": {"flags": UP},
    "nobody present": {"flags": UV},
    "another relying party": {"acting_for": "evil.example"},
    "another origin": {"client": {"origin": "https://evil.example"}},
    "in a frame": {"client": {"crossOrigin": True}},
    "in somebody's frame": {"client": {"topOrigin": "https://evil.example"}},
    "an assertion's client data": {"client": {"type": "webauthn.get"}},
    "another challenge": {"client": {"challenge": b64(bytes(32))}},
    "no challenge": {"client": {"challenge": None}},
    "backed up, though it cannot be": {"flags": UP | UV | BS},
}


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_a_registration_that_is_not_as_asked_is_refused(name: str) -> None:
    with pytest.raises(BadSignature):
        registered(SoftAuthenticator(**REGISTRATIONS[name]))


def test_a_registration_with_a_key_that_nobody_asked_for_is_refused() -> None:
    credential, challenge = register(SoftAuthenticator())
    whole = cbor2.loads(unb64(credential["response"]["attestationObject"]))
    for key in (p384_key(), rsa_key(1024), {**OKP, 3: -19}, {**P256, -3: bytes(32)}, {}, {1: "OKP"}):
        data = whole["authData"][: 37 + 16 + 2 + 16] + cbor2.dumps(key)
        changed = {**credential["response"], "attestationObject": b64(cbor2.dumps({**whole, "authData": data}))}
        with pytest.raises(KeysError):
            verify_registration({**credential, "response": changed}, challenge=challenge, rp_id=RP_ID, origin=ORIGIN)


@pytest.mark.parametrize("fmt", ["packed", "fido-u2f", "tpm", "apple", "android-key", "android-safetynet", "compound", 5])
@pytest.mark.parametrize(
    "statement", [{}, {"sig": b"x", "alg": -7}, {"sig": b"x", "x5c": [b"x"], "ver": "2.0", "response": b"a.b.c"}, [], 5]
)
def test_an_attestation_that_nobody_asked_for_ends_in_a_refusal(fmt: Any, statement: Any) -> None:
    credential, challenge = register(SoftAuthenticator())
    whole = {**cbor2.loads(unb64(credential["response"]["attestationObject"])), "fmt": fmt, "attStmt": statement}
    response = {**credential["response"], "attestationObject": b64(cbor2.dumps(whole))}
    with pytest.raises(KeysError):
        verify_registration({**credential, "response": response}, challenge=challenge, rp_id=RP_ID, origin=ORIGIN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "attestationObject"]), JSON)
def test_an_answer_of_another_shape_is_refused_in_our_words(member: str, value: Any) -> None:
    credential, challenge = register(SoftAuthenticator((ES256,)))
    inside = member in credential["response"]
    changed = {**credential, "response": {**credential["response"], member: value}} if inside else {**credential, member: value}
    with pytest.raises(KeysError):
        verify_registration(changed, challenge=challenge, rp_id=RP_ID, origin=ORIGIN)


# ------------------------------------------------------------------------------------------------------------ signing in


def login(device: SoftAuthenticator, passkey: Passkey, *, sign_count: int = 0, **more: Any) -> int:
    challenge = new_challenge()
    credential = device.get(request_options(rp_id=passkey.rp_id, challenge=challenge, **more), passkey.origin)
    return verify_login(credential, challenge=challenge, passkey=passkey, sign_count=sign_count)


@pytest.mark.parametrize("algorithm", COSE)
def test_a_whole_life_of_a_passkey(algorithm: int) -> None:
    device = SoftAuthenticator((algorithm,))
    found = registered(device)
    assert login(device, found.passkey, sign_count=found.sign_count) == 1
    assert login(device, found.passkey, sign_count=1, allow=[found.credential_id]) == 2


def test_the_request_asks_for_a_verified_person() -> None:
    asked = json.loads(request_options(rp_id=RP_ID, challenge=b"c" * 32, allow=[b"one"]))
    assert asked["userVerification"] == "required"
    assert asked["rpId"] == RP_ID
    assert unb64(asked["challenge"]) == b"c" * 32
    assert [one["id"] for one in asked["allowCredentials"]] == [b64(b"one")]
    with pytest.raises(BadFormat):
        request_options(rp_id="", challenge=b"c" * 32)


def test_a_counter_that_does_not_move_on_is_refused() -> None:
    device, passkey = enrolled(ORIGIN, RP_ID)
    challenge = new_challenge()
    answer = device.get(request_options(rp_id=RP_ID, challenge=challenge), ORIGIN)
    assert verify_login(answer, challenge=challenge, passkey=passkey, sign_count=0) == 1
    for known in (1, 2, 2**32 - 1):
        with pytest.raises(BadSignature, match="counter"):
            verify_login(answer, challenge=challenge, passkey=passkey, sign_count=known)


def test_a_passkey_that_does_not_count_says_so_for_ever() -> None:
    device, passkey = enrolled(ORIGIN, RP_ID, counts=False)
    assert [login(device, passkey) for _ in range(3)] == [0, 0, 0]
    with pytest.raises(BadSignature, match="counter"):
        login(device, passkey, sign_count=1)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"flags": UP}, "not verified"),
        ({"flags": UV}, "nobody was present"),
        ({"flags": UP | UV | AT}, "registered"),
        ({"acting_for": "evil.example"}, "another domain"),
        ({"client": {"origin": "https://evil.example"}}, "another origin"),
        ({"client": {"crossOrigin": True}}, "inside a page"),
        ({"client": {"type": "webauthn.create"}}, "something else"),
        ({"client": {"challenge": b64(bytes(32))}}, "another challenge"),
    ],
)
def test_an_answer_given_otherwise_than_asked_signs_nobody_in(attributes: dict[str, Any], reason: str) -> None:
    device, passkey = enrolled(ORIGIN, RP_ID, **attributes)
    with pytest.raises(BadSignature, match=reason):
        login(device, passkey)


def test_another_passkey_signs_nobody_in() -> None:
    device, passkey = enrolled(ORIGIN, RP_ID)
    for cose in COSE.values():
        with pytest.raises(BadSignature, match="signature does not verify"):
            login(device, replace(passkey, cose=cose))


@given(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]), JSON)
def test_an_assertion_of_another_shape_is_refused_in_our_words(member: str, value: Any) -> None:
    device, passkey = enrolled(ORIGIN, RP_ID)
    challenge = new_challenge()
    credential = device.get(request_options(rp_id=RP_ID, challenge=challenge), ORIGIN)
    changes: list[Any] = [{**credential, "response": {**credential["response"], member: value}}, {**credential, "response": value}, value]
    for changed in changes:
        with pytest.raises(KeysError):
            verify_login(changed, challenge=challenge, passkey=passkey, sign_count=0)
