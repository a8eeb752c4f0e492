"""Editions as tools pull them: the newest of a release, a file of it with its digest, and the disclosure in the log.

A pull is a disclosure to the recipient in whose name it is made, written before anything is sent: each by a client with a key. A tool with a
token that pulls the same again and again is logged once a minute with a count (``exchange.log.repeats``), so that a poll is no flood. Nothing is sent to whoever has it
already (304), or asks for headers alone, and nothing is written then.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.decisions import Decision, Refused
from agreements.model import Agreement, Standing
from agreements.openly import may_publish_openly
from agreements.rules import UNKNOWN, may_receive
from exchange.errors import NoSuchForm, UnknownAgreement
from exchange.log import repeats
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import life, publish, spreadsheet, workbooks
from exchange.releases.edition import require
from exchange.releases.tables import OUT, EditionFileRow, EditionRow, EditionState
from exchange.times import Clock

BOM = b"\xef\xbb\xbf"
FORMS = {
    "text/csv": ".csv",
    "application/json": ".json",
    "application/vnd.apache.parquet": ".parquet",
}
"""What a table may be asked for as, by media type where the address has no ending; the first is what whoever accepts anything gets."""


@dataclass(frozen=True)
class Puller:
    """Who pulls: a recipient, and the token of one release with which it was asked for, if it was one; ``only``: that release."""

    client: str
    token: str = ""
    only: tuple[str, str] | None = None

    def require(self, reference: str, release: str) -> None:
        """Whoever came with a token of one release knows of no other."""
        if self.only not in (None, (reference, release)):
            raise UnknownAgreement(UNKNOWN)


@dataclass(frozen=True)
class Content:
    """One file as it is sent. ``sha256``: of its bytes, in hexadecimal; its entity tag."""

    name: str
    media_type: str
    content: bytes
    sha256: str

    @property
    def digest(self) -> str:
        """As ``Repr-Digest`` says it (RFC 9530)."""
        return f"sha-256=:{base64.b64encode(bytes.fromhex(self.sha256)).decode()}:"

    def with_mark(self) -> "Content":
        """A CSV with the byte-order mark by which Excel knows UTF-8: other bytes, and so another digest."""
        marked = BOM + self.content
        return Content(self.name, self.media_type, marked, hashlib.sha256(marked).hexdigest())


def newest(session: Session, reference: str, release: str, who: Puller, now: datetime) -> EditionRow:
    """The newest edition of a release that stands and that this recipient may receive.

    What there is and what it names is one question to the database, so that another's release is as one that is not.
    """
    who.require(reference, release)
    query = select(EditionRow.id, EditionRow.state, AgreementRow.digest, AgreementRow.canonical).join(
        AgreementRow, AgreementRow.digest == EditionRow.agreement
    )
    mine = (EditionRow.reference == reference, EditionRow.release == release, EditionRow.state.in_(OUT))
    found = session.execute(query.where(*mine).order_by(EditionRow.published_at.desc(), EditionRow.id)).all()
    refused: Refused = UNKNOWN
    withdrawn = ""
    for identity, state, digest, canonical in found:
        named = agreements.parsed(canonical).release(release)
        if named is None or who.client not in named.recipients:
            continue
        if state == EditionState.WITHDRAWN:
            withdrawn = withdrawn or identity
            continue
        decision = may_receive(agreements.standing(session.get(AgreementRow, digest)), release, who.client, now)
        if not isinstance(decision, Refused):
            return session.get_one(EditionRow, identity)
        refused = decision if refused is UNKNOWN else refused
    if withdrawn and refused is UNKNOWN:  # there was one, and nothing stands
        raise life.gone(session, session.get_one(EditionRow, withdrawn))
    require(refused)
    raise UnknownAgreement(UNKNOWN)


def named(session: Session, edition: str, who: Puller, now: datetime) -> EditionRow:
    """One edition by its id, for whoever may receive it; 410 where it was withdrawn (``publish.receive``)."""
    if who.only:  # before anything is said of it, be it that it was withdrawn
        of = session.execute(select(EditionRow.reference, EditionRow.release).where(EditionRow.id == edition)).one_or_none()
        who.require(*(of or ("", "")))
    return publish.receive(session, edition, who.client, now)


def chosen(row: EditionRow, name: str, accepted: str | None) -> str:
    """The name of the file: as it was asked for; of a table without an ending, in the form that is accepted.

    ``accepted``: the best of ``FORMS`` for whoever asks; None where none will do.
    """
    if "." in name:
        return name
    publish.file_of(row, f"{name}.csv")
    if accepted is None:
        raise NoSuchForm("this table has no such form.", remedy=f"Accept {', '.join(FORMS)}, or name the file with its ending.")
    return name + FORMS[accepted]


def content(session: Session, row: EditionRow, name: str) -> Content:
    """One file of an edition: as it was published, or its spreadsheet."""
    if name == spreadsheet.NAME:
        made = workbooks.workbook(row, agreements.of(session, row.agreement))
        return Content(name, spreadsheet.MEDIA_TYPE, made, hashlib.sha256(made).hexdigest())
    found = session.get(EditionFileRow, (row.id, name)) or publish.file_of(row, name)
    return Content(name, found.media_type, found.content, found.sha256.removeprefix("sha256:"))


def disclose(session: Session, edition: str, who: Puller, file: str, sha256: str, clock: Clock) -> None:
    """Write a pull in the log, under the agreement's lock: it may have been suspended, or the edition withdrawn, a moment ago."""
    found = session.get(EditionRow, edition)
    if found is None:
        raise UnknownAgreement(UNKNOWN)
    agreements.by_digest(session, found.agreement, lock=True)
    now = moment(session, clock)
    row = named(session, edition, who, now)
    agreement = agreements.of(session, row.agreement)
    recipient = next(one for one in agreement.recipients if one.id == who.client)
    details = {"file": file, "sha256": f"sha256:{sha256}", **({"token": who.token} if who.token else {})}
    event = Event(Operation.DISCLOSURE, who.client, recipient.party, row.reference, "edition downloaded", row.id, who.client, details)
    if who.token:
        repeats.note(session, event, now)
    else:
        append(session, event, now)


