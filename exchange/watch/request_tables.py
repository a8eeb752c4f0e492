"""The table of clients' last requests."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class RequestRow(Base):
    """A request of a client and what it was answered, without anything of what was sent; the same again and again is one row.

    ``proved``: whether the client had shown who it is, or only its name was used; ``at`` and ``request``: of the last one; ``route``: the rule,
    never an address. ``code``, ``clause``, ``reason`` and ``remedy`` are empty where it was not refused.
    """

    __tablename__ = "requests"
    __table_args__ = (Index("ix_requests_client", "client", "id"), Index("ix_requests_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    client: Mapped[str] = mapped_column(String(80))
    proved: Mapped[bool]
    at: Mapped[datetime] = mapped_column(Instant)
    times: Mapped[int]
    method: Mapped[str] = mapped_column(String(10))
    route: Mapped[str] = mapped_column(String(200))
    status: Mapped[int]
    code: Mapped[str] = mapped_column(String(80))
    clause: Mapped[str] = mapped_column(String(300))
    reason: Mapped[str] = mapped_column(String(500))
    remedy: Mapped[str] = mapped_column(String(500))
    request: Mapped[str] = mapped_column(String(32))
