"""Tables of requests about people's rights. Neither holds a pseudonym, or anything that was made from one."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class RightsRow(Base):
    """A request that was answered, by the id that its supplier gave it, and the answer: asked again, it is given again."""

    __tablename__ = "rights_requests"
    __table_args__ = (Index("ix_rights_requests_supplier", "reference", "supplier"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    asked: Mapped[str] = mapped_column(String(80))  # the digest of the request
    supplier: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str] = mapped_column(String(80))
    agreement: Mapped[str] = mapped_column(ForeignKey("agreements.digest"))
    right: Mapped[str] = mapped_column(String(20))
    rows: Mapped[int] = mapped_column(BigInteger)
    decided_at: Mapped[datetime] = mapped_column(Instant)
    receipt: Mapped[dict[str, Any]] = mapped_column(JSON)


class ReplacedKeyRow(Base):
    """A submission's key that another has taken the place of, and the objects that it still opened: both are to go, until ``done_at``."""

    __tablename__ = "replaced_keys"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    submission: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    request: Mapped[str] = mapped_column(ForeignKey("rights_requests.id"))
    objects: Mapped[list[str]] = mapped_column(JSON)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
