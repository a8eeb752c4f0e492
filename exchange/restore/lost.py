"""What the entries that a restored database lacks say was done: a pure reading of them, always on the side of caution.

The rows behind those entries are gone for good. What they stopped, revoked or destroyed is done again; what they allowed or took in is
not: the supplier pushes again, and people say again what they said.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agreements.rights import FOR_GOOD
from exchange.log import tables
from exchange.log.record import Operation
from exchange.register import dataset_tokens
from exchange.releases.kept import BEGUN, DONE, LATER
from keys.rights import RightsReceipt

Entry = Mapping[str, Any]
_TAKEN_IN = frozenset(
    f"submission {what}" for what in ("opened", "acknowledged", "reopened", "held", "refused", "repeated", "lapsed", "withdrawn")
)
# Done again by the clock or by whoever did it, without harm if not; or drawn from the rows themselves.
_OF_NO_CONSEQUENCE = frozenset(
    {
        "agreement expired",
        "agreement in force",
        "agreement overtaken",
        "clock confirmed",
        "destruction of a draft brought forward",
        "edition could not be drafted",
        "edition downloaded",
        "exact counts opened to protect another edition",
        "findings about rows destroyed",
        "output check fallen",
        "output check: approve",
        "output check: refuse",
        "hub key renewed: tokens",
        "hub key renewed: web",
        "hub restored",
        "quality report destroyed",
        "refused",
        "review due",
        "sealing key destroyed",
        "sealing key issued",
        "signed in",
        "signed out",
        "signed out everywhere",
        "submission lost in a restore: push it again",
        "suspension drill",
    }
)


@dataclass
class Upload:
    """A submission as the lost entries show it. ``had``: the last thing that was done with it."""

    submission: str
    supplier: str
    reference: str
    upload: str = ""
    dataset: str = ""
    period: str = ""
    had: str = ""


@dataclass
class Edition:
    """An edition of whose making, dropping, publication or withdrawal (with its reason) the entries speak."""

    edition: str
    reference: str
    release: str
    version: int = 0
    first: str = ""
    last: str = ""
    published: bool = False
    dropped: bool = False
    withdrawn: str | None = None


@dataclass
class Lost:
    """Everything that follows from the lost entries.

    Attributes:
        uploads: submissions that were opened or moved on, by id.
        destroyed: submissions whose destruction was begun or done.
        rewritten: submission → request by which rows of it were erased: the form in which the restored database has it is destroyed.
        erasures: every (submission, request) of which that is said: one may have lost rows at several.
        for_good: requests after which the rows as they were may never come back.
        replaced: names of keys that such a request destroyed.
        superseded: submissions that another, now lost, took the place of.
        forward: submission → the earliest day to which its destruction was brought forward.
        holds: entries of legal holds that were placed.
        sealing: sealing keys that were issued or destroyed.
        retired: linkage epochs, each with its agreement, whose re-key keys were destroyed.
        spoken: agreement → what was said under it, in the log's words.
        ended: digests of versions that a lost statement terminated.
        revoked: fingerprints of keys that were revoked.
        hub_keys: fingerprints of keys of the hub's own that were destroyed.
        passkeys: fingerprints of passkeys that were revoked.
        dataset_tokens: ids of tokens of one release that were revoked.
        people: ids of people who were ended.
        editions: by id.
        kept: names of the keys of editions' exact counts and proofs whose destruction was begun or done, each with its edition.
        put_off: editions whose exact counts an erasure has go when a legal hold ends.
        redacted: numbers of entries that were redacted.
        again: what nobody but people can do again, counted by the log's words.
    """

    uploads: dict[str, Upload] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)
    rewritten: dict[str, str] = field(default_factory=dict)
    erasures: set[tuple[str, str]] = field(default_factory=set)
    for_good: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    superseded: set[str] = field(default_factory=set)
    forward: dict[str, date] = field(default_factory=dict)
    holds: list[Entry] = field(default_factory=list)
    sealing: set[str] = field(default_factory=set)
    retired: set[tuple[str, str]] = field(default_factory=set)
    spoken: dict[str, list[str]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    hub_keys: set[str] = field(default_factory=set)
    passkeys: set[str] = field(default_factory=set)
    dataset_tokens: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    editions: dict[str, Edition] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    put_off: set[str] = field(default_factory=set)
    redacted: set[int] = field(default_factory=set)
    again: Counter[str] = field(default_factory=Counter)

    @property
    def never_again(self) -> set[str]:
        """Submissions whose content, as it was sent, may not come back."""
        return {submission for submission, request in self.erasures if request in self.for_good}

    def erased(self, receipt: RightsReceipt, keys: Mapping[str, str]) -> None:
        """Add what a receipt says was erased, where the submission still has the key (``keys``) that was destroyed for it."""
        if receipt.right in FOR_GOOD:
            self.for_good.add(receipt.request)
        for batch in receipt.batches:
            if batch.replaced is not None:
                self.erasures.add((batch.submission, receipt.request))
            if batch.replaced is not None and keys.get(batch.submission) == batch.replaced:
                self.rewritten[batch.submission] = receipt.request
                self.replaced.add(batch.replaced)


def read(entries: Iterable[Entry], hidden: Collection[int] = ()) -> Lost:
    """What these entries, in the order of the log, lead to.

    ``hidden``: numbers of lost entries that were redacted. They say nothing any more; the entry that tells of the redaction says what they
    were about, and an agreement about which something was said is stopped without knowing what.
    """
    lost = Lost()
    for entry in entries:
        if entry["what"] == tables.REDACTED and int(entry["subject"]) in hidden:
            _hidden(lost, entry)
        handled = any(reader(lost, entry, str(entry["what"]), str(entry["subject"])) for reader in _READERS)
        if not handled and entry["what"] not in _OF_NO_CONSEQUENCE:
            lost.again[str(entry["what"])] += 1
    return lost


def _hidden(lost: Lost, entry: Entry) -> None:
    operation = str(_details(entry).get("operation", ""))
    if operation == Operation.AGREEMENT:
        lost.spoken.setdefault(str(entry["purpose"]), []).append("redacted")
    lost.again[f"redacted entry: {operation}"] += 1


def _details(entry: Entry) -> Mapping[str, Any]:
    found = entry.get("details")
    return found if isinstance(found, Mapping) else {}


def _upload(lost: Lost, entry: Entry, what: str, subject: str) -> bool:
    if what not in _TAKEN_IN:
        return False
    found = lost.uploads.setdefault(subject, Upload(subject, str(entry["organisation"]), str(entry["purpose"])))
    for name in ("upload", "dataset", "period"):
        setattr(found, name, str(_details(entry).get(name, "")) or getattr(found, name))
    found.had = what.removeprefix("submission ")
    return True


def _destruction(lost: Lost, entry: Entry, what: str, subject: str) -> bool:
    match what:
        case "disposal begun" | "submission destroyed":
            lost.destroyed.add(subject)
        case "re-key keys destroyed":
            lost.retired |= {(subject, str(epoch)) for epoch in _details(entry).get("epochs", ())}
        case "submission superseded":
            lost.superseded.add(subject)
        case "destruction brought forward":
            day = date.fromisoformat(str(_details(entry)["to"]))
            lost.forward[subject] = min(day, lost.forward.get(subject, day))
        case "legal hold placed":
            lost.holds.append(entry)
        case tables.REDACTED:
            lost.redacted.add(int(subject))
        case _:
            return False
    return True


def _sealing(lost: Lost, entry: Entry, what: str, subject: str) -> bool:
    if entry["operation"] == Operation.SECURITY and what.startswith("sealing key "):
        lost.sealing.add(subject)
        return True
    return False


def _erasure(lost: Lost, entry: Entry, what: str, subject: str) -> bool:
    """Rows of a batch erased or put right at a person's request: the batch as it was before is not to come back."""
    details = _details(entry)
    match what:
        case "rows erased":
            lost.rewritten[subject] = str(details.get("request", ""))
            lost.erasures.add((subject, lost.rewritten[subject]))
            lost.replaced.add(str(details["replaced"]))
        case "replaced key destroyed":
            lost.replaced.add(str(details["key"]))
        case "rights request: erasure" | "rights request: rectification":
            lost.for_good.add(subject)
            lost.again[what] += 1
        case _:
            return False
    return True


