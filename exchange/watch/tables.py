"""Tables of what the hub notes about itself."""

from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.db import Base, Instant


class JobRow(Base):
    """A job of the schedule: when it last went well, and since when, how often and with which kind of error it has failed since."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    runs: Mapped[int] = mapped_column(default=0)  # noted ones: of a job that runs every second, about one a minute
    failures: Mapped[int] = mapped_column(default=0)  # since it last went well
    failed_in_all: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    failed_at: Mapped[datetime | None] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(80), default="")


class NotedRow(Base):
    """When something last happened: a backup was finished, requests were turned away. ``told``: what was found the last time, by cause."""

    __tablename__ = "noted"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    told: Mapped[list[str]] = mapped_column(JSON)
