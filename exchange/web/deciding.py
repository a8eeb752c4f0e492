"""Approving, refusing and withdrawing an edition: fixed here, shown again as it will be signed, signed with the passkey, and recorded.

As with statements about agreements (``exchange.web.stating``), what waits to be signed waits at the hub: a browser can alter none of it.
"""

import secrets
from datetime import timedelta
from typing import Any

from flask import flash, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement, Person
from exchange.db import reading, writing
from exchange.errors import Conflict, NotFound, RefusedByAgreement, Unacceptable
from exchange.people import people, waiting
from exchange.people.tables import PasskeyRow
from exchange.releases import checking, withdrawing
from exchange.releases.tables import REASON, EditionRow, EditionState
from exchange.web import ceremony
from exchange.web.checking import PATH, known_to, mine
from exchange.web.door import blueprint, go, hub, page, person, signed
from exchange.web.statements import wording
from keys.encoding import parse_json
from keys.passkey import assertion_document, challenge, sign_request, verify_login
from keys.sign import Use

KIND = "decision"
LIVES = timedelta(minutes=10)


def _prepare(session: Session, row: EditionRow, document: dict[str, Any], key: str, use: Use) -> ResponseReturnValue:
    """Keep a decision of whoever is signed in, and go to the page that shows it."""
    who = signed()
    value = {"document": document, "key": key, "use": use.value, "person": who.person.id, "session": who.token}
    return go("web.decision", edition=row.id, name=waiting.put(session, KIND, value, hub().clock(), LIVES))


def _prepared(session: Session, edition: str, name: str, *, taken: bool = False) -> dict[str, Any]:
    """The decision that waits under this name, for this person in this session about this edition; taken, it is there no more."""
    now, who = hub().clock(), signed()
    value = waiting.take(session, KIND, name, now) if taken else waiting.peek(session, KIND, name, now)
    if value is None or (value["person"], value["session"]) != (who.person.id, who.token) or value["document"]["edition"] != edition:
        raise NotFound("there is nothing of yours to sign here: it was signed already, or begun too long ago.", remedy="Begin again.")
    return value


def _passkey(session: Session, key: str) -> PasskeyRow:
    found = next((row for row in people.live_passkeys(session, person().id) if row.fingerprint == key), None)
    if found is None:
        raise NotFound("you have no passkey any more that the agreement names.", remedy="Ask the operator.", code="no-passkey")
    return found


def _named(agreement: Agreement, key: str) -> Person:
    found = [one for party in agreement.parties for one in party.people if one.key == key]
    if not found:
        raise NotFound("you have no passkey that the agreement names.", remedy="Use the key file that it names: exchange release check")
    return found[0]


@blueprint.post(f"{PATH}/decide")
def decide(edition: str) -> ResponseReturnValue:
    """Fix a check, and show it."""
    said, (comment, fault) = request.form.get("decision", ""), wording()
    faults = {"comment": fault} if fault else {}
    if said not in (checking.APPROVE, checking.REFUSE):
        faults = {"decision": "Say whether it may be published.", **faults}
    elif said == checking.REFUSE and not comment:
        faults["comment"] = "Say why it may not be published: whoever asked for it reads that."
    with writing(hub().engine) as session:
        row, agreement = known_to(session, edition, person())
        found = mine(session, row, agreement, people.fingerprints(session, person().id))
        if row.state != EditionState.AWAITING_CHECK:
            raise Conflict(f"the edition is {row.state}: it is not being checked.", remedy="Choose another.", code="not-being-checked")
        if isinstance(found.decision, Refused):
            raise RefusedByAgreement(found.decision)
        if found.said:
            raise Conflict("you have already checked this edition.", remedy="Another checker must check it.", code="already-checked")
        if not faults:
            name, nonce = _named(agreement, found.key).name, secrets.token_hex(16)
            made = hub().clock().replace(microsecond=0)
            document = checking.vote_document(row, person=name, decision=said, comment=comment, made=made, nonce=nonce)
            return _prepare(session, row, document, found.key, Use.OUTPUT_CHECK)
    return page("checking/decide.html", 422, faults=faults, row=row, agreement=agreement, said=request.form)


