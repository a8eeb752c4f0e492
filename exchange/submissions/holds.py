"""Legal holds: what may not be destroyed for now, and feeds no release meanwhile.

A hold is placed for a reason, by a person whom the agreement names or who has an account of one of its parties, until a day: over one
submission, or over a series, and then over what arrives in it later too. It stands through that day (in London) and not beyond, or
until somebody lifts it. Placing, lifting and ending are decided under the lock of the log's head, where destruction and publication ask.

The reason stays in the database: it is free text, and the log and certificates hold none.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from agreements.errors import InvalidPeriod
from agreements.model import Agreement
from agreements.periods import Period
from agreements.rules import today
from exchange.errors import Conflict, NotFound, Unacceptable
from exchange.log.record import Event, Operation, append, moment
from exchange.people.people import reasoned
from exchange.people.tables import PersonRow
from exchange.register import agreements, partners
from exchange.register.tables import AgreementRow
from exchange.submissions.tables import HoldRow, SubmissionRow, SubmissionState
from exchange.times import Clock

LONGEST = timedelta(days=36_500)
_PERIOD = "Write the period as its submissions do; see their list, or leave --period out to hold every one."
_LIST = "List them with: exchange retention holds"
_BEYOND = frozenset(
    {SubmissionState.DISPOSING, SubmissionState.DISPOSED, SubmissionState.REFUSED, SubmissionState.LAPSED, SubmissionState.REPEATED}
)


@dataclass(frozen=True)
class Over:
    """What a hold is over: one submission; or the series of an agreement's dataset, all of it, or of one supplier, or of one period."""

    reference: str
    dataset: str
    supplier: str = ""
    period: str = ""
    submission: str | None = None

    @property
    def words(self) -> str:
        """For people."""
        if self.submission:
            return f"submission {self.submission}"
        who = f" of {self.supplier}" if self.supplier else ""
        return f"{self.reference} {self.dataset}{who}{f' for {self.period}' if self.period else ''}"


@dataclass(frozen=True)
class Hold:
    """A hold as others see it. ``until``: the last day on which it stands. ``person``: a key's fingerprint or an account's id."""

    id: str
    over: Over
    reason: str
    person: str
    until: date
    placed_at: datetime
    ended_at: datetime | None
    lifted_by: str | None


def _hold(row: HoldRow) -> Hold:
    over = Over(row.reference, row.dataset, row.supplier, row.period, row.submission)
    return Hold(row.id, over, row.reason, row.person, row.until, row.placed_at, row.ended_at, row.lifted_by)


# ------------------------------------------------------------------------------------------------------------ asking

_COVERS = or_(
    HoldRow.submission == SubmissionRow.id,
    and_(
        HoldRow.submission.is_(None),
        HoldRow.reference == SubmissionRow.reference,
        HoldRow.dataset == SubmissionRow.dataset,
        or_(HoldRow.supplier == "", HoldRow.supplier == SubmissionRow.supplier),
        or_(HoldRow.period == "", HoldRow.period == SubmissionRow.period),
    ),
)


def under() -> ColumnElement[bool]:
    """As part of a query about submissions: a hold that stands now covers it."""
    return exists().where(HoldRow.ended_at.is_(None), _COVERS).correlate(SubmissionRow)


def on(session: Session, row: SubmissionRow) -> Hold | None:
    """The hold that covers a submission now; of several, the one that stands longest.

    Who decides by the answer asks under the lock of the log's head (``log.record.moment``): no hold is placed or ends meanwhile.
    """
    found = _covering(session, row.id, standing=True)
    return found[0] if found else None


def held(session: Session, submissions: Collection[str]) -> dict[str, Hold]:
    """Those of some submissions that are under a hold now, each with the one that stands longest."""
    query = select(SubmissionRow.id, HoldRow).join(HoldRow, _COVERS).where(SubmissionRow.id.in_(submissions), HoldRow.ended_at.is_(None))
    found: dict[str, Hold] = {}
    for submission, row in session.execute(query.order_by(HoldRow.until.desc(), HoldRow.id)):
        found.setdefault(submission, _hold(row))
    return found


def delaying(session: Session, row: SubmissionRow) -> list[Hold]:
    """The holds that kept a submission beyond its day: those that stood on it or later. Longest first."""
    found = [one for one in _covering(session, row.id, standing=False) if one.until >= row.dispose_on]
    return [one for one in found if one.ended_at is None or today(one.ended_at) >= row.dispose_on]


def _covering(session: Session, submission: str, *, standing: bool) -> list[Hold]:
    query = select(HoldRow).join(SubmissionRow, _COVERS).where(SubmissionRow.id == submission)
    if standing:
        query = query.where(HoldRow.ended_at.is_(None))
    return [_hold(one) for one in session.execute(query.order_by(HoldRow.until.desc(), HoldRow.id)).scalars()]


def everything(session: Session, reference: str | None = None, *, ended: bool = False) -> list[Hold]:
    """Holds that stand, or with ``ended`` all there ever were, those that end soonest first."""
    query = select(HoldRow).order_by(HoldRow.until, HoldRow.id)
    if not ended:
        query = query.where(HoldRow.ended_at.is_(None))
    if reference is not None:
        query = query.where(HoldRow.reference == reference)
    return [_hold(row) for row in session.execute(query).scalars()]


# ------------------------------------------------------------------------------------------------------------ placing and ending


