"""`exchange protect`: a table set in a folder, from the shell."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from exchange.disclosure.attack import attack
from exchange.disclosure.certificate import check_certificate
from exchange.disclosure.commands.changing import changed, changed_page, how, noise_asked
from exchange.disclosure.commands.shell import (
    FOLDER,
    LEVELS,
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
from exchange.disclosure.spec import Files, Need
from exchange.disclosure.table import TableSet, read_table_set


@click.command("protect", epilog=LEVELS)
@click.argument("folder", metavar="SET", type=FOLDER)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the protected set.")
@known_min
@min_width
@click.option("--time-limit", type=click.FloatRange(0), help="Seconds after which no smaller pattern is sought.")
@click.option("--thorough", is_flag=True, help="Look longer for a smaller pattern; the same input still gives the same bytes.")
@how
@as_json
def protect_command(  # noqa: PLR0913, PLR0917 -- click passes every option by name
    folder: Path,
    out: Path,
    known_min: int | None,
    min_width: int | None,
    time_limit: float | None,
    thorough: bool,  # noqa: FBT001 -- click passes flags so
    method: str,
    base: int | None,
    bound: int | None,
    variance: str | None,
    none: int | None,
    as_json: bool,  # noqa: FBT001 -- click passes flags so
) -> None:
    """Hide cells of a table set, or change values, until no primary cell can be worked out too closely; prove it, attack it, write it."""
    with outcomes():
        if out.resolve() == folder.resolve() or (out / "spec.json").exists():
            raise BadTables("--out must not be a folder that holds a table set")
        files = read_folder(folder)
        began = time.perf_counter()
        tables = read_table_set(files)
        need = level(tables.default_need(), known_min, min_width)
        noise = noise_asked(bound, variance, none)
        if method == "suppress" and base is None and noise is None:
            protected, report, safe = _suppressed(files, tables, need, time_limit=time_limit, thorough=thorough)
        else:
            protected, report, safe = changed(method, files, need, base, noise)
        report["seconds"] = round(time.perf_counter() - began, 2)
        if safe:
            _write(out, protected)
        page = protect_page if method == "suppress" else changed_page
        click.echo(json.dumps(report, indent=1) if as_json else page(report))
        sys.exit(SAFE if safe else VULNERABLE)


def _write(out: Path, protected: Files) -> None:
    """Every file into `out`; what an earlier run by another method left there besides its tables goes, for it would speak of other values."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for stale in {"certificate.json", "method.json", "report.json"} - set(protected):
            (out / stale).unlink(missing_ok=True)
        for name, content in protected.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise BadTables(f"--out cannot be written: {error.strerror}") from None


def _suppressed(
    files: Files, tables: TableSet, need: Need, *, time_limit: float | None, thorough: bool
) -> tuple[Files, dict[str, Any], bool]:
    """Protect by hiding cells, check the proof and attack the result: its files, its report, and whether it is safe to write."""
    result = protect(tables, need, time_limit=time_limit, thorough=thorough, progress=progress())
    protected = result.files()
    check_certificate(files, protected, need)
    found = attack(files, protected, need, insiders=result.insiders)
    return protected, {**result.report, "attack": found.report}, found.safe
