"""People's rights, asked of the hub by pseudonym: derive, seal, sign, send, verify the receipt, keep it in ``rights/<request>/``.

The identifier is in memory only. What goes to the hub is sealed pseudonyms, which only the hub can open; what stays here is the signed
request, the receipt, and on the exclusion list an HMAC under a key of our own. A request that got no answer is sent again, the same, by
the next run.
"""

import secrets
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.agency.run import Run, refusal
from adapters.agency.spool import leftovers
from adapters.errors import AgreementRefused, ConfigError, IntegrityFailed, NetworkFailed, ServerRefused, UsageError
from agreements.decisions import Refused
from agreements.lifecycle import State
from agreements.rights import EXCLUDING, Right, may_exercise, reached
from agreements.rules import UNKNOWN, today
from keys.encoding import b64, canonical, digest, parse_json, unb64
from keys.errors import BadFormat, BadIdentifier, BadSignature
from keys.files import replace, sync_folder
from keys.formats import SealingKeyNotice
from keys.pseudonym import KINDS, NORMALISER, key_check_value, normalise, pseudonym_key, pseudonymise
from keys.rights import FORMAT, MOST, Epoch, RightsReceipt, RightsRequest, pack
from keys.seal import rights_info, seal
from keys.sign import Use, sign_document, verify_document

Packed = Callable[[Mapping[int, Collection[bytes]]], bytes]
_REQUEST, _RECEIPT = "request.json", "receipt.json"
_LIVING, _ENDED = (State.IN_FORCE, State.SUSPENDED), (State.EXPIRED, State.TERMINATED)


@dataclass(frozen=True)
class Whom:
    """Of whom: identifiers of one kind, in memory only."""

    kind: str
    identifiers: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Whom({self.kind}, {len(self.identifiers)})"


def whom(kind: str, lines: Sequence[str]) -> Whom:
    """The identifiers of some lines, normalised, each once. UsageError where the kind is unknown or a line has not its form."""
    if kind not in KINDS:
        raise UsageError("There is no such kind of identifier.", remedy=f"There are: {', '.join(sorted(KINDS))}.")
    try:
        found = normalise(pa.array(list(lines), pa.string()), kind).drop_null().to_pylist()
    except BadIdentifier as error:
        places = ", ".join(str(row + 1) for row in error.rows[:20])
        raise UsageError(f"Line {places} is no identifier of kind {kind}: {KINDS[kind].form}.") from None
    if not found:
        raise UsageError("No identifier was given.", remedy="Type it when asked, or give a file of them, one a line: --from FILE")
    if len(set(found)) > MOST // 10:
        raise UsageError(f"At most {MOST // 10} identifiers go into one request.", remedy="Ask for the rest in another one.")
    return Whom(kind, tuple(dict.fromkeys(found)))


@dataclass(frozen=True)
class Answer:
    """What the hub did under one agreement: the verified receipt, and where it is kept."""

    receipt: RightsReceipt
    folder: Path


