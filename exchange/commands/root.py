"""The command line's root, and the commands that are about the hub as a whole: init, serve, worker, status."""

import threading
from datetime import timedelta
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.rules import today
from exchange import schedule
from exchange.commands import attendance
from exchange.commands.agreement import agreement
from exchange.commands.backup import backup, restore
from exchange.commands.dataset_token import dataset_token
from exchange.commands.drill import drill
from exchange.commands.explain import explain
from exchange.commands.exports import COMMANDS as EXPORTS
from exchange.commands.framework import framework
from exchange.commands.init import init
from exchange.commands.keys import keys
from exchange.commands.linkage import linkage
from exchange.commands.log import log
from exchange.commands.measure import measure
from exchange.commands.partner import partner
from exchange.commands.person import person
from exchange.commands.rehearse import COMMANDS as BEFORE_SIGNING
from exchange.commands.release import release
from exchange.commands.retention import retention
from exchange.commands.shared import config_path, hub_of, say
from exchange.commands.witnesses import succeed, witness_lines, witnesses
from exchange.db import reading
from exchange.disclosure.commands import advise_command, attack_command, protect_command
from exchange.errors import Misconfigured
from exchange.hub import Hub
from exchange.log.tables import HeadRow
from exchange.logs import configure
from exchange.questions import due, leap
from exchange.register import reminders
from exchange.register.tables import AgreementRow
from exchange.releases.contents import code_version
from exchange.releases.tables import EditionRow
from exchange.restore.standing import require_reapplied
from exchange.serve import ONCE, WAIT, take
from exchange.serve import serve as serve_hub
from exchange.submissions import holds, sealing
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
    require_reapplied(hub)
    if once:
        _once(hub)
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


def _once(hub: Hub) -> None:
    """Beside a hub that serves, if there is one; but one that starts meanwhile leaves alone what is being written here (``serve``)."""
    lock = take(hub.settings.home / ONCE, WAIT)
    if lock is None:
        raise Misconfigured("another “exchange worker --once” is at work.", remedy="One of them is enough.")
    with lock:
        for name, (job, _) in schedule.JOBS.items():
            schedule.perform(name, job, hub)
        schedule.process_pending(hub)


@cli.command()
@click.option("--metrics", is_flag=True, help="only what is late and who is silent, as figures in Prometheus' text format")
@click.pass_context
def status(context: click.Context, metrics: bool) -> None:  # noqa: FBT001  # click passes flags so
    """How the hub stands: agreements, submissions, editions, log, what is due, what is late, who is silent."""
    hub = hub_of(context)
    if metrics:
        with reading(hub.engine) as session:
            click.echo(attendance.metrics(session, hub.clock()), nl=False)
        return
    with reading(hub.engine) as session:
        counted = {
            kind: dict(session.execute(select(column, func.count()).group_by(column)).all())
            for kind, column in (("agreements", AgreementRow.state), ("submissions", SubmissionRow.state), ("editions", EditionRow.state))
        }
        entries = session.execute(select(HeadRow.size)).scalar_one()
        review = [found.words for found in reminders.outstanding(session, "", hub.clock())]
        expires = sealing.current(session).expires_at
        ending = _ending(session, hub)
        witnessed = witness_lines(session)
        attended = attendance.found(session, hub.clock())
    lines = [f"{kind}: " + (", ".join(f"{count} {state}" for state, count in states.items()) or "none") for kind, states in counted.items()]
    lines += [
        f"log: {entries:,} entries",
        f"sealing key: until {rfc3339(expires)}",
        f"settings: {config_path(context.obj['config'])}",
    ]
    lines += [f"cosigned: {one['party']}, {one['size']:,} entries, {one['cosigned']}" for one in witnessed]
    lines += [f"to be reviewed: {one}" for one in review]
    lines += attendance.lines(attended)
    lines += [f"retention: {ending['due']} due, {ending['late']} late, {ending['holds']} legal hold(s); see: exchange retention due"]
    lines += [f"NOTHING IS DESTROYED: {ending['clock']}; see: exchange retention confirm"] if ending["clock"] else []
    say(context, {**counted, "log": entries, "witnesses": witnessed, "review": review, "attendance": attended, "retention": ending}, *lines)


def _ending(session: Session, hub: Hub) -> dict[str, Any]:
    """What is to be destroyed today, what should have been before, what is held, and whether the clock is believed."""
    on = today(hub.clock())
    found = due.everything(session, on, on)
    ahead = leap.ahead(session, hub.clock(), timedelta(days=hub.settings.clock_leap_days))
    late = sum(one.late > 0 for one in found)
    return {"due": len(found), "late": late, "holds": len(holds.everything(session)), "clock": ahead.words if ahead else None}


for command in (
    init,
    keys,
    partner,
    dataset_token,
    person,
    agreement,
    release,
    linkage,
    retention,
    log,
    measure,
    framework,
    backup,
    restore,
):
    cli.add_command(command)
for about in (witnesses, succeed):
    log.add_command(about)
for about in (drill, explain, *BEFORE_SIGNING, *EXPORTS):
    agreement.add_command(about)
cli.add_command(protect_command, "protect")
cli.add_command(attack_command, "attack")
cli.add_command(advise_command, "advise")
