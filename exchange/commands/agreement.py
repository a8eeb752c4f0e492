"""Agreements at the command line: fill, show, advise, sign (offline, with a key file), record, export, verify."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from agreements.decisions import Refused
from agreements.document import fill as fill_in
from agreements.document import placeholders, read, read_canonical
from agreements.errors import InvalidDocument
from agreements.model import Agreement
from agreements.plain_english import describe
from agreements.signing import MAY_SAY, PARTIAL, Statement, Voice, progress, role_of, speaker, statement_document
from exchange.commands.exported import check, read_export
from exchange.commands.lazy import Commands
from exchange.commands.partner import read_card
from exchange.commands.shared import hub_of, key_of, read_text, say, write_new
from exchange.db import reading, writing
from exchange.errors import RefusedByAgreement, Unacceptable
from exchange.exports.signed import signed_export
from exchange.register import agreements
from exchange.settling import settle
from keys.encoding import parse_json
from keys.sign import Use, sign_document


def load(path: str) -> Agreement:
    """An agreement from its TOML document, its canonical JSON or an export."""
    text = read_text(path)
    if not text.lstrip().startswith("{"):
        return read(text)
    parsed = parse_json(text.encode(), limit=4 << 20)
    return read_canonical(parsed["canonical"].encode() if "canonical" in parsed else text.strip().encode())


ELSEWHERE = {
    "compare": "exchange.commands.rehearse:compare",
    "drill": "exchange.commands.drill:drill",
    "explain": "exchange.commands.explain:explain",
    "findings": "exchange.commands.rehearse:findings",
    "odrl": "exchange.commands.exports:odrl",
    "pdf": "exchange.commands.exports:pdf",
    "processing-record": "exchange.commands.exports:processing_record",
    "register": "exchange.commands.exports:register",
    "rehearse": "exchange.commands.rehearse:rehearse",
}


@click.group(cls=Commands, elsewhere=ELSEWHERE)
def agreement() -> None:
    """Information-sharing agreements."""


@agreement.command()
@click.argument("template", type=click.Path(exists=True, dir_okay=False))
@click.option("--card", "cards", multiple=True, required=True, type=click.Path(exists=True, dir_okay=False), help="a key card; repeat")
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.pass_context
def fill(context: click.Context, template: str, cards: tuple[str, ...], out: Path) -> None:
    """Put the fingerprints of key cards into a TEMPLATE's places (“@party/use”)."""
    known = {f"{card.owner}/{card.role}": card.fingerprint for card in map(read_card, cards)}
    text = read_text(template)
    if lacking := [place for place in placeholders(text) if place not in known]:
        raise InvalidDocument([f"{place}: no card given." for place in lacking])
    filled = fill_in(text, known)
    digest = read(filled).digest
    write_new(out, filled)
    say(context, {"agreement": digest, "file": str(out)}, f"{out}: {digest}")


