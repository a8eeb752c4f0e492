"""Overrides of a linkage: a named person has two pseudonyms taken for one person's, or kept apart, for a reason, until somebody lifts it.

The supplier that knows the records derives the pseudonyms, seals them to the hub and signs; whoever enters the request here sees none of
them. They are re-keyed like rows, and kept wrapped under a key that is destroyed with the agreement's re-key keys: with the epoch, what was
overridden falls. The log has ids, kinds and counts; the reason stays in the database, as a legal hold's does.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement
from agreements.release import Release
from agreements.rights import reached
from agreements.rules import UNKNOWN, in_force
from exchange.errors import Conflict, Gone, NotFound, RefusedByAgreement, Unacceptable, UnknownAgreement
from exchange.keyring import Keyring, rekey_prefix, sealing_name
from exchange.log.record import Event, Operation, append, moment
from exchange.people.people import Post, person_of, reasoned
from exchange.people.tables import PersonRow
from exchange.register import agreements, partners
from exchange.register.linkage import newest_epoch
from exchange.releases.linking import Override
from exchange.releases.overrides_tables import OverrideRow
from exchange.releases.reading import linkage_used
from exchange.submissions import holdings
from exchange.submissions.holdings import Batch
from exchange.times import Clock
from keys.encoding import unb64
from keys.errors import BadFormat, BadSignature, CannotOpen, KeyDestroyed, UnknownKey
from keys.linkage import LinkageRequest, unpack_pairs
from keys.pseudonym import NORMALISER, PSEUDONYM, WIDTH, rekey
from keys.seal import EncryptionKey, linkage_info, unseal
from keys.sign import Use, verify_document

MAY = frozenset({Post.DPO, Post.SIGNATORY, Post.OPERATOR})
"""As what somebody with an account may override a linkage; without one, with the key of a DPO or signatory whom the agreement names."""

_AGAIN = "Have the supplier make it again: exchange-agency linkage"
_LIST = "List them with: exchange linkage list REFERENCE"


@dataclass(frozen=True)
class Placed:
    """An override as others see it: never of whom."""

    id: str
    reference: str
    supplier: str
    action: str
    kind: str
    epoch: int
    reason: str
    person: str
    placed_at: datetime
    lifted_at: datetime | None
    lifted_by: str | None


@dataclass(frozen=True)
class Kept:
    """An override as it is kept: the pair wrapped under a key of the keystore."""

    id: str
    kind: str
    action: Literal["join", "split"]
    key: str
    sealed: bytes = field(repr=False)


_ACTIONS: Mapping[str, Literal["join", "split"]] = {"join": "join", "split": "split"}


def _placed(row: OverrideRow) -> Placed:
    told = (row.id, row.reference, row.supplier, row.action, row.kind, row.epoch, row.reason, row.person)
    return Placed(*told, row.placed_at, row.lifted_at, row.lifted_by)


def everything(session: Session, reference: str, *, lifted: bool = False) -> list[Placed]:
    """The overrides of an agreement that stand, or with ``lifted`` all there ever were, oldest first."""
    query = select(OverrideRow).where(OverrideRow.reference == reference).order_by(OverrideRow.placed_at, OverrideRow.id)
    return [_placed(row) for row in session.execute(query if lifted else query.where(OverrideRow.lifted_at.is_(None))).scalars()]


def for_edition(session: Session, agreement: Agreement, release: Release, batches: Mapping[str, Sequence[Batch]]) -> tuple[Kept, ...]:
    """What stands for an edition made of these batches (dataset → batches), by id; nothing where its release links nobody."""
    rows = _standing(session, agreement, release, [batch.submission for mine in batches.values() for batch in mine])
    return tuple(Kept(row.id, row.kind, _ACTIONS[row.action], row.key, row.sealed) for row in rows)


def standing(session: Session, agreement: Agreement, release: Release, submissions: Collection[str]) -> list[str]:
    """The ids of those that would be applied, were an edition made of these submissions now."""
    return [row.id for row in _standing(session, agreement, release, submissions)]


def _standing(session: Session, agreement: Agreement, release: Release, submissions: Collection[str]) -> Sequence[OverrideRow]:
    linkage = agreement.linkage(release.base if release.linked else linkage_used(release, agreement))
    if linkage is None:
        return ()
    epochs = set(holdings.epochs(session, submissions).values())
    mine = OverrideRow.kind.in_(linkage.rules), OverrideRow.epoch.in_(epochs), OverrideRow.lifted_at.is_(None)
    query = select(OverrideRow).where(OverrideRow.reference == agreement.reference, *mine).order_by(OverrideRow.id)
    return session.execute(query).scalars().all()


def opened(keyring: Keyring, kept: Sequence[Kept]) -> list[Override]:
    """Overrides as they are applied. Gone where a key was destroyed meanwhile: then so were the rows."""
    try:
        pairs = [(one, keyring.store.unwrap(one.key, one.sealed)) for one in kept]
    except (KeyDestroyed, UnknownKey) as error:
        remedy = "Ask again under the linkage epoch in use."
        raise Gone("what was overridden fell with its linkage epoch.", remedy=remedy, code="epoch-retired") from error
    return [Override(one.kind, pair[:WIDTH], pair[WIDTH:], one.action) for one, pair in pairs]


# ------------------------------------------------------------------------------------------------------------ placing and lifting


def place(
    session: Session, keyring: Keyring, reference: str, action: str, signed: Mapping[str, Any], *, person: str, reason: str, clock: Clock
) -> Placed:
    """Enter a supplier's request, in the name of a person, for a reason.

    Raises:
        UnknownAgreement, RefusedByAgreement: there is no such agreement in force, it links nothing by this kind, or the supplier has no such rows.
        Unacceptable: signature, form, epoch or sealing is not as it must be, or nobody is entitled by that name.
        Conflict: the request was entered before.
    """
    agreement = _current(session, reference, clock())
    said = reasoned(reason, "Say in a sentence how it is known; name no person of whom there are data.")
    party = _entitled(session, agreement, person)
    request = _verified(session, agreement, signed)
    if request.action != action:
        raise Unacceptable(f"the request asks to {request.action}, not to {action}.", remedy=f"Run: exchange linkage {request.action}")
    epoch, pair = _opened(session, keyring, agreement, request)
    made = rekey(pa.array(pair, PSEUDONYM), keyring.rekey(reference, request.kind, epoch)).to_pylist()
    key = f"{rekey_prefix(reference)}overrides/{epoch}"
    keyring.store.get_or_create(key)
    now = moment(session, clock)
    if session.execute(select(OverrideRow.id).where(OverrideRow.request == request.request)).first() is not None:
        raise Conflict("this request was entered before.", remedy=_LIST, code="override-exists")
    row = OverrideRow(
        id=f"over-{secrets.token_hex(8)}",
        reference=reference,
        supplier=request.supplier,
        request=request.request,
        action=action,
        kind=request.kind,
        epoch=epoch,
        key=key,
        sealed=keyring.store.wrap(key, b"".join(sorted(made))),
        reason=said,
        person=person,
        placed_at=now,
    )
    session.add(row)
    session.flush()
    _record(session, row, f"linkage overridden: {action}", person, party, now)
    return _placed(row)


def lift(session: Session, reference: str, override: str, person: str, clock: Clock) -> Placed:
    """Let later editions link as if it had never been. One that was lifted stays as it was."""
    found = session.get(OverrideRow, override)
    if found is None or found.reference != reference:
        raise NotFound("there is no such override.", remedy=_LIST)
    agreement = _current(session, reference, clock(), moving=False)
    party = _entitled(session, agreement, person)
    now = moment(session, clock)
    row = session.execute(select(OverrideRow).where(OverrideRow.id == override).execution_options(populate_existing=True)).scalar_one()
    if row.lifted_at is None:
        row.lifted_at, row.lifted_by = now, person
        session.flush()
        _record(session, row, "linkage override lifted", person, party, now)
    return _placed(row)


def _record(session: Session, row: OverrideRow, what: str, who: str, party: str, now: datetime) -> None:
    standing = len(everything(session, row.reference))
    details = {"kind": row.kind, "epoch": row.epoch, "supplier": row.supplier, "request": row.request, "standing": standing}
    append(session, Event(Operation.ALTERATION, who, party, row.reference, what, row.id, details=details), now)


def _current(session: Session, reference: str, now: datetime, *, moving: bool = True) -> Agreement:
    row = agreements.current(session, reference)
    standing = agreements.standing(row)
    if standing is None:
        raise UnknownAgreement(UNKNOWN)
    if moving and isinstance(refused := in_force(standing, now), Refused):
        raise RefusedByAgreement(refused)
    return standing.agreement


def _entitled(session: Session, agreement: Agreement, person: str) -> str:
    """The party of a DPO, signatory or operator: by an account of one of the agreement's parties, or by a key that the agreement names."""
    account = session.get(PersonRow, person)
    if account is not None and account.ended_at is None and agreement.party(account.party) and person_of(account).holds(*MAY):
        return account.party
    for party in agreement.parties:
        if person in (party.dpo.key, party.signatory.key):
            partners.require_not_revoked(session, person)
            return party.id
    raise Unacceptable(
        "this is no DPO or signatory whom the agreement names, and no account of one of its parties that may override a linkage.",
        remedy="Give the fingerprint of such a key, or an id from: exchange person list",
        code="unknown-person",
    )


