"""The other witnesses: what partners have cosigned must be of the log that we see, and ours is left for them.

The hub only relays: each note is verified with the witness key that the verified agreements name for that party. A partner's note that the
log shown to us does not begin with proves that the hub shows two logs. It stays here until the log is proved to begin with it, so every
later run stops as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.agency.cosigners import Keys, Seen, given, listed
from adapters.agency.witness import REMEDY, Witness, continues, evidence_of, succeeded
from adapters.errors import AgreementRefused, IntegrityFailed, ServerRefused
from keys import files
from keys.checkpoint import Checkpoint, cosign, origin_of, witness_name
from keys.encoding import canonical, parse_json
from keys.errors import BadFormat, BadProof
from keys.merkle import verify_consistency
from keys.sign import SigningKey

ALONE = 7 * 24 * 3600
"""Seconds without another party's cosignature after which that is said."""
NOTE_LIMIT = 1 << 16
WITHHELD = (
    "The hub does not hand out the witness key of {}: what they cosign cannot be compared. If they have not revoked it, compare "
    "checkpoints with them by another road."
)


@dataclass
class Exchanged:
    """What came of an exchange: the newest of every other party, and what somebody should know though it stops nothing."""

    head: Checkpoint
    seen: list[Seen] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Witnesses:
    """Keeps ``witnesses.json``, the newest cosigned head of each other party, and ``cosigned.txt``, our own."""

    home: Path
    party: str

    @property
    def path(self) -> Path:
        """Where the others' are kept."""
        return self.home / "witnesses.json"

    @property
    def own(self) -> Path:
        """Where ours is kept, to be handed to a partner."""
        return self.home / "cosigned.txt"

    def exchange(
        self, client: Client, witness: Witness, verified: Sequence[Verified], key: SigningKey | None, now: int, handed: Sequence[str] = ()
    ) -> Exchanged:
        """Compare the head just witnessed with what the others have cosigned, then cosign it and leave it at the hub.

        Args:
            key: our witness key, if we have one. handed: notes that partners handed us by another road than the hub.
        Raises:
            IntegrityFailed: a partner saw a log that is not the one that we see. Both notes are kept as evidence.
        """
        keys, state = Keys.of(verified), self._state(now)
        found = Exchanged(_head(witness), warnings=[WITHHELD.format(one) for one in keys.withheld(self.party)])
        answer = client.get("/v1/log/witnesses", "asking what the other parties have cosigned", {"of": str(found.head.size)})
        shown = answer.get("witnesses")
        of = found.head.size
        offered = [self._of_logs_that_go_on(listed(shown, keys, found.warnings), found.warnings)]
        offered += [self._of_logs_that_go_on([(one, None)], found.warnings) for note in handed for one in given(note, keys)]
        for batch in offered:  # what was handed over is compared by itself, and always: the hub's list must not stand in its way
            before = dict(state.seen)
            proofs = self._take(state.seen, batch, always=batch is not offered[0])
            self._keep(state)
            for seen in [one for one in state.seen.values() if not one.proved]:
                proof = proofs.get(seen.note) if found.head.size == of else None  # the list's proofs are to the head that it was asked for
                found.head = self._agrees(client, witness, verified[0], found.head, seen, proof)
                known = before.get(seen.party, seen)
                state.seen[seen.party] = known if known.proved and known.order > seen.order else replace(seen, proved=True)
                self._keep(state)
        self._cosign(client, witness, verified, key, now, found)
        found.seen = sorted(state.seen.values(), key=lambda one: one.party)
        found.warnings += alone(found.seen, keys, self.party, state.since, now)
        return found

    def standing(self, verified: Sequence[Verified], now: int) -> tuple[list[Seen], list[str]]:
        """What is kept of the others, by party, and the warning where none of them cosigns; asks nothing of the hub."""
        state = self._state(now)
        seen = sorted(state.seen.values(), key=lambda one: one.party)
        return seen, alone(seen, Keys.of(verified), self.party, state.since, now)

    def forget(self, now: int) -> None:
        """Begin anew, with another log."""
        self._keep(_State(now))

    def _take(
        self, seen: dict[str, Seen], offered: Sequence[tuple[Seen, list[bytes] | None]], *, always: bool
    ) -> dict[str, list[bytes] | None]:
        """Put in what is new, or whatever it is. What is not proved yet stays: a hub must not talk its way out of it with another note."""
        proofs: dict[str, list[bytes] | None] = {}
        for one, proof in offered:
            before = seen.get(one.party)
            if one.party != self.party and (before is None or (before.proved and (always or one.order > before.order))):
                seen[one.party], proofs[one.note] = one, proof
        return proofs

    def _of_logs_that_go_on(
        self, offered: Sequence[tuple[Seen, list[bytes] | None]], warnings: list[str]
    ) -> list[tuple[Seen, list[bytes] | None]]:
        """Without notes of a log that was lost and whose succession was accepted here; what they say nobody can prove any more."""
        lost = succeeded(self.home)
        for party in sorted({seen.party for seen, _ in offered if seen.head.origin in lost}):
            warnings.append(
                f"A note of {party} is of a log that was lost and succeeded: it is not compared. They have to accept the succession too."
            )
        return [one for one in offered if one[0].head.origin not in lost]

    def _agrees(
        self, client: Client, witness: Witness, verified: Verified, head: Checkpoint, seen: Seen, proof: list[bytes] | None
    ) -> Checkpoint:
        """The head, once it is proved to begin with what a partner has seen; fetched again if the partner has seen more."""
        if seen.head.origin == head.origin and seen.head.size > head.size:
            head, proof = witness.observe(client, verified), None
        try:
            _same_log(seen, head)
            if proof is None:
                continues(client, seen.head, head)
            else:
                verify_consistency(seen.head.size, head.size, seen.head.root, head.root, proof)
        except (BadFormat, BadProof) as error:
            paths = evidence_of(self.home, **{"ours": _note(witness), seen.party: seen.note})
            raise IntegrityFailed(
                f"The hub's log is forked or rolled back: {seen.party} cosigned a head of {seen.head.size:,} entries that is not of the log shown here.",
                why=f"{type(error).__name__}: {error}. Kept here: {' and '.join(path.name for path in paths)}, each signed by the hub's log key.",
                remedy=REMEDY,
            ) from None
        return head

    def _cosign(
        self, client: Client, witness: Witness, verified: Sequence[Verified], key: SigningKey | None, now: int, found: Exchanged
    ) -> None:
        """Cosign the head that was compared, keep the note, and leave it at the hub."""
        named = {one.keys.witness for verify in verified if (one := verify.agreement.party(self.party)) and one.keys} - {""}
        if not named:
            return
        if key is None or key.public.fingerprint not in named:
            found.warnings.append("The witness key that the agreement names for us is not here: we cosign nothing. Set keys.witness.")
            return
        note = cosign(_note(witness), witness_name(found.head.origin, self.party), key, now)
        files.replace(self.own, note.encode())
        try:
            client.post("/v1/log/cosignatures", "leaving our cosignature", {"note": note})
        except (ServerRefused, AgreementRefused) as error:
            if getattr(error, "code", "") != "cosignature-older":
                found.warnings.append(f"The hub does not take our cosignature: {error}")

    def _state(self, now: int) -> "_State":
        if not self.path.is_file():
            return _State(now)
        try:
            kept = parse_json(self.path.read_bytes(), limit=8 << 20)
            return _State(int(kept["since"]), {str(party): _parsed(str(party), one) for party, one in kept["seen"].items()})
        except (BadFormat, OSError, KeyError, TypeError, ValueError, AttributeError):
            remedy = "Restore it from your backup. If there is none, remove it: what partners cosigned before is then not known here."
            raise IntegrityFailed(f"{self.path}: what is kept of the other witnesses was altered.", remedy=remedy) from None

    def _keep(self, state: "_State") -> None:
        seen = {
            one.party: {"note": one.note, "size": one.head.size, "root": one.head.root.hex(), "at": one.at, "proved": one.proved}
            for one in state.seen.values()
        }
        files.replace(self.path, canonical({"since": state.since, "seen": seen}) + b"\n")


