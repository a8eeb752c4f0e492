"""Errors of the disclosure engine. One root, sorted by what the caller must do: mend the input, relax the rules, or stop the release."""

from collections.abc import Sequence


class DisclosureError(Exception):
    """Root of everything the engine raises on purpose."""


class BadTables(DisclosureError):
    """The table set cannot be used as it stands. The message names a table and a row number, never a value or a code."""


class Unprotectable(DisclosureError):
    """No suppression allowed by the rules protects a cell.

    `cells` lists the published cells that pin it down, each as (table, codes), the way the table's rows name it.
    """

    def __init__(self, message: str, cells: Sequence[tuple[str, tuple[str, ...]]] = ()) -> None:
        super().__init__(message)
        self.cells = tuple(cells)


class BadCertificate(DisclosureError):
    """The certificate does not prove the pattern it came with; the release must not go out."""


class Inconclusive(DisclosureError):
    """The attack's solver gave no answer. Nothing is known to be safe; the release must not go out."""
