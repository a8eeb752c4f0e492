"""The ceremony of the linkage secret: the first supplier makes it and seals it to each other supplier; the hub only relays envelopes.

The secret lies in ``linkage/<reference>-<epoch>.json``, readable by its owner alone. It is on disk before the first envelope is posted,
so that an interrupted ceremony is finished by running it again.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.agency.contract import Linkage
from adapters.errors import AgreementRefused, ConfigError, IntegrityFailed, ServerRefused
from agreements.model import Agreement, Party
from keys.documents import Document, Hex16, Name, Positive, encoded
from keys.encoding import b64, canonical, parse_json, unb64
from keys.errors import BadFormat, BadSignature, CannotOpen, KeyExists
from keys.files import erase, readable_by_others, write_new
from keys.formats import Envelope
from keys.pseudonym import key_check_value
from keys.seal import EncryptionKey, envelope_info, seal, unseal
from keys.sign import SigningKey, Use, sign_document, verify_document

SECRET = 32


@dataclass(frozen=True, repr=False)
class _Stored(Document):
    reference: Name
    epoch: Positive
    key_check: Hex16
    secret: Annotated[str, encoded(SECRET)]


@dataclass(frozen=True)
class LinkageStore:
    """Linkage secrets in the state folder."""

    folder: Path

    def get(self, reference: str, epoch: int) -> bytes | None:
        """The secret, or None. ConfigError if others may read its file, IntegrityFailed if it is damaged."""
        path = self._path(reference, epoch)
        if not path.is_file():
            return None
        if readable_by_others(path, group=True):
            raise ConfigError(f"{path}: others may read the linkage secret.", remedy=f"Make it yours alone: chmod 600 {path}")
        try:
            stored = _Stored.parse(parse_json(path.read_bytes()))
        except BadFormat:
            raise _damaged(path) from None
        secret = unb64(stored.secret)
        if (stored.reference, stored.epoch, stored.key_check) != (reference, epoch, key_check_value(secret, reference, epoch)):
            raise _damaged(path)
        return secret

    def put(self, reference: str, epoch: int, secret: bytes) -> None:
        """Keep a new secret; one that is there is never overwritten (ConfigError)."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stored = _Stored(reference, epoch, key_check_value(secret, reference, epoch), b64(secret))
        try:
            write_new(self._path(reference, epoch), canonical(stored.document()) + b"\n")
        except KeyExists:
            raise ConfigError(f"{self._path(reference, epoch)}: there is another linkage secret of that epoch.") from None

    def forget(self, reference: str, epoch: int) -> None:
        """Erase a secret that was made here and never used."""
        erase(self._path(reference, epoch))

    def check_value(self, reference: str, epoch: int) -> str | None:
        """The key check value of the secret held for an epoch, or None."""
        secret = self.get(reference, epoch)
        return key_check_value(secret, reference, epoch) if secret is not None else None

    def _path(self, reference: str, epoch: int) -> Path:
        return self.folder / f"{reference}-{epoch}.json"


def _damaged(path: Path) -> IntegrityFailed:
    return IntegrityFailed(f"{path}: the linkage secret kept here is damaged.", remedy="Restore it, or run keys accept in its place.")


def suppliers(agreement: Agreement) -> list[Party]:
    """The parties that supply any dataset, in the agreement's order: those who hold the secret."""
    supplying = {name for dataset in agreement.datasets for name in dataset.suppliers}
    return [party for party in agreement.parties if party.id in supplying]


def issue(client: Client, verified: Verified, store: LinkageStore, key: SigningKey, fixed: Linkage | None, epoch: int) -> list[str]:
    """Make (or find, after an interruption) the secret of an epoch, and post an envelope to each other supplier; returns their ids.

    Args:
        key: our manifest key.
        fixed: the epoch that the hub already knows, if any.
    """
    agreement, me = verified.agreement, client.settings.party
    everyone = suppliers(agreement)
    if me not in {party.id for party in everyone}:
        raise AgreementRefused("Only a supplier issues the linkage secret.", why=f"{agreement.clause('datasets', 'suppliers')}.")
    secret = store.get(agreement.reference, epoch)
    if (
        fixed is not None
        and fixed.epoch >= epoch
        and (secret is None or key_check_value(secret, agreement.reference, epoch) != fixed.key_check)
    ):
        raise _exists(agreement.reference, fixed.epoch)
    made = secret is None
    if secret is None:
        secret = secrets.token_bytes(SECRET)
        store.put(agreement.reference, epoch, secret)
    others = [party for party in everyone if party.id != me] or [party for party in everyone if party.id == me]
    for party in others:
        body = sign_document(_envelope(verified, me, party, epoch, secret).document(), Use.ENVELOPE, key)
        try:
            client.post(f"/v1/agreements/{agreement.reference}/envelopes", f"relaying the envelope for {party.id}", body)
        except ServerRefused as error:
            if error.code == "epoch-exists":
                if made:  # never one from an earlier run: a hub that lies must not make us erase the partners' secret
                    store.forget(agreement.reference, epoch)
                raise _exists(agreement.reference, epoch) from None
            raise
    return [party.id for party in others]


