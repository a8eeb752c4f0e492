"""``exchange agreement drill``: how long a suspension would take to bite, on this hub as busy as it is."""

import time

import click

from exchange.commands.shared import hub_of, say
from exchange.db import writing
from exchange.register import drill as drills


@click.command()
@click.argument("reference")
@click.option("--times", type=click.IntRange(1, 1000), default=20, show_default=True, help="how often to measure")
@click.option("--pause", type=click.FloatRange(0, 60), default=0.25, show_default=True, help="seconds between two measurements")
@click.pass_context
def drill(context: click.Context, reference: str, times: int, pause: float) -> None:
    """Measure how long a suspension would take to bite. Suspends nothing; the figures go into the log."""
    hub, found = hub_of(context), list[int]()
    for number in range(times):
        time.sleep(pause if number else 0)
        with writing(hub.engine) as session:
            found.append(drills.measure(session, reference, hub.clock))
            session.rollback()
    with writing(hub.engine) as session:
        drills.note(session, reference, "operator", found, hub.clock)
    middle, longest = drills.median(found), max(found)
    say(
        context,
        {"reference": reference, "times": times, "median": middle, "longest": longest, "milliseconds": sorted(found)},
        f"A suspension of {reference} would take effect within {longest} ms of being received (median {middle} ms of {times}).",
        "Nothing was suspended; the figures are in the log.",
    )
