"""Which records of an agreement are taken for one person: found by equal pseudonyms alone, in order of precedence, the same whatever the order of rows.

Rows are read over the locked engine, a kind of pseudonym at a time; each value becomes a number, and people are gathered over numbers
(`exchange.releases.clusters`). What named persons said comes first. Nothing here is written to disk, and people have no number outside one edition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agreements.linkage import Linkage
from exchange.releases.cells import Flags
from exchange.releases.clusters import NONE, Clusters, Ints, Longs, across, too_common
from exchange.releases.engine import PSEUDONYM, Engine

ROW, SOURCE, PERSON, RULE = "row number", "source", "person", "rule"


@dataclass(frozen=True)
class Records:
    """One supplier's rows of one dataset: a source of a linkage. ``kinds``: kind of pseudonym → column of the table."""

    dataset: str
    supplier: str
    table: ibis.Table
    kinds: Mapping[str, str]


@dataclass(frozen=True)
class Override:
    """What a named person said of two values of one kind, as the hub holds them: they are one person's (join), or two people's (split)."""

    kind: str
    left: bytes
    right: bytes
    action: Literal["join", "split"]


@dataclass(frozen=True)
class SourceLinks:
    """Counts of one source: its records, and those with any value that may link."""

    dataset: str
    supplier: str
    records: int
    keyed: int


@dataclass(frozen=True)
class Report:
    """Counts of one linkage. They are exact: they stay inside the hub until they are protected.

    Attributes:
        refused: rule → values that were not followed because they would have made one person of several (over-merged suspects).
        too_common: rule → values that were not followed because too many records would have been one person.
        largest: records of the person with most.
        not_joined: joins that a split of a named person contradicts.
    """

    sources: tuple[SourceLinks, ...]
    refused: Mapping[str, int]
    too_common: Mapping[str, int]
    largest: int
    not_joined: int


@dataclass(frozen=True)
class Linked:
    """``people``: SOURCE (place among the records given), ROW (as :func:`numbered` numbers), PERSON, of each row with any value that may link; RULE:

    the first that linked it to another source (0: a named person, n: the nth of the linkage), or `NONE`.
    """

    people: ibis.Table
    report: Report


def numbered(table: ibis.Table) -> ibis.Table:
    """The table with its rows numbered from 0 in the order in which its relation holds them, which is the same at every reading.

    Where the engine has numbered them itself (Spark, whose rows have no order), these are its numbers: those of rows left out are missing.
    """
    return table if ROW in table.columns else table.mutate(**{ROW: ibis.row_number()})


def link(engine: Engine, linkage: Linkage, records: Sequence[Records], overrides: Sequence[Override] = ()) -> Linked:
    """Gather the records of all sources into people.

    Args:
        engine: to which the sources' relations are known; the people are registered in it.
        records: the sources; each row takes part that holds a value of one of the linkage's kinds.
        overrides: they hold before every rule. A split of a value from itself lets it link nothing.
    """
    kinds = tuple(dict.fromkeys((*linkage.rules, *linkage.single)))
    places = _Places.of(engine, records)
    codes: dict[str, Ints] = {}
    said: dict[Override, tuple[Longs, Longs]] = {}
    common: dict[str, int] = {}
    keyed = np.zeros(places.rows, np.bool_)
    for kind in kinds:
        values = _Values.read(engine, kind, records, places)
        keyed |= values.codes != NONE
        mine = [override for override in overrides if override.kind == kind]
        said |= {override: (values.holders(override.left), values.holders(override.right)) for override in mine}
        unlinked = [override.left for override in mine if override.action == "split" and override.left == override.right]
        codes[kind], common[kind] = too_common(values.without(unlinked), linkage.most)
    apart = [sides for override, sides in said.items() if override.action == "split" and override.left != override.right]
    clusters = Clusters(places.rows, [codes[kind] for kind in linkage.single], apart, linkage.most)
    joined = [np.union1d(*sides) for override, sides in said.items() if override.action == "join"]
    found = _Found(places, keyed, clusters.label, np.full(places.rows, NONE, np.int8), clusters.join(joined), {}, common)
    found.note(clusters.label, 0)
    for rule, kind in enumerate(linkage.rules, 1):
        done = clusters.stage(codes.pop(kind))
        found.refused[kind] = done.refused
        found.common[kind] += done.too_common
        found.note(clusters.label, rule)
    return Linked(_people(engine, found), _report(records, found))


