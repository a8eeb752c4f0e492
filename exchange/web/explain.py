"""Why something is allowed or refused: a question in a form, and every check of the rule that answers it, each with its clause."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements.errors import InvalidPeriod
from agreements.explain import ABOUT_DATA, Explanation, Operation, Question
from agreements.model import Agreement, Mode
from agreements.periods import Period
from exchange.db import reading
from exchange.people import people
from exchange.people.people import Post
from exchange.questions.explain import explain_for
from exchange.register.agreements import parsed
from exchange.web import known
from exchange.web.clauses import clause_link
from exchange.web.door import blueprint, hub, page, person

OPERATIONS = {
    Operation.SUBMIT: "Submit data",
    Operation.HOLD: "Hold data that were submitted",
    Operation.TABULATE: "Link and count for a release",
    Operation.REQUEST: "Ask for an edition of a release",
    Operation.CHECK: "Check an edition",
    Operation.RECEIVE: "Download what a release published",
}


@blueprint.get("/agreements/<reference>/explain")
def explain(reference: str) -> ResponseReturnValue:
    """The form and, where it was filled in, the answer."""
    here, who = hub(), person()
    said = {name: value.strip() for name, value in request.args.items()}
    with reading(here.engine) as session:
        agreement = parsed(known.known(session, who, reference).canonical)
        callers = _callers(agreement)
        question, faults = _question(session, agreement, said, callers) if said else (None, {})
        answer: Explanation | None = None
        if question is not None and not faults:
            answer = explain_for(session, question.party, reference, question, here.clock())
    return page(
        "agreements/explain.html",
        422 if faults else 200,
        faults=faults,
        agreement=agreement,
        said=said,
        operations=OPERATIONS,
        names={
            "datasets": [(one.name, one.name) for one in agreement.datasets],
            "modes": [(mode, mode.capitalize()) for mode in Mode],
            "releases": [(one.name, one.name) for one in agreement.releases],
        },
        callers=callers,
        answer=answer,
        links=[clause_link(one.clause) for one in answer.checks] if answer else [],
    )


def _callers(agreement: Agreement) -> dict[str, str]:
    """For whom may be asked: one's own organisation; for the operator's people, everybody whom the agreement names."""
    who = person()
    mine = agreement.party(who.party)
    if not who.holds(Post.OPERATOR):
        return {who.party: mine.name if mine else who.party}
    parties = {party.id: party.name for party in agreement.parties}
    return parties | {one.id: f"{one.name} (recipient)" for one in agreement.recipients}


def _question(
    session: Session, agreement: Agreement, said: dict[str, str], callers: dict[str, str]
) -> tuple[Question | None, dict[str, str]]:
    faults: dict[str, str] = {}
    operation = said.get("operation", "")
    if operation not in list(Operation):
        return None, {"operation": "Say what is to be done."}
    about_data = Operation(operation) in ABOUT_DATA
    period = None
    if about_data:
        try:
            period = Period.parse(said.get("period", ""))
        except InvalidPeriod:
            faults["period"] = "Write a period: 2026, 2026-Q3, 2026-09 or 2026-09-30."
    if about_data and not said.get("dataset"):
        faults["dataset"] = "Choose the dataset."
    if not about_data and not said.get("release"):
        faults["release"] = "Choose the release."
    party = said.get("party") or next(iter(callers))
    if party not in callers:
        faults["party"] = "Choose one of the organisations that the agreement names."
    if faults:
        return None, faults
    return Question(
        Operation(operation),
        party,
        dataset=said.get("dataset", ""),
        period=period,
        mode=said.get("mode", "") if said.get("mode", "") in list(Mode) else "",
        release=said.get("release", ""),
        key=_key(session, agreement),
    ), {}


def _key(session: Session, agreement: Agreement) -> str:
    """The key that the reader speaks with under this agreement, if it names one; else any of the reader's."""
    named = {one.key for party in agreement.parties for one in party.people}
    mine = people.fingerprints(session, person().id)
    return min(mine & named or mine or {""})
