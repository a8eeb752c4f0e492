"""The partner as witness: every push first demands proof that the hub's log still begins with the log we last saw."""

import time
from dataclasses import dataclass
from pathlib import Path

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.errors import IntegrityFailed
from keys.checkpoint import Checkpoint, verify_checkpoint
from keys.encoding import b64, canonical, parse_json, unb64
from keys.errors import BadFormat, BadProof, BadSignature
from keys.files import replace
from keys.merkle import verify_consistency
from keys.sign import VerifyKey


@dataclass(frozen=True)
class Witness:
    """Keeps ``checkpoint.json``: the last checkpoint that was verified, and the log key that signed it."""

    home: Path

    @property
    def path(self) -> Path:
        """Where the last checkpoint is kept."""
        return self.home / "checkpoint.json"

    def last(self) -> Checkpoint | None:
        """The last verified checkpoint; None before the first. IntegrityFailed if what is kept was altered."""
        if not self.path.is_file():
            return None
        try:
            kept = parse_json(self.path.read_bytes())
            key = VerifyKey(unb64(kept["key"], 32))
            return verify_checkpoint(kept["note"], kept["origin"], key)
        except (BadFormat, BadSignature, OSError, KeyError, TypeError):
            raise IntegrityFailed(f"{self.path}: the checkpoint kept here was altered.", remedy="Restore it from your backup.") from None

    def observe(self, client: Client, verified: Verified) -> Checkpoint:
        """Fetch the log's head, verify it with the key that the agreement names, demand that it continues the last one, and keep it.

        Raises:
            IntegrityFailed: the log was rolled back or forked, or is not signed as it must be. What was shown is kept as evidence.
        """
        key = VerifyKey(verified.public_key(verified.hub.log))
        note = client.get_text("/v1/log/checkpoint", "fetching the log's checkpoint")
        last = self.last()
        try:
            # The first line names the log. The first time we take its word, under a key that the agreement names; then it is fixed.
            head = verify_checkpoint(note, last.origin if last else note.partition("\n")[0], key)
            self._continues(client, last, head)
        except (BadFormat, BadSignature, BadProof) as error:
            raise self._alarm(note, f"{type(error).__name__}: {error}") from None
        replace(self.path, canonical({"note": note, "origin": head.origin, "key": b64(key.raw)}) + b"\n")
        return head

    def _continues(self, client: Client, last: Checkpoint | None, head: Checkpoint) -> None:
        if last is None:
            return
        if head.size < last.size:
            raise BadProof(f"the log had {last.size} entries and now shows {head.size}")
        proof: list[bytes] = []
        if 0 < last.size < head.size:
            query = {"old": str(last.size), "new": str(head.size)}
            answer = client.get("/v1/log/consistency", "asking for proof that the log only grew", query)
            proof = _hashes(answer.get("proof"))
        verify_consistency(last.size, head.size, last.root, head.root, proof)

    def _alarm(self, note: str, why: str) -> IntegrityFailed:
        evidence = self.home / f"evidence-{int(time.time())}.txt"
        replace(evidence, note.encode())
        return IntegrityFailed(
            "The hub's log does not continue the log that this agency saw before: it was rolled back or forked.",
            why=f"{why}. Kept here: {self.path.name} (before) and {evidence.name} (now).",
            remedy="Push nothing. Compare checkpoints with the other partners and call the incident contact of the agreement.",
        )


def _hashes(found: object) -> list[bytes]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadFormat("the proof is not a list of hashes")
    try:
        return [bytes.fromhex(one) for one in found]
    except ValueError:
        raise BadFormat("the proof is not written in hexadecimal") from None
