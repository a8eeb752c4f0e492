"""What every command shares: its flags, its console, and the way an error becomes an exit code."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from adapters.agency.console import Console
from adapters.agency.session import Agency
from adapters.agency.settings import home_of, load
from adapters.errors import AdapterError, ConfigError, IntegrityFailed, UsageError
from agreements.errors import AgreementError, InvalidPeriod
from agreements.periods import Period
from keys.errors import KeysError


@dataclass(frozen=True)
class Context:
    """One call of a command: the state folder and where its name came from, the settings given as flags, and its voice."""

    home: Path
    flags: dict[str, Any]
    console: Console
    home_from: str = ""

    def agency(self) -> Agency:
        """The agency of the state folder; ConfigError names what is missing."""
        return Agency(load(self.home, self.flags))


Command = Callable[..., int | None]


def common(command: Command) -> Callable[..., int]:
    """Give a command the common flags. It is called with a Context first, and its errors become exit codes here."""

    @click.option("--home", type=click.Path(path_type=Path), help="The folder of agency.toml and of the state that is kept.")
    @click.option("--hub", help="The hub's address, in place of the one in agency.toml.")
    @click.option("--json", "as_json", is_flag=True, help="The result as one JSON object on stdout.")
    @click.option("-q", "--quiet", is_flag=True, help="No messages but errors.")
    @click.option("-v", "--verbose", is_flag=True, help="More messages.")
    @click.option("--no-input", is_flag=True, help="Never ask: what would be asked for must be given.")
    @functools.wraps(command)
    def run(home: Path | None, hub: str | None, as_json: bool, quiet: bool, verbose: bool, no_input: bool, **rest: Any) -> int:  # noqa: FBT001 - click gives them by name
        console = Console(command.__name__, as_json, quiet, verbose, no_input)
        folder, told = home_of(home)
        context = Context(folder, {"hub": hub}, console, told)
        try:
            return command(context, **rest) or 0
        except AdapterError as error:
            console.failure(error)
            return error.exit_code
        except (AgreementError, KeysError) as error:
            found = IntegrityFailed("Something signed or agreed is not as it must be.", why=f"{type(error).__name__}: {error}")
            console.failure(found)
            return found.exit_code
        except OSError as error:
            words = os.strerror(error.errno) if error.errno else type(error).__name__
            failed = ConfigError(
                f"{error.filename or 'A file of the state folder'}: {words}.",
                remedy="Look at the disk, and at who owns the folder. Run it again: what was whole is resumed.",
            )
            console.failure(failed)
            return failed.exit_code

    return run


def period(text: str) -> Period:
    """A period from the command line; UsageError says which forms there are."""
    try:
        return Period.parse(text)
    except InvalidPeriod as error:
        raise UsageError(f"“{text}” is no period: {error}") from None
