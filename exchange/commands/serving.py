"""The hub as a process: ``exchange serve`` and ``exchange worker``."""

import signal
import threading

import click

from exchange import background, places, schedule
from exchange.commands.shared import hub_of
from exchange.errors import Misconfigured
from exchange.hub import Hub
from exchange.leader import take
from exchange.logs import configure
from exchange.restore.standing import require_reapplied
from exchange.serve import ONCE, WAIT
from exchange.serve import serve as serve_hub


@click.command()
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve agencies and recipients, and do what is scheduled."""
    hub = hub_of(context)
    click.echo(f"Serving {hub.settings.public_url} on {hub.settings.bind}.", err=True)
    serve_hub(hub.settings, hub)


@click.command()
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
