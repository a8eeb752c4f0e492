"""Editions that were published or dropped after the backup.

The populations of what was published stay taken, so that no second edition can be compared with it: without its files none can be
protected together with it, and so there is none. Its files and signatures are gone from the hub; recipients have them, and can verify them
without it.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.periods import Period, months
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.releases.checking import without_findings
from exchange.releases.tables import EditionFileRow, EditionRow, EditionState, PopulationRow
from exchange.restore.lost import Edition

Population = tuple[str, str, str]


def keep_taken(session: Session, editions: Iterable[Edition]) -> list[str]:
    """Take the populations of published editions that the database lacks, and drop what was dropped.

    Returns the published ones whose agreement is not here to tell their populations by.
    """
    unknown = []
    for one in editions:
        row, version = session.get(EditionRow, one.edition), _version(session, one)
        if row is not None and (one.published or one.dropped):
            _drop(session, row)
        if one.published and row is None and version is not None:
            row = _stub(session, one, version)
        if one.published and row is not None:
            _take(session, row, _populations(row, parsed(session.get_one(AgreementRow, row.agreement).canonical)))
        elif one.published:
            unknown.append(one.edition)
    return unknown


def _version(session: Session, one: Edition) -> AgreementRow | None:
    query = select(AgreementRow).where(AgreementRow.reference == one.reference, AgreementRow.version == one.version)
    return session.execute(query).scalar_one_or_none()


def _drop(session: Session, row: EditionRow) -> None:
    row.state, row.report = EditionState.DROPPED, without_findings(row)
    session.execute(delete(EditionFileRow).where(EditionFileRow.edition == row.id))


def _stub(session: Session, one: Edition, version: AgreementRow) -> EditionRow:
    row = EditionRow(
        id=one.edition,
        reference=one.reference,
        agreement=version.digest,
        release=one.release,
        first_period=one.first,
        last_period=one.last,
        state=EditionState.DROPPED,
        requested_by="hub",
        requested_at=version.registered_at,
        draft={"inputs": []},
        draft_digest="",
        report={},
        dispose_on=version.expires,
    )
    session.add(row)
    session.flush()
    return row


def _populations(row: EditionRow, agreement: Agreement) -> Iterator[Population]:
    """Of a draft that is here, what it read; of one that is lost, all that it may have read."""
    release = agreement.release(row.release)
    base = agreement.dataset(release.base) if release else None
    if base is None:
        return
    if inputs := row.draft["inputs"]:
        yield from sorted({(base.adapter, one["supplier"], one["period"]) for one in inputs if one["dataset"] == base.name})
    else:
        periods = months(Period.parse(row.first_period), Period.parse(row.last_period))
        yield from ((base.adapter, supplier, period.name) for supplier in base.suppliers for period in periods)


def _take(session: Session, row: EditionRow, populations: Iterator[Population]) -> None:
    for adapter, supplier, period in populations:
        mine = (PopulationRow.adapter == adapter, PopulationRow.supplier == supplier, PopulationRow.period == period)
        if session.execute(select(PopulationRow.id).where(*mine, PopulationRow.edition == row.id)).first() is None:
            session.add(PopulationRow(adapter=adapter, supplier=supplier, period=period, edition=row.id))
    session.flush()
