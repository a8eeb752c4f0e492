"""Why something was allowed or refused: every check of the rule, in order, beside the words of the agreement that it enforces.

The same values are shown by the API, at both command lines and on screen. To somebody whom the agreement does not name, it is unknown,
and nothing else is said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from agreements.decisions import Decision, Refused
from agreements.errors import AgreementError
from agreements.model import Agreement, Dataset, Standing
from agreements.periods import Period
from agreements.plain_english import sections
from agreements.rules import UNKNOWN, Check, checking, decided, holding, receiving, requesting, submitting, tabulating


class Operation(StrEnum):
    """What may be asked about."""

    SUBMIT = "submit"
    HOLD = "hold"
    TABULATE = "tabulate"
    REQUEST = "request"
    CHECK = "check"
    RECEIVE = "receive"


ABOUT_DATA = frozenset({Operation.SUBMIT, Operation.HOLD})


class UnclearQuestion(AgreementError):
    """A question that does not say all that its rule needs."""


@dataclass(frozen=True)
class Question:
    """What is asked, for whom.

    Attributes:
        party: id of the party or recipient that asks, or for which is asked.
        period: of a dataset; ``mode`` empty means the dataset's own.
        key: fingerprint with which a person or recipient speaks; ``requester`` that of whoever asked for an edition.
    """

    operation: Operation
    party: str
    dataset: str = ""
    period: Period | None = None
    mode: str = ""
    release: str = ""
    key: str = ""
    requester: str = ""


@dataclass(frozen=True)
class Explained:
    """One check: what was asked, the answer by its clause, and what the agreement says there."""

    clause: str
    question: str
    decision: Decision
    english: str

    def as_json(self) -> dict[str, Any]:
        """For the API and ``--json``."""
        answer: dict[str, Any] = {"clause": self.clause, "question": self.question, "allowed": bool(self.decision), "english": self.english}
        if isinstance(self.decision, Refused):
            answer |= {"reason": self.decision.reason, "remedy": self.decision.remedy}
        return answer


@dataclass(frozen=True)
class Explanation:
    """The answer, and every check that led to it; for a stranger ``UNKNOWN`` and no checks."""

    decision: Decision
    checks: tuple[Explained, ...]

    def as_json(self) -> dict[str, Any]:
        """For the API and ``--json``."""
        answer: dict[str, Any] = {"allowed": bool(self.decision), "clause": self.decision.clause, "reason": "", "remedy": ""}
        if isinstance(self.decision, Refused):
            answer |= {"reason": self.decision.reason, "remedy": self.decision.remedy}
        return {**answer, "checks": [check.as_json() for check in self.checks]}

    def lines(self) -> list[str]:
        """For people: the answer first, then every check with the words it enforces."""
        lines = [f"Refused. {self.decision}" if isinstance(self.decision, Refused) else f"Allowed, by {self.decision.clause}."]
        quoted: set[str] = set()
        for check in self.checks:
            lines += _lines(check, quote=check.english not in quoted)
            quoted.add(check.english)
        return lines


def _lines(check: Explained, *, quote: bool) -> Iterator[str]:
    yield f"  {'yes' if check.decision else 'NO '}  {check.question} {check.clause}."
    if isinstance(check.decision, Refused):
        yield f"       {check.decision.reason} {check.decision.remedy}".rstrip()
    if quote and check.english:
        yield f"       “{' '.join(check.english.split())}”"


def explain(standing: Standing | None, question: Question, now: datetime) -> Explanation:
    """Answer as the rule answers, with every check, those after the first refusal too; :class:`UnclearQuestion` if something is missing."""
    if standing is None or not _named(standing.agreement, question.party):
        return Explanation(UNKNOWN, ())
    checks = tuple(_checks(standing, question, now))
    answer = decided(checks, _allowed_by(standing.agreement, question))
    if answer == UNKNOWN:
        return Explanation(UNKNOWN, ())
    return Explanation(answer, tuple(_explained(standing.agreement, check) for check in checks))


def _named(agreement: Agreement, caller: str) -> bool:
    return agreement.party(caller) is not None or any(one.id == caller for one in agreement.recipients)


def _allowed_by(agreement: Agreement, question: Question) -> str:
    match question.operation:
        case Operation.REQUEST:
            return agreement.clause(f"release {question.release}", "requests")
        case Operation.CHECK:
            return agreement.clause("approvals", "output checkers")
        case Operation.RECEIVE:
            return agreement.clause(f"release {question.release}", "recipients")
        case _:
            return ""  # the clause of the last check


def _checks(standing: Standing, question: Question, now: datetime) -> Iterator[Check]:
    operation = question.operation
    if operation in ABOUT_DATA:
        dataset = standing.agreement.dataset(question.dataset)
        period = _period(question)
        if operation is Operation.HOLD:
            return holding(standing, question.dataset, period, now)
        return submitting(standing, question.party, question.dataset, period, _mode(question, dataset), now)
    if not question.release:
        raise UnclearQuestion(f"to explain “{operation}”, name the release.")
    match operation:
        case Operation.TABULATE:
            return tabulating(standing, question.release, now)
        case Operation.REQUEST:
            return requesting(standing, question.release, question.key, now)
        case Operation.CHECK:
            return checking(standing, question.release, question.key, question.requester, now)
        case _:
            return receiving(standing, question.release, question.party, now)


def _period(question: Question) -> Period:
    if not question.dataset or question.period is None:
        raise UnclearQuestion(f"to explain “{question.operation}”, name the dataset and the period.")
    return question.period


def _mode(question: Question, dataset: Dataset | None) -> str:
    return question.mode or (dataset.mode if dataset else "")


_ALWAYS: Mapping[str, str] = {
    "suspension": "Any party may stop the agreement, or a dataset of it, at once; it moves again when every party that stopped it has resumed.",
    "versions": "A newer version replaces an older one on the day from which it is in force. For 24 hours more the older may still be "
    "submitted under, unless the newer lets less through.",
    "datasets": "A dataset that is not named cannot be sent.",
    "releases": "A release that is not defined cannot be made.",
}
_SAID_AT: Mapping[str, tuple[str, ...]] = {"period": ("suppliers", "term"), "requests": ("recipients",)}
"""Where the words stand that a check enforces, if not at its own clause: another part of its dataset or release, or the term."""


def _explained(agreement: Agreement, check: Check) -> Explained:
    place = check.decision.clause.removeprefix(agreement.clause() + ", ")
    return Explained(check.decision.clause, check.asks, check.decision, english(agreement, place))


def english(agreement: Agreement, place: str) -> str:
    """What the agreement says at a place; for what holds under every agreement, what the software always does. Empty where nothing is said."""
    if place in _ALWAYS:
        return _ALWAYS[place]
    head, _, last = place.rpartition(", ")
    places = [place, *(f"{head}, {other}" if other != "term" else other for other in _SAID_AT.get(last, ()))]
    said = [line.words.strip() for section in sections(agreement) for line in section.sentences if line.clause in places]
    return " ".join(dict.fromkeys(said))
