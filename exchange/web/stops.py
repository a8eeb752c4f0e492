"""Suspending, resuming, ending: each on a page of its own that says what will happen, before anything is signed."""

from collections.abc import Mapping

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements.model import AfterEnd, Agreement
from agreements.signing import Voice
from exchange.db import reading, writing
from exchange.people.speaking import Speaker
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.web import known
from exchange.web.door import blueprint, hub, page, person
from exchange.web.statements import begun, by_file, wording
from exchange.web.stating import PATH, prepare

AFTER_END: Mapping[AfterEnd, str] = {
    AfterEnd.DESTROY: "All data held under it are destroyed at once. The suppliers get certificates of destruction.",
    AfterEnd.KEEP: "Data held under it are used no more, and are destroyed on the day already fixed for each submission.",
}
WHOLE = "whole"


def _choices(row: AgreementRow, agreement: Agreement, voice: Voice) -> list[tuple[str, str]]:
    """What can be suspended, or what one's own party has suspended: (value, words)."""
    everything = (WHOLE, "The whole agreement")
    if voice is Voice.SUSPEND:
        return [everything, *((one.name, f"Only the dataset {one.name}: {one.title}") for one in agreement.datasets)]
    mine = [one.dataset for one in row.suspensions if one.party == person().party]
    return [everything if name == "" else (name, f"The dataset {name}") for name in sorted(mine)]


def _form(row: AgreementRow, voice: Voice, faults: dict[str, str] | None = None) -> ResponseReturnValue:
    agreement = parsed(row.canonical)
    choices = _choices(row, agreement, voice) if voice in (Voice.SUSPEND, Voice.RESUME) else []
    others = [(agreement.party(one.party) or one.party, one.dataset) for one in row.suspensions if one.party != person().party]
    return page(
        f"agreements/{voice.value}.html",
        422 if faults else 200,
        faults=faults,
        agreement=agreement,
        row=row,
        choices=choices,
        others=others,
        after_end=AFTER_END[agreement.after_end],
        said=request.form,
    )


def _begun(session: Session, reference: str, version: int, voice: Voice) -> tuple[AgreementRow, Speaker]:
    """As :func:`begun`; what is resumed is one's own suspension, of the whole if there is one."""
    row = known.known(session, person(), reference, version)
    own = sorted(one.dataset for one in row.suspensions if one.party == person().party)
    return begun(session, reference, version, voice, own[0] if own and voice is Voice.RESUME else "")


def _shown(reference: str, version: int, voice: Voice) -> ResponseReturnValue:
    with reading(hub().engine) as session:
        row, speaker = _begun(session, reference, version, voice)
        return _form(row, voice) if speaker.by_passkey else by_file(row, voice)


def _sent(reference: str, version: int, voice: Voice) -> ResponseReturnValue:
    comment, fault = wording()
    faults = {"comment": fault} if fault else {}
    with writing(hub().engine) as session:
        row, speaker = _begun(session, reference, version, voice)
        chosen = _chosen(row, voice, comment, faults)
        if not faults:
            begun(session, reference, version, voice, chosen)
            return prepare(session, row, speaker, voice, comment, chosen)
        return _form(row, voice, faults)


def _chosen(row: AgreementRow, voice: Voice, comment: str, faults: dict[str, str]) -> str:
    """The dataset that is meant, empty for the whole agreement; what is wrong with the form is put into ``faults``."""
    agreement = parsed(row.canonical)
    if voice is Voice.TERMINATE:
        if " ".join(request.form.get("reference", "").split()) != agreement.reference:
            faults["reference"] = f"Type {agreement.reference}, the reference of the agreement that you end."
        return ""
    choices = [name for name, _ in _choices(row, agreement, voice)]
    what = request.form.get("what", choices[0] if len(choices) == 1 else "")
    if what not in choices:
        faults["what"] = "Say whether it is the whole agreement or one dataset."
    if voice is Voice.SUSPEND and not comment and "comment" not in faults:
        faults["comment"] = "Say why: the other parties read it."
    return "" if what == WHOLE else what


@blueprint.get(f"{PATH}/suspend")
def suspend(reference: str, version: int) -> ResponseReturnValue:
    """What to stop, and why."""
    return _shown(reference, version, Voice.SUSPEND)


@blueprint.post(f"{PATH}/suspend")
def suspend_sent(reference: str, version: int) -> ResponseReturnValue:
    """Fix the suspension, and show it."""
    return _sent(reference, version, Voice.SUSPEND)


@blueprint.get(f"{PATH}/resume")
def resume(reference: str, version: int) -> ResponseReturnValue:
    """Which of one's own suspensions to take back."""
    return _shown(reference, version, Voice.RESUME)


@blueprint.post(f"{PATH}/resume")
def resume_sent(reference: str, version: int) -> ResponseReturnValue:
    """Fix it, and show it."""
    return _sent(reference, version, Voice.RESUME)


@blueprint.get(f"{PATH}/terminate")
def terminate(reference: str, version: int) -> ResponseReturnValue:
    """What ending it means, and its reference to type."""
    return _shown(reference, version, Voice.TERMINATE)


@blueprint.post(f"{PATH}/terminate")
def terminate_sent(reference: str, version: int) -> ResponseReturnValue:
    """Fix it, and show it."""
    return _sent(reference, version, Voice.TERMINATE)
