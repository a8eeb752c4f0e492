"""The story of “why?”: the API, the command line and the pages ask it here, and give the same words.

What is explained is the rule's own answer (``agreements.explain``), with the agreement as it stands, or as it stood at a moment gone by;
for a submission that was decided, also what was said then, from its receipt and the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.explain import Explanation, Operation, Question, UnclearQuestion, explain
from agreements.lifecycle import State
from agreements.model import Standing
from agreements.periods import Period
from agreements.rules import UNKNOWN
from exchange.errors import Unacceptable, UnknownAgreement
from exchange.log.tables import EntryRow
from exchange.questions.past import standing_then, version_then
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.submissions.tables import SubmissionRow


@dataclass(frozen=True)
class Decided:
    """A submission that was decided: what was said then, what the log says of it, and what the answer would be now.

    Attributes:
        reasons: (clause, reason) of the receipt; empty for what was held.
        entries: (when, what) of the log, in order.
        then: the checks as they stood when it was decided; ``again`` as they stand for the same question now.
    """

    submission: str
    state: str
    outcome: str
    decided: str
    reasons: tuple[tuple[str, str], ...]
    entries: tuple[tuple[str, str], ...]
    then: Explanation | None
    again: Explanation

    def as_json(self) -> dict[str, Any]:
        """For the API and ``--json``."""
        return {
            "submission": self.submission,
            "state": self.state,
            "outcome": self.outcome,
            "decided": self.decided,
            "reasons": [{"clause": clause, "reason": reason} for clause, reason in self.reasons],
            "log": [{"at": at, "what": what} for at, what in self.entries],
            "then": self.then.as_json() if self.then else None,
            "now": self.again.as_json(),
        }

    def lines(self) -> list[str]:
        """For people."""
        head = f"{self.submission} is {self.state}" + (f"; it was {self.outcome} on {self.decided}." if self.outcome else ".")
        told = [f"  {clause}: {reason}" for clause, reason in self.reasons]
        log = ["In the log:", *(f"  {at}  {what}" for at, what in self.entries)]
        then = ["When it was decided:", *self.then.lines()] if self.then else []
        return [head, *told, *log, *then, "If it were submitted now:", *self.again.lines()]


def explain_for(
    session: Session, caller: str, reference: str, question: Question, now: datetime, at: datetime | None = None
) -> Explanation:
    """Why the answer to this question is what it is: as the agreement stands now or, with ``at``, as it stood then.

    ``caller`` is who asks; UnknownAgreement unless the agreement names them. Nobody asks in another's name but the operator's own people,
    who call with the party they ask about.
    """
    standing = _now(session, reference, caller) if at is None else standing_then(session, reference, at)
    if standing is None or not _knows(standing, caller):
        raise UnknownAgreement(UNKNOWN)
    try:
        found = explain(standing, question, at or now)
    except UnclearQuestion as error:
        raise Unacceptable(str(error), code="unclear-question") from error
    if found.decision == UNKNOWN:
        raise UnknownAgreement(UNKNOWN)
    return found


def _now(session: Session, reference: str, caller: str) -> Standing | None:
    """As it stands now; nothing more is read of what does not concern the caller than of what is not there."""
    row = agreements.current(session, reference)
    return agreements.standing(row) if row is not None and agreements.concerns(agreements.parsed(row.canonical), caller) else None


def _knows(standing: Standing, caller: str) -> bool:
    """A draft is known to its parties alone."""
    agreement = standing.agreement
    return agreement.party(caller) is not None if standing.state == State.DRAFT else agreements.concerns(agreement, caller)


def explain_submission(session: Session, reference: str, submission: str, now: datetime, caller: str | None = None) -> Decided:
    """Why a submission was held or refused. ``caller``: its supplier; to everybody else but the operator (None) it is unknown."""
    row = session.get(SubmissionRow, submission)
    if row is None or row.reference != reference or caller not in (None, row.supplier):
        raise UnknownAgreement(UNKNOWN)
    period, mode = Period.parse(row.period), str(row.manifest["document"]["mode"])
    under = session.get_one(AgreementRow, row.agreement)
    then = None
    if row.decided_at is not None:
        asked = Question(Operation.HOLD, row.supplier, row.dataset, period)
        then = explain(version_then(under, row.decided_at), asked, row.decided_at)
    again = Question(Operation.SUBMIT, row.supplier, row.dataset, period, mode)
    current = agreements.standing(agreements.current(session, row.reference))
    receipt: Mapping[str, Any] = (row.receipt or {}).get("document", {})
    return Decided(
        submission=row.id,
        state=row.state,
        outcome=str(receipt.get("outcome", "")),
        decided=str(receipt.get("decided", "")),
        reasons=tuple((str(one["clause"]), str(one["reason"])) for one in receipt.get("reasons", ())),
        entries=_entries(session, row),
        then=then,
        again=explain(current, again, now),
    )


def _entries(session: Session, row: SubmissionRow) -> tuple[tuple[str, str], ...]:
    query = select(EntryRow.entry).where(EntryRow.reference == row.reference, EntryRow.organisation == row.supplier)
    entries = [entry for entry in session.execute(query.order_by(EntryRow.number)).scalars() if entry and entry.get("subject") == row.id]
    return tuple((str(entry["at"]), str(entry["what"])) for entry in entries)
