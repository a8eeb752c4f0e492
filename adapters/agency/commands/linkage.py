"""``exchange-agency linkage``: two of our records are, or are not, one person's; a sealed request for the hub, and nothing that it shows to anybody.

Identifiers are typed when asked for, or read from a file or from standard input, as for ``rights``; they are never arguments.
"""

from pathlib import Path

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.commands.rights import lines
from adapters.agency.lock import only_run
from adapters.agency.pairs import paired
from adapters.agency.rights import Asking, whom
from adapters.agency.run import Run
from adapters.errors import ConfigError, UsageError
from keys.encoding import canonical
from keys.files import write_new


@click.command()
@click.argument("action", type=click.Choice(["join", "split"]))
@click.argument("reference", metavar="AGREEMENT")
@click.option("--kind", required=True, help="The kind of identifier, as the agreement names it: person_pnc.")
@click.option("--from", "source", type=click.Path(path_type=Path, allow_dash=True), help="A file of two lines; - is stdin.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write; it is not there yet.")
@common
def linkage(context: Context, action: str, reference: str, *, kind: str, source: Path | None, out: Path) -> None:
    """Make a request that two identifiers be linked as one person's (join), or never be (split)"""
    agency = context.agency()
    if agency.settings.recipient:
        raise ConfigError("This folder is of a recipient, who holds no rows of anybody's.", remedy="Pass it on to the supplier.")
    if out.exists():
        raise UsageError(f"{out.name} is there already and is not overwritten.", remedy="Name another file.")
    who = whom(kind, lines(context, source, "First identifier", "Second identifier"))
    with only_run(agency.settings.home):
        signed = paired(Asking(Run(agency, agency.client())), reference, who, action)
    write_new(out, canonical(signed) + b"\n")
    context.console.line(f"Written: {out}. Give it to who may enter it: exchange linkage {action} {reference} {out.name}")
    context.console.result(written=str(out), request=signed["document"]["request"], action=action)