@agreement.command()
@click.argument("document", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def show(context: click.Context, document: str) -> None:
    """The agreement in plain English, made from what the software enforces."""
    found = load(document)
    lines = describe(found)
    text = [click.style(line.lstrip("# "), bold=True) if line.startswith("#") else line for line in lines]
    say(context, {"agreement": found.digest, "lines": lines}, *text)


def _state(document: str, key: str, voice: Voice, comment: str, out: Path, *, dataset: str = "", forerunner: str = "") -> dict[str, Any]:
    found, keyfile = load(document), key_of(key)
    naming = load(forerunner) if forerunner else found  # whose words say who speaks with this key
    party = naming.party(keyfile.owner)
    capacity = role_of(party, keyfile.fingerprint) if party else None
    if party is None or capacity is None:
        clause = naming.clause("parties", keyfile.owner)
        remedy = "Use the key whose card was filled in, or fill in this key's card and sign those words."
        raise RefusedByAgreement(Refused(clause, "the agreement names this key neither as DPO's nor as signatory's.", remedy))
    if voice not in MAY_SAY[capacity]:
        clause = found.clause("parties", party.id)
        raise RefusedByAgreement(
            Refused(clause, f"a {capacity} cannot {voice}.", f"A {capacity} can: {', '.join(sorted(MAY_SAY[capacity]))}.")
        )
    if dataset and found.dataset(dataset) is None:
        named = ", ".join(one.name for one in found.datasets)
        raise RefusedByAgreement(Refused(found.clause("datasets"), "the agreement names no such dataset.", f"It names: {named}."))
    person, nonce = speaker(naming, party.id, capacity).name, secrets.token_hex(16)
    said = Statement(party.id, capacity, person, voice, comment, datetime.now(UTC), nonce, dataset)
    signed = sign_document(statement_document(found, said), Use.STATEMENT, keyfile.signing)
    write_new(out, json.dumps(signed, indent=1) + "\n")
    return {
        "statement": str(out),
        "agreement": found.digest,
        "party": party.id,
        "decision": voice.value,
        "dataset": dataset,
        "person": person,
    }


def _stating(name: str, voice: Voice, meaning: str) -> click.Command:
    """A command by which somebody says one thing about exactly the words of a document. Works offline."""

    @click.command(name, help=meaning)
    @click.argument("document", type=click.Path(exists=True, dir_okay=False))
    @click.option("--key", required=True, type=click.Path(), help="your key file")
    @click.option("--comment", default="", help="your words, kept with the statement")
    @click.option("--out", required=True, type=click.Path(path_type=Path), help="the statement, to hand to the operator")
    @click.pass_context
    def command(context: click.Context, /, document: str, key: str, comment: str, out: Path, **more: str) -> None:
        made = _state(document, key, voice, comment, out, **more)
        about = f"{made['agreement'][:23]}…" + (f", dataset {made['dataset']}" if made["dataset"] else "")
        say(context, made, f"{made['person']} ({made['party']}): {made['decision']} {about}")

    if voice in PARTIAL:
        command.params.append(click.Option(["--dataset"], default="", metavar="NAME", help="only this dataset, not all of it"))
    if voice is Voice.ENDORSE:
        words = click.Path(exists=True, dir_okay=False)
        command.params.append(click.Option(["--forerunner"], required=True, type=words, help="the version in force, which names your key"))
    return command


for _name, _voice, _meaning in (
    ("advise", Voice.ADVISE_FOR, "A DPO's advice for exactly these words. Works offline."),
    ("advise-against", Voice.ADVISE_AGAINST, "A DPO's advice against exactly these words. Works offline."),
    ("sign", Voice.SIGN, "A signatory's signature under exactly these words. Works offline."),
    (
        "endorse",
        Voice.ENDORSE,
        "A signatory's word, with the key that the version in force names, for other keys in this one. Works offline.",
    ),
    ("suspend", Voice.SUSPEND, "Stop everything under it, or one dataset, by a DPO or signatory of any party."),
    ("resume", Voice.RESUME, "Take back one's own party's suspension, by its signatory."),
    ("terminate", Voice.TERMINATE, "End it, by a signatory."),
):
    agreement.add_command(_stating(_name, _voice, _meaning))


@agreement.command()
@click.argument("document", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def enter(context: click.Context, document: str) -> None:
    """Enter a version in the register: proposed for advice and signature, or a draft while a mandatory item is missing."""
    hub, found = hub_of(context), load(document)
    with writing(hub.engine) as session:
        row = agreements.enter(session, found, "operator", hub.clock())
    lacking = [item.title for item in found.missing]
    lines = [f"{found.reference} version {found.version} is {row.state}: {row.digest}", *(f"  missing: {title}" for title in lacking)]
    say(context, {"agreement": row.digest, "state": row.state, "missing": [item.name for item in found.missing]}, *lines)


@agreement.command()
@click.argument("reference")
@click.argument("version", type=int)
@click.pass_context
def withdraw(context: click.Context, reference: str, version: int) -> None:
    """Take a draft out of the register. A proposal is ended by a party: “agreement terminate”."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        agreements.withdraw(session, reference, version, "operator", hub.clock())
    say(context, {"reference": reference, "version": version, "state": "withdrawn"}, f"{reference} version {version} is withdrawn.")


@agreement.command()
@click.argument("statements", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def record(context: click.Context, statements: tuple[str, ...]) -> None:
    """Record advice, signatures, suspensions. Each is verified against the fingerprints the agreement names."""
    hub, recorded = hub_of(context), []
    for path in statements:
        signed = parse_json(read_text(path).encode())
        if not isinstance(signed, dict):
            raise Unacceptable(f"{Path(path).name} is not a statement.", remedy="Make one with: exchange agreement sign")
        with writing(hub.engine) as session:
            row, said = agreements.record(session, signed, hub.clock)
            recorded.append({"party": said.party, "person": said.person, "decision": said.voice.value, "state": row.state})
        settle(hub, row.reference)
    say(context, {"recorded": recorded}, *(f"{one['person']} ({one['party']}): {one['decision']}; now {one['state']}" for one in recorded))


@agreement.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Every version in the register."""
    with reading(hub_of(context).engine) as session:
        rows = agreements.everything(session)
        found = [{"reference": row.reference, "version": row.version, "state": row.state, "agreement": row.digest} for row in rows]
    say(
        context,
        {"agreements": found},
        *(f"{one['reference']} version {one['version']}: {one['state']}  {one['agreement']}" for one in found),
    )


@agreement.command()
@click.argument("reference")
@click.option("--version", "number", type=int)
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.pass_context
def export(context: click.Context, reference: str, number: int | None, out: Path) -> None:
    """Everything needed to verify an agreement without a hub, in one file."""
    with reading(hub_of(context).engine) as session:
        row = agreements.current(session, reference, number)
        if row is None:
            raise Unacceptable("there is no such agreement.", remedy="List them with: exchange agreement list")
        text = signed_export(row)
    write_new(out, text)
    say(context, {"file": str(out)}, f"Exported to {out}. Anyone can check it: exchange agreement verify {out}")


@agreement.command()
@click.argument("document", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def verify(context: click.Context, document: str) -> None:
    """Verify an agreement offline, exported or as the hub answers it, against the fingerprints it names itself."""
    found, statements = read_export(document)
    lines = [check(found, signed) for signed in statements]
    said = [line.said for line in lines if line.said]
    failed, reached = len(lines) - len(said), progress(found, said)
    verdict = "advised on and signed by every party" if reached.complete else f"not complete: {'; '.join(reached.missing)}"
    holds = f"{failed} of its {len(lines)} statements do not hold" if failed else "Every statement in it holds"
    complete, missing = reached.complete and not failed, list(reached.missing)
    say(
        context,
        {"agreement": found.digest, "complete": complete, "missing": missing, "statements": [line.document() for line in lines]},
        f"{found.reference} version {found.version}: {found.digest}",
        *(f"  {number}. {line}" for number, line in enumerate(lines, 1)),
        f"{holds}: do not rely on this file." if failed else f"{holds}. It is {verdict}.",
    )
    if not complete:
        context.exit(10 if failed else 6)
