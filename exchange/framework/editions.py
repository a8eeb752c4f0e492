"""What has been published, as the framework reads it: editions that may be shown to somebody now, their tables, and where they come from."""

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement
from agreements.openly import may_be_shown
from agreements.periods import Period
from agreements.release import Release
from exchange.framework.series import Edition
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases.life import PROVISIONAL
from exchange.releases.tables import OUT, EditionFileRow, EditionRow, EditionState


@dataclass(frozen=True)
class Reader:
    """For whom: the public, or the people of one party; ``everything`` for the operator's."""

    party: str = ""
    everything: bool = False

    @property
    def public(self) -> bool:
        """Nobody has signed in."""
        return not self.party

    def may_know(self, agreement: Agreement) -> bool:
        """A party's people know its agreements."""
        return self.everything or agreement.party(self.party) is not None


PUBLIC = Reader()


@dataclass(frozen=True)
class Known:
    """What a reader may see under one agreement. ``stopped``: why nothing new is shown of a release, by its name."""

    agreement: Agreement
    editions: tuple[Edition, ...]
    stopped: Mapping[str, str]


def known(session: Session, references: Collection[str], reader: Reader, now: datetime) -> dict[str, Known]:
    """By reference what the reader may see. An agreement that the reader may not know of is not among them.

    An edition is shown only while its agreement, and each dataset that its release reads, is in force: as for recipients. To the public
    only what both the edition's own version and the one that stands now mark public.
    """
    found = {}
    for reference in sorted(references):
        row = agreements.current(session, reference)
        if row is None:
            continue
        current = agreements.parsed(row.canonical)
        if not reader.public and not reader.may_know(current):
            continue
        seen = _seen(session, current, reader, now)
        if reader.public and not seen.editions:
            continue
        found[reference] = seen
    return found


def _seen(session: Session, current: Agreement, reader: Reader, now: datetime) -> Known:
    columns = (EditionRow.id, EditionRow.agreement, EditionRow.release, EditionRow.first_period, EditionRow.last_period)
    status = EditionRow.draft["status"].as_string()
    query = select(*columns, EditionRow.state, EditionRow.published_at, status).where(EditionRow.reference == current.reference)
    editions, stopped = [], dict[str, str]()
    refusals: dict[tuple[str, str], str | None] = {}
    for identity, digest, name, first, last, state, published, said in session.execute(query.where(EditionRow.state.in_(OUT))).all():
        under = session.get_one(AgreementRow, digest)
        agreement = agreements.parsed(under.canonical)
        release = agreement.release(name)
        if release is None or published is None or not _may(agreement, current, release, reader):
            continue
        if (digest, name) not in refusals:
            refusals[digest, name] = _stop(under, release, now)
        if (why := refusals[digest, name]) is not None:
            stopped[name] = why
            continue
        span, gone = (Period.parse(first), Period.parse(last)), state == EditionState.WITHDRAWN
        about = (identity, current.reference, agreement.version, digest, name)
        editions.append(Edition(*about, *span, published, withdrawn=gone, provisional=said == PROVISIONAL))
    return Known(current, tuple(sorted(editions, key=lambda one: (one.published, one.id))), stopped)


def _may(agreement: Agreement, current: Agreement, release: Release, reader: Reader) -> bool:
    if not reader.public:
        return reader.may_know(agreement)
    now = current.release(release.name)
    return release.public and now is not None and now.public


def _stop(row: AgreementRow, release: Release, now: datetime) -> str | None:
    shown = may_be_shown(agreements.standing(row), release.name, now)
    return str(shown) if isinstance(shown, Refused) else None


def table(session: Session, edition: str, name: str) -> pa.Table | None:
    """One published table of an edition, if it has it."""
    query = select(EditionFileRow.content).where(EditionFileRow.edition == edition, EditionFileRow.name == f"{name}.parquet")
    content = session.execute(query).scalar_one_or_none()
    return None if content is None else pq.read_table(io.BytesIO(content))


@dataclass(frozen=True)
class Lineage:
    """Where one edition comes from: how many submissions of which suppliers, why it was asked for, and why it was withdrawn."""

    edition: str
    submissions: int
    suppliers: tuple[str, ...]
    reason: str
    withdrawn: str
    unit: str
    caveats: tuple[str, ...]


def lineage(session: Session, edition: Edition) -> Lineage:
    """Of one edition, in the agreement's own names of parties."""
    query = select(EditionRow.draft, EditionRow.reason, EditionRow.withdrawal, AgreementRow.canonical)
    found = session.execute(query.join(AgreementRow, AgreementRow.digest == EditionRow.agreement).where(EditionRow.id == edition.id)).one()
    agreement = agreements.parsed(found.canonical)
    release = agreement.release(edition.release)
    inputs = found.draft.get("inputs", [])
    parties = {one.id: one.name for one in agreement.parties}
    suppliers = tuple(sorted({parties.get(one["supplier"], one["supplier"]) for one in inputs}))
    withdrawal = found.withdrawal or {}
    said = withdrawal.get("document", withdrawal)
    words = (found.reason or "", str(said.get("reason", "")) if edition.withdrawn else "")
    about = (release.unit, release.caveats) if release else ("", ())
    return Lineage(edition.id, len({one["submission"] for one in inputs}), suppliers, *words, *about)
