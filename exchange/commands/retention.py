"""``exchange retention …``: what is due, and its destruction."""

import json
from pathlib import Path

import click

from agreements.rules import today
from exchange.commands.shared import hub_of, say, write_new
from exchange.db import reading
from exchange.submissions import retention as keeping


@click.group()
def retention() -> None:
    """How long data are kept, and their destruction."""


@retention.command()
@click.pass_context
def due(context: click.Context) -> None:
    """Submissions whose day has come."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        found = [{"submission": row.id, "due": row.dispose_on.isoformat()} for row in keeping.due(session, today(hub.clock()))]
    say(context, {"due": found}, *([f"{one['submission']}  {one['due']}" for one in found] or ["Nothing is due."]))


@retention.command()
@click.option("--certificates", type=click.Path(path_type=Path), help="folder for the certificates of destruction")
@click.pass_context
def run(context: click.Context, certificates: Path | None) -> None:
    """Destroy what is due, now."""
    hub = hub_of(context)
    hub.settle()
    with reading(hub.engine) as session:
        waiting = [row.id for row in keeping.due(session, today(hub.clock()))]
    for submission in waiting:
        signed = keeping.dispose(hub.engine, hub.keyring, hub.places, submission, hub.clock())
        if certificates is not None:
            write_new(certificates / f"{submission}.certificate.json", json.dumps(signed, indent=1) + "\n")
    hub.settle()  # drafts that were made from what is gone now
    say(context, {"destroyed": waiting}, *([f"{one} destroyed" for one in waiting] or ["Nothing is due."]))
