"""Passkeys: WebAuthn (Level 3) ceremonies, and signed documents whose signature is a passkey's assertion with the person verified.

A passkey signs no text but a challenge, so the challenge of a signature is a hash of use and canonical document. The fingerprint covers the
relying party and the origin together with the key: who trusts a fingerprint needs no setting to verify what was signed with it.
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from keys.credential import Passkey, canonical_cose, library
from keys.encoding import b64, canonical, framed, parse_json, unb64
from keys.errors import BadFormat, BadSignature
from keys.sign import Use

__all__ = [
    "PASSKEY_CONTEXT",
    "Passkey",
    "Registered",
    "assertion_document",
    "challenge",
    "new_challenge",
    "registration_options",
    "request_options",
    "sign_request",
    "verify_login",
    "verify_passkey_document",
    "verify_registration",
]

PASSKEY_CONTEXT = b"LCJP-Exchange passkey v1\0"
PASSKEY_MEMBERS = frozenset({"document", "use", "key", "public", "authenticator_data", "client_data", "signature"})
CLIENT_DATA_LIMIT = 8192  # bytes; browsers write some 200
TIMEOUT = 300_000  # milliseconds: time to find the device and be verified (WebAuthn section 15.1)

_DATA_LIMIT = 4096
_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_UP, _UV, _AT = 0x01, 0x04, 0x40  # bits of the flags (WebAuthn section 6.1)


# ------------------------------------------------------------------------------------------------------------ ceremonies


@dataclass(frozen=True)
class Registered:
    """A passkey just made: the id to ask for it by, its public half, and its counter (0 for ever where it keeps none)."""

    credential_id: bytes
    passkey: Passkey
    sign_count: int


def new_challenge() -> bytes:
    """32 random bytes, to be answered once."""
    return secrets.token_bytes(32)


def registration_options(
    *, rp_id: str, rp_name: str, user_id: bytes, user_name: str, display_name: str, exclude: Sequence[bytes]
) -> tuple[str, bytes]:
    """Options for `navigator.credentials.create` as JSON, and their challenge. `user_id`: 1 to 64 bytes that say nothing of the person."""
    if not 0 < len(user_id) <= 64:
        raise BadFormat("a user id is 1 to 64 bytes")
    made = new_challenge()
    with library(BadFormat, "a passkey needs a domain, its name and a user's name"):
        options = generate_registration_options(
            rp_id=rp_id,
            rp_name=rp_name,
            user_id=user_id,
            user_name=user_name,
            user_display_name=display_name,
            challenge=made,
            timeout=TIMEOUT,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in exclude],
            supported_pub_key_algs=_ALGORITHMS,
        )
    return options_to_json(options), made


def verify_registration(credential: Mapping[str, Any], *, challenge: bytes, rp_id: str, origin: str) -> Registered:
    """The passkey that a browser's answer to `registration_options` makes known; BadSignature or BadFormat if it is not to be had."""
    _check_client_data(_answer(credential, "clientDataJSON"), "webauthn.create", challenge, origin)
    with library(BadSignature, "the registration of the passkey does not verify"):
        found = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    if len(found.credential_id) > 1023:
        raise BadFormat("a credential id is at most 1,023 bytes")
    return Registered(found.credential_id, Passkey(rp_id, origin, canonical_cose(found.credential_public_key)), found.sign_count)


def request_options(*, rp_id: str, challenge: bytes, allow: Sequence[bytes] = ()) -> str:
    """Options for `navigator.credentials.get` as JSON; `allow`: the credential ids that may answer, empty for any of this domain."""
    with library(BadFormat, "a passkey is asked for under a domain"):
        options = generate_authentication_options(
            rp_id=rp_id,
            challenge=challenge,
            timeout=TIMEOUT,
            allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in allow],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    return options_to_json(options)


def verify_login(credential: Mapping[str, Any], *, challenge: bytes, passkey: Passkey, sign_count: int) -> int:
    """The passkey's new counter, if it answered this challenge; BadSignature if not, or if the counter shows an old answer or a copy."""
    names = ("authenticatorData", "clientDataJSON", "signature")
    return _verify(passkey, challenge, *(_answer(credential, name) for name in names), sign_count=sign_count)


def _answer(credential: object, name: str) -> bytes:
    response = credential.get("response") if isinstance(credential, Mapping) else None
    if not isinstance(response, Mapping):
        raise BadFormat("response: not an object")
    try:
        return unb64(response.get(name))
    except BadFormat as error:
        raise BadFormat(f"{name}: {error}") from None


# -------------------------------------------------------------------------------------------------------- signed documents


def challenge(use: Use, document: Mapping[str, Any]) -> bytes:
    """The 32 bytes a passkey signs for a document: no other use and no other document has them."""
    return hashlib.sha256(PASSKEY_CONTEXT + framed(use, canonical(document))).digest()


