"""Who is told of what. Beginning and ending a subscription is logged: it says where words about an agreement go."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exchange.errors import NotFound, Unacceptable
from exchange.log.record import Event, Operation, append, hold
from exchange.log.tables import HeadRow
from exchange.notify.kinds import CHOICES
from exchange.notify.tables import DeliveryRow, SubscriptionRow, TailRow
from exchange.people.people import is_party

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_URL = re.compile(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]*)?")
LONGEST = 300
MOST = 20  # subscriptions of one party


class Way(StrEnum):
    """How a notice leaves the hub."""

    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class Wanted:
    """What a party wants to be told of, and how. ``named``: with the agreement's reference; ``person``: the id of whose own choice it is."""

    party: str
    way: Way
    address: str
    kinds: Collection[str]
    named: bool = False
    person: str = ""


def add(session: Session, wish: Wanted, who: str, now: datetime) -> SubscriptionRow:
    """Tell from now on. ``who``: whoever asks for it. Unacceptable for what cannot be."""
    party, way = wish.party, wish.way
    wanted = _sound(party, way, wish.address, wish.kinds)
    size = hold(session).size  # the log's head: of two that add at once, each counts the other
    if len(every(session, party)) >= MOST:
        raise Unacceptable(f"a party has at most {MOST} subscriptions.", remedy="End one that is not needed any more.")
    tail(session)
    row = SubscriptionRow(
        id=f"notice-{secrets.token_hex(8)}",
        party=party,
        person=wish.person,
        way=way.value,
        address=wish.address,
        kinds=wanted,
        named=wish.named,
        since=size,
        created_at=now,
    )
    session.add(row)
    session.flush()
    append(session, Event(Operation.SECURITY, who, party, "", "notices asked for", row.id), now)
    return row


def _sound(party: str, way: Way, address: str, kinds: Collection[str]) -> list[str]:
    if not is_party(party):
        raise Unacceptable("a party's id is small letters, digits and hyphens.", remedy="Use the id that the agreement uses.")
    wanted = sorted(set(kinds))
    if not wanted or not set(wanted) <= set(CHOICES):
        raise Unacceptable("there are other kinds of notice.", remedy=f"Choose of: {', '.join(CHOICES)}.")
    if len(address) > LONGEST or not (_ADDRESS if way is Way.MAIL else _URL).fullmatch(address) or _has_user(address, way):
        remedy = "Give an e-mail address." if way is Way.MAIL else "Give an https address, without user or password."
        raise Unacceptable(f"this is no address for a {way}.", remedy=remedy)
    return wanted


def _has_user(address: str, way: Way) -> bool:
    return way is Way.WEBHOOK and "@" in urlsplit(address).netloc


def end(session: Session, identity: str, who: str, now: datetime, person: str = "") -> SubscriptionRow:
    """Tell no more; what waits is not sent. ``person``: end it only if it is this person's own. NotFound where there is none."""
    row = session.get(SubscriptionRow, identity, with_for_update=True)
    if row is None or row.ended_at is not None or (person and row.person != person):
        raise NotFound("there is no such subscription.", remedy="See: exchange notify list")
    row.ended_at = now
    session.execute(update(DeliveryRow).where(DeliveryRow.subscription == row.id, DeliveryRow.next_at.is_not(None)).values(next_at=None))
    session.flush()
    append(session, Event(Operation.SECURITY, who, row.party, "", "notices ended", row.id), now)
    return row


def find(session: Session, identity: str) -> SubscriptionRow:
    """A subscription that has not ended. NotFound where there is none."""
    row = session.get(SubscriptionRow, identity)
    if row is None or row.ended_at is not None:
        raise NotFound("there is no such subscription.", remedy="See: exchange notify list")
    return row


def every(session: Session, party: str = "", person: str = "") -> list[SubscriptionRow]:
    """Those that have not ended; of one party or one person, if one is named."""
    query = select(SubscriptionRow).where(SubscriptionRow.ended_at.is_(None)).order_by(SubscriptionRow.party, SubscriptionRow.id)
    if party:
        query = query.where(SubscriptionRow.party == party)
    if person:
        query = query.where(SubscriptionRow.person == person)
    return list(session.execute(query).scalars())


def tail(session: Session) -> TailRow:
    """How far the log has been read for notices; from its end, at first. Locked."""
    row = session.get(TailRow, 1, with_for_update=True, populate_existing=True)
    if row is None:
        row = TailRow(id=1, next=session.execute(select(HeadRow.size)).scalar_one())
        session.add(row)
        session.flush()
    return row
