"""Chosen entries of the log with proof that they are in it: written by the hub, verified by anybody, with no hub (docs/formats.md section 9).

A file of JSON lines. The first is the head: a signed checkpoint, the public keys that signed it, and the heads that witnesses have cosigned,
each with proof that the log of the checkpoint begins with it. Then a line an entry: number, leaf hash, salt, entry and its inclusion proof; of
a redacted one number, leaf and proof alone. Nothing in the file is believed but what leads to the fingerprint of a key that the reader trusts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keys import merkle
from keys.checkpoint import Checkpoint, cosigned_at, log_leaf, origin_of, sign_checkpoint, verify_checkpoint, witness_name
from keys.encoding import b64, unb64
from keys.errors import BadFormat, BadProof, BadSignature
from keys.sign import SigningKey, VerifyKey

FORMAT = "lcjp-exchange/log-proof/1"
_HEAD = {"format", "checkpoint", "keys", "witnesses", "entries"}
_WITNESS = {"party", "key", "note", "proof"}
_REDACTED = {"number", "leaf", "proof"}
_OPEN = _REDACTED | {"salt", "entry"}
_MOST_KEYS, _LONGEST_PROOF = 100, 128


@dataclass(frozen=True)
class Witness:
    """A head that a party has cosigned, to be shown: its witness key, the note, and the proof up to the checkpoint (none if that is it)."""

    party: str
    key: VerifyKey
    note: str
    proof: Sequence[bytes]


@dataclass(frozen=True)
class Cosigned:
    """What a witness has said: `party` cosigned the head of `size` entries at `time` (seconds since 1970). Compare the key's fingerprint."""

    party: str
    key: str
    size: int
    time: int


@dataclass(frozen=True)
class Head:
    """A verified head: the checkpoint, the trusted key that signed it, who has cosigned heads that it continues, and how many entries follow."""

    checkpoint: Checkpoint
    key: str
    cosigned: tuple[Cosigned, ...]
    entries: int


@dataclass(frozen=True)
class Proved:
    """An entry that is in the log under its number; `entry` is None where it was redacted."""

    number: int
    entry: Mapping[str, Any] | None


def head_line(checkpoint: Checkpoint, keys: Sequence[SigningKey], witnesses: Sequence[Witness], entries: int) -> dict[str, Any]:
    """The first line of a file of `entries` entries."""
    shown = [{"party": one.party, "key": b64(one.key.raw), "note": one.note, "proof": _hex(one.proof)} for one in witnesses]
    note = sign_checkpoint(checkpoint, *keys)
    return {"format": FORMAT, "checkpoint": note, "keys": [b64(key.public.raw) for key in keys], "witnesses": shown, "entries": entries}


def entry_line(number: int, leaf: bytes, salt: bytes | None, entry: Mapping[str, Any] | None, proof: Sequence[bytes]) -> dict[str, Any]:
    """A line of an entry, redacted where it has no salt."""
    opened = {} if salt is None else {"salt": b64(salt), "entry": entry}
    return {"number": number, "leaf": b64(leaf), **opened, "proof": _hex(proof)}


def verify_head(line: Mapping[str, Any], trusted: Collection[str]) -> Head:
    """The head, if a key of one of these fingerprints signed it.

    BadSignature: no trusted key did. BadProof: it is not of the form, or the log does not continue a head that a witness cosigned.
    """
    try:
        return _head(line, trusted)
    except (KeyError, TypeError, AttributeError, ValueError, BadFormat) as error:
        raise BadProof("the first line is not of the form that a proof has.") from error


def verify_entry(line: Mapping[str, Any], head: Head) -> Proved:
    """The entry, if it is in the log of this head. BadProof where it is not, or is another one than was logged."""
    try:
        return _entry(line, head.checkpoint)
    except (KeyError, TypeError, AttributeError, ValueError, BadFormat) as error:
        raise BadProof("a line is not of the form that a proof has.") from error


