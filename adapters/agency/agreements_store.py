"""Agreements as the client knows them: fetched, worked out again from their own words, and kept. Nothing is pushed under any other.

What the hub says of an agreement is not believed: the digest is computed from the canonical text, every statement is checked against
the fingerprints that text names, and our own signatory's key must be the one that was pinned by another road.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.errors import AgreementRefused, ConfigError, IntegrityFailed
from agreements.document import read_canonical
from agreements.errors import InvalidDocument, InvalidStatement
from agreements.lifecycle import State
from agreements.machines import HubKeys
from agreements.model import Agreement, Standing
from agreements.signing import Statement, Voice, check_statement, progress, suspended, unendorsed
from keys.encoding import canonical, parse_json, unb64
from keys.errors import BadFormat, BadSignature
from keys.files import replace
from keys.formats import key_fingerprint
from keys.sign import Use
from keys.statements import verify_signed

EXPORT_LIMIT = 8 << 20
_REFERENCE = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*")


@dataclass(frozen=True)
class Verified:
    """An agreement whose every signature holds, with where the hub says it stands.

    Attributes:
        keys: fingerprint → raw public key, each checked against its fingerprint.
        export: the document it was read from, as kept.
    """

    agreement: Agreement
    state: str
    suspended: frozenset[str]
    keys: Mapping[str, bytes]
    statements: tuple[Statement, ...]
    export: Mapping[str, Any]

    @property
    def standing(self) -> Standing:
        """For ``agreements.rules``: the hub's word, made stricter by what the signed statements themselves say."""
        state = self.state
        stopped = suspended(sorted(self.statements, key=lambda said: said.made))
        if any(said.voice is Voice.TERMINATE for said in self.statements):
            state = State.TERMINATED
        elif state == State.IN_FORCE and "" in stopped:
            state = State.SUSPENDED
        return Standing(self.agreement, state, self.suspended | (stopped - {""}))

    @property
    def hub(self) -> HubKeys:
        """The fingerprints of the hub's keys. IntegrityFailed where the operator names none (a document of ours always does)."""
        if self.agreement.operator.hub is None:
            raise IntegrityFailed("The agreement does not name the hub's keys.", why=f"{self.agreement.clause('parties')}.")
        return self.agreement.operator.hub

    def public_key(self, fingerprint: str) -> bytes:
        """The raw public key of a fingerprint that the agreement names. IntegrityFailed if the hub did not hand it out."""
        if fingerprint not in self.keys:
            raise IntegrityFailed(
                "The hub does not hand out a public key that the agreement names.",
                why=f"{self.agreement.clause('parties')}: {fingerprint}.",
                remedy="Ask the operator to register the card of that key.",
            )
        return self.keys[fingerprint]


def verify_export(export: Any, *, party: str = "", pin: str = "") -> Verified:
    """Check an exported agreement from its own words; IntegrityFailed if anything in it does not hold.

    Args:
        export: ``{reference, version, state, suspended, canonical, statements, keys}`` of the hub; a file needs only what is signed,
            the canonical text and the statements.
        party: whose signatory (for a recipient: the signatory of the party it belongs to) must have the pinned key.
        pin: that fingerprint; empty where nothing is pinned.
    """
    try:
        agreement = read_canonical(_member(export, "canonical", str).encode())
        keys = {fingerprint: _matching(fingerprint, raw) for fingerprint, raw in _member(export, "keys", dict, {}).items()}
        statements = tuple(check_statement(agreement, signed, _verify) for signed in _member(export, "statements", list))
    except (InvalidDocument, InvalidStatement, BadFormat, BadSignature) as error:
        raise IntegrityFailed("The agreement does not verify.", why=f"{type(error).__name__}: {error}", remedy=_SPEAK) from None
    named = (export.get("reference", agreement.reference), export.get("version", agreement.version))
    if named != (agreement.reference, agreement.version):
        raise IntegrityFailed("The hub calls an agreement by another name than it has.", why=f"{agreement.clause()}.", remedy=_SPEAK)
    if pin and _own_signatory(agreement, party) != pin:
        raise IntegrityFailed(
            f"The agreement names another key for the signatory of {party} than the one pinned here.",
            why=f"{agreement.clause('parties', party)}: pinned {pin}.",
            remedy="Compare fingerprints with your signatory, by telephone or in person, before anything else.",
        )
    reached = progress(agreement, statements)
    if not reached.complete:
        raise AgreementRefused(
            f"{agreement.reference} version {agreement.version} is not signed by everyone.",
            why=f"Still waited for: {'; '.join(reached.missing)}.",
            remedy="Every party's DPO must advise and every party's signatory must sign.",
        )
    listed = frozenset(_texts(export.get("suspended", [])))
    return Verified(agreement, str(export.get("state", "")), listed, keys, statements, export)


_SPEAK = "Push nothing; keep what is here and speak to the operator and to your data protection officer."


def _own_signatory(agreement: Agreement, party: str) -> str:
    recipient = next((found for found in agreement.recipients if found.id == party), None)
    found = agreement.party(recipient.party if recipient else party)
    return found.signatory.key if found else ""


def _member(export: Any, name: str, kind: type, default: Any = None) -> Any:
    found = export.get(name, default) if isinstance(export, dict) else None
    if not isinstance(found, kind):
        raise BadFormat(f"{name}: missing, or not as it must be")
    return found


