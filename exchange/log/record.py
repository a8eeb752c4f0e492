"""Append to the log in the caller's transaction, and read from it.

No entry, no effect: the entry is written with the change it records, last, under the head's lock, and flushed to the second store
(:mod:`exchange.log.flushing`) before anybody is answered. Entries have the shape of DPA 2018
section 62 (operation, who, when, purpose, recipient); they hold ids, counts and reasons, never pseudonyms or values.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from exchange.errors import Misconfigured, NotFound
from exchange.log import flushing
from exchange.log.tables import SUCCEEDED, WORDS, EntryRow, HeadRow, NodeRow
from exchange.times import Clock
from keys import merkle
from keys.checkpoint import Checkpoint, log_leaf
from keys.encoding import b64, unb64
from keys.errors import BadProof

_NODES = NodeRow.__table__.c
_ENTRY, _GROWN = insert(EntryRow), insert(NodeRow)
_COLUMNS = (("operation", "operation"), ("organisation", "organisation"), ("reference", "purpose"))
_NODE = select(_NODES.hash).where(_NODES.level == bindparam("level"), _NODES.index == bindparam("index"))


class Operation(StrEnum):
    """The six operations of section 62, and the two that are about the hub itself."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"
    AGREEMENT = "agreement"
    SECURITY = "security"


@dataclass(frozen=True)
class Event:
    """What is recorded.

    Attributes:
        who: person (key fingerprint) or client id; ``hub`` for what the hub does by itself.
        organisation: the party for whom.
        reference: the agreement, which is the purpose; empty for matters of the hub.
        what: a short, fixed phrase: ``submission held``.
        subject: id of the submission, edition, statement or key.
        details: counts, versions, digests, reasons.
    """

    operation: Operation
    who: str
    organisation: str
    reference: str
    what: str
    subject: str
    recipient: str = ""
    details: Mapping[str, Any] | None = None


def begin(session: Session, origin: str, now: datetime) -> None:
    """Begin an empty log. Only ``exchange init`` does this, once."""
    session.add(HeadRow(id=1, origin=origin, size=0, last_at=now))


def is_begun(session: Session) -> bool:
    """Whether this database has a log."""
    return session.get(HeadRow, 1) is not None


def hold(session: Session) -> HeadRow:
    """Take the head's lock, the last of all locks: what is read from now on stays so until this transaction ends, if all writers hold it."""
    query = select(HeadRow).with_for_update().execution_options(populate_existing=True)
    head = session.execute(query).scalar_one_or_none()
    if head is None:
        raise Misconfigured("the log has not been begun.", remedy="Run: exchange init")
    flushing.settled(session)
    return head


def moment(session: Session, clock: Clock) -> datetime:
    """The time of what this transaction decides, read when nothing is left to wait for: every lock it needs is held, the head's with them."""
    hold(session)
    return clock()


def append(session: Session, event: Event, now: datetime) -> int:
    """Append one entry and return its number. The log's time never runs backwards."""
    head = hold(session)
    flushing.before(session)
    at = max(now, head.last_at)
    number, salt = head.size, os.urandom(32)
    entry: dict[str, Any] = {
        "number": number,
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "operation": event.operation.value,
        "who": event.who,
        "organisation": event.organisation,
        "purpose": event.reference,
        "what": event.what,
        "subject": event.subject,
        "recipient": event.recipient,
        "details": dict(event.details or {}),
    }
    leaf = merkle.leaf_hash(log_leaf(salt, entry))
    _place(session, head, leaf, salt, entry, at)
    flushing.appended(session, {"number": number, "leaf": b64(leaf), "salt": b64(salt), "entry": entry})
    return number


def put_back(session: Session, line: Mapping[str, Any]) -> None:
    """Append an entry again that a restored database lacks, exactly as the second store has it (``SecondStore.lines``).

    Only a restore does this, and before anything else is appended. The line must be the next one; of a redacted one the leaf alone comes back.
    """
    head = hold(session)
    if line["number"] != head.size:
        raise Misconfigured(f"the next entry of the log is {head.size}, not {line['number']}.", remedy="Put entries back in their order.")
    salt, entry = (unb64(str(line["salt"])), dict(line["entry"])) if "entry" in line else (None, None)
    leaf = unb64(str(line["leaf"]))
    if salt is not None and merkle.leaf_hash(log_leaf(salt, entry)) != leaf:
        raise BadProof(f"entry {line['number']} of the second store is not what was logged.")
    _place(session, head, leaf, salt, entry, datetime.fromisoformat(entry["at"]) if entry else head.last_at)
    if entry is not None and entry["what"] == SUCCEEDED:
        head.origin = str(entry["details"]["origin"])
        session.flush()


def _place(session: Session, head: HeadRow, leaf: bytes, salt: bytes | None, entry: Mapping[str, Any] | None, at: datetime) -> None:
    """Write the entry and what it completes of the tree, after the last. Plain statements: the ORM would take twice as long."""
    said, number = entry or {}, head.size
    words = {name: str(said.get(name, ""))[:WORDS] for name in ("who", "what", "subject", "recipient")}
    kept = {name: said.get(member, "") for name, member in _COLUMNS}
    nodes = merkle.grow(number, [leaf], lambda level, index: _node(session, level, index))
    head.size, head.last_at = number + 1, max(head.last_at, at)
    session.flush()  # what is logged first, and the head
    connection = session.connection()
    connection.execute(_ENTRY, {"number": number, "leaf": leaf, "salt": salt, "entry": entry, "at": at, **kept, **words})
    connection.execute(_GROWN, [{"level": level, "index": index, "hash": value} for level, index, value in nodes])


def _node(session: Session, level: int, index: int) -> bytes:
    # A plain query, made once: a proof in a large log asks twenty times.
    found = session.connection().execute(_NODE, {"level": level, "index": index}).scalar_one_or_none()
    if found is None:
        raise Misconfigured(f"the log lacks node {level}/{index}: the database is damaged.", remedy="Restore it from a backup.")
    return bytes(found)


def size(session: Session) -> int:
    """How many entries there are."""
    return session.execute(select(HeadRow.size)).scalar_one()


def checkpoint(session: Session, of: int | None = None) -> Checkpoint:
    """The log's present size and root, to be signed; or those that it had with ``of`` entries, at most as many as it has."""
    head = session.execute(select(HeadRow)).scalar_one()
    size = head.size if of is None else of
    return Checkpoint(head.origin, size, merkle.root(size, lambda level, index: _node(session, level, index)))


def durable(session: Session) -> Checkpoint:
    """The newest head that witnesses may be shown: one that a database restored from a backup grows back to, from the second store."""
    head = checkpoint(session)
    flushing.flushed(session, head.size)
    return head


def consistency(session: Session, old: int, new: int) -> list[bytes]:
    """Proof that the tree of ``new`` entries begins with the tree of ``old`` entries."""
    if not 0 < old <= new <= size(session):
        raise NotFound(f"the log has {size(session)} entries; ask for 1 ≤ old ≤ new ≤ that.", code="no-such-size")
    return merkle.consistency(old, new, lambda level, index: _node(session, level, index))


def inclusion(session: Session, number: int, of: int) -> list[bytes]:
    """Proof that entry ``number`` is in the tree of ``of`` entries."""
    if not 0 <= number < of <= size(session):
        raise NotFound(f"the log has {size(session)} entries.", code="no-such-size")
    return merkle.inclusion(number, of, lambda level, index: _node(session, level, index))
