"""What a version would have done, had it been in force all along: past submissions and editions put to its rules, by metadata alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from agreements.rehearsal import TITLES, Kind, Replayed
from exchange.db import reading
from exchange.questions.rehearsal import rehearse
from exchange.register.agreements import parsed
from exchange.web import known
from exchange.web.clauses import clause_link
from exchange.web.door import blueprint, hub, page, person
from exchange.web.stating import PATH
from exchange.web.submissions import shown_ids

MOST = 20
# What needs a reader's eye first; the colour only repeats the words.
COLOURS = {
    Kind.REFUSED: "red",
    Kind.ACCEPTED: "orange",
    Kind.LACKS: "yellow",
    Kind.OPEN: "yellow",
    Kind.GONE: "red",
    Kind.UNREADABLE: "red",
    Kind.UNCHANGED: "grey",
}


@dataclass(frozen=True)
class Told:
    """Everything of one kind: in words, how many, and the first of them as (name, clause, where it is read, words)."""

    title: str
    colour: str
    count: int
    first: tuple[tuple[str, str, str, str], ...]


def told(found: Sequence[Replayed]) -> list[Told]:
    """What would have been otherwise, kind by kind."""
    listed = []
    for kind in Kind:
        of_kind = [(one, effect) for one in found for effect in one.effects if effect.kind is kind]
        if not of_kind:
            continue
        first = tuple((one.name, effect.clause, clause_link(effect.clause), effect.words) for one, effect in of_kind[:MOST])
        count = len({one.subject for one, _ in of_kind})
        listed.append(Told(TITLES[kind], COLOURS.get(kind, "blue"), count, () if kind is Kind.UNCHANGED else first))
    return listed


@blueprint.get(f"{PATH}/rehearsal")
def rehearsal(reference: str, version: int) -> ResponseReturnValue:
    """Over the submissions that the reader sees in the list of them, and over every edition."""
    who = person()
    with reading(hub().engine) as session:
        row = known.known(session, who, reference, version)
        agreement = parsed(row.canonical)
        found = rehearse(session, agreement)
        seen = shown_ids(session, reference, who)
    submissions = [one for one in found.submissions if one.subject in seen]
    return page(
        "agreements/rehearsal.html",
        agreement=agreement,
        row=row,
        parts=[
            ("Submissions", "submission", len(submissions), told(submissions)),
            ("Editions", "edition", len(found.editions), told(found.editions)),
        ],
        waiting=sum(one.waiting for one in submissions),
        most=MOST,
    )
