"""An organisation's own entries, each with proof that it is in the log: what its client compares with what it knows of itself."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.log.record import inclusion, size
from exchange.log.tables import EntryRow
from keys.encoding import b64

PAGE = 200


def entries_of(session: Session, organisation: str, after: int, of: int) -> list[dict[str, Any]]:
    """At most :data:`PAGE` entries of the organisation with numbers from ``after`` on, below ``of``, in order: salt, entry, inclusion proof.

    An entry that was redacted is left out: nothing of it is left but its leaf hash.
    """
    if of > size(session):
        raise NotFound(f"the log has {size(session)} entries.", remedy="Ask of the size of a checkpoint.", code="no-such-size")
    query = (
        select(EntryRow)
        .where(EntryRow.organisation == organisation, EntryRow.number >= after, EntryRow.number < of, EntryRow.salt.is_not(None))
        .order_by(EntryRow.number)
        .limit(PAGE)
    )
    return [
        {
            "number": row.number,
            "salt": b64(row.salt or b""),
            "entry": row.entry,
            "proof": [step.hex() for step in inclusion(session, row.number, of)],
        }
        for row in session.execute(query).scalars()
    ]
