"""One agency at work: its settings with the things they name, each opened when first asked for."""

from dataclasses import dataclass
from pathlib import Path

from adapters.agency.agreements_store import AgreementStore
from adapters.agency.certificates import Certificates
from adapters.agency.client import Client, new_session
from adapters.agency.exclusions import Exclusions
from adapters.agency.ledger import Ledger
from adapters.agency.linkage import LinkageStore
from adapters.agency.receipts import Receipts
from adapters.agency.settings import Settings
from adapters.agency.watch import Watch
from adapters.agency.witness import Witness
from adapters.agency.witnesses import Witnesses
from adapters.errors import ConfigError
from agreements.codes import CodeList, read_lists
from agreements.errors import UnknownCodeList
from keys.errors import KeysError, KeystoreUnreadable, UnknownKey
from keys.keyfile import KeyFile, read_keyfile
from keys.seal import EncryptionKey
from keys.sign import SigningKey


@dataclass(frozen=True)
class Agency:
    """Settings, and what is read by them."""

    settings: Settings

    @property
    def store(self) -> AgreementStore:
        """The verified agreements."""
        return AgreementStore(self.settings.agreements, self.settings.party, self.settings.pin_signatory)

    @property
    def secrets(self) -> LinkageStore:
        """The linkage secrets."""
        return LinkageStore(self.settings.linkage)

    @property
    def receipts(self) -> Receipts:
        """The kept receipts."""
        return Receipts(self.settings.receipts)

    @property
    def witness(self) -> Witness:
        """The last verified checkpoint."""
        return Witness(self.settings.home)

    @property
    def witnesses(self) -> Witnesses:
        """What the other parties have cosigned."""
        return Witnesses(self.settings.home, self.settings.party)

    @property
    def certificates(self) -> Certificates:
        """The kept certificates of destruction."""
        return Certificates(self.receipts, self.settings.party)

    @property
    def watch(self) -> Watch:
        """What the log says in our name."""
        return Watch(self.settings.home, self.settings.party)

    @property
    def exclusions(self) -> Exclusions:
        """Whose rows we send no more."""
        return Exclusions(self.settings.home)

    @property
    def ledger(self) -> Ledger:
        """The ids of our uploads."""
        return Ledger.beside(self.settings.spool)

    def own_keys(self) -> frozenset[str]:
        """The fingerprints of the key files of this folder."""
        keys = {self.client_key.public.fingerprint}
        if not self.settings.recipient:
            keys |= {self.manifest_key.public.fingerprint, self.encryption_key.fingerprint}
        return frozenset(keys | ({witness.public.fingerprint} if (witness := self.witness_key) else set()))

    @property
    def manifest_key(self) -> SigningKey:
        """Our key for manifests and envelopes."""
        return _signing(self._key("manifest_key", self.settings.manifest_key), self.settings.manifest_key)

    @property
    def client_key(self) -> SigningKey:
        """Our key for asking the hub for tokens."""
        return _signing(self._key("client_key", self.settings.client_key), self.settings.client_key)

    @property
    def witness_key(self) -> SigningKey | None:
        """Our key for cosigning heads of the log; None where there is no file of it (an agreement need not name one)."""
        path = self.settings.witness_key
        return _signing(self._key("witness_key", path), path) if path.exists() else None

    @property
    def encryption_key(self) -> EncryptionKey:
        """Our key for envelopes sealed to us."""
        found = self._key("encryption_key", self.settings.encryption_key).key
        if not isinstance(found, EncryptionKey):
            raise ConfigError(f"{self.settings.encryption_key}: not an encryption key.", remedy="Name the file of the X-Wing key.")
        return found

    def client(self) -> Client:
        """The hub, as we may speak to it."""
        return Client(self.settings, self.client_key, new_session(self.settings.certificate))

    def code_lists(self) -> dict[str, CodeList]:
        """Every code list of the folder that the settings name."""
        if not self.settings.codes.is_dir():
            raise ConfigError(f"{self.settings.origins['codes']}: there is no folder {self.settings.codes}.", remedy="Correct “codes”.")
        try:
            return read_lists(self.settings.codes)
        except (UnknownCodeList, OSError, UnicodeDecodeError):
            raise ConfigError(f"{self.settings.codes}: a code list cannot be read.", remedy="Install the agreed lists again.") from None

    def _key(self, setting: str, path: Path) -> KeyFile:
        origin = self.settings.origins[setting]
        try:
            found = read_keyfile(path)
        except UnknownKey:
            raise ConfigError(
                f"{path}: there is no such key file ({origin}).", remedy="Run exchange-agency init, or correct the path."
            ) from None
        except KeystoreUnreadable:
            raise ConfigError(f"{path}: others may read this private key.", remedy=f"Make it yours alone: chmod 600 {path}") from None
        except (KeysError, OSError):
            raise ConfigError(f"{path}: this is not a key file, or it is damaged.", remedy="Restore it from your backup.") from None
        if found.owner != self.settings.party:
            raise ConfigError(
                f"{path}: this is a key of “{found.owner}”, not of “{self.settings.party}”.", remedy="Correct “party” or the path."
            )
        return found


def _signing(found: KeyFile, path: Path) -> SigningKey:
    if not isinstance(found.key, SigningKey):
        raise ConfigError(f"{path}: not a signing key.", remedy="Name the file of the Ed25519 key.")
    return found.key
