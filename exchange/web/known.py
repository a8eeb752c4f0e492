"""Which agreements a person may know of, and what every screen about one shows."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from flask import current_app, url_for
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.rules import UNKNOWN, today
from exchange.access import OPERATIONS, Role
from exchange.errors import UnknownAgreement
from exchange.people.people import Person, Post
from exchange.register import agreements
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.web.door import person

DOWNLOADS = (
    ("agreement_pdf", "Document to read and print (PDF)"),
    ("agreement_json", "Signed agreement, to be verified offline (JSON)"),
    ("agreement_odrl", "Policy for machines (ODRL with DPV, JSON-LD)"),
    ("agreement_article30", "Record of processing (Article 30 and section 61)"),
)


def may_know(agreement: Agreement, who: Person) -> bool:
    """A party's people know its agreements; the operator's, all."""
    return agreement.party(who.party) is not None or who.holds(Post.OPERATOR)


def known(session: Session, who: Person, reference: str, version: int | None = None) -> AgreementRow:
    """The version, or the one that stands now; to whoever may not know of it, it is as if there were none."""
    row = agreements.current(session, reference, version)
    if row is None or not may_know(parsed(row.canonical), who):
        raise UnknownAgreement(UNKNOWN)
    return row


def versions(session: Session, who: Person, reference: str | None = None) -> list[AgreementRow]:
    """Every version the person may know of, newest first within its agreement; of one agreement, if one is named."""
    rows: Iterable[AgreementRow] = agreements.everything(session)
    everything = who.holds(Post.OPERATOR)
    asked = (row for row in rows if reference in (None, row.reference) and (everything or agreements.names(row, who.party)))
    mine = [row for row in asked if may_know(parsed(row.canonical), who)]
    return sorted(mine, key=lambda row: (row.reference, -row.version))


def own(session: Session, who: Person) -> list[AgreementRow]:
    """Every version that the person's own organisation is a party to; a recipient's people are of none."""
    return [row for row in agreements.visible(session, who.party) if parsed(row.canonical).party(who.party) is not None]


def countdown(day: date, now: datetime) -> str:
    """How far off a day is, in words: ``in 160 days``, ``today``, ``3 days ago``."""
    days = (day - today(now)).days
    if days == 0:
        return "today"
    return f"in {_many(days)}" if days > 0 else f"{_many(-days)} ago"


def _many(days: int) -> str:
    if days > 730:
        return f"{days // 365} years"
    return f"{days:,} day{'' if days == 1 else 's'}"


def link_if(endpoint: str, **values: Any) -> str:
    """The address of a page that this hub has and whoever is signed in may open; empty where not."""
    name = f"web.{endpoint}"
    opens = {Role(role) for role in person().roles} & OPERATIONS.get(name, frozenset())
    return url_for(name, **values) if opens and name in current_app.view_functions else ""


def downloads(reference: str, version: int) -> list[tuple[str, str]]:
    """What can be downloaded of a version: (address, what it is)."""
    found = ((link_if(name, reference=reference, version=version), words) for name, words in DOWNLOADS)
    return [one for one in found if one[0]]
