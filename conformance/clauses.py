"""Clauses: what is demanded, where it is written, and what came of trying it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import requests

from keys.errors import KeysError

Stage = TypeVar("Stage")


class Deviates(Exception):
    """What was found is not what the clause demands; the message says how. It quotes no token and no row."""


class DoesNotApply(Exception):
    """The clause cannot be tried with what the kit was given; the message says what it would need."""


class Outcome(StrEnum):
    """What came of a clause."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "FAIL"
    NOT_APPLICABLE = "n/a"


@dataclass(frozen=True)
class Clause(Generic[Stage]):
    """One demand. ``cites``: file and section of ``docs/``; ``check`` returns where it is met."""

    id: str
    cites: str
    says: str
    check: Callable[[Stage], None]


@dataclass(frozen=True)
class Verdict:
    """What came of one clause, and why where it did not pass."""

    id: str
    cites: str
    says: str
    outcome: Outcome
    why: str = ""


class Suite(Generic[Stage]):
    """Clauses in the order in which they are tried."""

    def __init__(self) -> None:
        self.clauses: list[Clause[Stage]] = []

    def clause(self, name: str, cites: str, says: str) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
        """Make a function a clause of this suite."""

        def add(check: Callable[[Stage], None]) -> Callable[[Stage], None]:
            self.clauses.append(Clause(name, cites, says, check))
            return check

        return add

    def judge(self, stage: Stage) -> list[Verdict]:
        """Try every clause; one that deviates keeps none of the others from being tried."""
        return [_judged(one, stage) for one in self.clauses]


def _judged(clause: Clause[Stage], stage: Stage) -> Verdict:
    outcome, why = Outcome.PASS, ""
    try:
        clause.check(stage)
    except DoesNotApply as reason:
        outcome, why = Outcome.NOT_APPLICABLE, str(reason)
    except Deviates as reason:
        outcome, why = Outcome.FAIL, str(reason)
    except KeysError as error:
        outcome, why = Outcome.FAIL, f"what was answered does not hold ({type(error).__name__}: {error})"
    except requests.RequestException as error:
        outcome, why = Outcome.FAIL, f"the connection failed ({type(error).__name__})"
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        outcome, why = Outcome.FAIL, f"the answer is not of its documented form ({type(error).__name__}: {error})"
    return Verdict(clause.id, clause.cites, clause.says, outcome, why)


def demand(holds: object, why: str) -> None:
    """Deviate unless it holds."""
    if not holds:
        raise Deviates(why)


def table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as lines of text, the count last."""
    width = max((len(one.id) for one in verdicts), default=0)
    lines = []
    for one in verdicts:
        lines.append(f"{one.outcome.value:<4}  {one.id:<{width}}  {one.says} [{one.cites}]")
        lines += [f"      {'':<{width}}  {one.why}"] if one.why else []
    counted = {outcome: sum(one.outcome is outcome for one in verdicts) for outcome in Outcome}
    lines.append(f"{counted[Outcome.PASS]} pass, {counted[Outcome.FAIL]} fail, {counted[Outcome.NOT_APPLICABLE]} not applicable.")
    return "\n".join(lines)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """0 where something passed and nothing failed, else 1."""
    return 0 if any(one.outcome is Outcome.PASS for one in verdicts) and not any(one.outcome is Outcome.FAIL for one in verdicts) else 1
