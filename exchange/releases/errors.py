"""What can go wrong while a release is made. Names of tables, dimensions and fields, and counts; never a value of a row."""

from collections.abc import Mapping

from exchange.errors import ExchangeError

TENS = 10
"""How roughly rows are counted in a message."""


class ReleaseError(ExchangeError):
    """Root of everything that making a release raises on purpose."""

    status, code, title = 409, "release-not-made", "The release cannot be made"


class BadRelease(ReleaseError):
    """The definition cannot be run, or its tables would mislead: the agreement needs a new version."""


class BadRelation(ReleaseError):
    """Rows that the release needs are not there, or are not of the agreed types."""


class OutsideCategories(ReleaseError):
    """Rows whose value in a dimension is none of its categories; publishing would drop them in silence.

    The message says how many only roughly: of a joined dimension the number is an outcome that rests on others' rows, and no output check stands before it.

    Args:
        rows: dimension name → how many rows.
    """

    def __init__(self, rows: Mapping[str, int]) -> None:
        self.rows = dict(rows)
        named = "; ".join(f"{dimension}: {_roughly(count)}" for dimension, count in self.rows.items())
        super().__init__(f"values outside the agreed categories ({named}): give the dimension a category for them in a new version.")


def _roughly(count: int) -> str:
    return f"{count // TENS * TENS:,} rows or more" if count >= TENS else f"fewer than {TENS} rows"


class Unconnected(ReleaseError):
    """How an edition bears on what was published before cannot be told: it is not made. Says why in half a sentence."""


class EngineError(ReleaseError):
    """The query engine refused or failed. Carries the kind of failure only: an engine's own words may quote a value."""


class OutOfMemory(EngineError):
    """The query needs more memory than it was given, and spilling rows to disk is switched off."""


class BadProtected(ReleaseError):
    """Protected tables that are not the release's own, whole and unambiguous: nothing may be published from them."""
