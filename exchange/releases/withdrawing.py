"""Withdrawal: a named person takes a published edition back, for a reason that everybody reads who asks for it afterwards.

What was received is known and cannot be called back; the edition stays in the history of its people, and its files are kept for that alone.
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from agreements.checkers import may_withdraw
from agreements.decisions import Decision, Refused
from agreements.model import Agreement, Person
from exchange.errors import Conflict, Unacceptable
from exchange.log.record import Event, Operation, append, moment
from exchange.people.people import reasoned
from exchange.register import agreements, partners
from exchange.releases.edition import find, require
from exchange.releases.tables import EditionRow, EditionState
from exchange.times import Clock, rfc3339
from keys.formats import digest
from keys.sign import Use
from keys.statements import verify_signed

WITHDRAW = "withdraw"
REMEDY = "Say in a sentence what is wrong with it; everybody who asks for it reads it, so name nobody."
_AGAIN = "Make it again with: exchange release withdraw"
_MEMBERS = frozenset({"format", "edition", "published", "person", "decision", "reason", "made", "nonce"})
_NONCE = re.compile(r"^[0-9a-f]{32}$", re.ASCII)


def withdrawal_document(row: EditionRow, *, person: str, reason: str, made: datetime, nonce: str) -> dict[str, Any]:
    """What is signed: the decision, bound by ``published`` to the digest of the signed edition.

    Raises:
        Unacceptable: there is no reason, or it is too long or not on one line.
        Conflict: the edition is not published.
    """
    require_published(row)
    return {
        "format": 1,
        "edition": row.id,
        "published": digest(row.signed),
        "person": person,
        "decision": WITHDRAW,
        "reason": reasoned(reason, REMEDY),
        "made": rfc3339(made),
        "nonce": nonce,
    }


def require_published(row: EditionRow, clause: str = "") -> None:
    """Conflict unless the edition is published and not withdrawn."""
    if row.state != EditionState.PUBLISHED:
        remedy = "Only what is published can be withdrawn; a draft is refused instead: exchange release check --refuse"
        raise Conflict(f"the edition is {row.state}.", remedy=remedy, code="not-published", clause=clause)


def versions(session: Session, row: EditionRow) -> list[Agreement]:
    """Whose people may withdraw an edition: the version it was published under, and the one that stands now."""
    current = agreements.current(session, row.reference)
    mine = agreements.of(session, row.agreement)
    return [mine, *([agreements.parsed(current.canonical)] if current and current.digest != row.agreement else [])]


def may(session: Session, row: EditionRow, keys: Collection[str]) -> tuple[Person | None, Decision]:
    """As whom the holder of these keys may withdraw an edition; None with the refusal where nobody by them may."""
    found = versions(session, row)
    named = [one for agreement in found for party in agreement.parties for one in party.people if one.key in keys]
    key = named[0].key if named else next(iter(sorted(keys)), "")
    answers = [may_withdraw(agreement, key) for agreement in found]
    decision = next((one for one in answers if not isinstance(one, Refused)), answers[0])
    return (named[0] if named else None), decision


def record(session: Session, signed: Mapping[str, Any], clock: Clock) -> EditionRow:
    """Record a signed withdrawal; from then on every address of the edition says that it is gone, and why."""
    claimed = signed.get("document")
    if not isinstance(claimed, dict) or set(claimed) != _MEMBERS or claimed.get("decision") != WITHDRAW:
        raise Unacceptable("this is not a withdrawal.", remedy=_AGAIN, code="bad-withdrawal")
    agreements.by_digest(session, find(session, str(claimed["edition"])).agreement, lock=True)
    row = find(session, str(claimed["edition"]), lock=True)
    now = moment(session, clock)
    key = str(signed.get("key"))
    person, decision = may(session, row, {key})
    require(decision)
    agreement = agreements.of(session, row.agreement)
    clause = agreement.clause("approvals", "output checkers")
    require_published(row, clause)
    document = verify_signed(signed, Use.WITHDRAWAL, {key})
    partners.require_not_revoked(session, key)
    right = person is not None and document["person"] == person.name and document["published"] == digest(row.signed)
    if not right or not _NONCE.fullmatch(str(document["nonce"])):
        detail = "the withdrawal is about another edition than the one that is here, or names another person than the agreement names."
        raise Unacceptable(detail, remedy=_AGAIN, code="bad-withdrawal", clause=clause)
    row.state, row.withdrawn_at, row.ended = EditionState.WITHDRAWN, now, reasoned(str(document["reason"]), REMEDY)
    row.withdrawal = dict(signed)
    session.flush()
    details = {"release": row.release, "draft": row.draft_digest, "version": agreement.version, "reason": row.ended}
    event = Event(Operation.ALTERATION, key, agreement.operator.id, row.reference, "edition withdrawn", row.id, details=details)
    append(session, event, now)
    return row
