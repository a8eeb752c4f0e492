"""``exchange-agency push``: an extract goes out, under every agreement in force that names the dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from adapters.agency.commands.common import Context, common, period
from adapters.agency.lock import only_run
from adapters.agency.push import Outcome
from adapters.agency.run import Extract, Run, Watcher
from adapters.agency.spool import Upload
from adapters.agency.watch import refuse
from adapters.errors import AdapterError, AgreementRefused, ConfigError, UsageError
from agreements.rules import UNKNOWN


@click.command()
@click.argument("dataset", required=False)
@click.argument("files", nargs=-1)
@click.option("--period", "period_name", help="The period of FILE: YYYY, YYYY-Qn, YYYY-MM or YYYY-MM-DD.")
@click.option("--agreement", "reference", default="", help="Serve only the agreement of this reference.")
@click.option("--nil", is_flag=True, help="The extract has no rows, and that is true: a nil return.")
@click.option("--wait/--no-wait", default=True, help="Wait for the hub's receipt (default), or leave it to the next run.")
@click.option("--resume", is_flag=True, help="Only finish what earlier runs left in the spool.")
@common
def push(  # noqa: PLR0917 - one argument a flag
    context: Context,
    dataset: str | None,
    files: tuple[str, ...],
    period_name: str | None,
    reference: str,
    nil: bool,  # noqa: FBT001
    wait: bool,  # noqa: FBT001
    resume: bool,  # noqa: FBT001
) -> int:
    """Prepare and send extracts; finish first what an earlier run left

    FILE is an extract with --period, or several of the form FILE:PERIOD.
    """
    extracts = [] if resume else extracts_of(dataset, files, period_name)
    if resume and (dataset or files):
        raise UsageError("--resume takes no dataset and no file: it only finishes what is in the spool.")
    agency, console = context.agency(), context.console
    if agency.settings.recipient:
        raise ConfigError("This folder is of a recipient, who pushes nothing.", remedy="Use exchange-agency pull.")
    outcomes: list[Outcome] = []
    try:
        with console.progress() as (reading, sending), only_run(agency.settings.home):
            run = Run(agency, agency.client(), Watcher(console.say, reading, sending))
            verified = run.verified(reference)
            if verified:
                watched = run.watch(verified)
                for message in (*watched.warnings, *map(str, watched.alarms)):
                    console.say(message)
                refuse(watched.alarms)
            elif extracts:
                raise AgreementRefused("No agreement to which you are a party is in force.", remedy=UNKNOWN.remedy)
            resumed = run.resume(wait=wait)
            for extract in extracts:
                outcomes.extend(run.push(str(dataset), extract, verified, nil=nil, wait=wait))
    finally:  # what was held before a later file failed was held all the same
        for outcome in outcomes:
            console.line(said(outcome))
    return _report(context, resumed, outcomes)


def extracts_of(dataset: str | None, files: Sequence[str], period_name: str | None) -> list[Extract]:
    """The files named on the command line, each with its period."""
    if not dataset or not files:
        raise UsageError("Name the dataset and the file.", remedy="exchange-agency push DATASET FILE --period 2021-04")
    if period_name is not None:
        if len(files) > 1:
            raise UsageError("--period is for one file.", remedy="Write several as FILE:PERIOD.")
        return [Extract(Path(files[0]), period(period_name))]
    pairs = [text.rpartition(":") for text in files]
    if not all(name for name, _, _ in pairs):
        raise UsageError("The period is missing.", remedy="Add --period 2021-04, or write FILE:2021-04.")
    return [Extract(Path(name), period(end)) for name, _, end in pairs]


def said(outcome: Outcome) -> str:
    """An outcome in a line."""
    receipt = outcome.receipt
    if receipt is None:
        return f"Submission {outcome.submission}: the hub has everything and will decide. Fetch the receipt with push --resume."
    again = " The hub held this content already." if outcome.same_content else ""
    doubtful = f" Doubtful, and accepted: {', '.join(outcome.doubts)} (report.json)." if outcome.doubts else ""
    return (
        f"Held: {receipt.reference} version {receipt.version}, {receipt.dataset} {receipt.period}, {receipt.rows:,} rows, "
        f"submission {outcome.submission}, to be destroyed on {receipt.dispose_on}.{again}{doubtful}"
    )


def _report(context: Context, resumed: Sequence[tuple[Upload, Outcome | AdapterError]], outcomes: Sequence[Outcome]) -> int:
    """Say how resumed uploads ended; the first that was refused decides the exit code."""
    failed = [error for _, error in resumed if isinstance(error, AdapterError)]
    for _, ended in resumed:
        if isinstance(ended, Outcome):
            context.console.line(said(ended))
    if failed:
        context.console.failure(failed[0])
        return failed[0].exit_code
    finished = [ended for _, ended in resumed if isinstance(ended, Outcome)]
    context.console.result(submissions=[document(one) for one in outcomes], resumed=[document(one) for one in finished])
    return 0


def document(outcome: Outcome) -> dict[str, Any]:
    """An outcome for programs."""
    receipt = outcome.receipt
    state = receipt.outcome if receipt else "complete"
    found = {"submission": outcome.submission, "state": state, "same_content": outcome.same_content, "doubts": list(outcome.doubts)}
    return {**found, "receipt": receipt.document() if receipt else None}
