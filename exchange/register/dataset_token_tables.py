"""The table of tokens that read one release: what opens anything is kept as a digest only."""

from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class DatasetTokenRow(Base):
    """A token with which a recipient's tools read the newest editions of one release of one agreement.

    ``digest``: SHA-256 of its secret word. ``key``: the recipient's client key as the agreement named it, with which the token falls.
    ``networks``: addresses from which it is good; empty: from all.
    """

    __tablename__ = "dataset_tokens"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(String(80), index=True)
    organisation: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str] = mapped_column(String(80))
    release: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(200))
    networks: Mapped[list[str]] = mapped_column(JSON)
    issued_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
