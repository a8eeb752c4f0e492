"""Rows under a legal hold feed no release: no edition is made of them, and no draft that was made of them is checked any further."""

from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from agreements.model import Agreement
from exchange.errors import Conflict
from exchange.releases.spans import Spans
from exchange.releases.tables import EditionRow
from exchange.submissions import holdings

_MOST = 12


def require_free(session: Session, agreement: Agreement, read: Spans) -> None:
    """Conflict, naming suppliers and periods, if a hold covers anything that would be read: left out in silence, counts would be wrong."""
    for name, periods in read.items():
        dataset = agreement.dataset(name)
        suppliers = dataset.suppliers if dataset else ()
        every = holdings.kept_from(session, agreement.reference, name, periods)
        if kept := [batch for batch in every if batch.supplier in suppliers]:
            spans = sorted({f"{batch.supplier} {batch.period}" for batch in kept})
            held = holdings.under_hold(session, [batch.submission for batch in kept])
            named = f"{name} is under legal hold: {', '.join(spans[:_MOST])}{' …' if len(spans) > _MOST else ''}"
            raise _refusal(agreement.clause(f"dataset {name}", "retention"), named, set(held.values()))


def holds_on(session: Session, row: EditionRow) -> Mapping[str, str]:
    """The legal holds on what a draft was made from: submission → id."""
    return holdings.under_hold(session, [one["submission"] for one in row.draft["inputs"]])


def require_not_frozen(session: Session, row: EditionRow, clause: str) -> None:
    """Conflict if a hold covers anything that a draft was made from."""
    if held := holds_on(session, row):
        named = f"the draft was made from {', '.join(sorted(held)[:_MOST])}, under legal hold now"
        raise _refusal(clause, named, set(held.values()))


def _refusal(clause: str, what: str, by: Collection[str]) -> Conflict:
    return Conflict(
        f"{what}; while a legal hold lasts ({', '.join(sorted(by))}), nothing that it covers feeds an edition.",
        remedy="Ask for periods that are not held, or wait until the hold has ended: exchange retention holds",
        code="under-hold",
        clause=clause,
    )