def _exists(reference: str, epoch: int) -> ServerRefused:
    return ServerRefused(
        f"Epoch {epoch} of {reference} has a linkage secret already, issued by another supplier.",
        remedy=f"Run: exchange-agency keys accept {reference}. Where a secret of that epoch made here is in the way, remove its file first.",
        code="epoch-exists",
    )


def _envelope(verified: Verified, me: str, party: Party, epoch: int, secret: bytes) -> Envelope:
    reference = verified.agreement.reference
    if party.keys is None:
        raise IntegrityFailed(f"The agreement names no encryption key of {party.id}.", why=f"{verified.agreement.clause('parties')}.")
    public = verified.public_key(party.keys.encryption)
    info = envelope_info(reference=reference, epoch=epoch, issuer=me, recipient=party.id)
    return Envelope(
        reference, epoch, me, party.id, party.keys.encryption, key_check_value(secret, reference, epoch), b64(seal(secret, public, info))
    )


def accept(client: Client, verified: Verified, store: LinkageStore, key: EncryptionKey, fixed: Linkage | None) -> Linkage:
    """Open the envelope addressed to us in the hub's present epoch and keep its secret; nothing happens if it is here already.

    Raises:
        ConfigError: no secret was issued yet, or the envelope is for a key that we do not hold.
        IntegrityFailed: the envelope is not what a supplier of the agreement sealed for us.
    """
    reference = verified.agreement.reference
    if fixed is None:
        raise ConfigError(f"No linkage secret of {reference} was issued yet.", remedy="Another supplier runs keys issue first.")
    if store.check_value(reference, fixed.epoch) == fixed.key_check:
        return fixed
    answer = client.get(f"/v1/agreements/{reference}/envelopes", "fetching envelopes")
    found = answer.get("envelopes")
    for signed in found if isinstance(found, list) else []:
        envelope = _verified_envelope(signed, verified)
        if (envelope.epoch, envelope.recipient) == (fixed.epoch, client.settings.party):
            secret = _open(envelope, verified, key)
            if key_check_value(secret, reference, fixed.epoch) not in {envelope.key_check} & {fixed.key_check}:
                raise _false(verified, "the secret inside has another key check value")
            store.put(reference, fixed.epoch, secret)
            return fixed
    raise ConfigError(
        f"There is no envelope for us in epoch {fixed.epoch} of {reference}.", remedy="Ask the issuer to run keys issue again."
    )


def _verified_envelope(signed: Any, verified: Verified) -> Envelope:
    """An envelope, if the supplier that it names as its issuer signed it with the manifest key of the agreement."""
    try:
        claimed = Envelope.parse(signed["document"])
        issuer = verified.agreement.party(claimed.issuer)
        trusted = {issuer.keys.manifest} if issuer is not None and issuer in suppliers(verified.agreement) and issuer.keys else set()
        envelope = Envelope.parse(verify_document(signed, Use.ENVELOPE, trusted))
    except (BadFormat, BadSignature, KeyError, TypeError) as error:
        raise _false(verified, type(error).__name__) from None
    if envelope.reference != verified.agreement.reference:
        raise _false(verified, "it is of another agreement")
    return envelope


def _open(envelope: Envelope, verified: Verified, key: EncryptionKey) -> bytes:
    if envelope.recipient_key != key.fingerprint:
        raise ConfigError(
            "The envelope is sealed to another encryption key than the one here.",
            why=f"{verified.agreement.clause('parties', envelope.recipient)}: {envelope.recipient_key}.",
            remedy="Set keys.encryption in agency.toml to the file of that key.",
        )
    info = envelope_info(reference=envelope.reference, epoch=envelope.epoch, issuer=envelope.issuer, recipient=envelope.recipient)
    try:
        secret = unseal(unb64(envelope.sealed), key, info)
    except CannotOpen:
        raise _false(verified, "it does not open") from None
    if len(secret) != SECRET:
        raise _false(verified, "what is inside is no secret")
    return secret


def _false(verified: Verified, why: str) -> IntegrityFailed:
    return IntegrityFailed(
        "An envelope does not hold.",
        why=f"{verified.agreement.clause('parties')}: {why}.",
        remedy="Speak to the supplier that issued it; nothing was kept.",
    )
