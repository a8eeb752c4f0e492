"""Tables of who has been heard of, and of what is late."""

from datetime import date, datetime

from sqlalchemy import Date, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class HeardRow(Base):
    """A client's last sign of life, which is its last token; and since when the hub has noted that it is silent."""

    __tablename__ = "clients_heard"

    client: Mapped[str] = mapped_column(String(80), primary_key=True)
    heard_at: Mapped[datetime | None] = mapped_column(Instant)  # null: never, since the agreement has been in force
    silent_at: Mapped[datetime | None] = mapped_column(Instant)


class OverdueRow(Base):
    """A period of a supplier's dataset that was noted as late: once, whatever becomes of it."""

    __tablename__ = "overdue_periods"

    reference: Mapped[str] = mapped_column(String(80), primary_key=True)
    dataset: Mapped[str] = mapped_column(String(80), primary_key=True)
    supplier: Mapped[str] = mapped_column(String(80), primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    due: Mapped[date] = mapped_column(Date)
    noted_at: Mapped[datetime] = mapped_column(Instant)
