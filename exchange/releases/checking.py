"""Output checking: what a named person says about exactly this draft, signed; and publication when enough have said yes.

Checkers do not see what the others have said, nor that they have, until it is decided: until then the log has each check as something sealed,
by its digest alone, without edition, person or decision (whoever may read the log can tell that some draft of the agreement was checked); when it
is decided it says what each of these was. What was said falls as soon as
anything that the draft rests on changes (``exchange.releases.keeping``).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.checkers import enough
from agreements.decisions import Refused
from agreements.model import Agreement, Person
from agreements.rules import may_check, may_tabulate
from agreements.signing import Voice
from exchange.errors import Conflict, NotFound, Unacceptable
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append, moment
from exchange.people.people import speaker
from exchange.register import agreements, partners
from exchange.register.tables import AgreementRow, StatementRow
from exchange.releases import frozen, history, kept, overrides
from exchange.releases.edition import find, require
from exchange.releases.tables import EditionRow, EditionState, PopulationRow, VoteRow
from exchange.submissions import holdings
from exchange.times import Clock, rfc3339
from keys.formats import digest
from keys.sign import Use, sign_document
from keys.statements import verify_signed

APPROVE, REFUSE = "approve", "refuse"
_MEMBERS = frozenset({"format", "edition", "draft", "person", "decision", "comment", "made", "nonce"})
FINDINGS, ADVICE = "uniqueness", "advice"
SEALED, FALLEN = "output check sealed", "output check fallen"
REFUSED = "an output checker has refused it"
REVOKED = "the key it was signed with was revoked"
STOPPED = "the agreement, or a dataset of it, was suspended"
_NONCE = re.compile(r"^[0-9a-f]{32}$", re.ASCII)


def vote_document(row: EditionRow, *, person: str, decision: str, comment: str, made: datetime, nonce: str) -> dict[str, Any]:
    """What a checker signs: the decision, bound to the digest of the draft, and so to every file in it."""
    return {
        "format": 1,
        "edition": row.id,
        "draft": row.draft_digest,
        "person": person,
        "decision": decision,
        "comment": comment,
        "made": rfc3339(made),
        "nonce": nonce,
    }


def record(session: Session, keyring: Keyring, signed: Mapping[str, Any], clock: Clock) -> EditionRow:
    """Record one checker's signed decision; publish when enough people have approved, drop the draft when one refuses."""
    claimed = signed.get("document")
    if not isinstance(claimed, dict) or set(claimed) != _MEMBERS or claimed.get("decision") not in (APPROVE, REFUSE):
        raise Unacceptable("this is not an output check.", remedy="Make one with: exchange release check", code="bad-check")
    agreement_row = agreements.by_digest(session, find(session, str(claimed["edition"])).agreement, lock=True)
    row = find(session, str(claimed["edition"]), lock=True)
    now = moment(session, clock)
    standing = agreements.standing(agreement_row)
    key = str(signed.get("key"))
    require(may_check(standing, row.release, key, row.requested_by, now, suppliers(row)))
    who = speaker(session, key)  # one person may hold several keys, each named in the agreement: four eyes are two people's
    clause = standing.agreement.clause("approvals", "output checkers") if standing else ""
    if row.state != EditionState.AWAITING_CHECK:
        remedy = "See which editions wait with: exchange release list"
        raise Conflict(f"the edition is {row.state}: it is not being checked.", remedy=remedy, code="not-being-checked", clause=clause)
    document = verify_signed(signed, Use.OUTPUT_CHECK, {key})
    partners.require_not_revoked(session, key)
    _require_about(row, agreement_row, document, key, clause)
    frozen.require_not_frozen(session, row, clause)
    if because := changed(session, row):
        raise Conflict(f"{because}: it is checked no further.", remedy="Ask for the edition again.", code="inputs-changed", clause=clause)
    _require_newest(session, row, agreements.of(session, row.agreement))
    if who == speaker(session, row.requested_by):
        require(own(clause))
    if any(speaker(session, vote.key) == who for vote in row.votes):  # the edition's row is locked: nobody adds one meanwhile
        detail, remedy = "this person has already checked this edition.", "Another checker must check it."
        raise Conflict(detail, remedy=remedy, code="already-checked", clause=clause)
    if _suspended_since(session, row):
        fall(session, row, STOPPED, now)
    fall(session, row, REVOKED, now, [vote for vote in row.votes if partners.is_revoked(session, vote.key)])
    row.votes.append(VoteRow(key=key, decision=document["decision"], signed=dict(signed), recorded_at=now))
    session.flush()
    _seal(session, row, row.votes[-1], SEALED, now)
    _decide(session, keyring, row, document["decision"], now)
    session.flush()
    return row


