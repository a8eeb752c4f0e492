"""``exchange-agency rights``: what a person may ask of us, carried out at the hub by pseudonym, and the exclusion list.

An identifier is typed when asked for, or read from a file or from standard input. It is never an argument: arguments stand in the
process list and in the shell's history.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.exclusions import Entry
from adapters.agency.lock import only_run
from adapters.agency.rights import Answer, Asking, Whom, whom
from adapters.agency.run import Run
from adapters.errors import ConfigError, UsageError
from agreements.rights import EXCLUDING, Right
from keys.rights import RightsReceipt

LONGEST = 1 << 20


@click.group()
def rights() -> None:
    """What a person may ask of us about rows at the hub, and who is left out of every push"""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every right has."""
    options = (
        click.option("--kind", required=True, help="The kind of identifier, as the agreement names it: published_crime."),
        click.option("--dataset", "datasets", multiple=True, help="Only this dataset; repeat. Without it: all of ours with this kind."),
        click.option("--agreement", "reference", default="", help="Only the agreement of this reference."),
        click.option(
            "--from", "source", type=click.Path(path_type=Path, allow_dash=True), help="A file of identifiers, one a line; - is stdin."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@rights.command()
@_options
@common
def access(context: Context, **told: Any) -> None:
    """Ask which of a person's rows the hub holds: datasets, periods, counts, until when, recipients, editions; no values"""
    _exercise(context, Right.ACCESS, **told)


@rights.command()
@_options
@common
def rectify(context: Context, **told: Any) -> None:
    """Have a person's rows taken out, to be pushed again as they are right"""
    _exercise(context, Right.RECTIFICATION, **told)


@rights.command()
@_options
@common
def erase(context: Context, **told: Any) -> None:
    """Have a person's rows erased, and leave them out of every push from now on"""
    _exercise(context, Right.ERASURE, **told)


@rights.command()
@_options
@common
def restrict(context: Context, **told: Any) -> None:
    """Have a person's rows taken out, and leave them out of every push until the restriction is lifted"""
    _exercise(context, Right.RESTRICTION, **told)


@rights.command(name="object")
@_options
@common
def object_(context: Context, **told: Any) -> None:
    """Act on an objection: as restrict, where the UK GDPR governs; law enforcement knows no such right"""
    _exercise(context, Right.OBJECTION, **told)


@rights.command(name="list")
@common
def list_(context: Context) -> None:
    """Show the exclusion list: entries, and nobody's identifier"""
    found = context.agency().exclusions.entries()
    for entry in found:
        context.console.line(_entry(entry))
    if not found:
        context.console.line("Nobody is left out.")
    context.console.result(entries=[{name: value for name, value in one.document().items() if name != "mac"} for one in found])


@rights.command()
@click.argument("entry")
@common
def lift(context: Context, entry: str) -> None:
    """Take an entry off the exclusion list: a restriction or an objection that has ended"""
    agency = context.agency()
    with only_run(agency.settings.home):
        lifted = agency.exclusions.lift(entry)
    context.console.line(f"Lifted: {_entry(lifted)}")
    context.console.say("Push the periods again that these rows belong to.")
    context.console.result(lifted=lifted.id)


def _entry(entry: Entry) -> str:
    over = ", ".join(entry.datasets) or "every dataset"
    return f"{entry.id}  {entry.reference}, {over}: one {entry.kind}, {entry.right}, since {entry.since}"


# ------------------------------------------------------------------------------------------------------------ one right


def _exercise(context: Context, right: Right, *, kind: str, datasets: Sequence[str], reference: str, source: Path | None) -> None:
    agency, console = context.agency(), context.console
    if agency.settings.recipient:
        raise ConfigError("This folder is of a recipient, who holds no rows of anybody's.", remedy="Pass the request on to the supplier.")
    who = whom(kind, lines(context, source, "Identifier"))
    answers: list[Answer] = []
    with only_run(agency.settings.home):
        asking = Asking(Run(agency, agency.client()))
        for one in asking.resume():
            console.say(f"An earlier request has been answered: {_summary(one.receipt)}")
        chosen = [(one, asking.datasets(one, kind, datasets, right)) for one in asking.agreements(reference, kind)]
        for verified, _ in chosen:
            # First here, under every agreement, then there: no push, nor a hub that does not answer, may bring back what another has let go of.
            if spoiled := asking.exclude(verified, who, datasets, right):
                console.say(f"{spoiled} prepared upload(s) of {verified.agreement.reference} were thrown away. Push the extracts again.")
        for verified, wanted in chosen:
            answers.append(asking.ask(verified, who, wanted, right))
            _say(context, who, answers[-1])
    console.result(right=right.value, receipts=[{"receipt": one.receipt.document(), "kept": str(one.folder)} for one in answers])


def lines(context: Context, source: Path | None, *asked: str) -> list[str]:
    """Identifiers, one a line: of a file, of standard input, or typed without being shown, each when it is asked for."""
    if source is None and sys.stdin.isatty() and not context.console.no_input:
        return [str(click.prompt(f"{which} (not shown)", hide_input=True, err=True)) for which in asked]
    if source is None and context.console.no_input:
        raise UsageError("Nobody may be asked for the identifier.", remedy="Give --from FILE, or --from - for standard input.")
    try:
        with click.open_file(str(source or "-"), encoding="utf-8") as file:
            text: str = file.read(LONGEST + 1)
    except (OSError, UnicodeDecodeError):
        raise UsageError("The file of identifiers cannot be read as text.") from None
    if len(text) > LONGEST:
        raise UsageError("The file of identifiers is longer than a mebibyte.", remedy="Ask for the rest of them in another request.")
    return text.splitlines()


def _say(context: Context, who: Whom, answer: Answer) -> None:
    console, receipt = context.console, answer.receipt
    console.line(_summary(receipt))
    for one in receipt.batches:
        rest = "" if receipt.right == Right.ACCESS else f", {one.left:,} left"
        console.line(f"  {one.dataset} {one.period}: {_rows(one.rows)}{rest}; submission {one.submission}, destroyed on {one.dispose_on}")
    for left in receipt.deferred:
        console.line(f"  Not done: {left.dataset} {left.period}, submission {left.submission}: {left.reason} ({left.clause})")
    for edition in receipt.editions:
        span = f"{edition.first_period} to {edition.last_period}"
        console.line(f"  Edition {edition.edition} ({edition.release}, {span}) is {edition.state}: {edition.records:,} record(s) of it.")
        if edition.warning:
            console.line(f"    {edition.warning}")
    if receipt.right == Right.ACCESS and receipt.recipients:
        console.line(f"  Counts from these datasets go to: {', '.join(receipt.recipients)}.")
    for series in receipt.push_again:
        console.line(f"  Push again: {series.dataset} {series.period}")
    if receipt.right in EXCLUDING:
        console.line(f"  On the exclusion list: {len(who.identifiers)}. Every push leaves them out from now on.")
    console.say(f"Receipt: {answer.folder / 'receipt.json'}")


def _summary(receipt: RightsReceipt) -> str:
    done = "found" if receipt.right == Right.ACCESS else "removed"
    law = " and ".join(dict.fromkeys(one.law for one in receipt.grounds))
    where = f"{len(receipt.batches)} of {receipt.searched} submissions"
    return f"{receipt.reference}, {receipt.right} ({law}): {_rows(receipt.rows)} {done} in {where}."


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
