"""The two roads by which a person signs: a key file (`keys.sign`) or a passkey (`keys.passkey`). Machines have the first only."""

from collections.abc import Collection, Mapping
from typing import Any

from keys.encoding import unb64
from keys.passkey import Passkey, verify_passkey_document
from keys.sign import Use, verify_document


def by_passkey(signed: object) -> bool:
    """Whether a signed document claims to be signed with a passkey."""
    return isinstance(signed, Mapping) and "authenticator_data" in signed


def verify_signed(signed: object, use: Use, trusted: str | Collection[str]) -> dict[str, Any]:
    """Return the document if one of the `trusted` fingerprints signed it for `use`, by whichever road; BadFormat or BadSignature if not.

    A fingerprint's prefix says which road its key takes, so a signature by one road never answers for a key of the other.
    """
    return verify_passkey_document(signed, use, trusted) if by_passkey(signed) else verify_document(signed, use, trusted)


def road(signed: Mapping[str, Any]) -> str:
    """By which road a verified document was signed, in words: `passkey at https://…`, or `key file`."""
    return f"passkey at {Passkey.parse(unb64(signed['public'])).origin}" if by_passkey(signed) else "key file"
