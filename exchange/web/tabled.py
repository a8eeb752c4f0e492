"""A published table as people read one: two of its dimensions, the others held at one category each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from exchange.releases.opened import Column, Opened

MOST = 400  # rows on a page
WIDE = 8  # columns, the total with them, that fit without scrolling
FEW = 4  # periods, the total with them, that are no line to be read downwards
_TIMES = ("month", "quarter", "year", "period", "window")  # names of dimensions that are time


@dataclass(frozen=True)
class Cut:
    """How a table is looked at: ``rows`` and ``columns`` are dimensions (``columns`` empty: the figure alone), ``at`` the label of each other one."""

    table: str
    rows: str
    columns: str
    figure: str
    at: Mapping[str, str]


@dataclass(frozen=True)
class Grid:
    """What is shown: headings, then each row's heading with its cells as text. ``more``: rows that there was no room for."""

    title: str
    said: str
    corner: str
    heads: list[str]
    rows: list[tuple[str, list[str]]]
    more: int


def cut_of(opened: Opened, asked: Mapping[str, str]) -> Cut:
    """The cut that was asked for; what is not asked for, or is none, is chosen: months down where there are several, else the longest
    dimension; a short one across, so that the table fits; the others at their totals.
    """
    names = [one.name for one in opened.dimensions]
    sizes = {name: len(opened.labels[name]) for name in names}
    columns = asked.get("columns", "")
    if columns not in names:
        columns = next((name for name in reversed(names) if 2 < sizes[name] <= WIDE), "") if len(names) > 1 else ""
    rest = [name for name in names if name != columns]
    rows = asked.get("rows", "")
    if rows not in rest:
        rows = max(rest, key=lambda name: (name in _TIMES and sizes[name] > FEW, sizes[name]), default=names[0])
    figures = [one.name for one in opened.figures]
    figure = asked.get("figure", "") if asked.get("figure", "") in figures else figures[0]
    labels = {name: opened.labels[name] for name in names if name not in (rows, columns)}
    at = {name: asked[f"at-{name}"] if asked.get(f"at-{name}") in found else found[0] for name, found in labels.items()}
    return Cut(opened.name, rows, columns if columns != rows else "", figure, at)


def tabled(opened: Opened, cut: Cut) -> Grid:
    """The cells of a cut, totals last."""
    names = [one.name for one in opened.dimensions]
    place = {name: {label: number for number, label in enumerate(opened.labels[name])} for name in names}
    shape = tuple(len(opened.labels[name]) for name in names)
    down = [*range(1, len(opened.labels[cut.rows])), 0]
    across = [*range(1, len(opened.labels[cut.columns])), 0] if cut.columns else [0]
    shown = down if len(down) <= MOST else [*down[: MOST - 1], 0]
    fixed = {name: place[name][label] for name, label in cut.at.items()}
    wanted = [
        int(np.ravel_multi_index(tuple({**fixed, cut.rows: row, cut.columns: column}[name] for name in names), shape))
        for row in shown
        for column in across
    ]
    texts = [_text(value) for value in opened.shown(cut.figure, wanted)]
    figure, titles = _column(opened.figures, cut.figure), {one.name: one.title for one in opened.dimensions}
    said = "; ".join([figure.title, *(f"{titles[name]}: {label}" for name, label in cut.at.items())])
    return Grid(
        title=opened.title,
        said=said,
        corner=titles[cut.rows],
        heads=[opened.labels[cut.columns][column] for column in across] if cut.columns else [figure.title],
        rows=[(opened.labels[cut.rows][row], texts[number * len(across) : (number + 1) * len(across)]) for number, row in enumerate(shown)],
        more=len(down) - len(shown),
    )


def _text(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "[x]"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _column(columns: tuple[Column, ...], name: str) -> Column:
    return next(one for one in columns if one.name == name)