def place(session: Session, over: Over, *, reason: str, person: str, until: date, clock: Clock) -> Hold:
    """Place a hold. NotFound, Unacceptable or Conflict where there is nothing to hold, nobody of that name, or no day to come.

    ``over.submission`` alone suffices for one submission: the rest is looked up.
    """
    over = _existing(session, over)
    said = reasoned(reason, "Say why the rows must be kept, in a sentence.")
    party = _known(session, over.reference, person)
    if over.submission:  # before the log's head, as everybody does: the hold's row will refer to it, and share its lock
        session.execute(select(SubmissionRow.id).where(SubmissionRow.id == over.submission).with_for_update(read=True))
    now = moment(session, clock)
    if not today(now) <= until <= today(now) + LONGEST:
        raise Unacceptable(
            "a hold must end on a day to come, within a hundred years.", remedy="Give --until a day from today on; it can be placed again."
        )
    if over.submission:
        _still_there(session, over.submission)
    row = HoldRow(
        id=f"hold-{secrets.token_hex(8)}",
        submission=over.submission,
        reference=over.reference,
        dataset=over.dataset,
        supplier=over.supplier,
        period=over.period,
        reason=said,
        person=person,
        until=until,
        placed_at=now,
    )
    session.add(row)
    session.flush()
    _record(session, row, "legal hold placed", person, party, now)
    return _hold(row)


def lift(session: Session, hold: str, person: str, clock: Clock) -> Hold:
    """End a hold before its day. One that has ended stays as it ended."""
    found = session.get(HoldRow, hold)
    if found is None:
        raise NotFound("there is no such hold.", remedy=_LIST)
    party = _known(session, found.reference, person)
    now = moment(session, clock)
    row = session.execute(select(HoldRow).where(HoldRow.id == hold).execution_options(populate_existing=True)).scalar_one()
    if row.ended_at is None:
        row.ended_at, row.lifted_by = now, person
        session.flush()
        _record(session, row, "legal hold lifted", person, party, now)
    return _hold(row)


def past(session: Session, now: datetime) -> list[str]:
    """Holds whose last day is over and that have not been ended yet."""
    query = select(HoldRow.id).where(HoldRow.ended_at.is_(None), HoldRow.until < today(now))
    return list(session.execute(query.order_by(HoldRow.until, HoldRow.id)).scalars())


def end_past(session: Session, clock: Clock) -> list[str]:
    """End every hold whose last day is over; their ids."""
    now = moment(session, clock)
    ended = past(session, now)
    for hold in ended:
        row = session.get_one(HoldRow, hold)
        row.ended_at = now
        session.flush()
        operator = _newest(session, row.reference).operator.id
        _record(session, row, "legal hold ended", "hub", operator, now)
    return ended


def _existing(session: Session, over: Over) -> Over:
    if over.submission is not None:
        row = session.get(SubmissionRow, over.submission)
        if row is None:
            raise NotFound("there is no such submission.", remedy="Check the id on the receipt.")
        return Over(row.reference, row.dataset, row.supplier, row.period, row.id)
    datasets = [one for words in _every(session, over.reference) for one in words.datasets if one.name == over.dataset]
    if not datasets:
        raise NotFound("there is no such dataset under this agreement.", remedy="See its datasets with: exchange agreement show")
    if over.supplier and not any(over.supplier in one.suppliers for one in datasets):
        raise NotFound("nobody of that id supplies this dataset.", remedy="Use a supplier's id as the agreement writes it.")
    if over.period:  # one written otherwise than submissions write it would hold nothing, and nobody would notice
        try:
            kind = Period.parse(over.period).kind
        except InvalidPeriod as error:
            raise Unacceptable(str(error), remedy=_PERIOD) from error
        if kind not in {one.period for one in datasets}:
            raise Unacceptable(f"no submission of {over.dataset} is of a whole {kind}.", remedy=_PERIOD)
    return over


def _still_there(session: Session, submission: str) -> None:
    query = select(SubmissionRow.state, SubmissionRow.certificate).where(SubmissionRow.id == submission)
    state, certificate = session.execute(query).one()
    if state in _BEYOND or certificate is not None:
        raise Conflict(f"the submission is {state}: there are no rows left to keep.", remedy="Nothing can be done.", code="nothing-to-hold")


def _every(session: Session, reference: str) -> Sequence[Agreement]:
    """Every version that was ever in force, newest first."""
    query = select(AgreementRow.canonical).where(AgreementRow.reference == reference, AgreementRow.in_force_at.is_not(None))
    return [agreements.parsed(words) for words in session.execute(query.order_by(AgreementRow.version.desc())).scalars()]


def _newest(session: Session, reference: str) -> Agreement:
    return _every(session, reference)[0]


def _known(session: Session, reference: str, person: str) -> str:
    """The party of a person whom a version of the agreement names by a key that is not revoked, or who has an account of one of its parties."""
    versions = _every(session, reference)
    account = session.get(PersonRow, person)
    if account is not None and account.ended_at is None and any(one.party(account.party) for one in versions):
        return account.party
    for agreement in versions:
        for party in agreement.parties:
            if person in {named.key for named in party.people}:
                partners.require_not_revoked(session, person)
                return party.id
    raise Unacceptable(
        "this is nobody whom the agreement names, and no account of one of its parties.",
        remedy="Give the fingerprint of a key that it names, or an id from: exchange person list",
        code="unknown-person",
    )


def _record(session: Session, row: HoldRow, what: str, who: str, party: str, now: datetime) -> None:
    over = {"submission": row.submission or "", "dataset": row.dataset, "supplier": row.supplier, "period": row.period}
    details = {**over, "until": row.until.isoformat()}
    append(session, Event(Operation.ALTERATION, who, party, row.reference, what, row.id, details=details), now)
