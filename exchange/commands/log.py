"""``exchange log …``: export, and verification that needs no hub."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from exchange.commands.shared import hub_of, say
from exchange.db import reading
from exchange.errors import Unacceptable
from exchange.log.export import export as export_log
from exchange.log.export import verify as verify_log
from exchange.log.record import checkpoint as newest
from keys.checkpoint import sign_checkpoint


@click.group()
def log() -> None:
    """The log of everything that happened."""


@log.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.pass_context
def export(context: click.Context, out: Path) -> None:
    """Write the whole log, with its signed checkpoint, to OUT."""
    hub, count = hub_of(context), -1
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
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise Unacceptable(f"line {number} of {path.name} is not JSON.", remedy="Export the log again.") from error


@log.command()
@click.argument("exported", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="fingerprint of the log's key, as agreements name it")
@click.pass_context
def verify(context: click.Context, exported: Path | None, key: str | None) -> None:
    """Verify an EXPORTED log from the file alone, or, without a file, this hub's own."""
    if exported is not None:
        if key is None:
            raise click.UsageError("name the log's key with --key: agreements name its fingerprint.")
        count, redacted, root = verify_log(_lines(exported), key)
    else:
        hub = hub_of(context)
        signing = hub.keyring.signing("log")
        with reading(hub.engine) as session:
            count, redacted, root = verify_log(
                json.loads(json.dumps(list(export_log(session, signing)))), key or signing.public.fingerprint
            )
    say(
        context,
        {"entries": count, "redacted": redacted, "root": root.hex()},
        f"The log holds: {count:,} entries lead to the signed checkpoint{f', {redacted} of them redacted' if redacted else ''}.",
        f"Root: {root.hex()}",
    )


@log.command()
@click.pass_context
def checkpoint(context: click.Context) -> None:
    """The newest signed checkpoint."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        note = sign_checkpoint(newest(session), hub.keyring.signing("log"))
    say(context, {"checkpoint": note}, note.rstrip("\n"))
