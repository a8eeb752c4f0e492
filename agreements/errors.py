"""The one root of everything this room raises, and its few children."""

from collections.abc import Mapping, Sequence
from typing import Any


class AgreementError(Exception):
    """Something about an agreement is not as it must be."""


class InvalidDocument(AgreementError):
    """The document cannot be an agreement.

    Args:
        problems: one line a fault, each beginning with the place in the document (``datasets.0.fields.2.rule: …``).
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the agreement document is not valid:\n  " + "\n  ".join(self.problems))


class InvalidPeriod(AgreementError):
    """A period or duration is not written as the agreement's formats require."""


class InvalidRule(AgreementError):
    """A field rule does not suit its field, or its parameters contradict each other."""


class UnknownCodeList(AgreementError):
    """A rule names a code list that is not at hand, or whose content is not the one that was agreed."""


class InvalidStatement(AgreementError):
    """Advice or a signature that does not bind this person to this version."""


class RowsAtFault(AgreementError):
    """Rows that cannot be brought under, or do not keep to, the agreement. Carries row numbers and rules, never values.

    Args:
        breaches: place (the field name; after a colon the rule, where it is not the field's own) → (rule in English, zero-based row
            numbers, how many rows in all).
    """

    def __init__(self, breaches: Mapping[str, tuple[str, Sequence[int], int]]) -> None:
        self.breaches = dict(breaches)
        lines = [
            f"{_field(place)}: {count:,} {'rows break' if count != 1 else 'row breaks'} the rule “{rule}” (first: row {min(rows) + 1:,})"
            for place, (rule, rows, count) in self.breaches.items()
        ]
        super().__init__("; ".join(lines))

    def report(self) -> list[dict[str, Any]]:
        """One entry a field and rule: count and the first row numbers, counted from 1."""
        return [
            {"field": _field(place), "rule": rule, "rows": [row + 1 for row in rows], "count": count}
            for place, (rule, rows, count) in self.breaches.items()
        ]


def _field(place: str) -> str:
    return place.partition(": ")[0]
