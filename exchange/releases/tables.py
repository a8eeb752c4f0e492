"""Tables of editions."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.db import Base, Instant


class EditionState(StrEnum):
    """Where an edition stands."""

    AWAITING_CHECK = "awaiting-check"
    PUBLISHED = "published"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


OUT = (EditionState.PUBLISHED, EditionState.WITHDRAWN)
"""Published once: withdrawn or not, what it showed is known, and it stays in the history of its people."""
UNPUBLISHED = (EditionState.AWAITING_CHECK, EditionState.DROPPED)
REASON = 500
"""The most characters of a reason."""


class EditionRow(Base):
    """One run of a release: what it read, what it would publish, and, once two people have checked it, the signed edition.

    ``revises``: the edition of the same release and periods before it; ``reason``: why it was asked for; ``ended``: why a draft was dropped;
    ``overrides``: ids of the overrides with which people were linked; ``withdrawal``: the signed decision to withdraw it.
    """

    __tablename__ = "editions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    reference: Mapped[str] = mapped_column(String(80), index=True)
    agreement: Mapped[str] = mapped_column(ForeignKey("agreements.digest"))
    release: Mapped[str] = mapped_column(String(80))
    first_period: Mapped[str] = mapped_column(String(10))
    last_period: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(20), index=True)
    requested_by: Mapped[str] = mapped_column(String(80))
    requested_at: Mapped[datetime] = mapped_column(Instant)
    draft: Mapped[dict[str, Any]] = mapped_column(JSON)
    draft_digest: Mapped[str] = mapped_column(String(80))
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    dispose_on: Mapped[date] = mapped_column(Date, index=True)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    signed: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    revises: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(REASON))
    ended: Mapped[str | None] = mapped_column(String(REASON))
    overrides: Mapped[list[str] | None] = mapped_column(JSON)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawal: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    files: Mapped[list["EditionFileRow"]] = relationship(order_by="EditionFileRow.name")
    votes: Mapped[list["VoteRow"]] = relationship(order_by="VoteRow.recorded_at")


class EditionFileRow(Base):
    """One protected file of an edition, exactly as it is, or will be, published."""

    __tablename__ = "edition_files"

    edition: Mapped[str] = mapped_column(ForeignKey("editions.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(80))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class VoteRow(Base):
    """What one output checker said, signed. One person, one vote."""

    __tablename__ = "votes"

    edition: Mapped[str] = mapped_column(ForeignKey("editions.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    decision: Mapped[str] = mapped_column(String(20))
    signed: Mapped[dict[str, Any]] = mapped_column(JSON)
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class PopulationRow(Base):
    """A population that an edition has published counts of: one source, one supplier, one period.

    Every edition over one population is one history: what each of them hides could be told from the others, so that a new one is
    protected together with all before it (``exchange.releases.history``).
    """

    __tablename__ = "published_populations"
    __table_args__ = (UniqueConstraint("adapter", "supplier", "period", "edition"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    adapter: Mapped[str] = mapped_column(String(80))
    supplier: Mapped[str] = mapped_column(String(80))
    period: Mapped[str] = mapped_column(String(10))
    edition: Mapped[str] = mapped_column(ForeignKey("editions.id"))


class UndraftedRow(Base):
    """An edition that the hub could not draft by itself: the kind of failure, which the log has said once, and when it was last tried."""

    __tablename__ = "undrafted_editions"

    reference: Mapped[str] = mapped_column(String(80), primary_key=True)
    release: Mapped[str] = mapped_column(String(80), primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    kind: Mapped[str] = mapped_column(String(80))
    tried_at: Mapped[datetime] = mapped_column(Instant)


class KeptRow(Base):
    """What only the hub may know of an edition, sealed under a key of its own: its exact counts, or the proof of its protection.

    ``sealed`` is empty from when its destruction began; ``because`` says why, also of one that is to go when a legal hold ends.
    """

    __tablename__ = "kept_counts"

    edition: Mapped[str] = mapped_column(ForeignKey("editions.id"), primary_key=True)
    what: Mapped[str] = mapped_column(String(10), primary_key=True)
    key: Mapped[str] = mapped_column(String(80))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    because: Mapped[str | None] = mapped_column(String(200))
    destroyed_at: Mapped[datetime | None] = mapped_column(Instant)
