"""Tables of the people who sign in. Secrets that open anything (sessions, invitations) are kept as digests only."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class PersonRow(Base):
    """A person of one party, what they are there, and as what they use the hub."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    party: Mapped[str] = mapped_column(String(80), index=True)
    name: Mapped[str] = mapped_column(String(200))
    position: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class PasskeyRow(Base):
    """A person's passkey. Agreements name its fingerprint; ``sign_count`` is the authenticator's own counter (nought where it keeps none)."""

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    credential: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(80), unique=True)
    public: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class IdentityRow(Base):
    """A person at an OpenID provider: issuer and subject, linked by the operator. Nobody is created by signing in."""

    __tablename__ = "identities"

    issuer: Mapped[str] = mapped_column(String(300), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    linked_at: Mapped[datetime] = mapped_column(Instant)


class InvitationRow(Base):
    """A one-time way to enrol a first passkey: SHA-256 of the word in its address."""

    __tablename__ = "invitations"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class SessionRow(Base):
    """Somebody signed in: SHA-256 of the id in the cookie. ``passkey`` is empty for one who came by OpenID."""

    __tablename__ = "sessions"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    passkey: Mapped[str | None] = mapped_column(ForeignKey("passkeys.id"), index=True)
    began_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class WaitingRow(Base):
    """Something begun and not ended: a challenge that was sent, a sign-in at the OpenID provider. Taken once, and gone."""

    __tablename__ = "waiting"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class AttemptRow(Base):
    """How often one source has tried something in one stretch of time. The source is a keyed digest, never the address itself."""

    __tablename__ = "attempts"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    count: Mapped[int]
