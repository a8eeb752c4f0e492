"""``exchange-agency config``: the settings as they are, and where each came from."""

from typing import Any

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.folders import Folder
from adapters.agency.settings import FOLDERS, KEYS


@click.command()
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@common
def config(context: Context, origin: bool) -> None:  # noqa: FBT001
    """Show every setting (key files are named, never opened)"""
    settings, line = context.agency().settings, context.console.line

    def told(text: str, found: str) -> None:
        line(f"{text}    ({found})" if origin else text)

    told(f"home = {settings.home}", context.home_from)
    for name, (key, _) in KEYS.items():
        told(f"{key} = {getattr(settings, name)}", settings.origins[name])
    if not settings.folders:
        told(f"{FOLDERS} = none", settings.origins[FOLDERS])
    for number, one in enumerate(settings.folders, 1):
        under = f", under {one.agreement}" if one.agreement else ""
        told(f"{FOLDERS} {number} = {one.folder / one.file}: {one.dataset}{under}, quiet for {one.quiet:g} s", settings.origins[FOLDERS])
    shown = {key: {"value": str(getattr(settings, name)), "origin": settings.origins[name]} for name, (key, _) in KEYS.items()}
    folders = {"value": [_document(one) for one in settings.folders], "origin": settings.origins[FOLDERS]}
    context.console.result(home=str(settings.home), home_origin=context.home_from, settings={**shown, FOLDERS: folders})


def _document(one: Folder) -> dict[str, Any]:
    return {"folder": str(one.folder), "file": one.file, "dataset": one.dataset, "agreement": one.agreement, "quiet": one.quiet}