@dataclass(frozen=True)
class _Places:
    """All rows in one line, source after source: where each source begins, of each row its source, and how many rows each source has."""

    begins: Longs
    source: Ints
    counts: tuple[int, ...]

    @property
    def rows(self) -> int:
        return len(self.source)

    @classmethod
    def of(cls, engine: Engine, records: Sequence[Records]) -> "_Places":
        found = [engine.run(_room(one.table)) for one in records]
        sizes = [_number(one, "room") for one in found]
        begins = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        return cls(begins, np.repeat(np.arange(len(sizes), dtype=np.int32), sizes), tuple(_number(one, "rows") for one in found))


@dataclass(frozen=True)
class _Values:
    """The values of one kind: of each row the number of its value (`NONE`: none), and the values by their numbers."""

    codes: Ints
    values: pa.Array

    @classmethod
    def read(cls, engine: Engine, kind: str, records: Sequence[Records], places: _Places) -> "_Values":
        rows, found = [], []
        for begin, one in zip(places.begins, records, strict=False):
            if kind in one.kinds:
                named = numbered(one.table).select(ROW, one.kinds[kind])
                table = engine.run(named.filter(named[one.kinds[kind]].notnull()))
                rows.append(table.column(0).to_numpy().astype(np.int64) + begin)
                found += [chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk for chunk in table.column(1).chunks]
        encoded = pa.chunked_array(found, PSEUDONYM).combine_chunks().dictionary_encode()
        codes = np.full(places.rows, NONE, np.int32)
        if rows:
            codes[np.concatenate(rows)] = encoded.indices.to_numpy()
        return cls(codes, encoded.dictionary)

    def holders(self, value: bytes) -> Longs:
        """The rows that hold a value."""
        code = pc.index(self.values, pa.scalar(value, PSEUDONYM)).as_py()
        return np.flatnonzero(self.codes == code) if code >= 0 else np.zeros(0, np.int64)

    def without(self, values: Sequence[bytes]) -> Ints:
        """The codes, those of some values left out."""
        codes = self.codes.copy()
        for value in values:
            codes[self.holders(value)] = NONE
        return codes


@dataclass
class _Found:
    """What the stages found so far: of each row its person, and the first rule (its place; 0: by hand) that linked it to another source."""

    places: _Places
    keyed: Flags
    labels: Longs
    first: "np.ndarray[tuple[int], np.dtype[np.int8]]"
    not_joined: int
    refused: dict[str, int]
    common: dict[str, int]

    def note(self, labels: Longs, rule: int) -> None:
        """The people after a rule."""
        self.labels = labels
        self.first[across(labels, self.places.source) & (self.first == NONE)] = rule


def _room(table: ibis.Table) -> ibis.Table:
    """One row: how many rows there are, and how many numbers they take up, which are as many unless some were left out."""
    return table.aggregate(rows=table.count(), room=table[ROW].max().fill_null(-1) + 1 if ROW in table.columns else table.count())


def _people(engine: Engine, found: _Found) -> ibis.Table:
    """The people of the rows with any value, numbered by the first of their rows."""
    rows = np.flatnonzero(found.keyed)
    source = found.places.source[rows]
    person = np.unique(found.labels[rows], return_inverse=True)[1].astype(np.int32)
    begins = found.places.begins[source]
    columns = {SOURCE: source, ROW: rows - begins, PERSON: person, RULE: found.first[rows]}
    return engine.register(pa.table({name: pa.array(values) for name, values in columns.items()}))


def _report(records: Sequence[Records], found: _Found) -> Report:
    sources = []
    places = found.places
    for one, count, begin, end in zip(records, places.counts, places.begins[:-1], places.begins[1:], strict=True):
        sources.append(SourceLinks(one.dataset, one.supplier, count, int(found.keyed[begin:end].sum())))
    largest = int(np.bincount(found.labels[found.keyed]).max(initial=0))
    return Report(tuple(sources), found.refused, found.common, largest, found.not_joined)


def _number(table: pa.Table, name: str) -> int:
    return int(table.column(name)[0].as_py())
