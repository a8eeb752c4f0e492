"""Output checks: what waits to be checked, and one edition exactly as it would be published, for those who check it and those who answer for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from agreements.decisions import Refused
from agreements.model import Agreement
from agreements.openly import may_be_shown
from agreements.rules import HUB, may_check
from exchange.db import reading, writing
from exchange.errors import ExchangeError, Forbidden, NotFound
from exchange.log.record import moment
from exchange.people import people
from exchange.people.people import Person, Post
from exchange.register import agreements
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.releases import checking, cuts, life, linked_edition, noted, picturing, uniqueness, withdrawing
from exchange.releases.protected import Shown
from exchange.releases.screen import tables_of
from exchange.releases.tables import OUT, EditionRow, EditionState
from exchange.web import known
from exchange.web.door import blueprint, hub, page, person

LATEST = 25
PATH = "/checks/<edition>"
STATES: Mapping[str, tuple[str, str]] = {
    EditionState.AWAITING_CHECK: ("Waits to be checked", "blue"),
    EditionState.PUBLISHED: ("Published", "green"),
    EditionState.DROPPED: ("Dropped", "grey"),
    EditionState.WITHDRAWN: ("Withdrawn", "red"),
}
YOURS, SAID, ASKED, NOT_YOURS = "Waits for you", "You have checked it", "You asked for it", "Waits for others"


@dataclass(frozen=True)
class Line:
    """An edition in a list. ``mine``: what it is to the reader, while it waits."""

    row: EditionRow
    state: str
    colour: str
    mine: str


@dataclass(frozen=True)
class Mine:
    """What a draft is to the reader: the key the reader checks with (empty where none is named), what the rule says, and whether it was checked by it."""

    key: str
    decision: Any
    said: str

    @property
    def open(self) -> bool:
        """Whether the reader may check it now."""
        return bool(self.key) and not self.said and not isinstance(self.decision, Refused)


def words(row: EditionRow) -> tuple[str, str]:
    """The state of an edition in words, and the colour of its tag."""
    return STATES[row.state]


def known_to(session: Session, edition: str, who: Person) -> tuple[EditionRow, Agreement]:
    """An edition of an agreement that the person may know of, and may see as it stands; to whoever may not, it is as if there were none."""
    row = session.get(EditionRow, edition)
    under = session.get(AgreementRow, row.agreement) if row else None
    agreement = parsed(under.canonical) if under else None
    if row is None or agreement is None or not known.may_know(agreement, who):
        raise NotFound("there is no such edition.", remedy="Choose one from the list.")
    if row.state in (EditionState.AWAITING_CHECK, EditionState.DROPPED) and not who.holds(Post.CHECKER, Post.DPO, Post.OPERATOR):
        raise Forbidden("what is not published is seen by those who check it.", remedy="Wait until it is published.")
    return row, agreement


def mine(session: Session, row: EditionRow, agreement: Agreement, keys: Collection[str]) -> Mine:
    """What a draft is to the holder of these keys: asked of the rule that decides when a check is recorded."""
    named = [one.key for party in agreement.parties for one in party.checkers if one.key in keys]
    key = named[0] if named else next(iter(sorted(keys)), "")
    standing = agreements.standing(agreements.by_digest(session, row.agreement))
    decision = may_check(standing, row.release, key, row.requested_by, hub().clock(), checking.suppliers(row))
    if row.requested_by in keys and not isinstance(decision, Refused):
        decision = checking.own(agreement.clause("approvals", "output checkers"))
    said = next((vote.decision for vote in row.votes if vote.key in keys), "")
    return Mine(key if named else "", decision, said)


@blueprint.get("/checks")
def checks() -> ResponseReturnValue:
    """The queue: what waits, and what became of the latest."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        under = {row.digest: parsed(row.canonical) for row in known.versions(session, who)}
        mine_too = people.fingerprints(session, who.id)
        drafts = who.holds(Post.CHECKER, Post.DPO, Post.OPERATOR)
        waiting = [_line(session, row, under[row.agreement], mine_too) for row in _rows(session, under, waits=True)] if drafts else []
        others = [_line(session, row, under[row.agreement], mine_too) for row in _rows(session, under, waits=False)]
    ended = [one for one in others if drafts or one.row.state in OUT][:LATEST]
    waiting.sort(key=lambda one: one.mine != YOURS)
    return page("checking/queue.html", waiting=waiting, ended=ended, yours=sum(one.mine == YOURS for one in waiting), YOURS=YOURS)


