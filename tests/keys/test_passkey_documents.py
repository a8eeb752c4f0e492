"""Documents signed with a passkey: what binds, and every way to be refused."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.encoding import b64, canonical, framed, unb64
from keys.errors import BadFormat, BadSignature, KeysError
from keys.passkey import (
    PASSKEY_MEMBERS,
    Passkey,
    assertion_document,
    challenge,
    new_challenge,
    request_options,
    sign_request,
    verify_login,
    verify_passkey_document,
)
from keys.sign import MEMBERS, SigningKey, Use, sign_document, verify_document
from keys.statements import by_passkey, road, verify_signed
from tests.keys.authenticator import AT, BE, BS, COSE, ED, ES256, ORIGIN, RP_ID, UP, UV, SoftAuthenticator, enrolled

DOCUMENT = {"decision": "sign", "party": "cleveland-police", "comment": "with é"}
USE = Use.STATEMENT


def signing(
    device: SoftAuthenticator, passkey: Passkey, document: Any = DOCUMENT, use: Use = USE, *, said: Any = None, origin: str = ""
) -> dict[str, Any]:
    """A whole ceremony; `said`: what the page then claims was signed, if something else."""
    answer = device.get(sign_request(use, document, rp_id=passkey.rp_id, allow=list(device.credentials)), origin or passkey.origin)
    return assertion_document(answer, document if said is None else said, use, passkey)


def raw_signing(device: SoftAuthenticator, passkey: Passkey, use: Use = USE, origin: str = ORIGIN) -> dict[str, Any]:
    """What somebody writes who does not verify before giving it away."""
    response = device.get(sign_request(use, DOCUMENT, rp_id=passkey.rp_id, allow=[]), origin)["response"]
    members = {"authenticator_data": "authenticatorData", "client_data": "clientDataJSON", "signature": "signature"}
    taken = {ours: response[theirs] for ours, theirs in members.items()}
    return {"document": DOCUMENT, "use": str(USE), "key": passkey.fingerprint, "public": b64(passkey.raw), **taken}


DEVICES = {algorithm: enrolled(ORIGIN, RP_ID, algorithm=algorithm) for algorithm in COSE}
SIGNED = {algorithm: signing(*DEVICES[algorithm]) for algorithm in COSE}
DEVICE, PASSKEY = DEVICES[ES256]


@pytest.mark.parametrize("algorithm", COSE)
def test_a_signed_document_returns_what_was_signed(algorithm: int) -> None:
    signed, passkey = SIGNED[algorithm], DEVICES[algorithm][1]
    assert set(signed) == PASSKEY_MEMBERS
    trusted = [PASSKEY.fingerprint, passkey.fingerprint]
    assert verify_passkey_document(signed, USE, trusted) == DOCUMENT
    assert verify_signed(json.loads(canonical(signed)), USE, passkey.fingerprint) == DOCUMENT
    assert road(signed) == f"passkey at {ORIGIN}"


def test_the_challenge_is_of_one_use_and_one_document() -> None:
    found = {challenge(use, document) for use in Use for document in (DOCUMENT, {}, {"a": 1})}
    assert len(found) == 3 * len(Use)
    assert challenge(USE, DOCUMENT) == challenge(USE, dict(reversed(DOCUMENT.items())))
    assert unb64(json.loads(sign_request(USE, DOCUMENT, rp_id=RP_ID, allow=[]))["challenge"]) == challenge(USE, DOCUMENT)


@pytest.mark.parametrize("trusted", [[], "", (), "passkey:", [PASSKEY.fingerprint[:-1]], {SigningKey.generate().public.fingerprint}])
def test_a_passkey_that_is_not_trusted_is_refused(trusted: Any) -> None:
    with pytest.raises(BadSignature, match="may sign this"):
        verify_passkey_document(SIGNED[ES256], USE, trusted)


@pytest.mark.parametrize("algorithm", COSE)
@pytest.mark.parametrize("member", ["public", "authenticator_data", "client_data", "signature"])
@given(data=st.data())
def test_one_flipped_byte_and_nothing_holds(algorithm: int, member: str, data: st.DataObject) -> None:
    signed, passkey = SIGNED[algorithm], DEVICES[algorithm][1]
    raw = unb64(signed[member])
    place, change = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(1, 255))
    flipped = raw[:place] + bytes([raw[place] ^ change]) + raw[place + 1 :]
    with pytest.raises(KeysError):
        verify_passkey_document({**signed, member: b64(flipped)}, USE, passkey.fingerprint)


LEAF = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"]))
DOCUMENTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), LEAF | st.lists(LEAF, max_size=3), max_size=4)


@given(DOCUMENTS, DOCUMENTS)
def test_a_signature_under_one_document_never_stands_under_another(document: dict[str, Any], other: dict[str, Any]) -> None:
    signed = signing(DEVICE, PASSKEY, document)
    assert verify_passkey_document(signed, USE, PASSKEY.fingerprint) == document
    changed = {**signed, "document": other}
    if canonical(other) == canonical(document):
        assert verify_passkey_document(changed, USE, PASSKEY.fingerprint) == other
        return
    with pytest.raises(BadSignature):
        verify_passkey_document(changed, USE, PASSKEY.fingerprint)


@given(st.sampled_from(list(Use)), st.sampled_from(list(Use)))
def test_a_signature_for_one_use_is_refused_for_every_other(made: Use, asked: Use) -> None:
    signed = signing(DEVICE, PASSKEY, use=made)
    if made == asked:
        assert verify_passkey_document(signed, asked, PASSKEY.fingerprint) == DOCUMENT
        return
    for relabelled in (signed, {**signed, "use": str(asked)}):
        with pytest.raises(BadSignature):
            verify_passkey_document(relabelled, asked, PASSKEY.fingerprint)


def test_what_the_page_says_was_signed_is_checked_before_it_is_given_away() -> None:
    with pytest.raises(BadSignature, match="another document"):
        signing(DEVICE, PASSKEY, said={**DOCUMENT, "decision": "terminate"})


def test_an_answer_to_a_login_is_no_signature_and_a_signature_is_no_login() -> None:
    answer = DEVICE.get(request_options(rp_id=RP_ID, challenge=new_challenge()), ORIGIN)
    with pytest.raises(BadSignature):
        assertion_document(answer, DOCUMENT, USE, PASSKEY)
    signature = DEVICE.get(sign_request(USE, DOCUMENT, rp_id=RP_ID, allow=[]), ORIGIN)
    with pytest.raises(BadSignature):
        verify_login(signature, challenge=new_challenge(), passkey=PASSKEY, sign_count=0)


DISHONEST: dict[str, tuple[dict[str, Any], str]] = {
    "nobody verified": ({"flags": UP}, "not verified"),
    "nobody present": ({"flags": UV}, "nobody was present"),
    "being registered": ({"flags": UP | UV | AT}, "registered"),
    "extensions announced, none there": ({"flags": UP | UV | ED}, "does not verify"),
    "extensions there, not announced": ({"extensions": b"\xa0"}, "does not verify"),
    "more than one value of extensions": ({"flags": UP | UV | ED, "extensions": b"\xa0\xa0"}, "does not verify"),
    "extensions written too long": ({"flags": UP | UV | ED, "extensions": b"\xb8\x00"}, "does not verify"),
    "backed up, though it cannot be": ({"flags": UP | UV | BS}, "does not verify"),
    "another relying party": ({"acting_for": "evil.example"}, "another domain"),
    "another origin": ({"client": {"origin": "https://evil.example"}}, "another origin"),
    "another port": ({"client": {"origin": ORIGIN + ":8443"}}, "another origin"),
    "an origin without a scheme": ({"client": {"origin": RP_ID}}, "another origin"),
    "in a frame": ({"client": {"crossOrigin": True}}, "inside a page"),
    "in a frame, said otherwise": ({"client": {"crossOrigin": "false"}}, "inside a page"),
    "in a frame, not denied": ({"client": {"crossOrigin": 0}}, "inside a page"),
    "below another page": ({"client": {"topOrigin": ORIGIN}}, "inside a page"),
    "a registration": ({"client": {"type": "webauthn.create"}}, "something else"),
    "a payment": ({"client": {"type": "payment.get"}}, "something else"),
    "a challenge with padding": ({"client": {"challenge": b64(challenge(USE, DOCUMENT)) + "="}}, "another challenge"),
    "a challenge that is a list": ({"client": {"challenge": [b64(challenge(USE, DOCUMENT))]}}, "another challenge"),
    "no type": ({"client": {"type": None}}, "something else"),
}


@pytest.mark.parametrize("name", DISHONEST)
def test_what_a_dishonest_device_or_browser_signs_does_not_bind(name: str) -> None:
    attributes, reason = DISHONEST[name]
    device, passkey = enrolled(ORIGIN, RP_ID, **attributes)
    signed = raw_signing(device, passkey)
    with pytest.raises(BadSignature, match=reason):
        verify_passkey_document(signed, USE, passkey.fingerprint)
    device.flags, device.acting_for, device.client, device.extensions = UP | UV, "", {}, b""
    assert verify_passkey_document(raw_signing(device, passkey), USE, passkey.fingerprint) == DOCUMENT


@pytest.mark.parametrize(
    "attributes",
    [
        {"flags": UP | UV | BE | BS},
        {"flags": UP | UV | ED, "extensions": b"\xa1\x61a\x01"},
        {"client": {"crossOrigin": None}},
        {"client": {"later": {"a": [1]}}},
        {"counts": False},
    ],
)
def test_what_an_honest_device_or_browser_may_add_is_no_harm(attributes: dict[str, Any]) -> None:
    device, passkey = enrolled(ORIGIN, RP_ID, **attributes)
    assert verify_passkey_document(signing(device, passkey), USE, passkey.fingerprint) == DOCUMENT


def test_a_passkey_moved_to_another_place_is_another_passkey() -> None:
    for moved in (Passkey("lcjp.example", ORIGIN, PASSKEY.cose), replace(PASSKEY, origin=ORIGIN + ":8443")):
        swapped = {**SIGNED[ES256], "key": moved.fingerprint, "public": b64(moved.raw)}
        with pytest.raises(BadSignature, match="may sign this"):
            verify_passkey_document(swapped, USE, PASSKEY.fingerprint)
        with pytest.raises(BadSignature, match="another"):
            verify_passkey_document(swapped, USE, moved.fingerprint)


@pytest.mark.parametrize("algorithm", COSE)
def test_a_swapped_key_or_algorithm_does_not_bind(algorithm: int) -> None:
    other = Passkey(RP_ID, ORIGIN, COSE[algorithm])
    signed = SIGNED[ES256]
    for changed in (
        {**signed, "public": b64(other.raw)},
        {**signed, "key": other.fingerprint},
        {**signed, "key": other.fingerprint, "public": b64(other.raw)},
        {**signed, "signature": SIGNED[algorithm]["signature"][:-4] + "AAAA"},
    ):
        with pytest.raises(BadSignature):
            verify_passkey_document(changed, USE, {PASSKEY.fingerprint, other.fingerprint})


def client_data(**members: Any) -> bytes:
    said = {"type": "webauthn.get", "challenge": b64(challenge(USE, DOCUMENT)), "origin": ORIGIN, **members}
    return json.dumps(said).encode()


MALFORMED: dict[str, dict[str, Any]] = {
    "a member too many": {"extra": 1},
    "the credential's id": {"id": "AA"},
    "a document that is a list": {"document": []},
    "a document that is no JSON": {"document": {"a": float("nan")}},
    "padding": {"signature": SIGNED[ES256]["signature"] + "="},
    "a public half that is text": {"public": "not base64url!"},
    "a public half that is a bare key": {"public": b64(PASSKEY.cose)},
    "a public half at no place": {"public": b64(framed(RP_ID, "http://" + RP_ID, PASSKEY.cose))},
    "no public half": {"public": ""},
    "no signature": {"signature": None},
    "short authenticator data": {"authenticator_data": b64(bytes(36))},
    "long authenticator data": {"authenticator_data": b64(bytes(5000))},
    "empty client data": {"client_data": ""},
    "client data that is a list": {"client_data": b64(b"[]")},
    "client data said twice": {"client_data": b64(client_data()[:-1] + b',"type":"webauthn.get"}')},
    "client data with a mark in front": {"client_data": b64(b"\xef\xbb\xbf" + client_data())},
    "client data of another alphabet": {"client_data": b64(client_data().decode().encode("utf-16"))},
    "client data beyond 8 kB": {"client_data": b64(client_data(more="x" * 8192))},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_written_as_it_must_be_is_refused(name: str) -> None:
    with pytest.raises(BadFormat):
        verify_passkey_document({**SIGNED[ES256], **MALFORMED[name]}, USE, PASSKEY.fingerprint)


@pytest.mark.parametrize("member", ["public", "authenticator_data", "client_data", "signature"])
def test_one_value_has_one_text(member: str) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for length in (0, 1, 2):  # one of the three leaves spare bits in the last character
        text = b64(unb64(SIGNED[ES256][member]) + bytes(length))
        last = alphabet[alphabet.index(text[-1]) | 1] if len(text) % 4 else ""
        if last and last != text[-1]:
            with pytest.raises(BadFormat, match="canonical base64url"):
                verify_passkey_document({**SIGNED[ES256], member: text[:-1] + last}, USE, PASSKEY.fingerprint)


@pytest.mark.parametrize("member", sorted(PASSKEY_MEMBERS))
@pytest.mark.parametrize("value", [None, 5, [], {}, True])
def test_a_member_of_another_type_or_none_is_refused(member: str, value: Any) -> None:
    signed = SIGNED[ES256]
    if not (member == "document" and value == {}):
        with pytest.raises((BadFormat, BadSignature)):
            verify_passkey_document({**signed, member: value}, USE, PASSKEY.fingerprint)
    with pytest.raises(BadFormat):
        verify_passkey_document({name: held for name, held in signed.items() if name != member}, USE, PASSKEY.fingerprint)


@pytest.mark.parametrize("signed", [None, [], "x", 5, {}])
def test_what_is_no_signed_document_is_refused(signed: Any) -> None:
    for check in (verify_passkey_document, verify_signed):
        with pytest.raises(BadFormat):
            check(signed, USE, PASSKEY.fingerprint)


def test_each_road_leads_only_to_its_own_keys() -> None:
    key = SigningKey.generate()
    by_file = sign_document(DOCUMENT, USE, key)
    trusted = {key.public.fingerprint, PASSKEY.fingerprint}
    assert verify_signed(by_file, USE, trusted) == verify_signed(SIGNED[ES256], USE, trusted) == DOCUMENT
    assert (by_passkey(by_file), by_passkey(SIGNED[ES256])) == (False, True)
    assert road(by_file) == "key file"
    with pytest.raises(BadSignature):
        verify_signed(by_file, USE, PASSKEY.fingerprint)
    with pytest.raises(BadSignature):
        verify_signed(SIGNED[ES256], USE, key.public.fingerprint)
    crossed = [
        {**SIGNED[ES256], **by_file},
        {name: SIGNED[ES256][name] for name in MEMBERS},
        {**SIGNED[ES256], "public": by_file["public"]},
    ]
    for signed in crossed:
        with pytest.raises(KeysError):
            verify_signed(signed, USE, trusted)
    with pytest.raises(BadFormat):
        verify_document(SIGNED[ES256], USE, trusted)
