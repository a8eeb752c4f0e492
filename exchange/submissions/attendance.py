"""Who is silent, and what is late: each supplier's own, for its people and for the operator.

A client's sign of life is the token that it asks for: nothing else is sent for it, and every push, watch and status asks for one. A dataset's
period is late from the day after it is due (``due_days`` after its end) until something is held for it, or is whole and waits to be opened.
What was due before the supplier was bound, what may be held no longer, and what is stopped now, is late for nobody.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Update, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement, Dataset
from agreements.periods import Period, PeriodKind, months
from agreements.rules import dispose_on, in_force, today
from exchange.log.record import Event, Operation, append, hold
from exchange.register.agreements import by_digest, everything, parsed, standing
from exchange.register.versions import live
from exchange.submissions.attendance_tables import HeardRow, OverdueRow
from exchange.submissions.tables import SubmissionRow, SubmissionState
from exchange.times import rfc3339

SILENT = timedelta(days=3)
"""A client that watches daily has failed twice over."""
BACK = timedelta(days=366)
"""How far back a period's day may lie for it to be missed still: what is older is a matter for people."""


@dataclass(frozen=True)
class Overdue:
    """A period of a supplier's dataset for which nothing is held: ``days`` have gone by since its day."""

    reference: str
    dataset: str
    supplier: str
    period: str
    due: date
    days: int

    @property
    def words(self) -> str:
        """``LCJP-MV7 crimes of cleveland-police, 2021-04: 3 days late``."""
        return f"{self.reference} {self.dataset} of {self.supplier}, {self.period}: {self.days} day{'' if self.days == 1 else 's'} late"


@dataclass(frozen=True)
class Silent:
    """A supplier whose client has given no sign of life for longer than it should; ``heard``: the last one, None if there never was any."""

    supplier: str
    heard: datetime | None
    since: datetime

    @property
    def words(self) -> str:
        """``cleveland-police: its client was last heard of on 2026-11-22T09:30:00Z``."""
        if self.heard is None:
            return f"{self.supplier}: its client has never been heard of"
        return f"{self.supplier}: its client was last heard of on {rfc3339(self.heard)}"


@dataclass(frozen=True)
class Series:
    """What a supplier owes under an agreement: a dataset's periods whose day is on or after ``since``."""

    reference: str
    dataset: Dataset
    supplier: str
    since: date

    def owed(self, on: date) -> Iterator[tuple[Period, date]]:
        """The periods that are past their day, and may still be held, with that day; the oldest first."""
        days = timedelta(days=self.dataset.due_days)
        first = max(self.since, on - BACK)
        for period in periods(self.dataset.period, first - days - timedelta(days=366), on):
            due = period.end + days
            if first <= due < on < dispose_on(self.dataset, period):
                yield period, due


def periods(kind: PeriodKind, first: date, last: date) -> Iterator[Period]:
    """The periods of a kind that end between two days, both included, in order."""
    names: Iterable[str] = ()
    match kind:
        case PeriodKind.DAY:
            names = ((first + timedelta(days=day)).isoformat() for day in range((last - first).days + 1))
        case PeriodKind.MONTH:
            names = (one.name for one in months(Period.parse(f"{first:%Y-%m}"), Period.parse(f"{last:%Y-%m}")))
        case PeriodKind.QUARTER:
            names = (f"{year}-Q{quarter}" for year in range(first.year, last.year + 1) for quarter in range(1, 5))
        case PeriodKind.YEAR:
            names = (f"{year:04d}" for year in range(first.year, last.year + 1))
    return (period for name in names if first <= (period := Period.parse(name)).end <= last)


# ------------------------------------------------------------------------------------------------------------ signs of life


def heard(session: Session, client: str, now: datetime) -> None:
    """A sign of life. Of two first ones at once, one is enough."""
    if _changed(session, update(HeardRow).where(HeardRow.client == client).values(heard_at=now, silent_at=None)):
        return
    try:
        with session.begin_nested():
            session.add(HeardRow(client=client, heard_at=now))
            session.flush()
    except IntegrityError:
        return


def silent(session: Session, now: datetime, supplier: str | None = None) -> list[Silent]:
    """The suppliers under agreements in force whose clients are silent; only this one, if one is named."""
    bound: dict[str, datetime] = {}
    for row in live(session):
        for party in {name for one in parsed(row.canonical).datasets for name in one.suppliers}:
            since = row.in_force_at or row.registered_at
            bound[party] = min(since, bound.get(party, since))
    query = select(HeardRow).where(HeardRow.client.in_(bound)).execution_options(populate_existing=True)
    last = {row.client: row.heard_at for row in session.execute(query).scalars()}
    names = sorted(bound) if supplier is None else [name for name in bound if name == supplier]
    found = [Silent(name, last.get(name), last.get(name) or bound[name]) for name in names]
    return [one for one in found if now - one.since > SILENT]


# ------------------------------------------------------------------------------------------------------------ what is late


