"""``exchange-agency``: what an agency's engineers and schedules call. Exit codes: ``adapters.errors`` and ``docs/agency.md``."""

import gc
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from adapters.agency.commands.check import check
from adapters.agency.commands.collect import collect
from adapters.agency.commands.config import config
from adapters.agency.commands.doctor import doctor
from adapters.agency.commands.explain import explain
from adapters.agency.commands.init import init
from adapters.agency.commands.keys import keys
from adapters.agency.commands.linkage import linkage
from adapters.agency.commands.pull import pull
from adapters.agency.commands.push import push
from adapters.agency.commands.rights import rights
from adapters.agency.commands.schedule import schedule
from adapters.agency.commands.scorecard import scorecard
from adapters.agency.commands.status import status
from adapters.agency.commands.synthesise import synthesise
from adapters.agency.commands.verify import verify
from adapters.agency.commands.watch import watch
from adapters.agency.commands.withdraw import withdraw
from adapters.errors import INTERRUPTED, UNEXPECTED

NAME = "exchange-agency"


def _version() -> str:
    try:
        return version("lcjp-exchange")
    except PackageNotFoundError:  # run from a checkout
        return "unreleased"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(_version(), prog_name=NAME)
def cli() -> None:
    """Send agreed data to the partnership's hub: sealed, signed, receipted"""


for command in (
    init,
    keys,
    doctor,
    check,
    explain,
    push,
    collect,
    withdraw,
    rights,
    linkage,
    status,
    scorecard,
    watch,
    verify,
    pull,
    schedule,
    config,
    synthesise,
):
    cli.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    try:
        return int(cli.main(args=list(arguments), prog_name=NAME, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("Interrupted. Run it again: it resumes where it stopped.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return UNEXPECTED
    except Exception as error:  # noqa: BLE001 - the last door: a schedule needs an exit code, and nobody a record's value
        print(f"Unexpected: {type(error).__name__} at {_place(error)}. This is a fault of exchange-agency.", file=sys.stderr)  # noqa: T201
        return UNEXPECTED


def _place(error: BaseException) -> str:
    """Where it happened. Not what the error says: other libraries' messages may quote the extract."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-4:])) or "?"


def main() -> None:
    """The console script."""
    code = run(sys.argv[1:])
    gc.freeze()  # or the interpreter looks through all that was loaded for garbage before it ends: a tenth of a short command
    sys.exit(code)


if __name__ == "__main__":
    main()
