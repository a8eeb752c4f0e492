"""The succession of a log whose newest entries are lost for good, from the database and from the second store.

What is left of the log goes on under another name, from a checkpoint that every party of every agreement has signed for together with the
last one that a witness saw. Clients look at no other log for less.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement
from exchange.errors import Conflict, RefusedByAgreement, Unacceptable
from exchange.log.record import Event, Operation, append, checkpoint, hold, moment
from exchange.log.tables import SUCCEEDED
from exchange.log.witnesses import WitnessRow, cosigned
from exchange.register import agreements, sandbox
from exchange.register.versions import LIVE
from exchange.times import Clock, rfc3339
from keys.checkpoint import Checkpoint, origin_of, sign_checkpoint, verify_by_any
from keys.encoding import digest
from keys.errors import BadFormat, BadSignature
from keys.formats import Succession
from keys.logproof import head_in
from keys.sign import SigningKey, VerifyKey
from keys.succession import Succeeding, checkpoints_of, read_succession


def draft(session: Session, notes: Sequence[str], keys: Sequence[SigningKey], origin: str, reason: str, now: datetime) -> Succession:
    """The document for all to sign: the newest checkpoint that was lost, and what is left of the log as the first of the new one.

    Args:
        notes: checkpoints that partners kept and handed in, beside those that the hub still has.
        keys: the log's signing keys. origin: the new log's name.
    Raises:
        Conflict: nothing is lost. Unacceptable: a note is not one of this log; the name is on the other side of ``register.sandbox``.
    """
    sandbox.require_origin(session, origin)
    ours, publics = checkpoint(session), [key.public for key in keys]
    # What a party cosigned before the log's key was replaced, the hub can no longer verify: its note is not the newest either.
    kept = [row.note for row in cosigned(session) if head_in(row.note, ours.origin, publics)]
    seen = {note: _seen(note, ours.origin, publics) for note in (*notes, *kept)}
    lost = {note: head for note, head in seen.items() if head.size > ours.size or checkpoint(session, head.size) != head}
    if not lost:
        remedy = "Ask the parties for the checkpoints that they kept (exchange-agency watch --note), and name them with --note."
        raise Conflict(
            "the log begins with all that is known here of what witnesses saw: nothing is lost.", remedy=remedy, code="log-whole"
        )
    note = max(lost, key=lambda one: lost[one].size)
    begins = sign_checkpoint(Checkpoint(origin, ours.size, ours.root), *keys)
    made = Succession(1, note, begins, reason, rfc3339(now))
    checkpoints_of(made, publics, publics)
    return made


def _seen(note: str, origin: str, keys: Collection[VerifyKey]) -> Checkpoint:
    try:
        return verify_by_any(note, origin, keys)
    except (BadFormat, BadSignature) as error:
        remedy = f"Take notes of the log {origin}, as partners keep them."
        raise Unacceptable(f"a checkpoint of {origin_of(note):.80} is not one of this log: {error}.", remedy=remedy) from error


def begin(session: Session, bundle: Mapping[str, Any], keys: Collection[VerifyKey], clock: Clock) -> Succeeding:
    """Begin the log that goes on: under its new name, with the succession as its first entry. Repeated, it does nothing."""
    rows = [row for row in agreements.everything(session) if row.state in LIVE]
    for row in rows:
        agreements.by_digest(session, row.digest, lock=True)
    now, head = moment(session, clock), hold(session)
    read = read_succession(bundle, keys, keys)
    if head.origin == read.begins.origin:
        return read
    if read.ended.origin != head.origin or read.begins.size > head.size or checkpoint(session, read.begins.size).root != read.begins.root:
        raise Conflict("the succession is not of this log.", remedy="Draft it anew: exchange log succeed draft", code="another-log")
    sandbox.require_origin(session, read.begins.origin)
    live = [agreements.parsed(row.canonical) for row in rows]
    _require_everyone(live, read)
    head.origin = read.begins.origin
    session.execute(delete(WitnessRow))  # they are of the log that was lost; the last of them is in the succession
    details = {
        "lost": read.ended.origin,
        "entries seen": read.ended.size,
        "root seen": read.ended.root.hex(),
        "goes on from": read.begins.size,
        "origin": read.begins.origin,
        "reason": read.document.reason,
        "signers": sorted(read.signers),
    }
    operator = live[0].operator.id if live else "hub"
    subject = digest(read.document.document())
    append(session, Event(Operation.SECURITY, "hub", operator, "", SUCCEEDED, subject, details=details), now)
    return read


def _require_everyone(live: Sequence[Agreement], read: Succeeding) -> None:
    for agreement in live:
        lacking = [party.id for party in agreement.parties if party.signatory.key not in read.signers]
        if lacking:
            reason = f"the succession of the log is not signed by the signatory of: {', '.join(lacking)}."
            raise RefusedByAgreement(Refused(agreement.clause("parties"), reason, "Each signs it: exchange log succeed sign"))
