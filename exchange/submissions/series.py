"""The line of one period of a supplier's dataset: what stands for it, what a new submission repeats, and what it takes the place of.

By the mode of the dataset. ``replace`` and ``snapshot``: whatever stands makes room for the new. ``append``: the new stands beside it; but
what no release could read beside it (made under an older linkage epoch, or held under a version whose fields cannot be brought under the
new one) makes room, since all of it must be pushed again, and so does what has the same content under an older version.

The head is the last that was ever held, whether or not it stands still: what follows one that was destroyed meanwhile follows it all the
same. So all of a period stands in one line; an acknowledged submission is not refused because the day of what it follows came first; and
one that was prepared when nothing was there does not pass for the newest once what came between has been destroyed. Only what a restore
lost (lapsed, with a place) is as if it had never been held: its supplier is told to push it again.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, and_, func, select
from sqlalchemy.orm import Session

from agreements.carrying import Way, carry
from agreements.fields import PseudonymiseRule
from agreements.model import Dataset, Mode
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.submissions import holdings
from exchange.submissions.tables import SubmissionRow, SubmissionState
from keys.formats import Manifest

_EVER_HELD = and_(SubmissionRow.place.is_not(None), SubmissionRow.state != SubmissionState.LAPSED)


def line(reference: str, dataset: str, supplier: str, period: str) -> ColumnElement[bool]:
    """As part of a query about submissions: those of one period of a supplier's dataset."""
    return and_(
        SubmissionRow.reference == reference,
        SubmissionRow.dataset == dataset,
        SubmissionRow.supplier == supplier,
        SubmissionRow.period == period,
    )


def standing(session: Session, one: Manifest | SubmissionRow) -> list[SubmissionRow]:
    """What is held for the period of a manifest or submission, in the order in which it was held."""
    same = line(one.reference, one.dataset, one.supplier, one.period)
    query = select(SubmissionRow).where(same, SubmissionRow.state == SubmissionState.HELD)
    return list(session.execute(query.order_by(SubmissionRow.place)).scalars())


def head(session: Session, one: Manifest | SubmissionRow) -> str | None:
    """The submission that whatever is held next for the period must follow: the last that was held for it, destroyed since or not."""
    query = select(SubmissionRow.id).where(line(one.reference, one.dataset, one.supplier, one.period), _EVER_HELD)
    return session.execute(query.order_by(SubmissionRow.place.desc()).limit(1)).scalar_one_or_none()


def heads(session: Session, reference: str, dataset: str, supplier: str) -> dict[str, Row[str, str, str]]:
    """Period → its head: period, id and digest of the rows; of one supplier's dataset."""
    query = select(SubmissionRow.period, SubmissionRow.id, SubmissionRow.rows_digest).where(
        SubmissionRow.reference == reference,
        SubmissionRow.dataset == dataset,
        SubmissionRow.supplier == supplier,
        _EVER_HELD,
    )
    return {found.period: found for found in session.execute(query.order_by(SubmissionRow.place))}


def next_place(session: Session, row: SubmissionRow) -> int:
    """The place in the line for one that is about to be held."""
    taken = select(func.max(SubmissionRow.place)).where(line(row.reference, row.dataset, row.supplier, row.period))
    return int(session.execute(taken).scalar_one() or 0) + 1


def repeated(session: Session, manifest: Manifest, live: Sequence[SubmissionRow]) -> SubmissionRow | None:
    """The held submission that a manifest's content repeats: to hold it would change nothing of what stands.

    Content sent again under a newer version or linkage epoch is no repeat: it renews what is held. Nor is content of which some was erased since.
    """
    whole = [row for row in live if _equal(row, manifest) and not row.erased_rows]
    equal = [row for row in whole if not holdings.renewed(session, row, manifest.version, manifest.epoch)]
    if manifest.mode == Mode.APPEND:
        return equal[-1] if equal else None
    return equal[0] if equal and len(live) == 1 else None


def _equal(row: SubmissionRow, manifest: Manifest) -> bool:
    return (row.rows_digest, row.rows) == (manifest.rows_digest, manifest.rows)


def displaced(session: Session, manifest: Manifest, dataset: Dataset, live: Sequence[SubmissionRow]) -> list[SubmissionRow]:
    """Which of what stands makes room for a submission that is held now, so that nothing is ever counted twice."""
    if manifest.mode != Mode.APPEND:
        return list(live)
    return [row for row in live if _equal(row, manifest) or not _readable_beside(session, row, manifest, dataset)]


def _readable_beside(session: Session, row: SubmissionRow, manifest: Manifest, dataset: Dataset) -> bool:
    linked = any(isinstance(field.rule, PseudonymiseRule) for field in dataset.fields)
    if linked and int(row.manifest["document"]["epoch"]) < manifest.epoch:
        return False
    under = session.get_one(AgreementRow, row.agreement)
    if under.version >= manifest.version:
        return True
    ways = carry(agreements.parsed(under.canonical).dataset(row.dataset), dataset)
    return all(way.way is not Way.NOT for way in ways)
