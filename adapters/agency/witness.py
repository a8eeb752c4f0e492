"""The partner as witness: every push first demands proof that the hub's log still begins with the log we last saw."""

import time
from dataclasses import dataclass
from pathlib import Path

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.errors import IntegrityFailed
from keys.checkpoint import Checkpoint, origin_of, verify_checkpoint
from keys.encoding import b64, canonical, parse_json, unb64
from keys.errors import BadFormat, BadProof, BadSignature
from keys.files import replace
from keys.merkle import verify_consistency
from keys.sign import VerifyKey

REMEDY = (
    "Push nothing. If the hub was restored from a backup, its operator has first to replay the log from its second store: then the log "
    "continues, and this run goes through. If that store is lost too, every party signs a succession, and you run: exchange-agency watch "
    "--succession FILE. If nobody restored anything, compare checkpoints with the partners and call the agreement's incident contact."
)


@dataclass(frozen=True)
class Kept:
    """The last head that was verified here: the note as it was shown, what it says, and the log key that signed it."""

    note: str
    head: Checkpoint
    key: VerifyKey


@dataclass(frozen=True)
class Witness:
    """Keeps ``checkpoint.json``: the last checkpoint that was verified, and the log key that signed it."""

    home: Path

    @property
    def path(self) -> Path:
        """Where the last checkpoint is kept."""
        return self.home / "checkpoint.json"

    def kept(self) -> Kept | None:
        """What is kept; None before the first. IntegrityFailed if it was altered."""
        if not self.path.is_file():
            return None
        try:
            found = parse_json(self.path.read_bytes())
            key = VerifyKey(unb64(found["key"], 32))
            return Kept(found["note"], verify_checkpoint(found["note"], found["origin"], key), key)
        except (BadFormat, BadSignature, OSError, KeyError, TypeError):
            raise IntegrityFailed(f"{self.path}: the checkpoint kept here was altered.", remedy="Restore it from your backup.") from None

    def last(self) -> Checkpoint | None:
        """The last verified checkpoint; None before the first. IntegrityFailed if what is kept was altered."""
        kept = self.kept()
        return kept.head if kept else None

    def keep(self, note: str, head: Checkpoint, key: VerifyKey) -> None:
        """Keep a head that was verified."""
        replace(self.path, canonical({"note": note, "origin": head.origin, "key": b64(key.raw)}) + b"\n")

    def observe(self, client: Client, verified: Verified) -> Checkpoint:
        """Fetch the log's head, verify it with the key that the agreement names, demand that it continues the last one, and keep it.

        Raises:
            IntegrityFailed: the log was rolled back or forked, or is not signed as it must be. What was shown is kept as evidence.
        """
        key, last = log_key(verified), self.last()
        note = fetch(client)
        try:
            # The first line names the log. The first time we take its word, under a key that the agreement names; then it is fixed.
            head = verify_checkpoint(note, last.origin if last else origin_of(note), key)
            if last is not None:
                continues(client, last, head)
        except (BadFormat, BadSignature, BadProof) as error:
            [evidence] = evidence_of(self.home, now=note)
            raise IntegrityFailed(
                "The hub's log does not continue the log that this agency saw before: it was rolled back or forked.",
                why=f"{type(error).__name__}: {error}. Kept here: {self.path.name} (before) and {evidence.name} (now).",
                remedy=REMEDY,
            ) from None
        self.keep(note, head, key)
        return head


def fetch(client: Client) -> str:
    """The log's head as the hub shows it now."""
    return client.get_text("/v1/log/checkpoint", "fetching the log's checkpoint")


def log_key(verified: Verified) -> VerifyKey:
    """The key of the hub's log that an agreement names."""
    return VerifyKey(verified.public_key(verified.hub.log))


def continues(client: Client, last: Checkpoint, head: Checkpoint) -> None:
    """Demand proof that the log of ``head`` begins with the log of ``last``; BadProof or BadFormat without it."""
    if head.size < last.size:
        raise BadProof(f"the log had {last.size} entries and now shows {head.size}")
    proof: list[bytes] = []
    if 0 < last.size < head.size:
        query = {"old": str(last.size), "new": str(head.size)}
        answer = client.get("/v1/log/consistency", "asking for proof that the log only grew", query)
        proof = hashes(answer.get("proof"))
    verify_consistency(last.size, head.size, last.root, head.root, proof)


def hashes(found: object) -> list[bytes]:
    """The hashes of a proof; BadFormat if it is none."""
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadFormat("the proof is not a list of hashes")
    try:
        return [bytes.fromhex(one) for one in found]
    except ValueError:
        raise BadFormat("the proof is not written in hexadecimal") from None


def succeeded(home: Path) -> frozenset[str]:
    """The names of logs that were lost and whose successions were accepted here (``succession-*.json``): nothing is proved of them any more."""
    try:
        return frozenset(origin_of(parse_json(path.read_bytes())["document"]["ended"]) for path in home.glob("succession-*.json"))
    except (BadFormat, OSError, KeyError, TypeError, AttributeError):
        raise IntegrityFailed(f"{home}: a succession kept here was altered.", remedy="Restore it from your backup.") from None


def evidence_of(home: Path, **notes: str) -> list[Path]:
    """Keep notes that do not belong to one log, each in a file named by the moment and by whose it is."""
    moment = int(time.time())
    found = {home / f"evidence-{moment}-{name}.txt": note for name, note in notes.items()}
    for path, note in found.items():
        replace(path, note.encode())
    return list(found)
