"""Signed heads of the log and their cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature), and the salted leaf input."""

import base64
import binascii
import contextlib
import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from keys.encoding import canonical
from keys.errors import BadFormat, BadSignature
from keys.sign import SigningKey, VerifyKey

LEAF_CONTEXT = b"LCJP-Exchange log leaf v1\0"
ED25519, COSIGNATURE = b"\x01", b"\x04"  # signature types of C2SP signed-note
MAX_NOTE = 1 << 16
MAX_SIGNATURES = 100
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE_LINE = re.compile("\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class Checkpoint:
    """The log named `origin` had `size` leaves and the 32-byte Merkle root `root`."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.origin) or not self.origin.isprintable():
            raise BadFormat("origin: not a name that a signed note can carry")
        if not 0 <= self.size < 1 << 63:
            raise BadFormat("size: out of range")
        if len(self.root) != 32:
            raise BadFormat("root: not 32 bytes")

    def text(self) -> str:
        """The note text that is signed: origin, size and base64 root, a line each."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def log_leaf(salt: bytes, entry: object) -> bytes:
    """The 32-byte leaf input SHA-256(context ‖ salt ‖ canonical entry), over which `merkle.leaf_hash` is taken. The salt is 32 bytes."""
    if len(salt) != 32:
        raise BadFormat("a salt is 32 bytes")
    return hashlib.sha256(LEAF_CONTEXT + salt + canonical(entry)).digest()


def key_id(name: str, key: VerifyKey, kind: bytes = ED25519) -> bytes:
    """The four bytes by which a note's signature line names its key and the kind of signature."""
    return hashlib.sha256(name.encode() + b"\n" + kind + key.raw).digest()[:4]


def sign_checkpoint(checkpoint: Checkpoint, *keys: SigningKey) -> str:
    """The signed note, a line for each key. The key name is the origin, and a signature is over the note text itself, as C2SP asks."""
    text, name = checkpoint.text(), checkpoint.origin
    lines = [_line(name, key_id(name, key.public) + key.sign_raw(text.encode())) for key in keys]
    return text + "\n" + "".join(lines)


def verify_checkpoint(text: str, origin: str, key: VerifyKey) -> Checkpoint:
    """The checkpoint of a note that `key` signed for the log `origin`; signatures of other keys are ignored.

    BadFormat for what is no checkpoint (extension lines included), BadSignature for another log, a missing or a failing signature.
    """
    body, lines = _split_note(text)
    checkpoint = _parse(body)
    if checkpoint.origin != origin:
        raise BadSignature("a checkpoint of another log")
    signatures = _signatures(lines, origin, key_id(origin, key))
    if not signatures:
        raise BadSignature("not signed by the log's key")
    for signature in signatures:  # C2SP: a known key's signature that fails spoils the whole note
        key.verify_raw(body.encode(), signature)
    return checkpoint


def verify_by_any(text: str, origin: str, keys: Collection[VerifyKey]) -> Checkpoint:
    """As `verify_checkpoint`, by any of several keys that the log may have: while its key is renewed there are two."""
    for key in keys:
        with contextlib.suppress(BadSignature):
            return verify_checkpoint(text, origin, key)
    raise BadSignature("not signed by the log's key")


def cosign(text: str, name: str, key: SigningKey, time: int) -> str:
    """The note with a witness's cosignature added, made at `time` (seconds since 1970). The witness must have verified the note."""
    body, _ = _split_note(text)
    _parse(body)
    if not _NAME.fullmatch(name):
        raise BadFormat("not a name that a signed note can carry")
    stamp = time.to_bytes(8, "big")
    return text + _line(name, key_id(name, key.public, COSIGNATURE) + stamp + key.sign_raw(_cosigned(body, time)))


def witness_name(origin: str, party: str) -> str:
    """The name of a party's witness key in notes of the log `origin`: `<origin>/witness/<party>`."""
    return f"{origin}/witness/{party}"


def origin_of(text: str) -> str:
    """The log that a note says it is of: its first line, unverified."""
    return text.partition("\n")[0]


def cosigned_at(text: str, name: str, key: VerifyKey) -> int | None:
    """When the witness `name` cosigned this note (seconds since 1970), or None if it did not. BadSignature if its line does not verify."""
    body, lines = _split_note(text)
    times = []
    for signature in _signatures(lines, name, key_id(name, key, COSIGNATURE)):
        if len(signature) != 8 + 64:
            raise BadFormat("not a cosignature")
        time = int.from_bytes(signature[:8], "big")
        key.verify_raw(_cosigned(body, time), signature[8:])
        times.append(time)
    return max(times, default=None)


def cosigned_by(text: str, keys: Iterable[VerifyKey], name: str, witness: VerifyKey) -> str:
    """The note with the signature lines of its log's `keys` and of one witness alone."""
    body, lines = _split_note(text)
    origin = origin_of(text)
    wanted = {*((origin, key_id(origin, key)) for key in keys), (name, key_id(name, witness, COSIGNATURE))}
    found = ((line, _signature_line(line)) for line in lines)
    return body + "\n" + "".join(f"{line}\n" for line, (other, signature) in found if (other, signature[:4]) in wanted)


def _cosigned(body: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{body}".encode()


def _line(name: str, signature: bytes) -> str:
    return f"\u2014 {name} {base64.b64encode(signature).decode()}\n"


def _signatures(lines: list[str], name: str, wanted: bytes) -> list[bytes]:
    """The signatures, key id taken off, of the lines that name this key. A malformed line spoils the note, whosever it is."""
    found = [_signature_line(line) for line in lines]
    return [signature[4:] for other, signature in found if other == name and signature[:4] == wanted]


def _split_note(text: str) -> tuple[str, list[str]]:
    if len(text) > MAX_NOTE or not text.endswith("\n") or any(c < " " and c != "\n" for c in text):
        raise BadFormat("not a signed note")
    body, blank, signatures = text.rpartition("\n\n")
    lines = signatures[:-1].split("\n")
    if not blank or len(lines) > MAX_SIGNATURES:
        raise BadFormat("not a signed note")
    return body + "\n", lines


def _signature_line(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise BadFormat("not a signature line of a signed note")
    return match[1], _base64(match[2])


def _parse(body: str) -> Checkpoint:
    lines = body[:-1].split("\n")
    if len(lines) != 3 or not _SIZE.fullmatch(lines[1]):
        raise BadFormat("not a checkpoint of three lines")
    return Checkpoint(lines[0], int(lines[1]), _base64(lines[2]))


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFormat("not base64") from error
    if base64.b64encode(data).decode() != text:
        raise BadFormat("not canonical base64")
    return data