def series(session: Session, now: datetime, supplier: str | None = None) -> list[Series]:
    """What is owed under agreements in force, wherever nothing of it is stopped."""
    every, found = list(everything(session)), list[Series]()
    for row in live(session):
        agreement = parsed(row.canonical)
        before = [parsed(one.canonical) for one in every if one.reference == row.reference and one.in_force_at is not None]
        for dataset in agreement.datasets:
            if isinstance(in_force(standing(row), now, dataset.name), Refused):
                continue
            for name in dataset.suppliers:
                if supplier in (None, name):
                    found.append(Series(row.reference, dataset, name, _bound(before, agreement, dataset, name)))
    return found


def _bound(before: Iterable[Agreement], agreement: Agreement, dataset: Dataset, supplier: str) -> date:
    """Since when the supplier owes periods of this kind of the dataset: over the versions that were in force."""
    owed = [agreement.in_force_from]
    for one in before:
        same = one.dataset(dataset.name)
        if same is not None and same.period is dataset.period and supplier in same.suppliers:
            owed.append(one.in_force_from)
    return min(owed)


def overdue(session: Session, now: datetime, supplier: str | None = None) -> list[Overdue]:
    """What is late, the longest first; of this supplier alone, if one is named."""
    return late(session, series(session, now, supplier), today(now))


def late(session: Session, every: Iterable[Series], on: date) -> list[Overdue]:
    """What of these series is late on a day, the longest first."""
    found = list[Overdue]()
    for one in every:
        owed = dict(one.owed(on))
        arrived = _arrived(session, one) if owed else frozenset()
        for period, due in owed.items():
            if period.name not in arrived:
                found.append(Overdue(one.reference, one.dataset.name, one.supplier, period.name, due, (on - due).days))
    return sorted(found, key=lambda one: (-one.days, one.reference, one.dataset, one.supplier, one.period))


def _arrived(session: Session, one: Series) -> frozenset[str]:
    """The periods for which something was ever held, or is whole and waits: the hub's delay is nobody else's."""
    query = select(SubmissionRow.period).where(
        SubmissionRow.reference == one.reference,
        SubmissionRow.dataset == one.dataset.name,
        SubmissionRow.supplier == one.supplier,
        or_(SubmissionRow.place.is_not(None), SubmissionRow.state == SubmissionState.COMPLETE),
    )
    return frozenset(session.execute(query.distinct()).scalars())


# ------------------------------------------------------------------------------------------------------------ noted, once


def notice(session: Session, now: datetime) -> list[str]:
    """Enter what is late, and who is silent, in the log: each once, in its supplier's own name. What was noted, in words."""
    late, quiet = _new(session, now)
    if not (late or quiet):
        return []
    for digest in sorted({row.digest for row in live(session)}):  # before the log's head, as everybody does
        by_digest(session, digest, lock=True)
    hold(session)  # of two that note at once, one does
    late, quiet = _new(session, now)
    for one in late:
        session.add(
            OverdueRow(reference=one.reference, dataset=one.dataset, supplier=one.supplier, period=one.period, due=one.due, noted_at=now)
        )
        session.flush()
        details = {"due": one.due.isoformat(), "days late": one.days}
        subject = f"{one.dataset} {one.period}"
        append(session, Event(Operation.AGREEMENT, "hub", one.supplier, one.reference, "submission overdue", subject, details=details), now)
    for gone in quiet:
        if not _fell_silent(session, gone, now):
            continue
        details = {"last heard of": rfc3339(gone.heard) if gone.heard else "never"}
        append(session, Event(Operation.SECURITY, "hub", gone.supplier, "", "client silent", gone.supplier, details=details), now)
    return [*(one.words for one in late), *(one.words for one in quiet)]


def _fell_silent(session: Session, gone: Silent, now: datetime) -> bool:
    """Write down that a client is silent; not where it was heard of this very moment, which a token does without the log's head."""
    was = HeardRow.heard_at.is_(None) if gone.heard is None else HeardRow.heard_at == gone.heard
    if _changed(session, update(HeardRow).where(HeardRow.client == gone.supplier, was).values(silent_at=now)):
        return True
    if gone.heard is not None or session.get(HeardRow, gone.supplier, populate_existing=True) is not None:
        return False
    session.add(HeardRow(client=gone.supplier, heard_at=None, silent_at=now))
    session.flush()
    return True


def _changed(session: Session, change: Update) -> int:
    """How many rows a change changed."""
    return cast("CursorResult[Any]", session.execute(change, execution_options={"synchronize_session": False})).rowcount


def _new(session: Session, now: datetime) -> tuple[list[Overdue], list[Silent]]:
    query = select(OverdueRow.reference, OverdueRow.dataset, OverdueRow.supplier, OverdueRow.period)
    noted = {tuple(row) for row in session.execute(query)}
    told = set(session.execute(select(HeardRow.client).where(HeardRow.silent_at.is_not(None))).scalars())
    late = [one for one in overdue(session, now) if (one.reference, one.dataset, one.supplier, one.period) not in noted]
    return late, [one for one in silent(session, now) if one.supplier not in told]
