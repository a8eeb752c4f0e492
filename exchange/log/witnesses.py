"""What witnesses have cosigned: the newest head of each party, verified, and kept to be shown to the others.

A cosignature is not an entry of the log: it is about the log, says who made it, and verifies by itself.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db import Base, Instant
from exchange.errors import Conflict, Unacceptable
from exchange.log.record import checkpoint, consistency, moment, size
from exchange.times import Clock
from keys.checkpoint import Checkpoint, cosigned_at, cosigned_by, origin_of, verify_by_any, witness_name
from keys.errors import BadFormat, BadSignature
from keys.sign import VerifyKey

AHEAD, BEHIND = timedelta(minutes=10), timedelta(days=1)
"""How far a witness's clock may be from the hub's; a cosignature may have waited for the network for a day."""


class WitnessRow(Base):
    """The newest head that a party has cosigned: a note with the log's signature and the party's own, and no other line."""

    __tablename__ = "log_witnesses"

    party: Mapped[str] = mapped_column(String(80), primary_key=True)
    key: Mapped[str] = mapped_column(String(80))
    note: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    cosigned_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)


def keep(session: Session, party: str, keys: Collection[VerifyKey], note: str, logs: Sequence[VerifyKey], clock: Clock) -> WitnessRow:
    """Verify a cosigned note and keep it, if it is not older than the party's last.

    ``keys``: the party's witness keys that count now; ``logs``: the log's own. Refused (422, 409) where it is not a head of this very log.
    """
    now = moment(session, clock)
    head, key, at = _verified(session, party, keys, note, logs)
    if not now - BEHIND <= at <= now + AHEAD:
        raise Unacceptable(
            "the time of the cosignature is not near the present.", remedy="Set that machine's clock.", code="cosignature-time"
        )
    row = session.get(WitnessRow, party)
    if row is not None and origin_of(row.note) == head.origin and (row.size, row.cosigned_at) > (head.size, at):
        raise Conflict("a newer head cosigned by you is kept already.", remedy="There is nothing to do.", code="cosignature-older")
    if row is None:
        row = WitnessRow(party=party)
        session.add(row)
    row.key, row.note, row.size = key.fingerprint, cosigned_by(note, logs, witness_name(head.origin, party), key), head.size
    row.cosigned_at, row.received_at = at, now
    session.flush()
    return row


def _verified(
    session: Session, party: str, keys: Collection[VerifyKey], note: str, logs: Sequence[VerifyKey]
) -> tuple[Checkpoint, VerifyKey, datetime]:
    origin = checkpoint(session).origin
    name = witness_name(origin, party)
    try:
        head = verify_by_any(note, origin, logs)
        times = {key: found for key in keys if (found := cosigned_at(note, name, key)) is not None}
    except (BadFormat, BadSignature) as error:
        raise Unacceptable(f"the cosigned note does not verify: {error}.", remedy=_AGAIN, code="bad-cosignature") from error
    if not 0 < head.size <= size(session) or checkpoint(session, head.size).root != head.root:
        raise Unacceptable("this is not a head that this log has had.", remedy="Tell the other partners at once.", code="not-our-head")
    if not times:
        remedy = "Agree on a version that names your witness key, register its card, and set keys.witness."
        raise Unacceptable("it is not cosigned by a witness key that an agreement names.", remedy=remedy, code="unknown-witness")
    key, seconds = max(times.items(), key=lambda one: one[1])
    try:
        return head, key, datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return head, key, datetime.max.replace(tzinfo=UTC)


_AGAIN = "Fetch the checkpoint, verify it, and cosign it again."


def cosigned(session: Session, parties: Collection[str] | None = None) -> Sequence[WitnessRow]:
    """The newest of each of these parties (of all where none are given), by party."""
    # A restored database may bring back notes of a log that was succeeded since: they are of no log that goes on.
    ours = WitnessRow.note.startswith(f"{checkpoint(session).origin}\n", autoescape=True)
    query = select(WitnessRow).where(ours).order_by(WitnessRow.party)
    return session.execute(query if parties is None else query.where(WitnessRow.party.in_(parties))).scalars().all()


def proof_to(session: Session, row: WitnessRow, of: int) -> list[bytes]:
    """Proof that the log of ``of`` entries begins with the head in this row; none where that is not smaller."""
    return consistency(session, row.size, of) if row.size < of else []
