"""Every chart drawn once an edition is published, so that nobody waits for one."""

from datetime import datetime

from sqlalchemy import Engine, select

from exchange.db import reading
from exchange.framework import pictures
from exchange.framework.editions import Reader
from exchange.framework.gallery import Gallery
from exchange.framework.reading import read_measures
from exchange.framework.views import Framework
from exchange.releases.tables import OUT, EditionRow
from exchange.settings import Settings

_drawn: dict[str, frozenset[tuple[str, str]]] = {}  # by folder, the editions that were out when this process last drew


def draw(engine: Engine, settings: Settings, now: datetime, *, again: bool = False) -> int:
    """Draw what is not drawn yet, if anything has been published or withdrawn since this process last did (or ``again``). How many charts there are."""
    if not settings.measures_file.exists():
        return 0
    folder, gallery = str(settings.charts), Gallery(settings.charts)
    with reading(engine) as session:
        out = frozenset(
            (name, state) for name, state in session.execute(select(EditionRow.id, EditionRow.state).where(EditionRow.state.in_(OUT)))
        )
        if not out or (_drawn.get(folder) == out and not again):
            return 0
        views = Framework(read_measures(settings.measures_file)).views(session, Reader("hub", everything=True), now)
    wanted = [picture for view in views for figure in view.figures for picture in pictures.every(view.measure, figure)]
    for picture in wanted:
        gallery.svg(picture)
    _drawn[folder] = out
    return len(wanted)
