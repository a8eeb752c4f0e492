"""Signatures of webhooks as Standard Webhooks 1.0.0 asks for them: HMAC-SHA-256 over id, time and body, with a secret of each endpoint's own.

A secret is written ``whsec_`` and base64 of 24 to 64 random bytes. While a secret is being replaced a message carries one signature for
each, the newest first, so that the receiver may change over when it likes.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from keys.errors import BadFormat, BadSignature

PREFIX = "whsec_"
LEAST, MOST = 24, 64
TOLERANCE = 300
"""Seconds by which a message's time may differ from its receiver's."""


def new_secret() -> str:
    """A secret for one endpoint, written as its receiver wants it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def read_secret(text: str) -> bytes:
    """The bytes of a secret. BadFormat for anything but ``whsec_`` and base64 of 24 to 64 bytes."""
    if not text.startswith(PREFIX):
        raise BadFormat(f"a webhook secret begins with {PREFIX}")
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFormat("a webhook secret is base64") from error
    if not LEAST <= len(found) <= MOST:
        raise BadFormat(f"a webhook secret has {LEAST} to {MOST} bytes")
    return found


def signature(secret: bytes, identity: str, at: int, body: bytes) -> str:
    """``v1,`` and base64 of the HMAC over ``identity.at.body``. ``at``: seconds since 1970. BadFormat for an id that holds a full stop or is empty."""
    if not identity or "." in identity or not identity.isascii():
        raise BadFormat("the id of a webhook is ASCII, without a full stop")
    mac = hmac.new(secret, f"{identity}.{at}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def headers(keys: Sequence[bytes], identity: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of a message, signed with each of these secrets."""
    if not keys:
        raise BadFormat("a webhook needs a secret")
    signed = " ".join(signature(key, identity, at, body) for key in keys)
    return {"webhook-id": identity, "webhook-timestamp": str(at), "webhook-signature": signed}


def verify(secret: bytes, found: dict[str, str], body: bytes, now: int) -> None:
    """What a receiver does: BadSignature where no signature is this secret's, or the time is too far off. Header names in small letters."""
    identity, written, signed = (found.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not written.isascii() or not written.isdecimal() or len(written) > 12 or abs(now - int(written)) > TOLERANCE:
        raise BadSignature("the webhook's time is not now")
    try:
        expected = signature(secret, identity, int(written), body)
    except BadFormat as error:
        raise BadSignature("the webhook's id is none") from error
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signed.split(" ")):
        raise BadSignature("no signature of the webhook is by this secret")