@dataclass
class _State:
    since: int
    seen: dict[str, Seen] = field(default_factory=dict)


def alone(seen: Sequence[Seen], keys: Keys, party: str, since: int, now: int) -> list[str]:
    """The warning that no other party has cosigned for seven days, where an agreement has others who could."""
    others = sorted(keys.named - {party})
    newest = max((min(one.at, now) for one in seen if one.party in others), default=since)
    if not others or now - newest <= ALONE:
        return []
    days = (now - newest) // (24 * 3600)
    return [
        f"No other party has cosigned the log for {days} days: only we would notice a fork. Ask {', '.join(others)} to run watch daily."
    ]


def _parsed(party: str, kept: Mapping[str, Any]) -> Seen:
    note = str(kept["note"])
    head = Checkpoint(origin_of(note), int(kept["size"]), bytes.fromhex(kept["root"]))
    return Seen(party, note, head, int(kept["at"]), proved=bool(kept["proved"]))


def _same_log(seen: Seen, head: Checkpoint) -> None:
    if seen.head.origin != head.origin:
        raise BadProof(f"{seen.party} saw a log of another name")


def _note(witness: Witness) -> str:
    kept = witness.kept()
    return kept.note if kept else ""


def _head(witness: Witness) -> Checkpoint:
    head = witness.last()
    if head is None:
        raise IntegrityFailed("No head of the log is kept here.")
    return head
