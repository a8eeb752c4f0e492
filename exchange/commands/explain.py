"""``exchange agreement explain``: why something is, or was, allowed or refused."""

from datetime import datetime

import click

from agreements.explain import Operation, Question
from agreements.periods import Period
from agreements.rules import LONDON
from exchange.commands.shared import hub_of, say
from exchange.db import reading
from exchange.errors import Unacceptable
from exchange.questions.explain import explain_for, explain_submission


def moment(text: str) -> datetime:
    """A time of the command line: ISO 8601; without an offset it is a time in London."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unacceptable("a time is written 2026-11-22T09:30, in London, or with an offset.") from error
    return found if found.tzinfo else found.replace(tzinfo=LONDON)


@click.command()
@click.argument("reference")
@click.option("--party", default="", help="for whom: a party or recipient")
@click.option("--operation", type=click.Choice([one.value for one in Operation]), default=Operation.SUBMIT.value, show_default=True)
@click.option("--dataset", default="")
@click.option("--period", "period_name", default="", help="YYYY, YYYY-Qn, YYYY-MM or YYYY-MM-DD")
@click.option("--mode", default="", help="default: the dataset's own")
@click.option("--release", default="")
@click.option("--key", default="", help="fingerprint with which the person or recipient speaks")
@click.option("--requester", default="", help="fingerprint of whoever asked for the edition that is to be checked")
@click.option("--at", "at_text", default="", help="as it stood at this time, not as it stands now")
@click.option("--submission", default="", help="a submission that was decided: why, and what the answer would be now")
@click.pass_context
def explain(context: click.Context, /, reference: str, submission: str, at_text: str, **asked: str) -> None:
    """Why something is allowed or refused under REFERENCE: every check, its clause, and the words it enforces."""
    hub = hub_of(context)
    if submission:
        with reading(hub.engine) as session:
            decided = explain_submission(session, reference, submission, hub.clock())
        say(context, decided.as_json(), *decided.lines())
        return
    if not asked["party"]:
        raise click.UsageError("name whom it is about: --party, or --submission for one that was decided.")
    named = asked.pop("period_name")
    period = Period.parse(named) if named else None
    question = Question(operation=Operation(asked.pop("operation")), period=period, **asked)
    at = moment(at_text) if at_text else None
    with reading(hub.engine) as session:
        found = explain_for(session, question.party, reference, question, hub.clock(), at)
    say(context, found.as_json(), *found.lines())
    if not found.decision:
        context.exit(5)
