"""What a new version would have done: its rules asked of what was submitted and published before, by metadata alone, never rows.

Every past submission is put to the new version as if that had been in force when it came: supplier, mode, period, back-fill, retention
(the very checks of ``agreements.rules``), not the dates between which the version is in force. What only the rows could tell is said to
be open.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from agreements.changes import Risk
from agreements.compare_rules import Order, compared
from agreements.decisions import Decision, Refused
from agreements.difference_linkages import linkage_changes
from agreements.difference_releases import release_changes
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.rules import decided, dispose_on, scope


class Kind(StrEnum):
    """What would have been otherwise."""

    REFUSED = "newly-refused"
    ACCEPTED = "newly-accepted"
    LACKS = "lacks-fields"
    OPEN = "rows-would-tell"
    EARLIER = "destroyed-earlier"
    LATER = "destroyed-later"
    UNCHANGED = "unchanged"
    GONE = "release-gone"
    UNREADABLE = "dataset-gone"
    RECIPIENTS = "other-recipients"
    MORE = "shows-more"
    LESS = "shows-less"
    OTHER = "shows-otherwise"


TITLES: Mapping[Kind, str] = {
    Kind.REFUSED: "would have been refused",
    Kind.ACCEPTED: "would have been accepted",
    Kind.LACKS: "would lack fields",
    Kind.OPEN: "might break a field's rule: only the rows could tell",
    Kind.EARLIER: "would be destroyed earlier",
    Kind.LATER: "would be destroyed later",
    Kind.UNCHANGED: "would be as they were",
    Kind.GONE: "would not exist: the release is gone",
    Kind.UNREADABLE: "could not be made: a dataset is gone",
    Kind.RECIPIENTS: "would reach other recipients",
    Kind.MORE: "would show more",
    Kind.LESS: "would show less",
    Kind.OTHER: "would show something else",
}


class Outcome(StrEnum):
    """What became of a submission."""

    WAITING = "waiting"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True)
class Submitted:
    """One past submission, by its metadata. ``under``: the version it came under; ``reasons``: the clauses of a refusal."""

    id: str
    supplier: str
    dataset: str
    period: Period
    mode: str
    rows: int
    received: datetime
    outcome: Outcome
    dispose_on: date
    under: Agreement
    reasons: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How it is called in a list."""
        return f"{self.dataset} {self.period}, {self.supplier} ({self.id}, {self.rows:,} rows)"


@dataclass(frozen=True)
class Published:
    """One past edition. ``under``: the version it was made under."""

    id: str
    release: str
    first: str
    last: str
    state: str
    under: Agreement

    @property
    def name(self) -> str:
        """How it is called in a list."""
        return f"{self.release} {self.first} to {self.last} ({self.id}, {self.state})"


@dataclass(frozen=True)
class Effect:
    """One thing that would have been otherwise, by which clause of the new version."""

    kind: Kind
    clause: str
    words: str


@dataclass(frozen=True)
class Replayed:
    """One past submission or edition under the new version."""

    subject: str
    name: str
    waiting: bool
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Rehearsal:
    """A version against everything that went before it."""

    reference: str
    version: int
    submissions: tuple[Replayed, ...]
    editions: tuple[Replayed, ...]

    def as_json(self) -> dict[str, Any]:
        """For the API and ``--json``."""
        members = {"submissions": self.submissions, "editions": self.editions}
        counted = {name: _counted(found) for name, found in members.items()}
        return {"reference": self.reference, "version": self.version, "counts": counted} | {
            name: [_document(one) for one in found] for name, found in members.items()
        }

    def lines(self, most: int = 10) -> list[str]:
        """For people: how many of each kind, and the first of them."""
        lines = [f"{self.reference} version {self.version}, had it been in force all along:"]
        for what, found in (("submissions", self.submissions), ("editions", self.editions)):
            waiting = sum(one.waiting for one in found)
            lines.append(f"{len(found)} {what}{f', {waiting} of them still waiting to be opened' if waiting else ''}.")
            for kind, count in _counted(found).items():
                lines.append(f"  {count:>5}  {TITLES[Kind(kind)]}")
                lines += _listed(found, Kind(kind), most)
        return lines


def _counted(found: Iterable[Replayed]) -> dict[str, int]:
    counts = Counter(kind for one in found for kind in {effect.kind for effect in one.effects})
    return {kind.value: counts[kind] for kind in Kind if counts[kind]}


def _document(one: Replayed) -> dict[str, Any]:
    effects = [{"kind": effect.kind.value, "clause": effect.clause, "words": effect.words} for effect in one.effects]
    return {"id": one.subject, "name": one.name, "waiting": one.waiting, "effects": effects}


def _listed(found: Iterable[Replayed], kind: Kind, most: int) -> Iterator[str]:
    if kind is Kind.UNCHANGED:
        return
    told = [(one, effect) for one in found for effect in one.effects if effect.kind is kind]
    yield from (f"           {one.name}: {effect.clause}: {effect.words}" for one, effect in told[:most])
    if len(told) > most:
        yield f"           and {len(told) - most} more"


