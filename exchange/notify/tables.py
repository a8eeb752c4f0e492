"""Tables of notices: who is told of what, what waits to be sent, and how far the log has been read for it."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class SubscriptionRow(Base):
    """Somebody who is told: of one party, by e-mail or webhook, of some kinds of event. ``person``: whose own it is; empty for the party's."""

    __tablename__ = "subscriptions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    party: Mapped[str] = mapped_column(String(80), index=True)
    person: Mapped[str] = mapped_column(String(40), default="")
    way: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(300))
    kinds: Mapped[list[str]] = mapped_column(JSON)
    named: Mapped[bool]  # whether a notice names the agreement
    since: Mapped[int] = mapped_column(BigInteger)  # the log's size when it began: nothing earlier is told
    created_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class DeliveryRow(Base):
    """One notice to one subscription. Its id is the message's, whatever happens: a receiver that gets it twice can tell."""

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    subscription: Mapped[str] = mapped_column(ForeignKey("subscriptions.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(Instant, index=True)  # empty once it was delivered or given up
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)
    why: Mapped[str] = mapped_column(String(80), default="")  # kind of the last failure


class TailRow(Base):
    """One row: the number of the first entry of the log that has not been read for notices."""

    __tablename__ = "notices_tail"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    next: Mapped[int] = mapped_column(BigInteger)
