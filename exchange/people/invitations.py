"""One-time ways in: an invitation enrols a person's first passkey, and is good for seven days."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.log.record import Event, Operation, append
from exchange.people import people
from exchange.people.people import add_passkey
from exchange.people.sessions import digest
from exchange.people.tables import InvitationRow, PasskeyRow, PersonRow
from keys.passkey import Registered

LIVES = timedelta(days=7)


def invite(session: Session, person: str, who: str, now: datetime) -> str:
    """A new invitation; earlier ones of this person that were not used count no more. Returns the word for its address."""
    owner = people.find(session, person)
    if owner.ended_at is not None:
        raise NotFound("this person has ended.", remedy="Enter the person anew.")
    token = secrets.token_urlsafe(32)
    session.execute(delete(InvitationRow).where(InvitationRow.person == person, InvitationRow.used_at.is_(None)))
    session.add(InvitationRow(token=digest(token), person=person, expires_at=now + LIVES))
    session.flush()
    append(session, Event(Operation.SECURITY, who, owner.party, "", "person invited", person), now)
    return token


def address(public_url: str, token: str) -> str:
    """Where the invited person goes."""
    return f"{public_url}/enrol/{token}"


def invited(session: Session, token: str, now: datetime, *, lock: bool = False) -> PersonRow:
    """Whom an invitation is for. Used, expired and invented ones are one and the same to whoever asks."""
    row = session.get(InvitationRow, digest(token), with_for_update=lock)
    owner = session.get(PersonRow, row.person) if row else None
    if row is None or owner is None or row.used_at is not None or now >= row.expires_at or owner.ended_at is not None:
        raise _none()
    return owner


def _none() -> NotFound:
    words = "this invitation is not one of ours, was used, or has expired."
    return NotFound(words, remedy="Ask the operator for a new one.", code="no-invitation")


def enrol(session: Session, token: str, person: str, registered: Registered, label: str, now: datetime) -> PasskeyRow:
    """Use up an invitation: its person's passkey is enrolled. ``person``: for whom the device was told that it makes it."""
    owner = invited(session, token, now, lock=True)
    if owner.id != person:
        raise _none()
    session.get_one(InvitationRow, digest(token)).used_at = now
    return add_passkey(session, owner.id, registered, label, now)
