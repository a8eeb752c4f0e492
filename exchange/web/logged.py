"""The log, for those who answer for what was done: search, one entry, its proof. Each sees their own organisation's, the operator the hub's.

Who looks is noted before anything is shown; the same question again within a minute is counted (``exchange.log.repeats``).
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from exchange.db import reading, writing
from exchange.errors import NotFound, Unacceptable
from exchange.exports import log_entries
from exchange.log import redaction, repeats
from exchange.log import search as searching
from exchange.log.record import Operation
from exchange.log.search import Wanted
from exchange.people.people import Person, Post
from exchange.register import witnessing
from exchange.web.door import blueprint, hub, page, person

PAGE = 50
LONGEST = 200
TABLE = 10_000
OPERATIONS: Mapping[str, str] = {
    Operation.COLLECTION: "Collection",
    Operation.ALTERATION: "Alteration",
    Operation.CONSULTATION: "Consultation",
    Operation.DISCLOSURE: "Disclosure",
    Operation.COMBINATION: "Combination",
    Operation.ERASURE: "Erasure",
    Operation.AGREEMENT: "About an agreement",
    Operation.SECURITY: "Security of the hub",
}
_FIELDS = ("who", "operation", "reference", "recipient", "organisation", "subject", "what")
_DAYS = ("from", "to")


def _scope(who: Person) -> list[str] | None:
    """The organisations whose entries a person may see; None for all of the hub's."""
    return None if who.holds(Post.OPERATOR) else [who.party]


def _wanted(said: Mapping[str, str]) -> tuple[Wanted, dict[str, str]]:
    """What is looked for, and what is wrong with how it was said."""
    faults = {name: f"Write at most {LONGEST} characters." for name in _FIELDS if len(said.get(name, "")) > LONGEST}
    faults |= {name: "Take out the character that cannot be seen." for name in _FIELDS if not said.get(name, "").isprintable()}
    if said.get("operation") and said["operation"] not in OPERATIONS:
        faults["operation"] = "Choose one of the operations."
    days: dict[str, date | None] = {}
    for name in _DAYS:
        try:
            days[name] = date.fromisoformat(said[name]) if said.get(name) else None
        except ValueError:
            faults[name] = "Write a day as year, month and day: 2026-11-22."
    if faults:
        return Wanted(), faults
    first, last = searching.span(days["from"], days["to"])
    if first and last and first >= last:
        return Wanted(), {"to": "The last day is not before the first."}
    return Wanted(**{name: said.get(name, "") for name in _FIELDS}, first=first, last=last), {}


def _said() -> dict[str, str]:
    return {name: request.args.get(name, "").strip() for name in (*_FIELDS, *_DAYS)}


def _consult(wanted: Wanted, what: str) -> None:
    """No entry, no look."""
    here, who = hub(), person()
    event, like = searching.consulted(wanted, who.id, who.party, what)
    with writing(here.engine) as session:
        repeats.note(session, event, here.clock(), like=like)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


@blueprint.get("/log")
def log() -> ResponseReturnValue:
    """The form and, where it was sent, what is found: newest first."""
    said, who, asked = _said(), person(), "search" in request.args
    wanted, faults = _wanted(said)
    found, known, older = [], dict[str, str](), ""
    if asked and not faults:
        _consult(wanted, "log searched")
        with reading(hub().engine) as session:
            found = searching.search(session, wanted, _scope(who), limit=PAGE + 1, below=_number(request.args.get("below", "")))
            known = dict(log_entries.names(session))
        if len(found) > PAGE:
            older = url_for("web.log", search="yes", below=found[PAGE - 1].number, **_given(said))
    return page(
        "log.html",
        422 if faults and asked else 200,
        faults=faults if asked else {},
        said=said,
        asked=asked and not faults,
        found=found[:PAGE],
        names=known,
        operations=OPERATIONS,
        purpose=searching.PURPOSE,
        whole=who.holds(Post.OPERATOR),
        older=older,
        newest=url_for("web.log", search="yes", **_given(said)) if request.args.get("below") else "",
        table=url_for("web.log_csv", **_given(said)),
        most=TABLE,
    )


def _given(said: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value}


@blueprint.get("/log.csv")
def log_csv() -> ResponseReturnValue:
    """What is found as a table, the newest :data:`TABLE` of it."""
    wanted, faults = _wanted(_said())
    if faults:
        raise Unacceptable(f"{next(iter(faults))}: {next(iter(faults.values()))}", remedy="Search again.", code="bad-search")
    _consult(wanted, "log searched")
    with reading(hub().engine) as session:
        found = searching.search(session, wanted, _scope(person()), limit=TABLE)
        text = log_entries.table(found, log_entries.names(session))
    headers = {"Content-Disposition": 'attachment; filename="log.csv"'}
    return Response(text.encode(), mimetype="text/csv", headers=headers)


@blueprint.get("/log/<int:number>")
def log_entry(number: int) -> ResponseReturnValue:
    """One entry, whole; of a redacted one what is left, and who destroyed the rest and why."""
    _consult(Wanted(subject=str(number)), "log entry read")
    with reading(hub().engine) as session:
        found = searching.one(session, number, _scope(person())) if number < 1 << 62 else None
        if found is None:
            raise _nothing()
        gone = redaction.redaction_of(session, number) if found.redacted else None
        known = log_entries.names(session)
    details = [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for name, value in found.details.items()]
    return page("log-entry.html", one=found, gone=gone, names=known, details=details, operations=OPERATIONS, purpose=searching.PURPOSE)


@blueprint.get("/log/<int:number>/proof.jsonl")
def log_proof(number: int) -> ResponseReturnValue:
    """The entry with proof that it is in the log, to be verified offline."""
    here = hub()
    _consult(Wanted(subject=str(number)), "log entries proved")
    with reading(here.engine) as session:
        if number >= 1 << 62 or searching.one(session, number, _scope(person())) is None:
            raise _nothing()
        parties = None if _scope(person()) is None else witnessing.known_to(session, person().party)
        lines = list(log_entries.proof_lines(session, here.keyring.every("log"), [number], parties))
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    headers = {"Content-Disposition": f'attachment; filename="log-entry-{number}.proof.jsonl"'}
    return Response(text.encode(), mimetype="application/jsonl", headers=headers)


def _nothing() -> NotFound:
    return NotFound("there is no such entry, or none that is your organisation's.", remedy="Search the log.")