@dataclass(frozen=True)
class Asking:
    """One run of a right, under the lock."""

    run: Run

    @property
    def client(self) -> Client:
        """The hub."""
        return self.run.client

    @property
    def folder(self) -> Path:
        """Where requests and receipts are kept."""
        return self.run.agency.settings.home / "rights"

    # ------------------------------------------------------------------------------------------------------------ beginning

    def agreements(self, reference: str, kind: str) -> list[Verified]:
        """The newest version that was ever in force, of the agreement named or of each under which we supply this kind, fetched and verified.

        Or have supplied it: rows outlive the version under which they were sent.
        """
        found = self.client.get("/v1/agreements", "listing agreements").get("agreements")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise IntegrityFailed("The hub's list of agreements is not a list.")
        newest: dict[str, Mapping[str, Any]] = {}
        for one in sorted(found, key=lambda one: (one.get("state") in _LIVING, str(one.get("version")).zfill(9))):
            if one.get("state") in (*_LIVING, *_ENDED) and reference in ("", one.get("reference")):
                newest[str(one.get("reference"))] = one
        verified = [self._admit(listed) for listed in newest.values()]
        mine = [one for one in verified if reference or self._reached(one, kind)]
        if not mine:
            raise refusal(UNKNOWN)
        return mine

    def _admit(self, listed: Mapping[str, Any]) -> Verified:
        reference, version = listed.get("reference"), listed.get("version")
        export = self.client.get(f"/v1/agreements/{reference}", f"fetching {reference} version {version}", {"version": str(version)})
        return self.run.agency.store.admit(export, listed)

    def datasets(self, verified: Verified, kind: str, named: Sequence[str], right: Right) -> tuple[str, ...]:
        """The datasets meant: those named, or every one of ours with this kind. AgreementRefused where there is no such right over one of them."""
        wanted = tuple(dict.fromkeys(named)) or self._reached(verified, kind)
        for name in wanted:
            supplied = (one for one in self._versions(verified) if name in reached(one.agreement, self.run.party, kind))
            under = next(supplied, verified)
            if isinstance(refused := may_exercise(under.standing, self.run.party, name, kind, right), Refused):
                raise refusal(refused)
        if not wanted:
            clause = verified.agreement.clause("datasets")
            raise AgreementRefused("We supply no dataset with identifiers of this kind.", why=f"{clause}.")
        return wanted

    def _versions(self, verified: Verified) -> list[Verified]:
        """A version, and those before it that were verified here, newest first."""
        agreement = verified.agreement
        kept = (one for one in self.run.agency.store.all() if one.agreement.reference == agreement.reference)
        older = (one for one in kept if one.agreement.version < agreement.version and one.state in (*_LIVING, *_ENDED))
        return [verified, *sorted(older, key=lambda one: -one.agreement.version)]

    def _reached(self, verified: Verified, kind: str) -> tuple[str, ...]:
        names = (name for one in self._versions(verified) for name in reached(one.agreement, self.run.party, kind))
        return tuple(dict.fromkeys(names))

    def exclude(self, verified: Verified, who: Whom, named: Sequence[str], right: Right) -> int:
        """Throw away what was prepared and not sent yet, and may hold their rows as they were; then put people on the exclusion list.

        Of what the hub has acknowledged, no part is sent a second time. Returns how many uploads went.
        """
        if right is Right.ACCESS:
            return 0
        reference = verified.agreement.reference
        theirs = named or self._reached(verified, who.kind)
        prepared = [
            one for one in leftovers(self.run.agency.settings.spool) if one.plan.reference == reference and one.plan.dataset in theirs
        ]
        spoiled = [one for one in prepared if one.acknowledgement is None]
        for upload in prepared:
            if upload in spoiled:
                upload.discard()
            else:
                upload.forget_parts()
        if right in EXCLUDING:
            self.run.agency.exclusions.add(reference, tuple(named), who.kind, who.identifiers, right, today(self.run.now()))
        return len(spoiled)

    # ------------------------------------------------------------------------------------------------------------ asking

    def ask(self, verified: Verified, who: Whom, datasets: Sequence[str], right: Right) -> Answer:
        """Ask under one agreement, and keep what the hub answered.

        Raises:
            ConfigError: no linkage secret of the agreement is here.
            ServerRefused, AgreementRefused: the hub refuses; nothing was done.
            NetworkFailed: no answer; the next run sends the same request again.
            IntegrityFailed: what the hub signed does not hold.
        """
        about = self.sealed(verified, who, "asking how to ask", pack, rights_info)
        document = RightsRequest(format=FORMAT, right=right.value, datasets=tuple(datasets), **about).document()
        return self._send(sign_document(document, Use.RIGHTS_REQUEST, self.run.agency.manifest_key), verified)

    def sealed(self, verified: Verified, who: Whom, doing: str, packed: Packed, info: Callable[..., bytes]) -> dict[str, Any]:
        """Of whom a new request is, as its members: their pseudonyms sealed to the hub, for every linkage epoch whose secret is here.

        Args:
            packed: epoch → pseudonyms, as what is sealed. info: agreement, supplier and request, as what that is bound to.
        """
        agreement, party = verified.agreement, self.run.party
        offer = self.client.get("/v1/rights", doing, {"agreement": agreement.digest})
        notice, epochs = self._offered(offer, verified)
        request = secrets.token_hex(16)
        made = {epoch: self._pseudonyms(agreement.reference, epoch, secret, who) for epoch, secret in epochs.items()}
        bound = info(agreement=agreement.digest, supplier=party, request=request)
        return {
            "request": request,
            "supplier": party,
            "reference": agreement.reference,
            "version": agreement.version,
            "agreement": agreement.digest,
            "kind": who.kind,
            "normaliser": NORMALISER,
            "epochs": tuple(Epoch(epoch, key_check_value(secret, agreement.reference, epoch)) for epoch, secret in epochs.items()),
            "sealing_key": notice.id,
            "sealed": b64(seal(packed(made), unb64(notice.public), bound)),
            "created": self.run.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    @staticmethod
    def _pseudonyms(reference: str, epoch: int, secret: bytes, who: Whom) -> list[bytes]:
        """Their pseudonyms under an agreement and epoch, in the order of the identifiers."""
        key = pseudonym_key(secret, reference, who.kind, epoch)
        found: list[bytes] = pseudonymise(pa.array(who.identifiers, pa.string()), who.kind, key).to_pylist()
        return found

    def _offered(self, offer: Any, verified: Verified) -> tuple[SealingKeyNotice, dict[int, bytes]]:
        """The hub's sealing key, vouched for; and the epochs whose secret is here, with it."""
        reference, secrets_here = verified.agreement.reference, self.run.agency.secrets
        try:
            notice = SealingKeyNotice.parse(verify_document(offer["sealing_key"], Use.SEALING_KEY, verified.hub.identity))
            known = [Epoch.parse(one) for one in offer["epochs"]]
        except (BadFormat, BadSignature, KeyError, TypeError) as error:
            why = f"{verified.agreement.clause()}: {type(error).__name__}."
            raise IntegrityFailed("The hub's sealing key does not verify.", why=why, remedy="Speak to the operator.") from None
        if datetime.fromisoformat(notice.expires) <= self.run.now():
            raise NetworkFailed("The hub's sealing key has run out.", remedy="Try again later; if it stays so, tell the operator.")
        found = {one.epoch: secret for one in known if (secret := secrets_here.get(reference, one.epoch)) is not None}
        if not found:
            raise ConfigError(
                f"No linkage secret of {reference} that is in use is here.", remedy=f"Run: exchange-agency keys accept {reference}"
            )
        for one in known:
            if one.epoch in found and key_check_value(found[one.epoch], reference, one.epoch) != one.key_check:
                raise ConfigError(
                    f"The linkage secret here is not the one that the partners of {reference} use.",
                    why=f"Key check values differ (epoch {one.epoch}, normaliser {NORMALISER}).",
                    remedy="Speak to the supplier that issued it; nothing was sent.",
                )
        return notice, found

    # ------------------------------------------------------------------------------------------------------------ sending

    def resume(self) -> list[Answer]:
        """Send again, the same, every request that got no answer. One that the hub refuses for good is thrown away, and told as an error."""
        waiting = [path for path in sorted(self.folder.glob(f"*/{_REQUEST}")) if not (path.parent / _RECEIPT).is_file()]
        answers = []
        for path in waiting:
            signed = _read(path)
            request = RightsRequest.parse(signed.get("document"))
            verified = self.run.agency.store.get(request.reference, request.version)
            answers.append(self._send(signed, verified))
        return answers

    def _send(self, signed: Mapping[str, Any], verified: Verified) -> Answer:
        request = RightsRequest.parse(signed["document"])
        folder = self.folder / request.request
        if not (folder / _REQUEST).is_file():
            self.run.agency.ledger.add(request.request)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            replace(folder / _REQUEST, canonical(dict(signed)) + b"\n")
            sync_folder(self.folder)
        try:
            answer = self.client.post("/v1/rights", f"asking for {request.right} under {request.reference}", signed)
        except (ServerRefused, AgreementRefused):
            shutil.rmtree(folder)
            raise
        receipt = check_receipt(answer.get("receipt"), signed, verified)
        replace(folder / _RECEIPT, canonical(answer["receipt"]) + b"\n")
        return Answer(receipt, folder)


def check_receipt(signed: Any, asked: Mapping[str, Any], verified: Verified) -> RightsReceipt:
    """The receipt, if the hub's receipts key signed it for this very request; IntegrityFailed otherwise."""
    try:
        found = RightsReceipt.parse(verify_document(signed, Use.RIGHTS_RECEIPT, verified.hub.receipts))
    except (BadFormat, BadSignature) as error:
        raise _untrue(verified, f"{type(error).__name__}: {error}") from None
    said, ours = found.document(), asked["document"]
    names = ("request", "supplier", "reference", "version", "agreement", "right", "kind")
    differing = [name for name in names if said[name] != ours[name]]
    if differing or found.asked != digest(ours):
        raise _untrue(verified, "it is of another request")
    return found


def _untrue(verified: Verified, why: str) -> IntegrityFailed:
    return IntegrityFailed(
        "The hub's receipt for a request about rights does not hold.",
        why=f"{verified.agreement.clause()}: {why}.",
        remedy="Keep the folder rights as it is, and speak to the operator.",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(path.read_bytes())
    except (BadFormat, OSError):
        found = None
    if not isinstance(found, dict):
        raise IntegrityFailed(f"{path}: this request is damaged.", remedy="Remove its folder and ask again.")
    return found
