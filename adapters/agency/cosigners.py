"""Whom to believe among the witnesses, and what a cosigned note says: of the hub's list, or handed over by a partner."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.agency.agreements_store import Verified
from adapters.agency.witness import hashes
from adapters.errors import IntegrityFailed, UsageError
from keys.checkpoint import Checkpoint, cosigned_at, origin_of, verify_checkpoint, witness_name
from keys.errors import BadFormat, BadSignature
from keys.sign import VerifyKey


@dataclass(frozen=True)
class Seen:
    """A head that another party has cosigned at ``at`` (seconds since 1970). ``proved``: the log that we see was proved to begin with it."""

    party: str
    note: str
    head: Checkpoint
    at: int
    proved: bool = False

    @property
    def order(self) -> tuple[int, int]:
        """By which the newer of two of one party is told: entries, then time."""
        return self.head.size, self.at


@dataclass(frozen=True)
class Keys:
    """Whom to believe: the keys of the log, and each party's witness keys, as verified agreements name them.

    ``named``: whoever has a witness key by an agreement, whether the hub hands it out or not.
    """

    log: tuple[VerifyKey, ...]
    witnesses: Mapping[str, tuple[VerifyKey, ...]]
    named: frozenset[str]

    @classmethod
    def of(cls, verified: Sequence[Verified]) -> "Keys":
        """The keys of these agreements, as far as the hub hands them out. A revoked key it does not."""
        log = {one.keys[one.hub.log] for one in verified if one.hub.log in one.keys}
        found: dict[str, set[bytes]] = {}
        for one in verified:
            for party in one.agreement.parties:
                if party.keys and party.keys.witness in one.keys:
                    found.setdefault(party.id, set()).add(one.keys[party.keys.witness])
        ordered = {party: tuple(VerifyKey(raw) for raw in sorted(keys)) for party, keys in found.items()}
        named = frozenset(party.id for one in verified for party in one.agreement.parties if party.keys and party.keys.witness)
        return cls(tuple(VerifyKey(raw) for raw in sorted(log)), ordered, named)

    def withheld(self, party: str) -> list[str]:
        """The others who have a witness key by an agreement, and of whom the hub hands out none."""
        return sorted(self.named - {party} - set(self.witnesses))

    def read(self, note: str, parties: Sequence[str] = ()) -> Iterator[Seen]:
        """What a note says that these parties (all of them, where none are named) have cosigned; nothing where its log's key is not known.

        BadFormat or BadSignature where a line of a known key fails.
        """
        origin = origin_of(note)
        for key in self.log:
            try:
                head = verify_checkpoint(note, origin, key)
                break
            except BadSignature:
                continue
        else:
            return
        for party in parties or self.witnesses:
            name = witness_name(origin, party)
            times = [at for key in self.witnesses.get(party, ()) if (at := cosigned_at(note, name, key)) is not None]
            if times:
                yield Seen(party, note, head, max(times))


def listed(found: Any, keys: Keys, warnings: list[str]) -> list[tuple[Seen, list[bytes] | None]]:
    """The hub's list. A note of it that does not verify counts as if the hub had left it out: it can do that anyway."""
    if not isinstance(found, list):
        raise IntegrityFailed("The hub's list of witnesses is not a list.")
    read: list[tuple[Seen, list[bytes] | None]] = []
    for one in found:
        try:
            party, note, proof = str(one["party"]), str(one["note"]), hashes(one["proof"])
            read += [(seen, proof) for seen in keys.read(note, [party])]
        except (BadFormat, BadSignature, KeyError, TypeError):
            warnings.append("The hub shows a cosigned note that does not verify; it is not counted.")
    return read


def given(note: str, keys: Keys) -> list[Seen]:
    """What a note that a partner handed us says; UsageError where it says nothing that can be believed."""
    try:
        read = list(keys.read(note))
    except (BadFormat, BadSignature) as error:
        raise UsageError("The witness's note does not verify.", why=f"{error}.", remedy="Ask the partner for it again.") from None
    if not read:
        raise UsageError(
            "The witness's note is not cosigned by anybody whose witness key an agreement in force names, or is not of this hub's log.",
            remedy="Ask the partner for the file that exchange-agency watch --note writes.",
        )
    return read
