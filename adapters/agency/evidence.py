"""Verifying, with no hub, what the hub and the partners signed: each file is recognised by what it says it is for."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.agency.agreements_store import Verified, verify_export
from adapters.agency.certificates import check_certificate
from adapters.agency.cosigners import Keys
from adapters.agency.receipts import check_acknowledgement, check_receipt
from adapters.errors import ConfigError, IntegrityFailed, UsageError
from keys import logproof
from keys.checkpoint import verify_checkpoint
from keys.encoding import digest, parse_json
from keys.errors import BadFormat, BadProof, BadSignature
from keys.formats import Acknowledgement, Certificate, Envelope, Manifest, Receipt, SealingKeyNotice
from keys.rights import RightsReceipt, RightsRequest
from keys.sign import Use, VerifyKey, verify_document

LIMIT = 64 << 20
_READ_AT_ONCE = 1 << 20
_NAMED = 3


@dataclass(frozen=True)
class Proof:
    """One file that holds: what it is, and what it says in a line."""

    file: str
    what: str
    says: str


@dataclass(frozen=True)
class Trust:
    """The verified agreements whose fingerprints are believed."""

    agreements: Sequence[Verified]

    def of(self, agreement: str) -> Verified:
        """The agreement of that digest; ConfigError if it is not among them."""
        for one in self.agreements:
            if one.agreement.digest == agreement:
                return one
        raise _no_agreement(f"of digest {agreement}")

    def first(self, reference: str = "") -> Verified:
        """Any version of that reference, the newest first; of any reference where none is named."""
        for one in reversed(self.agreements):
            if reference in ("", one.agreement.reference):
                return one
        raise _no_agreement(reference or "at all")


def _no_agreement(which: str) -> ConfigError:
    return ConfigError(
        f"There is no verified agreement {which} here, by whose fingerprints this could be checked.",
        remedy="Name an exported agreement with --agreement FILE, or run exchange-agency status once.",
    )


def verify_files(paths: Sequence[Path], trust: Trust) -> Iterator[Proof]:
    """Verify every file, signed ones first; tables are held against the signed edition among them. The first that does not hold raises.

    Raises:
        IntegrityFailed: a signature, digest or proof does not hold.
        UsageError: a file is nothing that can be verified here.
    """
    plain: list[Path] = []
    tables: dict[str, str] = {}
    for path in paths:
        signed = _signed(path)
        if signed is None:
            plain.append(path)
            continue
        yield _verify(path, signed, trust, paths)
        if signed.get("use") == Use.EDITION:
            tables |= {content: name for name, content in signed["document"].get("files", {}).items()}
    for path in plain:
        yield _plain(path, tables, trust)


def _signed(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, if it is a signed document or an exported agreement; None for everything else."""
    try:
        with path.open("rb") as file:
            start = file.read(1)
            found = parse_json(start + file.read(LIMIT), limit=LIMIT) if start == b"{" else None
    except OSError:
        raise UsageError(f"{path}: the file cannot be read.") from None
    except BadFormat:
        return None
    return found if isinstance(found, dict) and ({"use", "signature"} <= set(found) or "canonical" in found) else None


def _verify(path: Path, signed: Mapping[str, Any], trust: Trust, paths: Sequence[Path]) -> Proof:
    if "canonical" in signed:
        return _agreement(path, signed)
    checks: Mapping[str, Callable[[], str]] = {
        Use.RECEIPT: lambda: _receipt(signed, trust, path, paths),
        Use.ACKNOWLEDGEMENT: lambda: _acknowledgement(signed, trust, path),
        Use.MANIFEST: lambda: _manifest(signed, trust),
        Use.RIGHTS_RECEIPT: lambda: _rights_receipt(signed, trust),
        Use.RIGHTS_REQUEST: lambda: _rights_request(signed, trust),
        Use.EDITION: lambda: _edition(signed, trust),
        Use.SEALING_KEY: lambda: _sealing_key(signed, trust),
        Use.ENVELOPE: lambda: _envelope(signed, trust),
        Use.CERTIFICATE: lambda: _certificate(signed, trust, path),
    }
    use = str(signed.get("use"))
    if use not in checks:
        raise UsageError(f"{path}: a document for the use “{use:.40}” is not one that is verified here.")
    try:
        return Proof(str(path), use, checks[use]())
    except (BadFormat, BadSignature, KeyError, TypeError) as error:
        raise IntegrityFailed(f"{path}: the {use} does not hold.", why=f"{type(error).__name__}: {error}") from None


