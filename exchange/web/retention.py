"""What will be destroyed under an agreement, and when: submissions, drafts, reports; and the legal holds that they wait for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.rules import today
from exchange.db import reading
from exchange.people.people import Post
from exchange.people.tables import PersonRow
from exchange.questions import due, leap
from exchange.register.agreements import LIVE, parsed
from exchange.releases.tables import EditionRow
from exchange.submissions import holds
from exchange.submissions.holds import Hold
from exchange.web import known
from exchange.web.door import blueprint, hub, page, person
from exchange.web.submissions import shown_ids

FAR = 100  # years: everything
SPANS: Mapping[str, tuple[str, timedelta]] = {
    "month": ("In the next 30 days", timedelta(days=30)),
    "year": ("In the next 12 months", timedelta(days=365)),
    "all": ("Whenever it is", timedelta(days=365 * FAR)),
}
MOST = 200
KINDS: Mapping[str, str] = {
    due.SUBMISSION: "Submission",
    due.DRAFT: "Draft of an edition",
    due.COUNTS: "Exact counts of an edition",
    due.REPORT: "Report on a refused submission",
    due.REMAINS: "Unreadable remains",
}


@dataclass(frozen=True)
class Line:
    """One thing that will be destroyed, as the page has it. ``address``: its own page, if it has one."""

    one: due.Due
    kind: str
    address: str


@dataclass(frozen=True)
class Held:
    """A legal hold, and who ordered it, by name where the hub knows one."""

    hold: Hold
    by: str


@blueprint.get("/agreements/<reference>/retention")
def retention(reference: str) -> ResponseReturnValue:
    """What goes first comes first; of what is far off, what is asked for."""
    here, who = hub(), person()
    span = request.args.get("span", "") if request.args.get("span") in SPANS else "year"
    now = here.clock()
    on = today(now)
    with reading(here.engine) as session:
        ids = shown_ids(session, reference, who)
        versions = known.versions(session, who, reference)
        words = [parsed(row.canonical) for row in versions]
        stands = next((one for one, row in zip(words, versions, strict=True) if row.state in LIVE and row.replaced_at is None), words[0])
        found = due.everything(session, _by(on, span), on, reference)
        ids |= set(session.execute(select(EditionRow.id).where(EditionRow.agreement.in_([row.digest for row in versions]))).scalars())
        standing = [one for one in holds.everything(session, reference) if one.over.submission is None or one.over.submission in ids]
        held = [Held(one, _name(session, words, one.person)) for one in standing]
        ahead = leap.ahead(session, now, timedelta(days=here.settings.clock_leap_days)) if who.holds(Post.OPERATOR) else None
    lines = [_line(one) for one in found if one.id in ids]
    return page(
        "agreements/retention.html",
        agreement=stands,
        lines=lines[:MOST],
        more=max(0, len(lines) - MOST),
        holds=held,
        spans={name: text for name, (text, _) in SPANS.items()},
        span=span,
        ahead=ahead,
    )


def _by(on: date, span: str) -> date:
    return on + SPANS[span][1]


def _line(one: due.Due) -> Line:
    address = "" if one.kind in {due.DRAFT, due.COUNTS} else url_for("web.submission", reference=one.reference, submission=one.id)
    return Line(one, KINDS[one.kind], address)


def _name(session: Session, versions: Sequence[Agreement], who: str) -> str:
    """The name of whoever ordered a hold: of an account, or as a version of the agreement names the key."""
    account = session.get(PersonRow, who)
    if account is not None:
        return f"{account.name}, {account.position}"
    people: Iterable[str] = (
        f"{one.name}, {one.position}" for words in versions for party in words.parties for one in party.people if one.key == who
    )
    return next(iter(people), who)
