"""One locked-down DuckDB an edition: nothing on disk, no network, no settings, no extension; only the relations given to it.

Ibis compiles and never connects: its DuckDB back end sets options on connecting, which a locked connection refuses.
No text of a definition is ever put into SQL by us; names and literals are rendered by Ibis.
"""

from types import TracebackType
from typing import Any, Self, TypeAlias

import duckdb
import ibis
import pyarrow as pa
import pyarrow.dataset as pads

from exchange.releases.errors import EngineError, OutOfMemory

Relation: TypeAlias = "pa.Table | pads.Dataset"
"""Rows of one dataset from one supplier: in memory, or decrypted as they are read."""

PSEUDONYM = pa.binary(16)


class Engine:
    """A fresh connection, locked before it sees any row. Close it, or use it in a ``with`` block."""

    def __init__(self, *, memory: str = "4GB", threads: int = 2) -> None:
        """Open and lock. ``memory``: DuckDB's own limit; Arrow's buffers lie outside it."""
        self._count = 0
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
        for statement in ("set TimeZone='UTC'", "set enable_external_access=false", "set lock_configuration=true"):
            # DuckDB 2: a result that is not fetched blocks the connection.
            self._connection.execute(statement).fetchall()

    def register(self, relation: Relation) -> ibis.Table:
        """Make a relation known under a name of our own and describe it to Ibis. Pseudonyms become UUIDs, which join twice as fast as blobs."""
        name = f"relation_{self._count}"
        self._count += 1
        self._connection.register(name, relation)
        table = ibis.table(ibis.schema({field.name: _described(field) for field in relation.schema}), name=name)
        casts = {field.name: table[field.name].cast("uuid") for field in relation.schema if field.type == PSEUDONYM}
        return table.mutate(**casts) if casts else table

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression over registered relations; :class:`EngineError` if it cannot be run."""
        sql = ibis.to_sql(expression, dialect="duckdb")
        try:
            return self._connection.sql(sql).to_arrow_table()
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


def _described(field: pa.Field) -> Any:
    # Ibis knows no fixed-width binary; DuckDB reads it as a blob.
    return "binary" if field.type == PSEUDONYM else ibis.Schema.from_pyarrow(pa.schema([field]))[field.name]