@blueprint.get(f"{PATH}/withdraw")
def withdraw(edition: str) -> ResponseReturnValue:
    """Why a published edition is taken back."""
    with reading(hub().engine) as session:
        row, agreement, _ = _withdrawable(session, edition)
    return page("checking/withdraw.html", row=row, agreement=agreement, said={}, most=REASON)


@blueprint.post(f"{PATH}/withdraw")
def withdraw_sent(edition: str) -> ResponseReturnValue:
    """Fix the withdrawal, and show it."""
    reason, fault = wording("reason")
    with writing(hub().engine) as session:
        row, agreement, named = _withdrawable(session, edition)
        made, nonce = hub().clock().replace(microsecond=0), secrets.token_hex(16)
        if not fault:
            try:
                document = withdrawing.withdrawal_document(row, person=named.name, reason=reason, made=made, nonce=nonce)
                return _prepare(session, row, document, named.key, Use.WITHDRAWAL)
            except Unacceptable:
                fault = f"Say in at most {REASON} characters what is wrong with it."
    return page("checking/withdraw.html", 422, faults={"reason": fault}, row=row, agreement=agreement, said=request.form, most=REASON)


def _withdrawable(session: Session, edition: str) -> tuple[EditionRow, Agreement, Person]:
    """A published edition, its agreement, and as whom the reader may withdraw it."""
    row, agreement = known_to(session, edition, person())
    named, decision = withdrawing.may(session, row, people.fingerprints(session, person().id))
    if isinstance(decision, Refused) or named is None:
        raise RefusedByAgreement(decision) if isinstance(decision, Refused) else NotFound("there is no such edition.")
    withdrawing.require_published(row)
    return row, agreement, named


@blueprint.get(f"{PATH}/decisions/<name>")
def decision(edition: str, name: str) -> ResponseReturnValue:
    """Check answers: exactly what will be signed, about which edition, by whom."""
    with reading(hub().engine) as session:
        row, agreement = known_to(session, edition, person())
        prepared = _prepared(session, edition, name)
        key = _passkey(session, prepared["key"])
    return page("checking/decision.html", row=row, agreement=agreement, document=prepared["document"], key=key, name=name)


@blueprint.post(f"{PATH}/decisions/<name>/challenge")
def decision_challenge(edition: str, name: str) -> ResponseReturnValue:
    """What the device needs to sign it: a challenge that is the hash of these words and no others."""
    ceremony.tried()
    with reading(hub().engine) as session:
        known_to(session, edition, person())
        prepared = _prepared(session, edition, name)
        key = _passkey(session, prepared["key"])
    options = sign_request(Use(prepared["use"]), prepared["document"], rp_id=people.passkey_of(key).rp_id, allow=[key.credential])
    return jsonify({"options": parse_json(options.encode())})


@blueprint.post(f"{PATH}/decisions/<name>/passkey")
def decision_passkey(edition: str, name: str) -> ResponseReturnValue:
    """The passkey's answer: the decision is taken, verified, and recorded. A failure costs a new beginning: nothing is tried twice."""
    here = hub()
    ceremony.tried()
    answer = ceremony.credential(ceremony.body())
    with writing(here.engine) as session:
        known_to(session, edition, person())
        prepared = _prepared(session, edition, name, taken=True)
    document, use = prepared["document"], Use(prepared["use"])
    with writing(here.engine) as session:
        key = _passkey(session, prepared["key"])
        passkey = people.passkey_of(key)
        key.sign_count = verify_login(answer, challenge=challenge(use, document), passkey=passkey, sign_count=key.sign_count)
        made = assertion_document(answer, document, use, passkey)
        if use is Use.WITHDRAWAL:
            state = withdrawing.record(session, made, here.clock).state
        else:
            state = checking.record(session, here.keyring, made, here.clock).state
    flash(_DONE[state])
    return jsonify({"next": url_for("web.check", edition=edition)})


_DONE: dict[str, str] = {
    EditionState.AWAITING_CHECK: "Your check is recorded. What others say is shown when it is decided.",
    EditionState.PUBLISHED: "Your check is recorded, and the edition is published.",
    EditionState.DROPPED: "Your refusal is recorded, and the draft is dropped.",
    EditionState.WITHDRAWN: "The edition is withdrawn. Whoever asks for it is told why.",
}
