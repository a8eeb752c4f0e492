"""One content sealed under a key of its own, which seals nothing else: AES-256-GCM."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.errors import BadFormat, CannotOpen

MAGIC = b"LCJPO\x01"
CONTEXT = b"LCJP-Exchange sealed once v1\0"
KEY, NONCE, TAG = 32, 12, 16


def seal_once(key: bytes, content: bytes, context: str) -> bytes:
    """MAGIC ‖ nonce (12) ‖ AES-256-GCM of the content. `context` (what it is, and whose) is authenticated and not stored.

    Raises:
        BadFormat: the key is not 32 bytes, or the context is empty.
    """
    nonce = secrets.token_bytes(NONCE)
    return MAGIC + nonce + _cipher(key).encrypt(nonce, content, _bound(context))


def open_once(key: bytes, sealed: bytes, context: str) -> bytes:
    """The reverse of `seal_once`. CannotOpen for another key or context, or anything altered."""
    if len(sealed) < len(MAGIC) + NONCE + TAG or not sealed.startswith(MAGIC):
        raise CannotOpen
    nonce, body = sealed[len(MAGIC) : len(MAGIC) + NONCE], sealed[len(MAGIC) + NONCE :]
    try:
        return _cipher(key).decrypt(nonce, body, _bound(context))
    except InvalidTag as error:
        raise CannotOpen from error


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY:
        raise BadFormat(f"a key that seals once is {KEY} bytes")
    return AESGCM(key)


def _bound(context: str) -> bytes:
    if not context:
        raise BadFormat("context: what is sealed is bound to something")
    return CONTEXT + MAGIC + context.encode()
