"""Editions that come by themselves: which are due, why the others are not, and the drafting of those that are.

A release with a cadence has an edition of each month, quarter or year that is over, and its ``wait`` with it, as soon as all that it counts is
held and nothing else that it reads is late. The hub asks for it in its own name, so that any of the agreement's checkers may check it. A person
asks for whatever is to be published again.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.periods import Period, day_in_words
from agreements.release import Release
from agreements.rules import HUB, today
from exchange.db import reading, writing
from exchange.errors import ExchangeError
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append, moment
from exchange.objects import Store
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.register.versions import live, parsed
from exchange.releases import checking, edition, life
from exchange.releases.edition import Wanted
from exchange.releases.engine import Power
from exchange.releases.tables import EditionRow, EditionState, UndraftedRow
from exchange.submissions import attendance, holdings
from exchange.times import Clock

logger = logging.getLogger("exchange.questions.editions_due")
AGAIN = timedelta(days=1)
"""How long after a failure the same edition is tried again."""
FAILED = "edition could not be drafted"


@dataclass(frozen=True)
class Expected:
    """An edition that a cadence asks for. ``why_not``: why it is not drafted now, in words; empty where it is due."""

    reference: str
    release: str
    period: Period
    why_not: str = ""

    @property
    def wanted(self) -> Wanted:
        """As it is asked for: the months of its period."""
        first, last = (Period.parse(f"{day:%Y-%m}") for day in (self.period.start, self.period.end))
        return Wanted(self.reference, self.release, first, last, HUB)


def everything(session: Session, now: datetime, reference: str | None = None) -> list[Expected]:
    """Every edition that is expected and neither published nor waiting, of periods of which anything is held; the oldest first."""
    found: list[Expected] = []
    for row in live(session):
        if reference in (None, row.reference):
            agreement = parsed(row.canonical)
            for release in agreement.releases:
                found += _of(session, row, agreement, release, now) if release.cadence else []
    return sorted(found, key=lambda one: (one.period.start, one.reference, one.release))


def _of(session: Session, row: AgreementRow, agreement: Agreement, release: Release, now: datetime) -> Iterator[Expected]:
    held = {period for name in release.counted for period in _held(session, agreement.reference, name)}
    if not held or release.cadence is None:
        return
    made = _made(session, row.reference, release.name)
    for period in attendance.periods(release.cadence, min(one.start for one in held), today(now) - timedelta(days=1)):
        one = Expected(row.reference, release.name, period)
        if (one.wanted.first.name, one.wanted.last.name) not in made:
            yield Expected(row.reference, release.name, period, _why_not(session, row, release, one, now))


def _held(session: Session, reference: str, dataset: str) -> Iterator[Period]:
    return (Period.parse(batch.period) for batch in holdings.live(session, reference, dataset))


def _made(session: Session, reference: str, release: str) -> set[tuple[str, str]]:
    """First and last month of every edition that was published, withdrawn ones too, or waits."""
    mine = (EditionRow.reference == reference, EditionRow.release == release, EditionRow.state != EditionState.DROPPED)
    rows = session.execute(select(EditionRow.first_period, EditionRow.last_period).where(*mine))
    return {(f"{Period.parse(first).start:%Y-%m}", f"{Period.parse(last).end:%Y-%m}") for first, last in rows}


def _why_not(session: Session, row: AgreementRow, release: Release, one: Expected, now: datetime) -> str:
    settled = release.wait.after(one.period.end) if release.wait else one.period.end
    if today(now) <= settled:
        return f"it waits until {day_in_words(settled)} is over"
    if refused := _refused(session, one):
        return f"an output checker has refused {refused}, and nothing that it was made from has changed: a person must ask for it"
    missing = [
        lacking.words
        for lacking in attendance.overdue(session, now)
        if lacking.reference == one.reference and lacking.dataset in release.datasets and Period.parse(lacking.period).start <= settled
    ]
    if missing:
        return f"data are late: {'; '.join(missing[:3])}{' …' if len(missing) > 3 else ''}"
    try:
        edition.gather(session, one.wanted, row, now)
    except ExchangeError as error:
        return str(error)
    return ""


def _refused(session: Session, one: Expected) -> str:
    """The newest draft of it that a checker refused, if it would be made of the same submissions again."""
    wanted = one.wanted
    mine = (EditionRow.reference == one.reference, EditionRow.release == one.release, EditionRow.ended == checking.REFUSED)
    spans = (EditionRow.first_period == wanted.first.name, EditionRow.last_period == wanted.last.name)
    query = select(EditionRow).where(*mine, *spans).order_by(EditionRow.requested_at.desc(), EditionRow.id).limit(1)
    row = session.execute(query).scalar_one_or_none()
    return row.id if row is not None and checking.inputs_stand(session, row) else ""


# ------------------------------------------------------------------------------------------------------------ the job


def draft(engine: Engine, keyring: Keyring, held: Store, clock: Clock, *, memory: Power) -> list[str]:
    """Draft every edition that is due, one after another; the ids of those that are drafted. One that fails holds up no other."""
    with reading(engine) as session:
        tried = {(row.reference, row.release, row.period): row.tried_at for row in session.execute(select(UndraftedRow)).scalars()}
        waiting = [one for one in everything(session, clock()) if not one.why_not]
    done = []
    for one in waiting:
        before = tried.get((one.reference, one.release, one.period.name))
        if before is not None and clock() < before + AGAIN:
            continue
        try:
            done.append(edition.draft(engine, keyring, held, one.wanted, clock, memory=memory))
        except Exception as error:  # noqa: BLE001  # of any kind: the others are drafted all the same, and its words may quote a value
            kind = error.code if isinstance(error, ExchangeError) else type(error).__name__
            if kind == life.DRAFTED:
                continue  # another worker was first: nothing failed
            logger.warning("edition not drafted", extra={"what": one.release, "kind": kind})
            _failed(engine, one, kind, clock)
    return done


def _failed(engine: Engine, one: Expected, kind: str, clock: Clock) -> None:
    """Remember when it was tried; the log says once of what kind the failure is, until it is of another."""
    with writing(engine) as session:
        current = agreements.current(session, one.reference)
        if current is not None:
            agreements.by_digest(session, current.digest, lock=True)  # another worker may remember the same
        operator = parsed(current.canonical).operator.id if current else ""
        now = moment(session, clock)
        row = session.get(UndraftedRow, (one.reference, one.release, one.period.name), populate_existing=True)
        said = row.kind if row is not None else ""
        if row is None:
            row = UndraftedRow(reference=one.reference, release=one.release, period=one.period.name, kind=kind, tried_at=now)
            session.add(row)
        row.kind, row.tried_at = kind[:80], now
        session.flush()
        if said != row.kind:
            details = {**one.wanted.said(), "kind": row.kind}
            append(session, Event(Operation.COMBINATION, HUB, operator, one.reference, FAILED, one.period.name, details=details), now)
