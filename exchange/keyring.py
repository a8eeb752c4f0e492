"""The hub's own keys, by use. All live in the keystore; one key, one use.

A signing key is renewed with an overlap: the new one stands beside the old, agreements name it from their next version on, and what is bound to
a version is signed with the very key that the version names. The old one is destroyed when nothing names it any more.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

from agreements.model import Agreement
from exchange.errors import Misconfigured
from keys.errors import KeyDestroyed, UnknownKey
from keys.keystore import Keystore
from keys.sign import SigningKey

USES = ("identity", "receipts", "editions", "log")
OWN = ("tokens", "web")  # keys that only the hub itself ever checks
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def signing_name(use: str, number: int = 1) -> str:
    """The keystore's name for a key of the hub: the first of its use, or a later one."""
    return f"hub/{use}" if number == 1 else f"hub/{use}/{number}"


def rekey_name(reference: str, kind: str, epoch: int) -> str:
    """The keystore's name for the key that permutes an agreement's pseudonyms of one kind and epoch."""
    return f"{rekey_prefix(reference)}{kind}/{epoch}"


def rekey_prefix(reference: str) -> str:
    """How the names of all re-key keys of an agreement begin."""
    return f"rekey/{reference}/"


def record_keys_name(reference: str) -> str:
    """The keystore's name for the secret that an agreement's record keys are made under. It goes with the last of its re-key keys."""
    return f"{rekey_prefix(reference)}record-keys"


def submission_name(submission: str) -> str:
    """The keystore's name for the one key that wraps a submission's data keys. Destroying it destroys the submission."""
    return f"submission/{submission}"


KEPT = "edition/"


def kept_name(edition: str, what: str) -> str:
    """The keystore's name for the one key that seals exact counts, or the proof, of an edition. Destroying it destroys them."""
    return f"{KEPT}{edition}/{what}"


def sealing_name(key: str) -> str:
    """The keystore's name for a sealing key's private half."""
    return f"sealing/{key}"


def number_of(use: str, name: str) -> int:
    """The number of a key of this use by its name in the keystore; 0 for any other name."""
    first, _, rest = name.rpartition("/")
    if name == signing_name(use):
        return 1
    return int(rest) if first == signing_name(use) and _NUMBER.fullmatch(rest) else 0


@dataclass(frozen=True)
class Keyring:
    """The keystore, and the hub's keys read from it."""

    store: Keystore

    def names(self, use: str) -> list[str]:
        """The keystore's names of the live keys of a use, oldest first."""
        found = {number_of(use, name): name for name in self.store.names(signing_name(use))}
        return [found[number] for number in sorted(found) if number]

    def every(self, use: str) -> list[SigningKey]:
        """The live signing keys of a use, oldest first. Misconfigured if there is none."""
        if not (found := self._live(use)):
            raise Misconfigured(f"the keystore has no {use} key.", remedy="Run: exchange init")
        return [SigningKey.from_seed(seed) for seed in found]

    def signing(self, use: str) -> SigningKey:
        """The oldest live signing key of a use: the one that is in every agreement until its successor is."""
        return self.every(use)[0]

    def signing_for(self, use: str, agreement: Agreement) -> SigningKey:
        """The signing key that this version of an agreement names for a use. Misconfigured if the hub does not have it."""
        hub = agreement.operator.hub
        named = getattr(hub, use) if hub else ""
        for key in self.every(use):
            if key.public.fingerprint == named:
                return key
        raise Misconfigured(
            f"the keystore does not hold the {use} key that {agreement.clause()} names.",
            remedy="Restore the keystore, or bring a version into force that names a key which “exchange keys list” shows.",
        )

    @property
    def tokens(self) -> bytes:
        """The key access tokens are authenticated with; only the hub reads them."""
        return self._newest("tokens")

    @property
    def web(self) -> bytes:
        """The key that keeps forms and sign-ins from being forged; only the hub reads them."""
        return self._newest("web")

    def _newest(self, use: str) -> bytes:
        # Twice: the newest may have been renewed since its name was read, and then there is its successor.
        if not (found := self._live(use) or self._live(use)):
            raise Misconfigured(f"the keystore has no {use} key.", remedy="Run: exchange init --upgrade")
        return found[-1]

    def _live(self, use: str) -> list[bytes]:
        """The live keys of a use, oldest first, without any that is destroyed between its being named and read."""
        found = []
        for name in self.names(use):
            with suppress(KeyDestroyed, UnknownKey):
                found.append(self.store.get(name))
        return found

    def rekey(self, reference: str, kind: str, epoch: int) -> bytes:
        """The agreement's re-key key for a kind and epoch, made at its first use."""
        return self.store.get_or_create(rekey_name(reference, kind, epoch))

    def record_keys(self, reference: str) -> bytes:
        """The secret that an agreement's record keys are made under, made at its first use: one for all epochs, versions and editions."""
        return self.store.get_or_create(record_keys_name(reference))


def make_keys(store: Keystore) -> None:
    """Make every key of the hub, once. What has a key keeps it."""
    ring = Keyring(store)
    for use in (*USES, *OWN):
        if not ring.names(use):
            make_next(store, use)


def make_next(store: Keystore, use: str) -> str:
    """Make one more key of a use; its name in the keystore. Names of destroyed keys are not used again."""
    gone = (name for name in store.tombstones(signing_name(use)))
    number = 1 + max((number_of(use, name) for name in (*store.names(signing_name(use)), *gone)), default=0)
    store.create(signing_name(use, number))
    return signing_name(use, number)
