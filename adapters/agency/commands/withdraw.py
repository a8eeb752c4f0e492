"""``exchange-agency withdraw``: let go of an upload whose spool is lost or that nobody will finish."""

import re

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.lock import only_run
from adapters.errors import ConfigError, UsageError

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


@click.command()
@click.argument("submission")
@common
def withdraw(context: Context, submission: str) -> None:
    """Withdraw a submission that nobody will finish: it counts against our quota no more. What is complete is not taken back"""
    agency, console = context.agency(), context.console
    if agency.settings.recipient:
        raise ConfigError("This folder is of a recipient, who sends nothing.", remedy="Use exchange-agency pull.")
    if not _ID.fullmatch(submission):
        raise UsageError("This is not the id of a submission.", remedy="See what is open: exchange-agency status")
    with only_run(agency.settings.home):
        agency.client().delete(f"/v1/submissions/{submission}", f"withdrawing {submission}")
    console.line(f"Submission {submission} is withdrawn; its sealed parts are gone from the hub.")
    console.result(submission=submission)
