"""Advice and signature: what the DPO, then the signatory, is asked before it is signed."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements.characters import deceives
from agreements.model import Person
from agreements.signing import Voice
from exchange.db import reading, writing
from exchange.errors import Conflict
from exchange.people import reviews
from exchange.people.speaking import Speaker
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.web import acts, known, said
from exchange.web.clauses import tasks
from exchange.web.door import blueprint, go, hub, page, person
from exchange.web.stating import PATH, prepare
from exchange.web.voices import CAPACITIES, WORDS

COMMENT = 2000
ADVICE = {"for": Voice.ADVISE_FOR, "against": Voice.ADVISE_AGAINST}


def wording(name: str = "comment") -> tuple[str, str]:
    """The words somebody has written in a form, and what is wrong with them, if anything."""
    text = request.form.get(name, "").replace("\r\n", "\n").strip()
    if len(text) > COMMENT:
        return text, f"Write at most {COMMENT:,} characters."
    if deceives(text.replace("\n", " ")):
        return text, "Write it again without characters that cannot be seen: this text holds one that could deceive a reader."
    return text, ""


def begun(session: Session, reference: str, version: int, voice: Voice, dataset: str = "") -> tuple[AgreementRow, Speaker]:
    """The version and the person's part in it, if the person may say this now; otherwise the refusal, in the rule's words."""
    who = person()
    row = known.known(session, who, reference, version)
    return row, acts.require(acts.may_say(acts.situation(session, row, who), voice, dataset))


def _reviewed(session: Session, reference: str, version: int, voice: Voice) -> tuple[AgreementRow, Speaker]:
    """As :func:`begun`, for what is only said when every section has been checked."""
    row, speaker = begun(session, reference, version, voice)
    done = reviews.checked(session, person().id, row.digest)
    left = reviews.lacking(done, [task.name for task in tasks(parsed(row.canonical))])
    if left and speaker.by_passkey:
        raise Conflict(
            f"{len(left)} sections are still to be checked.", remedy="Check every section of the review first.", code="not-reviewed"
        )
    return row, speaker


def _form(row: AgreementRow, template: str, faults: dict[str, str] | None = None, **more: object) -> ResponseReturnValue:
    return page(template, 422 if faults else 200, faults=faults, agreement=parsed(row.canonical), row=row, said=request.form, **more)


def by_file(row: AgreementRow, voice: Voice) -> ResponseReturnValue:
    """To the page for those whom the agreement names with a key file."""
    return go("web.statement_file", reference=row.reference, version=row.version, say=WORDS[voice].command)


@blueprint.get(f"{PATH}/advise")
def advise(reference: str, version: int) -> ResponseReturnValue:
    """For or against, and why."""
    with reading(hub().engine) as session:
        row, speaker = _reviewed(session, reference, version, Voice.ADVISE_FOR)
    return _form(row, "agreements/advise.html") if speaker.by_passkey else by_file(row, Voice.ADVISE_FOR)


@blueprint.post(f"{PATH}/advise")
def advise_sent(reference: str, version: int) -> ResponseReturnValue:
    """Fix the advice, and show it."""
    voice = ADVICE.get(request.form.get("advice", ""))
    comment, fault = wording()
    faults = {"comment": fault} if fault else {}
    if voice is None:
        faults = {"advice": "Say whether you advise for or against it.", **faults}
    elif voice is Voice.ADVISE_AGAINST and not comment:
        faults["comment"] = "Say why you advise against it: the signatory, who decides, reads it."
    with writing(hub().engine) as session:
        row, speaker = _reviewed(session, reference, version, Voice.ADVISE_FOR)
        if voice is not None and not faults:
            return prepare(session, row, speaker, voice, comment)
    return _form(row, "agreements/advise.html", faults)


@blueprint.get(f"{PATH}/sign")
def sign(reference: str, version: int) -> ResponseReturnValue:
    """Anything to say with the signature, then on to it."""
    with reading(hub().engine) as session:
        row, speaker = _reviewed(session, reference, version, Voice.SIGN)
        found, _ = said.statements(row)
    if not speaker.by_passkey:
        return by_file(row, Voice.SIGN)
    return _form(row, "agreements/sign.html", matrix=said.matrix(parsed(row.canonical), found), party=person().party)


@blueprint.post(f"{PATH}/sign")
def sign_sent(reference: str, version: int) -> ResponseReturnValue:
    """Fix the signature's statement, and show it."""
    comment, fault = wording()
    with writing(hub().engine) as session:
        row, speaker = _reviewed(session, reference, version, Voice.SIGN)
        if not fault:
            return prepare(session, row, speaker, Voice.SIGN, comment)
        found, _ = said.statements(row)
    matrix = said.matrix(parsed(row.canonical), found)
    return _form(row, "agreements/sign.html", {"comment": fault}, matrix=matrix, party=person().party)


@blueprint.get(f"{PATH}/endorse")
def endorse(reference: str, version: int) -> ResponseReturnValue:
    """Which keys the version changes for one's own party, to be vouched for with the key that the version in force names."""
    with reading(hub().engine) as session:
        row, speaker = begun(session, reference, version, Voice.ENDORSE)
        standing = acts.situation(session, row, person()).standing
    return _form(row, "agreements/endorse.html", keys=_keys(row, standing)) if speaker.by_passkey else by_file(row, Voice.ENDORSE)


@blueprint.post(f"{PATH}/endorse")
def endorse_sent(reference: str, version: int) -> ResponseReturnValue:
    """Fix the endorsement, and show it."""
    comment, fault = wording()
    with writing(hub().engine) as session:
        row, speaker = begun(session, reference, version, Voice.ENDORSE)
        if not fault:
            return prepare(session, row, speaker, Voice.ENDORSE, comment)
        standing = acts.situation(session, row, person()).standing
    return _form(row, "agreements/endorse.html", {"comment": fault}, keys=_keys(row, standing))


def _keys(row: AgreementRow, standing: AgreementRow | None) -> list[tuple[str, Person | None, Person]]:
    """Of one's own party: (capacity, who spoke with which key, who shall speak with which)."""
    mine = parsed(row.canonical).party(person().party)
    before = parsed(standing.canonical).party(person().party) if standing else None
    if mine is None:
        return []
    former = (before.dpo, before.signatory) if before else (None, None)
    return list(zip(CAPACITIES.values(), former, (mine.dpo, mine.signatory), strict=True))
