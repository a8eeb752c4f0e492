"""``exchange-agency schedule``: the files by which systemd, cron or the Windows Task Scheduler run this installation unattended."""

import re
import shutil
import sys
from pathlib import Path
from typing import cast

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.schedules import Installation, Kind, encoded, files
from adapters.errors import ConfigError, UsageError
from keys.files import write_new

NAME = "exchange-agency"


@click.command()
@click.argument("kind", type=click.Choice(["systemd", "cron", "windows"]))
@click.option("--to", type=click.Path(path_type=Path), help="Write the files into this folder; without it, they are printed.")
@click.option("--at", default="02:15", help="When the daily job begins, in the local time of England and Wales.")
@click.option("--user", default="", help="The account that it runs as (Windows: DOMAIN\\account$).")
@click.option("--call", "called", default="", help="The path of exchange-agency, where it is not the one that runs now.")
@common
def schedule(context: Context, kind: str, to: Path | None, at: str, user: str, called: str) -> None:
    """Print or write what runs this installation: collect every hour, watch every day"""
    settings, console = context.agency().settings, context.console
    hour, _, minute = at.partition(":")
    if not re.fullmatch(r"(?:[01]?\d|2[0-3]):[0-5]\d", at, re.ASCII):
        raise UsageError(f"“{at}” is no time of day.", remedy="Write it as 02:15.")
    words = [str(settings.home.absolute()), user, called]
    if any(not one.isprintable() for one in words):
        raise UsageError("A path or account holds a character that no schedule can hold.", remedy="Name another.")
    made = files(cast(Kind, kind), Installation(settings.party, words[0], _call(called), user, int(hour), int(minute)))
    for name, text in made.items():
        if to is None:
            console.line(f"# ---- {name}" if kind != "windows" else f"<!-- {name} -->")
            console.line(text)
        else:
            to.mkdir(parents=True, exist_ok=True)
            if (to / name).exists():
                raise ConfigError(f"{to / name} is there already.", remedy="Remove it, or name another folder.")
            write_new(to / name, encoded(name, text))
            console.line(f"Written: {to / name}")
    console.say(_next(kind, to))
    console.result(kind=kind, files=made, folder=str(to) if to else None)


def _call(called: str) -> tuple[str, ...]:
    """How this program is called by its full path."""
    if called:
        return (called,)
    running = Path(sys.argv[0])
    if running.stem == NAME and running.exists():
        return (str(running.absolute()),)
    beside = shutil.which(NAME, path=str(Path(sys.executable).parent)) or shutil.which(NAME)
    return (str(Path(beside).absolute()),) if beside else (sys.executable, "-m", "adapters.agency.cli")


def _next(kind: str, to: Path | None) -> str:
    where = to or "DIR"
    first = "" if to else f"Write them with --to {where}. "
    return (
        first
        + {
            "systemd": f"Then: cp {where}/* /etc/systemd/system/; systemctl daemon-reload; systemctl enable --now exchange-agency-collect.timer"
            " exchange-agency-watch.timer",
            "cron": f"Then: crontab -u USER {where}/exchange-agency.crontab, which replaces that user's crontab.",
            "windows": f'Then: schtasks /create /xml {where}\\exchange-agency-watch.xml /tn "LCJP Exchange\\watch"; and the same for collect.',
        }[kind]
    )
