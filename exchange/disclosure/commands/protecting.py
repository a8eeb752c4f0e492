"""`exchange protect`: a table set in a folder, from the shell."""

import json
import sys
import time
from pathlib import Path

import click

from exchange.disclosure.attack import attack
from exchange.disclosure.certificate import check_certificate
from exchange.disclosure.commands.shell import (
    FOLDER,
    SAFE,
    VULNERABLE,
    as_json,
    known_min,
    level,
    min_width,
    outcomes,
    progress,
    read_folder,
)
from exchange.disclosure.errors import BadTables
from exchange.disclosure.protect import protect
from exchange.disclosure.report import protect_page
from exchange.disclosure.table import read_table_set


@click.command("protect")
@click.argument("folder", metavar="SET", type=FOLDER)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the protected set.")
@known_min
@min_width
@click.option("--time-limit", type=click.FloatRange(0), help="Seconds after which no smaller pattern is sought.")
@click.option("--thorough", is_flag=True, help="Look longer for a smaller pattern; the same input still gives the same bytes.")
@as_json
def protect_command(  # noqa: PLR0917 -- click passes every option by name
    folder: Path,
    out: Path,
    known_min: int | None,
    min_width: int | None,
    time_limit: float | None,
    thorough: bool,  # noqa: FBT001 -- click passes flags so
    as_json: bool,  # noqa: FBT001 -- click passes flags so
) -> None:
    """Hide cells of a table set until no primary cell can be worked out too closely; prove it, attack it, write it."""
    with outcomes():
        if out.resolve() == folder.resolve() or (out / "spec.json").exists():
            raise BadTables("--out must not be a folder that holds a table set")
        files = read_folder(folder)
        began = time.perf_counter()
        tables = read_table_set(files)
        need = level(tables.default_need(), known_min, min_width)
        result = protect(tables, need, time_limit=time_limit, thorough=thorough, progress=progress())
        protected = result.files()
        check_certificate(files, protected, need)
        found = attack(files, protected, need, insiders=result.insiders)
        seconds = time.perf_counter() - began
        if found.safe:
            out.mkdir(parents=True, exist_ok=True)
            for name, content in protected.items():
                (out / name).write_bytes(content)
        report = {**result.report, "attack": found.report, "seconds": round(seconds, 2)}
        click.echo(json.dumps(report, indent=1) if as_json else protect_page(report))
        sys.exit(SAFE if found.safe else VULNERABLE)
