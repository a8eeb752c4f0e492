"""`exchange attack`: anyone's protected table set, from the shell."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from exchange.disclosure.attack import Attack, asked, attack
from exchange.disclosure.commands.shell import FOLDER, LEVELS, SAFE, VULNERABLE, as_json, known_min, level, min_width, outcomes, read_folder
from exchange.disclosure.report import attack_page
from exchange.disclosure.table import read_table_set


@click.command("attack", epilog=LEVELS)
@click.argument("folder", metavar="SET", type=FOLDER)
@click.option("--protected", required=True, type=FOLDER, help="Folder with the protected tables; anyone's output.")
@known_min
@min_width
@click.option("--insiders", is_flag=True, help="Also every contributor who alone makes up hidden cells.")
@as_json
def attack_command(
    folder: Path,
    protected: Path,
    known_min: int | None,
    min_width: int | None,
    insiders: bool,  # noqa: FBT001 -- click passes flags so
    as_json: bool,  # noqa: FBT001 -- click passes flags so
) -> None:
    """Attack a protected table set: which primary cells can be worked out, and how closely."""
    with outcomes():
        files = read_folder(folder)
        read_table_set(files)  # what protection would refuse as input is refused here in the same words; the attack reads for itself
        began = time.perf_counter()
        need = level(asked(files), known_min, min_width)
        found = attack(files, read_folder(protected), need, insiders=insiders)
        report = {**found.report, "seconds": round(time.perf_counter() - began, 2), "vulnerable": _cells(found)}
        click.echo(json.dumps(report, indent=1) if as_json else attack_page(report))
        sys.exit(SAFE if found.safe else VULNERABLE)


def _cells(found: Attack) -> list[dict[str, Any]]:
    return [{**cell._asdict(), "codes": list(cell.codes)} for cell in found.vulnerable]
