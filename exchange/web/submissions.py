"""What really flowed: every submission under an agreement, what became of it, and when it is destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, json, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.rules import UNKNOWN
from exchange.db import reading
from exchange.errors import NotFound, UnknownAgreement
from exchange.people.people import Person, Post
from exchange.register.agreements import LIVE, parsed
from exchange.submissions import holds
from exchange.submissions.rights_tables import RightsRow
from exchange.submissions.tables import SubmissionRow, SubmissionState
from exchange.web import known, lineage
from exchange.web.clauses import clause_link
from exchange.web.door import blueprint, hub, page, person
from keys.formats import digest

PAGE = 25
STATES: Mapping[str, str] = {
    SubmissionState.OPEN: "Being sent",
    SubmissionState.COMPLETE: "Waiting to be opened",
    SubmissionState.HELD: "Held",
    SubmissionState.REFUSED: "Refused",
    SubmissionState.SUPERSEDED: "Superseded",
    SubmissionState.DISPOSING: "Being destroyed",
    SubmissionState.DISPOSED: "Destroyed",
    SubmissionState.LAPSED: "Lapsed before it was opened",
    SubmissionState.REPEATED: "A repeat of one that is held",
}
COLOURS: Mapping[str, str] = {
    SubmissionState.OPEN: "blue",
    SubmissionState.COMPLETE: "blue",
    SubmissionState.HELD: "green",
    SubmissionState.REFUSED: "red",
    SubmissionState.SUPERSEDED: "yellow",
    SubmissionState.DISPOSING: "orange",
}
SORTS: Mapping[str, tuple[str, tuple[ColumnElement[Any], ...]]] = {
    "received": ("Newest first", (SubmissionRow.received_at.desc(),)),
    "destroyed": ("Destroyed soonest first", (SubmissionRow.dispose_on.asc(),)),
    "period": ("By period", (SubmissionRow.period.desc(), SubmissionRow.supplier.asc())),
    "supplier": ("By supplier", (SubmissionRow.supplier.asc(), SubmissionRow.period.desc())),
}


@dataclass(frozen=True)
class Line:
    """A submission as every party of its agreement may see it."""

    row: SubmissionRow
    supplier: str
    version: int | None
    state: str
    colour: str
    outcome: str
    destroyed: str
    certificate: str
    own: bool


def _line(row: SubmissionRow, agreement: Agreement, who: Person) -> Line:
    party = agreement.party(row.supplier)
    return Line(
        row=row,
        supplier=party.name if party else row.supplier,
        version=row.manifest["document"].get("version"),
        state=STATES[row.state],
        colour=COLOURS.get(row.state, "grey"),
        outcome=str(row.receipt["document"]["outcome"]) if row.receipt else "",
        destroyed=str(row.certificate["document"]["destroyed"]) if row.certificate else "",
        certificate=digest(row.certificate["document"])[:23] if row.certificate else "",
        own=_sees_all(row.supplier, who),
    )


def _sees_all(supplier: str, who: Person) -> bool:
    """A supplier's own people, and the operator's, see what a submission was refused for; the others see that it is there."""
    return supplier == who.party or who.holds(Post.OPERATOR)


def _known(session: Session, reference: str, who: Person) -> tuple[Agreement, list[str]]:
    """The agreement as the person knows it best, and the digests of every version that the person may know of."""
    every = known.versions(session, who, reference)
    if not every:
        raise UnknownAgreement(UNKNOWN)
    stands = next((row for row in every if row.state in LIVE and row.replaced_at is None), every[0])
    return parsed(stands.canonical), [row.digest for row in every]


def _shown(digests: list[str], who: Person) -> Select[SubmissionRow]:
    """The submissions under some versions that a party's people see one by one: others' refused ones are only counted."""
    query = select(SubmissionRow).where(SubmissionRow.agreement.in_(digests))
    if who.holds(Post.OPERATOR):
        return query
    return query.where(or_(SubmissionRow.supplier == who.party, SubmissionRow.state != SubmissionState.REFUSED))


def shown_ids(session: Session, reference: str, who: Person) -> set[str]:
    """The ids of the submissions under an agreement that a person sees one by one."""
    _, digests = _known(session, reference, who)
    return set(session.execute(_shown(digests, who).with_only_columns(SubmissionRow.id)).scalars())


def _refused_of_others(session: Session, digests: list[str], who: Person) -> list[tuple[str, int]]:
    if who.holds(Post.OPERATOR):
        return []
    query = select(SubmissionRow.supplier, func.count()).where(
        SubmissionRow.agreement.in_(digests), SubmissionRow.state == SubmissionState.REFUSED, SubmissionRow.supplier != who.party
    )
    return [
        (supplier, count) for supplier, count in session.execute(query.group_by(SubmissionRow.supplier).order_by(SubmissionRow.supplier))
    ]


def _rights_asked(session: Session, reference: str, who: Person) -> int:
    """How many requests about people's rights the person's own party has made; the operator's people see all of them counted."""
    query = select(func.count()).select_from(RightsRow).where(RightsRow.reference == reference)
    return session.execute(query if who.holds(Post.OPERATOR) else query.where(RightsRow.supplier == who.party)).scalar_one()