def _texts(found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise IntegrityFailed("The hub's list of suspended datasets is not a list of names.")
    return found


def _verify(signed: Mapping[str, Any], trusted: Collection[str]) -> Mapping[str, Any]:
    return verify_signed(signed, Use.STATEMENT, trusted)


def _matching(fingerprint: str, public: Any) -> bytes:
    raw = unb64(public)
    if key_fingerprint(fingerprint.partition(":")[0], raw) != fingerprint:
        raise BadSignature("a public key does not have the fingerprint it is filed under")
    return raw


def _continues(before: Verified, verified: Verified) -> None:
    """A version's words never change, and nothing that was said of it is ever unsaid: who shows less than before hides something."""
    clause = verified.agreement.clause()
    if before.agreement.digest != verified.agreement.digest:
        raise IntegrityFailed(
            "The hub shows other words for a version that was verified here before.",
            why=f"{clause}: digest {verified.agreement.digest}.",
            remedy=_SPEAK,
        )
    hidden = [said for said in before.statements if said not in verified.statements]
    if hidden:
        raise IntegrityFailed(
            f"The hub hides {len(hidden)} statement(s) that it showed here before.",
            why=f"{clause}: {'; '.join(f'{said.party}, {said.voice}' for said in hidden[:5])}.",
            remedy=_SPEAK,
        )


@dataclass(frozen=True)
class AgreementStore:
    """Verified agreements in the state folder: ``<reference>/<version>.json``, each checked again whenever it is read."""

    folder: Path
    party: str
    pin: str

    def admit(self, export: Any, listed: Mapping[str, Any]) -> Verified:
        """Verify what the hub answered, compare it with its own list and with what we saw before, and keep it."""
        verified = verify_export(export, party=self.party, pin=self.pin)
        agreement = verified.agreement
        if (listed.get("reference"), listed.get("version"), listed.get("agreement")) != (
            agreement.reference,
            agreement.version,
            agreement.digest,
        ):
            raise IntegrityFailed("The hub's list and its agreement do not agree.", why=f"{agreement.clause()}.", remedy=_SPEAK)
        path = self._path(agreement.reference, agreement.version)
        self.folder.mkdir(exist_ok=True, mode=0o700)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        if path.is_file():
            _continues(self._read(path), verified)
        if verified.state in (State.IN_FORCE, State.SUSPENDED):
            self._not_older(agreement)
            self._endorsed(verified)
            replace(self._newest(agreement.reference), str(agreement.version).encode())
        replace(path, canonical(dict(verified.export)) + b"\n")
        return verified

    def get(self, reference: str, version: int) -> Verified:
        """A version verified earlier. ConfigError if it is not here."""
        path = self._path(reference, version)
        if not path.is_file():
            raise ConfigError(f"{reference} version {version} has not been verified here.", remedy="Run exchange-agency status once.")
        return self._read(path)

    def all(self) -> list[Verified]:
        """Every version kept, by reference and version."""
        found = [self._read(path) for path in sorted(self.folder.glob("*/*.json"))]
        return sorted(found, key=lambda one: (one.agreement.reference, one.agreement.version))

    def newest(self) -> list[Verified]:
        """Of each agreement the newest version that was in force when we looked."""
        references = sorted(path.parent.name for path in self.folder.glob("*/newest"))
        return [self.get(reference, self._seen(reference)) for reference in references]

    def _newest(self, reference: str) -> Path:
        return self.folder / reference / "newest"

    def _seen(self, reference: str) -> int:
        """The newest version of it that was in force when we looked; 0 before the first."""
        newest = self._newest(reference)
        return int(newest.read_text()) if newest.is_file() else 0

    def _endorsed(self, verified: Verified) -> None:
        """A new version may change people's keys only with the old key's word, or that of two other parties."""
        agreement, seen = verified.agreement, self._seen(verified.agreement.reference)
        if not 0 < seen < agreement.version:
            return
        alone = unendorsed(self.get(agreement.reference, seen).agreement, agreement, verified.statements)
        if alone:
            raise IntegrityFailed(
                f"Version {agreement.version} of {agreement.reference} changes the keys of {', '.join(alone)}, and nobody entitled vouches for it.",
                why=f"{agreement.clause('parties', alone[0])}: neither the old key nor two other parties signed for the change.",
                remedy=_SPEAK,
            )

    def _not_older(self, agreement: Agreement) -> None:
        seen = self._seen(agreement.reference)
        if agreement.version < seen:
            raise IntegrityFailed(
                f"The hub answers with version {agreement.version} of {agreement.reference}, though version {seen} was in force here before.",
                why=f"{agreement.clause('versions')}.",
                remedy=_SPEAK,
            )

    def _read(self, path: Path) -> Verified:
        try:
            # The pin was held against it when it was admitted, and may have changed with the signatory since.
            return verify_export(parse_json(path.read_bytes(), limit=EXPORT_LIMIT))
        except (BadFormat, OSError) as error:
            raise IntegrityFailed(f"{path}: the agreement kept here cannot be read.", why=type(error).__name__, remedy=_SPEAK) from None

    def _path(self, reference: str, version: int) -> Path:
        if not _REFERENCE.fullmatch(reference):
            raise ConfigError("An agreement's reference is capital letters and digits joined by -, such as LCJP-MV7.")
        return self.folder / reference / f"{int(version)}.json"