def waiting_for(session: Session, who: Person) -> int:
    """How many editions wait for a person's own check."""
    if not who.holds(Post.CHECKER):
        return 0
    under, keys = {row.digest: parsed(row.canonical) for row in known.versions(session, who)}, people.fingerprints(session, who.id)
    return sum(mine(session, row, under[row.agreement], keys).open for row in _rows(session, under, waits=True))


def _rows(session: Session, under: Mapping[str, Agreement], *, waits: bool) -> list[EditionRow]:
    query = select(EditionRow).where(EditionRow.agreement.in_(list(under))).options(defer(EditionRow.report))
    if waits:
        return list(
            session.execute(query.where(EditionRow.state == EditionState.AWAITING_CHECK).order_by(EditionRow.requested_at)).scalars()
        )
    ended = query.where(EditionRow.state != EditionState.AWAITING_CHECK).order_by(EditionRow.requested_at.desc(), EditionRow.id)
    return list(session.execute(ended.limit(2 * LATEST)).scalars())


def _line(session: Session, row: EditionRow, agreement: Agreement, keys: Collection[str]) -> Line:
    state, colour = words(row)
    if row.state != EditionState.AWAITING_CHECK:
        return Line(row, state, colour, "")
    found = mine(session, row, agreement, keys)
    if row.requested_by in keys:
        return Line(row, state, colour, ASKED)
    return Line(row, state, colour, YOURS if found.open else SAID if found.said else NOT_YOURS)


# ------------------------------------------------------------------------------------------------------------ one edition


