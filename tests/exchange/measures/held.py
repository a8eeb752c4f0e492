"""The agreed datasets of an invented partnership, as the hub would hold them: read by the real adapters, minimised by the agreements' own rules.

Beside each dataset stands what the ledger says of its rows, for planted cases and for finding records that are written wrongly.
"""

import calendar
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from adapters.agency.prepare import means, pseudonym_fields
from adapters.doubts import Doubts
from adapters.errors import NotThisEncoding
from adapters.registry import find
from adapters.source import Source, wanted_fields
from adapters.synthesis.calendar import Window
from adapters.synthesis.story import synthesise
from agreements.codes import read_lists
from agreements.columns import minimise
from agreements.fields import Means
from agreements.model import Agreement, Dataset

ROOT = Path(__file__).parents[3]
CODES = ROOT / "config" / "codes"
WORKSTREAMS = ("mv7", "effectiveness", "victims", "reoffending")
SECRET, HUB = bytes(range(32)), b"the hub's own permutation, for tests"
FIRST, LAST, SCALE, SEED = "2022-01", "2024-12", 0.1, 20260101
NUMBERS = {"person_pnc": "pnc_id", "person_cro": "cro_number", "person_noms": "noms_number", "person_crn": "crn"}
"""Kinds of pseudonym that are numbers of a person, and where the ledger says the true one."""
Place = tuple[str, str]
"""(dataset, supplier)."""


@dataclass(frozen=True)
class Held:
    """What is held under one agreement: rows in their agreed types, and, row for row, what the ledger says: event, person, slips, repeated."""

    agreement: Agreement
    rows: Mapping[Place, pa.Table]
    truth: Mapping[Place, pa.Table]

    @cached_property
    def clean(self) -> "Held":
        """Without the records that are written wrongly, so that equal people have equal keys, or none."""
        kept = {place: pc.and_(pc.equal(found["slips"], 0), found["numbered"]) for place, found in self.truth.items()}
        return Held(
            self.agreement,
            {place: rows.filter(kept[place]) for place, rows in self.rows.items()},
            {place: rows.filter(kept[place]) for place, rows in self.truth.items()},
        )

    def between(self, days: Mapping[str, tuple[date, date]]) -> "Held":
        """Of these datasets only the periods that these days touch."""
        kept = {}
        for place in self.rows:
            if place[0] in days:
                dataset = self.agreement.dataset(place[0])
                assert dataset is not None
                when, (first, last) = self.rows[place][dataset.period_field], days[place[0]]
                kept[place] = pc.and_(
                    pc.greater_equal(when, pa.scalar(first.replace(day=1))), pc.less_equal(when, pa.scalar(_month_end(last)))
                )
        rows, truth = (
            {place: one.filter(kept[place]) if place in kept else one for place, one in found.items()} for found in (self.rows, self.truth)
        )
        return Held(self.agreement, rows, truth)

    @cached_property
    def people(self) -> dict[Place, list[int | None]]:
        """Whom each row is truly about, by the ledger; None where it is nobody."""
        return {
            place: [None if one is None or one < 0 else one for one in told["person"].to_pylist()] for place, told in self.truth.items()
        }

    def connect(self, people: Mapping[Place, list[int | None]] | None = None) -> duckdb.DuckDBPyConnection:
        """A table a dataset, with all suppliers' rows: agreed fields, ``supplier``, ``row``, ``event``, ``person_true``, and ``person`` where people are given."""
        engine = duckdb.connect()
        engine.execute("SET TimeZone = 'UTC'")
        for dataset in self.agreement.datasets:
            parts = [
                self._beside((dataset.name, supplier), people) for supplier in dataset.suppliers if (dataset.name, supplier) in self.rows
            ]
            engine.register(f"_{dataset.name}", pa.concat_tables(parts))
            engine.execute(f'CREATE TABLE "{dataset.name}" AS SELECT * FROM "_{dataset.name}"')
        return engine

    def _beside(self, place: Place, people: Mapping[Place, list[int | None]] | None) -> pa.Table:
        rows, truth = self.rows[place], self.truth[place]
        count = rows.num_rows
        columns = {name: _plain(rows[name]) for name in rows.column_names}
        columns |= {"supplier": pa.array([place[1]] * count, pa.string()), "row": pa.array(range(count), pa.int64())}
        columns |= {"event": truth["event"], "person_true": truth["person"]}
        if people is not None:
            columns["person"] = pa.array(people.get(place, [None] * count), pa.int64())
        return pa.table(columns)


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Pseudonyms as bytes, which any SQL can compare; everything else as it is."""
    return column.cast(pa.binary()) if pa.types.is_fixed_size_binary(column.type) else column


@dataclass(frozen=True)
class Invented:
    """A folder of invented extracts and their ledger."""

    folder: Path

    @cached_property
    def index(self) -> list[dict[str, Any]]:
        """The lines of the index."""
        listed: list[dict[str, Any]] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))["extracts"]
        return listed

    @cached_property
    def rows(self) -> pa.Table:
        """What each row of each extract is, in order."""
        return pq.read_table(self.folder / "ledger" / "rows.parquet").sort_by([("extract", "ascending"), ("row", "ascending")])

    @cached_property
    def people(self) -> pa.Table:
        """Everybody's true numbers."""
        return pq.read_table(self.folder / "ledger" / "people.parquet", columns=["person", *NUMBERS.values()])

    def planted(self) -> Iterator[dict[str, Any]]:
        """Every planted case: kind, person, table, events."""
        for case in pcsv.read_csv(self.folder / "ledger" / "planted.csv").to_pylist():
            yield case | {"events": [int(one) for one in str(case["events"]).split()]}


