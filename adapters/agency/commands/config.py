"""``exchange-agency config``: the settings as they are, and where each came from."""

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.settings import KEYS


@click.command()
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@common
def config(context: Context, origin: bool) -> None:  # noqa: FBT001
    """Show every setting (key files are named, never opened)"""
    settings = context.agency().settings
    for name, (key, _) in KEYS.items():
        value = getattr(settings, name)
        context.console.line(f"{key} = {value}" + (f"    ({settings.origins[name]})" if origin else ""))
    shown = {key: {"value": str(getattr(settings, name)), "origin": settings.origins[name]} for name, (key, _) in KEYS.items()}
    context.console.result(home=str(settings.home), settings=shown)
