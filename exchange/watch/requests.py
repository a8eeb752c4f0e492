"""A client's last requests, for itself, its own people and the operator's: how each was answered, and why. Nothing of what was sent.

They help whoever builds a client, and are no evidence: the log is. As many of each client are kept as ``requests_kept`` says, for a week.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exchange.watch.request_tables import RequestRow

LIFE = timedelta(days=7)
CLAIMED = 10
"""Of requests that only used a client's name so many are kept, so that nobody else can push out what the client itself asked."""


@dataclass(frozen=True)
class Answered:
    """A request and its answer; the members are those of :class:`RequestRow`."""

    client: str
    proved: bool
    method: str
    route: str
    status: int
    code: str = ""
    clause: str = ""
    reason: str = ""
    remedy: str = ""


def remember(session: Session, one: Answered, number: str, most: int, now: datetime) -> None:
    """Keep it; ``number`` is the request's id. The same as the one before it is counted, and what is beyond ``most`` is forgotten."""
    whose = (RequestRow.client == one.client, RequestRow.proved.is_(one.proved))
    newest = session.execute(select(RequestRow).where(*whose).order_by(RequestRow.id.desc()).limit(1)).scalar_one_or_none()
    if newest is not None and all(getattr(newest, name) == value for name, value in asdict(one).items()):
        newest.at, newest.request, newest.times = now, number, newest.times + 1
        return
    session.add(RequestRow(**asdict(one), at=now, times=1, request=number))
    session.flush()
    kept = most if one.proved else min(most, CLAIMED)
    beyond = select(RequestRow.id).where(*whose).order_by(RequestRow.id.desc()).offset(kept)
    session.execute(delete(RequestRow).where(RequestRow.id.in_(beyond.scalar_subquery())))


def last(session: Session, client: str) -> Sequence[RequestRow]:
    """A client's, the newest first."""
    query = select(RequestRow).where(RequestRow.client == client).order_by(RequestRow.at.desc(), RequestRow.id.desc())
    return session.execute(query).scalars().all()


def clients(session: Session) -> Sequence[str]:
    """Of whom any are kept."""
    return session.execute(select(RequestRow.client).distinct().order_by(RequestRow.client)).scalars().all()


def forget(session: Session, now: datetime) -> None:
    """Forget those whose week is over."""
    session.execute(delete(RequestRow).where(RequestRow.at < now - LIFE))
