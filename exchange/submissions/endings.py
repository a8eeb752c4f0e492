"""What becomes of data when they are superseded, or an agreement changes or ends: the stricter retention, what lapses, what is due at once, and the last keys.

Nothing here destroys rows: it moves the day, and the retention job does what that day asks, with a certificate. Every step is one
transaction that finds by itself what is left to do, so that a repeat finishes what a crash interrupted, and does nothing twice.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import Engine, Select, delete, select
from sqlalchemy.orm import Session, defer

from agreements.model import AfterEnd, Agreement
from agreements.periods import Period
from agreements.rules import dispose_on, today
from exchange.db import reading, writing
from exchange.keyring import Keyring, record_keys_name, rekey_prefix
from exchange.log.record import Event, Operation, append, moment
from exchange.objects import Places
from exchange.register import agreements
from exchange.register.tables import AgreementRow, EnvelopeRow, EpochRow
from exchange.register.versions import LIVE, ended
from exchange.submissions import leftovers
from exchange.submissions.tables import SubmissionRow, SubmissionState
from exchange.times import Clock

KEPT = SubmissionRow.state.in_((SubmissionState.HELD, SubmissionState.SUPERSEDED, SubmissionState.REFUSED))
Needing = Callable[[Session, str], Sequence[str]]
"""The drafts that a submission is kept for, by its id."""
OCCUPYING = (SubmissionState.OPEN, SubmissionState.COMPLETE, SubmissionState.HELD, SubmissionState.SUPERSEDED, SubmissionState.DISPOSING)


def settle(engine: Engine, keyring: Keyring, places: Places, clock: Clock, reference: str | None = None) -> list[str]:
    """Draw the consequences of every agreement's newest version, or of its end; returns what was done, in words. Safe to repeat."""
    with reading(engine) as session:
        shorter = [row.digest for row in _replacing(session, reference) if _longer(session, row)]
        over = [one for one in ended(session) if reference in (None, one)]
        ending = [one for one in over if _left(session, one, clock())]
    done = []
    for digest in shorter:
        with writing(engine) as session:
            done += _shorten(session, digest, clock)
    for one in ending:
        with writing(engine) as session:
            done += _end(session, one, clock)
    if ending:
        leftovers.clear_lapsed(engine, places)
    with reading(engine) as session:
        linked = session.execute(select(EpochRow.reference).where(EpochRow.retired_at.is_(None)).distinct()).scalars()
        vacant = [one for one in linked if reference in (None, one) and _epochs(session, one)]
    for one in vacant:
        with writing(engine) as session:
            done += _retire(session, keyring, one, clock)
    return done


# ------------------------------------------------------------------------------------------------------------ a newer submission


def spend(engine: Engine, clock: Clock, needing: Needing, reference: str | None = None) -> list[str]:
    """Let superseded submissions be destroyed today, once no draft needs them; what was done, in words. Safe to repeat."""
    with reading(engine) as session:
        kept = _superseded(today(clock()))
        query = kept if reference is None else kept.where(SubmissionRow.reference == reference)
        spent = [row.id for row in session.execute(query).scalars() if not needing(session, row.id)]
    done = []
    for submission in spent:
        with writing(engine) as session:
            found = _locked(session, _superseded(today(clock())).where(SubmissionRow.id == submission))
            now = moment(session, clock)
            if found and not needing(session, submission):
                done.append(bring_forward(session, found[0], today(now), "superseded, and no draft made from it waits any more", now))
    return done


def _superseded(on: date) -> Select[SubmissionRow]:
    kept = (SubmissionRow.state == SubmissionState.SUPERSEDED) & (SubmissionRow.dispose_on > on)
    return select(SubmissionRow).where(kept).options(defer(SubmissionRow.manifest)).order_by(SubmissionRow.id)


# ------------------------------------------------------------------------------------------------------------ a newer version


def _replacing(session: Session, reference: str | None) -> list[AgreementRow]:
    """Versions in force that have replaced another."""
    replaced = select(AgreementRow.reference).where(AgreementRow.replaced_at.is_not(None))
    query = select(AgreementRow).where(
        AgreementRow.state.in_(LIVE), AgreementRow.replaced_at.is_(None), AgreementRow.reference.in_(replaced)
    )
    return list(session.execute(query if reference is None else query.where(AgreementRow.reference == reference)).scalars())


def _longer(session: Session, row: AgreementRow) -> dict[str, date]:
    """Submission under an older version → its new day, where a version in force since then keeps its dataset for a shorter time.

    A dataset that is gone from the newer version has no shorter time: its rows wait for their own day, and nothing reads them.
    """
    since = select(AgreementRow).where(AgreementRow.reference == row.reference, AgreementRow.in_force_at.is_not(None))
    newer = {one.version: agreements.parsed(one.canonical) for one in session.execute(since).scalars()}
    kept = select(SubmissionRow.id, SubmissionRow.dataset, SubmissionRow.period, SubmissionRow.dispose_on, AgreementRow.version)
    mine = (SubmissionRow.reference == row.reference, SubmissionRow.agreement != row.digest, KEPT)
    found = {}
    for submission, name, period, day, version in session.execute(kept.join(AgreementRow).where(*mine)):
        datasets = [named for number, one in newer.items() if number > version and (named := one.dataset(name)) is not None]
        earliest = min((dispose_on(one, Period.parse(period)) for one in datasets), default=day)
        if earliest < day:
            found[submission] = earliest
    return found


