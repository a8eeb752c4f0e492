"""Tables of the register."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.db import Base, Instant


class KeyRow(Base):
    """A public key somebody handed in on a card. Agreements name fingerprints; this is where the keys themselves are."""

    __tablename__ = "keys"

    fingerprint: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    owner: Mapped[str] = mapped_column(String(80), index=True)
    role: Mapped[str] = mapped_column(String(40))
    public: Mapped[bytes] = mapped_column(LargeBinary)
    registered_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class AssertionRow(Base):
    """A client assertion that was used: none is accepted twice, restarts included. Pruned once it has expired."""

    __tablename__ = "used_assertions"

    client: Mapped[str] = mapped_column(String(80), primary_key=True)
    jti: Mapped[str] = mapped_column(String(200), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class AgreementRow(Base):
    """One version of an agreement: its canonical words, and where it stands."""

    __tablename__ = "agreements"
    __table_args__ = (UniqueConstraint("reference", "version"),)

    digest: Mapped[str] = mapped_column(String(80), primary_key=True)
    reference: Mapped[str] = mapped_column(String(80), index=True)
    version: Mapped[int]
    canonical: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(20), index=True)
    in_force_from: Mapped[date] = mapped_column(Date)
    expires: Mapped[date] = mapped_column(Date)
    registered_at: Mapped[datetime] = mapped_column(Instant)
    in_force_at: Mapped[datetime | None] = mapped_column(Instant)
    replaced_at: Mapped[datetime | None] = mapped_column(Instant)

    statements: Mapped[list["StatementRow"]] = relationship(order_by="StatementRow.recorded_at")
    suspensions: Mapped[list["SuspensionRow"]] = relationship()


class StatementRow(Base):
    """Advice or signature, as signed by the person."""

    __tablename__ = "statements"

    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    agreement: Mapped[str] = mapped_column(ForeignKey("agreements.digest"), index=True)
    party: Mapped[str] = mapped_column(String(80))
    decision: Mapped[str] = mapped_column(String(20))
    signed: Mapped[dict[str, Any]] = mapped_column(JSON)
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class SuspensionRow(Base):
    """A party's suspension of an agreement, or of one dataset of it. It moves again only when every suspender has resumed."""

    __tablename__ = "suspensions"

    agreement: Mapped[str] = mapped_column(ForeignKey("agreements.digest"), primary_key=True)
    party: Mapped[str] = mapped_column(String(80), primary_key=True)
    dataset: Mapped[str] = mapped_column(String(80), primary_key=True)  # empty: the whole agreement
    since: Mapped[datetime] = mapped_column(Instant)


class ReminderRow(Base):
    """A reminder of a version's review that has been given: one for each of its days."""

    __tablename__ = "reminders"

    agreement: Mapped[str] = mapped_column(ForeignKey("agreements.digest"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    given_at: Mapped[datetime] = mapped_column(Instant)


class EpochRow(Base):
    """A linkage epoch of an agreement: who made its secret, and the check value every submission must show."""

    __tablename__ = "linkage_epochs"

    reference: Mapped[str] = mapped_column(String(80), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    issuer: Mapped[str] = mapped_column(String(80))
    key_check: Mapped[str] = mapped_column(String(32))
    issued_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class EnvelopeRow(Base):
    """The linkage secret, sealed by its issuer to one recipient. The hub relays it and cannot open it."""

    __tablename__ = "linkage_envelopes"

    reference: Mapped[str] = mapped_column(String(80), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recipient: Mapped[str] = mapped_column(String(80), primary_key=True)
    signed: Mapped[dict[str, Any]] = mapped_column(JSON)
