"""What has been worked out already: series by the editions they come from, and what each edition rests on. In memory, of one process.

Everything here is made from published editions, which never change, and is kept under the digest of all that went into it: a new edition, a
withdrawal or other words of a measure make another digest, and nothing stale can be found.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import pyarrow as pa
from sqlalchemy.orm import Session

from exchange.framework import editions
from exchange.framework.comparing import Compared, compared
from exchange.framework.editions import Lineage
from exchange.framework.figures import Chosen, choose
from exchange.framework.measures import Cells, Figure, Measure
from exchange.framework.series import Edition, Series, series
from exchange.register import agreements

Key = TypeVar("Key")
Kept = TypeVar("Kept")


class Recent(Generic[Key, Kept]):
    """The most recently used of what was made; threads may share it."""

    def __init__(self, most: int) -> None:
        self.most, self.kept, self.lock = most, OrderedDict[Key, Kept](), threading.Lock()

    def get(self, key: Key, make: Callable[[], Kept]) -> Kept:
        """What is kept under the key, made now if it is not there. Two threads may make it at once: it is the same."""
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        made = make()
        with self.lock:
            self.kept[key] = made
            while len(self.kept) > self.most:
                self.kept.popitem(last=False)
        return made


class Shelf:
    """The framework's memory in one process."""

    def __init__(self) -> None:
        self.chosen = Recent[tuple[str, Cells, str], Chosen](50_000)
        self.series = Recent[str, Mapping[str, Series]](500)
        self.beside = Recent[tuple[str, str], Compared | None](5_000)
        self.pages = Recent[tuple[str, ...], str](300)
        self.lineages = Recent[tuple[str, bool], Lineage](5_000)

    def of_measure(self, session: Session, measure: Measure, found: Sequence[Edition]) -> Mapping[str, Series]:
        """Every figure's series, by its name, from these editions."""
        mine = [one for one in found if one.release in measure.releases]
        return self.series.get(stamp(measure, mine), lambda: self._work_out(session, measure, mine))

    def _work_out(self, session: Session, measure: Measure, found: Sequence[Edition]) -> Mapping[str, Series]:
        breaks = [one.period for one in measure.breaks]
        read: dict[tuple[str, Cells], list[tuple[Edition, Chosen]]] = {}
        for edition in found:
            tables: dict[str, pa.Table | None] = {}  # each is read once for all figures
            for figure in measure.figures:
                for cells in figure.cells:
                    mine = read.setdefault((figure.by, cells), [])
                    if edition.release == cells.release and (not mine or mine[-1][0] is not edition):
                        mine.append((edition, self._chosen(session, edition, figure, cells, tables)))
        return {one.name: series(one, {cells: read.get((one.by, cells), []) for cells in one.cells}, breaks) for one in measure.figures}

    def _chosen(self, session: Session, edition: Edition, figure: Figure, cells: Cells, tables: dict[str, pa.Table | None]) -> Chosen:
        if edition.withdrawn:
            return Chosen({}, ())

        def read() -> Chosen:
            if cells.table not in tables:
                tables[cells.table] = editions.table(session, edition.id, cells.table)
            table = tables[cells.table]
            release = agreements.of(session, edition.agreement).release(cells.release)
            return Chosen({}, ()) if table is None or release is None else choose(table, release, cells, figure.by, edition.span)

        return self.chosen.get((edition.id, cells, figure.by), read)

    def compared(self, mark: str, figure: Figure, found: Series) -> Compared | None:
        """The areas of a figure beside all of them. ``mark``: the :func:`stamp` of its measure."""
        return self.beside.get((mark, figure.name), lambda: compared(figure, found))

    def lineage(self, session: Session, edition: Edition) -> Lineage:
        """Where an edition comes from."""
        return self.lineages.get((edition.id, edition.withdrawn), lambda: editions.lineage(session, edition))


def stamp(measure: Measure, found: Sequence[Edition]) -> str:
    """The digest of a measure's words and of the editions it is read from."""
    return hashlib.sha256(repr((measure, sorted((one.id, one.withdrawn, one.provisional) for one in found))).encode()).hexdigest()
