"""Who is signed in. The cookie holds a random id; the table holds its digest, and everything about it is looked up at every request."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from exchange.log.record import Event, Operation, append
from exchange.people import people
from exchange.people.people import Person, person_of
from exchange.people.tables import AttemptRow, InvitationRow, PasskeyRow, PersonRow, SessionRow, WaitingRow

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
FRESH = timedelta(minutes=1)  # a request notes that it was seen at most this often
KEPT = timedelta(days=1)  # sessions that are over, for the operator to see


@dataclass(frozen=True)
class Signed:
    """Somebody signed in: the person, the session's digest, and the passkey it was begun with (None: by OpenID)."""

    person: Person
    token: str
    passkey: str | None


def digest(token: str) -> str:
    """What is kept of a random id: 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(session: Session, person: str, passkey: str | None, now: datetime, before: Signed | None = None) -> str:
    """Begin a session under a new id, which is returned for the cookie. Sessions long over are removed.

    ``before``: the session that this browser was in, which ends with it.
    """
    sweep(session, now)
    if before is not None:
        session.execute(update(SessionRow).where(SessionRow.token == before.token, SessionRow.ended_at.is_(None)).values(ended_at=now))
    token = secrets.token_urlsafe(32)
    session.add(SessionRow(token=digest(token), person=person, passkey=passkey, began_at=now, seen_at=now))
    session.flush()
    owner = people.find(session, person)
    details = {"by": "passkey" if passkey else "openid"}
    append(session, Event(Operation.SECURITY, person, owner.party, "", "signed in", person, details=details), now)
    return token


def look_up(session: Session, token: str, now: datetime) -> tuple[Signed, bool] | None:
    """Who holds this id, and whether it is time to note that they were seen. None where the session, its passkey or person has ended."""
    row = session.get(SessionRow, digest(token))
    if row is None or row.ended_at is not None or now >= row.seen_at + IDLE or now >= row.began_at + LONGEST:
        return None
    owner = session.get(PersonRow, row.person)
    passkey = session.get(PasskeyRow, row.passkey) if row.passkey else None
    if owner is None or owner.ended_at is not None or (row.passkey and (passkey is None or not people.counts(session, passkey))):
        return None
    return Signed(person_of(owner), row.token, row.passkey), now >= row.seen_at + FRESH


def seen(session: Session, signed: Signed, now: datetime) -> None:
    """Note that somebody is still there. A session that ended meanwhile stays ended."""
    mine = update(SessionRow).where(SessionRow.token == signed.token, SessionRow.ended_at.is_(None), SessionRow.seen_at < now)
    session.execute(mine.values(seen_at=now))


def end(session: Session, signed: Signed, now: datetime) -> None:
    """Sign out here."""
    session.execute(update(SessionRow).where(SessionRow.token == signed.token).values(ended_at=now))
    append(session, Event(Operation.SECURITY, signed.person.id, signed.person.party, "", "signed out", signed.person.id), now)


def end_all(session: Session, person: Person, now: datetime) -> None:
    """Sign a person out everywhere."""
    session.execute(update(SessionRow).where(SessionRow.person == person.id, SessionRow.ended_at.is_(None)).values(ended_at=now))
    append(session, Event(Operation.SECURITY, person.id, person.party, "", "signed out everywhere", person.id), now)


def sweep(session: Session, now: datetime) -> None:
    """Remove what is over: sessions, challenges, attempts, invitations. What happened stays in the log."""
    session.execute(delete(SessionRow).where(SessionRow.seen_at < now - KEPT))
    session.execute(delete(WaitingRow).where(WaitingRow.expires_at <= now))
    session.execute(delete(AttemptRow).where(AttemptRow.since < now - KEPT))
    session.execute(delete(InvitationRow).where(InvitationRow.expires_at < now - KEPT))


def live(session: Session, person: str, now: datetime) -> int:
    """In how many places a person is signed in."""
    rows = session.execute(select(SessionRow).where(SessionRow.person == person, SessionRow.ended_at.is_(None))).scalars()
    return sum(now < row.seen_at + IDLE and now < row.began_at + LONGEST for row in rows)
