"""Proofs of chosen entries, and the selections that an export is made of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.log import witnesses
from exchange.log.record import checkpoint, inclusion
from exchange.log.tables import EntryRow
from keys.logproof import Witness, entry_line, head_in, head_line
from keys.sign import SigningKey, VerifyKey


def head_of(
    session: Session, keys: Sequence[SigningKey], publics: Mapping[str, bytes], entries: int, parties: Collection[str] | None = None
) -> dict[str, Any]:
    """The first line of a proof: the newest checkpoint, and what witnesses have cosigned (``publics``: their public keys by fingerprint).

    ``parties``: of whom the reader may know; all where none are given.

    A witness's note stays out where its key is not known any more, or where none of ``keys`` signed it.
    """
    now = checkpoint(session)
    shown = []
    for row in witnesses.cosigned(session, parties) if now.size else ():
        if row.key in publics and row.size <= now.size and head_in(row.note, now.origin, [key.public for key in keys]):
            proof = witnesses.proof_to(session, row, now.size)
            shown.append(Witness(row.party, VerifyKey(publics[row.key]), row.note, proof))
    return head_line(now, keys, shown, entries)


def prove(session: Session, numbers: Collection[int], of: int) -> Iterator[dict[str, Any]]:
    """A line an entry, in their order, with proof that it is in the log of ``of`` entries. NotFound where there is no such entry."""
    for number in sorted(numbers):
        row = session.get(EntryRow, number) if number < of else None
        if row is None:
            raise NotFound(f"the log has no entry {number}.", remedy=f"Entries are numbered from 0 to {of - 1}.")
        yield entry_line(number, row.leaf, row.salt, row.entry, inclusion(session, number, of))
        session.expunge(row)