# ------------------------------------------------------------------------------------------------------------ the supplier's request


def _verified(session: Session, agreement: Agreement, signed: Mapping[str, Any]) -> LinkageRequest:
    claimed = signed.get("document")
    name = str(claimed.get("supplier")) if isinstance(claimed, dict) else ""
    party, clause = agreement.party(name), agreement.clause("parties")
    if party is None or party.keys is None:
        raise RefusedByAgreement(Refused(clause, "the request is of nobody who supplies rows.", _AGAIN))
    if not partners.is_live(session, party.keys.manifest):
        raise Unacceptable("the supplier's manifest key is not registered, or was revoked.", remedy=_AGAIN, code="wrong-key", clause=clause)
    try:
        request = LinkageRequest.parse(verify_document(signed, Use.LINKAGE_REQUEST, {party.keys.manifest}))
    except (BadSignature, BadFormat) as error:
        detail = f"the request does not hold: {error}."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-request", clause=clause) from error
    if (request.reference, request.version, request.agreement) != (agreement.reference, agreement.version, agreement.digest):
        raise Unacceptable("the request is of another agreement or version.", remedy=_AGAIN, code="bad-request", clause=clause)
    _require_linked(agreement, request)
    return request


def _require_linked(agreement: Agreement, request: LinkageRequest) -> None:
    """A supplier speaks of kinds by which a linkage of the agreement links, and which its own rows have."""
    if not any(request.kind in linkage.rules for linkage in agreement.linkages):
        remedy = "Name a kind that stands in the rules of a linkage."
        raise RefusedByAgreement(Refused(agreement.clause("linkages"), "no linkage links by pseudonyms of this kind.", remedy))
    if not reached(agreement, request.supplier, request.kind):
        clause = agreement.clause("parties", request.supplier)
        raise RefusedByAgreement(Refused(clause, "this supplier's rows carry no pseudonym of this kind.", "Ask one whose rows do."))