@blueprint.get("/agreements/<reference>/submissions")
def submissions(reference: str) -> ResponseReturnValue:
    """Filtered and sorted by the hub, a page at a time."""
    who = person()
    dataset, state = request.args.get("dataset", ""), request.args.get("state", "")
    sort = request.args.get("sort", "") if request.args.get("sort") in SORTS else "received"
    with reading(hub().engine) as session:
        agreement, digests = _known(session, reference, who)
        used = session.execute(select(SubmissionRow.dataset).where(SubmissionRow.agreement.in_(digests)).distinct()).scalars()
        names = sorted({*used, *(one.name for one in agreement.datasets)})
        dataset, state = dataset if dataset in names else "", state if state in STATES else ""
        query = _shown(digests, who)
        if dataset:
            query = query.where(SubmissionRow.dataset == dataset)
        if state:
            query = query.where(SubmissionRow.state == state)
        count = session.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        pages = max(1, -(-count // PAGE))
        wanted = request.args.get("page", "1")
        number = min(max(int(wanted), 1), pages) if wanted.isdecimal() and len(wanted) < 9 else 1
        ordered = query.order_by(*SORTS[sort][1], SubmissionRow.id).limit(PAGE).offset((number - 1) * PAGE)
        found = [_line(row, agreement, who) for row in session.execute(ordered).scalars()]
        refused = _refused_of_others(session, digests, who)
        asked = _rights_asked(session, reference, who)
    chosen = {"dataset": dataset, "state": state, "sort": sort}

    def address(to: int) -> str:
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value}
        return url_for("web.submissions", reference=reference, page=to, **given)

    return page(
        "agreements/submissions.html",
        agreement=agreement,
        lines=found,
        count=count,
        asked=asked,
        refused=[(party.name if (party := agreement.party(name)) else name, many) for name, many in refused],
        datasets=[(name, name) for name in names],
        states=STATES,
        sorts={name: words for name, (words, _) in SORTS.items()},
        chosen=chosen,
        number=number,
        pages=pages,
        previous=address(number - 1) if number > 1 else "",
        following=address(number + 1) if number < pages else "",
    )


def _one(session: Session, reference: str, submission: str) -> tuple[SubmissionRow, Agreement, Select[SubmissionRow]]:
    agreement, digests = _known(session, reference, person())
    shown = _shown(digests, person())
    row = session.execute(shown.where(SubmissionRow.id == submission)).scalar_one_or_none()
    if row is None:
        raise NotFound("there is no such submission under this agreement.", remedy="Choose one from the list.")
    return row, agreement, shown


@blueprint.get("/agreements/<reference>/submissions/<submission>")
def submission(reference: str, submission: str) -> ResponseReturnValue:
    """One submission: what became of it and why, what came before and after it, and its end."""
    who = person()
    with reading(hub().engine) as session:
        row, agreement, shown = _one(session, reference, submission)
        line = _line(row, agreement, who)
        before = session.execute(shown.where(SubmissionRow.id == row.after)).scalar_one_or_none() if row.after else None
        next_ones = list(session.execute(shown.where(SubmissionRow.after == row.id).order_by(SubmissionRow.received_at)).scalars())
        held = holds.on(session, row)
        line_of_period = lineage.links(session, shown, row)
    reasons: list[dict[str, Any]] = row.receipt["document"]["reasons"] if row.receipt and line.own else []
    return page(
        "agreements/submission.html",
        agreement=agreement,
        line=line,
        row=row,
        before=before,
        following=next_ones,
        links=line_of_period,
        held=held,
        states=STATES,
        reasons=[(one, clause_link(str(one["clause"]))) for one in reasons],
        destroyed=datetime.fromisoformat(line.destroyed) if line.destroyed else None,
    )


@blueprint.get("/agreements/<reference>/submissions/<submission>/receipt.json")
def submission_receipt(reference: str, submission: str) -> ResponseReturnValue:
    """The signed receipt, for the supplier's own people."""
    with reading(hub().engine) as session:
        row, _, _ = _one(session, reference, submission)
    return _signed(row.receipt if _sees_all(row.supplier, person()) else None, f"receipt-{row.id}.json")


@blueprint.get("/agreements/<reference>/submissions/<submission>/certificate.json")
def submission_certificate(reference: str, submission: str) -> ResponseReturnValue:
    """The signed certificate of destruction, for every party."""
    with reading(hub().engine) as session:
        row, _, _ = _one(session, reference, submission)
    return _signed(row.certificate, f"certificate-{row.id}.json")


def _signed(document: dict[str, Any] | None, name: str) -> Response:
    if document is None:
        raise NotFound("there is no such document, or none that is yours to see.", remedy="Go back to the submission.")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(json.dumps(document, indent=1) + "\n", mimetype="application/json", headers=headers)