def invent(folder: Path) -> Invented:
    """Invent a partnership."""
    synthesise(folder, Window.between(FIRST, LAST, SCALE), SEED, CODES)
    return Invented(folder)


def hold(invented: Invented, paper: Agreement) -> Held:
    """All its datasets, of all suppliers and months."""
    lists = read_lists(CODES)
    rows, truth = {}, {}
    for dataset in paper.datasets:
        rules = means(paper.reference, 1, SECRET, lists, set(pseudonym_fields(dataset).values()))
        for supplier in dataset.suppliers:
            lines = [line for line in invented.index if line["supplier"] == supplier and dataset.name in line["datasets"]]
            kept, told = zip(*(_one(invented, line, dataset, rules) for line in lines), strict=True)
            rows[dataset.name, supplier] = pa.concat_tables(kept).combine_chunks()
            truth[dataset.name, supplier] = pa.concat_tables(told).combine_chunks()
    return Held(paper, rows, truth)


def _one(invented: Invented, line: Mapping[str, Any], dataset: Dataset, rules: Means) -> tuple[pa.Table, pa.Table]:
    """One extract, minimised; and what the ledger says of its rows."""
    source = find(line["adapter"])
    wanted = wanted_fields(dataset)
    numbers = {kind: field.source for field in dataset.fields for kind in (NUMBERS if field.name in NUMBERS else ()) if kind == field.name}
    read_in = _read(source, invented.folder / line["path"], frozenset(wanted))
    kept = pa.Table.from_batches([minimise(batch, dataset, rules) for batch in read_in], dataset.schema)
    told = invented.rows.filter(pc.equal(invented.rows["extract"], line["number"]))
    assert told.num_rows == kept.num_rows, f"{line['path']}: the ledger has as many rows as the extract"
    return kept, told.append_column("numbered", _numbered(invented, read_in, told, numbers))


def _numbered(invented: Invented, read_in: list[pa.RecordBatch], told: pa.Table, numbers: Mapping[str, str]) -> pa.Array:
    """Whether every number of a row that is there is the person's true one."""
    right = pa.array([True] * told.num_rows, pa.bool_())
    if not told.num_rows:
        return right
    who = pc.max_element_wise(told["person"], 0)
    for kind, source in numbers.items():
        written = pa.concat_arrays([batch.column(source) for batch in read_in])
        true = invented.people[NUMBERS[kind]].take(who).combine_chunks()
        right = pc.and_(right, pc.fill_null(pc.equal(written, true), True))
    return right


def _read(source: Source, path: Path, wanted: frozenset[str]) -> list[pa.RecordBatch]:
    for encoding in source.encodings:
        try:
            return list(source.extract(path, wanted, encoding=encoding, doubts=Doubts()))
        except NotThisEncoding:
            if encoding == source.encodings[-1]:
                raise
    raise AssertionError("a source has encodings")