def _agreement(path: Path, export: Mapping[str, Any]) -> Proof:
    found = verify_export(export).agreement
    return Proof(str(path), "agreement", f"{found.reference} version {found.version}, signed by every party; digest {found.digest}")


def _receipt(signed: Mapping[str, Any], trust: Trust, path: Path, paths: Sequence[Path]) -> str:
    claimed = Receipt.parse(signed["document"])
    verified = trust.of(claimed.agreement)
    found = Receipt.parse(verify_document(signed, Use.RECEIPT, verified.hub.receipts))
    against = ""
    if (manifest := _beside(path, found.manifest, paths)) is not None:
        check_receipt(signed, manifest, verified)
        against = ", and it is for the manifest beside it"
    what = f"{found.reference} version {found.version}, {found.dataset} {found.period}, {found.rows:,} rows"
    return f"{found.outcome}: {what}; submission {found.submission}, to be destroyed on {found.dispose_on}{against}"


def _acknowledgement(signed: Mapping[str, Any], trust: Trust, path: Path) -> str:
    claimed = Acknowledgement.parse(signed["document"])
    verify_document(signed, Use.ACKNOWLEDGEMENT, {one.hub.receipts for one in trust.agreements} or {trust.first().hub.receipts})
    manifest = _beside(path, claimed.manifest, ())
    if manifest is not None:
        check_acknowledgement(signed, manifest, trust.of(manifest.agreement))
    return f"submission {claimed.submission} received whole at {claimed.received}"


def _beside(path: Path, manifest_digest: str, paths: Sequence[Path]) -> Manifest | None:
    """The manifest of that digest, kept beside a receipt or named with it; None if it is nowhere. Its own signature is not looked at."""
    for candidate in (path.parent / "manifest.json", *paths):
        if candidate != path and candidate.is_file() and (found := _signed(candidate)) and found.get("use") == Use.MANIFEST:
            manifest = Manifest.parse(found["document"])
            if digest(manifest.document()) == manifest_digest:
                return manifest
    return None


def _manifest(signed: Mapping[str, Any], trust: Trust) -> str:
    claimed = Manifest.parse(signed["document"])
    party = trust.of(claimed.agreement).agreement.party(claimed.supplier)
    verify_document(signed, Use.MANIFEST, {party.keys.manifest} if party and party.keys else set())
    return f"{claimed.supplier} sends {claimed.dataset} {claimed.period}, {claimed.rows:,} rows in {len(claimed.parts)} part(s)"


def _rights_receipt(signed: Mapping[str, Any], trust: Trust) -> str:
    verified = trust.of(RightsReceipt.parse(signed["document"]).agreement)
    found = RightsReceipt.parse(verify_document(signed, Use.RIGHTS_RECEIPT, verified.hub.receipts))
    deferred = f", {len(found.deferred)} submission(s) deferred" if found.deferred else ""
    return f"{found.right} of {found.reference} for {found.supplier}, request {found.request}: {found.rows:,} row(s){deferred}"


def _rights_request(signed: Mapping[str, Any], trust: Trust) -> str:
    claimed = RightsRequest.parse(signed["document"])
    party = trust.of(claimed.agreement).agreement.party(claimed.supplier)
    verify_document(signed, Use.RIGHTS_REQUEST, {party.keys.manifest} if party and party.keys else set())
    return f"{claimed.supplier} asks for {claimed.right} over {', '.join(claimed.datasets)}, request {claimed.request}"


def _edition(signed: Mapping[str, Any], trust: Trust) -> str:
    verified = trust.of(signed["document"]["agreement"])
    found = verify_document(signed, Use.EDITION, verified.hub.editions)
    if not isinstance(found["files"], dict):
        raise BadFormat("files: not an object")
    span = f"{found['first_period']} to {found['last_period']}"
    return f"{found['edition']} of {found['reference']} release {found['release']}, {span}, {len(found['files'])} files"


def _sealing_key(signed: Mapping[str, Any], trust: Trust) -> str:
    found = SealingKeyNotice.parse(verify_document(signed, Use.SEALING_KEY, {one.hub.identity for one in trust.agreements}))
    return f"{found.id}, until {found.expires}"


