"""``exchange measure …``: the board's targets, the national baseline, and what the measures are."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from exchange.commands.shared import hub_of, say
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.framework import national, targets
from exchange.framework.measures import Direction, Measure
from exchange.framework.reading import read_measures
from exchange.framework.tables import TargetRow
from exchange.framework.targets import Wanted
from exchange.hub import Hub
from exchange.times import rfc3339

_PERSON = click.option("--person", required=True, help="who enters it: the id of an operator's or analyst's account")
MOST = 256 << 20  # bytes of one file of national figures


@click.group()
def measure() -> None:
    """Measures of the performance framework."""


def _measures(hub: Hub) -> tuple[Measure, ...]:
    return read_measures(hub.settings.measures_file)


def _one(hub: Hub, identity: str) -> Measure:
    found = _measures(hub)
    one = next((one for one in found if one.id == identity.upper()), None)
    if one is None:
        raise Unacceptable("there is no such measure.", remedy=f"There are: {', '.join(one.id for one in found)}.")
    return one


@measure.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Every measure with its figures and releases."""
    found = _measures(hub_of(context))
    documents = [
        {
            "id": one.id,
            "title": one.title,
            "agreement": one.agreement,
            "releases": sorted(one.releases),
            "figures": [f.name for f in one.figures],
        }
        for one in found
    ]
    say(context, {"measures": documents}, *(f"{one.id}  {one.title}: {', '.join(figure.name for figure in one.figures)}" for one in found))


@measure.command()
@click.argument("identity", metavar="MEASURE")
@click.option("--figure", default="", help="which figure (default: the headline)")
@click.option("--value", help="what is to be reached, in the figure's own unit")
@click.option("--by", type=click.DateTime(["%Y-%m-%d"]), help="by which day")
@click.option(
    "--direction", type=click.Choice(list(Direction)), help="whether the figure is to be up or down to it (default: as the measure says)"
)
@click.option("--none", "ended", is_flag=True, help="there is no target any more")
@click.option("--decided", required=True, help="when and how the board decided it, in a line; everybody may read it")
@_PERSON
@click.pass_context
def target(  # noqa: PLR0913 -- click passes every option by name
    context: click.Context,
    identity: str,
    *,
    figure: str,
    value: str | None,
    by: datetime | None,
    direction: str | None,
    ended: bool,
    decided: str,
    person: str,
) -> None:
    """Enter what the board has decided: a target for MEASURE, or that it has none any more."""
    hub = hub_of(context)
    if ended == (value is not None or by is not None):
        raise Unacceptable("say either a value and a day, or --none.", remedy="Give --value and --by, or --none alone.")
    wanted = Wanted(figure, value, by.date() if by else None, Direction(direction) if direction else None, decided)
    about = _one(hub, identity)
    with writing(hub.engine) as session:
        row = targets.place(session, about, wanted, person, hub.clock)
    aim = f"{row.value} by {row.by}" if row.value is not None else "no target any more"
    say(context, {"target": _document(row)}, f"{row.measure} {row.figure}: {aim}.")


@measure.command("targets")
@click.pass_context
def targets_(context: click.Context) -> None:
    """Every target ever entered: by whom, when, and as decided how."""
    with reading(hub_of(context).engine) as session:
        found = targets.history(session)
    lines = [
        f"{row.measure} {row.figure}: {f'{row.value} by {row.by}' if row.value is not None else 'none'}; "
        f"{row.decided}; entered by {name}, {rfc3339(row.set_at)}"
        for row, name in found
    ]
    say(context, {"targets": [_document(row) for row, _ in found]}, *(lines or ["No target has been set."]))


@measure.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_PERSON
@click.pass_context
def baseline(context: click.Context, file: Path, person: str) -> None:
    """Enter national figures from FILE, the series that the adapter national_baseline delivers as CSV."""
    hub = hub_of(context)
    if file.stat().st_size > MOST:
        raise Unacceptable(f"{file.name} is larger than {MOST >> 20} MiB.", remedy="Enter the publications one by one.")
    series = national.wanted(_measures(hub))
    with writing(hub.engine) as session:
        entered, there = national.enter(session, file.read_bytes(), series, person, hub.clock)
    said = f"{entered:,} of {there:,} figures stand beside a measure, and were entered."
    say(context, {"entered": entered, "figures": there}, said)


def _document(row: TargetRow) -> dict[str, Any]:
    """A target for ``--json``."""
    return {
        "id": row.id,
        "measure": row.measure,
        "figure": row.figure,
        "value": row.value,
        "by": row.by.isoformat() if row.by else None,
        "direction": row.direction,
        "decided": row.decided,
        "person": row.person,
        "set": rfc3339(row.set_at),
    }
