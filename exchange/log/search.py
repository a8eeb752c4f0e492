"""Searching the log: by who did it, what, under which agreement, for whom, about what, and when; newest first, in pages.

Logs kept under section 62 serve to verify the lawfulness of processing, for self-monitoring, for integrity and security, and for
criminal proceedings, and nothing else: whoever searches is noted (:mod:`exchange.log.repeats`), before anything is shown.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from exchange.log.record import Event, Operation
from exchange.log.tables import EntryRow
from keys.encoding import canonical

LONDON = ZoneInfo("Europe/London")
PURPOSE = (
    "Logs may be used only to verify that processing is lawful, to monitor oneself (disciplinary proceedings included), to keep data whole and "
    "secure, and for criminal proceedings (Data Protection Act 2018, section 62(4))."
)


@dataclass(frozen=True)
class Wanted:
    """What is looked for; what is empty is any. ``what``: words of the phrase; ``first`` inclusive, ``last`` exclusive."""

    who: str = ""
    operation: str = ""
    reference: str = ""
    recipient: str = ""
    organisation: str = ""
    subject: str = ""
    what: str = ""
    first: datetime | None = None
    last: datetime | None = None

    def named(self) -> dict[str, str]:
        """What is asked for, by name, as text."""
        found = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found if value}


@dataclass(frozen=True)
class Found:
    """An entry as it is shown; ``redacted`` ones say no more than number, time, operation, organisation and agreement."""

    number: int
    at: datetime
    operation: str
    who: str
    organisation: str
    reference: str
    what: str
    subject: str
    recipient: str
    details: Mapping[str, Any]
    redacted: bool


def search(session: Session, wanted: Wanted, scope: Collection[str] | None, *, limit: int, below: int | None = None) -> list[Found]:
    """At most ``limit`` entries, newest first, with numbers below ``below``. ``scope``: organisations whose entries may be seen; None for all."""
    query = _query(wanted, scope).order_by(EntryRow.number.desc()).limit(limit)
    if below is not None:
        query = query.where(EntryRow.number < below)
    return [_found(row) for row in session.execute(query).scalars()]


def numbers(session: Session, wanted: Wanted, scope: Collection[str] | None = None) -> list[int]:
    """The numbers of all that is found, in order."""
    query = _query(wanted, scope).with_only_columns(EntryRow.number).order_by(EntryRow.number)
    return list(session.execute(query).scalars())


def one(session: Session, number: int, scope: Collection[str] | None) -> Found | None:
    """One entry; None where there is none, or none that may be seen."""
    row = session.execute(_query(Wanted(), scope).where(EntryRow.number == number)).scalar_one_or_none()
    return None if row is None else _found(row)


def every(session: Session, chosen: Collection[int]) -> Iterator[Found]:
    """These entries, in order."""
    for number in sorted(chosen):
        row = session.get_one(EntryRow, number)
        yield _found(row)
        session.expunge(row)


def consulted(wanted: Wanted, who: str, organisation: str, what: str = "log searched") -> tuple[Event, str]:
    """What the log says of a search, and the query's digest: which members were asked for; their words are the asker's and stay out."""
    named = wanted.named()
    found = hashlib.sha256(canonical(named)).hexdigest()
    details = {"by": sorted(named), "operation": wanted.operation, "query": found[:16]}
    return Event(Operation.SECURITY, who, organisation, "", what, "log", details=details), found


def span(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """From the beginning of the first day to the end of the last, as days are in London."""
    begins = datetime.combine(first, time(), LONDON).astimezone(UTC) if first else None
    ends = datetime.combine(last + timedelta(days=1), time(), LONDON).astimezone(UTC) if last and last < date.max else None
    return begins, ends


def _query(wanted: Wanted, scope: Collection[str] | None) -> Select[EntryRow]:
    query = select(EntryRow)
    if scope is not None:
        query = query.where(EntryRow.organisation.in_(sorted(scope)))
    for name in ("who", "operation", "reference", "recipient", "organisation", "subject"):
        if value := getattr(wanted, name):
            query = query.where(getattr(EntryRow, name) == value)
    if wanted.what:
        query = query.where(EntryRow.what.icontains(wanted.what, autoescape=True))
    if wanted.first is not None:
        query = query.where(EntryRow.at >= wanted.first)
    if wanted.last is not None:
        query = query.where(EntryRow.at < wanted.last)
    return query


def _found(row: EntryRow) -> Found:
    details = row.entry["details"] if row.entry else {}
    return Found(
        number=row.number,
        at=row.at,
        operation=row.operation,
        who=row.who,
        organisation=row.organisation,
        reference=row.reference,
        what=row.what,
        subject=row.subject,
        recipient=row.recipient,
        details=details if isinstance(details, dict) else {},
        redacted=row.salt is None,
    )
