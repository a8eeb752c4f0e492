"""``exchange-agency watch``: does the log only grow, and is everything in our name ours? For a daily schedule."""

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.run import Run
from adapters.agency.watch import refuse
from adapters.errors import AgreementRefused
from agreements.rules import UNKNOWN


@click.command()
@click.option("--know", "subjects", multiple=True, help="A key's fingerprint or an upload id that is ours after all; repeat.")
@common
def watch(context: Context, subjects: tuple[str, ...]) -> int:
    """Check that the hub's log only grew, and that what it says in our name is ours"""
    agency, console = context.agency(), context.console
    for subject in subjects:
        agency.watch.know(subject)
    run = Run(agency, agency.client())
    verified = run.verified()
    if not verified:
        raise AgreementRefused("No agreement to which you are a party is in force.", remedy=UNKNOWN.remedy)
    head, alarms = run.watch(verified)
    for alarm in alarms:
        console.line(str(alarm))
    console.line(f"The log {head.origin} has {head.size:,} entries and continues what was seen here before.")
    console.result(
        log={"origin": head.origin, "size": head.size},
        alarms=[{"number": one.number, "what": one.what, "subject": one.subject, "stops": one.stops} for one in alarms],
    )
    refuse(alarms)
    return 0
