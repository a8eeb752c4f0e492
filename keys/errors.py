"""Everything that `keys` raises on purpose. No message ever holds a value, a key or a part of one."""

from collections.abc import Sequence

ROWS_NAMED = 100


class KeysError(Exception):
    """Root of this room's errors."""


class CannotOpen(KeysError):
    """A sealed or wrapped thing does not open. One reason for every cause, so that it teaches an attacker nothing."""

    def __init__(self) -> None:
        super().__init__("cannot be opened: wrong key, wrong context, or altered")


class BadSignature(KeysError):
    """A signature, or the key that made it, is not one that the caller may rely on."""


class BadProof(KeysError):
    """A Merkle proof does not lead to the root it should."""


class BadFormat(KeysError):
    """A document, name or argument is not of the documented form; the message names the member."""


class BadIdentifier(KeysError):
    """Identifiers that do not have the form of their kind: zero-based row numbers (the first 100) and how many, never values."""

    def __init__(self, kind: str, rows: Sequence[int], count: int) -> None:
        self.kind = kind
        self.rows = [int(row) for row in rows[:ROWS_NAMED]]
        self.count = count
        super().__init__(f"{count} value(s) are not of kind {kind}")


class UnknownKey(KeysError):
    """No key has that name."""


class KeyDestroyed(KeysError):
    """The key of that name was destroyed; it will never come back."""


class KeyExists(KeysError):
    """A key, key file or keystore of that name is already there and is not overwritten."""


class KeystoreUnreadable(KeysError):
    """The keystore, or the root key it is sealed under, is missing, altered or too widely readable."""
