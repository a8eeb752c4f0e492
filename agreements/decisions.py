"""An answer is a value: allowed, or refused with the clause that says so."""

from dataclasses import dataclass

from agreements.errors import AgreementError


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes, by this clause."""

    clause: str

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Refused:
    """No. The clause that forbids it, why, and what to do about it; never a value from a row."""

    clause: str
    reason: str
    remedy: str = ""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"{self.clause}: {self.reason}" + (f" {self.remedy}" if self.remedy else "")


Decision = Allowed | Refused


class Refusal(AgreementError):
    """A refused decision, raised."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        super().__init__(str(refused))


def require(decision: Decision) -> Allowed:
    """Return an allowed decision; raise :class:`Refusal` for a refused one."""
    if isinstance(decision, Refused):
        raise Refusal(decision)
    return decision


def first_refusal(*decisions: Decision) -> Decision:
    """The first refusal, else the last answer. No decisions at all is a refusal: nothing to check means refused."""
    if not decisions:
        return Refused("no clause", "nothing was checked.", "Name the agreement under which this is asked.")
    for decision in decisions:
        if isinstance(decision, Refused):
            return decision
    return decisions[-1]
