"""The agreed datasets of one agreement as DuckDB tables, from the very files that were pushed; and the units of each published edition."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Self

import duckdb
import pyarrow as pa

from agreements.periods import Period
from demo.partnership.cast import PEOPLE, Extract, Paper
from demo.partnership.reread.fields import fields_of
from demo.partnership.reread.measures import LINKED, OF_ITSELF, READ, UNITS
from demo.partnership.reread.people import Rules, people
from demo.partnership.truth_compared import Edition, periods_of
from demo.partnership.truth_ledger import Connection

_TYPES = {"text": pa.string(), "integer": pa.int64(), "date": pa.date32(), "month": pa.date32()}
_ALL = ("100 YEAR", "100 YEAR")
_KNOWN = """SELECT strftime(min(day), '%Y-%m') AS month, CASE count(DISTINCT dataset) WHEN 1 THEN '1' WHEN 2 THEN '2' ELSE '3+' END AS known_to
    FROM ({seen}) WHERE person IS NOT NULL GROUP BY person"""


class Reread:
    """What was delivered under one agreement. A context manager; tables are in memory."""

    def __init__(self, paper: Paper, extracts: Sequence[Extract]) -> None:
        self._paper = paper
        self._datasets = {one["name"]: one for one in paper.document["datasets"]}
        self._engine = duckdb.connect()
        self._made: set[str] = set()
        self._engine.execute("SET TimeZone = 'UTC'")
        self._engine.execute("CREATE SCHEMA sent")
        for name, dataset in self._datasets.items():
            self._fill(dataset, [one for one in extracts if one.dataset == name and one.supplier in dataset["suppliers"]])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def set_out(self, edition: Edition) -> Connection:
        """The units of an edition, in the view ``units``; worked out once."""
        made = f'"units of {edition.release}"'
        if edition.release not in self._made:
            first, last = (Period.parse(periods_of(edition)[place]) for place in (0, -1))
            self._engine.execute(f"SET VARIABLE first = DATE '{first.start}'; SET VARIABLE last = DATE '{last.end}'")
            self._read(edition.release)
            self._engine.execute(f"CREATE TABLE {made} AS {self._units(edition.release)}")
            self._made.add(edition.release)
        self._engine.execute(f"CREATE OR REPLACE TEMP VIEW units AS SELECT * FROM {made}")
        return self._engine

    def _fill(self, dataset: Mapping[str, Any], extracts: Sequence[Extract]) -> None:
        """A dataset with every supplier's rows: agreed fields, ``supplier``, ``period`` of the extract, and ``row``, a number for each, which is its ``event``."""
        types = {field["name"]: _type(field) for field in dataset["fields"]}
        parts = [_table(dataset, one, types) for one in extracts]
        if not parts:
            return
        whole = pa.concat_tables(parts)
        self._engine.register("_rows", whole)
        self._engine.execute(f'CREATE TABLE sent."{dataset["name"]}" AS SELECT *, row_number() OVER () AS row, row AS event FROM _rows')
        self._engine.unregister("_rows")

    def _read(self, release: str) -> None:
        """Each dataset as the release reads it, with the people that are told apart for it."""
        linked = self._linked() if release == PEOPLE else LINKED.get(release, ())
        for name in self._names():
            before, after = READ.get(release, {}).get(name, OF_ITSELF if release == PEOPLE else _ALL)
            self._engine.execute(
                f"""CREATE OR REPLACE TEMP VIEW "{name}" AS SELECT * FROM sent."{name}"
                WHERE period BETWEEN date_trunc('month', getvariable('first') - INTERVAL {before}) AND getvariable('last') + INTERVAL {after}"""
            )
        for name, rows, numbers in self._people(linked):
            self._engine.register("_people", pa.table({"row": rows, "person": pa.array(numbers, pa.int64())}))
            self._engine.execute(f'CREATE OR REPLACE TEMP TABLE "{name} known" AS SELECT * FROM "{name}" JOIN _people USING (row)')
            self._engine.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS SELECT * FROM "{name} known"')
            self._engine.unregister("_people")

    def _people(self, datasets: Sequence[str]) -> Iterator[tuple[str, pa.ChunkedArray, list[int | None]]]:
        """Dataset, its rows' numbers, whom each is about: all told apart together."""
        if not datasets:
            return
        linkage = self._paper.document["linkages"][0]
        keys = {name: self._keys(name, linkage["rules"]) for name in datasets}
        columns = {kind: [value for one in keys.values() for value in one[kind].to_pylist()] for kind in linkage["rules"]}
        found = iter(people(columns, Rules(linkage["rules"], linkage["single"], linkage["most"])))
        for name, one in keys.items():
            yield name, one["row"], list(islice(found, one.num_rows))

    def _keys(self, name: str, kinds: Sequence[str]) -> pa.Table:
        """A dataset's keys of these kinds, in columns called after them; of one that it has not, nothing in every row."""
        fields = {field["rule"].get("pseudonymise"): f'"{field["name"]}"' for field in self._datasets[name]["fields"]}
        wanted = ", ".join(f'{fields.get(kind, "NULL")} AS "{kind}"' for kind in kinds)
        return self._engine.sql(f'SELECT row, {wanted} FROM "{name}" ORDER BY row').to_arrow_table()

    def _names(self) -> list[str]:
        """The datasets of which anything was sent."""
        return [name for (name,) in self._engine.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'sent'").fetchall()]

    def _linked(self) -> list[str]:
        """The datasets that hold a key of a kind that links."""
        here, kinds = self._names(), set(self._paper.document["linkages"][0]["rules"])
        return [
            name
            for name, one in self._datasets.items()
            if name in here and any(field["rule"].get("pseudonymise") in kinds for field in one["fields"])
        ]

    def _units(self, release: str) -> str:
        if release != PEOPLE:
            return UNITS[release]
        seen = [
            f'SELECT \'{name}\' AS dataset, "{self._datasets[name]["period_field"]}" AS day, person FROM "{name}"'
            for name in self._linked()
        ]
        return _KNOWN.format(seen=" UNION ALL ".join(seen))


def _type(field: Mapping[str, Any]) -> pa.DataType:
    """What a field holds once its rule is applied."""
    kind, *_ = field["rule"]
    if kind == "flag":
        return pa.bool_()
    return pa.string() if kind == "band" else _TYPES[field["type"]]


def _table(dataset: Mapping[str, Any], extract: Extract, types: Mapping[str, pa.DataType]) -> pa.Table:
    """The agreed fields of one extract, whose rows must be as many as its index says."""
    fields = fields_of(dataset, extract)
    columns = {name: pa.array(fields[name], type_) for name, type_ in types.items()}
    columns["supplier"] = pa.array([extract.supplier] * extract.rows, pa.string())
    columns["period"] = pa.array([date.fromisoformat(f"{extract.period}-01")] * extract.rows, pa.date32())
    return pa.table(columns)
