"""One locked-down DuckDB an edition: nothing on disk, no network, no settings, no extension; only the relations given to it.

Ibis compiles and never connects: its DuckDB back end sets options on connecting, which a locked connection refuses.
No text of a definition is ever put into SQL by us; names and literals are rendered by Ibis.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from exchange import extras
from exchange.references import HeldRows
from exchange.releases.errors import BadRelation, EngineError, OutOfMemory
from exchange.settings import Settings

Relation: TypeAlias = "pa.Table | pads.Dataset | HeldRows"
"""Rows of one dataset from one supplier: in memory, decrypted as they are read, or (Spark alone) by reference."""

PSEUDONYM = pa.binary(16)

MOST_BUCKETS = 256
"""The first byte of a pseudonym. Re-keyed pseudonyms are a random permutation: their first bits are as good as a hash."""

ROW_BYTES = 48
"""What a row is taken to need of DuckDB's memory in a join on a pseudonym; where it needs more, twice as many buckets are tried."""

_STATEMENTS = 256
"""How many compiled statements are remembered: a release has some thirty. They hold what definitions say, and no row."""

_LIMIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(I?)B?")


@dataclass(frozen=True)
class OnSpark:
    """An edition is made on Spark.

    Attributes:
        settings: by which a worker opens the hub's keystore and objects, on the hub's own host and as the hub's own user; on a cluster each by its own host's.
        master: ``local[N]``: Spark runs on N threads of this machine; ``spark://…``: on a cluster.
        memory: of the driver. scratch: folder in which it writes, encrypted. partitions: of what it shuffles.
        more: further settings of Spark's.
    """

    settings: Settings
    scratch: Path
    master: str = "local[*]"
    memory: str = "2g"
    partitions: int = 16
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def cluster(self) -> bool:
        """Whether it is made on several hosts."""
        return self.master.startswith("spark://")

    def open(self) -> "Engine":
        """A session of its own. ExtraMissing where Spark is not installed."""
        return cast(Engine, extras.load("spark").SparkEngine(self))


Power: TypeAlias = "str | OnSpark"
"""What an edition may take: DuckDB's memory limit, or Spark."""


def power_of(settings: Settings) -> Power:
    """What a hub's editions are made on, and may take."""
    if settings.edition_engine == "duckdb":
        return settings.edition_memory
    return OnSpark(settings, settings.home, settings.spark_master, settings.edition_memory)


class Engine:
    """A fresh connection, locked before it sees any row. Close it, or use it in a ``with`` block."""

    def __init__(self, *, memory: str = "4GB", threads: int = 2) -> None:
        """Open and lock. ``memory``: DuckDB's own limit; Arrow's buffers lie outside it."""
        self._count = 0
        self._names: list[str] = []
        self._relations: dict[str, tuple[ibis.Table, pads.Dataset]] = {}
        self._connection = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": threads,
                "temp_directory": "",  # no spill: a spill file would hold rows in clear after their key is destroyed
                "max_temp_directory_size": "0KiB",  # nor by any other way
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "arrow_lossless_conversion": True,
            }
        )
        self._limit = in_bytes(memory)
        for statement in ("set TimeZone='UTC'", "set enable_external_access=false", "set lock_configuration=true"):
            # DuckDB 2: a result that is not fetched blocks the connection.
            self._connection.execute(statement).fetchall()

    def register(self, relation: Relation) -> ibis.Table:
        """Make a relation known under a name of our own and describe it to Ibis. Pseudonyms become UUIDs, which join twice as fast as blobs."""
        if isinstance(relation, HeldRows):
            raise BadRelation("rows by reference are for Spark: its workers open them.")
        name = f"relation_{self._count}"
        self._count += 1
        self._connection.register(name, relation)
        table = ibis.table(ibis.schema({field.name: _described(field) for field in relation.schema}), name=name)
        described = self._described(table, relation)
        self._names.append(name)
        self._relations[name] = described, relation if isinstance(relation, pads.Dataset) else pads.dataset(relation)
        return described

    @contextmanager
    def for_now(self) -> Iterator[None]:
        """What is registered within is forgotten at the end: nothing of one bucket is in memory while the next is made."""
        before = len(self._names)
        try:
            yield
        finally:
            self._forget(before)

    def _forget(self, begin: int) -> None:
        for name in self._names[begin:]:
            self._connection.unregister(name)
            del self._relations[name]
        del self._names[begin:]

    def _described(self, table: ibis.Table, relation: "pa.Table | pads.Dataset") -> ibis.Table:
        casts = {field.name: table[field.name].cast("uuid") for field in relation.schema if field.type == PSEUDONYM}
        return table.mutate(**casts) if casts else table

    def cut(self, table: ibis.Table, name: str, number: int, buckets: int) -> ibis.Table:
        """A registered relation's rows whose pseudonym lies in one of ``buckets`` equal stretches; the first has those without one as well.

        Held parts are sorted by their first pseudonym, and of a part no more is decrypted than the row groups that reach into the stretch.
        """
        relation, column, width = self._relation(table), pc.field(name), MOST_BUCKETS // buckets
        inside = column >= _edge(number * width)
        if number < buckets - 1:
            inside = inside & (column < _edge((number + 1) * width))
        return self.register(relation.filter(inside if number else inside | column.is_null()))

    def buckets(self, tables: Sequence[ibis.Table]) -> int:
        """Into how many stretches registered relations had best be cut so that a join of them fits: 1 where it does as it is."""
        rows, found = sum(self._relation(table).count_rows() for table in tables), 1
        while found < MOST_BUCKETS and rows * ROW_BYTES > found * self._limit:
            found *= 2
        return found

    def _relation(self, table: ibis.Table) -> pads.Dataset:
        return next(relation for one, relation in self._relations.values() if one is table)

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression over registered relations; :class:`EngineError` if it cannot be run."""
        try:
            return self._connection.sql(_sql(expression.op())).to_arrow_table()
        except duckdb.OutOfMemoryException:
            raise OutOfMemory("the release needs more memory than the engine was given: raise its limit; rows are never spilled.") from None
        except duckdb.Error as error:
            raise EngineError(f"the query engine failed ({type(error).__name__}).") from None

    def close(self) -> None:
        """Drop the connection and every relation with it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@lru_cache(maxsize=_STATEMENTS)
def _sql(operation: ibis.expr.operations.Node) -> str:
    """Compiled once: it takes longer than most statements run, and the next edition of a release asks much the same."""
    return str(ibis.to_sql(operation.to_expr(), dialect="duckdb"))


def _edge(first: int) -> pa.Scalar:
    """The least pseudonym that begins with this byte."""
    return pa.scalar(bytes([first]) + bytes(15), PSEUDONYM)


def in_bytes(memory: str) -> int:
    """A memory limit as DuckDB reads it: powers of ten, or of two with an “i”."""
    found = _LIMIT.fullmatch(memory.strip().upper())
    if found is None:
        raise EngineError("a memory limit is a number with its unit: 2GB, 500MiB.")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** (" KMGT".index(unit or " ")))


def opened(power: Power, *, threads: int = 2) -> Engine:
    """The engine of one edition."""
    return Engine(memory=power, threads=threads) if isinstance(power, str) else power.open()


def _described(field: pa.Field) -> Any:
    # Ibis knows no fixed-width binary; DuckDB reads it as a blob.
    return "binary" if field.type == PSEUDONYM else ibis.Schema.from_pyarrow(pa.schema([field]))[field.name]
