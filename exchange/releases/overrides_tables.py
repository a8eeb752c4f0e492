"""The table of overrides of a linkage. No pseudonym stands in it in the clear."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class OverrideRow(Base):
    """Two re-keyed pseudonyms that are one person's, or never are, wrapped under ``key`` of the keystore, which is destroyed with the agreement's
    other re-key keys; by whom, why, and until when. ``request``: the supplier's, which is taken once.
    """

    __tablename__ = "linkage_overrides"
    __table_args__ = (Index("ix_linkage_overrides_reference", "reference"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    reference: Mapped[str] = mapped_column(String(80))
    supplier: Mapped[str] = mapped_column(String(80))
    request: Mapped[str] = mapped_column(String(32), unique=True)
    action: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(80))
    epoch: Mapped[int]
    key: Mapped[str] = mapped_column(String(255))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(String(500))
    person: Mapped[str] = mapped_column(String(80))
    placed_at: Mapped[datetime] = mapped_column(Instant)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(String(80))
