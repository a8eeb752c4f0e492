"""Releases on screen: what there is, what each counts, its editions, its newest table, and the lines with which tools pull it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from agreements.decisions import Refused
from agreements.model import Agreement
from agreements.periods import PeriodKind
from agreements.release import Release
from agreements.rules import UNKNOWN, in_force
from exchange.db import reading
from exchange.errors import UnknownAgreement
from exchange.people.people import Person
from exchange.register import agreements
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.releases import life, opened
from exchange.releases.opened import Opened
from exchange.releases.tables import OUT, EditionRow, EditionState
from exchange.web import known
from exchange.web.door import blueprint, hub, page, person
from exchange.web.pasting import Paste, pasted
from exchange.web.tabled import Cut, Grid, cut_of, tabled

EVERY: Mapping[PeriodKind | None, str] = {
    PeriodKind.MONTH: "An edition each month",
    PeriodKind.QUARTER: "An edition each quarter",
    PeriodKind.YEAR: "An edition each year",
    None: "An edition when it is asked for",
}


@dataclass(frozen=True)
class Line:
    """A release in the catalogue, and its newest edition that stands, if there is one."""

    agreement: Agreement
    release: Release
    newest: EditionRow | None
    editions: int

    @property
    def every(self) -> str:
        """How often editions come."""
        return EVERY[self.release.cadence]


@dataclass(frozen=True)
class Edition:
    """An edition in the history of its release: its status in words, with the colour of its tag, and what is to be known of it."""

    row: EditionRow
    status: str
    colour: str
    notes: tuple[str, ...]


@blueprint.get("/releases")
def releases() -> ResponseReturnValue:
    """Every release of every agreement that the reader's organisation is a party to."""
    with reading(hub().engine) as session:
        found = _lines(session, person())
    waiting = [one for one in found if one.newest is None]
    return page("catalogue/releases.html", lines=[one for one in found if one.newest is not None], waiting=waiting)


