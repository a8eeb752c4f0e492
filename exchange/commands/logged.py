"""``exchange log …`` about chosen entries: search, prove, redact, and the export for the Information Commissioner."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from exchange.commands.shared import OPERATOR, hub_of, say, write_new
from exchange.db import reading, writing
from exchange.errors import Misconfigured
from exchange.exports import log_entries
from exchange.hub import Hub
from exchange.log import record, redaction, repeats
from exchange.log import search as searching
from exchange.log.record import Operation
from exchange.log.search import Found, Wanted
from exchange.register import hub_keys
from exchange.times import rfc3339

_DAY = click.DateTime(["%Y-%m-%d"])
BY = click.option("--person", default=OPERATOR, show_default=True, help="who does this, as the log is to say it")
REFERENCE = click.option("--agreement", "--reference", "reference", default="", help="under this agreement")
ORGANISATION = click.option("--organisation", default="", help="for this organisation")
FIRST = click.option("--from", "first", type=_DAY, help="from this day (London)")
LAST = click.option("--to", "last", type=_DAY, help="to the end of this day")


def operator_of(hub: Hub) -> str:
    """The party that runs the hub; empty before there is one."""
    with reading(hub.engine) as session:
        return hub_keys.owner(session, hub.keyring)


def consult(hub: Hub, wanted: Wanted, person: str, what: str) -> None:
    """Write that somebody is about to read the log; the same again within a minute is counted."""
    event, like = searching.consulted(wanted, person, operator_of(hub), what)
    with writing(hub.engine) as session:
        repeats.note(session, event, hub.clock(), like=like)


def wanted_of(first: datetime | None, last: datetime | None, **members: str) -> Wanted:
    """What the options ask for."""
    begins, ends = searching.span(first.date() if first else None, last.date() if last else None)
    return Wanted(**members, first=begins, last=ends)


@click.command()
@click.option("--who", default="", help="a person's id or key fingerprint, or a client's id")
@click.option("--operation", type=click.Choice([one.value for one in Operation]), help="what kind of operation")
@REFERENCE
@click.option("--recipient", default="", help="to this recipient")
@ORGANISATION
@click.option("--subject", default="", help="about this submission, edition, key or other id")
@click.option("--what", default="", help="words of what was done, such as “submission held”")
@FIRST
@LAST
@click.option("--limit", type=click.IntRange(1, log_entries.MOST), default=50, show_default=True, help="at most so many, the newest")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="write them as a table there")
@BY
@click.pass_context
def search(context: click.Context, /, **given: Any) -> None:
    """Entries of the log, newest first. Whoever searches is noted."""
    hub, limit, out, person = hub_of(context), given.pop("limit"), given.pop("table"), given.pop("person")
    wanted = wanted_of(**{**given, "operation": given["operation"] or ""})
    consult(hub, wanted, person, "log searched")
    with reading(hub.engine) as session:
        found = searching.search(session, wanted, None, limit=limit)
        known = log_entries.names(session)
    if out is not None:
        write_new(out, log_entries.table(found, known))
    lines = [_line(one, known) for one in found]
    say(context, {"entries": [_document(one) for one in found]}, *(lines or ["There are none."]), "", searching.PURPOSE)


def _line(one: Found, known: Mapping[str, str]) -> str:
    if one.redacted:
        return f"{one.number:>9}  {rfc3339(one.at)}  {one.operation}  {one.organisation}  redacted"
    to = f", to {one.recipient}" if one.recipient else ""
    who, under = known.get(one.who, one.who), f"; {one.reference}" if one.reference else ""
    return f"{one.number:>9}  {rfc3339(one.at)}  {one.operation}  {one.organisation}  {one.what}: {one.subject}{to}{under}; by {who}"


def _document(one: Found) -> dict[str, Any]:
    return {**one.__dict__, "at": rfc3339(one.at), "details": dict(one.details)}


@click.command()
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(min=0), metavar="NUMBER…")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="the file of the proof (JSON lines)")
@BY
@click.pass_context
def prove(context: click.Context, numbers: tuple[int, ...], out: Path, person: str) -> None:
    """Prove that entries are in the log: a file that anybody verifies without this hub."""
    hub = hub_of(context)
    consult(hub, Wanted(subject=",".join(map(str, numbers))), person, "log entries proved")
    with reading(hub.engine) as session:
        lines = list(log_entries.proof_lines(session, hub.keyring.every("log"), sorted(set(numbers))))
    write_new(out, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    keys = [key.public.fingerprint for key in hub.keyring.every("log")]
    say(
        context,
        {"file": str(out), "entries": len(lines) - 1, "keys": keys},
        f"{len(lines) - 1:,} entr{'y' if len(lines) == 2 else 'ies'} with proof in {out}.",
        f"Check: exchange log verify {out} --key {keys[0]}",
    )


@click.command()
@click.argument("number", type=click.IntRange(min=0))
@click.option("--reason", required=True, help="why; it is kept in the log, so name nobody in it")
@click.option("--person", required=True, help="who has decided it")
@click.pass_context
def redact(context: click.Context, number: int, reason: str, person: str) -> None:
    """Destroy the content of an entry, here and in the second store. Its leaf stays, and the log still verifies."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        said = redaction.redact(session, number, person, reason, hub.clock)
    say(context, {"redacted": number, "entry": said}, f"Entry {number} is redacted; entry {said} says so. Copies in backups are not.")


def for_commissioner(context: click.Context, out: Path, wanted: Wanted, person: str) -> None:
    """Write the export for the Information Commissioner to a new folder, or to a new .zip."""
    hub = hub_of(context)
    if out.exists():
        raise Misconfigured(f"{out.name} is there already and is not overwritten.", remedy="Name another.")
    consult(hub, wanted, person, "log exported for the Information Commissioner")
    with tempfile.TemporaryDirectory(dir=out.resolve().parent) as scratch:
        folder = Path(scratch) / "export"
        folder.mkdir()
        with reading(hub.engine) as session:
            count = log_entries.evidence(session, hub.keyring, wanted, folder)
        _place(folder, out)
    say(context, {"export": str(out), "entries": count}, f"{count:,} entries in {out}; README.txt there says how to verify them.")


def _place(folder: Path, out: Path) -> None:
    if out.suffix != ".zip":
        shutil.move(folder, out)
        return
    with zipfile.ZipFile(out, "x", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, f"{out.stem}/{path.name}")


def noted_export(hub: Hub, person: str) -> None:
    """Write that the whole log is about to be exported."""
    event, _ = searching.consulted(Wanted(), person, operator_of(hub), "log exported")
    with writing(hub.engine) as session:
        record.append(session, event, hub.clock())
