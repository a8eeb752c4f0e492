"""The life of a version of an agreement: one table of transitions, and nothing moves outside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agreements.decisions import Allowed, Decision, Refused


class State(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    SIGNED = "signed"
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What is done to it."""

    PROPOSE = "propose"
    WITHDRAW = "withdraw"
    ADVISE = "advise"
    SIGN = "sign"
    SIGN_LAST = "sign-last"
    ENDORSE = "endorse"
    OVERTAKE = "be-overtaken"
    COME_INTO_FORCE = "come-into-force"
    SUSPEND = "suspend"
    RESUME = "resume"
    RESUME_LAST = "resume-last"
    SUSPEND_DATASET = "suspend-dataset"
    RESUME_DATASET = "resume-dataset"
    EXPIRE = "expire"
    TERMINATE = "terminate"


class By(StrEnum):
    """Who may do it."""

    OPERATOR = "operator"
    DPO = "dpo"
    SIGNATORY = "signatory"
    PARTY = "dpo or signatory"
    FORMER = "the signatory of the version in force"
    CLOCK = "the clock"


@dataclass(frozen=True)
class Transition:
    """One row: from, act, to, and by whom."""

    source: State
    act: Act
    target: State
    by: By


TRANSITIONS: Sequence[Transition] = (
    Transition(State.DRAFT, Act.PROPOSE, State.PROPOSED, By.OPERATOR),
    # Nothing has been said about a draft, so its words may go as they came. A proposal is before people: a party ends it, and says so.
    Transition(State.DRAFT, Act.WITHDRAW, State.WITHDRAWN, By.OPERATOR),
    Transition(State.PROPOSED, Act.ADVISE, State.PROPOSED, By.DPO),
    Transition(State.PROPOSED, Act.SIGN, State.PROPOSED, By.SIGNATORY),
    Transition(State.PROPOSED, Act.SIGN_LAST, State.SIGNED, By.SIGNATORY),
    Transition(State.PROPOSED, Act.ENDORSE, State.PROPOSED, By.FORMER),
    Transition(State.PROPOSED, Act.OVERTAKE, State.TERMINATED, By.CLOCK),
    Transition(State.PROPOSED, Act.TERMINATE, State.TERMINATED, By.SIGNATORY),
    Transition(State.SIGNED, Act.COME_INTO_FORCE, State.IN_FORCE, By.CLOCK),
    Transition(State.SIGNED, Act.OVERTAKE, State.TERMINATED, By.CLOCK),
    Transition(State.SIGNED, Act.TERMINATE, State.TERMINATED, By.SIGNATORY),
    Transition(State.IN_FORCE, Act.SUSPEND, State.SUSPENDED, By.PARTY),
    Transition(State.IN_FORCE, Act.SUSPEND_DATASET, State.IN_FORCE, By.PARTY),
    Transition(State.IN_FORCE, Act.RESUME_DATASET, State.IN_FORCE, By.SIGNATORY),
    Transition(State.IN_FORCE, Act.EXPIRE, State.EXPIRED, By.CLOCK),
    Transition(State.IN_FORCE, Act.TERMINATE, State.TERMINATED, By.SIGNATORY),
    Transition(State.SUSPENDED, Act.SUSPEND, State.SUSPENDED, By.PARTY),
    Transition(State.SUSPENDED, Act.RESUME, State.SUSPENDED, By.SIGNATORY),
    Transition(State.SUSPENDED, Act.RESUME_LAST, State.IN_FORCE, By.SIGNATORY),
    Transition(State.SUSPENDED, Act.SUSPEND_DATASET, State.SUSPENDED, By.PARTY),
    Transition(State.SUSPENDED, Act.RESUME_DATASET, State.SUSPENDED, By.SIGNATORY),
    Transition(State.SUSPENDED, Act.EXPIRE, State.EXPIRED, By.CLOCK),
    Transition(State.SUSPENDED, Act.TERMINATE, State.TERMINATED, By.SIGNATORY),
)
_TABLE: Mapping[tuple[State, Act], Transition] = {(row.source, row.act): row for row in TRANSITIONS}


def may(state: State, act: Act, clause: str) -> Decision:
    """Whether the act is open to a version in this state."""
    if (state, act) in _TABLE:
        return Allowed(clause)
    open_acts = sorted({row.act for row in TRANSITIONS if row.source is state})
    remedy = f"Open to it now: {', '.join(open_acts)}." if open_acts else "Nothing is open to it any more: propose a new version."
    return Refused(clause, f"a version that is {state} cannot {act}.", remedy)


def after(state: State, act: Act) -> State:
    """The state the act leads to; KeyError outside the table (ask :func:`may` first)."""
    return _TABLE[state, act].target
