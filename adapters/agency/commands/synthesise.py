"""``exchange-agency synthesise``: invented extracts of every agency, to try things on. Nothing is read of the agency's own, nothing is sent."""

from pathlib import Path

import click

from adapters.agency.commands.common import Context, common
from adapters.errors import UsageError
from adapters.synthesis.calendar import Window
from adapters.synthesis.story import INDEX, LEDGER
from adapters.synthesis.story import synthesise as invent
from adapters.synthesis.world import scale_of

SCALE = 0.02


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="An empty folder, or one that is to be made.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed gives the same files.")
@click.option("--people", type=click.IntRange(min=1_000), help="Inhabitants of the invented area, in place of --scale.")
@click.option("--scale", type=float, help=f"1 is about the real volumes of the two forces.  [default: {SCALE}]")
@click.option("--from", "start", default="2022-01", show_default=True, help="The first month.")
@click.option("--to", "end", default="2024-12", show_default=True, help="The last month.")
@click.option("--sources", default="", help="Only these sources, by adapter name, joined by commas.")
@click.option("--codes", type=click.Path(path_type=Path), default=Path("config/codes"), show_default=True, help="The folder of code lists.")
@common
def synthesise(  # noqa: PLR0913 - one argument an option
    context: Context, *, out: Path, seed: int, people: int | None, scale: float | None, start: str, end: str, sources: str, codes: Path
) -> int:
    """Invent extracts of every agency, from a seed; nobody in them is real"""
    if people is not None and scale is not None:
        raise UsageError("--people and --scale say the same thing twice.", remedy="Give one of them.")
    chosen = scale if scale is not None else scale_of(people) if people is not None else SCALE
    window = Window.between(start, end, chosen)
    wanted = [name.strip() for name in sources.split(",") if name.strip()]
    index = invent(out, window, seed, codes, wanted, context.console.say)
    rows = sum(extract.rows for extract in index)
    context.console.line(f"{len(index):,} extracts with {rows:,} rows. Their index is {INDEX}; what truly happened is under {LEDGER}.")
    context.console.result(out=str(out), extracts=len(index), rows=rows, suppliers=len({extract.supplier for extract in index}), seed=seed)
    return 0
