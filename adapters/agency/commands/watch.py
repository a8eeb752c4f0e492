"""``exchange-agency watch``: does the log only grow, do the others see the same, and is everything in our name ours? For a daily schedule."""

from pathlib import Path

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.lock import only_run
from adapters.agency.run import Run
from adapters.agency.succession import accept
from adapters.agency.watch import refuse
from adapters.agency.watched import Watched, cosigned, destruction, document
from adapters.agency.witnesses import NOTE_LIMIT
from adapters.errors import AgreementRefused, ConfigError, UsageError
from agreements.rules import UNKNOWN
from keys.files import replace

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--know", "subjects", multiple=True, help="A key's fingerprint or an upload id that is ours after all; repeat.")
@click.option("--witness", "notes", multiple=True, type=_FILE, help="A checkpoint that a partner cosigned and handed to us; repeat.")
@click.option("--note", "out", type=_FILE, help="Write the checkpoint that we cosigned, to hand to partners.")
@click.option("--succession", type=_FILE, help="What every party signed when the hub's log was lost: accept the log that goes on.")
@common
def watch(context: Context, subjects: tuple[str, ...], notes: tuple[Path, ...], out: Path | None, succession: Path | None) -> int:
    """Check that the hub's log only grew, that partners see the same, and that what it says in our name is ours"""
    agency, console = context.agency(), context.console
    handed = [_text(path) for path in notes]
    with only_run(agency.settings.home):
        for subject in subjects:
            agency.watch.know(subject)
        run = Run(agency, agency.client())
        verified = run.verified()
        if not verified:
            raise AgreementRefused("No agreement to which you are a party is in force.", remedy=UNKNOWN.remedy)
        if succession is not None:
            begins = accept(succession, agency, run.client, verified[0], run.now())
            console.say(f"The log {begins.origin} goes on in place of the one that was lost, from {begins.size:,} entries.")
        watched = run.watch(verified, handed)
    if out is not None:
        _write(out, agency.witnesses.own)
    _say(context, watched)
    refuse(watched.alarms)
    return 0


def _say(context: Context, watched: Watched) -> None:
    console, head = context.console, watched.head
    for line in (*map(str, watched.alarms), *map(destruction, watched.destroyed), *map(cosigned, watched.seen)):
        console.line(line)
    for warning in watched.warnings:
        console.say(warning)
    console.line(f"The log {head.origin} has {head.size:,} entries and continues what was seen here before.")
    console.result(
        log={"origin": head.origin, "size": head.size},
        alarms=[{"number": one.number, "what": one.what, "subject": one.subject, "stops": one.stops} for one in watched.alarms],
        witnesses=[document(one) for one in watched.seen],
        warnings=list(watched.warnings),
        destroyed=[one.submission for one in watched.destroyed],
    )


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read(NOTE_LIMIT)
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{path}: the file cannot be read as text.") from None


def _write(out: Path, own: Path) -> None:
    if not own.is_file():
        raise ConfigError("We have cosigned nothing yet.", remedy="An agreement has to name our witness key (keys.witness).")
    replace(out, own.read_bytes())
