"""What the commands share: settings, output, the keys of people, and one table from error to exit code.

Exit codes: 0 done; 1 unforeseen; 2 wrong usage; 3 not set up; 5 refused by an agreement; 6 not acceptable as it is; 9 refused for
another reason; 10 a signature, digest or proof does not hold; 130 interrupted. ``protect`` and ``attack`` have their own.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from agreements.errors import AgreementError, InvalidDocument
from exchange.errors import ExchangeError, Misconfigured, RefusedByAgreement, Unacceptable
from exchange.hub import Hub, open_hub
from exchange.migrate import require_current
from exchange.releases.errors import ReleaseError
from exchange.settings import read_settings
from keys.errors import BadProof, BadSignature, KeysError
from keys.keyfile import KeyFile, read_keyfile

OUR_ERRORS = (ExchangeError, AgreementError, KeysError, ReleaseError)
_CODES: Sequence[tuple[type[Exception], int]] = (
    (Misconfigured, 3),
    (RefusedByAgreement, 5),
    (Unacceptable, 6),
    (InvalidDocument, 6),
    (ReleaseError, 6),
    (BadSignature, 10),
    (BadProof, 10),
    (AgreementError, 6),
    (KeysError, 3),
    (ExchangeError, 9),
)


OPERATOR = "operator"  # who acts at the command line without a key of their own, as the log says it


def run(command: click.Command) -> int:
    """Run a command line; every error of ours, the database's and the machine's is one message and a code, never a traceback."""
    try:
        found = command.main(standalone_mode=False)
        return found if isinstance(found, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except OUR_ERRORS as error:
        click.echo(f"Error: {error}", err=True)
        return next((code for kind, code in _CODES if isinstance(error, kind)), 1)
    except (SQLAlchemyError, OSError, UnicodeEncodeError) as error:
        click.echo(f"Error: {_machine(error)}", err=True)
        return 2 if isinstance(error, UnicodeEncodeError) else 1


def _machine(error: SQLAlchemyError | OSError | UnicodeEncodeError) -> str:
    """What the machine's own trouble means: never the statement that met it, whose values would be quoted."""
    match error:
        case UnicodeEncodeError():
            return "what was given is not UTF-8 text. Give it again."
        case OSError():
            return f"{error.strerror or type(error).__name__}: {error.filename}." if error.filename else f"{error.strerror or error}."
        case OperationalError() | InterfaceError() | NoConnection():
            return "the database is busy, cannot be reached or is not what it should be; nothing was changed. Look at it, and try again."
        case DataError():
            return "something that was given is longer, or holds other characters, than any such value. Give it again."
        case _:
            return f"the database failed ({type(error).__name__}); nothing was changed. Look at it, and try again."


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
