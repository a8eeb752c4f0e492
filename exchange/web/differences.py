"""What a version changes, ordered by risk, in words, with the words before and after beside each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements.changes import Change, Risk
from agreements.difference import difference as differences
from agreements.lifecycle import State
from exchange.db import reading
from exchange.errors import NotFound
from exchange.people.people import Person
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.web import known
from exchange.web.clauses import anchor
from exchange.web.door import blueprint, hub, page, person
from exchange.web.stating import PATH

TAGS = {Risk.WIDER: "Wider", Risk.CHANGED: "Changed", Risk.NARROWER: "Narrower", Risk.WORDS: "Words"}
COLOURS = {Risk.WIDER: "orange", Risk.CHANGED: "yellow", Risk.NARROWER: "green", Risk.WORDS: "grey"}


@dataclass(frozen=True)
class Compared:
    """Changes of one kind: heading, tag in words, its colour, and the changes with the places where they are read."""

    title: str
    tag: str
    colour: str
    changes: tuple[tuple[Change, str], ...]


def compared(changes: Iterable[Change]) -> list[Compared]:
    """The changes, what matters most first."""
    ordered = sorted(changes, key=lambda one: one.risk)
    return [
        Compared(risk.title, TAGS[risk], COLOURS[risk], tuple((one, anchor(one.clause)) for one in together))
        for risk, together in groupby(ordered, key=lambda one: one.risk)
    ]


def earlier(session: Session, who: Person, row: AgreementRow) -> AgreementRow | None:
    """What a version is compared with unless something else is asked for: the one in force, else the newest before it."""
    older = [one for one in known.versions(session, who, row.reference) if one.version < row.version]
    live = (one for one in older if one.state in (State.IN_FORCE, State.SUSPENDED))
    return next(live, older[0] if older else None)


@blueprint.get(f"{PATH}/difference")
def difference(reference: str, version: int) -> ResponseReturnValue:
    """Against the version in force, or the one that ``from`` names."""
    who, wanted = person(), request.args.get("from", "")
    with reading(hub().engine) as session:
        row = known.known(session, who, reference, version)
        every = known.versions(session, who, reference)
        if wanted:
            before = next((one for one in every if str(one.version) == wanted), None)
        else:
            before = earlier(session, who, row)
    if wanted and before is None:
        raise NotFound("there is no such version to compare with.", remedy="Choose one of the versions of this agreement.")
    agreement = parsed(row.canonical)
    return page(
        "agreements/difference.html",
        agreement=agreement,
        row=row,
        before=before,
        others=[one.version for one in every if one.version != row.version],
        kinds=compared(differences(parsed(before.canonical), agreement)) if before else [],
    )
