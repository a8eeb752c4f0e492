"""What the hub signs for us, checked against what we signed, and kept: ``receipts/<submission>/``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.agency.agreements_store import Verified
from adapters.errors import IntegrityFailed
from keys.encoding import canonical, digest, parse_json
from keys.errors import BadFormat, BadSignature
from keys.files import replace
from keys.formats import Acknowledgement, Manifest, Receipt
from keys.sign import Use, verify_document

LOGGED = ".logged"
_STOP = "Keep the spool as it is, push nothing more, and speak to the operator."


def check_acknowledgement(signed: Any, manifest: Manifest, verified: Verified) -> Acknowledgement:
    """The acknowledgement, if the hub's receipts key signed it for this very manifest; IntegrityFailed otherwise."""
    try:
        found = Acknowledgement.parse(verify_document(signed, Use.ACKNOWLEDGEMENT, verified.hub.receipts))
    except (BadFormat, BadSignature) as error:
        raise _untrue("acknowledgement", verified, f"{type(error).__name__}: {error}") from None
    if (found.upload, found.manifest) != (manifest.upload, digest(manifest.document())):
        raise _untrue("acknowledgement", verified, "it is of another upload or manifest")
    return found


def check_receipt(signed: Any, manifest: Manifest, verified: Verified, *, same_content: bool = False) -> Receipt:
    """The receipt, if the hub's receipts key signed it for what this manifest says; IntegrityFailed otherwise.

    Args:
        same_content: the hub says that it holds this content already, from an earlier upload: then everything must agree but the
            upload, its manifest and what it came after.
    """
    try:
        found = Receipt.parse(verify_document(signed, Use.RECEIPT, verified.hub.receipts))
    except (BadFormat, BadSignature) as error:
        raise _untrue("receipt", verified, f"{type(error).__name__}: {error}") from None
    ours = {**manifest.document(), "manifest": digest(manifest.document())}
    said = found.document()
    content = ["supplier", "reference", "dataset", "period", "mode", "rows", "rows_digest"]
    compared = content if same_content else [*content, "upload", "manifest", "version", "agreement", "after"]
    if differing := [name for name in compared if said[name] != ours[name]]:
        raise _untrue("receipt", verified, f"it differs from the manifest in {', '.join(differing)}")
    return found


def _untrue(what: str, verified: Verified, why: str) -> IntegrityFailed:
    return IntegrityFailed(f"The hub's {what} does not hold.", why=f"{verified.agreement.clause()}: {why}.", remedy=_STOP)


@dataclass(frozen=True)
class Receipts:
    """The kept receipts."""

    folder: Path

    def keep(self, submission: str, documents: Mapping[str, Any]) -> Path:
        """Keep signed documents of one submission, each as ``<name>.json``, durably; returns their folder."""
        folder = self.folder / _safe(submission)
        self.folder.mkdir(exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        for name, document in documents.items():
            if document is not None:
                replace(folder / f"{name}.json", canonical(document) + b"\n")
        return folder

    def unlogged(self) -> frozenset[str]:
        """Submissions with a receipt whose entry in the hub's log has not been seen yet."""
        return frozenset(path.parent.name for path in self.folder.glob("*/receipt.json") if not (path.parent / LOGGED).is_file())

    def logged(self, submission: str, number: int) -> None:
        """The entry of this receipt's decision was seen, under this number."""
        replace(self.folder / submission / LOGGED, f"{number}\n".encode())

    def known(self) -> dict[str, Mapping[str, Any]]:
        """Submission → the document of its receipt, as kept (not verified again here)."""
        return {path.parent.name: _document(path) for path in sorted(self.folder.glob("*/receipt.json"))}


def _document(path: Path) -> Mapping[str, Any]:
    try:
        found = parse_json(path.read_bytes())["document"]
        Receipt.parse(found)
    except (BadFormat, OSError, KeyError, TypeError):
        raise IntegrityFailed(f"{path}: the receipt kept here is damaged.", remedy="Run exchange-agency verify on it.") from None
    return dict(found)


def _safe(submission: str) -> str:
    """A submission id as a folder name: the hub chooses it, so it is not let out of the folder."""
    if not submission or not all(c.isascii() and (c.isalnum() or c in "-_") for c in submission) or len(submission) > 100:
        raise IntegrityFailed("The hub names a submission by something that is no name.")
    return submission
