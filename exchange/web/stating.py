"""Saying something that binds: it is fixed here, shown again as it will be signed, signed with the passkey, and recorded.

The statement waits at the hub, for its person and session, for ten minutes; the browser gets its words to read and a challenge that is their
hash, and gives back nothing but the passkey's answer. Whatever a browser alters, what is recorded is what was shown, or nothing.
"""

import logging
import secrets
from datetime import timedelta
from typing import Any

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements.signing import Capacity, Statement, Voice, statement_document
from exchange.db import reading, writing
from exchange.errors import NotFound
from exchange.people import people, waiting
from exchange.people.people import Person, Post
from exchange.people.speaking import Speaker
from exchange.people.tables import PasskeyRow
from exchange.register import agreements
from exchange.register.agreements import parsed
from exchange.register.tables import AgreementRow
from exchange.settling import settle
from exchange.web import ceremony, known, said, voices
from exchange.web.door import blueprint, go, hub, page, person, signed
from keys.encoding import parse_json
from keys.errors import BadFormat
from keys.passkey import assertion_document, challenge, sign_request, verify_login
from keys.sign import Use

logger = logging.getLogger("exchange.web.stating")
KIND = "statement"
LIVES = timedelta(minutes=10)
FILE_LIMIT = 64 << 10
PATH = "/agreements/<reference>/versions/<int:version>"


def prepare(session: Session, row: AgreementRow, speaker: Speaker, voice: Voice, comment: str, dataset: str = "") -> ResponseReturnValue:
    """Fix a statement of whoever is signed in, and go to the page that shows it."""
    now, who = hub().clock(), signed()
    made = now.replace(microsecond=0)
    about = Statement(who.person.party, speaker.capacity, speaker.named.name, voice, comment, made, secrets.token_hex(16), dataset)
    value = {"document": statement_document(parsed(row.canonical), about), "person": who.person.id, "session": who.token}
    value["key"] = speaker.named.key
    name = waiting.put(session, KIND, value, now, LIVES)
    return go("web.statement", reference=row.reference, version=row.version, name=name)


def _prepared(session: Session, row: AgreementRow, name: str, *, taken: bool = False) -> dict[str, Any]:
    """The statement that waits under this name, for this person in this session about this version; taken, it is there no more."""
    now, who = hub().clock(), signed()
    value = waiting.take(session, KIND, name, now) if taken else waiting.peek(session, KIND, name, now)
    if value is None or (value["person"], value["session"]) != (who.person.id, who.token) or value["document"]["agreement"] != row.digest:
        raise NotFound("there is nothing of yours to sign here: it was signed already, or begun too long ago.", remedy="Begin again.")
    return value


def _passkey(session: Session, prepared: dict[str, Any]) -> PasskeyRow:
    """The reader's passkey that the agreement names for what is to be said, if it still counts."""
    found = next((row for row in people.live_passkeys(session, person().id) if row.fingerprint == prepared["key"]), None)
    if found is None:
        raise NotFound("you have no passkey any more that the agreement names.", remedy="Ask the operator.", code="no-passkey")
    return found


@blueprint.get(f"{PATH}/statements/<name>")
def statement(reference: str, version: int, name: str) -> ResponseReturnValue:
    """Check answers: exactly what will be signed, about which words, by whom, for which party."""
    with reading(hub().engine) as session:
        row = known.known(session, person(), reference, version)
        prepared = _prepared(session, row, name)
        key = _passkey(session, prepared)
    terms, document = parsed(row.canonical), prepared["document"]
    voice = Voice(document["decision"])
    words = voices.WORDS[voice]
    party = terms.party(document["party"])
    declared = words.declaration.format(party=party.name if party else document["party"], words=f"{row.reference} version {row.version}")
    return page(
        "agreements/statement.html",
        agreement=terms,
        document=document,
        party=party,
        capacity=voices.CAPACITIES[Capacity(document["role"])],
        what=voices.says(voice, document["dataset"]),
        words=words,
        declared=declared,
        key=key,
        name=name,
    )


@blueprint.post(f"{PATH}/statements/<name>/challenge")
def statement_challenge(reference: str, version: int, name: str) -> ResponseReturnValue:
    """What the device needs to sign it: a challenge that is the hash of these words and no others."""
    ceremony.tried()
    with reading(hub().engine) as session:
        row = known.known(session, person(), reference, version)
        prepared = _prepared(session, row, name)
        key = _passkey(session, prepared)
    options = sign_request(Use.STATEMENT, prepared["document"], rp_id=people.passkey_of(key).rp_id, allow=[key.credential])
    return jsonify({"options": parse_json(options.encode())})