def verify_lines(lines: Iterable[Mapping[str, Any]], trusted: Collection[str]) -> tuple[Head, Iterator[Proved]]:
    """The verified head, and every entry as it is verified; BadProof at the end where there are fewer or more than the head says."""
    rest = iter(lines)
    head = verify_head(next(rest, {}), trusted)
    return head, _entries(rest, head)


def _entries(lines: Iterator[Mapping[str, Any]], head: Head) -> Iterator[Proved]:
    last, count = -1, 0
    for line in lines:
        found = verify_entry(line, head)
        if found.number <= last:
            raise BadProof(f"entry {found.number} is out of place.")
        last, count = found.number, count + 1
        yield found
    if count != head.entries:
        raise BadProof(f"there are {count} entries, and the first line says {head.entries}.")


def _head(line: Mapping[str, Any], trusted: Collection[str]) -> Head:
    if line.get("format") != FORMAT or set(line) != _HEAD or len(line["keys"]) > _MOST_KEYS or len(line["witnesses"]) > _MOST_KEYS:
        raise BadProof("this is not a proof of entries of the log.")
    note = str(line["checkpoint"])
    keys = [VerifyKey(unb64(str(raw))) for raw in line["keys"]]
    key = next((found for found in keys if found.fingerprint in trusted), None)
    if key is None:
        raise BadSignature("the log is signed with another key than the one you trust.")
    signed = verify_checkpoint(note, origin_of(note), key)
    if type(line["entries"]) is not int:
        raise BadProof("the number of entries is no number.")
    return Head(signed, key.fingerprint, tuple(_cosigned(one, signed, keys) for one in line["witnesses"]), line["entries"])


def _cosigned(said: Mapping[str, Any], signed: Checkpoint, keys: Sequence[VerifyKey]) -> Cosigned:
    if set(said) != _WITNESS:
        raise BadProof("what a witness said is not of the form that it has.")
    party, witness, note = str(said["party"]), VerifyKey(unb64(str(said["key"]))), str(said["note"])
    seen = head_in(note, signed.origin, keys)
    if seen is None:
        raise BadProof(f"the head that {party} has cosigned is not signed by the log.")
    time = cosigned_at(note, witness_name(signed.origin, party), witness)
    if time is None:
        raise BadProof(f"{party} has not cosigned the head that is shown as its own.")
    merkle.verify_consistency(seen.size, signed.size, seen.root, signed.root, _path(said["proof"]))
    return Cosigned(party, witness.fingerprint, seen.size, time)


def head_in(note: str, origin: str, keys: Iterable[VerifyKey]) -> Checkpoint | None:
    """The head in a note that one of these keys of the log has signed, an older one perhaps; None where none did."""
    for key in keys:
        with suppress(BadSignature):
            return verify_checkpoint(note, origin, key)
    return None


def _entry(line: Mapping[str, Any], signed: Checkpoint) -> Proved:
    number, leaf = line["number"], unb64(str(line["leaf"]))
    if type(number) is not int or set(line) not in (_OPEN, _REDACTED):
        raise BadProof("a line does not have the members it should.")
    entry = line.get("entry")
    if "entry" in line:
        made = merkle.leaf_hash(log_leaf(unb64(str(line["salt"])), entry))
        if made != leaf or not isinstance(entry, Mapping) or entry.get("number") != number:
            raise BadProof(f"entry {number} is not what was logged.")
    try:
        merkle.verify_inclusion(leaf, number, signed.size, _path(line["proof"]), signed.root)
    except BadProof as error:
        raise BadProof(f"entry {number} is not in the log of the signed checkpoint: {error}") from error
    return Proved(number, entry)


def _path(steps: Sequence[str]) -> list[bytes]:
    if not isinstance(steps, list) or len(steps) > _LONGEST_PROOF:
        raise BadProof("a proof is a list of hashes.")
    return [bytes.fromhex(step) for step in steps]


def _hex(steps: Sequence[bytes]) -> list[str]:
    return [step.hex() for step in steps]
