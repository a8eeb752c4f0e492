"""What is seen of a hub at one moment: what the condition is told from. What cannot be seen becomes a fact itself, and hides nothing else."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.db import reading, writing
from exchange.errors import ExchangeError, Misconfigured
from exchange.hub import Hub
from exchange.log.record import hold
from exchange.log.tables import EntryRow, HeadRow
from exchange.migrate import require_current
from exchange.notify.outbox import given_up
from exchange.questions import due, leap
from exchange.register import reminders
from exchange.register.versions import live
from exchange.releases.tables import EditionRow, EditionState
from exchange.restore.standing import Lately, standing_of_destructions
from exchange.settings import Settings
from exchange.submissions import attendance
from exchange.submissions.process import waits
from exchange.submissions.tables import LeaseRow, SealingKeyRow, SubmissionRow, SubmissionState
from exchange.watch import jobs
from exchange.watch.condition import SOON, Facts, Finding, Room, Share, findings
from keys.errors import KeysError

TRIED = 3
"""How often the hub tries to open a submission before it is said to be stuck."""
_SECONDS = 5.0


def look(hub: Hub) -> Facts:
    """Everything that is to be seen."""
    seen = _able(hub, standing_of_destructions)
    if not seen.database:
        return seen
    seen = replace(seen, rootless=_rootless(hub) if seen.keystore else "")
    try:
        require_current(hub.engine)
    except Misconfigured:
        return replace(seen, schema=False)
    with reading(hub.engine) as session:
        return replace(seen, rooms=tuple(_rooms(hub.settings)), **_work(session, hub), **_people(session, seen.now))


class Readiness:
    """What keeps a hub from serving, for those who ask again and again: looked up at most every five seconds (restored: once a minute)."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.lately = hub, Lately(hub)
        self._known: list[Finding] = []
        self._at = -_SECONDS

    def stops(self) -> list[Finding]:
        """What was in the way, at most five seconds ago."""
        now = time.monotonic()
        if now >= self._at + _SECONDS:
            self._known, self._at = findings(_able(self.hub, lambda _: self.lately.found())), now
        return self._known


def _able(hub: Hub, standing: Any) -> Facts:
    """Whether the database, the keystore and the log can be used, and nothing that was destroyed is back."""
    seen = Facts(hub.clock())
    try:
        with reading(hub.engine) as session:
            session.execute(select(HeadRow.size)).scalar_one()
    except SQLAlchemyError:
        return replace(seen, database=False)
    try:
        hub.keyring.store.names()
        hub.keyring.signing("receipts")
    except (KeysError, OSError) as error:
        return replace(seen, keystore=False, keyless=keyless(error), unlogged=unlogged(hub))
    seen = replace(seen, unlogged=unlogged(hub))
    try:
        return replace(seen, restored=tuple(standing(hub)))
    except (OSError, ExchangeError) as error:  # a second store that cannot be read, or is damaged
        return replace(seen, unlogged=seen.unlogged or _words(error))
    except SQLAlchemyError:
        return replace(seen, database=False)


def keyless(error: KeysError | OSError) -> str:
    """Why the keys cannot be read, in words of ours; of what the system says, the kind and the place."""
    if isinstance(error, KeysError):
        return str(error)
    return f"{error.strerror or type(error).__name__}{f': {error.filename}' if error.filename else ''}"


def _rootless(hub: Hub) -> str:
    try:
        hub.keyring.store.probe()
    except (KeysError, OSError) as error:
        return keyless(error)
    return ""


def unlogged(hub: Hub) -> str:
    """Why nothing can be written in the log; empty where it can. What is found out is whether both places take a write now."""
    try:
        with writing(hub.engine) as session:
            hold(session)  # and catches the second store up, where an earlier write to it failed
        hub.second.size()
        hub.second.probe()
    except (OSError, ExchangeError) as error:
        return _words(error)
    except SQLAlchemyError:
        return "the database takes no writing"
    return ""


def _words(error: OSError | ExchangeError) -> str:
    if isinstance(error, ExchangeError):
        return error.detail
    where = f" at {error.filename}" if error.filename else ""
    return f"the second store{where}: {error.strerror or type(error).__name__}"


def _rooms(settings: Settings) -> Iterator[Room]:
    places: tuple[tuple[str, object], ...] = (
        ("staging", settings.staging),
        ("objects", settings.objects),
        ("leaves", settings.second_store),
    )
    for name, place in places:
        if isinstance(place, Path) and place.exists():
            yield Room(name, shutil.disk_usage(place).free, settings.keep_free)


def _work(session: Session, hub: Hub) -> dict[str, Any]:
    """What the hub does by itself, and how far it has come."""
    now, rows = hub.clock(), jobs.jobs(session)
    on = today(now)
    ahead = leap.ahead(session, now, timedelta(days=hub.settings.clock_leap_days))
    unopened = session.execute(select(func.min(SubmissionRow.completed_at)).where(waits(now))).scalar_one()
    vain = or_(SubmissionRow.tries >= TRIED, SubmissionRow.id.in_(select(LeaseRow.submission).where(LeaseRow.failures >= TRIED)))
    stuck = session.execute(select(func.count()).where(SubmissionRow.state == SubmissionState.COMPLETE, vain)).scalar_one()
    sealing = select(func.max(SealingKeyRow.expires_at)).where(SealingKeyRow.destroyed_at.is_(None))
    return {
        "began": session.execute(select(EntryRow.at).order_by(EntryRow.number).limit(1)).scalar_one_or_none(),
        "clock": ahead.words if ahead else "",
        "beat": jobs.beat(rows),
        "jobs": jobs.as_facts(rows),
        "unopened": unopened,
        "stuck": stuck,
        "overdue": sum(one.late > 0 for one in due.everything(session, on, on)),
        "sealing": session.execute(sealing).scalar_one(),
        "backup": jobs.last(session, jobs.BACKUP),
        "shares": _shares(session, hub.settings),
        "turned_away": jobs.last(session, jobs.TURNED_AWAY),
        "given_up": given_up(session),
    }


def _shares(session: Session, settings: Settings) -> Sequence[Share]:
    unfinished = SubmissionRow.state.in_((SubmissionState.OPEN, SubmissionState.COMPLETE))
    query = select(SubmissionRow.supplier, func.count(), func.sum(SubmissionRow.sealed_bytes)).where(unfinished)
    rows = session.execute(query.group_by(SubmissionRow.supplier).order_by(SubmissionRow.supplier)).all()
    return [Share(name, max(count / settings.unfinished, int(size or 0) / settings.staged_bytes)) for name, count, size in rows]


def _people(session: Session, now: datetime) -> dict[str, Any]:
    """What others have to do."""
    expiring = [row for row in live(session) if row.replaced_at is None and row.expires <= today(now + SOON)]
    waiting = select(func.count()).where(EditionRow.state == EditionState.AWAITING_CHECK)
    return {
        "expiring": [f"{row.reference} version {row.version}: {row.expires}" for row in expiring],
        "reviews": [one.words for one in reminders.outstanding(session, "", now)],
        "late": [one.words for one in attendance.overdue(session, now)],
        "silent": [one.words for one in attendance.silent(session, now)],
        "checks": session.execute(waiting).scalar_one(),
    }
