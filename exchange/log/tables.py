"""Tables of the log."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant

WORDS = 200
SUCCEEDED = "log begun in place of a lost one"  # the entry that names, in its details, the origin under which the log goes on
ERASURE, REDACTED = "erasure", "log entry redacted"  # how the log says that one of its entries was redacted; its number is the subject


class EntryRow(Base):
    """One entry: its leaf hash stays for ever; salt and entry may be redacted, and the tree still verifies.

    The columns are for searching, and say what the entry says; ``who`` to ``recipient`` are empty once it is redacted.
    """

    __tablename__ = "log_entries"
    __table_args__ = (Index("ix_log_entries_organisation_number", "organisation", "number"),)  # a client reads its own, page by page

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    entry: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    operation: Mapped[str] = mapped_column(String(40), index=True)
    organisation: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str] = mapped_column(String(80), index=True)
    who: Mapped[str] = mapped_column(String(WORDS), default="", server_default="", index=True)
    what: Mapped[str] = mapped_column(String(WORDS), default="", server_default="")
    subject: Mapped[str] = mapped_column(String(WORDS), default="", server_default="", index=True)
    recipient: Mapped[str] = mapped_column(String(WORDS), default="", server_default="", index=True)


GONE: Mapping[str, str | None] = {"salt": None, "entry": None, "who": "", "what": "", "subject": "", "recipient": ""}
"""What a redacted entry's columns hold."""


class NodeRow(Base):
    """One complete subtree's hash, by level (leaves are level 0) and index."""

    __tablename__ = "log_nodes"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class RepeatRow(Base):
    """Something of one kind that one person or client does again and again: when it was last logged, and how often it happened since."""

    __tablename__ = "log_repeats"

    who: Mapped[str] = mapped_column(String(WORDS), primary_key=True)
    subject: Mapped[str] = mapped_column(String(WORDS), primary_key=True)
    why: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(80))
    entry: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int]


class HeadRow(Base):
    """One row: the log's size. Locked by whoever appends, so that appends queue on every engine."""

    __tablename__ = "log_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(Instant)
