"""What the log says of rows before anybody reads them: no entry, no reading. Each supplier finds it among its own organisation's entries."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from agreements.model import Agreement
from exchange.log.record import Event, Operation, append
from exchange.submissions.holdings import Batch

_READ = (
    (Operation.COMBINATION, "rows linked and counted for an edition"),
    (Operation.CONSULTATION, "rows looked at for findings about them"),
)


def read_for(
    session: Session, edition: str, agreement: Agreement, batches: Iterable[Batch], *, who: str, details: Mapping[str, Any], now: datetime
) -> None:
    """Write that these batches are about to be read for an edition, by its future id: for each supplier what is done with its rows."""
    by_supplier: dict[str, list[str]] = {}
    for batch in batches:
        by_supplier.setdefault(batch.supplier, []).append(batch.submission)
    for supplier, submissions in sorted(by_supplier.items()):
        said = {**details, "version": agreement.version, "submissions": sorted(submissions)}
        for operation, what in _READ:
            append(session, Event(operation, who, supplier, agreement.reference, what, edition, details=said), now)


def counts_for(session: Session, edition: str, kept: Iterable[tuple[str, str, str]], *, who: str, now: datetime) -> None:
    """Write that the exact counts of earlier editions (each with its operator and agreement) are about to be opened to protect a new one."""
    for earlier, operator, reference in kept:
        details = {"edition": edition}
        what = "exact counts opened to protect another edition"
        append(session, Event(Operation.CONSULTATION, who, operator, reference, what, earlier, details=details), now)


def looked_at(session: Session, edition: str, who: str, agreement: Agreement, what: str, now: datetime) -> None:
    """Write that somebody is about to be shown an edition, or the findings beside its draft."""
    append(session, Event(Operation.CONSULTATION, who, agreement.operator.id, agreement.reference, what, edition), now)
