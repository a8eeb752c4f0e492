"""The log in a file, and its verification without a hub: entries, salts, leaf hashes and a signed checkpoint."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.log.record import checkpoint
from exchange.log.tables import EntryRow
from keys import merkle
from keys.checkpoint import log_leaf, sign_checkpoint, verify_checkpoint
from keys.encoding import b64, unb64
from keys.errors import BadFormat, BadProof, BadSignature
from keys.sign import SigningKey, VerifyKey

FORMAT = "lcjp-exchange/log/1"
_LINES = ({"number", "leaf", "salt", "entry"}, {"number", "leaf"})


def export(session: Session, key: SigningKey) -> Iterator[dict[str, Any]]:
    """One document a line: first the signed checkpoint, then every entry in order."""
    yield {"format": FORMAT, "checkpoint": sign_checkpoint(checkpoint(session), key), "key": b64(key.public.raw)}
    for row in session.execute(select(EntryRow).order_by(EntryRow.number).execution_options(yield_per=1000)).scalars():
        open_part = {"salt": b64(row.salt), "entry": row.entry} if row.salt is not None else {}
        yield {"number": row.number, "leaf": b64(row.leaf), **open_part}


def verify(lines: Iterable[Mapping[str, Any]], fingerprint: str) -> tuple[int, int, bytes]:
    """Check an exported log against the fingerprint of its key: (entries, of which redacted, root). ``BadProof`` says what is wrong.

    The root is computed anew from the leaves, each leaf anew from its salt and entry; nothing of the export is believed.
    """
    try:
        return _verify(iter(lines), fingerprint)
    except (KeyError, TypeError, AttributeError, BadFormat) as error:
        raise BadProof("a line is not of the form that an exported log has.") from error


def _verify(lines: Iterator[Mapping[str, Any]], fingerprint: str) -> tuple[int, int, bytes]:
    head = next(lines, None)
    if head is None or head.get("format") != FORMAT or set(head) != {"format", "checkpoint", "key"}:
        raise BadProof("this is not an exported log.")
    origin = str(head["checkpoint"]).split("\n", 1)[0]
    key = VerifyKey(unb64(str(head["key"])))
    if key.fingerprint != fingerprint:
        raise BadSignature("the log is signed with another key than the one you trust.")
    signed = verify_checkpoint(str(head["checkpoint"]), origin, key)
    leaves = _Leaves(lines)
    count, root = merkle.root_of(leaves)
    if (count, root) != (signed.size, signed.root):
        raise BadProof(f"the {count} entries do not lead to the signed checkpoint of {signed.size}.")
    return count, leaves.redacted, root


class _Leaves:
    """The leaf hashes of an exported log's lines, each checked as it goes by: a log may be larger than the memory."""

    def __init__(self, lines: Iterator[Mapping[str, Any]]) -> None:
        self.lines, self.redacted = lines, 0

    def __iter__(self) -> Iterator[bytes]:
        for number, line in enumerate(self.lines):
            leaf = unb64(str(line["leaf"]))
            if set(line) not in _LINES:
                raise BadProof(f"entry {number} does not have the members it should.")
            if line["number"] != number:
                raise BadProof(f"entry {number} is missing or out of place.")
            if "entry" not in line:
                self.redacted += 1
            elif merkle.leaf_hash(log_leaf(unb64(str(line["salt"])), line["entry"])) != leaf or line["entry"]["number"] != number:
                raise BadProof(f"entry {number} is not what was logged.")
            yield leaf
