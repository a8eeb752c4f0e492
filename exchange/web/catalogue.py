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
from agreements.openly import may_be_shown
from agreements.periods import PeriodKind
from agreements.release import Release
from agreements.rules import UNKNOWN
from exchange.db import reading
from exchange.errors import UnknownAgreement
from exchange.people.people import Person
from exchange.register import agreements
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.releases import cuts, life
from exchange.releases.csvw import about
from exchange.releases.protected import Shown
from exchange.releases.screen import tables_of
from exchange.releases.tables import OUT, EditionRow, EditionState
from exchange.web import known
from exchange.web.door import blueprint, hub, page, person
from exchange.web.pasting import Paste, pasted

MOST = 400  # rows on a page
WIDE = 8  # columns, the total with them, that fit without scrolling
FEW = 4  # periods, the total with them, that are no line to be read downwards
TIMES = ("month", "quarter", "year", "period", "window")  # names of dimensions that are time
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
        tables = tables_of(session, line.newest) if line.newest and not stopped else []
        under = parsed(session.get_one(AgreementRow, line.newest.agreement).canonical) if line.newest else line.agreement
    told = about(line.release, under, tables[0], {}) if tables else {}
    return page(
        "catalogue/release.html",
        line=line,
        history=history,
        stopped=stopped,
        tables=tables,
        told=told,
        lines=_pasted(here.settings.public_url, line, tables, tuple(told.get("markers", ()))),
        base=f"{here.settings.public_url}/v1/releases/{reference}/{release}/latest",
        recipients=[one for one in line.agreement.recipients if one.id in line.release.recipients],
        suppliers=_suppliers(line),
        **_looked_at(tables, request.args),
    )


def _looked_at(tables: Sequence[Shown], said: Mapping[str, str]) -> dict[str, Any]:
    """The table that is looked at and its cut, and what its form offers: dimensions, figures, and the labels at which the others are held."""
    if not tables:
        return {}
    one = next((shown for shown in tables if shown.table.name == said.get("table")), tables[0])
    asked = cuts.asked(one, _asked(one, said))
    cut = cuts.cut(one, asked)
    return {
        "shown": one,
        "asked": asked,
        "cut": cut,
        "cells": cut.lines if len(cut.lines) <= MOST else (*cut.lines[: MOST - 1], cut.lines[-1]),
        "more": max(0, len(cut.lines) - MOST),
        "figures": cuts.shows(one),
        "named_tables": [(table.table.name, table.table.title) for table in tables],
        "dimensions": [(axis.name, axis.title) for axis in one.along],
        "others": [
            (axis.name, axis.title, [(label, label) for label in axis.all_labels], held)
            for axis, (_, held) in zip((axis for axis in one.along if axis.name not in (asked.down, asked.across)), cut.fixed, strict=True)
        ],
    }


def _asked(one: Shown, said: Mapping[str, str]) -> dict[str, str]:
    """What this page's addresses ask for, as cuts are asked for. What is not asked for, or is none: months down where there are several, else the
    longest dimension; a short one across, so that the table fits.
    """
    sizes = {axis.name: len(axis.all_labels) for axis in one.along}
    columns = said.get("columns", "")
    if columns not in sizes:
        columns = next((name for name in reversed(sizes) if 2 < sizes[name] <= WIDE), "") if len(sizes) > 1 else ""
    rest = [name for name in sizes if name != columns]
    rows = said.get("rows", "")
    if rows not in rest:
        rows = max(rest, key=lambda name: (name in TIMES and sizes[name] > FEW, sizes[name]))
    at = {
        f"at-{axis.name}": code
        for axis in one.along
        for code, label in zip(axis.codes, axis.labels, strict=True)
        if said.get(f"at-{axis.name}") == label
    }
    return {"down": rows, "across": columns, "show": said.get("figure", ""), **at}


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
    shown = may_be_shown(standing, line.release.name, now)
    return str(shown) if isinstance(shown, Refused) and shown is not UNKNOWN else ""


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


def _pasted(base: str, line: Line, tables: Sequence[Shown], markers: tuple[str, ...]) -> Sequence[Paste]:
    return pasted(base, line.agreement.reference, line.release.name, tables[0].table.name, markers) if tables else ()
