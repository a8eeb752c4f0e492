"""Groups of commands that are loaded when they are called: all of the hub takes two seconds to import, most commands need a part of it."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class Commands(click.Group):
    """A group, some of whose commands stand in other modules, each named as ``module:attribute``. Asked for help it loads them all."""

    def __init__(self, *given: Any, elsewhere: Mapping[str, str], **more: Any) -> None:
        super().__init__(*given, **more)
        self.elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, those elsewhere included."""
        return sorted({*super().list_commands(ctx), *self.elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, loaded if it stands elsewhere; None where there is none."""
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, attribute = self.elsewhere[cmd_name].split(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found
