"""``exchange log …``: export, and verification that needs no hub."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from exchange.commands import logged
from exchange.commands.lazy import Commands
from exchange.commands.shared import hub_of, say
from exchange.db import reading
from exchange.errors import Unacceptable
from exchange.log.export import export as export_log
from exchange.log.export import verify as verify_log
from exchange.log.record import checkpoint as newest
from exchange.times import rfc3339
from keys import logproof
from keys.checkpoint import sign_checkpoint
from keys.encoding import parse_json
from keys.errors import BadFormat

_LINE = 8 << 20  # bytes


ELSEWHERE = {"succeed": "exchange.commands.witnesses:succeed", "witnesses": "exchange.commands.witnesses:witnesses"}


@click.group(cls=Commands, elsewhere=ELSEWHERE)
def log() -> None:
    """The log of everything that happened."""


@log.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--commissioner", is_flag=True, help="chosen entries for the Information Commissioner: table, proofs, and how to verify them")
@logged.REFERENCE
@logged.ORGANISATION
@logged.FIRST
@logged.LAST
@logged.BY
@click.pass_context
def export(context: click.Context, /, out: Path, *, commissioner: bool, person: str, **chosen: Any) -> None:
    """Write the whole log, with its signed checkpoint, to OUT; or chosen entries for the Information Commissioner, to a folder or .zip."""
    if commissioner:
        logged.for_commissioner(context, out, logged.wanted_of(**chosen), person)
        return
    if any(chosen.values()):
        raise click.UsageError("entries are chosen for the Information Commissioner alone: add --commissioner.")
    hub, count = hub_of(context), -1
    logged.noted_export(hub, person)
    with reading(hub.engine) as session, out.open("w", encoding="utf-8") as file:
        for line in export_log(session, hub.keyring.signing("log")):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
    fingerprint = hub.keyring.signing("log").public.fingerprint
    say(
        context,
        {"file": str(out), "entries": count, "key": fingerprint},
        f"{count:,} entries in {out}.",
        f"Check: exchange log verify {out} --key {fingerprint}",
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                found = parse_json(line, limit=_LINE)
            except BadFormat as error:
                raise Unacceptable(f"line {number} of {path.name} is not JSON.", remedy="Export the log again.") from error
            if not isinstance(found, dict):
                raise Unacceptable(f"line {number} of {path.name} is no JSON object.", remedy="Export the log again.")
            yield found


@log.command()
@click.argument("exported", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="fingerprint of the log's key, as agreements name it")
@click.pass_context
def verify(context: click.Context, exported: Path | None, key: str | None) -> None:
    """Verify an EXPORTED log, or a proof of entries, from the file alone; without a file, this hub's own log."""
    if exported is not None:
        if key is None:
            raise click.UsageError("name the log's key with --key: agreements name its fingerprint.")
        if next(_lines(exported), {}).get("format") == logproof.FORMAT:
            _verify_proof(context, exported, key)
            return
        count, redacted, root = verify_log(_lines(exported), key)
    else:
        hub = hub_of(context)
        signing = hub.keyring.signing("log")
        with reading(hub.engine) as session:
            lines = (json.loads(json.dumps(line)) for line in export_log(session, signing))  # one at a time: a log may be large
            count, redacted, root = verify_log(lines, key or signing.public.fingerprint)
    say(
        context,
        {"entries": count, "redacted": redacted, "root": root.hex()},
        f"The log holds: {count:,} entries lead to the signed checkpoint{f', {redacted} of them redacted' if redacted else ''}.",
        f"Root: {root.hex()}",
    )


def _verify_proof(context: click.Context, path: Path, key: str) -> None:
    head, entries = logproof.verify_lines(_lines(path), {key})
    count, redacted, last = 0, 0, None
    for found in entries:
        count, redacted, last = count + 1, redacted + (found.entry is None), found
    witnesses = [{"party": one.party, "key": one.key, "size": one.size, "cosigned": _time(one.time)} for one in head.cosigned]
    found_all = {
        "entries": count,
        "redacted": redacted,
        "of": head.checkpoint.size,
        "root": head.checkpoint.root.hex(),
        "witnesses": witnesses,
    }
    only = [_said(last)] if count == 1 and last is not None else []
    say(
        context,
        found_all,
        f"The proof holds: {count:,} entr{'y is' if count == 1 else 'ies are'} in the log {head.checkpoint.origin} of {head.checkpoint.size:,}"
        f" entries{f', {redacted} of them redacted' if redacted else ''}.",
        *only,
        *(f"{one['party']} cosigned its first {one['size']:,} entries on {one['cosigned']}, key {one['key']}" for one in witnesses),
        f"Root: {head.checkpoint.root.hex()}",
    )


def _said(found: logproof.Proved) -> str:
    entry: Mapping[str, Any] | None = found.entry
    return f"Entry {found.number}: {'redacted' if entry is None else json.dumps(entry, ensure_ascii=False)}"


def _time(seconds: int) -> str:
    try:
        return rfc3339(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, OSError, ValueError):
        return f"{seconds} seconds after 1970"


@log.command()
@click.pass_context
def checkpoint(context: click.Context) -> None:
    """The newest signed checkpoint."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        note = sign_checkpoint(newest(session), *hub.keyring.every("log"))
    say(context, {"checkpoint": note}, note.rstrip("\n"))


for command in (logged.search, logged.prove, logged.redact):
    log.add_command(command)
