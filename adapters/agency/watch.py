"""Watching what the hub's log says was done in our name: by keys and in uploads that we know, or by somebody else.

Each entry is proved to be in the log whose checkpoint we witnessed. What nobody here knows of is an alarm, and stays one until a person
says that it is known: a submission, a statement or a machine's key stops every push; a new key of a person (who may be enrolling for the
next version) is told and stops nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.agency.client import Client
from adapters.agency.receipts import Receipts
from adapters.errors import IntegrityFailed
from keys.checkpoint import Checkpoint, log_leaf
from keys.encoding import canonical, parse_json, unb64
from keys.errors import BadFormat, BadProof
from keys.files import replace
from keys.merkle import leaf_hash, verify_inclusion

_FINGERPRINT = re.compile(r"(?:ed25519|es256|xwing|passkey):[0-9a-f]{64}")
_PEOPLE = ("dpo", "signatory", "checker", "passkey")


@dataclass(frozen=True)
class Alarm:
    """Something in our name that nobody here knows of.

    Attributes:
        number: the entry's number in the log.
        subject: what to name in ``watch --know``: a fingerprint or an upload id.
        stops: whether nothing is pushed until it is known.
    """

    number: int
    what: str
    subject: str
    stops: bool

    def __str__(self) -> str:
        return f"Log entry {self.number}, in our name: {self.what} ({self.subject}). Nobody here knows of it."


@dataclass(frozen=True)
class Known:
    """What this agency knows to be its own: fingerprints of keys, and ids of uploads."""

    keys: frozenset[str]
    uploads: frozenset[str]


@dataclass(frozen=True)
class Watch:
    """Keeps ``watched.json``: up to which entry all is known, what people have said is known, and the alarms that stand."""

    home: Path
    party: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self.home / "watched.json"

    def look(self, client: Client, head: Checkpoint, known: Known, receipts: Receipts) -> list[Alarm]:
        """Read our entries up to the witnessed checkpoint; returns the alarms that stand, old ones first.

        Raises:
            IntegrityFailed: an entry is not in the log that was witnessed, or is not ours; or the log does not have what a receipt kept
                here was given for. A log that stands still for us alone is found so.
        """
        state = self._state()
        said = frozenset(state["known"])
        ours = Known(known.keys | said, known.uploads | said)
        standing = [alarm for alarm in _alarms(state["alarms"]) if alarm.subject not in ours.keys | ours.uploads]
        after, lacking = state["after"], set(receipts.unlogged()) - said
        for number, entry in self._entries(client, after, head):
            _decided(number, entry, lacking, receipts)
            standing += [alarm] if (alarm := judge(number, entry, ours)) else []
            after = number + 1
        self._keep({"after": max(after, head.size), "known": sorted(said), "alarms": [vars(alarm) for alarm in standing]})
        for number, entry in self._entries(client, 0, head) if lacking else ():  # seen before its receipt was fetched
            _decided(number, entry, lacking, receipts)
        if lacking:
            raise IntegrityFailed(
                f"The hub's log says nothing of {len(lacking)} submission(s) that it gave us a receipt for, the first {min(lacking)}.",
                why=f"A receipt is given after its entry is in the log. The log shown here has {head.size:,} entries.",
                remedy="Push nothing; compare checkpoints with the partners: it may stand still for you alone. If the log was lost and "
                "succeeded, or the entry redacted: exchange-agency watch --know SUBMISSION.",
            )
        return standing

    def know(self, subject: str) -> None:
        """A person says that this key or upload is ours after all."""
        state = self._state()
        self._keep({**state, "known": sorted({*state["known"], subject})})

    def restart(self) -> None:
        """Read the log from its beginning again: it is another one. What people said is known stays known."""
        self._keep({"after": 0, "known": self._state()["known"], "alarms": []})

    def _entries(self, client: Client, after: int, head: Checkpoint) -> Iterator[tuple[int, Mapping[str, Any]]]:
        while after < head.size:
            query = {"after": str(after), "of": str(head.size)}
            page = client.get("/v1/log/entries", "reading what the log says in our name", query).get("entries")
            if not isinstance(page, list):
                raise IntegrityFailed("The hub's answer about our entries of the log is not a list.")
            for found in page:
                number, entry = self._proved(found, after, head)
                yield number, entry
                after = number + 1
            if not page:
                return

    def _proved(self, found: Any, after: int, head: Checkpoint) -> tuple[int, Mapping[str, Any]]:
        try:
            number, entry = found["number"], found["entry"]
            path = [bytes.fromhex(step) for step in found["proof"]]
            verify_inclusion(leaf_hash(log_leaf(unb64(found["salt"], 32), entry)), number, head.size, path, head.root)
            ours = entry["organisation"] == self.party and entry["number"] == number and number >= after
        except (BadFormat, BadProof, KeyError, TypeError, ValueError) as error:
            raise _not_in_log(type(error).__name__) from None
        if not ours:
            raise _not_in_log("it is another's, or out of place")
        return number, entry

    def _state(self) -> dict[str, Any]:
        if not self.path.is_file():
            return {"after": 0, "known": [], "alarms": []}
        try:
            found = parse_json(self.path.read_bytes())
            known, alarms = [str(one) for one in found["known"]], [vars(alarm) for alarm in _alarms(found["alarms"])]
            state = {"after": int(found["after"]), "known": known, "alarms": alarms}
        except (BadFormat, OSError, KeyError, TypeError, ValueError):
            remedy = "Remove it: the next run reads the log from its beginning."
            raise IntegrityFailed(f"{self.path}: what the watch keeps was altered.", remedy=remedy) from None
        return state

    def _keep(self, state: Mapping[str, Any]) -> None:
        replace(self.path, canonical(dict(state)) + b"\n")


def _decided(number: int, entry: Mapping[str, Any], lacking: set[str], receipts: Receipts) -> None:
    subject = str(entry.get("subject", ""))
    if subject in lacking and entry.get("what") in ("submission held", "submission refused"):
        receipts.logged(subject, number)
        lacking.discard(subject)


def judge(number: int, entry: Mapping[str, Any], known: Known) -> Alarm | None:
    """The alarm that an entry in our name gives, or None."""
    what, who, subject = (str(entry.get(name, "")) for name in ("what", "who", "subject"))
    details = entry.get("details")
    if what == "submission opened":
        upload = str(details.get("upload", "")) if isinstance(details, dict) else ""
        return None if upload in known.uploads else Alarm(number, what, upload, stops=True)
    if what == "log entry redacted":  # what it was, nobody can tell any more: somebody should know that it went
        return None if subject in known.uploads else Alarm(number, what, subject, stops=False)
    if what.startswith("rights request: "):
        return None if subject in known.uploads else Alarm(number, what, subject, stops=True)
    if what.startswith("statement: "):
        return None if who in known.keys else Alarm(number, what, who, stops=True)
    if _FINGERPRINT.fullmatch(subject) and "revoked" not in what and subject not in known.keys:
        return Alarm(number, what, subject, stops=not any(role in what for role in _PEOPLE))
    return None


def refuse(alarms: Sequence[Alarm]) -> None:
    """Raise where an alarm stands that stops a push."""
    stopping = [alarm for alarm in alarms if alarm.stops]
    if stopping:
        raise IntegrityFailed(
            f"The hub's log holds {len(stopping)} thing(s) in our name that nobody here knows of.",
            why=" ".join(str(alarm) for alarm in stopping[:5]),
            remedy="Ask your data protection officer and the operator. If it was yours: exchange-agency watch --know SUBJECT.",
        )


def _alarms(found: Any) -> list[Alarm]:
    return [Alarm(int(one["number"]), str(one["what"]), str(one["subject"]), bool(one["stops"])) for one in found]


def _not_in_log(why: str) -> IntegrityFailed:
    return IntegrityFailed(
        "The hub shows an entry in our name that is not in the log it signed.",
        why=f"{why}.",
        remedy="Push nothing. Compare checkpoints with the other partners and call the incident contact of the agreement.",
    )