def own(clause: str) -> Refused:
    """The answer to whoever asked for an edition and would check it, be it with another key."""
    return Refused(clause, "whoever asked for an edition cannot check it.", "Another checker must check it.")


def _require_about(row: EditionRow, agreement_row: AgreementRow | None, document: Mapping[str, Any], key: str, clause: str) -> None:
    """Unacceptable unless a check is about exactly this draft, by the person whom the agreement names for the key."""
    if document["draft"] != row.draft_digest or not _NONCE.fullmatch(str(document["nonce"])):
        detail = "the check is about another draft than the one that is here."
        raise Unacceptable(detail, remedy="Look again, and check this one.", code="bad-check", clause=clause)
    if document["person"] != _person(agreement_row, key).name:
        detail = "the check names another person than the agreement names for this key."
        raise Unacceptable(detail, remedy="Make the check again with: exchange release check", code="bad-check", clause=clause)


def _decide(session: Session, keyring: Keyring, row: EditionRow, decision: str, now: datetime) -> None:
    """What follows from what has been said so far: nothing, publication, or the end of the draft."""
    agreement = agreements.of(session, row.agreement)
    if decision != REFUSE and not enough(agreement, [vote.key for vote in row.votes]):
        return
    for vote in row.votes:
        _record(session, row, vote.key, f"output check: {vote.decision}", Operation.CONSULTATION, now, sealed=digest(vote.signed))
    if decision == REFUSE:
        row.state, row.ended = EditionState.DROPPED, REFUSED
        row.report = without_findings(row)
        kept.let_go(session, row, kept.DROPPED, now)
        _record(session, row, "hub", "edition dropped", Operation.ERASURE, now, because=REFUSED)
    else:
        _publish(session, keyring, row, agreement, now)


def fall(session: Session, row: EditionRow, because: str, now: datetime, which: Sequence[VoteRow] | None = None) -> None:
    """Delete what has been said about a draft, or some of it, since it rests on something else now."""
    for vote in list(row.votes if which is None else which):
        _seal(session, row, vote, FALLEN, now, {"because": because})
        row.votes.remove(vote)
        session.delete(vote)
    session.flush()


def _suspended_since(session: Session, row: EditionRow) -> bool:
    """Whether anything of the agreement was suspended after somebody had checked the draft, though all of it moves again."""
    if not row.votes:
        return False
    said = (StatementRow.agreement == row.agreement, StatementRow.decision == Voice.SUSPEND.value)
    after = StatementRow.recorded_at > min(vote.recorded_at for vote in row.votes)
    return session.execute(select(StatementRow.recorded_at).where(*said, after).limit(1)).first() is not None


def suppliers(row: EditionRow) -> frozenset[str]:
    """The parties that supplied what an edition was made from."""
    return frozenset(one["supplier"] for one in row.draft["inputs"])


def changed(session: Session, row: EditionRow) -> str:
    """What has changed of that which a draft was made from, so that it may not be approved any more; empty where nothing has."""
    if not inputs_stand(session, row):
        return "rows it was made from have been replaced, or are held no longer"
    agreement = agreements.of(session, row.agreement)
    release = agreement.release(row.release)
    if row.overrides is not None and release is not None:
        inputs = [one["submission"] for one in row.draft["inputs"]]
        if list(row.overrides) != overrides.standing(session, agreement, release, inputs):
            return "overrides of the linkage that it was made with have been placed or lifted"
    return ""


def without_findings(row: EditionRow) -> dict[str, Any]:
    """The report on a draft as anybody at the hub may read it: all but what its rows showed, and what lies hidden under each method."""
    return {name: value for name, value in row.report.items() if name not in {FINDINGS, ADVICE}}


