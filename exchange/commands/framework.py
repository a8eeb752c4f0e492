"""``exchange framework …``: the public pages as plain files, and charts drawn before anybody asks."""

from pathlib import Path

import click

from exchange.commands.shared import hub_of, say
from exchange.db import reading
from exchange.errors import Misconfigured
from exchange.framework import drawing, export
from exchange.framework.editions import PUBLIC
from exchange.framework.gallery import Gallery
from exchange.framework.reading import read_measures
from exchange.framework.views import Framework

STATIC = Path(__file__).parents[1] / "web" / "static"


@click.group()
def framework() -> None:
    """The performance framework."""


@framework.command("export")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="a new or empty folder")
@click.pass_context
def export_(context: click.Context, out: Path) -> None:
    """The public measures as files that any web server can host: HTML, SVG, CSV, and one style sheet."""
    if out.exists() and any(out.iterdir()):
        raise Misconfigured(f"{out.name} holds something already.", remedy="Name a new folder, or empty this one.")
    hub = hub_of(context)
    now = hub.clock()
    with reading(hub.engine) as session:
        views = Framework(read_measures(hub.settings.measures_file)).views(session, PUBLIC, now)
    assets = {name: (STATIC / name).read_bytes() for name in (export.STYLE, export.ICON)}
    files = export.files(views, Gallery(hub.settings.charts), assets, now)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    say(
        context,
        {"folder": str(out), "measures": [one.measure.id for one in views], "files": len(files)},
        f"{len(views)} public measures, {len(files)} files in {out}. Open index.html.",
    )


@framework.command()
@click.pass_context
def draw(context: click.Context) -> None:
    """Draw every chart that is not drawn yet, so that nobody waits for one."""
    hub = hub_of(context)
    number = drawing.draw(hub.engine, hub.settings, hub.clock(), again=True)
    say(context, {"charts": number}, f"{number} charts are drawn.")
