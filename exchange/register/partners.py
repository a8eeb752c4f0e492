"""Who takes part: public keys from cards, revoked at once when they must be."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound, Unacceptable
from exchange.log.record import Event, Operation, append, hold
from exchange.register import sandbox
from exchange.register.tables import KeyRow
from keys.formats import Card

_KEYS = KeyRow.__table__.c
_REVOKED = select(_KEYS.revoked_at).where(_KEYS.fingerprint == bindparam("fingerprint"))


def register(session: Session, card: Card, now: datetime) -> KeyRow:
    """Register the key on a card. The same card twice is one; a key under another owner or role is a conflict."""
    hold(session)  # the same card may be handed in twice at once
    found = session.get(KeyRow, card.fingerprint)
    if found is not None:
        if (found.owner, found.role) != (card.owner, card.role):
            raise Conflict(
                "this key is registered for another owner or use.", remedy="Make a new key: one key, one use.", code="key-in-use"
            )
        return found
    sandbox.require_owner(session, card.owner)
    row = KeyRow(fingerprint=card.fingerprint, kind=card.kind, owner=card.owner, role=card.role, public=card.raw, registered_at=now)
    session.add(row)
    session.flush()
    append(session, Event(Operation.SECURITY, "hub", card.owner, "", f"key registered: {card.role}", card.fingerprint), now)
    return row


def revoke(session: Session, fingerprint: str, reason: str, now: datetime) -> KeyRow:
    """Revoke a key: nothing that it signs from now on is accepted, and no token asked with it is served."""
    hold(session)  # of two who revoke it at once, one does
    row = session.get(KeyRow, fingerprint)
    if row is None:
        raise NotFound("no key has this fingerprint.", remedy="List them with: exchange partner list")
    if row.revoked_at is None:
        row.revoked_at = now
        session.flush()
        event = Event(Operation.SECURITY, "hub", row.owner, "", "key revoked", fingerprint, details={"reason": reason})
        append(session, event, now)
    return row


def live_keys(session: Session, owner: str, role: str) -> list[KeyRow]:
    """The keys of an owner for a use that are not revoked."""
    query = select(KeyRow).where(KeyRow.owner == owner, KeyRow.role == role, KeyRow.revoked_at.is_(None))
    return list(session.execute(query.order_by(KeyRow.fingerprint)).scalars())


def is_live(session: Session | Connection, fingerprint: str) -> bool:
    """Whether this key is registered and not revoked. Every request asks it, so it is one plain query, made once."""
    row = session.execute(_REVOKED, {"fingerprint": fingerprint}).first()
    return row is not None and row.revoked_at is None


def is_revoked(session: Session, fingerprint: str) -> bool:
    """Whether a key counts no more; a person's key need not be registered, and then nobody has revoked it."""
    row = session.get(KeyRow, fingerprint)
    return row is not None and row.revoked_at is not None


def require_not_revoked(session: Session, fingerprint: str) -> None:
    """Refuse what a revoked key says from now on; a person's key need not be registered, for the agreement names it."""
    if is_revoked(session, fingerprint):
        raise Unacceptable("this key was revoked: nothing that it signs counts any more.", remedy="Ask the operator.", code="revoked-key")


def public_keys(session: Session, fingerprints: list[str]) -> dict[str, bytes]:
    """The public keys of these fingerprints, as far as they are registered and not revoked."""
    query = select(KeyRow).where(KeyRow.fingerprint.in_(fingerprints), KeyRow.revoked_at.is_(None))
    return {row.fingerprint: row.public for row in session.execute(query).scalars()}
