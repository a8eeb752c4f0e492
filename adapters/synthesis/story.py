"""Invent a partnership and write it down: extracts by supplier, their index, and the ledger apart."""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from adapters.errors import UsageError
from adapters.registry import find
from adapters.synthesis.calendar import Window, month_name
from adapters.synthesis.extracts.all import all_feeds
from adapters.synthesis.feeds import Feed, Month, written
from adapters.synthesis.frames import Array
from adapters.synthesis.ledger import Rows, write_events
from adapters.synthesis.native import sheet
from adapters.synthesis.world import World, told
from adapters.synthesis.writers import suffix, write

FORMAT = "lcjp-synthesis 1"
LEDGER = "ledger"
INDEX = "manifest.json"


@dataclass(frozen=True)
class Extract:
    """One line of the index.

    Attributes:
        number: by which the ledger's rows name it.
        datasets: of the example agreements, that it serves.
        path: from the folder of the index.
        events: the ledger's table that its rows' events are in.
    """

    number: int
    supplier: str
    adapter: str
    datasets: tuple[str, ...]
    period: str
    path: str
    rows: int
    events: str


def synthesise(
    out: Path, window: Window, seed: int, codes: Path, adapters: Collection[str] = (), said: Callable[[str], None] | None = None
) -> list[Extract]:
    """Write everything under a folder, which must be empty or not there yet; returns the index.

    Args:
        codes: the folder of code lists.
        adapters: only these sources; all where there are none. The events, and the ledger's tables, are the same whichever are written.
        said: told which extract has been written.
    Raises:
        UsageError: the folder holds something, or a source is not one that is invented.
        ConfigError: the list of areas is missing.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty.", remedy="Name an empty folder: extracts of two partnerships must not mix.")
    world = told(window, seed, codes)
    feeds = list(all_feeds(world))
    if unknown := set(adapters) - {feed.adapter for feed in feeds}:
        raise UsageError(
            f"No extracts are invented of: {', '.join(sorted(unknown))}.",
            remedy=f"There are {', '.join(sorted({feed.adapter for feed in feeds}))}.",
        )
    index: list[Extract] = []
    write_events(world, out / LEDGER)
    with Rows(out / LEDGER) as rows:
        for feed in feeds:
            if adapters and feed.adapter not in adapters:
                continue
            for month in written(feed, world):
                index.append(_extract(out, feed, month, len(index), world))
                rows.add(index[-1].number, month)
            if said:
                said(f"{feed.supplier}: {feed.name}")
    _index(out, window, seed, index)
    return index


def _extract(out: Path, feed: Feed, month: Month, number: int, world: World) -> Extract:
    source = find(feed.adapter)
    period = month_name(month.month)
    path = Path(feed.supplier) / feed.name / f"{period}.{suffix(source)}"

    def luck(column: str) -> Array:
        return world.streams.luck(f"retired/{feed.supplier}/{column}", month.events)

    write(source, feed.supplier, sheet(source, feed.supplier, month.made, luck), out / path)
    return Extract(number, feed.supplier, feed.adapter, feed.datasets, period, path.as_posix(), len(month.events), feed.table)


def _index(out: Path, window: Window, seed: int, index: list[Extract]) -> None:
    head = {
        "format": FORMAT,
        "seed": seed,
        "scale": window.scale,
        "from": month_name(window.months[0]),
        "to": month_name(window.months[-1]),
        "read": str(np.datetime64(window.as_of, "D")),
        "invented": "Nobody and nothing in these files is real.",
    }
    text = json.dumps(head | {"extracts": [asdict(one) for one in index]}, indent=1)
    (out / INDEX).write_text(f"{text}\n", encoding="utf-8", newline="\n")
