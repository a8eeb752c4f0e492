"""The command line's root, and the commands that are about the hub as a whole: init, serve, worker, status."""

import signal
import threading

import click

from exchange import background, places, schedule
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
from exchange.commands.notify import notify
from exchange.commands.partner import partner
from exchange.commands.person import person
from exchange.commands.rehearse import COMMANDS as BEFORE_SIGNING
from exchange.commands.release import release
from exchange.commands.retention import retention
from exchange.commands.shared import hub_of
from exchange.commands.status import status
from exchange.commands.witnesses import succeed, witnesses
from exchange.disclosure.commands import advise_command, attack_command, protect_command
from exchange.errors import Misconfigured
from exchange.hub import Hub
from exchange.leader import take
from exchange.logs import configure
from exchange.releases.contents import code_version
from exchange.restore.standing import require_reapplied
from exchange.serve import ONCE, WAIT
from exchange.serve import serve as serve_hub


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
    """Open what waits, and run the schedule if no other process does, without serving; as many as wanted, on as many hosts."""
    hub = hub_of(context)
    places.check(hub.settings)
    require_reapplied(hub)
    if once:
        _once(hub)
        return
    configure()
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    doing = background.Background(hub, work=True)
    doing.begin()
    told.wait()
    doing.end()


def _once(hub: Hub) -> None:
    """Beside a hub that serves, if there is one; but one that starts meanwhile leaves alone what is being written here (``serve``)."""
    lock = take(hub.settings.home / ONCE, WAIT)
    if lock is None:
        raise Misconfigured("another “exchange worker --once” is at work.", remedy="One of them is enough.")
    with lock:
        for name, (job, _) in schedule.JOBS.items():
            schedule.perform(name, job, hub)
        schedule.process_pending(hub)


for command in (
    status,
    notify,
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
