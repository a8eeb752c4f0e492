"""How editions of one release follow each other: what a new one revises and why, whether it is provisional, and what took a withdrawn one's place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from agreements.rules import HUB, today
from exchange.errors import Conflict, Gone, Unacceptable
from exchange.people.people import reasoned
from exchange.releases.tables import OUT, EditionRow, EditionState
from exchange.times import rfc3339

PROVISIONAL, FINAL = "provisional", "final"
WITHDRAWN = "edition-withdrawn"
DRAFTED = "already-drafted"


class Asked(Protocol):
    """What is asked for, as far as matters here (``exchange.releases.edition.Wanted``)."""

    @property
    def reference(self) -> str: ...
    @property
    def release(self) -> str: ...
    @property
    def first(self) -> Period: ...
    @property
    def last(self) -> Period: ...
    @property
    def requester(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Place:
    """Where an edition that is asked for stands among those of its release: which one it revises, and the reason that was given."""

    asked: Asked
    revises: str | None
    reason: str | None

    def columns(self) -> dict[str, Any]:
        """As its row says it, with what was asked for."""
        asked = self.asked
        periods = {"first_period": asked.first.name, "last_period": asked.last.name}
        named = {"reference": asked.reference, "release": asked.release, "requested_by": asked.requester}
        return {**named, **periods, "revises": self.revises, "reason": self.reason}

    def facts(self, release: Release, now: datetime) -> dict[str, Any]:
        """As the signed document says it: ``status``, and where there is any ``revises`` and ``reason``."""
        over = release.provisional is None or release.provisional.after(self.asked.last.end) < today(now)
        said = {"status": FINAL if over else PROVISIONAL, "revises": self.revises, "reason": self.reason}
        return {name: value for name, value in said.items() if value is not None}


def place(session: Session, asked: Asked, agreement: Agreement) -> Place:
    """The place of an edition that is asked for; Unacceptable where it would revise one, and no reason is given.

    Asked under the agreement's lock, so that of two workers whom a cadence moves at once one alone drafts.
    """
    if asked.requester == HUB and _waits(session, asked):
        raise Conflict("a draft of these periods waits to be checked.", remedy="Check that one.", code=DRAFTED)
    before = revised(session, asked)
    remedy = "Say in a sentence what has changed; everybody who receives it reads it, so name nobody: --reason “…”"
    if asked.reason.strip():
        return Place(asked, before.id if before else None, reasoned(asked.reason, remedy))
    if before is not None:
        detail = f"it would revise {before.id}, and whoever receives it is to read why."
        raise Unacceptable(detail, remedy=remedy, code="reason-needed", clause=agreement.clause(f"release {asked.release}", "requests"))
    return Place(asked, None, None)


def _waits(session: Session, asked: Asked) -> bool:
    mine = (EditionRow.reference == asked.reference, EditionRow.release == asked.release, EditionRow.state == EditionState.AWAITING_CHECK)
    spans = (EditionRow.first_period == asked.first.name, EditionRow.last_period == asked.last.name)
    return session.execute(select(EditionRow.id).where(*mine, *spans).limit(1)).first() is not None


def revised(session: Session, asked: Asked) -> EditionRow | None:
    """The newest edition that was ever published of a release for exactly these periods."""
    mine = (EditionRow.reference == asked.reference, EditionRow.release == asked.release, EditionRow.state.in_(OUT))
    spans = (EditionRow.first_period == asked.first.name, EditionRow.last_period == asked.last.name)
    query = select(EditionRow).where(*mine, *spans).order_by(EditionRow.published_at.desc(), EditionRow.id)
    return session.execute(query.limit(1)).scalar_one_or_none()


def successor(session: Session, row: EditionRow) -> EditionRow | None:
    """The next edition of the same release and periods that is published: what to use in the place of a withdrawn one."""
    mine = (EditionRow.reference == row.reference, EditionRow.release == row.release, EditionRow.state == EditionState.PUBLISHED)
    spans = (EditionRow.first_period == row.first_period, EditionRow.last_period == row.last_period)
    later = EditionRow.published_at >= row.published_at, EditionRow.id != row.id
    query = select(EditionRow).where(*mine, *spans, *later).order_by(EditionRow.published_at.desc(), EditionRow.id)
    return session.execute(query.limit(1)).scalar_one_or_none()


def gone(session: Session, row: EditionRow) -> Gone:
    """What every address of a withdrawn edition answers: why, since when, and what to use in its place."""
    after = successor(session, row)
    remedy = f"Use {after.id} in its place." if after else "Nothing has taken its place yet; ask for “latest” again later."
    told = {"reason": row.ended or "", "successor": after.id if after else None}
    since = {"withdrawn": rfc3339(row.withdrawn_at)} if row.withdrawn_at else {}
    return Gone(f"{row.id} was withdrawn: {row.ended or 'no reason is kept'}", remedy=remedy, code=WITHDRAWN, extra={**told, **since})
