"""What a page about a measure shows, as one value: worked out from published editions, targets and the national baseline. Pages, PDF and export render it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.framework import editions, national, targets
from exchange.framework.comparing import Change, Compared, Standing, Target, against, change
from exchange.framework.editions import Known, Lineage, Reader
from exchange.framework.figures import KEY, Point
from exchange.framework.measures import Figure, Measure, National, Workstream
from exchange.framework.national import Beside
from exchange.framework.series import Edition, Series, latest
from exchange.framework.shelf import Shelf, stamp

MANY = 5
"""A measure of more figures than this shows some of them small."""


@dataclass(frozen=True)
class FigureView:
    """One figure with everything that is said of it."""

    figure: Figure
    series: Series
    latest: Point | None
    change: Change
    standing: Standing
    compared: Compared | None
    national: tuple[Beside, ...]

    @property
    def nearest(self) -> Beside | None:
        """The most recent national figure that has a value."""
        return next((one for one in reversed(self.national) if one.value is not None), None)


@dataclass(frozen=True)
class Source:
    """One edition that figures of a measure come from, or came from before it was withdrawn."""

    edition: Edition
    lineage: Lineage


@dataclass(frozen=True)
class MeasureView:
    """One measure as a reader sees it.

    ``stopped``: why figures are not shown at present, in the agreement's words; ``stamp``: the digest of all that went into it, and so of all
    that is said of it.
    """

    measure: Measure
    figures: tuple[FigureView, ...]
    sources: tuple[Source, ...]
    stopped: tuple[str, ...]
    agreement: str
    stamp: str

    @property
    def headline(self) -> FigureView:
        """The figure that stands for the measure; where the reader may not see that one, the first there is."""
        return next((one for one in self.figures if one.figure.headline), self.figures[0])

    @property
    def published(self) -> bool:
        """Whether there is any figure."""
        return any(one.series.points for one in self.figures)

    @property
    def full(self) -> tuple[FigureView, ...]:
        """The figures that are shown at length: all that have been published, but of many only the headline and those by area."""
        found = [one for one in self.figures if one.latest is not None]
        return tuple(one for one in found if len(found) <= MANY or one is self.headline or one.compared is not None)

    @property
    def brief(self) -> tuple[FigureView, ...]:
        """The others that have been published."""
        return tuple(one for one in self.figures if one.latest is not None and one not in self.full)

    @property
    def key(self) -> Mapping[str, str]:
        """The shorthand that stands on the page, each with its meaning."""
        points = [point for one in self.figures for points in one.series.points.values() for point in points]
        used = {mark for point in points for mark in (*point.marks, point.marker)}
        if any(one.figure.national is not None and one.nearest is None for one in self.figures):
            used.add("[x]")
        return {mark: words for mark, words in KEY.items() if mark in used}

    @property
    def current(self) -> tuple[Source, ...]:
        """The editions that figures come from."""
        used = {edition for one in self.figures for points in one.series.points.values() for point in points for edition in point.editions}
        return tuple(one for one in self.sources if one.edition.id in used)

    @property
    def withdrawn(self) -> tuple[Source, ...]:
        """Editions that have been withdrawn."""
        return tuple(one for one in self.sources if one.edition.withdrawn)


class Framework:
    """The framework of one hub: its measures, and what has been worked out of them."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures, self.shelf = tuple(measures), Shelf()

    def views(self, session: Session, reader: Reader, now: datetime, only: str | None = None) -> list[MeasureView]:
        """What a reader may see: of every measure, or of one. A measure under an agreement that the reader may not know of is not there."""
        wanted = [one for one in self.measures if only in (None, one.id)]
        known = editions.known(session, {one.agreement for one in wanted}, reader, now)
        aims, beside = targets.standing(session), national.beside(session, national.wanted(wanted))
        found = [self._view(session, one, known[one.agreement], (aims, beside), reader, now) for one in wanted if one.agreement in known]
        return [one for one in found if one.figures]

    def _view(
        self,
        session: Session,
        measure: Measure,
        known: Known,
        entered: tuple[Mapping[tuple[str, str], Target], Mapping[National, tuple[Beside, ...]]],
        reader: Reader,
        now: datetime,
    ) -> MeasureView:
        aims, beside = entered
        mark = stamp(measure, [one for one in known.editions if one.release in measure.releases])
        found = self.shelf.of_measure(session, measure, known.editions)
        breaks = [one.period for one in measure.breaks]
        figures = []
        for figure in measure.figures:
            mine, here = found[figure.name], latest(found[figure.name].whole)
            aim = against(figure, aims.get((measure.id, figure.name)), here, today(now))
            rows = beside.get(figure.national, ()) if figure.national else ()
            way = change(figure, aim.target.direction if aim.target else measure.direction, mine.whole, breaks)
            if mine.points or not reader.public:
                figures.append(FigureView(figure, mine, here, way, aim, self.shelf.compared(mark, figure, mine), rows))
        sources = (Source(one, self.shelf.lineage(session, one)) for one in known.editions if one.release in measure.releases)
        stopped = tuple(dict.fromkeys(why for name, why in known.stopped.items() if name in measure.releases))
        said = repr((mark, stopped, reader.public, known.agreement.title, [(one.standing, one.national) for one in figures]))
        whole = hashlib.sha256(said.encode()).hexdigest()
        return MeasureView(measure, tuple(figures), tuple(sources), stopped, known.agreement.title, whole)


def by_workstream(views: Iterable[MeasureView]) -> list[tuple[Workstream, list[MeasureView]]]:
    """The views under their workstreams, in the order of the plan; those with nothing left out."""
    found = list(views)
    parted = [(stream, [one for one in found if one.measure.workstream is stream]) for stream in Workstream]
    return [(stream, mine) for stream, mine in parted if mine]
