"""What a request about people's rights means for editions: which were made from the rows, and why not to publish one of them again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import keeping, kept
from exchange.releases.tables import OUT, EditionRow, EditionState
from keys.rights import EditionAffected

STANDING = (EditionState.AWAITING_CHECK, *OUT)
_BECAUSE = "rows it was made from were erased"


def lock(session: Session, reference: str, submissions: Sequence[str]) -> None:
    """Lock every edition that was made from one of these submissions, by id: none is checked or published meanwhile."""
    ids = [row.id for row in _made_from(session, reference, submissions)]
    query = select(EditionRow).where(EditionRow.id.in_(ids)).order_by(EditionRow.id)
    session.execute(query.with_for_update().execution_options(populate_existing=True)).scalars().all()


def affected(session: Session, reference: str, changed: Mapping[str, int], now: datetime, *, drop: bool) -> tuple[EditionAffected, ...]:
    """Every edition made from these submissions (id → records concerned), by lineage. With ``drop``, drafts among them are dropped."""
    return tuple(_told(session, row, changed, now, drop=drop) for row in list(_made_from(session, reference, list(changed))))


def let_go(session: Session, reference: str, supplier: str, datasets: Collection[str], safe: Collection[str], now: datetime) -> None:
    """Let go of what is kept sealed of editions that may count a person whose rows go. ``safe``: submissions in which the person is not."""
    kept.let_go_for_erasure(session, reference, supplier, datasets, safe, now)


def _made_from(session: Session, reference: str, submissions: Sequence[str]) -> Iterator[EditionRow]:
    """Those that waited to be checked or were published, withdrawn ones too: whoever received them has them."""
    wanted = set(submissions)
    query = select(EditionRow).where(EditionRow.reference == reference, EditionRow.state.in_(STANDING)).order_by(EditionRow.id)
    for row in session.execute(query).scalars() if wanted else ():
        if wanted & {one["submission"] for one in row.draft["inputs"]}:
            yield row


def _told(session: Session, row: EditionRow, changed: Mapping[str, int], now: datetime, *, drop: bool) -> EditionAffected:
    records = sum(changed.get(one, 0) for one in {one["submission"] for one in row.draft["inputs"]})
    if drop and row.state == EditionState.AWAITING_CHECK:
        keeping.drop(session, row, _BECAUSE, now)
    warning = _warning(session, row, records) if drop and row.state in OUT else None
    named = {"edition": row.id, "release": row.release, "first_period": row.first_period, "last_period": row.last_period}
    return EditionAffected(**named, state=str(row.state), records=records, warning=warning)


def _warning(session: Session, row: EditionRow, records: int) -> str | None:
    """Two editions of one population, of which the newer lacks a few records, show those records by their difference."""
    release = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical).release(row.release)
    threshold = release.terms.threshold if release else 0
    if not 0 < records < threshold:
        return None
    return (
        f"{records} of its records changed, fewer than the {threshold} of the release's threshold: beside this edition a new one of the same "
        "periods would show them by difference. Do not publish this edition again alone; let the next regular one carry the change."
    )