@blueprint.get(PATH)
def check(edition: str) -> ResponseReturnValue:
    """One edition: of a draft exactly what would be published and all that there is to judge it by; of any other what became of it."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        row, agreement = known_to(session, edition, who)
        keys = people.fingerprints(session, who.id)
        seen = _findings(session, row, agreement, keys)
    if row.state == EditionState.AWAITING_CHECK:
        what = f"edition shown{', with its findings' if seen else ''}"
        named = next((one.key for party in agreement.parties for one in party.people if one.key in keys), who.id)
        with writing(here.engine) as session:
            noted.looked_at(session, row.id, named, agreement, what, moment(session, here.clock))
    with reading(here.engine) as session:
        row, agreement = known_to(session, edition, who)
        stopped = _stopped(session, row)
        shown = tables_of(session, row) if row.state in (EditionState.AWAITING_CHECK, EditionState.PUBLISHED) and not stopped else []
        before = _before(session, row)
        earlier = tables_of(session, before) if before and shown and not _stopped(session, before) else []
        found = mine(session, row, agreement, keys)
        _, may_withdraw = withdrawing.may(session, row, keys)
        context: dict[str, Any] = {
            "asked_by": _asked_by(agreement, row.requested_by),
            "checks": [vote.signed["document"] | {"party": _party_of(agreement, vote.key)} for vote in row.votes]
            if row.state in OUT
            else [],
            "refusals": [vote.signed["document"] for vote in row.votes if vote.decision == checking.REFUSE],
            "because": checking.changed(session, row) if row.state == EditionState.AWAITING_CHECK else "",
            "successor": life.successor(session, row) if row.state == EditionState.WITHDRAWN else None,
            "withdrawer": _withdrawer(session, row),
            "stopped": stopped,
        }
    state, colour = words(row)
    return page(
        "checking/edition.html",
        row=row,
        agreement=agreement,
        release=agreement.release(row.release),
        state=state,
        colour=colour,
        mine=found,
        reading=_reading(shown),
        hidden=[(one.table.title, int(one.hidden.sum()), one.hidden.size) for one in shown],
        picture=_picture(shown, seen) if shown else "",
        compared=cuts.compare(shown, earlier) if earlier else None,
        before=before,
        told=_told(seen),
        withdraw_link=known.link_if("withdraw", edition=row.id) if row.state == EditionState.PUBLISHED and may_withdraw else "",
        link=known.link_if("submissions", reference=row.reference),
        **context,
    )


def _stopped(session: Session, row: EditionRow) -> str:
    """Why a published edition is shown to nobody now, as it is sent to nobody; a draft waits, and is looked at while it does."""
    shown = may_be_shown(agreements.standing(agreements.by_digest(session, row.agreement)), row.release, hub().clock())
    return str(shown) if row.state == EditionState.PUBLISHED and isinstance(shown, Refused) else ""


def _reading(shown: list[Shown]) -> dict[str, Any] | None:
    """The table that is looked at and the cut of it, with what else there is to choose."""
    if not shown:
        return None
    said = request.args
    table = next((one for one in shown if one.table.name == said.get("table")), shown[0])
    wanted = cuts.asked(table, said)
    return {"tables": shown, "table": table, "cut": cuts.cut(table, wanted), "asked": wanted, "shows": cuts.shows(table)}


def _before(session: Session, row: EditionRow) -> EditionRow | None:
    """What an edition is compared with: what it revises, else the last that was published of its release before it."""
    if row.revises:
        return session.get(EditionRow, row.revises)
    mine = (EditionRow.reference == row.reference, EditionRow.release == row.release, EditionRow.state == EditionState.PUBLISHED)
    earlier = (EditionRow.id != row.id, *([EditionRow.published_at < row.published_at] if row.published_at else []))
    query = select(EditionRow).where(*mine, *earlier).order_by(EditionRow.published_at.desc(), EditionRow.id).limit(1)
    return session.execute(query).scalar_one_or_none()


def _findings(session: Session, row: EditionRow, agreement: Agreement, keys: Collection[str]) -> dict[str, Any]:
    """What the rows showed, and the methods compared, where the reader may see it; else nothing."""
    key = next((one.key for party in agreement.parties for one in (*party.checkers, party.dpo) if one.key in keys), "")
    if not key or row.state != EditionState.AWAITING_CHECK:
        return {}
    try:
        now = hub().clock()
        return {"findings": checking.findings(session, row, key, now), "advice": checking.advice(session, row, key, now)}
    except ExchangeError:
        return {}  # not now: stopped, destroyed or revoked; the page says what waits


def _told(seen: Mapping[str, Any]) -> list[str]:
    if not seen:
        return []
    found = seen["findings"]
    linked = linked_edition.in_words(found["linkage"]) if "linkage" in found else ()
    return [*uniqueness.in_words(found), *linked, *picturing.in_words(seen["advice"])]


def _picture(shown: list[Shown], seen: Mapping[str, Any]) -> str:
    return picturing.picture("What is hidden", shown, seen["advice"] if seen else ())


def _party_of(agreement: Agreement, key: str) -> str:
    return next((party.name for party in agreement.parties if any(one.key == key for one in party.people)), "")


def _asked_by(agreement: Agreement, key: str) -> str:
    """Who asked for it, in words."""
    if key == HUB:
        return "the hub, as the release’s cadence asks"
    for party in agreement.parties:
        for one in party.people:
            if one.key == key:
                return f"{one.name}, {party.name}"
    recipient = next((one.id for one in agreement.recipients if one.client == key), "")
    return f"the recipient {recipient}" if recipient else "somebody whom an earlier version names"


def _withdrawer(session: Session, row: EditionRow) -> str:
    """Who withdrew it, in words; empty where that is not kept."""
    if row.withdrawal is None:
        return ""
    found = [_party_of(agreement, str(row.withdrawal["key"])) for agreement in withdrawing.versions(session, row)]
    party = next(filter(None, found), "")
    return f"{row.withdrawal['document']['person']}{f', {party}' if party else ''}"
