"""Tables of submissions."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.db import Base, Instant


class SubmissionState(StrEnum):
    """Where a submission stands."""

    OPEN = "open"
    COMPLETE = "complete"
    HELD = "held"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    DISPOSING = "disposing"
    DISPOSED = "disposed"
    LAPSED = "lapsed"
    REPEATED = "repeated"


class SealingKeyRow(Base):
    """A weekly sealing key: its public half and the signed notice. The private half is in the keystore until it is destroyed."""

    __tablename__ = "sealing_keys"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    notice: Mapped[dict[str, Any]] = mapped_column(JSON)
    issued_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    destroyed_at: Mapped[datetime | None] = mapped_column(Instant)


class SubmissionRow(Base):
    """One submission, from its manifest to its end. The row outlives the data, so that a repeat is recognised."""

    __tablename__ = "submissions"
    __table_args__ = (Index("ix_submissions_series", "reference", "dataset", "supplier", "period"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    upload: Mapped[str] = mapped_column(String(32), unique=True)
    supplier: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str] = mapped_column(String(80))
    agreement: Mapped[str] = mapped_column(ForeignKey("agreements.digest"))
    dataset: Mapped[str] = mapped_column(String(80))
    period: Mapped[str] = mapped_column(String(10))
    after: Mapped[str | None] = mapped_column(String(40))
    place: Mapped[int | None]  # its number in the line of what was ever held for its period: the greatest is the head
    superseded_by: Mapped[str | None] = mapped_column(String(40))
    repeats: Mapped[str | None] = mapped_column(String(40))  # the submission that had the same content and was held first
    state: Mapped[str] = mapped_column(String(20), index=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    rows_digest: Mapped[str] = mapped_column(String(80))
    sealed_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")  # of all its parts, as the manifest announces them
    sealing_key: Mapped[str] = mapped_column(ForeignKey("sealing_keys.id"))
    key: Mapped[str] = mapped_column(String(80))  # the keystore's name of the one key that wraps its data keys; erasure gives it another
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    manifest_digest: Mapped[str] = mapped_column(String(80))
    dispose_on: Mapped[date] = mapped_column(Date, index=True)
    received_at: Mapped[datetime] = mapped_column(Instant)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledgement: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    certificate: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    was: Mapped[str | None] = mapped_column(String(20))  # its state when its destruction began
    erased_rows: Mapped[int] = mapped_column(BigInteger, default=0)  # of `rows`, how many were removed on request since
    held_digest: Mapped[str | None] = mapped_column(String(80))  # what stands for `rows_digest` since then
    never_again: Mapped[bool] = mapped_column(default=False)  # whether its content as it was sent may not come back

    parts: Mapped[list["PartRow"]] = relationship(order_by="PartRow.number")
    held: Mapped[list["HeldPartRow"]] = relationship(order_by="HeldPartRow.number")


class PartRow(Base):
    """A sealed part that has arrived whole."""

    __tablename__ = "parts"

    submission: Mapped[str] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    arrived_at: Mapped[datetime] = mapped_column(Instant)


class HeldPartRow(Base):
    """One encrypted Parquet file of a held submission, and its data key wrapped by the submission's key in the keystore."""

    __tablename__ = "held_parts"

    submission: Mapped[str] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    object: Mapped[str] = mapped_column(String(120), unique=True)
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    aad: Mapped[str] = mapped_column(String(120))
    rows: Mapped[int]


class LeaseRow(Base):
    """Who is at a submission that waits to be opened, by the database's clock.

    ``free_at``: from when on another may take it; after ``until``, where whoever was at it failed or vanished again and again (``failures``).
    No holder: it was given back after a failure, and rests.
    """

    __tablename__ = "leases"

    submission: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True)
    reference: Mapped[str] = mapped_column(String(80))
    holder: Mapped[str | None] = mapped_column(String(80))
    until: Mapped[datetime] = mapped_column(Instant)
    free_at: Mapped[datetime] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(default=0)


class HoldRow(Base):
    """A legal hold: over one submission, or over a series, in which an empty supplier or period stands for every one. Over once it has ended."""

    __tablename__ = "holds"
    __table_args__ = (Index("ix_holds_series", "reference", "dataset"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    submission: Mapped[str | None] = mapped_column(ForeignKey("submissions.id"), index=True)
    reference: Mapped[str] = mapped_column(String(80))
    dataset: Mapped[str] = mapped_column(String(80))
    supplier: Mapped[str] = mapped_column(String(80))
    period: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(500))
    person: Mapped[str] = mapped_column(String(80))
    until: Mapped[date] = mapped_column(Date)
    placed_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(String(80))


class SeenRow(Base):
    """One row: when the hub last looked at its clock and believed it, and since when it has asked somebody to confirm a leap."""

    __tablename__ = "clock_seen"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    asked_at: Mapped[datetime | None] = mapped_column(Instant)
