"""The public framework as plain files that any web server can host: no script, no cookie, relative links alone, public releases alone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from agreements.periods import day_in_words
from exchange.framework import rendering
from exchange.framework.gallery import Gallery
from exchange.framework.pictures import funnel, trend
from exchange.framework.rendering import Links
from exchange.framework.views import MeasureView

STYLE, ICON = "framework.css", "favicon.svg"
FOOTER = "Worked out from published editions alone, as they stood on {day}. Small counts, and what would give them away, are hidden in every table."

LINKS = Links(
    "index.html",
    lambda measure: f"{measure.lower()}.html",
    lambda measure, figure: f"{measure.lower()}-{figure}.csv",
    None,
    (STYLE,),
    ICON,
    lambda measure, figure, what: f"{measure.lower()}-{figure}-{what}.svg",
)


def files(views: Sequence[MeasureView], gallery: Gallery, assets: Mapping[str, bytes], now: datetime) -> dict[str, bytes]:
    """Every file by its name. ``views``: as the public sees them; ``assets``: the style sheet and the icon."""
    footer = FOOTER.format(day=day_in_words(now))
    found = dict(assets)
    found["index.html"] = rendering.plain("All measures", rendering.home(views, gallery, LINKS), gallery, LINKS, footer).encode()
    for view in views:
        content = rendering.measure(view, gallery, LINKS, public=True)
        title = f"{view.measure.id}: {view.measure.title}"
        found[LINKS.measure(view.measure.id)] = rendering.plain(title, content, gallery, LINKS, footer).encode()
        found |= dict(_beside(view, gallery))
    return found


def _beside(view: MeasureView, gallery: Gallery) -> Iterator[tuple[str, bytes]]:
    """The tables and charts of a measure as files."""
    for one in view.figures:
        if one.latest is None:
            continue
        place = (view.measure.id, one.figure.name)
        yield LINKS.csv(*place), rendering.figures_csv(one).encode()
        for what, picture in (("time", trend(view.measure, one)), ("areas", funnel(one))):
            if picture is not None and LINKS.svg is not None:
                yield LINKS.svg(*place, what), gallery.svg(picture).encode()