def _speech(lost: Lost, entry: Entry, what: str, subject: str) -> bool:
    if entry["operation"] != Operation.AGREEMENT or not what.startswith("statement"):
        return False
    said = str(_details(entry).get("decision", ""))
    lost.spoken.setdefault(str(entry["purpose"]), []).append(f"{said} ({entry['organisation']})")
    lost.again[what] += 1
    if _details(entry).get("state") == "terminated":
        lost.ended.add(subject)
    return True


def _revocation(lost: Lost, _: Entry, what: str, subject: str) -> bool:
    match what:
        case "key revoked":
            lost.revoked.add(subject)
        case "hub key destroyed":
            lost.hub_keys.add(subject)
        case "passkey revoked":
            lost.passkeys.add(subject)
        case dataset_tokens.REVOKED:
            lost.dataset_tokens.add(subject)
        case "person ended":
            lost.people.add(subject)
        case _:
            return False
    return True


def _edition(lost: Lost, entry: Entry, what: str, subject: str) -> bool:
    if what == LATER:
        lost.put_off.add(subject)
        return True
    if what in (BEGUN, DONE):
        lost.kept[str(_details(entry)["key"])] = subject
        return True
    if what not in ("edition drafted", "edition published", "edition withdrawn", "edition dropped", "draft destroyed"):
        return False
    details = _details(entry)
    found = lost.editions.setdefault(subject, Edition(subject, str(entry["purpose"]), str(details.get("release", ""))))
    found.version = int(details.get("version", found.version))
    found.first, found.last = (str(details.get(name, "")) or getattr(found, name) for name in ("first", "last"))
    found.published |= what == "edition published"
    found.withdrawn = str(details.get("reason", "")) if what == "edition withdrawn" else found.withdrawn
    found.dropped |= what in ("edition dropped", "draft destroyed")
    return True


_READERS = (_upload, _destruction, _sealing, _erasure, _speech, _revocation, _edition)
