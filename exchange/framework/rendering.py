"""The framework as HTML: the same parts for the hub's pages, the public ones, the static export and the board pack. Every word is escaped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agreements.periods import day_in_words
from exchange.framework import national, pictures
from exchange.framework.comparing import Status, Way
from exchange.framework.figures import Point
from exchange.framework.gallery import Gallery
from exchange.framework.measures import Workstream
from exchange.framework.national import Beside
from exchange.framework.pictures import Picture
from exchange.framework.shelf import Recent
from exchange.framework.views import FigureView, MeasureView, by_workstream
from exchange.framework.words import brief, in_words, listed, of_end, of_interval, of_part, of_point, rounded, shown, with_unit

WAYS: Mapping[Way, str] = {
    Way.BETTER: "good",
    Way.WORSE: "bad",
    Way.SAME: "even",
    Way.HIGHER: "even",
    Way.LOWER: "even",
    Way.UNKNOWN: "none",
}
STATUSES: Mapping[Status, str] = {
    Status.MET: "good",
    Status.MISSED: "bad",
    Status.NOT_YET: "even",
    Status.NEAR: "even",
    Status.NONE: "none",
    Status.NO_FIGURE: "none",
}


@dataclass(frozen=True)
class Links:
    """Where things are, as seen from the page that is rendered. ``pack``, ``svg``: None where there are no board packs, or charts as files."""

    home: str
    measure: Callable[[str], str]
    csv: Callable[[str, str], str]
    pack: Callable[[Workstream], str] | None
    styles: Sequence[str] = ()
    icon: str = ""
    svg: Callable[[str, str, str], str] | None = None


def _national(one: Beside, view: FigureView) -> str:
    """A national figure in our unit where the units meet, else as it was published."""
    value = national.in_unit(one, view.figure)
    if value is not None:
        return shown(value, view.figure)
    return one.marker or "[x]" if one.value is None else with_unit(rounded(one.value, 2).rstrip("0").rstrip("."), one.unit)


def _period(one: Point) -> str:
    return in_words(one.period)


def _day(moment: date | datetime) -> str:
    return day_in_words(moment)


ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= {
    "day": _day,
    "period": _period,
    "in_words": in_words,
    "shown": shown,
    "brief": brief,
    "cell": of_point,
    "part": of_part,
    "interval": of_interval,
    "end": of_end,
    "national": _national,
    "listed": listed,
}
ENVIRONMENT.globals |= {"ways": WAYS, "statuses": STATUSES, "pictures": pictures}


def _render(template: str, gallery: Gallery, **context: Any) -> str:
    def draw(picture: Picture | None) -> str:
        """An SVG, whose every word is escaped: templates say that it is safe."""
        return gallery.svg(picture) if picture is not None else ""

    return ENVIRONMENT.get_template(template).render(draw=draw, **context)


Pages = Recent[tuple[str, ...], str]
"""Parts of pages that were rendered, under the stamps of what they show and the place they stand at."""


def home(views: Sequence[MeasureView], gallery: Gallery, links: Links, pages: Pages | None = None) -> str:
    """Every measure under its workstream, as a part of a page."""
    key = ("home", links.home, *(one.stamp for one in views))
    return (pages or Pages(1)).get(key, lambda: _render("home.html", gallery, streams=by_workstream(views), links=links, views=views))


def measure(view: MeasureView, gallery: Gallery, links: Links, *, public: bool, pages: Pages | None = None) -> str:
    """One measure with everything that is said of it, as a part of a page."""
    key = ("measure", links.home, view.stamp)
    return (pages or Pages(1)).get(key, lambda: _render("measure.html", gallery, view=view, links=links, public=public))


def plain(title: str, content: str, gallery: Gallery, links: Links, footer: str) -> str:
    """A whole page that needs nothing but its style sheet: no script, no cookie, no address of another server."""
    return _render("plain.html", gallery, title=title, content=content, links=links, footer=footer)


def pack(stream: Workstream, views: Sequence[MeasureView], gallery: Gallery, made: datetime) -> str:
    """The board pack of a workstream as one HTML page that needs nothing else, for the PDF."""
    return _render("pack.html", gallery, stream=stream, views=views, made=made)


NEUTRAL = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def figures_csv(figure: FigureView) -> str:
    """Everything that stands in the tables of a figure: period, area, numerator, denominator, value or marker, both ends of its interval, marks."""
    lines = ["period,area,numerator,denominator,value,low95,high95,marks"]
    for area, points in figure.series.points.items():
        lines += [",".join(map(_field, _line(area, one))) for one in points]
    return "\n".join(lines) + "\n"


def _line(area: str, one: Point) -> tuple[str, ...]:
    parts = ("" if part is None else str(part) for part in (one.numerator, one.denominator))
    value = one.marker if one.value is None else f"{float(one.value):.6g}"
    ends = ("", "") if one.interval is None else (f"{one.interval.low:.6g}", f"{one.interval.high:.6g}")
    return (one.period.name, area or "All areas", *parts, value, *ends, "".join(one.marks))


def _field(text: str) -> str:
    """A field by RFC 4180 that no spreadsheet runs."""
    safe = "'" + text if text.startswith(NEUTRAL) else text
    quoted = '"' + safe.replace('"', '""') + '"'
    return quoted if any(mark in safe for mark in ',"\n\r') else safe
