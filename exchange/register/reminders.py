"""Reminders that an agreement is due for review: sixty and fourteen days before, on the day, then every thirty days until it is done.

A review is done when a newer version is in force, or the agreement has ended. Days that passed while the hub stood still are not made up
for: the latest reminder says all that the others would have said.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.periods import day_in_words
from agreements.rules import today
from exchange.log.record import hold
from exchange.register.agreements import by_digest
from exchange.register.tables import AgreementRow, ReminderRow
from exchange.register.versions import live, note, parsed

BEFORE = (timedelta(days=60), timedelta(days=14), timedelta(0))
EVERY = timedelta(days=30)


@dataclass(frozen=True)
class Reminder:
    """A review that is near or past. ``day``: the day the latest reminder was for; ``days_left``: below nought when it is overdue."""

    reference: str
    version: int
    title: str
    review: date
    day: date
    days_left: int

    @property
    def words(self) -> str:
        """``LCJP-MV7 version 1: review by 1 May 2027, in 14 days``."""
        when = "today" if self.days_left == 0 else f"in {self.days_left} days" if self.days_left > 0 else f"{-self.days_left} days overdue"
        return f"{self.reference} version {self.version}: review by {day_in_words(self.review)}, {when}"


def day_for(review: date, on: date) -> date | None:
    """The latest day up to ``on`` for which a reminder is due; None before the first."""
    if on < review:
        return max((day for early in BEFORE if (day := review - early) <= on), default=None)
    return review + EVERY * ((on - review) // EVERY)


def remind(session: Session, now: datetime) -> list[Reminder]:
    """Give every reminder that is due and has not been given, each once, with its entry in the log."""
    if not (due := _due(session, now)):
        return []
    for row, _ in due:  # before the log's head, as everybody does: the reminder's row will refer to it, and share its lock
        by_digest(session, row.digest, lock=True)
    hold(session)  # of two that remind at once, one does
    given = []
    for row, day in _due(session, now):
        session.add(ReminderRow(agreement=row.digest, day=day, given_at=now))
        session.flush()
        found = _reminder(row, day, now)
        note(session, row, "review due", now, details={"review": found.review.isoformat(), "days left": found.days_left})
        given.append(found)
    return given


def outstanding(session: Session, party: str, now: datetime) -> list[Reminder]:
    """The reviews of which this party has been reminded and that are still to be done, the most urgent first; of every party, for ``""``."""
    latest = select(ReminderRow.agreement, func.max(ReminderRow.day)).group_by(ReminderRow.agreement)
    days = {digest: day for digest, day in session.execute(latest)}  # noqa: C416  # a row is no pair to the type checker
    rows = [row for row in live(session) if row.digest in days and (not party or parsed(row.canonical).party(party) is not None)]
    return sorted((_reminder(row, days[row.digest], now) for row in rows), key=lambda one: (one.review, one.reference))


def _due(session: Session, now: datetime) -> list[tuple[AgreementRow, date]]:
    due = [(row, day_for(parsed(row.canonical).review, today(now))) for row in live(session)]
    return [(row, day) for row, day in due if day is not None and session.get(ReminderRow, (row.digest, day)) is None]


def _reminder(row: AgreementRow, day: date, now: datetime) -> Reminder:
    agreement = parsed(row.canonical)
    left = (agreement.review - today(now)).days
    return Reminder(agreement.reference, agreement.version, agreement.title, agreement.review, day, left)