def _envelope(signed: Mapping[str, Any], trust: Trust) -> str:
    claimed = Envelope.parse(signed["document"])
    party = trust.first(claimed.reference).agreement.party(claimed.issuer)
    verify_document(signed, Use.ENVELOPE, {party.keys.manifest} if party and party.keys else set())
    return f"{claimed.reference} epoch {claimed.epoch}, {claimed.issuer} to {claimed.recipient}"


def _certificate(signed: Mapping[str, Any], trust: Trust, path: Path) -> str:
    claimed = Certificate.parse(signed["document"])
    versions = [one for one in trust.agreements if one.agreement.reference == claimed.reference]
    receipt = path.parent / "receipt.json"
    beside = _signed(receipt) if receipt.is_file() and path.name == "certificate.json" else None
    if beside is not None:
        check_certificate(signed, Receipt.parse(beside["document"]), versions)
    verify_document(signed, Use.CERTIFICATE, {one.hub.receipts for one in versions} or {trust.of(claimed.agreement).hub.receipts})
    what = f"{claimed.reference}, {claimed.dataset} {claimed.period}, {claimed.rows:,} rows"
    return f"{what}; submission {claimed.submission} destroyed {claimed.destroyed}{', of the receipt beside it' if beside else ''}"


def _plain(path: Path, tables: Mapping[str, str], trust: Trust) -> Proof:
    """A table of an edition, a checkpoint of the log, or entries with proof that they are in it."""
    content = sha256_of(path)
    if content in tables:
        return Proof(str(path), "table", f"{tables[content]}, as the signed edition lists it")
    if _is_log_proof(path):
        return Proof(str(path), "log proof", _log_proof(path, trust))
    note = _note(path)
    if note is not None:
        return Proof(str(path), "checkpoint", note_holds(note, trust, path))
    if tables:
        raise IntegrityFailed(f"{path}: this is none of the files that the signed edition lists.", why=content)
    raise UsageError(f"{path}: nothing signed, and no signed edition was named with it.", remedy="Name edition.json with its tables.")


def _note(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            text = file.read(1 << 16).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if "\n\n\u2014 " in text else None


def note_holds(note: str, trust: Trust, path: Path) -> str:
    """What a checkpoint says, if a log key of a trusted agreement signed it."""
    origin = note.partition("\n")[0]
    for one in trust.agreements or [trust.first()]:
        try:
            found = verify_checkpoint(note, origin, VerifyKey(one.public_key(one.hub.log)))
        except (BadFormat, BadSignature):
            continue
        by = sorted({seen.party for seen in Keys.of(trust.agreements).read(note)})
        cosigned = f", cosigned by {', '.join(by)}" if by else ""
        return f"log {found.origin}, {found.size:,} entries, root {found.root.hex()}{cosigned}"
    raise IntegrityFailed(f"{path}: the checkpoint is not signed by the log key of any agreement known here.")


def _is_log_proof(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            found = parse_json(file.readline(LIMIT), limit=LIMIT)
        except BadFormat:
            return False
    return isinstance(found, dict) and found.get("format") == logproof.FORMAT


def _log_proof(path: Path, trust: Trust) -> str:
    """What a proof of entries says, if the log key of a trusted agreement signed its checkpoint."""
    trusted = {one.hub.log for one in trust.agreements or [trust.first()]}
    try:
        with path.open("rb") as file:
            head, entries = logproof.verify_lines((parse_json(line, limit=LIMIT) for line in file), trusted)
            found = list(entries)
    except (BadFormat, BadProof, BadSignature) as error:
        raise IntegrityFailed(f"{path}: the proof does not hold.", why=f"{type(error).__name__}: {error}") from None
    # Anybody can make a key and call it a partner's: only what an agreement names counts.
    witnesses = {(party.id, party.keys.witness) for one in trust.agreements for party in one.agreement.parties if party.keys}
    seen = [f"{one.party} cosigned its first {one.size:,}" for one in head.cosigned if (one.party, one.key) in witnesses]
    words = ", ".join(f"{one.number} ({one.entry['what'] if one.entry else 'redacted'})" for one in found[:_NAMED])
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return f"entries {words}{more} are in the log {head.checkpoint.origin} of {head.checkpoint.size:,} entries{'; ' if seen else ''}{'; '.join(seen)}"


def sha256_of(path: Path) -> str:
    """``sha256:`` and the hex digest of a file, read piece by piece."""
    running = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_AT_ONCE):
            running.update(piece)
    return f"sha256:{running.hexdigest()}"
