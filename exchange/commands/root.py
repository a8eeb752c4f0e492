"""The command line's root, and the commands that are about the hub as a whole: init, serve, worker, status."""

import threading

import click
from sqlalchemy import func, select

from exchange import schedule
from exchange.commands.agreement import agreement
from exchange.commands.drill import drill
from exchange.commands.explain import explain
from exchange.commands.exports import COMMANDS as EXPORTS
from exchange.commands.init import init
from exchange.commands.log import log
from exchange.commands.partner import partner
from exchange.commands.person import person
from exchange.commands.rehearse import COMMANDS as BEFORE_SIGNING
from exchange.commands.release import release
from exchange.commands.retention import retention
from exchange.commands.shared import config_path, hub_of, say
from exchange.db import reading
from exchange.disclosure.commands import attack_command, protect_command
from exchange.errors import Misconfigured
from exchange.log.tables import HeadRow
from exchange.logs import configure
from exchange.register import reminders
from exchange.register.tables import AgreementRow
from exchange.releases.contents import code_version
from exchange.releases.tables import EditionRow
from exchange.serve import serve as serve_hub
from exchange.serve import take
from exchange.submissions import sealing
from exchange.submissions.tables import SubmissionRow
from exchange.times import rfc3339


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="the hub's settings (default: EXCHANGE_CONFIG, else hub.toml here)")
@click.option("--json", "as_json", is_flag=True, help="results as JSON")
@click.version_option(code_version(), prog_name="exchange")
@click.pass_context
def cli(context: click.Context, config: str | None, as_json: bool) -> None:  # noqa: FBT001  # click passes flags so
    """The information-sharing hub: nothing moves unless an agreement, signed by every party, says so."""
    context.obj = {"config": config, "json": as_json}


@cli.command()
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve agencies and recipients, and do what is scheduled."""
    hub = hub_of(context)
    click.echo(f"Serving {hub.settings.public_url} on {hub.settings.bind}.", err=True)
    serve_hub(hub.settings, hub)


@cli.command()
@click.option("--once", is_flag=True, help="do everything that waits, once, and end")
@click.pass_context
def worker(context: click.Context, once: bool) -> None:  # noqa: FBT001
    """Do what is scheduled, without serving."""
    hub = hub_of(context)
    if once:
        for job, _ in schedule.JOBS.values():
            job(hub)
        schedule.process_pending(hub)
        return
    configure()
    lock = take(hub.settings.home / "scheduler.lock", 0)
    if lock is None:
        raise Misconfigured("the schedule is already being run, by “exchange serve” or another worker.", remedy="One of them is enough.")
    scheduler = schedule.start(hub)
    try:
        threading.Event().wait()
    finally:
        scheduler.shutdown(wait=True)
        lock.close()


@cli.command()
@click.pass_context
def status(context: click.Context) -> None:
    """How the hub stands: agreements, submissions, editions, log, what is due."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        counted = {
            kind: dict(session.execute(select(column, func.count()).group_by(column)).all())
            for kind, column in (("agreements", AgreementRow.state), ("submissions", SubmissionRow.state), ("editions", EditionRow.state))
        }
        entries = session.execute(select(HeadRow.size)).scalar_one()
        review = [found.words for found in reminders.outstanding(session, "", hub.clock())]
        expires = sealing.current(session).expires_at
    lines = [f"{kind}: " + (", ".join(f"{count} {state}" for state, count in states.items()) or "none") for kind, states in counted.items()]
    lines += [
        f"log: {entries:,} entries",
        f"sealing key: until {rfc3339(expires)}",
        f"settings: {config_path(context.obj['config'])}",
    ]
    lines += [f"to be reviewed: {one}" for one in review]
    say(context, {**counted, "log": entries, "review": review}, *lines)


for command in (init, partner, person, agreement, release, retention, log):
    cli.add_command(command)
for about in (drill, explain, *BEFORE_SIGNING, *EXPORTS):
    agreement.add_command(about)
cli.add_command(protect_command, "protect")
cli.add_command(attack_command, "attack")
