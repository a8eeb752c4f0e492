"""The hub's own keys, by use. All live in the keystore; one key, one use."""

from dataclasses import dataclass

from exchange.errors import Misconfigured
from keys.errors import UnknownKey
from keys.keystore import Keystore
from keys.sign import SigningKey

USES = ("identity", "receipts", "editions", "log")


def signing_name(use: str) -> str:
    """The keystore's name for a signing key of the hub."""
    return f"hub/{use}"


def rekey_name(reference: str, kind: str, epoch: int) -> str:
    """The keystore's name for the key that permutes an agreement's pseudonyms of one kind and epoch."""
    return f"{rekey_prefix(reference)}{kind}/{epoch}"


def rekey_prefix(reference: str) -> str:
    """How the names of all re-key keys of an agreement begin."""
    return f"rekey/{reference}/"


def submission_name(submission: str) -> str:
    """The keystore's name for the one key that wraps a submission's data keys. Destroying it destroys the submission."""
    return f"submission/{submission}"


def sealing_name(key: str) -> str:
    """The keystore's name for a sealing key's private half."""
    return f"sealing/{key}"


@dataclass(frozen=True)
class Keyring:
    """The keystore, and the hub's signing keys read from it."""

    store: Keystore

    def signing(self, use: str) -> SigningKey:
        """A signing key of the hub."""
        try:
            return SigningKey.from_seed(self.store.get(signing_name(use)))
        except UnknownKey as error:
            raise Misconfigured(f"the keystore has no {use} key.", remedy="Run: exchange init") from error

    @property
    def tokens(self) -> bytes:
        """The key access tokens are authenticated with; only the hub reads them."""
        return self.store.get("hub/tokens")

    @property
    def web(self) -> bytes:
        """The key that keeps forms and sign-ins from being forged; only the hub reads them."""
        try:
            return self.store.get("hub/web")
        except UnknownKey as error:
            raise Misconfigured("the keystore has no key for the pages.", remedy="Run: exchange init --upgrade") from error

    def rekey(self, reference: str, kind: str, epoch: int) -> bytes:
        """The agreement's re-key key for a kind and epoch, made at its first use."""
        return self.store.get_or_create(rekey_name(reference, kind, epoch))


def make_keys(store: Keystore) -> None:
    """Make every key of the hub, once. A key that is there stays."""
    for use in USES:
        store.get_or_create(signing_name(use))
    store.get_or_create("hub/tokens")
    store.get_or_create("hub/web")
