"""Relaying the linkage secret between suppliers. The hub sees sealed envelopes and a check value, never the secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement
from exchange.errors import Conflict, RefusedByAgreement, Unacceptable
from exchange.log.record import Event, Operation, append, hold
from exchange.register import partners
from exchange.register.tables import EnvelopeRow, EpochRow
from keys.formats import Envelope
from keys.sign import Use, verify_document


def accept(session: Session, agreement: Agreement, issuer: str, signed: Mapping[str, Any], now: datetime) -> str:
    """Take one envelope from a supplier for another, whose id is returned. The first of an epoch fixes issuer and check value."""
    party, clause = agreement.party(issuer), agreement.clause("parties", issuer)
    if party is None or party.keys is None:
        raise RefusedByAgreement(Refused(clause, "only a supplier issues the linkage secret.", "Ask a supplier to issue it."))
    if not partners.is_live(session, party.keys.manifest):
        detail = "your manifest key is not registered, or was revoked."
        raise Unacceptable(detail, remedy="Ask the operator.", code="wrong-key", clause=clause)
    envelope = Envelope.parse(verify_document(signed, Use.ENVELOPE, {party.keys.manifest}))
    recipient = agreement.party(envelope.recipient)
    if (envelope.reference, envelope.issuer) != (agreement.reference, issuer):
        raise Unacceptable("the envelope names another agreement or issuer.", code="bad-envelope", clause=clause)
    if recipient is None or recipient.keys is None or recipient.keys.encryption != envelope.recipient_key:
        remedy = "Seal it to the encryption key that the agreement names."
        detail, clause = "the envelope is not sealed to a supplier's key of this agreement.", agreement.clause("parties")
        raise Unacceptable(detail, remedy=remedy, code="bad-envelope", clause=clause)
    hold(session)  # two suppliers may issue the same epoch at once
    _epoch(session, envelope, agreement.clause("linkage"), now)
    if session.get(EnvelopeRow, (envelope.reference, envelope.epoch, envelope.recipient)) is None:
        row = EnvelopeRow(reference=envelope.reference, epoch=envelope.epoch, recipient=envelope.recipient, signed=dict(signed))
        session.add(row)
        session.flush()
        details = {"epoch": envelope.epoch, "key check": envelope.key_check}
        what, subject = "linkage envelope relayed", f"{envelope.reference}/{envelope.epoch}/{envelope.recipient}"
        append(session, Event(Operation.SECURITY, issuer, issuer, agreement.reference, what, subject, envelope.recipient, details), now)
    return envelope.recipient


def _epoch(session: Session, envelope: Envelope, clause: str, now: datetime) -> None:
    found = session.get(EpochRow, (envelope.reference, envelope.epoch))
    if found is None:
        row = EpochRow(reference=envelope.reference, epoch=envelope.epoch, issuer=envelope.issuer, key_check=envelope.key_check)
        row.issued_at = now
        session.add(row)
        session.flush()
    elif found.retired_at is not None:
        raise Conflict(
            f"epoch {envelope.epoch} of {envelope.reference} is spent: nothing was held under it any more, and its keys are destroyed.",
            remedy=f"Issue the next one: exchange-agency keys issue --epoch {envelope.epoch + 1}",
            code="epoch-retired",
            clause=clause,
        )
    elif (found.issuer, found.key_check) != (envelope.issuer, envelope.key_check):
        raise Conflict(
            f"epoch {envelope.epoch} of {envelope.reference} was issued by {found.issuer} with another secret.",
            remedy="Accept that one with “exchange-agency keys accept”, or issue the next epoch.",
            code="epoch-exists",
            clause=clause,
        )


def envelopes_for(session: Session, reference: str, recipient: str) -> list[dict[str, Any]]:
    """The signed envelopes addressed to this party."""
    query = select(EnvelopeRow).where(EnvelopeRow.reference == reference, EnvelopeRow.recipient == recipient)
    return [row.signed for row in session.execute(query.order_by(EnvelopeRow.epoch)).scalars()]


def newest_epoch(session: Session, reference: str) -> EpochRow | None:
    """The epoch in use: the newest whose keys did not go with the agreement's end."""
    query = select(EpochRow).where(EpochRow.reference == reference, EpochRow.retired_at.is_(None)).order_by(EpochRow.epoch.desc()).limit(1)
    return session.execute(query).scalar_one_or_none()
