"""Tables of the framework: targets, which the board owns, and the figures of the national baseline."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class TargetRow(Base):
    """A target for one figure, or (without a value) that there is none any more. The newest of a figure counts; none is ever changed.

    ``person`` entered it; ``decided`` says when and how the board decided it.
    """

    __tablename__ = "measure_targets"
    __table_args__ = (Index("ix_measure_targets_measure_figure", "measure", "figure"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    measure: Mapped[str] = mapped_column(String(10))
    figure: Mapped[str] = mapped_column(String(80))
    value: Mapped[str | None] = mapped_column(String(40))
    by: Mapped[date | None] = mapped_column(Date)
    direction: Mapped[str] = mapped_column(String(10))
    decided: Mapped[str] = mapped_column(String(500))
    person: Mapped[str] = mapped_column(ForeignKey("people.id"))
    set_at: Mapped[datetime] = mapped_column(Instant)


class NationalRow(Base):
    """One published national figure, as the adapter ``national_baseline`` reads it: no personal data. A later file replaces it."""

    __tablename__ = "national_figures"

    publication: Mapped[str] = mapped_column(String(120), primary_key=True)
    measure: Mapped[str] = mapped_column(String(200), primary_key=True)
    area: Mapped[str] = mapped_column(String(120), primary_key=True)
    category: Mapped[str] = mapped_column(String(200), primary_key=True)
    period: Mapped[str] = mapped_column(String(80), primary_key=True)
    definition: Mapped[str] = mapped_column(String(200))
    period_start: Mapped[date] = mapped_column(Date)
    period_end: Mapped[date] = mapped_column(Date)
    number: Mapped[str | None] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(60))
    marker: Mapped[str] = mapped_column(String(20))
    person: Mapped[str] = mapped_column(ForeignKey("people.id"))
    entered_at: Mapped[datetime] = mapped_column(Instant)
