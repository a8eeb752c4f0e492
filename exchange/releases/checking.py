"""Output checking: what a named person says about exactly this draft, signed; and publication when enough have said yes."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement, Person
from agreements.rules import may_check, may_tabulate
from exchange.errors import Conflict, NotFound, Unacceptable
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements, partners
from exchange.register.tables import AgreementRow
from exchange.releases import frozen, history, kept
from exchange.releases.edition import find, require
from exchange.releases.tables import EditionRow, EditionState, PopulationRow, VoteRow
from exchange.submissions import holdings
from exchange.times import Clock, rfc3339
from keys.sign import Use, sign_document
from keys.statements import verify_signed

APPROVE, REFUSE = "approve", "refuse"
_MEMBERS = frozenset({"format", "edition", "draft", "person", "decision", "comment", "made", "nonce"})
FINDINGS, ADVICE = "uniqueness", "advice"
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
    require(may_check(standing, row.release, key, row.requested_by, now))
    clause = standing.agreement.clause("approvals", "output checkers") if standing else ""
    if row.state != EditionState.AWAITING_CHECK:
        remedy = "See which editions wait with: exchange release list"
        raise Conflict(f"the edition is {row.state}: it is not being checked.", remedy=remedy, code="not-being-checked", clause=clause)
    document = verify_signed(signed, Use.OUTPUT_CHECK, {key})
    partners.require_not_revoked(session, key)
    if document["draft"] != row.draft_digest or not _NONCE.fullmatch(str(document["nonce"])):
        raise Unacceptable(
            "the check is about another draft than the one that is here.",
            remedy="Look again, and check this one.",
            code="bad-check",
            clause=clause,
        )
    if document["person"] != _person(agreement_row, key).name:
        detail = "the check names another person than the agreement names for this key."
        raise Unacceptable(detail, remedy="Make the check again with: exchange release check", code="bad-check", clause=clause)
    frozen.require_not_frozen(session, row, clause)
    if any(vote.key == key for vote in row.votes):  # the edition's row is locked: nobody adds one meanwhile
        detail, remedy = "this person has already checked this edition.", "Another checker must check it."
        raise Conflict(detail, remedy=remedy, code="already-checked", clause=clause)
    row.votes.append(VoteRow(key=key, decision=document["decision"], signed=dict(signed), recorded_at=now))
    session.flush()
    _record(session, row, key, f"output check: {document['decision']}", Operation.CONSULTATION, now)
    if document["decision"] == REFUSE:
        row.state = EditionState.DROPPED
        row.report = without_findings(row)
        kept.let_go(session, row, kept.DROPPED, now)
        _record(session, row, "hub", "edition dropped", Operation.ERASURE, now)
    elif standing and len(row.votes) >= standing.agreement.approvals.output_checkers:
        _publish(session, keyring, row, now)
    session.flush()
    return row


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


def _publish(session: Session, keyring: Keyring, row: EditionRow, now: datetime) -> None:
    agreement = agreements.of(session, row.agreement)
    _claim_populations(session, row, agreement)
    row.state, row.published_at = EditionState.PUBLISHED, now
    row.report = without_findings(row)
    document = {**row.draft, "published": rfc3339(now), "checks": [vote.signed for vote in row.votes]}
    row.signed = sign_document(document, Use.EDITION, keyring.signing_for("editions", agreement))
    session.flush()
    _record(session, row, "hub", "edition published", Operation.DISCLOSURE, now)


def _claim_populations(session: Session, row: EditionRow, agreement: Agreement) -> None:
    """Take the edition's populations; refuse where more has been published of them than it was protected together with."""
    release = agreement.release(row.release)
    mine = history.claimed(row, agreement)
    known = set(row.draft.get("history", []))
    if release and (later := [edition for edition in history.editions_over(session, agreement, release, mine) if edition not in known]):
        because = "it has been published since this draft was made; ask for the edition again"
        raise history.refusal(agreement, release, later[-1], because)
    for adapter, supplier, period in mine:
        session.add(PopulationRow(adapter=adapter, supplier=supplier, period=period, edition=row.id))
    session.flush()


def _record(session: Session, row: EditionRow, who: str, what: str, operation: Operation, now: datetime) -> None:
    agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    details = {"release": row.release, "draft": row.draft_digest, "version": agreement.version}
    append(session, Event(operation, who, agreement.operator.id, row.reference, what, row.id, details=details), now)
