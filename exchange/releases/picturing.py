"""What an edition hides, drawn for those who check it: how much of each table, and where."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from exchange.disclosure.picture import Bar, Map, draw
from exchange.releases.protected import Shown


def picture(title: str, tables: Sequence[Shown], advice: Sequence[Mapping[str, Any]] = ()) -> str:
    """SVG. Without ``advice`` drawn from what would be published alone, so that it tells nothing that the tables do not.

    Args:
        advice: what every method would hide and cost, as ``checking.advice`` has it: for checkers only.
    """
    bars = [
        Bar(shown.table.name, float(shown.hidden.mean()), f"{int(shown.hidden.sum()):,} of {shown.hidden.size:,} cells") for shown in tables
    ]
    usable = [option for option in advice if option["usable"]]
    charts = {"Hidden cells": bars}
    if usable:
        charts["Cells that each method would hide"] = [
            Bar(one["words"], one["cells_hidden"], f"{one['cells_hidden']:,} of {one['cells']:,}") for one in usable
        ]
        charts["Value that each method would lose"] = [Bar(one["words"], one["value_lost"], f"{one['value_lost']:,.0f}") for one in usable]
    return draw(title, charts, [_map(shown) for shown in tables])


def in_words(advice: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The comparison of methods, a line each."""
    for one in advice:
        costs = (
            f"{one['cells_hidden']:,} of {one['cells']:,} cells hidden, value lost {one['value_lost']:,.0f}, "
            f"largest error {one['largest_error']:,.0f}"
        )
        yield f"  {one['words']}: {costs if one['usable'] else 'cannot be used: ' + one['why_not']}"


def _map(shown: Shown) -> Map:
    """The longest dimension down, the others across, as ``screen.grid`` has it."""
    longest = int(np.argmax(shown.hidden.shape))
    others = [axis.title for number, axis in enumerate(shown.along) if number != longest]
    grid = np.moveaxis(shown.hidden, longest, 0).reshape(shown.hidden.shape[longest], -1)
    return Map(shown.table.title, shown.along[longest].title, " × ".join(others) or "its count", grid)
