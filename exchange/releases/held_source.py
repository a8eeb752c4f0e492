"""Held rows as a data source of Spark, in pure Python: parts are decrypted by the worker that reads them, a row group at a time.

What Spark is told is references alone: the JVM, its plans and its logs never hold a key. The worker is a process of the hub's own user, on the
hub's own host or on one of its cluster, and opens the hub's keystore by the settings of the host that it is on, as the hub itself does; a part
whose key has been destroyed does not open.
"""

import base64
import os
import pickle
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from exchange.keystores import open_keystore
from exchange.objects import Store
from exchange.places import objects_in
from exchange.references import Bundle, bundles, read
from exchange.releases.spark_hosts import SETTINGS
from exchange.settings import Settings, read_settings
from keys.keystore import Keystore
from keys.parquet import decrypting_dataset

NAME, ROW = "lcjp_held", "row number"
PSEUDONYM = pa.binary(16)
BUNDLE_ROWS = 1 << 20
OWN = "own"
"""In the place of settings: those of the worker's own host, whose file its environment names (``spark_hosts.SETTINGS``)."""


def settings_as_text(settings: Settings) -> str:
    """The settings, for a worker. There is no secret among them, only where secrets lie."""
    return base64.b64encode(pickle.dumps(settings)).decode()


def schema_as_text(schema: pa.Schema) -> str:
    """The fields to read, in their agreed Arrow types."""
    return base64.b64encode(schema.serialize()).decode()


def as_spark_reads(schema: pa.Schema) -> pa.Schema:
    """The same fields as Spark has them, and which row of its relation each row is (``ROW``): Spark knows no binary of fixed width."""
    fields = [pa.field(one.name, pa.binary() if one.type == PSEUDONYM else one.type) for one in schema]
    return pa.schema([*fields, pa.field(ROW, pa.int64())])


def as_spark_has(rows: pa.RecordBatch, begin: int) -> pa.RecordBatch:
    """Rows under :func:`as_spark_reads`, numbered from ``begin``."""
    wanted = as_spark_reads(rows.schema)
    columns = [column.cast(field.type) for column, field in zip(rows.columns, wanted, strict=False)]
    return pa.RecordBatch.from_arrays([*columns, pa.array(np.arange(begin, begin + rows.num_rows, dtype=np.int64))], schema=wanted)


@cache
def _opened(settings: str) -> tuple[Keystore, Store]:
    """The hub's keystore and objects, once a worker process."""
    found = read_settings(Path(os.environ[SETTINGS])) if settings == OWN else _from_text(settings)
    return open_keystore(found), objects_in(found, found.objects)


def _from_text(settings: str) -> Settings:
    # Spark hands every worker this very class as a pickle too: who could change the one could change the other.
    found: Settings = pickle.loads(base64.b64decode(settings))  # noqa: S301
    return found


class HeldSource(DataSource):
    """Options: ``parts`` (``references.written``), ``settings`` (:func:`settings_as_text`, or ``OWN``), ``fields`` (:func:`schema_as_text`)."""

    @classmethod
    def name(cls) -> str:
        """How Spark calls it."""
        return NAME

    def schema(self) -> StructType:
        """The agreed fields, and ``ROW``."""
        return from_arrow_schema(as_spark_reads(self._fields()))

    def reader(self, schema: StructType) -> "HeldReader":
        """One reader a query."""
        return HeldReader(self._fields(), self.options["parts"], self.options["settings"])

    def _fields(self) -> pa.Schema:
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(self.options["fields"])))


class HeldReader(DataSourceReader):
    """Reads bundles of parts. Only :meth:`read` opens anything."""

    def __init__(self, fields: pa.Schema, parts: str, settings: str) -> None:
        self._fields, self._parts, self._settings = fields, parts, settings

    def partitions(self) -> list[InputPartition]:
        """A bundle each; one that is empty where there are no parts, for Spark asks for one."""
        return [InputPartition(bundle) for bundle in bundles(read(self._parts), BUNDLE_ROWS)] or [InputPartition((0, ()))]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of a bundle in order; the key of each part is opened when it is come to."""
        bundle: Bundle = partition.value
        number, parts = bundle
        keystore, objects = _opened(self._settings)
        for part in parts:
            files = [(objects.place(part.object), keystore.unwrap(part.key, part.wrapped), part.aad)]
            for batch in decrypting_dataset(files, self._fields, filesystem=objects.filesystem).to_batches():
                yield as_spark_has(batch, number)
                number += batch.num_rows
