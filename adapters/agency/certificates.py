"""Certificates of destruction: fetched when the hub says that a submission of ours was destroyed, verified, and kept beside its receipt.

They outlive the hub: one whose backups brought destroyed rows back shows as held what it has certified destroyed, and an operator who has
lost the list of what was destroyed takes these files for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.agency.agreements_store import AgreementStore, Verified
from adapters.agency.client import Client
from adapters.agency.receipts import Receipts
from adapters.errors import IntegrityFailed
from keys.encoding import parse_json
from keys.errors import BadFormat, BadSignature
from keys.files import replace
from keys.formats import Certificate, Receipt
from keys.sign import Use, verify_document

AT_ONCE = 100
"""How many certificates one run fetches."""
LIVE = frozenset({"open", "complete", "held", "superseded"})
"""States of a submission of which rows are, or may become, readable."""


@dataclass(frozen=True)
class Certificates:
    """The certificates among the kept receipts: ``<submission>/certificate.json``."""

    receipts: Receipts
    party: str

    def collect(self, client: Client, listed: Iterable[Mapping[str, Any]], store: AgreementStore) -> list[Certificate]:
        """Fetch, verify and keep those of our submissions that the hub lists as disposed and whose certificate is not here yet.

        Raises:
            IntegrityFailed: a certificate does not hold, or is of something else than the receipt kept here.
        """
        receipts, found = self.receipts.known(), []
        wanted = [str(one["submission"]) for one in listed if one.get("state") == "disposed" and one.get("submission") in receipts]
        lacking = [one for one in wanted if not (self.receipts.folder / one / "certificate.json").is_file()]
        for submission in lacking[:AT_ONCE]:
            answer = client.get(f"/v1/submissions/{submission}", f"fetching the certificate of destruction of {submission}")
            if (signed := answer.get("certificate")) is None:
                continue
            receipt = Receipt.parse(receipts[submission])
            found.append(check_certificate(signed, receipt, [one for one in store.all() if one.agreement.reference == receipt.reference]))
            self.receipts.keep(submission, {"certificate": signed})
        return found

    def copy(self, folder: Path) -> None:
        """Copy them all into a folder, for an operator who has lost the list of what was destroyed."""
        folder.mkdir(parents=True, exist_ok=True)
        for submission in self.known():
            replace(folder / f"{submission}.certificate.json", (self.receipts.folder / submission / "certificate.json").read_bytes())

    def known(self) -> dict[str, Certificate]:
        """Submission → its certificate as kept (not verified again here)."""
        return {path.parent.name: _kept(path.read_bytes(), str(path)) for path in sorted(self.receipts.folder.glob("*/certificate.json"))}

    def refuse_undestroyed(self, listed: Iterable[Mapping[str, Any]]) -> None:
        """Raise where the hub shows as held what it has certified destroyed."""
        certified = self.known()
        back = [str(one["submission"]) for one in listed if one.get("submission") in certified and one.get("state") in LIVE]
        if back:
            first = certified[back[0]]
            raise IntegrityFailed(
                f"The hub shows as held what it certified destroyed: {len(back)} submission(s), the first {back[0]}.",
                why=f"{first.reference}, {first.dataset} {first.period}: destroyed {first.destroyed} by the certificate kept here.",
                remedy=(
                    "Push nothing. A backup was probably restored without its destructions: send the operator what "
                    "exchange-agency status --certificates FOLDER writes, and tell your data protection officer."
                ),
            )


def check_certificate(signed: Any, receipt: Receipt, versions: Sequence[Verified]) -> Certificate:
    """The certificate, if the hub's receipts key of one of these versions signed it for the submission of this receipt."""
    try:
        found = Certificate.parse(verify_document(signed, Use.CERTIFICATE, {one.hub.receipts for one in versions}))
    except (BadFormat, BadSignature) as error:
        raise _untrue(receipt, f"{type(error).__name__}: {error}") from None
    ours, said = receipt.document(), found.document()
    compared = ("submission", "supplier", "reference", "agreement", "dataset", "period", "manifest")
    if differing := [name for name in compared if said[name] != ours[name]]:
        raise _untrue(receipt, f"it differs from the receipt in {', '.join(differing)}")
    return found


def _untrue(receipt: Receipt, why: str) -> IntegrityFailed:
    return IntegrityFailed(
        f"The hub's certificate of destruction of {receipt.submission} does not hold.",
        why=f"{receipt.reference} version {receipt.version}: {why}.",
        remedy="Keep what is here, and speak to the operator and to your data protection officer.",
    )


def _kept(content: bytes, place: str) -> Certificate:
    try:
        return Certificate.parse(parse_json(content)["document"])
    except (BadFormat, KeyError, TypeError):
        raise IntegrityFailed(f"{place}: the certificate kept here is damaged.", remedy="Restore it from your backup.") from None
