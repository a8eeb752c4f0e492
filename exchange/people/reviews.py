"""What a person has checked of a version, section by section. It is the reviewer's own note: advice and signature are what binds."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db import Base, Instant


class ReviewRow(Base):
    """A person has checked a section of a version."""

    __tablename__ = "reviews"

    person: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    agreement: Mapped[str] = mapped_column(ForeignKey("agreements.digest"), primary_key=True)
    section: Mapped[str] = mapped_column(String(60), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)


def checked(session: Session, person: str, agreement: str) -> dict[str, datetime]:
    """Section → when this person checked it, in the version of this digest."""
    query = select(ReviewRow).where(ReviewRow.person == person, ReviewRow.agreement == agreement)
    return {row.section: row.at for row in session.execute(query).scalars()}


def check(session: Session, person: str, agreement: str, section: str, now: datetime) -> None:
    """Note that the person has checked a section; the first time counts."""
    if session.get(ReviewRow, (person, agreement, section)) is None:
        session.add(ReviewRow(person=person, agreement=agreement, section=section, at=now))
        session.flush()


def lacking(done: Iterable[str], sections: Iterable[str]) -> list[str]:
    """The sections that are still to be checked, in their order."""
    there = set(done)
    return [one for one in sections if one not in there]
