"""Rows as an edition reads them, and earlier editions counted again from rows that are held still.

Exact counts of what was published are kept nowhere: they are made again while every row they were made from is held, which is as long as they
could be kept.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.release import Release
from agreements.rules import UNKNOWN
from exchange.errors import Gone, Unacceptable, UnknownAgreement
from exchange.keyring import Keyring
from exchange.objects import Objects
from exchange.releases.errors import OutsideCategories
from exchange.releases.history import Published
from exchange.releases.series import reshown
from exchange.releases.tabulate import Tabulated, tabulate
from exchange.submissions import holdings
from exchange.submissions.holdings import Batch

Rows = Mapping[tuple[str, str], Any]
"""(dataset, supplier) → its rows, decrypted as they are read."""


def rows_of(session: Session, keyring: Keyring, held: Objects, agreement: Agreement, batches_of: Mapping[str, Sequence[Batch]]) -> Rows:
    """The rows of these batches (dataset → batches), as this version of the agreement has them."""
    relations = {}
    for name, batches in batches_of.items():
        dataset = agreement.dataset(name)
        if dataset is None:
            raise UnknownAgreement(UNKNOWN)
        for supplier in dataset.suppliers:
            mine = [batch for batch in batches if batch.supplier == supplier]
            relations[name, supplier] = holdings.rows(session, keyring, held, mine, agreement, dataset)
    return relations


def rows_before(session: Session, keyring: Keyring, held: Objects, agreement: Agreement, earlier: Published) -> Rows | None:
    """The rows that an earlier edition was made from; None where they cannot be read any more."""
    try:
        return None if earlier.batches is None else rows_of(session, keyring, held, agreement, earlier.batches)
    except (Gone, Unacceptable):
        return None


def remade(agreement: Agreement, release: Release, earlier: Published, rows: Rows | None, memory: str) -> Tabulated | None:
    """The counts of an earlier edition, made again; None where its rows are gone, or do not give what it published."""
    found: list[Tabulated] = []
    if rows is not None:
        with suppress(OutsideCategories):
            tabulate(release, agreement, rows, earlier.periods, memory=memory, tell=found.append)
    return found[0] if found and reshown(earlier.shown, found[0]) else None