# ---------------------------------------------------------------------------------------------------- for anybody


def openly(session: Session, now: datetime) -> list[tuple[EditionRow, Agreement]]:
    """Every edition that anybody may know of, withdrawn ones too, newest first, each with its agreement."""
    return _those(session, lambda row, standing: _open(session, row, standing, now))


def _open(session: Session, row: EditionRow, standing: Standing | None, now: datetime) -> Decision:
    """As the version says that it was published under, and the one that stands now: what is agreed to be public no more is unknown."""
    decision = may_publish_openly(standing, row.release, now)
    if decision is UNKNOWN:  # as one that is not, to the database too
        return decision
    current = agreements.current(session, row.reference)
    release = agreements.parsed(current.canonical).release(row.release) if current else None
    return decision if release is not None and release.public else UNKNOWN


def public(session: Session, edition: str, now: datetime) -> EditionRow:
    """An edition that anybody may read; Gone where it was withdrawn."""
    query = select(EditionRow, AgreementRow).join(AgreementRow, AgreementRow.digest == EditionRow.agreement)
    found = session.execute(query.where(EditionRow.id == edition, EditionRow.state.in_(OUT))).one_or_none()
    if found is None:
        raise UnknownAgreement(UNKNOWN)
    require(_open(session, found[0], agreements.standing(found[1]), now))
    if found[0].state == EditionState.WITHDRAWN:
        raise life.gone(session, found[0])
    row: EditionRow = found[0]
    return row


def receivable(session: Session, client: str, now: datetime) -> list[tuple[EditionRow, Agreement]]:
    """Every edition that this recipient may know of, withdrawn ones too, newest first, each with its agreement."""
    return _those(session, lambda row, standing: may_receive(standing, row.release, client, now))


def _those(session: Session, decided: Callable[[EditionRow, Standing | None], Decision]) -> list[tuple[EditionRow, Agreement]]:
    query = select(EditionRow, AgreementRow).join(AgreementRow, AgreementRow.digest == EditionRow.agreement)
    found = session.execute(query.where(EditionRow.state.in_(OUT)).order_by(EditionRow.published_at.desc(), EditionRow.id)).all()
    return [(row, agreements.parsed(under.canonical)) for row, under in found if decided(row, agreements.standing(under))]
