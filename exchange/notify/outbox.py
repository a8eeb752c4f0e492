"""What is to be told, made from the log, and when it is tried again. Nothing is sent here.

A delivery's id follows from the subscription and the log entry, so that the same event has the same id however often it is gathered: after a
crash, or after a restore that brought an older state of these tables back.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from exchange.log.tables import EntryRow
from exchange.notify.kinds import OF_THE_HUB, Kind, kind_of, may_know
from exchange.notify.subscriptions import every, tail
from exchange.notify.tables import DeliveryRow, SubscriptionRow
from exchange.register.tables import AgreementRow
from exchange.register.versions import parsed

AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 300, 600, 1440))
"""How long after each failed try the next one is made; after the last the notice is given up, about forty hours in all."""
LEASE = timedelta(minutes=5)
"""How long a notice that is being sent is left alone by others: longer than sending can take."""
MOST = 500
FORGOTTEN = timedelta(days=30)
"""How long a notice that was delivered or given up is remembered."""


def next_try(tries: int, now: datetime) -> datetime | None:
    """When a notice that failed so many times is tried again; None when it is given up."""
    return now + AFTER[tries - 1] if tries <= len(AFTER) else None


def identity_of(subscription: str, event: str) -> str:
    """The id of the message about an event: the same for the same."""
    return "msg_" + hashlib.sha256(f"{subscription} {event}".encode()).hexdigest()[:32]


def gather(session: Session, now: datetime) -> int:
    """Read on in the log, at most so many entries, and put what somebody is to be told of into the outbox; how many notices."""
    mark, told = tail(session), every(session)
    query = select(EntryRow.number, EntryRow.what, EntryRow.organisation, EntryRow.reference, EntryRow.at)
    rows = session.execute(query.where(EntryRow.number >= mark.next).order_by(EntryRow.number).limit(MOST)).all()
    named, count = _named(session), 0
    for number, what, organisation, reference, at in rows:
        mark.next = number + 1
        if (kind := kind_of(what)) is None:
            continue
        for row in told:
            if row.since <= number and kind in row.kinds and may_know(kind, row.party, organisation, named(reference, row.party)):
                count += put(session, row, Happened(f"entry {number}", kind, at, reference), now)
    session.flush()
    return count


def _named(session: Session) -> Callable[[str, str], Agreement | None]:
    """The newest version of an agreement in which a party is one."""

    @cache
    def versions(reference: str) -> Sequence[Agreement]:
        query = select(AgreementRow.canonical).where(AgreementRow.reference == reference).order_by(AgreementRow.version.desc())
        return [parsed(words) for words in session.execute(query).scalars()]

    return lambda reference, party: next((one for one in versions(reference) if one.party(party) is not None), None)


@dataclass(frozen=True)
class Happened:
    """An event: its name, which no other has; what it is told as; when; and under which agreement, if under one."""

    name: str
    kind: Kind
    at: datetime
    reference: str = ""


def put(session: Session, row: SubscriptionRow, event: Happened, now: datetime) -> bool:
    """Put a notice into the outbox, unless it is there; whether it was put. In the transaction of what it tells of."""
    identity = identity_of(row.id, event.name)
    if session.get(DeliveryRow, identity) is not None:
        return False
    made = {"kind": event.kind.value, "reference": event.reference, "at": event.at, "tries": 0, "next_at": now, "why": ""}
    session.add(DeliveryRow(id=identity, subscription=row.id, **made))
    return True


def about_the_hub(session: Session, kinds: Iterable[Kind], event: str, now: datetime) -> int:
    """Put what became of the hub's condition into the outbox of whoever is told of that; how many notices."""
    wanted = [kind for kind in kinds if kind in OF_THE_HUB]
    told = [(row, kind) for row in every(session) for kind in wanted if kind in row.kinds]
    return sum(put(session, row, Happened(f"{kind} {event}", kind, now), now) for row, kind in told)


def claim(session: Session, now: datetime) -> tuple[DeliveryRow, SubscriptionRow] | None:
    """The next notice to send, taken for as long as sending can last: whoever dies meanwhile leaves it to the next."""
    due = select(DeliveryRow).where(DeliveryRow.next_at <= now).order_by(DeliveryRow.next_at, DeliveryRow.id).limit(1)
    row = session.execute(due.with_for_update(skip_locked=True).execution_options(populate_existing=True)).scalar_one_or_none()
    if row is None:
        return None
    row.next_at, row.tries = now + LEASE, row.tries + 1
    return row, session.get_one(SubscriptionRow, row.subscription)


def sent(session: Session, identity: str, now: datetime, why: str = "") -> None:
    """Note how it went: ``why`` is the kind of failure, empty where it was delivered."""
    row = session.get_one(DeliveryRow, identity, with_for_update=True)
    if row.delivered_at is not None or row.next_at is None:
        return  # somebody else delivered it meanwhile, or the subscription has ended
    row.why = why[:80]
    row.delivered_at, row.next_at = (None, next_try(row.tries, now)) if why else (now, None)


def forget(session: Session, now: datetime) -> None:
    """Forget what was told long ago."""
    old = select(DeliveryRow).where(DeliveryRow.next_at.is_(None), DeliveryRow.at < now - FORGOTTEN).limit(MOST)
    for row in session.execute(old).scalars():
        session.delete(row)


def given_up(session: Session) -> int:
    """How many notices could not be delivered, of those that are remembered, to subscriptions that have not ended."""
    lost = (DeliveryRow.next_at.is_(None), DeliveryRow.delivered_at.is_(None), SubscriptionRow.ended_at.is_(None))
    return session.execute(select(func.count()).select_from(DeliveryRow).join(SubscriptionRow).where(*lost)).scalar_one()


def waiting(session: Session) -> int:
    """How many notices are still to be delivered."""
    return session.execute(select(func.count()).where(DeliveryRow.next_at.is_not(None))).scalar_one()