def rehearse(new: Agreement, submissions: Iterable[Submitted], editions: Iterable[Published]) -> Rehearsal:
    """Put everything that went before to the new version."""
    return Rehearsal(
        new.reference,
        new.version,
        tuple(Replayed(past.id, past.name, past.outcome is Outcome.WAITING, _submission(new, past)) for past in submissions),
        tuple(Replayed(past.id, past.name, waiting=False, effects=_edition(new, past)) for past in editions),
    )


def _submission(new: Agreement, past: Submitted) -> tuple[Effect, ...]:
    answer = _answer(new, past)
    dataset = new.dataset(past.dataset)
    found: tuple[Effect, ...] = ()
    if isinstance(answer, Refused):
        if past.outcome is not Outcome.REFUSED:
            found = (Effect(Kind.REFUSED, answer.clause, f"{answer.reason} {answer.remedy}".strip()),)
    elif past.outcome is Outcome.REFUSED:
        found = tuple(_reconsidered(new, past, answer))
    elif dataset is not None:
        found = (*_shape(new, past, dataset), *_disposal(new, past, dataset))
    return found or (Effect(Kind.UNCHANGED, answer.clause, "as it was."),)


def _answer(agreement: Agreement, past: Submitted) -> Decision:
    return decided(scope(agreement, past.supplier, past.dataset, past.period, past.mode, past.received))


def _reconsidered(new: Agreement, past: Submitted, answer: Decision) -> Iterator[Effect]:
    """A refusal whose reason was the older words' scope is lifted; one whose reason was a field's rule may be, if that rule has changed."""
    if isinstance(was := _answer(past.under, past), Refused):
        yield Effect(Kind.ACCEPTED, answer.clause, f"it was refused then by {was.clause}: {was.reason}")
        return
    before, after = past.under.dataset(past.dataset), new.dataset(past.dataset)
    if before is None or after is None:
        return
    now = {field.name: field for field in after.fields}
    for field in before.fields:
        clause = past.under.clause(f"dataset {past.dataset}", f"field {field.name}")
        if clause in past.reasons and now.get(field.name) != field:
            words = f"it was refused then by {clause}; the field is another now, or gone."
            yield Effect(Kind.OPEN, new.clause(f"dataset {past.dataset}", f"field {field.name}"), words)


def _shape(new: Agreement, past: Submitted, dataset: Dataset) -> Iterator[Effect]:
    """Fields that the submission did not bring, and fields whose rule no longer admits all that the old one did."""
    before = past.under.dataset(past.dataset)
    brought = {field.name: field for field in before.fields} if before else {}
    for field in dataset.fields:
        clause = new.clause(f"dataset {dataset.name}", f"field {field.name}")
        old = brought.get(field.name)
        if old is None:
            yield Effect(Kind.LACKS, clause, f"it did not bring {field.name}.")
        elif (old.source, old.type) != (field.source, field.type):
            yield Effect(Kind.OPEN, clause, f"{field.name} is made from another source field.")
        elif old.may_be_empty and not field.may_be_empty:
            yield Effect(Kind.OPEN, clause, f"{field.name} may no longer be empty.")
        elif old.rule != field.rule and compared(old.rule, field.rule, empty=field.may_be_empty).admits not in (Order.SAME, Order.MORE):
            yield Effect(Kind.OPEN, clause, f"{field.name} admits other values than it did.")


def _disposal(new: Agreement, past: Submitted, dataset: Dataset) -> Iterator[Effect]:
    due = dispose_on(dataset, past.period)
    if due != past.dispose_on:
        kind = Kind.EARLIER if due < past.dispose_on else Kind.LATER
        words = f"on {due.isoformat()} in place of {past.dispose_on.isoformat()}."
        yield Effect(kind, new.clause(f"dataset {dataset.name}", "retention"), words)


_SHOWS = {Risk.WIDER: Kind.MORE, Risk.NARROWER: Kind.LESS, Risk.CHANGED: Kind.OTHER}


def _edition(new: Agreement, past: Published) -> tuple[Effect, ...]:
    after, before = new.release(past.release), past.under.release(past.release)
    if after is None or before is None:
        return (Effect(Kind.GONE, new.clause("releases"), f"there is no release {past.release}."),)
    gone = [name for name in before.datasets if new.dataset(name) is None]
    found = [Effect(Kind.UNREADABLE, new.clause("datasets"), f"there is no dataset {name}.") for name in gone]
    for change in release_changes(before, after):
        clause = new.clause(change.clause)
        if change.clause.endswith(", recipients"):
            found.append(Effect(Kind.RECIPIENTS, clause, change.words))
        elif change.risk in _SHOWS:
            found.append(Effect(_SHOWS[change.risk], clause, change.words))
    linkages = past.under.linkage(before.base), new.linkage(after.base)
    for change in linkage_changes(linkages[0], linkages[1]) if linkages[0] and linkages[1] else ():
        if change.risk is not Risk.WORDS:  # people are made of records in another way: whether that shows more, only the rows could tell
            found.append(Effect(Kind.OTHER, new.clause(change.clause), change.words))
    return tuple(found) or (Effect(Kind.UNCHANGED, new.clause(f"release {past.release}"), "as it was."),)
