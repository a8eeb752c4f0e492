"""What a restore brought back, and what it could not: when it was, and the submissions whose suppliers are told to push again."""

from datetime import datetime

from sqlalchemy import BigInteger, Connection, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db import Base, Instant
from exchange.errors import Gone


class RestoreRow(Base):
    """One restore. ``entries``: how many entries the restored database had; ``replayed``: how many came from the second store."""

    __tablename__ = "restores"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    entries: Mapped[int] = mapped_column(BigInteger)
    replayed: Mapped[int] = mapped_column(BigInteger)


class LostRow(Base):
    """A submission that the hub had taken in and a restore lost. Ids only; ``had``: how far it had come, as the log says it."""

    __tablename__ = "lost_submissions"

    submission: Mapped[str] = mapped_column(String(40), primary_key=True)
    upload: Mapped[str] = mapped_column(String(32))
    supplier: Mapped[str] = mapped_column(String(80), index=True)
    reference: Mapped[str] = mapped_column(String(80))
    dataset: Mapped[str] = mapped_column(String(80))
    period: Mapped[str] = mapped_column(String(10))
    had: Mapped[str] = mapped_column(String(40))
    lost_at: Mapped[datetime] = mapped_column(Instant)


def push_again(session: Session | Connection, submission: str, supplier: str) -> Gone | None:
    """What to answer a supplier that asks after a submission of its own which a restore lost; None where none did."""
    lost = LostRow.__table__.c
    found = session.execute(select(lost.had).where(lost.submission == submission, lost.supplier == supplier)).first()
    if found is None:
        return None
    return Gone(
        "the hub was restored from a backup made before this submission was done, and has lost it: no receipt of it counts any more.",
        remedy="Push the extract again.",
        code="push-again",
        extra={"had": found.had},
    )


def since(session: Session) -> datetime | None:
    """When the hub was last restored; None if it never was."""
    return session.execute(select(func.max(RestoreRow.at))).scalar_one_or_none()
