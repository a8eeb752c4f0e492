"""Agreements on screen: the register, and a version in plain English beside its clauses, with everything that is known of it."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask.typing import ResponseReturnValue

from agreements.lifecycle import State
from agreements.minimisation import findings
from agreements.model import Agreement
from agreements.signing import progress, unendorsed
from exchange.db import reading
from exchange.people.people import Person
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.register.versions import in_force_now
from exchange.web import acts, known, said
from exchange.web.clauses import OTHER_PLACES, anchor, chapters, link_to
from exchange.web.door import blueprint, go, hub, page, person

PAST = (State.EXPIRED, State.TERMINATED)


@dataclass(frozen=True)
class Entry:
    """One version in the register."""

    agreement: Agreement
    state: str
    replaced: bool
    waiting: tuple[str, ...]
    review: str


@dataclass(frozen=True)
class Series:
    """One agreement: the version that stands, and the others."""

    stands: Entry
    others: tuple[Entry, ...]


@blueprint.get("/agreements")
def agreements() -> ResponseReturnValue:
    """The register: the agreements of one's own organisation, or all for the operator."""
    here, who = hub(), person()
    now = here.clock()
    with reading(here.engine) as session:
        rows = known.versions(session, who)
        found = [_series(list(together), who, now) for _, together in groupby(rows, key=lambda row: row.reference)]
    return page("agreements/register.html", series=found)


def _series(rows: list[AgreementRow], who: Person, now: datetime) -> Series:
    standing = in_force_now(rows)
    first = standing or rows[0]
    return Series(_entry(first, who, now, standing), tuple(_entry(row, who, now, standing) for row in rows if row is not first))


def _entry(row: AgreementRow, who: Person, now: datetime, standing: AgreementRow | None) -> Entry:
    agreement = parsed(row.canonical)
    review = known.countdown(agreement.review, now)
    return Entry(agreement, row.state, row.replaced_at is not None, tuple(waiting(row, who, standing)), review)


def waiting(row: AgreementRow, who: Person, standing: AgreementRow | None) -> list[str]:
    """What a version waits for, in words; what waits for the reader's own organisation comes first and says so."""
    agreement = parsed(row.canonical)
    names = {party.id: party.short_name for party in agreement.parties}
    if row.state == State.DRAFT:
        return [f"{item.title} is missing" for item in agreement.missing]
    if row.state == State.PROPOSED:
        stated = [one.statement for one in said.statements(row)[0]]
        reached = progress(agreement, stated)
        lacking = [(party, "advice") for party in names if party not in reached.advised]
        lacking += [(party, "signature") for party in names if party not in reached.signed]
        if standing is not None and standing.version < row.version:
            lacking += [
                (party, "somebody to vouch for the changed keys") for party in unendorsed(parsed(standing.canonical), agreement, stated)
            ]
        lacking.sort(key=lambda one: one[0] != who.party)
        return [
            f"{what[:1].upper()}{what[1:]} of {names[party]}{' (your organisation)' if party == who.party else ''}"
            for party, what in lacking
        ]
    if row.state == State.SIGNED:
        return ["The day on which it comes into force"]
    return [f"{names.get(one.party, one.party)} to resume{f' the dataset {one.dataset}' if one.dataset else ''}" for one in row.suspensions]


@blueprint.get("/agreements/<reference>")
def agreement_now(reference: str) -> ResponseReturnValue:
    """The version that stands now."""
    with reading(hub().engine) as session:
        row = known.known(session, person(), reference)
    return go("web.agreement", reference=row.reference, version=row.version)


@blueprint.get("/agreements/<reference>/versions/<int:version>")
def agreement(reference: str, version: int) -> ResponseReturnValue:
    """One version, whole."""
    here, who = hub(), person()
    now = here.clock()
    with reading(here.engine) as session:
        row = known.known(session, who, reference, version)
        at = acts.situation(session, row, who)
        open_now, found = acts.open_to(at), list(at.said)
        others = [one for one in known.versions(session, who, reference) if one.digest != row.digest]
        terms = parsed(row.canonical)
        suspensions = [(terms.party(one.party) or one.party, one.dataset, one.since) for one in row.suspensions]
    parts = chapters(terms)
    shown = {passage.anchor for chapter in parts for passage in chapter.passages}
    return page(
        "agreements/agreement.html",
        agreement=terms,
        row=row,
        chapters=parts,
        places=[place for place in map(anchor, OTHER_PLACES) if place not in shown],
        matrix=said.matrix(terms, found),
        broken=at.broken,
        timeline=said.timeline(row, found),
        suspensions=suspensions,
        waiting=waiting(row, who, at.standing),
        findings=[(one, link_to(terms, one.clause)) for one in findings(terms)],
        acts=open_now,
        others=others,
        countdowns={"review": known.countdown(terms.review, now), "expires": known.countdown(terms.expires, now)},
        past=row.state in PAST or row.replaced_at is not None,
        downloads=known.downloads(reference, version),
        links=_links(row, mine=terms.party(who.party) is not None),
    )


def _links(row: AgreementRow, *, mine: bool) -> list[tuple[str, str]]:
    """Where else the reader may look: (address, words)."""
    here = {"reference": row.reference, "version": row.version}
    found = [
        (known.link_if("submissions", reference=row.reference), "Submissions under it"),
        (known.link_if("retention", reference=row.reference), "What will be destroyed, and legal holds"),
        (known.link_if("review", **here) if mine and row.state != State.PROPOSED else "", "Review"),
        (known.link_if("difference", **here), "What changed"),
        (known.link_if("rehearsal", **here), "Rehearsal"),
        (known.link_if("explain", reference=row.reference), "Why is something allowed or refused?"),
    ]
    return [(address, words) for address, words in found if address]