def _opened(session: Session, keyring: Keyring, agreement: Agreement, request: LinkageRequest) -> tuple[int, tuple[bytes, bytes]]:
    """The epoch in use, and the pair as the agency made it under that."""
    clause = agreement.clause("linkage")
    epoch = newest_epoch(session, agreement.reference)
    said = {one.epoch: one.key_check for one in request.epochs}
    if epoch is None or said.get(epoch.epoch) != epoch.key_check or request.normaliser != NORMALISER:
        detail = "the request holds no pseudonyms of the linkage epoch in use, made with its secret and normaliser."
        raise Unacceptable(detail, remedy=_AGAIN, code="linkage-mismatch", clause=clause)
    info = linkage_info(agreement=request.agreement, supplier=request.supplier, request=request.request)
    try:
        key = EncryptionKey.from_private(keyring.store.get(sealing_name(request.sealing_key)))
        found = unpack_pairs(unseal(unb64(request.sealed), key, info))
    except (UnknownKey, KeyDestroyed) as error:
        raise Unacceptable(
            "the sealing key is not one in use any more.", remedy=_AGAIN, code="sealing-key-expired", clause=clause
        ) from error
    except (CannotOpen, BadFormat) as error:
        detail = "the sealed pair does not open, or is not of the documented form."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-request", clause=clause) from error
    if set(found) != set(said):
        raise Unacceptable("the sealed pairs are of other epochs than the request says.", remedy=_AGAIN, code="bad-request", clause=clause)
    return epoch.epoch, found[epoch.epoch]
