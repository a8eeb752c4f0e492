"""``exchange-agency explain``: why something would be allowed or refused, from the agreements verified here. Works offline."""

import click

from adapters.agency.agreements_store import Verified
from adapters.agency.commands.common import Context, common, period
from adapters.agency.contract import utc_now
from adapters.agency.run import refusal
from adapters.agency.session import Agency
from adapters.errors import UsageError
from agreements.decisions import Refused
from agreements.explain import ABOUT_DATA, Operation, Question
from agreements.explain import explain as explained
from agreements.lifecycle import State
from agreements.rules import UNKNOWN


@click.command()
@click.argument("reference")
@click.option(
    "--operation", type=click.Choice([one.value for one in Operation]), help="Default: submit for an agency, receive for a recipient."
)
@click.option("--dataset", default="", help="Which dataset.")
@click.option("--period", "period_name", default="", help="YYYY, YYYY-Qn, YYYY-MM or YYYY-MM-DD.")
@click.option("--mode", default="", help="Default: the dataset's own.")
@click.option("--release", default="", help="Which release.")
@common
def explain(context: Context, reference: str, operation: str | None, period_name: str, **named: str) -> int:
    """Say why something is allowed or refused: every check, its clause, and the words it enforces"""
    agency = context.agency()
    settings = agency.settings
    asked = Operation(operation or (Operation.RECEIVE if settings.recipient else Operation.SUBMIT))
    if asked in ABOUT_DATA and not (named["dataset"] and period_name):
        raise UsageError(f"To explain “{asked}”, give --dataset and --period.")
    if asked not in ABOUT_DATA and not named["release"]:
        raise UsageError(f"To explain “{asked}”, give --release.")
    when = period(period_name) if period_name else None
    question = Question(asked, settings.party, period=when, key=agency.client_key.public.fingerprint, **named)
    found = explained(_newest(agency, reference).standing, question, utc_now())
    for line in found.lines():
        context.console.line(line)
    code = refusal(found.decision).exit_code if isinstance(found.decision, Refused) else 0
    context.console.result(ok=not code, exit=code, **found.as_json())
    return code


def _newest(agency: Agency, reference: str) -> Verified:
    """The version that is, by what was last verified here, the one to go by."""
    kept = [one for one in agency.store.all() if one.agreement.reference == reference]
    if not kept:
        raise refusal(UNKNOWN)
    live = [one for one in kept if one.standing.state in (State.IN_FORCE, State.SUSPENDED)]
    return (live or kept)[-1]
