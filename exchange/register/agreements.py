"""Agreements in the register: entering a version, recording statements, and where each stands now."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session, selectinload

from agreements import lifecycle
from agreements.decisions import Refused, first_refusal
from agreements.document import canonical, require_new
from agreements.lifecycle import Act, State
from agreements.model import Agreement, Standing
from agreements.rules import UNKNOWN
from agreements.signing import Statement, Voice, check_statement, in_time, may_state
from exchange.db import queue
from exchange.errors import Conflict, RefusedByAgreement, UnknownAgreement
from exchange.log.record import hold, moment
from exchange.register import partners, sandbox
from exchange.register.saying import act_of, before_it, entitled, newest
from exchange.register.tables import AgreementRow, StatementRow
from exchange.register.versions import LIVE, advance, forerunners, is_stopped, lock_versions, move, note, parsed, resume, suspend
from exchange.times import Clock
from keys.sign import Use
from keys.statements import verify_signed

__all__ = [
    "LIVE",
    "advance",
    "by_digest",
    "concerns",
    "current",
    "enter",
    "everything",
    "is_stopped",
    "known",
    "lock_versions",
    "names",
    "parsed",
    "record",
    "standing",
    "supplied",
    "time_to_effect",
    "verify_statement",
    "visible",
    "withdraw",
]


def verify_statement(signed: Mapping[str, Any], trusted: Collection[str]) -> Mapping[str, Any]:
    """How statements are verified here: by key file or by passkey, as a use of their own."""
    return verify_signed(signed, Use.STATEMENT, trusted)


def enter(session: Session, agreement: Agreement, who: str, now: datetime) -> AgreementRow:
    """Enter a version: proposed, or a draft while it lacks a mandatory item.

    The same words twice are one. Other words under the same version take a draft's place; anything else has had them, and is a conflict.
    InvalidDocument where they are new, and today's rules refuse them.
    """
    sandbox.require_agreement(
        session, agreement.reference, [*(one.id for one in agreement.parties), *(one.id for one in agreement.recipients)]
    )
    lock_versions(session, [agreement.reference])
    hold(session)  # two people may enter the same words at once
    query = select(AgreementRow).where(AgreementRow.reference == agreement.reference).execution_options(populate_existing=True)
    rows = session.execute(query).scalars().all()
    if found := next((row for row in rows if row.digest == agreement.digest), None):
        return found
    require_new(agreement)
    draft = next((row for row in rows if row.version == agreement.version and row.state == State.DRAFT), None)
    taken = max((row.version for row in rows if row is not draft), default=0)
    if agreement.version <= taken:
        raise Conflict(
            f"{agreement.reference} already has a version {taken}, in other words.",
            remedy=f"Give the new words version {taken + 1}.",
            code="version-exists",
        )
    if draft is not None:
        _remove(session, draft, who, "draft replaced", now)
    row = AgreementRow(
        digest=agreement.digest,
        reference=agreement.reference,
        version=agreement.version,
        canonical=canonical(agreement),
        state=State.DRAFT,
        in_force_from=agreement.in_force_from,
        expires=agreement.expires,
        registered_at=now,
    )
    if not agreement.missing:
        move(row, Act.PROPOSE)
    session.add(row)
    session.flush()
    details = {"state": row.state, "missing": len(agreement.missing)}
    note(session, row, "agreement drafted" if agreement.missing else "agreement proposed", now, who=who, details=details)
    return row


def withdraw(session: Session, reference: str, version: int, who: str, now: datetime) -> None:
    """Take a draft out of the register; its version number is free again. A proposal is before people, and a party ends it."""
    row = next((one for one in lock_versions(session, [reference]) if one.version == version), None)
    if row is None:
        raise UnknownAgreement(UNKNOWN)
    if isinstance(refused := lifecycle.may(State(row.state), Act.WITHDRAW, parsed(row.canonical).clause("lifecycle")), Refused):
        raise RefusedByAgreement(refused, code="transition-refused")
    _remove(session, row, who, "draft withdrawn", now)


def _remove(session: Session, draft: AgreementRow, who: str, what: str, now: datetime) -> None:
    move(draft, Act.WITHDRAW)
    note(session, draft, what, now, who=who, details={"state": draft.state})
    session.delete(draft)
    session.flush()


def record(
    session: Session, signed: Mapping[str, Any], clock: Clock, *, received: datetime | None = None
) -> tuple[AgreementRow, Statement]:
    """Record a statement by a named person and follow where it leads. Refused, with its clause, where it does not bind.

    ``received``: when the door had the statement, if it did anything before this call; the log says how long a stop took from then.
    """
    received = received or clock()
    claimed = signed.get("document")
    digest = claimed.get("agreement") if isinstance(claimed, dict) else None
    versions = _locked(session, str(digest))
    row = next((one for one in versions if one.digest == digest), None)
    if row is None:
        raise UnknownAgreement(Refused("no agreement", "no agreement has the digest this statement is about.", "Enter its document first."))
    agreement = parsed(row.canonical)
    said = check_statement(agreement, signed, verify_statement)
    partners.require_not_revoked(session, str(signed["key"]))
    earlier = [check_statement(agreement, one.signed, verify_statement) for one in row.statements]
    if isinstance(refused := first_refusal(may_state(agreement, earlier, said), newest(versions, row, said)), Refused):
        raise RefusedByAgreement(refused, code="statement-refused")
    act = act_of(row, earlier, said)
    if isinstance(refused := lifecycle.may(State(row.state), act, agreement.clause("lifecycle")), Refused):
        raise RefusedByAgreement(refused, code="transition-refused")
    if isinstance(refused := entitled(versions, row, earlier, said, act), Refused):
        raise RefusedByAgreement(refused, code="statement-refused")
    now = moment(session, clock)
    if isinstance(refused := in_time(agreement, before_it(versions, row, said), said, now), Refused):
        raise RefusedByAgreement(refused, code="statement-refused")
    before = forerunners(versions, row) if row.state in LIVE else []
    for one in (row, *before):
        _take(session, one, act, said, now)
    statement = StatementRow(nonce=said.nonce, agreement=row.digest, party=said.party, decision=said.voice, signed=dict(signed))
    statement.recorded_at = now
    row.statements.append(statement)
    session.flush()
    details = {"decision": said.voice.value, "capacity": said.capacity.value, "dataset": said.dataset, "state": row.state}
    if said.voice in _STOPS:
        details |= time_to_effect(received, now)
    note(session, row, f"statement: {said.voice}", now, who=str(signed["key"]), party=said.party, details=details)
    for one in before:
        followed = {"decision": said.voice.value, "dataset": said.dataset, "state": one.state, "said of version": row.version}
        note(session, one, "statement about a newer version", now, party=said.party, details=followed)
    advance(session, now, row.reference)
    return row, said


def _locked(session: Session, digest: str) -> list[AgreementRow]:
    """Every version of the agreement of which this digest is one, locked against everybody, in the order of versions."""
    reference = session.execute(select(AgreementRow.reference).where(AgreementRow.digest == digest)).scalar_one_or_none()
    return lock_versions(session, [reference] if reference else [])


def _take(session: Session, row: AgreementRow, act: Act, said: Statement, now: datetime) -> None:
    """The step that an allowed statement leads to: of the version it is about, or of one before it that lives on."""
    match said.voice:
        case Voice.SUSPEND:
            suspend(row, said.party, said.dataset, now)
        case Voice.RESUME:
            resume(session, row, said.party, said.dataset)
        case _:
            move(row, act)


def time_to_effect(received: datetime, effective: datetime) -> dict[str, Any]:
    """From the word that everything must stop to the moment when nothing can begin any more, as the log says it."""
    words = {name: at.astimezone(UTC).isoformat(timespec="milliseconds") for name, at in (("received", received), ("effective", effective))}
    return {**words, "milliseconds": max(0, -((received - effective) // timedelta(milliseconds=1)))}


_STOPS = (Voice.SUSPEND, Voice.TERMINATE)


def standing(row: AgreementRow | None) -> Standing | None:
    """Where a version stands, for the rules; None where there is none."""
    if row is None:
        return None
    alone = frozenset(one.dataset for one in row.suspensions if one.dataset)
    return Standing(parsed(row.canonical), row.state, alone, row.replaced_at, _successor(row))


def _successor(row: AgreementRow) -> Agreement | None:
    session = object_session(row)
    if row.replaced_at is None or session is None:
        return None
    newer = select(AgreementRow).where(AgreementRow.reference == row.reference, AgreementRow.version > row.version)
    newest_one = newer.where(AgreementRow.in_force_at.is_not(None)).order_by(AgreementRow.version.desc()).limit(1)
    found = session.execute(newest_one).scalar_one_or_none()
    return parsed(found.canonical) if found else None


def by_digest(session: Session, digest: str, *, lock: bool = False) -> AgreementRow | None:
    """The version with this digest. ``lock``: hold its row against suspension until the transaction ends."""
    query = select(AgreementRow).where(AgreementRow.digest == digest)
    if lock:
        queue(session, [digest], alone=False)
        # Whatever this session knew of the row before it waited for it is forgotten.
        query = query.with_for_update(read=True).execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def of(session: Session, digest: str) -> Agreement:
    """The words of a version that something here is bound to."""
    return parsed(session.get_one(AgreementRow, digest).canonical)


def current(session: Session, reference: str, version: int | None = None) -> AgreementRow | None:
    """A version of an agreement: the one asked for, else the one in force (or suspended), else the newest, drafts last."""
    rows = (
        session.execute(select(AgreementRow).where(AgreementRow.reference == reference).order_by(AgreementRow.version.desc()))
        .scalars()
        .all()
    )
    if version is not None:
        return next((row for row in rows if row.version == version), None)
    return next((row for row in rows if row.state in LIVE), None) or min(rows, key=lambda row: row.state == State.DRAFT, default=None)


def visible(session: Session, caller: str) -> list[AgreementRow]:
    """Every version that a party or recipient may know of."""
    return [row for row in everything(session) if _may_know(row, caller)]


def everything(session: Session) -> list[AgreementRow]:
    """Every version of every agreement, for the operator."""
    query = select(AgreementRow).options(selectinload(AgreementRow.suspensions)).order_by(AgreementRow.reference, AgreementRow.version)
    return list(session.execute(query).scalars())


def names(row: AgreementRow, caller: str) -> bool:
    """Whether a version has this id in it at all: most have not, and need not be read to tell. (A party's id is a name in plain ASCII.)"""
    return f'"{caller}"'.encode() in row.canonical


def concerns(agreement: Agreement, caller: str) -> bool:
    """Whether the caller is a party to it, or a recipient named in it."""
    return agreement.party(caller) is not None or any(one.id == caller for one in agreement.recipients)


def _may_know(row: AgreementRow, caller: str) -> bool:
    if not names(row, caller):
        return False
    agreement = parsed(row.canonical)
    return agreement.party(caller) is not None if row.state == State.DRAFT else concerns(agreement, caller)


def known(session: Session, reference: str, caller: str, version: int | None = None) -> AgreementRow:
    """The version, for someone who may know of it; otherwise it is unknown."""
    row = current(session, reference, version)
    if row is None or not _may_know(row, caller):
        raise UnknownAgreement(UNKNOWN)
    return row


def supplied(session: Session, reference: str, caller: str) -> AgreementRow:
    """The version in force, for a party (a recipient does not supply)."""
    row = current(session, reference)
    if row is None or parsed(row.canonical).party(caller) is None:  # before anything more is read: even the time taken tells nothing
        raise UnknownAgreement(UNKNOWN)
    return row
