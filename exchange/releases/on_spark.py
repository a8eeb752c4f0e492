"""Spark in the place of DuckDB, for an agreement too large for the memory of its machine: the same expressions, over rows that its workers decrypt.

Ibis compiles and never connects, as for DuckDB. One session an edition: what Spark writes down (spill, shuffle) it encrypts under a key that is in the
memory of its processes alone and gone with them; its own processes know each other by a secret made for the session.
"""

import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import numpy as np
import pyarrow as pa
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from pyspark import SparkContext
from pyspark.sql import SparkSession

from exchange.errors import Misconfigured
from exchange.references import HeldRows, written
from exchange.releases.engine import PSEUDONYM, Engine, OnSpark, Relation, in_bytes
from exchange.releases.errors import EngineError
from exchange.releases.held_source import NAME, OWN, ROW, HeldSource, as_spark_reads, schema_as_text, settings_as_text
from exchange.releases.spark_hosts import BOUND, secret_of, write

ALWAYS: Mapping[str, str] = {
    **BOUND,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""What no setting changes: nothing is written or sent in clear, and nothing is told."""

LEAST = 476
"""MiB: 500 MB. Spark asks for 450 of what the JVM really gives, which is up to a thirtieth less than it was told."""


PATIENCE = 60
CLUSTER = ": does the cluster's master run at spark_master, and know the secret of spark_secret_file?"


class Dialect(PySparkCompiler):
    """Ibis' Spark, where it says something else than its DuckDB, or nothing."""

    __slots__ = ()
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {ops.BitOr: "bit_or", ops.BitAnd: "bit_and", ops.BitXor: "bit_xor"}

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802  # Ibis' name
        """A whole number is of the width it was made with: bare, Spark takes 1 for 32 bits, and shifts it out of them."""
        if isinstance(dtype, dt.Int64):
            return self.cast(super().visit_DefaultLiteral(op, value=value, dtype=dtype), dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_BitwiseLeftShift(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802  # Ibis' name
        """Spark shifts by 32 bits' worth of a number."""
        return self.f.shiftleft(left, self.cast(right, dt.int32))


COMPILER = Dialect()


class Session:
    """A Spark of our own, in a folder of its own that goes with it."""

    def __init__(self, means: OnSpark) -> None:
        """Start it. Misconfigured where another one runs in this process: it might write in clear.

        ``means.more``: for tests, which show that what is planted is found where encryption is off.
        """
        if SparkContext._active_spark_context is not None:  # noqa: SLF001  # there is no other way to ask
            raise Misconfigured("another Spark runs in this process.", remedy="Make one edition at a time in a process.")
        self.folder = Path(tempfile.mkdtemp(prefix="spark-", dir=means.scratch))
        with ExitStack() as undone:
            undone.callback(self._give_up)
            self.session = _begun(self.folder, {**ALWAYS, **self._own(means), **means.more}, cluster=means.cluster)
            undone.pop_all()

    def _own(self, means: OnSpark) -> dict[str, str]:
        """What Spark is told of this session; and the environment that it reads."""
        address, memory = means.settings.spark_address if means.cluster else "127.0.0.1", as_java_reads(means.memory)
        os.environ |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, "SPARK_LOCAL_IP": address}
        os.environ["SPARK_LOCAL_DIRS"] = str(self.folder)
        own = {
            "spark.master": means.master,
            "spark.app.name": "edition",
            "spark.driver.memory": memory,
            "spark.driver.bindAddress": address,
            "spark.driver.host": address,
            "spark.local.dir": str(self.folder),
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.sql.shuffle.partitions": str(means.partitions),
        }
        more = {"spark.executor.memory": memory, "spark.authenticate.secret": secret_of(means.settings)} if means.cluster else {}
        return own | more

    def _give_up(self) -> None:
        if SparkContext._active_spark_context is not None:  # noqa: SLF001  # there is no other way to it
            SparkContext._active_spark_context.stop()  # noqa: SLF001
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """End it, and what it wrote."""
        self.session.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def as_java_reads(memory: str) -> str:
    """A memory limit for the JVM, which knows no “MiB”, and takes M for two to the 20th. Misconfigured where Spark does not start with so little."""
    found = in_bytes(memory) >> 20
    if found < LEAST:
        raise Misconfigured(f"Spark does not start with {memory}.", remedy=f"Let edition_memory be {LEAST}MiB or more.")
    return f"{found}m"


def _begun(folder: Path, conf: Mapping[str, str], *, cluster: bool) -> SparkSession:
    """Started, and on a cluster with a host at its disposal. EngineError where it cannot be."""
    try:
        session = _started(folder, conf)
        if cluster:
            _require_hosts(session)
    except EngineError:
        raise
    except Exception as error:  # noqa: BLE001  # the bridge's, or the JVM's
        raise EngineError(f"Spark does not start ({type(error).__name__}){CLUSTER if cluster else '.'}") from None
    return session


def _require_hosts(session: SparkSession) -> None:
    """Wait until a host of the cluster is at this edition's disposal: Spark itself would wait for ever."""
    context, until = session.sparkContext._jsc.sc(), time.monotonic() + PATIENCE  # noqa: SLF001  # PySpark does not tell
    while context.getExecutorMemoryStatus().size() < 2:  # the driver is one of them
        if time.monotonic() > until:
            raise EngineError(f"no host of the Spark cluster took up the work within {PATIENCE} s: are its workers running, and not busy?")
        time.sleep(0.1)


def _started(folder: Path, conf: Mapping[str, str]) -> SparkSession:
    file = folder / "spark.conf"
    write(file, conf)
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {file} pyspark-shell"
    builder = SparkSession.builder
    if SparkContext._gateway is not None:  # noqa: SLF001  # the JVM of an earlier edition: it read its own file
        for name, value in conf.items():
            builder = builder.config(name, value)
    session = builder.getOrCreate()
    file.unlink()
    session.dataSource.register(HeldSource)
    return session


class SparkEngine(Engine):
    """As :class:`exchange.releases.engine.Engine`, over a session. Close it, or use it in a ``with`` block."""

    def __init__(self, means: OnSpark, running: Session | None = None) -> None:
        """``running``: a session that is there already, which then does not end with the engine."""
        self._means, self._ends = means, running is None
        self._running = running or Session(means)
        self._prefix, self._names, self._numbers = f"relation_{secrets.token_hex(4)}", list[str](), count()

    def register(self, relation: Relation) -> ibis.Table:
        """Make a relation known and describe it to Ibis: held rows by reference, all else from memory. Its rows are numbered (``held_source.ROW``)."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._names.append(name)
        if isinstance(relation, HeldRows):
            frame, schema = self._referred(relation), as_spark_reads(relation.schema)
        else:
            rows = _numbered(relation if isinstance(relation, pa.Table) else relation.to_table())
            frame, schema = self._running.session.createDataFrame(rows), rows.schema
        frame.createOrReplaceTempView(name)
        return ibis.table(ibis.Schema.from_pyarrow(schema), name=name)

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression over registered relations; :class:`EngineError` if it cannot be run."""
        sql = COMPILER.to_sqlglot(expression.unbind()).sql(dialect=COMPILER.dialect)
        try:
            found = self._running.session.sql(sql).toArrow()
        except Exception as error:  # noqa: BLE001  # Spark's, the JVM's or the bridge's between: all of them quote
            raise EngineError(f"the query engine failed ({type(error).__name__}).") from None
        # Whatever is binary is a pseudonym.
        fixed = [field.with_type(PSEUDONYM) if pa.types.is_binary(field.type) else field for field in found.schema]
        return found.cast(pa.schema(fixed))

    def buckets(self, tables: Sequence[ibis.Table]) -> int:
        """Spark divides its joins itself, and spills what does not fit, encrypted."""
        return 1

    def close(self) -> None:
        """Forget every relation, and end a session of our own."""
        self._forget(0)
        if self._ends:
            self._running.close()

    def _forget(self, begin: int) -> None:
        for name in self._names[begin:]:
            self._running.session.catalog.dropTempView(name)
        del self._names[begin:]

    def _referred(self, rows: HeldRows) -> Any:
        options = {
            "parts": written(rows.parts),
            "fields": schema_as_text(rows.schema),
            "settings": OWN if self._means.cluster else settings_as_text(self._means.settings),
        }
        frame = self._running.session.read.format(NAME).options(**options).load()
        if rows.brought is None:
            return frame
        after = sum(part.rows for part in rows.parts)
        return frame.union(self._running.session.createDataFrame(_numbered(rows.brought, after)))


def _numbered(rows: pa.Table, begin: int = 0) -> pa.Table:
    """A table as Spark takes it; its rows numbered, unless they are."""
    plain = {
        name: column.cast(pa.binary()) if column.type == PSEUDONYM else column
        for name, column in zip(rows.column_names, rows.columns, strict=True)
    }
    return pa.table({**plain, ROW: plain.get(ROW, np.arange(begin, begin + rows.num_rows, dtype=np.int64))})
