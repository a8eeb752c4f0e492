"""What becomes of drafts when the agreement changes or ends, or the rows they were made from go.

A draft is made of rows, and goes with the first of them, when others take the place of one of them, or when a legal hold covers one; with
an override of its linkage; and it can be published only under the version in force, and goes with that too. While that is suspended it
waits, and what had been said of it before falls.
What is published is counts that no longer belong to a row: it stays, with its lineage. Every step is one transaction that finds by
itself what is left to do, so that a repeat finishes what a crash interrupted, and does nothing twice.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.db import reading, writing
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import kept
from exchange.releases.checking import FALLEN, STOPPED, changed, fall, without_findings
from exchange.releases.edition import find
from exchange.releases.frozen import holds_on
from exchange.releases.tables import REASON, UNPUBLISHED, EditionFileRow, EditionRow, EditionState
from exchange.submissions import holdings
from exchange.times import Clock

Step = Callable[[Session, EditionRow, datetime], str]


def settle(engine: Engine, clock: Clock, reference: str | None = None) -> list[str]:
    """Draw the consequences for drafts of what has become of agreements and of rows; returns what was done, in words. Safe to repeat."""
    done = []
    steps = (
        (_sooner, _bring_forward),
        (_stranded, _drop),
        (_frozen, _drop_frozen),
        (_overtaken, _drop_overtaken),
        (_due, _destroy),
        (_stopped, _let_fall),
    )
    for wanting, step in steps:
        with reading(engine) as session:
            waiting = [row.id for row in _kept(session, reference) if wanting(session, row, today(clock()))]
        for edition in waiting:
            with writing(engine) as session:
                agreements.by_digest(session, find(session, edition).agreement, lock=True)
                row = find(session, edition, lock=True)
                now = moment(session, clock)
                if wanting(session, row, today(now)):  # nobody has checked or done it meanwhile
                    done.append(f"{step(session, row, now)}: {edition}")
    return done


def _kept(session: Session, reference: str | None) -> Iterator[EditionRow]:
    """What is not published, and waits to be checked or still has its files."""
    left = (EditionRow.state == EditionState.AWAITING_CHECK) | EditionRow.id.in_(select(EditionFileRow.edition))
    query = select(EditionRow).where(EditionRow.state.in_(UNPUBLISHED), left).order_by(EditionRow.requested_at, EditionRow.id)
    yield from session.execute(query if reference is None else query.where(EditionRow.reference == reference)).scalars()


# ------------------------------------------------------------------------------------------------------------ rows kept for drafts


def needing(session: Session, submission: str) -> list[str]:
    """The drafts that wait to be checked and were made from a submission: a superseded one is kept for them."""
    waiting = select(EditionRow.id, EditionRow.draft).where(EditionRow.state == EditionState.AWAITING_CHECK)
    return [edition for edition, draft in session.execute(waiting) if submission in {one["submission"] for one in draft["inputs"]}]


# ------------------------------------------------------------------------------------------------------------ its day


def _earliest(session: Session, row: EditionRow) -> date:
    inputs = [one["submission"] for one in row.draft["inputs"]]
    return holdings.earliest_day(session, inputs) or row.dispose_on


def _sooner(session: Session, row: EditionRow, _: date) -> bool:
    return row.state in UNPUBLISHED and _has_files(session, row) and _earliest(session, row) < row.dispose_on


def _bring_forward(session: Session, row: EditionRow, now: datetime) -> str:
    day = _earliest(session, row)
    details = {"from": row.dispose_on.isoformat(), "to": day.isoformat(), "because": "rows it was made from are destroyed on that day"}
    row.dispose_on = day
    return _record(session, row, "destruction of a draft brought forward", Operation.ALTERATION, details, now)


# ------------------------------------------------------------------------------------------------------------ its end


def _stranded(session: Session, row: EditionRow, _: date) -> bool:
    """Waiting to be checked under a version that makes no editions any more."""
    version = session.get_one(AgreementRow, row.agreement)
    return row.state == EditionState.AWAITING_CHECK and (version.state not in agreements.LIVE or version.replaced_at is not None)


def _drop(session: Session, row: EditionRow, now: datetime) -> str:
    live = session.get_one(AgreementRow, row.agreement).state in agreements.LIVE
    why = "a newer version has replaced the one it was made under" if live else "the agreement has ended"
    return drop(session, row, why, now)


def drop(session: Session, row: EditionRow, why: str, now: datetime) -> str:
    """Drop a draft and all that rows showed beside it, and say why in the log."""
    _empty(session, row, why, now)
    return _record(session, row, "edition dropped", Operation.ERASURE, {"because": why}, now)


def _frozen(session: Session, row: EditionRow, _: date) -> bool:
    return row.state == EditionState.AWAITING_CHECK and bool(holds_on(session, row))


def _drop_frozen(session: Session, row: EditionRow, now: datetime) -> str:
    held = ", ".join(sorted(set(holds_on(session, row).values())))
    return drop(session, row, f"rows it was made from are under legal hold ({held})", now)


def _overtaken(session: Session, row: EditionRow, _: date) -> bool:
    """Waiting to be checked, though what it was made from is not what stands now."""
    return row.state == EditionState.AWAITING_CHECK and bool(changed(session, row))


def _drop_overtaken(session: Session, row: EditionRow, now: datetime) -> str:
    return drop(session, row, changed(session, row), now)


def _due(session: Session, row: EditionRow, on: date) -> bool:
    waits = row.state == EditionState.AWAITING_CHECK
    return row.dispose_on <= on and (waits or (row.state == EditionState.DROPPED and _has_files(session, row)))


def _destroy(session: Session, row: EditionRow, now: datetime) -> str:
    _empty(session, row, row.ended or "its day had come before it was checked", now)
    return _record(session, row, "draft destroyed", Operation.ERASURE, {"due": row.dispose_on.isoformat()}, now)


def _stopped(session: Session, row: EditionRow, _: date) -> bool:
    """Checked by somebody before the agreement, or a dataset that the release reads, was suspended."""
    version = session.get_one(AgreementRow, row.agreement)
    release = agreements.parsed(version.canonical).release(row.release)
    waits = row.state == EditionState.AWAITING_CHECK and bool(row.votes)
    return waits and release is not None and any(agreements.is_stopped(version, name) for name in release.datasets)


def _let_fall(session: Session, row: EditionRow, now: datetime) -> str:
    """The draft waits on; whoever has checked it checks it again when it moves again. Nobody is told how many these are."""
    fall(session, row, STOPPED, now)
    return FALLEN


def _has_files(session: Session, row: EditionRow) -> bool:
    return session.execute(select(EditionFileRow.name).where(EditionFileRow.edition == row.id).limit(1)).first() is not None


def _empty(session: Session, row: EditionRow, why: str, now: datetime) -> None:
    """No file and nothing that rows showed is left; what was asked for, by whom, from what, why it ended, and the digests are."""
    if row.state == EditionState.AWAITING_CHECK:
        fall(session, row, why, now)
    row.state, row.ended = EditionState.DROPPED, why[:REASON]
    row.report = without_findings(row)
    session.execute(delete(EditionFileRow).where(EditionFileRow.edition == row.id))
    kept.let_go(session, row, kept.DROPPED, now)


def _record(session: Session, row: EditionRow, what: str, operation: Operation, details: dict[str, str], now: datetime) -> str:
    session.flush()
    agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    said = {"release": row.release, "draft": row.draft_digest, "version": agreement.version, **details}
    append(session, Event(operation, "hub", agreement.operator.id, row.reference, what, row.id, details=said), now)
    return what
