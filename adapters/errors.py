"""Everything this room raises on purpose: one class a cause, each with the exit code that the command ends with.

The codes are documented in ``docs/agency.md`` and frozen: a schedule elsewhere decides by them. No message ever holds a record's value.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

UNEXPECTED = 1
USAGE = 2
INTERRUPTED = 130
MOST_ROWS = 20


class AdapterError(Exception):
    """Root of this room's errors.

    Args:
        what: what happened, in one sentence.
        why: the clause, rule or check that says so.
        remedy: what to do about it.
    """

    exit_code: ClassVar[int] = UNEXPECTED
    name: ClassVar[str] = "unexpected"

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        self.what, self.why, self.remedy = what, why, remedy
        super().__init__(" ".join(part for part in (what, why, remedy) if part))

    def document(self) -> dict[str, Any]:
        """The error as ``--json`` shows it."""
        return {"error": self.name, "exit": self.exit_code, "what": self.what, "why": self.why, "remedy": self.remedy}


class InvalidSource(AdapterError):
    """A source's declaration contradicts itself: a fault of the product, found when the class is defined."""


class UsageError(AdapterError):
    """The command was asked for something it cannot mean."""

    exit_code = USAGE
    name = "usage"


class ConfigError(AdapterError):
    """A setting, key file or code list is missing or wrong; the message names file and key."""

    exit_code = 3
    name = "configuration"


class AuthenticationFailed(AdapterError):
    """The hub does not accept who we say we are."""

    exit_code = 4
    name = "authentication"


class AgreementRefused(AdapterError):
    """The agreement does not allow it, here or by the hub's answer."""

    exit_code = 5
    name = "agreement-refused"


class PeriodClosed(AgreementRefused):
    """The agreement has closed the period: what is spooled for it would be refused again and again."""


class ValidationFailed(AdapterError):
    """The extract is not as the source or the agreement says.

    Args:
        report: one entry a field with rule, count and first row numbers (from 1), never values.
    """

    exit_code = 6
    name = "validation-failed"

    def __init__(self, what: str, *, why: str = "", remedy: str = "", report: Sequence[Mapping[str, Any]] = ()) -> None:
        self.report = [dict(entry) for entry in report]
        super().__init__(what, why=why, remedy=remedy)

    def document(self) -> dict[str, Any]:
        return {**super().document(), "report": self.report}


def rows_refused(field: str, form: str, rows: Iterable[int], *, why: str = "") -> ValidationFailed:
    """A column of which rows do not hold what they should.

    Args:
        field: the column's name; empty where it is the record as a whole.
        form: what the rows do not hold, after “does not hold”.
        rows: how many records lie before each row at fault: 0 is the first record.
    """
    all_rows = [int(row) + 1 for row in rows]
    numbers = all_rows[:MOST_ROWS]
    return ValidationFailed(
        f"{f'Column {field}: row' if field else 'Row'} {numbers[0]:,} does not hold {form}.",
        why=why or f"So far {len(all_rows):,} such row(s); reading stopped there.",
        remedy="Nothing was sent. Correct the export.",
        report=[{"field": field, "rule": f"must be {form}", "rows": numbers, "count": len(all_rows)}],
    )


class NotThisEncoding(ValidationFailed):
    """The extract's bytes are not text in the encoding tried; another may be tried."""


class LeakStopped(ValidationFailed):
    """Kept text looks like an identifier of a person."""

    exit_code = 7
    name = "identifier-leak-stopped"


class NetworkFailed(AdapterError):
    """The hub could not be reached, or asked us to come back: try again later."""

    exit_code = 8
    name = "network"


class ServerRefused(AdapterError):
    """The hub refused, and would refuse again."""

    exit_code = 9
    name = "server-refused"

    def __init__(self, what: str, *, why: str = "", remedy: str = "", code: str = "", head: str | None = None) -> None:
        self.code, self.head = code, head
        super().__init__(what, why=why, remedy=remedy)

    def document(self) -> dict[str, Any]:
        return {**super().document(), "code": self.code}


class IntegrityFailed(AdapterError):
    """A signature, digest or log of the hub does not hold: stop, keep everything, and speak to people."""

    exit_code = 10
    name = "integrity"


class AlreadyRunning(AdapterError):
    """Another run of the agency's client holds the lock."""

    exit_code = 11
    name = "already-running"


CODES: Mapping[int, str] = {
    0: "ok",
    UNEXPECTED: "unexpected",
    USAGE: "usage",
    **{
        cls.exit_code: cls.name
        for cls in (
            ConfigError,
            AuthenticationFailed,
            AgreementRefused,
            ValidationFailed,
            LeakStopped,
            NetworkFailed,
            ServerRefused,
            IntegrityFailed,
            AlreadyRunning,
        )
    },
    INTERRUPTED: "interrupted",
}