@blueprint.get("/releases/<reference>/<release>")
def release(reference: str, release: str) -> ResponseReturnValue:
    """One release: what it counts and how to read it, its newest table, its editions, and how to pull it."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        line = next((one for one in _lines(session, who, reference) if one.release.name == release), None)
        if line is None:
            raise UnknownAgreement(UNKNOWN)
        history = _history(session, who, reference, release)
        stopped = _stopped(session, line, here.clock())
        tables = opened.open_tables(line.newest) if line.newest and not stopped else {}
    order = {table.name: tables[table.name] for table in line.release.tables if table.name in tables}
    cut, grid = _shown(order, request.args)
    about = _about(order[cut.table], cut) if cut else {}
    return page(
        "catalogue/release.html",
        line=line,
        history=history,
        stopped=stopped,
        tables=order,
        cut=cut,
        grid=grid,
        lines=_pasted(here.settings.public_url, line, order),
        base=f"{here.settings.public_url}/v1/releases/{reference}/{release}/latest",
        recipients=[one for one in line.agreement.recipients if one.id in line.release.recipients],
        suppliers=_suppliers(line),
        named_tables=[(name, one.title) for name, one in order.items()],
        **about,
    )


def _about(one: Opened, cut: Cut) -> dict[str, Any]:
    """What the form of a cut offers, and how the table was protected."""
    return {
        "dimensions": [(column.name, column.title) for column in one.dimensions],
        "figures": [(column.name, column.title) for column in one.figures],
        "others": [
            (column.name, column.title, [(label, label) for label in one.labels[column.name]])
            for column in one.dimensions
            if column.name in cut.at
        ],
        "markers": one.markers,
        "protection": one.told["disclosure"],
    }


def _suppliers(line: Line) -> list[str]:
    """Who supplies what the release reads, each once, in the order of the agreement."""
    read = {supplier for one in line.agreement.datasets if one.name in line.release.datasets for supplier in one.suppliers}
    return [party.name for party in line.agreement.parties if party.id in read]


def _lines(session: Session, who: Person, reference: str | None = None) -> list[Line]:
    """Each release once: as the newest version of its agreement has it that has not been replaced, or else as its newest edition was made."""
    found: dict[tuple[str, str], Line] = {}
    by_release: dict[tuple[str, str], list[EditionRow]] = {}
    rows = known.versions(session, who, reference)
    words = {row.digest: parsed(row.canonical) for row in rows}
    query = select(EditionRow).where(EditionRow.agreement.in_(words), EditionRow.state.in_(OUT)).options(defer(EditionRow.report))
    for edition in session.execute(query.order_by(EditionRow.published_at.desc(), EditionRow.id)).scalars():
        by_release.setdefault((edition.reference, edition.release), []).append(edition)
    for row in sorted(rows, key=lambda one: (one.reference, one.in_force_at is None or one.replaced_at is not None, -one.version)):
        if row.in_force_at is None:
            continue  # agreed by nobody yet
        for one in words[row.digest].releases:
            key = row.reference, one.name
            editions = by_release.get(key, [])
            newest = next((edition for edition in editions if edition.state == EditionState.PUBLISHED), None)
            found.setdefault(key, Line(words[row.digest], one, newest, len(editions)))
    return list(found.values())


def _stopped(session: Session, line: Line, now: datetime) -> str:
    """Why the newest edition is shown to nobody now, as it is sent to nobody: its agreement, or a dataset that it reads, is stopped."""
    standing = agreements.standing(session.get(AgreementRow, line.newest.agreement)) if line.newest else None
    release = standing.agreement.release(line.release.name) if standing else None
    if standing is None or release is None:
        return ""
    return next((str(one) for one in (in_force(standing, now, dataset) for dataset in release.datasets) if isinstance(one, Refused)), "")


def _history(session: Session, who: Person, reference: str, release: str) -> list[Edition]:
    """Its editions under every version that the reader may know of."""
    digests = [row.digest for row in known.versions(session, who, reference)]
    query = select(EditionRow).where(EditionRow.agreement.in_(digests), EditionRow.release == release, EditionRow.state.in_(OUT))
    rows = list(session.execute(query.options(defer(EditionRow.report)).order_by(EditionRow.published_at.desc(), EditionRow.id)).scalars())
    revised = {row.revises: row.id for row in reversed(rows) if row.revises and row.state == EditionState.PUBLISHED}
    return [_edition(session, row, revised.get(row.id)) for row in rows]


def _edition(session: Session, row: EditionRow, by: str | None) -> Edition:
    if row.state == EditionState.WITHDRAWN:
        after = life.successor(session, row)
        notes = (
            f"Withdrawn: {row.ended}" if row.ended else "",
            f"Use {after.id} in its place." if after else "Nothing has taken its place yet.",
        )
        return Edition(row, "Withdrawn", "red", tuple(filter(None, notes)))
    told = (f"Revised by {by}." if by else "", f"Revises {row.revises}." if row.revises else "", row.reason or "")
    provisional = ("Provisional", "yellow") if row.draft.get("status") == life.PROVISIONAL else ("Final", "green")
    status, colour = ("Revised since", "grey") if by else provisional
    return Edition(row, status, colour, tuple(filter(None, told)))


def _shown(tables: Mapping[str, Opened], asked: Mapping[str, str]) -> tuple[Cut | None, Grid | None]:
    if not tables:
        return None, None
    one = tables.get(asked.get("table", ""), next(iter(tables.values())))
    cut = cut_of(one, asked)
    return cut, tabled(one, cut)


def _pasted(base: str, line: Line, tables: Mapping[str, Opened]) -> Sequence[Paste]:
    if not tables:
        return ()
    first = next(iter(tables.values()))
    return pasted(base, line.agreement.reference, line.release.name, first.name, tuple(first.markers))