def findings(session: Session, row: EditionRow, key: str, now: datetime) -> Mapping[str, Any]:
    """How far kept fields single rows out, to an output checker or a data protection officer of the agreement while the draft waits.

    Raises:
        RefusedByAgreement: the key is neither's, or the agreement or a dataset that the release reads is stopped.
        NotFound: the draft has been published or dropped, or a submission that it was made from is held no longer.
    """
    agreement_row = agreements.by_digest(session, row.agreement)
    standing = agreements.standing(agreement_row)
    clause = standing.agreement.clause("approvals", "output checkers") if standing else ""
    parties = standing.agreement.parties if standing else ()
    if key not in {person.key for party in parties for person in (*party.checkers, party.dpo)}:
        detail = "this key belongs to no output checker or data protection officer of the agreement."
        require(Refused(clause, detail, "Leave the key out to see only what would be published."))
    partners.require_not_revoked(session, key)
    require(may_tabulate(standing, row.release, now))
    if row.state != EditionState.AWAITING_CHECK or FINDINGS not in row.report or not inputs_stand(session, row):
        detail = "what the rows showed was kept with the draft alone, and is destroyed."
        raise NotFound(
            detail, remedy="Leave the key out to see the rest; another draft looks at the rows again.", code="findings-destroyed"
        )
    found: Mapping[str, Any] = row.report[FINDINGS]
    return found


def advice(session: Session, row: EditionRow, key: str, now: datetime) -> Sequence[Mapping[str, Any]]:
    """What each method would hide and cost, to those who may see the findings; empty where it was not asked for. Raises as ``findings``."""
    findings(session, row, key, now)
    found: Sequence[Mapping[str, Any]] = row.report.get(ADVICE, [])
    return found


def inputs_stand(session: Session, row: EditionRow) -> bool:
    """Whether every submission that a draft was made from is held still."""
    inputs = row.draft["inputs"]
    held = {batch.submission for name in {one["dataset"] for one in inputs} for batch in holdings.live(session, row.reference, name)}
    return {one["submission"] for one in inputs} <= held


def _person(row: AgreementRow | None, key: str) -> Person:
    people = [person for party in agreements.parsed(row.canonical).parties for person in party.checkers] if row else []
    return next(person for person in people if person.key == key)


def _publish(session: Session, keyring: Keyring, row: EditionRow, agreement: Agreement, now: datetime) -> None:
    for adapter, supplier, period in history.claimed(row, agreement):
        session.add(PopulationRow(adapter=adapter, supplier=supplier, period=period, edition=row.id))
    row.state, row.published_at = EditionState.PUBLISHED, now
    row.report = without_findings(row)
    document = {**row.draft, "published": rfc3339(now), "checks": [vote.signed for vote in row.votes]}
    row.signed = sign_document(document, Use.EDITION, keyring.signing_for("editions", agreement))
    session.flush()
    _record(session, row, "hub", "edition published", Operation.DISCLOSURE, now)


def _require_newest(session: Session, row: EditionRow, agreement: Agreement) -> None:
    """Refuse a draft where more has been published of its populations than it was protected together with; asked at every check alike."""
    release = agreement.release(row.release)
    known = set(row.draft.get("history", []))
    over = history.editions_over(session, agreement, release, history.claimed(row, agreement)) if release else []
    if release and (later := [edition for edition in over if edition not in known]):
        because = "it has been published since this draft was made; ask for the edition again"
        raise history.refusal(agreement, release, later[-1], because)


def _record(session: Session, row: EditionRow, who: str, what: str, operation: Operation, now: datetime, **more: str) -> None:
    agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    details = {"release": row.release, "draft": row.draft_digest, "version": agreement.version, **more}
    append(session, Event(operation, who, agreement.operator.id, row.reference, what, row.id, details=details), now)


def _seal(session: Session, row: EditionRow, vote: VoteRow, what: str, now: datetime, details: Mapping[str, str] | None = None) -> None:
    """What the log says of a check that may not be known yet: its digest."""
    operator = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical).operator.id
    append(session, Event(Operation.CONSULTATION, "hub", operator, row.reference, what, digest(vote.signed), details=details), now)
