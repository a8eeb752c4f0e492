"""What protection costs, drawn: methods side by side as bars, and the hidden cells of each table as a map. SVG as text, no script, no outside file.

The map is drawn from what is hidden and shown alone, so it tells nobody more than the published tables do; the bars tell how much lies
hidden, which is for those who check and not for the public.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

from exchange.disclosure.sheets import Bools, Floats

WIDTH, MARGIN = 760, 24
MOST_ACROSS, MOST_DOWN = 150, 90
"""Places of a map; larger tables are drawn with several cells a place, darker the more of them are hidden."""

_INK, _PALE, _BAR, _HIDDEN, _LINE = "#0b0c0c", "#505a5f", "#1d70b8", (29, 112, 184), "#b1b4b6"
_STEP = 26


@dataclass(frozen=True)
class Bar:
    """One line of a comparison: its name, a number, and the words that stand beside it."""

    name: str
    amount: float
    words: str


@dataclass(frozen=True)
class Map:
    """The hidden cells of one table: `hidden` (down, across), True where hidden; what runs down and across, in words."""

    title: str
    down: str
    across: str
    hidden: Bools


def draw(title: str, charts: Mapping[str, Sequence[Bar]], maps: Sequence[Map]) -> str:
    """One picture: a bar chart for each of `charts` (its heading → its bars), below them the maps."""
    parts, top = [_text(MARGIN, 40, title, size=24, bold=True)], 64.0
    for heading, bars in charts.items():
        drawn, top = _chart(heading, bars, top)
        parts += drawn
    for one in maps:
        drawn, top = _map(one, top)
        parts += drawn
    said = f"{title}. " + " ".join(
        f"{heading}: " + "; ".join(f"{bar.name} {bar.words}" for bar in bars) + "." for heading, bars in charts.items()
    )
    said += "".join(f" {one.title}: {int(one.hidden.sum())} of {one.hidden.size} cells hidden." for one in maps)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" role="img" aria-labelledby="t d" '
        f'font-family="Arial, Helvetica, sans-serif"><title id="t">{escape(title)}</title><desc id="d">{escape(said)}</desc>'
        f'<rect width="{WIDTH}" height="{top:.0f}" fill="#ffffff"/>' + "".join(parts) + "</svg>\n"
    )


def _text(x: float, y: float, words: str, *, size: int = 15, bold: bool = False, colour: str = _INK, end: bool = False) -> str:
    style = ' font-weight="bold"' if bold else ""
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}"{style}{anchor}>{escape(words)}</text>'


def _chart(heading: str, bars: Sequence[Bar], top: float) -> tuple[list[str], float]:
    """Bars from a common zero, longest to the largest amount; an amount of nothing is a line at zero."""
    parts, y = [_text(MARGIN, top + 18, heading, size=17, bold=True)], top + 32
    left, room = MARGIN + 190, WIDTH - 2 * MARGIN - 190 - 190
    most = max((bar.amount for bar in bars), default=0.0)
    for bar in bars:
        length = room * bar.amount / most if most else 0.0
        parts += [
            _text(left - 10, y + 16, bar.name, end=True),
            f'<rect x="{left}" y="{y + 3:.0f}" width="{max(length, 1):.1f}" height="17" fill="{_BAR}"/>',
            _text(left + length + 8, y + 16, bar.words, colour=_PALE),
        ]
        y += _STEP
    parts.append(f'<line x1="{left}" y1="{top + 30:.0f}" x2="{left}" y2="{y:.0f}" stroke="{_INK}"/>')
    return parts, y + 14


def _map(one: Map, top: float) -> tuple[list[str], float]:
    share = _binned(one.hidden)
    down, across = share.shape
    side = max(3.0, min(16.0, (WIDTH - 2 * MARGIN) / across, 560 / down))
    parts = [
        _text(MARGIN, top + 18, one.title, size=17, bold=True),
        _text(MARGIN, top + 38, f"Down: {one.down}. Across: {one.across}. Blue is hidden; totals come first.", size=14, colour=_PALE),
    ]
    y = top + 48
    for row in range(down):
        for column in np.flatnonzero(share[row]).tolist():
            place = f'x="{MARGIN + column * side:.1f}" y="{y + row * side:.1f}" width="{side:.1f}" height="{side:.1f}"'
            parts.append(f'<rect {place} fill="{_shade(float(share[row, column]))}"/>')
    frame = f'x="{MARGIN}" y="{y:.0f}" width="{across * side:.1f}" height="{down * side:.1f}"'
    parts.append(f'<rect {frame} fill="none" stroke="{_LINE}"/>')
    return parts, y + down * side + 26


def _binned(hidden: Bools) -> Floats:
    """(down, across) the share hidden at each place of the map."""
    found = hidden.astype(np.float64)
    for axis, most in ((0, MOST_DOWN), (1, MOST_ACROSS)):
        size = found.shape[axis]
        if size > most:
            edges = np.linspace(0, size, most + 1).astype(np.int64)[:-1]
            lengths = np.diff(np.append(edges, size)).reshape((-1, 1) if axis == 0 else (1, -1))
            found = np.add.reduceat(found, edges, axis=axis) / lengths
    return found


def _shade(share: float) -> str:
    """White for nothing hidden to blue for everything; the least share can still be seen."""
    depth = 0.25 + 0.75 * share
    red, green, blue = (round(255 - (255 - part) * depth) for part in _HIDDEN)
    return f"#{red:02x}{green:02x}{blue:02x}"
