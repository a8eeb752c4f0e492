"""Sealing keys: a new one every week, vouched for by the hub's identity key, destroyed after a fortnight."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from exchange.errors import Unavailable
from exchange.keyring import Keyring, sealing_name
from exchange.log.record import Event, Operation, append, hold
from exchange.submissions.tables import SealingKeyRow, SubmissionRow, SubmissionState
from exchange.times import rfc3339
from keys.encoding import b64
from keys.formats import SealingKeyNotice
from keys.seal import EncryptionKey
from keys.sign import Use, sign_document

RENEWED_AFTER = timedelta(days=7)
LIVES = timedelta(days=14)


def current(session: Session) -> SealingKeyRow:
    """The newest sealing key."""
    query = select(SealingKeyRow).where(SealingKeyRow.destroyed_at.is_(None)).order_by(SealingKeyRow.issued_at.desc()).limit(1)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise Unavailable("the hub has no sealing key yet.", remedy="Try again in a minute.")
    return found


def notice_for(session: Session, keyring: Keyring, agreement: Agreement) -> dict[str, Any]:
    """The newest sealing key's notice, signed with the identity key that this version of an agreement names."""
    notice, identity = current(session).notice, keyring.signing_for("identity", agreement)
    return notice if notice["key"] == identity.public.fingerprint else sign_document(notice["document"], Use.SEALING_KEY, identity)


def rotate(session: Session, keyring: Keyring, operator: str, now: datetime) -> None:
    """Issue a key when the newest is a week old; destroy those past their fortnight, and let what was sealed with them lapse."""
    # Keys first, then what was sealed with them, then the log's head: the order of all transactions (docs/decisions/0004-locks.md).
    overdue = select(SealingKeyRow).where(SealingKeyRow.expires_at <= now, SealingKeyRow.destroyed_at.is_(None)).order_by(SealingKeyRow.id)
    ended = list(session.execute(overdue.with_for_update().execution_options(populate_existing=True)).scalars())
    waiting = select(SubmissionRow).where(
        SubmissionRow.sealing_key.in_([row.id for row in ended]),
        SubmissionRow.state.in_([SubmissionState.OPEN, SubmissionState.COMPLETE]),
    )
    query = waiting.order_by(SubmissionRow.id).with_for_update().execution_options(populate_existing=True)
    lapsed = list(session.execute(query).scalars())
    hold(session)
    live = select(SealingKeyRow.issued_at).where(SealingKeyRow.destroyed_at.is_(None), SealingKeyRow.expires_at > now)
    newest = session.execute(live.order_by(SealingKeyRow.issued_at.desc()).limit(1)).scalar_one_or_none()
    if newest is None or now >= newest + RENEWED_AFTER:
        _issue(session, keyring, operator, now)
    for submission in lapsed:
        submission.state = SubmissionState.LAPSED
    for row in ended:
        keyring.store.destroy(sealing_name(row.id))
        row.destroyed_at = now
        session.flush()
        count = sum(submission.sealing_key == row.id for submission in lapsed)
        event = Event(Operation.SECURITY, "hub", operator, "", "sealing key destroyed", row.id, details={"lapsed": count})
        append(session, event, now)


def _issue(session: Session, keyring: Keyring, operator: str, now: datetime) -> None:
    key, identity = EncryptionKey.generate(), f"seal-{now:%Y%m%d}-{secrets.token_hex(4)}"
    notice = SealingKeyNotice(identity, b64(key.public), rfc3339(now), rfc3339(now + LIVES))
    # The private half is durable before anyone can seal to the public one; a key without a row is never used.
    keyring.store.put(sealing_name(identity), key.private)
    signed = sign_document(notice.document(), Use.SEALING_KEY, keyring.signing("identity"))
    session.add(SealingKeyRow(id=identity, notice=signed, issued_at=now, expires_at=now + LIVES))
    session.flush()
    append(session, Event(Operation.SECURITY, "hub", operator, "", "sealing key issued", identity), now)
