"""What people take away: an agreement as PDF, signed JSON, policy and record of processing; and the public register of agreements."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from exchange.db import reading
from exchange.errors import NotFound, Unacceptable
from exchange.exports.odrl import policy
from exchange.exports.printable import printable
from exchange.exports.processing_records import record_of
from exchange.exports.public_register import COLUMNS, Entry, entries, register_csv
from exchange.exports.signed import signed_export
from exchange.exports.version import signed_version_of, version_of
from exchange.extras import load
from exchange.register import agreements
from exchange.register.agreements import parsed
from exchange.web import known
from exchange.web.door import blueprint, hub, page, person
from exchange.web.wording import day

_DAYS, _IN_HEADING = ("start", "end", "review"), ("title", "reference", "version")
_OF_A_VERSION = "/agreements/<reference>/versions/<int:version>"


@blueprint.get(f"{_OF_A_VERSION}/document.pdf")
def agreement_pdf(reference: str, version: int) -> ResponseReturnValue:
    """To read and print. Where the extra is not installed, the answer says what is missing."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        found = signed_version_of(known.known(session, who, reference, version))
    made = load("pdf").to_pdf(printable(found, here.clock()))
    return _file(made, "application/pdf", f"{reference}-{version}.pdf")


@blueprint.get(f"{_OF_A_VERSION}/signed.json")
def agreement_json(reference: str, version: int) -> ResponseReturnValue:
    """The signed export: byte for byte what ``exchange agreement export`` writes."""
    with reading(hub().engine) as session:
        text = signed_export(known.known(session, person(), reference, version))
    return _file(text.encode(), "application/json", f"{reference}-{version}.json")


@blueprint.get(f"{_OF_A_VERSION}/policy.jsonld")
def agreement_odrl(reference: str, version: int) -> ResponseReturnValue:
    """The policy for machines."""
    with reading(hub().engine) as session:
        found = parsed(known.known(session, person(), reference, version).canonical)
    text = json.dumps(policy(found), ensure_ascii=False, indent=1) + "\n"
    return _file(text.encode(), "application/ld+json", f"{reference}-{version}.jsonld")


@blueprint.get(f"{_OF_A_VERSION}/processing-record")
def agreement_article30(reference: str, version: int) -> ResponseReturnValue:
    """The record of processing of one's own organisation, as a table or (``?format=json``) for programs."""
    who, wanted = person(), request.args.get("format", "csv")
    if wanted not in ("csv", "json"):
        raise Unacceptable("there is no such format.", remedy="Ask for format=csv or format=json.", code="bad-format")
    with reading(hub().engine) as session:
        found = parsed(known.known(session, who, reference, version).canonical)
    party = found.party(who.party)
    if party is None:
        raise NotFound("your organisation is no party to this agreement, and keeps no record under it.", remedy="Ask a party for its own.")
    record, name = record_of(found, party), f"{reference}-{version}-{party.id}-processing-record"
    if wanted == "csv":
        return _file(record.csv().encode(), "text/csv", f"{name}.csv")
    return _file((json.dumps(record.document(), ensure_ascii=False, indent=1) + "\n").encode(), "application/json", f"{name}.json")


@blueprint.get("/register")
def public_register() -> ResponseReturnValue:
    """The public register of agreements."""
    with reading(hub().engine) as session:
        found = _register(session)
    return page("register.html", entries=[Shown(entry.values, _rows(entry)) for entry in found])


@blueprint.get("/register.csv")
def public_register_csv() -> ResponseReturnValue:
    """The same for programs and spreadsheets."""
    with reading(hub().engine) as session:
        found = _register(session)
    return _file(register_csv(found).encode(), "text/csv", "register-of-agreements.csv")


@dataclass(frozen=True)
class Shown:
    """An entry on the page: its values, and (heading, lines) of what stands below its title."""

    values: Mapping[str, str]
    rows: list[tuple[str, list[str]]]


def _rows(entry: Entry) -> list[tuple[str, list[str]]]:
    lines = {name: [day(date.fromisoformat(one)) for one in found] if name in _DAYS else [*found] for name, found in entry.lines.items()}
    return [(COLUMNS[name], found) for name, found in lines.items() if name not in _IN_HEADING]


def _register(session: Session) -> list[Entry]:
    return entries(version_of(row) for row in agreements.everything(session))


def _file(content: bytes, kind: str, name: str) -> Response:
    """A file to keep. Names are made of references and party ids: capitals, small letters, digits, hyphens and underscores."""
    answer = Response(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
