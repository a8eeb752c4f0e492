"""What a supplier asks about a person's rows: read, verified, and held against the agreement.

The pseudonyms travel sealed to the hub's sealing key. They are opened here, live in memory while the request is carried out
(``submissions.erasure``), and are neither stored nor logged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement, Standing
from agreements.rights import EXCLUDING, FOR_GOOD, Right, grounds, may_exercise
from agreements.rules import UNKNOWN, known_to
from exchange.errors import Conflict, RefusedByAgreement, Unacceptable, UnknownAgreement
from exchange.keyring import Keyring, sealing_name
from exchange.register import agreements, partners
from exchange.register.tables import AgreementRow, EpochRow
from exchange.submissions import sealing
from exchange.submissions.manifests import clause_of
from exchange.submissions.tables import SubmissionRow
from keys.encoding import unb64
from keys.errors import BadFormat, BadSignature, CannotOpen, KeyDestroyed, UnknownKey
from keys.formats import Manifest, digest
from keys.pseudonym import NORMALISER
from keys.rights import Ground, RightsRequest, unpack
from keys.seal import EncryptionKey, rights_info, unseal
from keys.sign import Use, verify_document

_AGAIN = "Bring the client up to date, and ask again."


@dataclass(frozen=True)
class Asked:
    """A request that holds: who asks what, by what right, and for which people's rows.

    Attributes:
        asked: the digest of the request.
        pseudonyms: epoch → pseudonyms as the agency made them.
    """

    request: RightsRequest
    asked: str
    grounds: tuple[Ground, ...]
    pseudonyms: Mapping[int, frozenset[bytes]] = field(repr=False)

    @property
    def right(self) -> Right:
        """Which right is exercised."""
        return Right(self.request.right)

    @property
    def removes(self) -> bool:
        """Whether rows are to go, and not only to be told of."""
        return self.right in EXCLUDING or self.right in FOR_GOOD


def offered(session: Session, keyring: Keyring, row: AgreementRow, caller: str) -> dict[str, Any]:
    """What a party needs in order to ask: the present sealing key, and the linkage epochs with the check values of their secrets."""
    if not known_to(agreements.standing(row), caller):
        raise UnknownAgreement(UNKNOWN)
    query = select(EpochRow).where(EpochRow.reference == row.reference, EpochRow.retired_at.is_(None)).order_by(EpochRow.epoch)
    epochs = [{"epoch": one.epoch, "key_check": one.key_check} for one in session.execute(query).scalars()]
    notice = sealing.notice_for(session, keyring, agreements.parsed(row.canonical))
    return {"agreement": row.digest, "sealing_key": notice, "epochs": epochs}


def read(session: Session, keyring: Keyring, caller: str, signed: Mapping[str, Any]) -> Asked:
    """The request, if the caller signed it with the manifest key that the agreement names, and every right it asks for is there.

    Raises:
        UnknownAgreement: the caller is no party.
        RefusedByAgreement: there is no such right over one of the datasets.
        Unacceptable: signature, form, linkage or sealing is not as it must be.
    """
    request, standing = _verified(session, caller, signed)
    found = tuple(_ground(session, standing, request, name) for name in request.datasets)
    clause = standing.agreement.clause("linkage")
    _check_linkage(session, request, clause)
    return Asked(request, digest(request.document()), found, _opened(keyring, request, clause))


def _verified(session: Session, caller: str, signed: Mapping[str, Any]) -> tuple[RightsRequest, Standing]:
    claimed = signed.get("document")
    standing = agreements.standing(agreements.by_digest(session, str(claimed.get("agreement")) if isinstance(claimed, dict) else ""))
    if standing is None or not known_to(standing, caller):
        raise UnknownAgreement(UNKNOWN)
    party, clause = standing.agreement.party(caller), standing.agreement.clause("parties", caller)
    if party is None or party.keys is None:
        raise RefusedByAgreement(Refused(clause, "the agreement names no manifest key for you.", "Only its suppliers have rows here."))
    if not partners.is_live(session, party.keys.manifest):
        detail = "your manifest key is not registered, or was revoked."
        raise Unacceptable(detail, remedy="Ask the operator.", code="wrong-key", clause=clause)
    try:
        request = RightsRequest.parse(verify_document(signed, Use.RIGHTS_REQUEST, {party.keys.manifest}))
    except BadSignature as error:
        remedy = f"Sign with the key {party.keys.manifest} that the agreement names."
        detail = f"the request's signature does not hold: {error}."
        raise Unacceptable(detail, remedy=remedy, code="wrong-key", clause=clause) from error
    except BadFormat as error:
        detail = f"the request is not of the documented form: {error}."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-request", clause=clause) from error
    if (request.supplier, request.reference, request.version) != (caller, standing.agreement.reference, standing.agreement.version):
        detail = "the request names another supplier, reference or version than its agreement and token."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-request", clause=clause)
    return request, standing


def versions(session: Session, reference: str) -> Sequence[Standing]:
    """Every version that was ever in force, newest first."""
    query = select(AgreementRow).where(AgreementRow.reference == reference, AgreementRow.in_force_at.is_not(None))
    rows = session.execute(query.order_by(AgreementRow.version.desc())).scalars()
    return [found for row in rows if (found := agreements.standing(row)) is not None]


def _ground(session: Session, standing: Standing, request: RightsRequest, name: str) -> Ground:
    """By which clause a dataset is reached: of the newest version under which the caller supplies it. Rows outlive the version they came under."""
    supplied = (one for one in versions(session, request.reference) if _supplies(one.agreement, request.supplier, name))
    under = next(supplied, standing)
    right = Right(request.right)
    refused = may_exercise(under, request.supplier, name, request.kind, right)
    if isinstance(refused, Refused):
        raise UnknownAgreement(refused) if refused is UNKNOWN else RefusedByAgreement(refused)
    return Ground(name, *grounds(under.agreement, request.supplier, name, right))


def refuse_again(session: Session, manifest: Manifest) -> None:
    """Refuse content from which rows were erased or were to be put right: as it was, it would bring them back.

    What was only restricted or objected to may come again, for a restriction can end; the agency's exclusion list sees to it until then.
    """
    same = (
        SubmissionRow.reference == manifest.reference,
        SubmissionRow.dataset == manifest.dataset,
        SubmissionRow.supplier == manifest.supplier,
        SubmissionRow.period == manifest.period,
        SubmissionRow.rows_digest == manifest.rows_digest,
        SubmissionRow.rows == manifest.rows,
    )
    found = session.execute(select(SubmissionRow.id).where(*same, SubmissionRow.never_again).limit(1)).scalar_one_or_none()
    if found is not None:
        raise Conflict(
            f"this is the content of {found}, from which rows were erased, or were to be put right, at your own request since.",
            remedy="Push the corrected extract, with your exclusion list in place: exchange-agency rights list shows what is on it.",
            code="rows-erased",
            clause=clause_of(manifest, "rights"),
        )


def _supplies(agreement: Agreement, supplier: str, name: str) -> bool:
    dataset = agreement.dataset(name)
    return dataset is not None and supplier in dataset.suppliers


def _check_linkage(session: Session, request: RightsRequest, clause: str) -> None:
    """A pseudonym made with another secret or by another rule would find nobody, and the answer would say so in good faith."""
    for one in request.epochs:
        known = session.get(EpochRow, (request.reference, one.epoch))
        if known is None or known.key_check != one.key_check or request.normaliser != NORMALISER:
            raise Unacceptable(
                "the request's linkage epoch, key check value or normaliser is not one in use: its pseudonyms would match nobody's.",
                remedy="Run “exchange-agency keys accept”, bring the client up to date, and ask again.",
                code="linkage-mismatch",
                clause=clause,
            )


def _opened(keyring: Keyring, request: RightsRequest, clause: str) -> dict[int, frozenset[bytes]]:
    info = rights_info(agreement=request.agreement, supplier=request.supplier, request=request.request)
    try:
        key = EncryptionKey.from_private(keyring.store.get(sealing_name(request.sealing_key)))
    except (UnknownKey, KeyDestroyed) as error:
        detail = "the sealing key is not one in use."
        raise Unacceptable(
            detail, remedy="Ask again: the client seals to the present one.", code="sealing-key-expired", clause=clause
        ) from error
    try:
        found = unpack(unseal(unb64(request.sealed), key, info))
    except (CannotOpen, BadFormat) as error:
        detail = "the sealed pseudonyms do not open, or are not of the documented form."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-request", clause=clause) from error
    if set(found) != {one.epoch for one in request.epochs}:
        detail = "the sealed pseudonyms are of other epochs than the request says."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-request", clause=clause)
    return found
