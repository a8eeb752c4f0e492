"""Editions that were published, withdrawn or dropped after the backup.

The populations of what was published stay taken, so that no second edition can be compared with it: without its files none can be
protected together with it, and so there is none. Its files and signatures are gone from the hub; recipients have them, and can verify them
without it.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.periods import Period, months
from exchange.keyring import KEPT
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.releases import kept
from exchange.releases.checking import without_findings
from exchange.releases.history import claimed
from exchange.releases.tables import EditionFileRow, EditionRow, EditionState, KeptRow, PopulationRow
from exchange.restore.lost import Edition, Lost

Population = tuple[str, str, str]


def keys_to_destroy(session: Session, lost: Lost, alive: Collection[str]) -> set[str]:
    """The names of keys of exact counts and proofs that are destroyed on record, that belong to what was dropped or published since, or to nothing here."""
    named = set(session.execute(select(KeptRow.key)).scalars())
    over = {one.edition for one in lost.editions.values() if one.published or one.dropped}
    past = {name for name in named if name.removeprefix(KEPT).partition("/")[0] in over}
    return set(lost.kept) | past | {name for name in alive if name.startswith(KEPT)} - named


def let_go(session: Session, lost: Lost, now: datetime) -> None:
    """Let go again of exact counts and proofs that the database has back."""
    for edition in sorted(set(lost.kept.values())):
        if (row := session.get(EditionRow, edition)) is not None:
            kept.let_go(session, row, kept.AGAIN, now)
    for edition in sorted(lost.put_off):
        if (row := session.get(EditionRow, edition)) is not None:
            kept.put_off(session, row, now)


def keep_taken(session: Session, editions: Iterable[Edition], now: datetime) -> list[str]:
    """Take the populations of published editions that the database lacks, and drop what was dropped.

    Returns the published ones whose agreement is not here to tell their populations by.
    """
    unknown = []
    for one in editions:
        row, version = session.get(EditionRow, one.edition), _version(session, one)
        if row is not None and (one.published or one.dropped):
            _drop(session, row, now)
        elif row is not None and one.withdrawn is not None:
            # The signed decision is lost with the database that had it; what was withdrawn is not given out again for that.
            row.state, row.withdrawn_at, row.ended = EditionState.WITHDRAWN, now, one.withdrawn
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


def _drop(session: Session, row: EditionRow, now: datetime) -> None:
    row.state, row.report = EditionState.DROPPED, without_findings(row)
    session.execute(delete(EditionFileRow).where(EditionFileRow.edition == row.id))
    kept.let_go(session, row, kept.DROPPED, now)


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
    if row.draft["inputs"]:
        yield from claimed(row, agreement)
        return
    periods = months(Period.parse(row.first_period), Period.parse(row.last_period))
    for name in release.counted if release else ():
        if (base := agreement.dataset(name)) is not None:
            yield from ((base.adapter, supplier, period.name) for supplier in base.suppliers for period in periods)


def _take(session: Session, row: EditionRow, populations: Iterator[Population]) -> None:
    for adapter, supplier, period in populations:
        mine = (PopulationRow.adapter == adapter, PopulationRow.supplier == supplier, PopulationRow.period == period)
        if session.execute(select(PopulationRow.id).where(*mine, PopulationRow.edition == row.id)).first() is None:
            session.add(PopulationRow(adapter=adapter, supplier=supplier, period=period, edition=row.id))
    session.flush()
