"""Doing again, in the restored database, what its lost entries stopped, revoked, took back or destroyed. One transaction, the caller's.

Locks are taken in the order of docs/decisions/0004-locks.md, all of them before the first entry is put back.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from agreements.lifecycle import Act, State
from exchange.keyring import sealing_name
from exchange.log import flushing
from exchange.log.record import Event, Operation, append
from exchange.log.tables import EntryRow
from exchange.notify import subscriptions
from exchange.people import people
from exchange.people.tables import InvitationRow, PasskeyRow, PersonRow, SessionRow, WaitingRow
from exchange.register import dataset_tokens, partners
from exchange.register.dataset_token_tables import DatasetTokenRow
from exchange.register.tables import AgreementRow, EnvelopeRow, EpochRow, KeyRow
from exchange.register.versions import LIVE, lock_versions, move, note, parsed, suspend
from exchange.restore.lost import Entry, Lost, Upload
from exchange.restore.standing import COUNTING, WITH_ROWS, epoch_of
from exchange.submissions import retention
from exchange.submissions.restored import LostRow
from exchange.submissions.tables import HeldPartRow, HoldRow, PartRow, SealingKeyRow, SubmissionRow, SubmissionState

SUSPENDED = "agreement suspended: restored without later statements"
_OVER = frozenset({SubmissionState.DISPOSING, SubmissionState.DISPOSED, *retention.NEVER_HELD})
PUSH_AGAIN = "submission lost in a restore: push it again"


@dataclass
class Found:
    """The rows that a replay may change, locked, and what is known of keys.

    Attributes:
        versions: of every agreement about which lost entries speak, in the order of references and versions.
        dead: names of destroyed keys.
        certified: submissions whose destruction a certificate or the log attests.
        unread: submissions whose rows no key of this keystore opens.
        staged: submissions whose sealed parts are all where they should be.
    """

    versions: list[AgreementRow]
    sealing: list[SealingKeyRow]
    submissions: dict[str, SubmissionRow]
    dead: Collection[str]
    certified: Collection[str]
    unread: Collection[str]
    staged: Collection[str]


@dataclass
class Done:
    """What was done again, for the operator."""

    disposing: list[str] = field(default_factory=list)
    lost: list[dict[str, str]] = field(default_factory=list)
    suspended: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)


def lock(session: Session, lost: Lost, **known: Collection[str]) -> Found:
    """Lock agreements, then sealing keys, then submissions."""
    versions = lock_versions(session, sorted(lost.spoken))
    fresh = {"populate_existing": True}
    sealing = session.execute(select(SealingKeyRow).order_by(SealingKeyRow.id).with_for_update().execution_options(**fresh)).scalars()
    rows = session.execute(select(SubmissionRow).order_by(SubmissionRow.id).with_for_update().execution_options(**fresh)).scalars()
    return Found(versions, list(sealing), {row.id: row for row in rows}, **known)


def submissions(session: Session, lost: Lost, found: Found, now: datetime) -> Done:
    """Destroy, supersede, bring forward, hold; and list what nobody has any more."""
    done = Done()
    for subject in lost.superseded & set(found.submissions):
        if found.submissions[subject].state == SubmissionState.HELD:
            found.submissions[subject].state = SubmissionState.SUPERSEDED
    for subject in lost.never_again & set(found.submissions):
        found.submissions[subject].never_again = True  # whatever becomes of it below
    for subject, day in lost.forward.items():
        if (row := found.submissions.get(subject)) is not None:
            row.dispose_on = min(row.dispose_on, day)
    for row in found.submissions.values():
        _settle(session, lost, found, row, done, now)
    for upload in lost.uploads.values():
        if upload.submission not in found.submissions:
            _lose(session, upload, done, now)
    session.flush()
    return done


def _settle(session: Session, lost: Lost, found: Found, row: SubmissionRow, done: Done, now: datetime) -> None:
    upload = lost.uploads.get(row.id) or Upload(row.id, row.supplier, row.reference)
    waiting = row.state in (SubmissionState.OPEN, SubmissionState.COMPLETE)
    rewritten = row.id in lost.rewritten or row.id in found.unread
    destroyed = row.id in found.certified or row.id in lost.destroyed or (row.state in COUNTING and row.key in found.dead and not rewritten)
    if destroyed and row.state not in _OVER and not (waiting and upload.had not in ("", "held")):
        # What the disposal itself does when it is resumed: key, objects, rows, a certificate, its entry.
        row.was, row.state = row.was or row.state, SubmissionState.DISPOSING
        done.disposing.append(row.id)
    elif (rewritten and row.state in WITH_ROWS) or (waiting and (upload.had or destroyed)) or _stranded(found, row):
        upload.upload, upload.dataset, upload.period, upload.had = row.upload, row.dataset, row.period, upload.had or row.state
        row.state = SubmissionState.LAPSED
        for table in (HeldPartRow, PartRow):
            session.execute(delete(table).where(table.submission == row.id))
        _lose(session, upload, done, now)
    elif row.state == SubmissionState.OPEN and row.id not in found.staged:
        session.execute(
            delete(PartRow).where(PartRow.submission == row.id)
        )  # its client is told that they are missing, and puts them again


def _stranded(found: Found, row: SubmissionRow) -> bool:
    """Acknowledged, and its sealed parts, of which there is never a backup, are gone."""
    return row.state == SubmissionState.COMPLETE and row.id not in found.staged


def _lose(session: Session, upload: Upload, done: Done, now: datetime) -> None:
    said = vars(upload)
    if session.get(LostRow, upload.submission) is None:
        session.add(LostRow(lost_at=now, **said))
        done.lost.append(said)


def holds(session: Session, entries: Iterable[Entry], found: Found) -> int:
    """Place the legal holds again that were placed since, as far as what they are over is here; their reasons are lost. How many."""
    placed = 0
    for entry in entries:
        said = entry["details"]
        over = said["submission"] or None
        if session.get(HoldRow, entry["subject"]) is None and (over is None or over in found.submissions):
            words = {name: said[name] for name in ("dataset", "supplier", "period")}
            until, at = date.fromisoformat(said["until"]), datetime.fromisoformat(entry["at"])
            row = HoldRow(id=entry["subject"], submission=over, reference=entry["purpose"], person=entry["who"], **words)
            row.until, row.placed_at, row.reason = until, at, "Placed before a restore, which lost the reason."
            session.add(row)
            placed += 1
    session.flush()
    return placed


def keys(session: Session, lost: Lost, found: Found, now: datetime) -> None:
    """Sealing keys and linkage epochs whose keys are destroyed count no more, and what was sealed to those lapses."""
    spent = {row.id for row in found.sealing if row.destroyed_at is None and (row.id in lost.sealing or sealing_name(row.id) in found.dead)}
    for row in found.sealing:
        row.destroyed_at = now if row.id in spent else row.destroyed_at
    for submission in found.submissions.values():
        if submission.sealing_key in spent and submission.state in (SubmissionState.OPEN, SubmissionState.COMPLETE):
            submission.state = SubmissionState.LAPSED
    gone = {one for name in found.dead if (one := epoch_of(name))}
    for epoch in session.execute(select(EpochRow).where(EpochRow.retired_at.is_(None))).scalars():
        if (epoch.reference, str(epoch.epoch)) in lost.retired | gone:
            epoch.retired_at = now
            mine = (EnvelopeRow.reference == epoch.reference, EnvelopeRow.epoch == epoch.epoch)
            session.execute(delete(EnvelopeRow).where(*mine))
    session.flush()


def redact(session: Session, lost: Lost) -> None:
    """Take out again, here and in the second store, what was redacted since. The entries that say so are put back with the others."""
    for row in session.execute(select(EntryRow).where(EntryRow.number.in_(lost.redacted), EntryRow.salt.is_not(None))).scalars().all():
        row.salt = row.entry = None
        row.who = row.what = row.subject = row.recipient = ""
        flushing.redacted(session, row.number)
    session.flush()


def sign_everybody_out(session: Session, now: datetime) -> None:
    """No session, invitation or half-finished sign-in of the backup opens anything: any of them may have been ended or used since."""
    session.execute(update(SessionRow).where(SessionRow.ended_at.is_(None)).values(ended_at=now))
    session.execute(delete(InvitationRow).where(InvitationRow.used_at.is_(None)))
    session.execute(delete(WaitingRow))


# --------------------------------------------------------------------------------------------- with entries of their own, so after all locks


def suspend_spoken(session: Session, lost: Lost, found: Found, now: datetime) -> list[str]:
    """Stop every agreement about which something was said that is lost, in the operator's name: it moves when people have said it again."""
    stopped: dict[str, None] = {}
    for row in found.versions:
        operator = parsed(row.canonical).operator.id
        if row.state in LIVE:
            suspend(row, operator, "", now)
        elif row.state == State.SIGNED and row.digest in lost.ended:
            move(row, Act.TERMINATE)
        else:
            continue
        session.flush()
        note(session, row, SUSPENDED, now, details={"state": row.state, "lost": lost.spoken[row.reference]})
        stopped[row.reference] = None
    return list(stopped)


