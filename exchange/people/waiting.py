"""What is begun in one request and ended in another, once; and how often somebody may try."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exchange.errors import TooMany, Unacceptable
from exchange.people.tables import AttemptRow, WaitingRow

LIVES = timedelta(minutes=5)
STRETCH = timedelta(minutes=5)
KEPT = timedelta(hours=1)  # how long it is remembered that somebody tried
TRIES = 100  # nothing here can be guessed; this keeps one address from holding up the database


def put(session: Session, kind: str, value: dict[str, Any], now: datetime, lives: timedelta = LIVES, name: str = "") -> str:
    """Keep a value for a few minutes under a random name (or the one given), which is returned."""
    session.execute(delete(WaitingRow).where(WaitingRow.expires_at <= now))
    name = name or secrets.token_urlsafe(24)
    session.merge(WaitingRow(key=_key(kind, name), value=value, expires_at=now + lives))
    session.flush()
    return name


def take(session: Session, kind: str, name: str, now: datetime) -> dict[str, Any]:
    """Take it away again: it is there once. Two who take at the same time do not both get it."""
    row = session.execute(select(WaitingRow).where(WaitingRow.key == _key(kind, name)).with_for_update()).scalar_one_or_none()
    if row is None or now >= row.expires_at:
        raise over()
    value = row.value
    session.delete(row)
    session.flush()
    return value


def over() -> Unacceptable:
    """What is said of something that is not there any more."""
    return Unacceptable("this was begun too long ago, or was used before.", remedy="Begin again.", code="begin-again")


def peek(session: Session, kind: str, name: str, now: datetime) -> dict[str, Any] | None:
    """The value, left where it is."""
    row = session.get(WaitingRow, _key(kind, name))
    return row.value if row is not None and now < row.expires_at else None


def drop(session: Session, kind: str, name: str) -> None:
    """Forget it."""
    session.execute(delete(WaitingRow).where(WaitingRow.key == _key(kind, name)))


def _key(kind: str, name: str) -> str:
    return hashlib.sha256(f"{kind}\0{name}".encode()).hexdigest()


def require_left(session: Session, secret: bytes, who: str, now: datetime) -> None:
    """:class:`TooMany` where nothing is left to count, so that whoever goes on trying does not even wait to write."""
    row = session.get(AttemptRow, _stretch(secret, who, now))
    if row is not None and row.count >= TRIES:
        raise _too_many()


def attempt(session: Session, secret: bytes, who: str, now: datetime) -> None:
    """Count one try of an address or a person; :class:`TooMany` beyond a hundred in five minutes."""
    source, since = _stretch(secret, who, now)
    row = session.get(AttemptRow, (source, since), with_for_update=True)
    if row is None:
        session.execute(delete(AttemptRow).where(AttemptRow.since < since - KEPT))
        row = AttemptRow(source=source, since=since, count=0)
        session.add(row)
    row.count += 1
    if row.count > TRIES:
        raise _too_many()
    session.flush()


def _stretch(secret: bytes, who: str, now: datetime) -> tuple[str, datetime]:
    source = hmac.new(secret, b"attempts\0" + who.encode(), hashlib.sha256).hexdigest()
    return source, datetime.fromtimestamp(now.timestamp() // STRETCH.total_seconds() * STRETCH.total_seconds(), UTC)


def _too_many() -> TooMany:
    return TooMany("there were too many tries from this address, or by this person.", remedy="Wait five minutes, then try again.")
