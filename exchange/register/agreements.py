"""Agreements in the register: entering a version, recording statements, and where each stands now."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from agreements import lifecycle
from agreements.decisions import Refused
from agreements.document import canonical, read_canonical
from agreements.lifecycle import Act, State
from agreements.model import Agreement, Standing
from agreements.rules import UNKNOWN, known_to, today
from agreements.signing import Statement, Voice, check_statement, may_state, progress
from exchange.errors import Conflict, RefusedByAgreement, UnknownAgreement
from exchange.log.record import Event, Operation, append, hold, moment
from exchange.register import partners
from exchange.register.tables import AgreementRow, StatementRow, SuspensionRow
from exchange.times import Clock
from keys.sign import Use
from keys.statements import verify_signed

LIVE = (State.IN_FORCE, State.SUSPENDED)


@lru_cache(maxsize=256)
def parsed(document: bytes) -> Agreement:
    """The agreement of a canonical document; the same bytes are parsed once."""
    return read_canonical(document)


def verify_statement(signed: Mapping[str, Any], trusted: Collection[str]) -> Mapping[str, Any]:
    """How statements are verified here: by key file or by passkey, as a use of their own."""
    return verify_signed(signed, Use.STATEMENT, trusted)


def enter(session: Session, agreement: Agreement, who: str, now: datetime) -> AgreementRow:
    """Enter a version as proposed. The same words twice are one; other words under the same version are a conflict."""
    hold(session)  # two people may enter the same words at once
    row = session.get(AgreementRow, agreement.digest)
    if row is not None:
        return row
    versions = session.execute(select(AgreementRow.version).where(AgreementRow.reference == agreement.reference)).scalars().all()
    if versions and agreement.version <= max(versions):
        newest = max(versions)
        raise Conflict(
            f"{agreement.reference} already has a version {newest}, in other words.",
            remedy=f"Give the new words version {newest + 1}.",
            code="version-exists",
        )
    row = AgreementRow(
        digest=agreement.digest,
        reference=agreement.reference,
        version=agreement.version,
        canonical=canonical(agreement),
        state=lifecycle.after(State.DRAFT, Act.PROPOSE),
        in_force_from=agreement.in_force_from,
        expires=agreement.expires,
        registered_at=now,
    )
    session.add(row)
    session.flush()
    _record(session, agreement, _event(who, agreement.operator.id, "agreement proposed"), now)
    return row


def record(
    session: Session, signed: Mapping[str, Any], clock: Clock, *, received: datetime | None = None
) -> tuple[AgreementRow, Statement]:
    """Record a statement by a named person and follow where it leads. Refused, with its clause, where it does not bind.

    ``received``: when the door had the statement, if it did anything before this call; the log says how long a stop took from then.
    """
    received = received or clock()
    claimed = signed.get("document")
    digest = claimed.get("agreement") if isinstance(claimed, dict) else None
    row = _locked(session, str(digest))
    if row is None:
        raise UnknownAgreement(Refused("no agreement", "no agreement has the digest this statement is about.", "Enter its document first."))
    agreement = parsed(row.canonical)
    said = check_statement(agreement, signed, verify_statement)
    partners.require_not_revoked(session, str(signed["key"]))
    earlier = [check_statement(agreement, one.signed, verify_statement) for one in row.statements]
    if isinstance(refused := may_state(agreement, earlier, said), Refused):
        raise RefusedByAgreement(refused, code="statement-refused")
    act = _act(agreement, earlier, said)
    if isinstance(refused := lifecycle.may(State(row.state), act, agreement.clause("lifecycle")), Refused):
        raise RefusedByAgreement(refused, code="transition-refused")
    now = moment(session, clock)
    _suspend_or_resume(session, row, said, now)
    if act is not Act.RESUME or not row.suspensions:
        row.state = lifecycle.after(State(row.state), act)
    statement = StatementRow(nonce=said.nonce, agreement=row.digest, party=said.party, decision=said.voice, signed=dict(signed))
    statement.recorded_at = now
    row.statements.append(statement)
    session.flush()
    details = {"decision": said.voice.value, "capacity": said.capacity.value, "state": row.state}
    if said.voice in _STOPS:
        details |= time_to_effect(received, now)
    _record(session, agreement, _event(str(signed["key"]), said.party, f"statement: {said.voice}", details), now)
    advance(session, now, row.reference)
    return row, said


def _locked(session: Session, digest: str) -> AgreementRow | None:
    """The version with this digest, it and every other version of its agreement locked against everybody, in the order of versions."""
    reference = session.execute(select(AgreementRow.reference).where(AgreementRow.digest == digest)).scalar_one_or_none()
    return next((row for row in _lock_versions(session, [reference] if reference else []) if row.digest == digest), None)


def _lock_versions(session: Session, references: Collection[str]) -> list[AgreementRow]:
    query = select(AgreementRow).where(AgreementRow.reference.in_(references)).order_by(AgreementRow.reference, AgreementRow.version)
    return list(session.execute(query.with_for_update().execution_options(populate_existing=True)).scalars())


def time_to_effect(received: datetime, effective: datetime) -> dict[str, Any]:
    """From the word that everything must stop to the moment when nothing can begin any more, as the log says it."""
    words = {name: at.astimezone(UTC).isoformat(timespec="milliseconds") for name, at in (("received", received), ("effective", effective))}
    return {**words, "milliseconds": max(0, round((effective - received) / timedelta(milliseconds=1)))}


_STOPS = (Voice.SUSPEND, Voice.TERMINATE)
_ACTS: Mapping[Voice, Act] = {
    Voice.ADVISE_FOR: Act.ADVISE,
    Voice.ADVISE_AGAINST: Act.ADVISE,
    Voice.SIGN: Act.SIGN,
    Voice.SUSPEND: Act.SUSPEND,
    Voice.RESUME: Act.RESUME,
    Voice.TERMINATE: Act.TERMINATE,
}


def _act(agreement: Agreement, earlier: list[Statement], said: Statement) -> Act:
    last = said.voice is Voice.SIGN and progress(agreement, [*earlier, said]).complete
    return Act.SIGN_LAST if last else _ACTS[said.voice]


def _suspend_or_resume(session: Session, row: AgreementRow, said: Statement, now: datetime) -> None:
    mine = next((one for one in row.suspensions if one.party == said.party), None)
    if said.voice is Voice.SUSPEND and mine is None:
        row.suspensions.append(SuspensionRow(agreement=row.digest, party=said.party, since=now))
    if said.voice is Voice.RESUME:
        if mine is None:
            clause = parsed(row.canonical).clause("suspension")
            raise RefusedByAgreement(Refused(clause, "this party has not suspended it.", "Only a party that suspended it resumes."))
        row.suspensions.remove(mine)
        session.delete(mine)


def advance(session: Session, now: datetime, reference: str | None = None) -> list[str]:
    """Do what the clock does: bring signed versions into force, replace their forerunners, end what has expired."""
    moved = []
    day = today(now)
    begins = and_(AgreementRow.state == State.SIGNED, AgreementRow.in_force_from <= day)
    due = select(AgreementRow.reference).where(or_(begins, and_(AgreementRow.state.in_(LIVE), AgreementRow.expires <= day)))
    if reference is not None:
        due = due.where(AgreementRow.reference == reference)
    # Only what will move is locked, and all of it before the first entry: the log's head is the last lock of all.
    for row in _lock_versions(session, set(session.execute(due).scalars())):
        agreement = parsed(row.canonical)
        if row.state == State.SIGNED and today(now) >= row.in_force_from:
            row.state, row.in_force_at = lifecycle.after(State.SIGNED, Act.COME_INTO_FORCE), now
            _replace_older(session, row, now)
            what = "agreement in force"
        elif row.state in LIVE and today(now) >= row.expires:
            row.state = lifecycle.after(State(row.state), Act.EXPIRE)
            what = "agreement expired"
        else:
            continue
        session.flush()
        _record(session, agreement, _event("hub", agreement.operator.id, what, {"state": row.state}), now)
        moved.append(f"{what}: {row.reference} version {row.version}")
    return moved


def _replace_older(session: Session, newer: AgreementRow, now: datetime) -> None:
    older = select(AgreementRow).where(AgreementRow.reference == newer.reference, AgreementRow.version < newer.version)
    for row in session.execute(older.where(AgreementRow.replaced_at.is_(None))).scalars():
        row.replaced_at = now
        if row.state == State.SUSPENDED:
            # Signed before the suspension, in force after it: a version must not come round what a party has stopped.
            newer.state = lifecycle.after(State.IN_FORCE, Act.SUSPEND)
            newer.suspensions += [SuspensionRow(agreement=newer.digest, party=one.party, since=one.since) for one in row.suspensions]


def _record(session: Session, agreement: Agreement, event: Event, now: datetime) -> None:
    more = {"version": agreement.version, "agreement": agreement.digest, **(event.details or {})}
    append(session, replace(event, reference=agreement.reference, subject=agreement.digest, details=more), now)


def _event(who: str, organisation: str, what: str, details: Mapping[str, Any] | None = None) -> Event:
    return Event(Operation.AGREEMENT, who, organisation, "", what, "", details=details)


def standing(row: AgreementRow | None) -> Standing | None:
    """Where a version stands, for the rules; None where there is none."""
    if row is None:
        return None
    return Standing(parsed(row.canonical), row.state, frozenset(), row.replaced_at)


def by_digest(session: Session, digest: str, *, lock: bool = False) -> AgreementRow | None:
    """The version with this digest. ``lock``: hold its row against suspension until the transaction ends."""
    query = select(AgreementRow).where(AgreementRow.digest == digest)
    if lock:  # whatever this session knew of the row before it waited for it is forgotten
        query = query.with_for_update(read=True).execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def current(session: Session, reference: str, version: int | None = None) -> AgreementRow | None:
    """A version of an agreement: the one asked for, else the one in force (or suspended), else the newest."""
    rows = (
        session.execute(select(AgreementRow).where(AgreementRow.reference == reference).order_by(AgreementRow.version.desc()))
        .scalars()
        .all()
    )
    if version is not None:
        return next((row for row in rows if row.version == version), None)
    return next((row for row in rows if row.state in LIVE), rows[0] if rows else None)


def visible(session: Session, caller: str) -> list[AgreementRow]:
    """Every version that a party or recipient may know of."""
    return [row for row in everything(session) if concerns(parsed(row.canonical), caller)]


def everything(session: Session) -> list[AgreementRow]:
    """Every version of every agreement, for the operator."""
    return list(session.execute(select(AgreementRow).order_by(AgreementRow.reference, AgreementRow.version)).scalars())


def concerns(agreement: Agreement, caller: str) -> bool:
    """Whether the caller is a party to it, or a recipient named in it."""
    return agreement.party(caller) is not None or any(one.id == caller for one in agreement.recipients)


def known(session: Session, reference: str, caller: str, version: int | None = None) -> AgreementRow:
    """The version, for someone who may know of it; otherwise it is unknown."""
    row = current(session, reference, version)
    if row is None or not concerns(parsed(row.canonical), caller):
        raise UnknownAgreement(UNKNOWN)
    return row


def supplied(session: Session, reference: str, caller: str) -> AgreementRow:
    """The version in force, for a party (a recipient does not supply)."""
    row = current(session, reference)
    if not known_to(standing(row), caller) or row is None:
        raise UnknownAgreement(UNKNOWN)
    return row


def due_for_review(session: Session, now: datetime, within: timedelta = timedelta(days=60)) -> list[Agreement]:
    """Agreements in force whose review date is near or past."""
    rows = session.execute(select(AgreementRow).where(AgreementRow.state.in_(LIVE))).scalars()
    return [agreement for row in rows if (agreement := parsed(row.canonical)).review <= today(now + within)]
