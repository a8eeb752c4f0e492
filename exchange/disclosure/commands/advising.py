"""`exchange advise`: which method suits a table set, by what each would hide and cost."""

import json
import sys
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exchange.disclosure.advice import Option, advise, picture
from exchange.disclosure.commands.shell import FOLDER, LEVELS, SAFE, VULNERABLE, as_json, known_min, level, min_width, outcomes, read_folder
from exchange.disclosure.errors import BadTables
from exchange.disclosure.table import read_table_set


@click.command("advise", epilog=LEVELS)
@click.argument("folder", metavar="SET", type=FOLDER)
@known_min
@min_width
@click.option(
    "--picture", "drawing", type=click.Path(dir_okay=False, path_type=Path), help="Also draw the comparison, as SVG, in this file."
)
@as_json
def advise_command(
    folder: Path,
    known_min: int | None,
    min_width: int | None,
    drawing: Path | None,
    as_json: bool,  # noqa: FBT001 -- click passes flags so
) -> None:
    """Try every method on a table set and compare what each hides and costs. For those who choose and check; not for the public."""
    with outcomes():
        if drawing is not None and (drawing.exists() or not drawing.parent.is_dir()):
            raise BadTables("--picture must name a file that is not there yet, in a folder that is")
        files = read_folder(folder)
        tables = read_table_set(files)
        options = list(advise(files, level(tables.default_need(), known_min, min_width)))
        if drawing is not None:
            drawing.write_text(picture(tables, options, options[0]), encoding="utf-8")
        if as_json:
            click.echo(json.dumps({"input": tables.digest, "options": [option.line() for option in options]}, indent=1))
        else:
            Console(highlight=False).print(_page(options))
            for option in options:
                if option.why:
                    click.echo(f"{option.words} cannot be used: {option.why}.")
        sys.exit(SAFE if any(option.safe for option in options) else VULNERABLE)


def _page(options: list[Option]) -> Table:
    found = Table(box=SIMPLE, pad_edge=False, collapse_padding=True, caption="Internal: how much lies hidden is not for publication.")
    for name in ("Method", "Cells hidden", "Value lost", "Largest error", "Attack"):
        found.add_column(name, justify="left" if name in {"Method", "Attack"} else "right", no_wrap=True)
    for option in options:
        figures = (f"{option.cells_hidden:,} of {option.cells:,}", f"{option.value_lost:,.0f}", f"{option.largest_error:,.0f}")
        found.add_row(Text(option.words), *(figures if option.cells else ("", "", "")), "none" if option.why else "passed")
    return found
