"""What the commands share: the hub they are about, output, and the keys of people. Exit codes: ``running``."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from exchange.errors import Misconfigured, Unacceptable
from exchange.hub import Hub, open_hub
from exchange.migrate import require_current
from exchange.settings import read_settings
from keys.keyfile import KeyFile, read_keyfile

OPERATOR = "operator"  # who acts at the command line without a key of their own, as the log says it


def config_path(explicit: str | None) -> Path:
    """The settings file: the flag, else EXCHANGE_CONFIG, else hub.toml here."""
    return Path(explicit or os.environ.get("EXCHANGE_CONFIG") or "hub.toml")


def hub_of(context: click.Context, *, checked: bool = True) -> Hub:
    """The hub that this command is about; ``checked``: its database must be of this code's schema."""
    hub = open_hub(read_settings(config_path(context.obj["config"])))
    context.call_on_close(hub.engine.dispose)
    if checked:
        require_current(hub.engine)
    return hub


def say(context: click.Context, document: Mapping[str, Any], *lines: str) -> None:
    """The result on standard output: JSON when asked for, else lines for people."""
    click.echo(json.dumps(document, ensure_ascii=False) if context.obj["json"] else "\n".join(lines))


def key_of(path: str) -> KeyFile:
    """A person's key file."""
    if not Path(path).exists():
        raise Misconfigured(f"there is no key file {Path(path).name}.", remedy="Make one with: exchange person new")
    return read_keyfile(path)


def read_text(path: str) -> str:
    """A text file, refused where it is not UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Unacceptable(f"{Path(path).name} is not UTF-8 text.") from error


def require_new(path: Path) -> None:
    """Make the folder of a file that is to be written. Misconfigured where the file is there, OSError where it cannot be."""
    if path.exists():
        raise Misconfigured(f"{path.name} is there already and is not overwritten.", remedy="Name another file.")
    path.parent.mkdir(parents=True, exist_ok=True)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet."""
    require_new(path)
    path.write_text(text, encoding="utf-8")


def slug(name: str) -> str:
    """A name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
