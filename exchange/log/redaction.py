"""Redaction: salt and entry of one number are destroyed, here and in the second store; the leaf stays, and the tree still verifies.

Without its salt nobody can tell from the leaf what the entry was, not even by guessing it. That something was redacted, when, by whom and
why is an entry of its own, for the same organisation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound, Unacceptable
from exchange.log import flushing
from exchange.log.record import Event, Operation, append, moment
from exchange.log.tables import ERASURE, GONE, REDACTED, SUCCEEDED, WORDS, EntryRow
from exchange.times import rfc3339

REASON = 500  # characters


@dataclass(frozen=True)
class Redacted:
    """When, by whom and why an entry was redacted, and the number of the entry that says so."""

    at: str
    who: str
    reason: str
    by: int


def redact(session: Session, number: int, who: str, reason: str, clock: Callable[[], datetime]) -> int:
    """Redact one entry; the number of the entry that says so. What tells of a redaction is not redacted itself."""
    if not reason.strip() or len(reason) > REASON or not who.strip() or len(who) > WORDS:
        raise Unacceptable("a redaction names who decided it and why.", remedy=f"Say both; the reason in at most {REASON} characters.")
    now = moment(session, clock)
    row = session.execute(select(EntryRow).where(EntryRow.number == number)).scalar_one_or_none()
    if row is None:
        raise NotFound(f"the log has no entry {number}.")
    if row.salt is None:
        raise Conflict(f"entry {number} is redacted already.", code="redacted")
    if (row.operation, row.what) == (ERASURE, REDACTED):
        raise Conflict(f"entry {number} tells of a redaction, and stays.", remedy="Redact another.", code="stays")
    if row.what == SUCCEEDED:
        raise Conflict(f"entry {number} says which log this one goes on from, and stays.", remedy="Redact another.", code="stays")
    for name, nothing in GONE.items():
        setattr(row, name, nothing)
    flushing.redacted(session, number)
    details = {"reason": reason.strip(), "operation": row.operation, "at": rfc3339(row.at)}
    event = Event(Operation.ERASURE, who, row.organisation, row.reference, REDACTED, str(number), details=details)
    return append(session, event, now)


def redaction_of(session: Session, number: int) -> Redacted | None:
    """What the log says of the redaction of an entry; None where it says nothing."""
    query = select(EntryRow).where(EntryRow.operation == ERASURE, EntryRow.subject == str(number), EntryRow.what == REDACTED)
    row = session.execute(query).scalar_one_or_none()
    if row is None or row.entry is None:
        return None
    details = row.entry["details"]
    reason = str(details.get("reason", "")) if isinstance(details, dict) else ""
    return Redacted(str(row.entry["at"]), row.who, reason, row.number)
