"""Manifests: signed by the supplier that the agreement names, of the documented form, within the limits, and under the keys in use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.errors import InvalidPeriod
from agreements.fields import PseudonymiseRule
from agreements.model import Agreement, Dataset, Standing
from agreements.periods import Period
from agreements.rules import UNKNOWN, known_to
from exchange.errors import RefusedByAgreement, Unacceptable, UnknownAgreement
from exchange.register import agreements, linkage, partners
from exchange.settings import Settings
from exchange.submissions.tables import SealingKeyRow
from keys.errors import BadFormat, BadSignature
from keys.formats import Manifest
from keys.pseudonym import NORMALISER
from keys.sign import Use, verify_document

PARTS = "sealed parts"
_AGAIN = "Bring the client up to date, prepare the extract again, and push it."
_NO_LINKAGE = (0, "0" * 16)  # what a manifest says of the linkage secret where its dataset has no pseudonyms


def verified(session: Session, caller: str, signed: Mapping[str, Any]) -> tuple[Manifest, Standing]:
    """The manifest, signed by the caller with the manifest key that the agreement names for it."""
    claimed = signed.get("document")
    claimed = claimed if isinstance(claimed, dict) else {}
    row = agreements.by_digest(session, str(claimed.get("agreement")), lock=True)
    if row is None or agreements.parsed(row.canonical).party(caller) is None:  # before anything more is read of it
        raise UnknownAgreement(UNKNOWN)
    standing = agreements.standing(row)
    if standing is None or not known_to(standing, caller):
        raise UnknownAgreement(UNKNOWN)
    party = standing.agreement.party(caller)
    if party is None or party.keys is None:
        clause = standing.agreement.clause("parties", caller)
        raise RefusedByAgreement(Refused(clause, "the agreement names no manifest key for you.", "Only its suppliers submit."))
    clause = standing.agreement.clause("parties", caller)
    require_live_key(session, standing.agreement, caller)
    try:
        manifest = Manifest.parse(verify_document(signed, Use.MANIFEST, {party.keys.manifest}))
    except BadSignature as error:
        remedy = f"Sign with the key {party.keys.manifest} that the agreement names."
        raise Unacceptable(f"the manifest's signature does not hold: {error}.", remedy=remedy, code="wrong-key", clause=clause) from error
    except BadFormat as error:
        raise Unacceptable(
            f"the manifest is not of the documented form: {error}.", remedy=_AGAIN, code="bad-manifest", clause=clause
        ) from error
    if (manifest.supplier, manifest.reference, manifest.version) != (caller, standing.agreement.reference, standing.agreement.version):
        detail = "the manifest names another supplier, reference or version than its agreement and token."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-manifest", clause=clause)
    return manifest, standing


def require_live_key(session: Session, agreement: Agreement, supplier: str) -> None:
    """Refuse what a supplier sends under a manifest key that is not registered, or has been revoked since it began."""
    party = agreement.party(supplier)
    if party is None or party.keys is None or not partners.is_live(session, party.keys.manifest):
        detail, clause = "your manifest key is not registered, or was revoked.", agreement.clause("parties", supplier)
        raise Unacceptable(detail, remedy="Ask the operator.", code="wrong-key", clause=clause)


def clause_of(manifest: Manifest, matter: str) -> str:
    """How a refusal of this submission cites its agreement, as :meth:`Agreement.clause` does."""
    return f"{manifest.reference} version {manifest.version}, dataset {manifest.dataset}, {matter}"


def period_of(manifest: Manifest) -> Period:
    """The manifest's period. Unacceptable if there is no such one."""
    try:
        return Period.parse(manifest.period)
    except InvalidPeriod as error:
        raise Unacceptable(str(error), code="bad-manifest", clause=clause_of(manifest, "period")) from error


def check_shape(settings: Settings, manifest: Manifest, dataset: Dataset) -> None:
    """Unacceptable where the manifest's totals are not of the agreed fields, or it is larger than can ever be taken."""
    names = {field.name for field in dataset.fields}
    if set(manifest.totals) != names:
        detail, remedy = "the manifest's totals must name every agreed field, and no other.", f"Name: {', '.join(sorted(names))}."
        raise Unacceptable(detail, remedy=remedy, code="bad-manifest", clause=clause_of(manifest, "fields"))
    too_big = [number for number, part in enumerate(manifest.parts, 1) if part.size > settings.part_bytes or part.rows > settings.part_rows]
    if too_big or len(manifest.parts) > settings.parts or sealed_bytes(manifest) > settings.staged_bytes:
        each = f"each of at most {settings.part_bytes:,} bytes and {settings.part_rows:,} rows"
        remedy = f"At most {settings.parts:,} parts, {each}, and {settings.staged_bytes:,} bytes together."
        detail = "the submission or one of its parts is too large."
        raise Unacceptable(detail, remedy=remedy, code="too-large", clause=clause_of(manifest, PARTS))


def sealed_bytes(manifest: Manifest) -> int:
    """The bytes of all its sealed parts."""
    return sum(part.size for part in manifest.parts)


def check_keys(session: Session, manifest: Manifest, dataset: Dataset, key: SealingKeyRow | None, now: datetime) -> None:
    """Unacceptable unless the manifest was made with the linkage secret in use (where it has pseudonyms) and sealed to a key in use."""
    epoch = linkage.newest_epoch(session, manifest.reference)
    fitting = {(epoch.epoch, epoch.key_check)} if epoch else set()
    if not any(isinstance(field.rule, PseudonymiseRule) for field in dataset.fields):
        fitting.add(_NO_LINKAGE)
    if (manifest.epoch, manifest.key_check) not in fitting or manifest.normaliser != NORMALISER:
        raise Unacceptable(
            "the manifest's linkage epoch, key check value or normaliser is not the one in use: its pseudonyms would match nobody's.",
            remedy="Run “exchange-agency keys accept”, bring the client up to date, and push again.",
            code="linkage-mismatch",
            clause=clause_of(manifest, "linkage"),
        )
    if key is None or key.destroyed_at is not None or key.expires_at <= now:
        detail, clause = "the sealing key is not one in use.", clause_of(manifest, PARTS)
        raise Unacceptable(detail, remedy="Fetch the contract and push again.", code="sealing-key-expired", clause=clause)