def revoke(session: Session, lost: Lost, now: datetime) -> list[str]:
    """Revoke and end again whose keys were revoked and who was ended."""
    done = []
    for fingerprint in sorted(lost.revoked | lost.hub_keys):
        if (key := session.get(KeyRow, fingerprint)) is not None and key.revoked_at is None:
            partners.revoke(session, fingerprint, "revoked before the restore", now)
            done.append(fingerprint)
    passkeys = session.execute(select(PasskeyRow).where(PasskeyRow.fingerprint.in_(lost.passkeys), PasskeyRow.revoked_at.is_(None)))
    for row in passkeys.scalars().all():
        people.revoke_passkey(session, row.person, row.id, "hub", now)
        done.append(row.fingerprint)
    for token in sorted(lost.dataset_tokens):
        if (found := session.get(DatasetTokenRow, token)) is not None and found.revoked_at is None:
            dataset_tokens.revoke(session, token, "hub", "revoked before the restore", now)
            done.append(token)
    ended = session.execute(select(PersonRow).where(PersonRow.id.in_(lost.people), PersonRow.ended_at.is_(None)))
    for person in ended.scalars().all():
        subscriptions.end_person(session, person.id, "hub", now)
        done.append(person.id)
    return done


def tell(session: Session, lost: Iterable[Mapping[str, str]], now: datetime) -> None:
    """One entry for each submission that was lost, in its supplier's name: its client finds it there."""
    for one in lost:
        details = {name: one[name] for name in ("upload", "dataset", "period", "had")}
        event = Event(Operation.ERASURE, "hub", one["supplier"], one["reference"], PUSH_AGAIN, one["submission"], details=details)
        append(session, event, now)