@blueprint.post(f"{PATH}/statements/<name>/passkey")
def statement_passkey(reference: str, version: int, name: str) -> ResponseReturnValue:
    """The passkey's answer: the statement is taken, verified once more, and recorded. A failure costs a new beginning: nothing is tried twice."""
    here = hub()
    received = here.clock()
    ceremony.tried()
    with reading(here.engine) as session:
        row = known.known(session, person(), reference, version)
    answer = ceremony.credential(ceremony.body())
    with writing(here.engine) as session:
        prepared = _prepared(session, row, name, taken=True)
    document = prepared["document"]
    with writing(here.engine) as session:
        key = _passkey(session, prepared)
        passkey = people.passkey_of(key)
        key.sign_count = verify_login(answer, challenge=challenge(Use.STATEMENT, document), passkey=passkey, sign_count=key.sign_count)
        made = assertion_document(answer, document, Use.STATEMENT, passkey)
        agreements.record(session, made, here.clock, received=received)
    _follow(reference)
    return jsonify({"next": url_for("web.recorded", reference=reference, version=version, nonce=document["nonce"])})


def _follow(reference: str) -> None:
    """Draw the consequences at once. What was said is said: where they cannot be drawn now, nobody is told that it was not recorded, for
    it was, and the schedule draws them within the minute.
    """
    here = hub()
    try:
        settle(here, reference)
    except Exception as error:  # noqa: BLE001  # of any kind: the schedule meets it too, and says so
        logger.warning("consequences are left to the schedule", extra={"kind": type(error).__name__})


@blueprint.get(f"{PATH}/recorded/<nonce>")
def recorded(reference: str, version: int, nonce: str) -> ResponseReturnValue:
    """What was recorded, for the party that said it: shown from the register, so only after it is there."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        row = known.known(session, who, reference, version)
        found, _ = said.statements(row)
        mine = next((one for one in found if (one.statement.nonce, one.statement.party) == (nonce, who.party)), None)
        if mine is None:
            raise NotFound("there is no such statement of your organisation.", remedy="Look at the agreement’s history.")
        took = said.time_to_effect(session, row, mine)
        terms = parsed(row.canonical)
        still = [(terms.party(one.party) or one.party, one.dataset, one.since) for one in row.suspensions]
    return page(
        "agreements/recorded.html",
        agreement=terms,
        row=row,
        said=mine,
        words=voices.WORDS[mine.statement.voice],
        took=took,
        suspensions=still,
        lacking=[line for line in said.matrix(terms, found) if line.advice.said is None or line.signature.said is None],
        downloads=known.downloads(reference, version),
    )


# ------------------------------------------------------------------------------------------------------ the road by key file


@blueprint.get(f"{PATH}/statement-file")
def statement_file(reference: str, version: int) -> ResponseReturnValue:
    """How to sign with a key file, away from this hub, and where to bring the statement."""
    return _file_page(reference, version)


def _file_page(reference: str, version: int, faults: dict[str, str] | None = None) -> ResponseReturnValue:
    with reading(hub().engine) as session:
        terms = parsed(known.known(session, person(), reference, version).canonical)
    commands = {words.command: words for words in voices.WORDS.values()}
    wanted = request.args.get("say", "sign")
    return page(
        "agreements/statement-file.html",
        422 if faults else 200,
        faults=faults,
        agreement=terms,
        command=wanted if wanted in commands else "sign",
        commands=list(commands),
        document=known.link_if("agreement_json", reference=reference, version=version),
    )


@blueprint.post(f"{PATH}/statement-file")
def statement_file_sent(reference: str, version: int) -> ResponseReturnValue:
    """A statement signed with a key file: verified against the fingerprints that the agreement names, and recorded."""
    here, who = hub(), person()
    received = here.clock()
    ceremony.tried()
    sent = request.files.get("statement")
    content = sent.stream.read(FILE_LIMIT + 1) if sent else b""
    with reading(here.engine) as session:
        row = known.known(session, who, reference, version)
    made, fault = _read(content, row, who)
    if fault:
        return _file_page(reference, version, {"statement": fault})
    with writing(here.engine) as session:
        _, about = agreements.record(session, made, here.clock, received=received)
    _follow(reference)
    if about.party != who.party:
        return go("web.agreement", reference=reference, version=version)
    return go("web.recorded", reference=reference, version=version, nonce=about.nonce)


def _read(content: bytes, row: AgreementRow, who: Person) -> tuple[dict[str, Any], str]:
    """The statement in a file, and what is wrong with it as far as can be told before its signature is looked at."""
    if not content:
        return {}, "Choose the file that the command has written."
    try:
        made = parse_json(content, limit=FILE_LIMIT)
    except BadFormat:
        made = None
    document = made.get("document") if isinstance(made, dict) else None
    if not isinstance(made, dict) or not isinstance(document, dict):
        return {}, "Choose a statement: this file is not one that the command has written."
    if document.get("agreement") != row.digest:
        return {}, "Choose a statement about this version: the one in this file is about other words."
    if document.get("party") != who.party and not who.holds(Post.OPERATOR):
        return {}, "Choose a statement of your own organisation: the one in this file is another’s."
    return made, ""
