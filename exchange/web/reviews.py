"""The review: a task list of one's own, each section on a page with “I have checked this”, then advice or signature."""

from dataclasses import dataclass

from flask import url_for
from flask.typing import ResponseReturnValue

from agreements.decisions import Refused
from agreements.difference import difference
from agreements.lifecycle import State
from agreements.minimisation import findings
from agreements.signing import ADVICE, Voice
from exchange.db import reading, writing
from exchange.errors import Conflict, Forbidden, NotFound
from exchange.people import reviews
from exchange.people.speaking import speaks
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.web import acts, known
from exchange.web.clauses import Task, link_to, tasks
from exchange.web.differences import Compared, compared, earlier
from exchange.web.door import blueprint, go, hub, page, person
from exchange.web.stating import PATH

OWN = {Voice.ADVISE_FOR: "Give your advice", Voice.SIGN: "Sign this agreement"}


@dataclass(frozen=True)
class Step:
    """The last line of the task list: advice or signature. ``href`` is empty while it cannot be done; ``why`` says why."""

    title: str
    status: str
    href: str
    why: str


def _require_party(row: AgreementRow) -> None:
    if parsed(row.canonical).party(person().party) is None:
        raise Forbidden("only the parties’ own people review an agreement.", remedy="Read it on its page.")


@blueprint.get(f"{PATH}/review")
def review(reference: str, version: int) -> ResponseReturnValue:
    """The reader's own task list."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        row = known.known(session, who, reference, version)
        _require_party(row)
        done = reviews.checked(session, who.id, row.digest)
        agreement = parsed(row.canonical)
        listed = tasks(agreement)
        left = reviews.lacking(done, [task.name for task in listed])
        at = acts.situation(session, row, who)
        steps = [_step(at, voice, len(left)) for voice in _voices(at)]
    return page(
        "agreements/review.html",
        agreement=agreement,
        row=row,
        tasks=listed,
        done=done,
        left=left,
        steps=steps,
        open=row.state == State.PROPOSED,
    )


def _voices(at: acts.Situation) -> list[Voice]:
    """What is the reader's to say in the end: where that cannot be told, both stand there with the reason."""
    agreement = parsed(at.row.canonical)
    mine = [voice for voice in OWN if not isinstance(speaks(agreement, at.who, at.keys, voice), Refused)]
    return mine or list(OWN)


def _step(at: acts.Situation, voice: Voice, left: int) -> Step:
    row, title = at.row, OWN[voice]
    own = {one.statement.voice for one in at.said if one.statement.party == at.who.party}
    advised = bool(own & ADVICE)
    decision = acts.may_say(at, voice)
    if isinstance(decision, Refused):
        if Voice.SIGN in own or (advised and voice is Voice.ADVISE_FOR):
            return Step(title, "Done", "", "")
        return Step(title, "Cannot start yet", "", f"{decision.reason[:1].upper()}{decision.reason[1:]} {decision.remedy}".strip())
    if left and decision.by_passkey:
        return Step(title, "Cannot start yet", "", f"{left} section{'s' if left != 1 else ''} still to be checked.")
    status = "Given; you can change it" if voice is Voice.ADVISE_FOR and advised else "Not started"
    endpoint = "web.advise" if voice is Voice.ADVISE_FOR else "web.sign"
    return Step(title, status, url_for(endpoint, reference=row.reference, version=row.version), "")


def _task(row: AgreementRow, name: str) -> tuple[Task, str]:
    """A section of the review, and the name of the one after it (empty after the last)."""
    listed = tasks(parsed(row.canonical))
    for at, task in enumerate(listed):
        if task.name == name:
            return task, listed[at + 1].name if at + 1 < len(listed) else ""
    raise NotFound("the review has no such section.", remedy="Go back to the task list.")


@blueprint.get(f"{PATH}/review/<name>")
def review_section(reference: str, version: int, name: str) -> ResponseReturnValue:
    """One section: its words, and what to ask oneself."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        row = known.known(session, who, reference, version)
        _require_party(row)
        task, _ = _task(row, name)
        done = reviews.checked(session, who.id, row.digest).get(name)
        before = earlier(session, who, row) if name == "risk" else None
    agreement = parsed(row.canonical)
    risk = name == "risk"
    changes: list[Compared] = compared(difference(parsed(before.canonical), agreement)) if before else []
    return page(
        "agreements/review-section.html",
        agreement=agreement,
        row=row,
        task=task,
        done=done,
        risk=risk,
        findings=[(one, link_to(agreement, one.clause)) for one in findings(agreement)] if risk else [],
        before=before,
        changes=changes,
        rehearsal=known.link_if("rehearsal", reference=reference, version=version) if risk else "",
    )


@blueprint.post(f"{PATH}/review/<name>")
def review_checked(reference: str, version: int, name: str) -> ResponseReturnValue:
    """“I have checked this.”"""
    here, who = hub(), person()
    with writing(here.engine) as session:
        row = known.known(session, who, reference, version)
        _require_party(row)
        _, following = _task(row, name)
        if row.state != State.PROPOSED:
            detail = f"this version is {row.state}: there is nothing to review any more, or not yet."
            raise Conflict(detail, remedy="Read it on its page.", code="not-proposed")
        reviews.check(session, who.id, row.digest, name, here.clock())
    if following:
        return go("web.review_section", reference=reference, version=version, name=following)
    return go("web.review", reference=reference, version=version)
