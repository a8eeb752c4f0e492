"""How long a suspension would take to bite, measured without suspending anything.

A suspension takes effect when it holds every lock that a transaction under the agreement needs: those under way have ended, and none can
begin. The drill takes exactly these locks, reads the clock, and lets go.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.times import Clock


def measure(session: Session, reference: str, clock: Clock) -> int:
    """Take what a suspension takes; the milliseconds it took, rounded up. The caller rolls back: nothing is to stay locked."""
    received = clock()
    rows = agreements.lock_versions(session, [reference])
    if not rows:
        raise NotFound("there is no such agreement.", remedy="List them with: exchange agreement list", code="unknown-agreement")
    return int(agreements.time_to_effect(received, moment(session, clock))["milliseconds"])


def note(session: Session, reference: str, who: str, found: Sequence[int], clock: Clock) -> None:
    """Write in the log what was found, under the newest version: milliseconds, sorted."""
    query = select(AgreementRow).where(AgreementRow.reference == reference).order_by(AgreementRow.version.desc()).limit(1)
    row = session.execute(query).scalar_one()
    operator = agreements.parsed(row.canonical).operator.id
    figures = {"times": len(found), "median": median(found), "longest": max(found), "milliseconds": sorted(found)}
    event = Event(Operation.AGREEMENT, who, operator, reference, "suspension drill", row.digest, details=figures)
    append(session, event, moment(session, clock))


def median(found: Sequence[int]) -> int:
    """The middle one, the greater of two: a whole number, as the log takes them."""
    return sorted(found)[len(found) // 2]
