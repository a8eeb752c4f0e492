"""The story of “what if?”: a version's rules asked of every past submission and edition of its agreement. Metadata alone is read."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.periods import Period
from agreements.rehearsal import Outcome, Published, Rehearsal, Submitted
from agreements.rehearsal import rehearse as replay
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases.tables import EditionRow, EditionState
from exchange.submissions.tables import SubmissionRow, SubmissionState

_OUTCOMES: Mapping[str, Outcome] = {SubmissionState.COMPLETE: Outcome.WAITING, SubmissionState.REFUSED: Outcome.REFUSED}
_NEVER_ARRIVED = (SubmissionState.OPEN, SubmissionState.LAPSED, SubmissionState.REPEATED)


def rehearse(session: Session, new: Agreement, supplier: str | None = None) -> Rehearsal:
    """What this version would have done. ``supplier``: only what that party submitted; None for the operator, who sees all.

    Submissions that never arrived whole are left out, and repeats: nothing was decided about them. Editions are shown to every party.
    """
    query = select(AgreementRow).where(AgreementRow.reference == new.reference)
    versions = {row.digest: agreements.parsed(row.canonical) for row in session.execute(query).scalars()}
    return replay(new, _submissions(session, new.reference, versions, supplier), _editions(session, new.reference, versions))


def _submissions(session: Session, reference: str, versions: Mapping[str, Agreement], supplier: str | None) -> list[Submitted]:
    query = select(SubmissionRow).where(SubmissionRow.reference == reference, SubmissionRow.state.not_in(_NEVER_ARRIVED))
    if supplier is not None:
        query = query.where(SubmissionRow.supplier == supplier)
    rows = session.execute(query.order_by(SubmissionRow.received_at, SubmissionRow.id)).scalars()
    return [_submitted(row, versions[row.agreement]) for row in rows]


def _submitted(row: SubmissionRow, under: Agreement) -> Submitted:
    receipt: Mapping[str, Any] = (row.receipt or {}).get("document", {})
    return Submitted(
        id=row.id,
        supplier=row.supplier,
        dataset=row.dataset,
        period=Period.parse(row.period),
        mode=str(row.manifest["document"]["mode"]),
        rows=row.rows,
        received=row.received_at,
        outcome=_OUTCOMES.get(row.state, Outcome.HELD),
        dispose_on=row.dispose_on,
        under=under,
        reasons=tuple(str(one["clause"]) for one in receipt.get("reasons", ())),
    )


def _editions(session: Session, reference: str, versions: Mapping[str, Agreement]) -> list[Published]:
    query = select(EditionRow).where(EditionRow.reference == reference, EditionRow.state != EditionState.DROPPED)
    rows = session.execute(query.order_by(EditionRow.requested_at, EditionRow.id)).scalars()
    return [Published(row.id, row.release, row.first_period, row.last_period, row.state, versions[row.agreement]) for row in rows]
