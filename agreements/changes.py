"""What a change is: how much it matters, the clause it stands in, one sentence, and the words before and after."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Risk(IntEnum):
    """How much a change asks of its reader, the most first."""

    WIDER = 0
    """More data, more people, longer, or less protection."""
    CHANGED = 1
    """It cannot be put in order with what was: to be read."""
    NARROWER = 2
    """Less data, fewer people, shorter, or more protection."""
    WORDS = 3
    """Texts that the software does not execute."""

    @property
    def title(self) -> str:
        """The heading under which such changes are read."""
        return {
            Risk.WIDER: "Wider than before",
            Risk.CHANGED: "Different, to be read",
            Risk.NARROWER: "Narrower than before",
            Risk.WORDS: "Words only",
        }[self]


@dataclass(frozen=True)
class Change:
    """One change. ``clause`` as refusals cite it (``dataset crimes, retention``); ``before`` or ``after`` is empty where there was nothing."""

    risk: Risk
    clause: str
    words: str
    before: str = ""
    after: str = ""


def reworded(clause: str, what: str, before: str, after: str, *, risk: Risk = Risk.WORDS) -> Iterator[Change]:
    """A text or a choice that reads differently."""
    if before != after:
        yield Change(risk, clause, f"{what[:1].upper()}{what[1:]} changes.", before, after)


def members(clause: str, what: str, before: Collection[str], after: Collection[str]) -> Iterator[Change]:
    """Named things of which more is wider: ``what`` holds ``{}`` for the name."""
    for name in after:
        if name not in before:
            yield Change(Risk.WIDER, clause, f"{what.format(name)} is added.", "", name)
    for name in before:
        if name not in after:
            yield Change(Risk.NARROWER, clause, f"{what.format(name)} is removed.", name, "")


def order(clause: str, what: str, before: Sequence[str], after: Sequence[str], *, risk: Risk = Risk.WORDS) -> Iterator[Change]:
    """The same names in another order; names on one side alone are told elsewhere."""
    old, new = [name for name in before if name in after], [name for name in after if name in before]
    if old != new:
        yield Change(risk, clause, f"The order of {what} changes.", ", ".join(old), ", ".join(new))
