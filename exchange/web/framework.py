"""The performance framework: for people who have signed in, and in public what an agreement marks public."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import cast

from flask import Flask, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue

from exchange.db import reading
from exchange.errors import NotFound
from exchange.extras import load
from exchange.framework import rendering
from exchange.framework.editions import PUBLIC, Reader
from exchange.framework.gallery import Gallery
from exchange.framework.measures import Workstream
from exchange.framework.reading import read_measures
from exchange.framework.rendering import Links, Pages
from exchange.framework.views import Framework, MeasureView
from exchange.hub import Hub
from exchange.people.people import Post
from exchange.web.door import blueprint, hub, page, person
from exchange.web.headers import SAYING
from exchange.web.wording import day

FOOTER = "Worked out from published editions alone. Small counts, and what would give them away, are hidden in every table."
KEPT = "no-cache"  # kept by whoever likes, and asked for again: what is suspended or withdrawn is gone at once
NAME = "lcjp-framework"


def set_up(app: Flask, here: Hub) -> None:
    """Read the measures, and give the application its framework. Without the file of measures there are none, and the pages say so."""
    path = here.settings.measures_file
    measures = read_measures(path) if here.settings.measures or path.exists() else ()
    app.extensions[NAME] = (Framework(measures), Gallery(here.settings.charts))


def _wired() -> tuple[Framework, Gallery]:
    return cast(tuple[Framework, Gallery], current_app.extensions[NAME])


def _pages() -> Pages:
    return _wired()[0].shelf.pages


def _reader() -> Reader:
    who = person()
    return Reader(who.party, everything=who.holds(Post.OPERATOR))


def _views(reader: Reader, only: str | None = None) -> list[MeasureView]:
    with reading(hub().engine) as session:
        return _wired()[0].views(session, reader, hub().clock(), only)


def _view(reader: Reader, measure: str) -> MeasureView:
    """One measure; to whoever may not know of its agreement there is none."""
    found = _views(reader, measure)
    if not found:
        raise NotFound("there is no such measure here.", remedy="Look at the performance framework again.", code="no-such-measure")
    return found[0]


def _links(home: str, measure: str, csv: str, *, pack: bool) -> Links:
    packs = (lambda stream: url_for("web.framework_board_pack", stream=stream.value)) if pack else None
    of, file = partial(url_for, measure), partial(url_for, csv)
    styles, icon = [_static("framework.css")], _static("favicon.svg")
    return Links(url_for(home), lambda name: of(measure=name), lambda name, figure: file(measure=name, figure=figure), packs, styles, icon)


def _static(name: str) -> str:
    return url_for("web.static", filename=name)


def _signed_in() -> Links:
    return _links("web.framework", "web.framework_measure", "web.framework_csv", pack=True)


def _in_public() -> Links:
    return _links("web.framework_public", "web.framework_public_measure", "web.framework_public_csv", pack=False)


@blueprint.get("/framework")
def framework() -> ResponseReturnValue:
    """Every measure, by workstream."""
    content = rendering.home(_views(_reader()), _wired()[1], _signed_in(), _pages())
    return page("framework/page.html", title="Performance framework", content=content, back="")


@blueprint.get("/framework/measures/<measure>")
def framework_measure(measure: str) -> ResponseReturnValue:
    """One measure."""
    view = _view(_reader(), measure)
    content = rendering.measure(view, _wired()[1], _signed_in(), public=False, pages=_pages())
    return page("framework/page.html", title=f"{view.measure.id}: {view.measure.title}", content=content, back=url_for("web.framework"))


@blueprint.get("/framework/measures/<measure>/<figure>.csv")
def framework_csv(measure: str, figure: str) -> ResponseReturnValue:
    """Every period and area of a figure."""
    return _csv(_view(_reader(), measure), figure)


@blueprint.get("/framework/board-packs/<stream>.pdf")
def framework_board_pack(stream: str) -> ResponseReturnValue:
    """All measures of a workstream as a PDF. Where the extra is not installed, the answer says what is missing."""
    wanted = next((one for one in Workstream if one == stream), None)
    views = [one for one in _views(_reader()) if one.measure.workstream is wanted] if wanted else []
    if wanted is None or not views:
        raise NotFound("there is no such board pack.", remedy="Look at the performance framework again.", code="no-such-measure")
    make, now = load("pdf").to_pdf, hub().clock()
    made = make(rendering.pack(wanted, views, _wired()[1], now))
    return _file(made, "application/pdf", f"board-pack-{wanted}-{now:%Y-%m-%d}.pdf")


@blueprint.get("/public/framework")
def framework_public() -> ResponseReturnValue:
    """Every public measure."""
    views, links, gallery = _views(PUBLIC), _in_public(), _wired()[1]
    return _public("All measures", rendering.home(views, gallery, links, _pages()), links)


@blueprint.get("/public/framework/<measure>")
def framework_public_measure(measure: str) -> ResponseReturnValue:
    """One public measure."""
    view, links, gallery = _view(PUBLIC, measure), _in_public(), _wired()[1]
    return _public(f"{view.measure.id}: {view.measure.title}", rendering.measure(view, gallery, links, public=True, pages=_pages()), links)


@blueprint.get("/public/framework/<measure>/<figure>.csv")
def framework_public_csv(measure: str, figure: str) -> ResponseReturnValue:
    """Every period and area of a public figure."""
    return _cacheable(_csv(_view(PUBLIC, measure), figure))


def _public(title: str, content: str, links: Links) -> Response:
    """A page that is the same for everybody: it rests on no cookie and sets none, and may be kept and asked for again."""
    footer = f"{FOOTER} Shown on {day(hub().clock())}."
    if hub().settings.sandbox:
        title, footer = f"Sandbox: {title}", f"{SAYING}. {footer}"
    answer = Response(rendering.plain(title, content, _wired()[1], links, footer), mimetype="text/html")
    if not hub().settings.sandbox:
        answer.headers["X-Robots-Tag"] = "all"  # to be found by whoever looks for it; what is invented is not
    return _cacheable(answer)


def _cacheable(answer: Response) -> Response:
    answer.headers["Cache-Control"] = KEPT
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest())
    return cast(Response, answer.make_conditional(request))


def _csv(view: MeasureView, name: str) -> Response:
    figure = next((one for one in view.figures if one.figure.name == name), None)
    if figure is None:
        names: Sequence[str] = [one.figure.name for one in view.figures]
        raise NotFound("the measure has no such figure.", remedy=f"It has: {', '.join(names)}.", code="no-such-measure")
    return _file(rendering.figures_csv(figure).encode(), "text/csv", f"{view.measure.id.lower()}-{name}.csv")


def _file(content: bytes, kind: str, name: str) -> Response:
    """A file to keep. Names are made of ids and names of figures: letters, digits, hyphens and underscores."""
    answer = Response(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
