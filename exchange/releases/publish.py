"""Published editions, for those who may receive them. A download is a disclosure: it is written before it begins."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.rules import UNKNOWN, may_receive
from exchange.errors import NotFound, UnknownAgreement
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import life
from exchange.releases.edition import require
from exchange.releases.tables import OUT, EditionFileRow, EditionRow, EditionState
from exchange.times import Clock


def receivable(session: Session, client: str, now: datetime) -> list[EditionRow]:
    """Every published edition that this recipient may receive now, newest first."""
    query = select(EditionRow).where(EditionRow.state == EditionState.PUBLISHED).order_by(EditionRow.published_at.desc(), EditionRow.id)
    return [row for row in session.execute(query).scalars() if _may(session, row, client, now)]


def _may(session: Session, row: EditionRow, client: str, now: datetime) -> bool:
    standing = agreements.standing(session.get(AgreementRow, row.agreement))
    return bool(may_receive(standing, row.release, client, now))


def receive(session: Session, edition: str, client: str, now: datetime) -> EditionRow:
    """A published edition, for a recipient its agreement names; to anybody else there is none. Gone, and why, where it was withdrawn."""
    row, under = _named(session, edition, client)
    if row.state == EditionState.WITHDRAWN:
        raise life.gone(session, row)
    require(may_receive(agreements.standing(under), row.release, client, now))
    return row


def _named(session: Session, edition: str, client: str) -> tuple[EditionRow, AgreementRow]:
    """An edition that was published and its agreement, if that names the client; one question, whether there is none or it is another's."""
    query = select(EditionRow, AgreementRow).join(AgreementRow, AgreementRow.digest == EditionRow.agreement)
    found = session.execute(query.where(EditionRow.id == edition, EditionRow.state.in_(OUT))).one_or_none()
    release = agreements.parsed(found[1].canonical).release(found[0].release) if found else None
    if found is None or release is None or client not in release.recipients:
        raise UnknownAgreement(UNKNOWN)
    return found[0], found[1]


def _published(session: Session, edition: str) -> EditionRow:
    row = session.get(EditionRow, edition)
    if row is None or row.state not in OUT:
        raise UnknownAgreement(UNKNOWN)
    return row


def file_of(row: EditionRow, name: str) -> EditionFileRow:
    """One file of an edition."""
    found = next((one for one in row.files if one.name == name), None)
    if found is None:
        raise NotFound("the edition has no such file.", remedy=f"It has: {', '.join(one.name for one in row.files)}.", code="no-such-file")
    return found


def download(session: Session, edition: str, name: str, client: str, clock: Clock) -> EditionFileRow:
    """One file, with the disclosure written in the log under the agreement's lock."""
    agreements.by_digest(session, _published(session, edition).agreement, lock=True)
    now = moment(session, clock)
    row = receive(session, edition, client, now)
    found = file_of(row, name)
    agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    recipient = next(one for one in agreement.recipients if one.id == client)
    event = Event(
        Operation.DISCLOSURE,
        client,
        recipient.party,
        row.reference,
        "edition downloaded",
        row.id,
        client,
        {"file": name, "sha256": found.sha256},
    )
    append(session, event, now)
    return found


def latest(session: Session, reference: str, release: str, client: str, now: datetime) -> EditionRow:
    """The newest edition of a release."""
    found = [row for row in receivable(session, client, now) if (row.reference, row.release) == (reference, release)]
    if not found:
        raise UnknownAgreement(UNKNOWN)
    return found[0]
