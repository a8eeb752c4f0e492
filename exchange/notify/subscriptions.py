"""Who is told of what. Beginning and ending a subscription is logged: it says where words about an agreement go."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exchange.errors import Forbidden, NotFound, Unacceptable
from exchange.log.record import Event, Operation, append, hold
from exchange.log.tables import HeadRow
from exchange.notify.kinds import CHOICES, open_to
from exchange.notify.tables import DeliveryRow, SubscriptionRow, TailRow
from exchange.people import people
from exchange.people.people import is_party
from exchange.people.tables import PersonRow

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_URL = re.compile(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]*)?")
LONGEST = 300
MOST = 20  # subscriptions of one party, its people's own not counted


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
    if not wish.person and sum(not row.person for row in every(session, party)) >= MOST:
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
    _asked(session, row, who, now)
    return row


def _asked(session: Session, row: SubscriptionRow, who: str, now: datetime) -> None:
    append(session, Event(Operation.SECURITY, who, row.party, "", "notices asked for", row.id), now)


def choose(session: Session, person: str, wish: Wanted, now: datetime) -> SubscriptionRow:
    """A person's own choice, in the place of the one there was: by e-mail, of kinds that the person's roles may look at."""
    hold(session)  # before the account is read: it cannot end meanwhile, and of two choices at once the second finds the first
    owner = people.find(session, person)
    if owner.ended_at is not None or owner.party != wish.party or wish.way is not Way.MAIL:
        raise Forbidden("this is nobody's own choice of notices.", remedy="Sign in again, and choose e-mail.")
    if not set(wish.kinds) <= set(open_to(owner.roles)):
        raise Unacceptable("your roles may not look at what this kind is about.", remedy="Choose among those that the page lists.")
    row = own(session, person)
    if row is None:
        return add(session, replace(wish, person=person), person, now)
    # Changed where it stands: what happened a moment ago and is not gathered yet is told all the same.
    row.kinds, row.address, row.named = _sound(wish.party, wish.way, wish.address, wish.kinds), wish.address, wish.named
    session.flush()
    _asked(session, row, person, now)
    return row


def own(session: Session, person: str) -> SubscriptionRow | None:
    """What a person has chosen to be told of, if anything."""
    return next(iter(every(session, person=person)), None)


def end_person(session: Session, person: str, who: str, now: datetime) -> PersonRow:
    """End a person's account, and with it what the person chose to be told of."""
    hold(session)
    row = people.end(session, person, who, now)
    for mine in every(session, person=person):
        end(session, mine.id, who, now)
    return row


def _sound(party: str, way: Way, address: str, kinds: Collection[str]) -> list[str]:
    if not is_party(party):
        raise Unacceptable("a party's id is small letters, digits and hyphens.", remedy="Use the id that the agreement uses.")
    wanted = sorted(set(kinds))
    if not wanted or not set(wanted) <= set(CHOICES):
        raise Unacceptable("there are other kinds of notice.", remedy=f"Choose of: {', '.join(CHOICES)}.")
    if not is_address(way, address):
        remedy = "Give an e-mail address." if way is Way.MAIL else "Give an https address, without user or password."
        raise Unacceptable(f"this is no address for a {way}.", remedy=remedy)
    return wanted


def is_address(way: Way, address: str) -> bool:
    """Whether a notice can be sent there by this way."""
    return len(address) <= LONGEST and bool((_ADDRESS if way is Way.MAIL else _URL).fullmatch(address)) and not _has_user(address, way)


def _has_user(address: str, way: Way) -> bool:
    return way is Way.WEBHOOK and "@" in urlsplit(address).netloc


def end(session: Session, identity: str, who: str, now: datetime, person: str = "") -> SubscriptionRow:
    """Tell no more; what waits is not sent. ``person``: end it only if it is this person's own. NotFound where there is none."""
    hold(session)  # the head first, as whoever adds and chooses: nobody waits for the other
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