def sign_request(use: Use, document: Mapping[str, Any], *, rp_id: str, allow: Sequence[bytes]) -> str:
    """Options for `navigator.credentials.get` by which a person signs `document`."""
    return request_options(rp_id=rp_id, challenge=challenge(use, document), allow=allow)


def assertion_document(credential: Mapping[str, Any], document: Mapping[str, Any], use: Use, passkey: Passkey) -> dict[str, Any]:
    """The document with the browser's answer to `sign_request` beside it, verified: members as in docs/formats.md section 13."""
    signed = {
        "document": dict(document),
        "use": str(use),
        "key": passkey.fingerprint,
        "public": b64(passkey.raw),
        "authenticator_data": b64(_answer(credential, "authenticatorData")),
        "client_data": b64(_answer(credential, "clientDataJSON")),
        "signature": b64(_answer(credential, "signature")),
    }
    verify_passkey_document(signed, use, {passkey.fingerprint})
    return signed


def verify_passkey_document(signed: object, use: Use, trusted: str | Collection[str]) -> dict[str, Any]:
    """Return the document if the passkey of one of the `trusted` fingerprints signed it for `use`, the person verified.

    BadFormat if its members are not exactly the seven of `assertion_document`; BadSignature for anything else, an empty `trusted` included.
    """
    if not isinstance(signed, Mapping) or set(signed) != PASSKEY_MEMBERS:
        raise BadFormat("a document signed with a passkey has exactly the members " + ", ".join(sorted(PASSKEY_MEMBERS)))
    document = signed["document"]
    if not isinstance(document, dict):
        raise BadFormat("document: not an object")
    allowed = {trusted} if isinstance(trusted, str) else set(trusted)
    passkey = Passkey.parse(unb64(signed["public"]))
    if signed["use"] != str(use):
        raise BadSignature("signed for another use")
    if signed["key"] != passkey.fingerprint:
        raise BadSignature("the fingerprint is not that of the passkey")
    if passkey.fingerprint not in allowed:
        raise BadSignature("not signed by a key that may sign this")
    _verify(passkey, challenge(use, document), *(unb64(signed[name]) for name in ("authenticator_data", "client_data", "signature")))
    return document


def _verify(
    passkey: Passkey, expected: bytes, authenticator_data: bytes, client_data: bytes, signature: bytes, *, sign_count: int = 0
) -> int:
    """Every check of an assertion (WebAuthn section 7.2), each failure named; the library then makes its own, and the signature's."""
    _check_client_data(client_data, "webauthn.get", expected, passkey.origin)
    reached = _check_authenticator_data(authenticator_data, passkey.rp_id)
    if (reached or sign_count) and reached <= sign_count:
        raise BadSignature("the passkey's counter did not move on: an old answer, or a copy of the passkey")
    response = AuthenticatorAssertionResponse(client_data_json=client_data, authenticator_data=authenticator_data, signature=signature)
    with library(BadSignature, "the passkey's signature does not verify"):
        verify_authentication_response(
            credential=AuthenticationCredential(id="AA", raw_id=b"\0", response=response),  # the key is known; its id has no part in this
            expected_challenge=expected,
            expected_rp_id=passkey.rp_id,
            expected_origin=passkey.origin,
            credential_public_key=passkey.cose,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    return reached


def _check_client_data(raw: bytes, ceremony: str, expected: bytes, origin: str) -> None:
    said = parse_json(raw, limit=CLIENT_DATA_LIMIT)
    if not isinstance(said, dict):
        raise BadFormat("client data: not an object")
    if said.get("type") != ceremony:
        raise BadSignature("the passkey was asked for something else")
    if said.get("challenge") != b64(expected):
        raise BadSignature("the passkey answered another challenge: another document, another use or another request")
    if said.get("origin") != origin:
        raise BadSignature("the passkey was used at another origin than its own")
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise BadSignature("the passkey was used inside a page of another origin")


def _check_authenticator_data(raw: bytes, rp_id: str) -> int:
    if not 37 <= len(raw) <= _DATA_LIMIT:
        raise BadFormat("authenticator data: not 37 to 4096 bytes")
    flags = raw[32]
    if raw[:32] != hashlib.sha256(rp_id.encode("ascii")).digest():
        raise BadSignature("the passkey was used for another domain than its own")
    if not flags & _UP:
        raise BadSignature("nobody was present when the passkey was used")
    if not flags & _UV:
        raise BadSignature("the person was not verified when the passkey was used")
    if flags & _AT:
        raise BadSignature("the passkey was being registered, not used")
    return int.from_bytes(raw[33:37], "big")
