"""``exchange-agency collect``: send what has arrived in the watched folders. For an hourly schedule."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from adapters.agency.collecting import Candidate, Collected, Look, Taken, extract, look, take
from adapters.agency.commands.common import Context, common
from adapters.agency.commands.push import document, said
from adapters.agency.lock import only_run
from adapters.agency.push import Outcome
from adapters.agency.run import Run, Watcher
from adapters.agency.session import Agency
from adapters.agency.spool import Upload, waiting
from adapters.agency.watch import refuse
from adapters.errors import AdapterError, AgreementRefused, ConfigError
from agreements.rules import UNKNOWN

A_MOMENT = 0.01
LONGEST_PAUSE = 300.0
"""Seconds. What has to be quiet for longer is left to the next run."""


@click.command()
@click.option("--dry-run", "-n", is_flag=True, help="Only say what lies in the folders and what would be sent.")
@common
def collect(context: Context, dry_run: bool) -> int:  # noqa: FBT001
    """Send every file that has arrived whole in the watched folders, each once"""
    agency, console = context.agency(), context.console
    folders = agency.settings.folders
    if not folders:
        raise ConfigError("No folder is watched.", remedy="Write [[folders]] in agency.toml: docs/agency.md shows how.")
    with only_run(agency.settings.home):
        seen, collected = look(folders), Collected(agency.settings.home)
        collected.note(seen, time.time())
    rests = [collected.rests(one, time.time()) for one in seen.candidates if not collected.is_sent(one)]
    pause = max((rest for rest in rests if rest <= LONGEST_PAUSE), default=0.0)
    if pause > 0 and not dry_run:
        console.say(f"Waiting {pause:.0f} seconds, to see whether what has arrived is whole.")
        time.sleep(pause + A_MOMENT)  # without the lock: a push by hand may go on
    with only_run(agency.settings.home):
        seen, collected = look(folders), Collected(agency.settings.home)
        collected.note(seen, time.time())
        fresh = [one for one in seen.candidates if not collected.is_sent(one)]
        ready = [one for one in fresh if collected.rests(one, time.time()) <= 0]
        for path in seen.unknown:
            console.say(f"Not known: {path}. No entry of [[folders]] has a name like it.")
        for one in fresh:
            if dry_run or one not in ready:
                console.line(f"{'Would send' if one in ready else 'Still changing, or new'}: {one}.")
        if dry_run or not (ready or waiting(agency.settings.spool)):
            return _report(context, seen, [], [one for one in fresh if dry_run or one not in ready], [])
        resumed, taken = _send(context, agency, ready, collected)
    return _report(context, seen, taken, [one for one in fresh if one not in ready], resumed)


def _send(
    context: Context, agency: Agency, ready: Sequence[Candidate], collected: Collected
) -> tuple[list[tuple[Upload, Outcome | AdapterError]], list[Taken]]:
    """One run for all: what was left is finished, then each file is pushed and told of."""
    console, taken = context.console, list[Taken]()
    try:
        with console.progress() as (reading, sending):
            run = Run(agency, agency.client(), Watcher(console.say, reading, sending))
            verified = run.verified()
            if not verified:
                raise AgreementRefused("No agreement to which you are a party is in force.", remedy=UNKNOWN.remedy)
            watched = run.watch(verified)
            for message in (*watched.warnings, *map(str, watched.alarms)):
                console.say(message)
            refuse(watched.alarms)
            resumed = run.resume()

            def push(one: Candidate) -> Iterator[Outcome]:
                chosen = [found for found in verified if one.folder.agreement in ("", found.agreement.reference)]
                return run.push(one.folder.dataset, extract(one), chosen, nil=False, wait=True)

            for each in take(ready, collected, push):
                taken.append(each)
    finally:  # what was held before the network failed was held all the same; and no bar is drawn over it any more
        for one in taken:
            for outcome in one.outcomes:
                console.line(f"{one.file.path.name}: {said(outcome)}")
            if one.error is not None:
                console.say(f"Not sent: {one.file}. {one.error}")
    return resumed, taken


def _report(
    context: Context,
    seen: Look,
    taken: Sequence[Taken],
    waiting: Sequence[Candidate],
    resumed: Sequence[tuple[Upload, Outcome | AdapterError]],
) -> int:
    """Everything in one result; the first file that went wrong decides the exit code."""
    for _, ended in resumed:
        if isinstance(ended, Outcome):
            context.console.line(said(ended))
    absent = [
        ConfigError(f"The watched folder {path} is not there.", remedy="Mount it, or correct [[folders]] in agency.toml.")
        for path in seen.absent
    ]
    failed = [one.error for one in taken if one.error is not None]
    failed += [ended for _, ended in resumed if isinstance(ended, AdapterError)]
    members: dict[str, Any] = {
        "sent": [{"file": str(one.file.path), "submissions": [document(each) for each in one.outcomes]} for one in taken if one.outcomes],
        "failed": [{"file": str(one.file.path), **one.error.document()} for one in taken if one.error is not None],
        "waiting": [str(one.path) for one in waiting],
        "unknown": [str(path) for path in seen.unknown],
        "absent": [str(path) for path in seen.absent],
        "resumed": [document(ended) for _, ended in resumed if isinstance(ended, Outcome)],
    }
    if failed or absent:
        first = [*failed, *absent][0]
        context.console.failure(first, **members)
        return first.exit_code
    if not (taken or waiting or resumed):
        context.console.line("Nothing new.")
    context.console.result(**members)
    return 0
