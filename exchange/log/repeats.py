"""What one person or client does over and over (a refusal met again, a search made again) is logged once a minute, with a count.

The first time is logged at once. What follows within the minute is counted, and the count is logged when it is over: with the next time, or
by the schedule. So nothing is lost, and nobody can fill the log by asking the same thing again and again.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.log.record import Event, Operation, append, hold
from exchange.log.tables import WORDS, RepeatRow
from exchange.times import rfc3339
from keys.encoding import canonical

PAUSE = timedelta(minutes=1)


def note(session: Session, event: Event, now: datetime, *, like: str = "") -> int | None:
    """Log an event of one's own, unless its like was logged less than a minute ago: then count it. The entry's number, or None.

    Alike are events of one person or client about one subject with the same words and details (``like`` in place of the details, if given).
    """
    hold(session)
    why = hashlib.sha256(canonical([event.what, like or dict(event.details or {})])).hexdigest()
    key = (event.who[:WORDS], event.subject[:WORDS], why)
    row = session.get(RepeatRow, key, populate_existing=True)
    if row is not None and timedelta() <= now - row.at < PAUSE:
        row.count += 1
        session.flush()
        return None
    if row is not None:
        _finish(session, row, now)
    number = append(session, event, now)
    session.add(RepeatRow(who=key[0], subject=key[1], why=why, organisation=event.organisation, entry=number, at=now, count=0))
    session.flush()
    return number


def finish(session: Session, now: datetime) -> int:
    """Log the counts of all minutes that are over, and forget them; how many were logged."""
    hold(session)
    over = select(RepeatRow).where(RepeatRow.at <= now - PAUSE).order_by(RepeatRow.entry)
    return sum(_finish(session, row, now) for row in list(session.execute(over).scalars()))


def _finish(session: Session, row: RepeatRow, now: datetime) -> bool:
    counted = row.count
    if counted:
        details = {"times": counted, "like entry": row.entry, "since": rfc3339(row.at)}
        event = Event(Operation.SECURITY, row.who, row.organisation, "", "the same again", row.subject)
        append(session, replace(event, details=details), now)
    session.delete(row)
    session.flush()
    return bool(counted)
