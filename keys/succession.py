"""The succession of a lost log: one document, signed by many, and what its two checkpoints say.

A file of it is a JSON object of `format`, `document` and `signatures`, a list of signed documents (section 3 or 13 of docs/formats.md), each
of that very document.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keys.checkpoint import Checkpoint, origin_of, verify_by_any
from keys.errors import BadFormat, BadSignature
from keys.formats import Succession
from keys.sign import Use, VerifyKey
from keys.statements import verify_signed

BUNDLE = "lcjp-exchange/log-succession/1"
_MEMBERS = {"format", "document", "signatures"}


@dataclass(frozen=True)
class Succeeding:
    """A succession whose every signature holds.

    Attributes:
        ended: the last witnessed checkpoint of the log that was lost.
        begins: the first checkpoint of the log that goes on in its place, under another origin.
        signers: the fingerprints of those who signed. Whether they are all who must, the agreements say.
    """

    document: Succession
    ended: Checkpoint
    begins: Checkpoint
    signers: frozenset[str]


def bundle(signed: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Signed documents, all of one succession, as one. BadFormat if there is none, or they are of several."""
    found = list(signed)
    if not found or any(one.get("document") != found[0].get("document") for one in found):
        raise BadFormat("signatures: none, or not all of one document")
    return {"format": BUNDLE, "document": found[0]["document"], "signatures": found}


def read_succession(found: object, old: Collection[VerifyKey], new: Collection[VerifyKey]) -> Succeeding:
    """Verify a bundle from its own words.

    Args:
        old: the keys of the log that was lost, any of which may have signed; new: those of the log that goes on. They may be the same.
    Raises:
        BadFormat, BadSignature: it is no succession, a signature fails, or its checkpoints are not signed by these keys.
    """
    if not isinstance(found, Mapping) or set(found) != _MEMBERS or found["format"] != BUNDLE or not isinstance(found["signatures"], list):
        raise BadFormat("not a succession of a log")
    document = Succession.parse(found["document"])
    ended, begins = checkpoints_of(document, old, new)
    return Succeeding(document, ended, begins, frozenset(_signer(one, document) for one in found["signatures"]))


def checkpoints_of(document: Succession, old: Collection[VerifyKey], new: Collection[VerifyKey]) -> tuple[Checkpoint, Checkpoint]:
    """The last witnessed checkpoint of the old log, and the first of the new, each verified by one of its keys."""
    ended = verify_by_any(document.ended, origin_of(document.ended), old)
    begins = verify_by_any(document.begins, origin_of(document.begins), new)
    if begins.origin == ended.origin or not begins.size:
        raise BadFormat("begins: it has the origin of the log that was lost, or is empty")
    return ended, begins


def _signer(signed: Any, document: Succession) -> str:
    key = str(signed.get("key")) if isinstance(signed, Mapping) else ""
    if Succession.parse(verify_signed(signed, Use.LOG_SUCCESSION, key)) != document:
        raise BadSignature("a signature is of another document")
    return key
