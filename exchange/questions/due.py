"""What will be destroyed, and when: every kind of it in one list, with the legal holds and drafts that it waits for."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from exchange.releases import keeping, kept
from exchange.releases.tables import UNPUBLISHED, EditionFileRow, EditionRow, EditionState
from exchange.submissions import holds, retention
from exchange.submissions.holds import Hold
from exchange.submissions.tables import SubmissionRow, SubmissionState

SUBMISSION, DRAFT, COUNTS, REPORT, REMAINS = "submission", "draft", "counts", "report", "remains"


@dataclass(frozen=True)
class Due:
    """One thing that will be destroyed.

    Attributes:
        kind: a submission; a draft (its files, and what it shows of rows); exact counts of a published edition; a quality report on what was refused; remains that nobody can read.
        id: of the submission or edition.
        what: dataset, supplier and period; or the release and its periods.
        state: of the submission or edition.
        due: its day.
        expected: when it will go, as things stand: later than its day where a legal hold lasts longer, never before today.
        late: days that have gone by since it should have gone, a hold apart. More than none means that something failed.
        hold: id of the legal hold that covers it, and ``until``, the hold's last day.
        waits_for: drafts that a superseded submission is kept for: it goes as soon as none waits, without a day of its own.
    """

    kind: str
    id: str
    reference: str
    what: str
    state: str
    due: date
    expected: date
    late: int = 0
    hold: str | None = None
    until: date | None = None
    waits_for: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            name: value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def everything(session: Session, by: date, on: date, reference: str | None = None) -> list[Due]:
    """All that is due by a day, seen from today (``on``); of one agreement, if one is named. What goes first comes first."""
    found = [*_submissions(session, by, on), *_superseded(session, by, on), *_drafts(session, by, on), *_reports(session, by, on)]
    found += [*_counts(session, by, on), *_remains(session, on)]
    return sorted((one for one in found if reference in (None, one.reference)), key=lambda one: (one.expected, one.kind, one.id))


def _of(row: SubmissionRow) -> str:
    return f"{row.dataset} of {row.supplier}, {row.period}"


def _due(row: SubmissionRow, due: date, expected: date, *, late: int = 0, hold: Hold | None = None, waits: tuple[str, ...] = ()) -> Due:
    held, until = (hold.id, hold.until) if hold else (None, None)
    return Due(SUBMISSION, row.id, row.reference, _of(row), row.state, due, expected, late, held, until, waits)


def _submissions(session: Session, by: date, on: date) -> Iterator[Due]:
    query = select(SubmissionRow).where(retention.wanted(max(by, on))).options(defer(SubmissionRow.manifest))
    rows = session.execute(query).scalars().all()
    held = holds.held(session, [row.id for row in rows])
    for row in rows:
        hold = held.get(row.id) if row.state != SubmissionState.DISPOSING else None
        # Of what was never held, the rest goes at once.
        due = on if row.state in retention.NEVER_HELD else row.dispose_on
        freed = max(due, hold.until + timedelta(days=1)) if hold else due
        late = max(0, (on - freed).days)
        yield _due(row, due, max(freed, on), late=late, hold=hold)


def _superseded(session: Session, by: date, on: date) -> Iterator[Due]:
    """Those that only drafts keep; by their day at the latest."""
    spared = (SubmissionRow.state == SubmissionState.SUPERSEDED) & (SubmissionRow.dispose_on > max(by, on))
    rows = session.execute(select(SubmissionRow).where(spared).options(defer(SubmissionRow.manifest))).scalars().all()
    held = holds.held(session, [row.id for row in rows])
    for row in rows:
        hold = held.get(row.id)
        freed = max(on, hold.until + timedelta(days=1)) if hold else on
        waits = tuple(keeping.needing(session, row.id))
        yield _due(row, row.dispose_on, freed, hold=hold, waits=waits)


def _drafts(session: Session, by: date, on: date) -> Iterator[Due]:
    left = (EditionRow.state == EditionState.AWAITING_CHECK) | EditionRow.id.in_(select(EditionFileRow.edition))
    query = select(EditionRow).where(EditionRow.state.in_(UNPUBLISHED), left, EditionRow.dispose_on <= max(by, on))
    for row in session.execute(query).scalars():
        what = f"{row.release}, {row.first_period} to {row.last_period}"
        late = max(0, (on - row.dispose_on).days)
        yield Due(DRAFT, row.id, row.reference, what, row.state, row.dispose_on, max(row.dispose_on, on), late)


def _counts(session: Session, by: date, on: date) -> Iterator[Due]:
    for row, day in kept.days(session):
        if day <= max(by, on):
            what = f"{row.release}, {row.first_period} to {row.last_period}"
            yield Due(COUNTS, row.id, row.reference, what, row.state, day, max(day, on), max(0, (on - day).days))


def _reports(session: Session, by: date, on: date) -> Iterator[Due]:
    query = select(SubmissionRow).where(retention.spent(max(by, on))).options(defer(SubmissionRow.manifest))
    for row in session.execute(query).scalars():
        late = max(0, (on - row.dispose_on).days)
        yield Due(REPORT, row.id, row.reference, _of(row), row.state, row.dispose_on, max(row.dispose_on, on), late)


def _remains(session: Session, on: date) -> Iterator[Due]:
    for submission in retention.uncleared(session):
        row = session.get_one(SubmissionRow, submission)
        yield Due(REMAINS, row.id, row.reference, _of(row), row.state, row.dispose_on, on)
