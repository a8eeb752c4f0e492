"""Whether the clock can be believed, asked before anything is destroyed or ended because its day has come.

The hub looks at its clock every minute and writes down when it last believed it. If it finds itself much later than that (it was off for
days, or the clock is wrong), and that makes something due, it destroys nothing and asks: somebody looks at the clock and says that it is
right (``exchange retention confirm``), or sets it right. A clock that is put back needs no asking, for it makes nothing due.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, Select, func, select
from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.db import reading, writing
from exchange.errors import Conflict, Misconfigured
from exchange.log.record import Event, Operation, append, moment
from exchange.log.tables import HeadRow
from exchange.register.tables import AgreementRow
from exchange.register.versions import LIVE
from exchange.releases.tables import OUT, UNPUBLISHED, EditionFileRow, EditionRow, EditionState, KeptRow
from exchange.submissions.tables import HoldRow, SealingKeyRow, SeenRow, SubmissionRow, SubmissionState
from exchange.times import Clock, rfc3339

OFTEN = timedelta(minutes=5)
_WHAT = "clock is ahead: destruction waits"


@dataclass(frozen=True)
class Leap:
    """When the clock was last believed, what it says now, and how much that makes due at once, by kind."""

    seen: datetime
    now: datetime
    makes_due: Mapping[str, int]

    @property
    def words(self) -> str:
        """For people."""
        found = ", ".join(f"{count} {kind}" for kind, count in self.makes_due.items() if count)
        return f"the clock says {rfc3339(self.now)}, {(self.now - self.seen).days} days after it was last believed; that makes due: {found}"


def ahead(session: Session, now: datetime, limit: timedelta) -> Leap | None:
    """The leap that must be confirmed before the clock is believed, if there is one."""
    seen = _seen(session)
    if now - seen <= limit:
        return None
    found = Leap(seen, now, {kind: int(session.execute(query).scalar_one()) for kind, query in _due_between(seen, now).items()})
    return found if any(found.makes_due.values()) else None


def believed(engine: Engine, clock: Clock, limit: timedelta) -> Leap | None:
    """Look at the clock: None, and written down, if it can be believed; else the leap, and in the log, once, that somebody is asked."""
    with reading(engine) as session:
        now, row = clock(), session.get(SeenRow, 1)
        found = ahead(session, now, limit)
        if found is None and row is not None and row.asked_at is None and timedelta(0) <= now - row.seen_at < OFTEN:
            return None
        if found is not None and row is not None and row.asked_at is not None:
            return found
    with writing(engine) as session:
        now = moment(session, clock)
        found = ahead(session, now, limit)
        row = _row(session)
        if found is None:
            row.seen_at, row.asked_at = now, None
        elif row.asked_at is None:
            row.asked_at = now
            session.flush()
            _record(session, _WHAT, now, {"last believed": rfc3339(found.seen), **found.makes_due})
    return found


def confirm(session: Session, clock: Clock) -> Leap | None:
    """Say that the clock is right, whatever leap it has made; the leap there was."""
    now = moment(session, clock)
    found, row = ahead(session, now, timedelta(0)), _row(session)
    was, row.seen_at, row.asked_at = row.seen_at, now, None
    session.flush()
    _record(session, "clock confirmed", now, {"last believed": rfc3339(was)})
    return found


def require_believed(engine: Engine, clock: Clock, limit: timedelta) -> None:
    """Conflict where somebody must look at the clock first."""
    if (found := believed(engine, clock, limit)) is not None:
        remedy = "Look at the machine's clock. If it is right: exchange retention confirm"
        raise Conflict(f"{found.words}.", remedy=remedy, code="clock-ahead")


def _seen(session: Session) -> datetime:
    """When the clock was last believed: before the first time, that of the log's last entry."""
    row = session.get(SeenRow, 1)
    if row is not None:
        return row.seen_at
    at = session.execute(select(HeadRow.last_at)).scalar_one_or_none()
    if at is None:
        raise Misconfigured("the log has not been begun.", remedy="Run: exchange init")
    return at


def _row(session: Session) -> SeenRow:
    """The one row, made at first; the head's lock is held, so nobody else makes it."""
    row = session.get(SeenRow, 1, populate_existing=True)
    if row is None:
        row = SeenRow(id=1, seen_at=_seen(session), asked_at=None)
        session.add(row)
    return row


def _due_between(seen: datetime, now: datetime) -> dict[str, Select[int]]:
    """How much each kind of thing has reached its end after one time and by another."""
    first, last = today(seen), today(now)
    kept = (EditionRow.state == EditionState.AWAITING_CHECK) | EditionRow.id.in_(select(EditionFileRow.edition))
    draft = EditionRow.state.in_(UNPUBLISHED) & kept
    sealed = select(KeptRow.edition).where(KeptRow.sealed.is_not(None))
    return {
        "submissions": select(func.count()).where(
            SubmissionRow.certificate.is_(None), SubmissionRow.dispose_on > first, SubmissionRow.dispose_on <= last
        ),
        # After a long time off they are opened first: their sealing key would go, and with it what was acknowledged.
        "acknowledged uploads": select(func.count())
        .select_from(SubmissionRow)
        .join(SealingKeyRow)
        .where(SubmissionRow.state == SubmissionState.COMPLETE, SealingKeyRow.expires_at > seen, SealingKeyRow.expires_at <= now),
        "drafts": select(func.count()).where(draft, EditionRow.dispose_on > first, EditionRow.dispose_on <= last),
        "exact counts": select(func.count()).where(
            EditionRow.id.in_(sealed),
            EditionRow.state.in_(OUT),
            EditionRow.dispose_on > first,
            EditionRow.dispose_on <= last,
        ),
        "legal holds": select(func.count()).where(HoldRow.ended_at.is_(None), HoldRow.until >= first, HoldRow.until < last),
        "agreements": select(func.count()).where(
            AgreementRow.state.in_(LIVE), AgreementRow.replaced_at.is_(None), AgreementRow.expires > first, AgreementRow.expires <= last
        ),
    }


def _record(session: Session, what: str, now: datetime, details: Mapping[str, object]) -> None:
    append(session, Event(Operation.SECURITY, "hub", "", "", what, "", details=details), now)