def _shorten(session: Session, digest: str, clock: Clock) -> list[str]:
    row = agreements.by_digest(session, digest, lock=True)
    if row is None or row.state not in LIVE or row.replaced_at is not None:
        return []
    found = _locked(session, select(SubmissionRow).where(SubmissionRow.id.in_(_longer(session, row))))
    now = moment(session, clock)
    days = _longer(session, row)  # again, now that nothing of it moves
    why = "a newer version keeps this dataset for a shorter time"
    return [bring_forward(session, one, days[one.id], why, now) for one in found if one.id in days]


def bring_forward(session: Session, row: SubmissionRow, day: date, why: str, now: datetime) -> str:
    """Let a submission be destroyed on an earlier day; the receipt goes on saying what was promised when it was signed."""
    details = {"dataset": row.dataset, "period": row.period, "from": row.dispose_on.isoformat(), "to": day.isoformat(), "because": why}
    row.dispose_on = day
    return _record(session, row, "destruction brought forward", details, now)


def _locked(session: Session, query: Select[SubmissionRow]) -> Sequence[SubmissionRow]:
    locked = query.order_by(SubmissionRow.id).with_for_update().execution_options(populate_existing=True)
    return session.execute(locked).scalars().all()


# ------------------------------------------------------------------------------------------------------------ the end


def _last(session: Session, reference: str) -> Agreement:
    """The words that said what happens at the end: of the newest version that was in force."""
    query = select(AgreementRow).where(AgreementRow.reference == reference, AgreementRow.in_force_at.is_not(None))
    return agreements.parsed(session.execute(query.order_by(AgreementRow.version.desc()).limit(1)).scalar_one().canonical)


def _unsettled(session: Session, reference: str, on: date) -> Select[SubmissionRow]:
    """Uploads that were never completed; and, where the end destroys, what is kept beyond this day."""
    settled = SubmissionRow.state == SubmissionState.OPEN
    if _last(session, reference).after_end is AfterEnd.DESTROY:
        settled |= KEPT & (SubmissionRow.dispose_on > on)
    return select(SubmissionRow).where(SubmissionRow.reference == reference, settled)


def _left(session: Session, reference: str, now: datetime) -> bool:
    return session.execute(_unsettled(session, reference, today(now)).limit(1)).first() is not None


def _end(session: Session, reference: str, clock: Clock) -> list[str]:
    agreements.lock_versions(session, [reference])
    if reference not in ended(session):
        return []
    found = _locked(session, _unsettled(session, reference, today(clock())))
    now = moment(session, clock)
    return list(_ending(session, found, now))


def _ending(session: Session, found: Sequence[SubmissionRow], now: datetime) -> Iterator[str]:
    for row in found:
        if row.state == SubmissionState.OPEN:
            row.state = SubmissionState.LAPSED
            yield _record(session, row, "submission lapsed", {"because": "the agreement has ended"}, now)
        else:
            yield bring_forward(session, row, today(now), "the agreement has ended", now)


def _epochs(session: Session, reference: str) -> Sequence[EpochRow]:
    """Linkage epochs whose re-key keys are still there though nothing is held under them: older than the one in use, or all of them at the end."""
    known = select(EpochRow).where(EpochRow.reference == reference, EpochRow.retired_at.is_(None)).order_by(EpochRow.epoch)
    epochs = session.execute(known).scalars().all()
    under = SubmissionRow.manifest["document"]["epoch"].as_integer()
    occupied = set(
        session.execute(select(under).where(SubmissionRow.reference == reference, SubmissionRow.state.in_(OCCUPYING)).distinct()).scalars()
    )
    if reference in ended(session):
        return [] if occupied else epochs
    return [one for one in epochs[:-1] if one.epoch not in occupied]


def _retire(session: Session, keyring: Keyring, reference: str, clock: Clock) -> list[str]:
    """Destroy the keys that could still link pseudonyms of spent epochs, and let go of their secrets' envelopes."""
    agreements.lock_versions(session, [reference])
    now = moment(session, clock)
    epochs = _epochs(session, reference)
    if not epochs:
        return []
    numbers = sorted(epoch.epoch for epoch in epochs)
    # A crash after this leaves an epoch that is not yet marked: the next run finds it again, and a destroyed key may be destroyed again.
    over = {record_keys_name(reference)} if reference in ended(session) else set()
    for name in keyring.store.names(rekey_prefix(reference)):
        if name.rpartition("/")[2] in {str(number) for number in numbers} or name in over:
            keyring.store.destroy(name)
    for epoch in epochs:
        epoch.retired_at = now
    session.execute(delete(EnvelopeRow).where(EnvelopeRow.reference == reference, EnvelopeRow.epoch.in_(numbers)))
    session.flush()
    what, details = "re-key keys destroyed", {"epochs": numbers}
    operator = _last(session, reference).operator.id
    append(session, Event(Operation.ERASURE, "hub", operator, reference, what, reference, details=details), now)
    return [f"{what}: {reference}"]


def _record(session: Session, row: SubmissionRow, what: str, details: dict[str, str], now: datetime) -> str:
    session.flush()
    event = Event(Operation.ALTERATION, "hub", row.supplier, row.reference, what, row.id, details={"agreement": row.agreement, **details})
    append(session, event, now)
    return f"{what}: {row.id}"
