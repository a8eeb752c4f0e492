"""``exchange log witnesses`` and ``exchange log succeed …``: who has cosigned the log, and what is done when it was lost."""

import json
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from exchange.commands.shared import hub_of, key_of, read_text, say, write_new
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.log.witnesses import cosigned
from exchange.register import succession
from exchange.times import rfc3339
from keys.checkpoint import origin_of
from keys.encoding import parse_json
from keys.errors import BadFormat
from keys.formats import Succession
from keys.sign import Use, sign_document
from keys.succession import bundle

_IN = click.Path(exists=True, dir_okay=False)
_OUT = click.Path(path_type=Path)


def witness_lines(session: Session) -> list[dict[str, Any]]:
    """Who has cosigned how many entries, and when, by party."""
    return [{"party": row.party, "size": row.size, "cosigned": rfc3339(row.cosigned_at), "key": row.key} for row in cosigned(session)]


@click.command()
@click.option("--notes", type=_OUT, help="a folder for the cosigned notes themselves")
@click.pass_context
def witnesses(context: click.Context, notes: Path | None) -> None:
    """Which parties have cosigned the log, up to which entry, and when."""
    with reading(hub_of(context).engine) as session:
        found, kept = witness_lines(session), {row.party: row.note for row in cosigned(session)}
    for party, note in kept.items() if notes else ():
        write_new(Path(notes or ".") / f"{party}.note.txt", note)
    lines = [f"{one['party']:32} {one['size']:>10,} entries   {one['cosigned']}" for one in found]
    say(context, {"witnesses": found}, *(lines or ["Nobody has cosigned the log yet."]))


@click.group()
def succeed() -> None:
    """A log whose newest entries are lost, with the second store: draft, sign, and begin the one that goes on."""


@succeed.command("draft")
@click.option("--origin", required=True, help="the name of the log that goes on: another than the lost one's")
@click.option("--reason", required=True, help="what happened, in a line")
@click.option("--note", "notes", multiple=True, type=_IN, help="a checkpoint that a party kept (exchange-agency watch --note); repeat")
@click.option("--out", required=True, type=_OUT, help="the document, for every party's signatory")
@click.pass_context
def draft(context: click.Context, origin: str, reason: str, notes: tuple[str, ...], out: Path) -> None:
    """Write the document that every party's signatory has to sign."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        handed = [read_text(note) for note in notes]
        made = succession.draft(session, handed, hub.keyring.every("log"), origin, reason, hub.clock())
    write_new(out, json.dumps(made.document(), indent=1, ensure_ascii=False) + "\n")
    say(
        context,
        {"succession": str(out), **made.document()},
        *_words(made),
        f"Each party's signatory signs {out}: exchange log succeed sign",
    )


@succeed.command("sign")
@click.argument("document", type=_IN)
@click.option("--key", required=True, type=click.Path(), help="your key file")
@click.option("--out", required=True, type=_OUT, help="your signature, to hand to the operator")
@click.pass_context
def sign(context: click.Context, document: str, key: str, out: Path) -> None:
    """A signatory's signature under exactly this succession. Works offline."""
    made, keyfile = _parsed(document), key_of(key)
    signed = sign_document(made.document(), Use.LOG_SUCCESSION, keyfile.signing)
    write_new(out, json.dumps(signed, indent=1, ensure_ascii=False) + "\n")
    say(context, {"signed": str(out), "key": keyfile.fingerprint}, *_words(made), f"Signed for {keyfile.owner}: {out}")


@succeed.command("begin")
@click.argument("signed", nargs=-1, required=True, type=_IN)
@click.option("--out", required=True, type=_OUT, help="the succession with every signature, for the agencies")
@click.pass_context
def begin(context: click.Context, signed: tuple[str, ...], out: Path) -> None:
    """Begin the log that goes on, once every party has SIGNED."""
    hub = hub_of(context)
    whole = bundle([_json(path) for path in signed])
    with writing(hub.engine) as session:
        read = succession.begin(session, whole, [key.public for key in hub.keyring.every("log")], hub.clock)
    write_new(out, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    say(
        context,
        {"origin": read.begins.origin, "size": read.begins.size, "succession": str(out)},
        f"The log {read.begins.origin} goes on from {read.begins.size:,} entries. Write that origin into hub.toml.",
        f"Hand {out} to every agency: exchange-agency watch --succession {out.name}",
    )


def _parsed(path: str) -> Succession:
    try:
        return Succession.parse(_json(path))
    except BadFormat as error:
        raise Unacceptable(f"{Path(path).name} is no succession: {error}.", remedy="Sign the file that “draft” wrote.") from error


def _json(path: str) -> dict[str, Any]:
    try:
        found = parse_json(read_text(path).encode())
    except BadFormat as error:
        raise Unacceptable(f"{Path(path).name} is not JSON as it must be: {error}.") from error
    if not isinstance(found, dict):
        raise Unacceptable(f"{Path(path).name} is not a JSON object.")
    return found


def _words(made: Succession) -> list[str]:
    ended, begins = made.ended.split("\n"), made.begins.split("\n")
    return [
        f"The log {origin_of(made.ended)} was last witnessed with {ended[1]} entries (root {ended[2]}).",
        f"The log {origin_of(made.begins)} goes on with what is left of it: {begins[1]} entries (root {begins[2]}).",
        f"What happened: {made.reason}",
    ]
