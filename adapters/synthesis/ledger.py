"""The ledger: what truly happened, kept apart from the extracts. Parquet; `docs/synthesis.md` says what each table holds."""

from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from adapters.synthesis.calendar import dates
from adapters.synthesis.feeds import Month
from adapters.synthesis.frames import Array, Frame, size
from adapters.synthesis.planted import planted
from adapters.synthesis.world import World

ROWS = pa.schema(
    [
        ("extract", pa.int32()),
        ("row", pa.int32()),
        ("person", pa.int32()),
        ("event", pa.int32()),
        ("repeated", pa.bool_()),
        ("slips", pa.uint16()),
    ]
)


def write_events(world: World, folder: Path) -> None:
    """Write people, every table of events and the planted cases."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(_people(world), folder / "people.parquet")
    for name, frame in world.tables.items():
        _write(_table(name, frame), folder / f"{name}.parquet")
    cases = [asdict(case) for case in planted(world.tables, world.window)]
    listed = [case | {"events": " ".join(str(event) for event in case["events"])} for case in cases]
    names = ("kind", "purpose", "person", "table", "events")
    pcsv.write_csv(pa.table({name: [str(case[name]) for case in listed] for name in names}), folder / "planted.csv")


def _people(world: World) -> pa.Table:
    people = world.people
    numbers = {"pnc_id": people.pnc, "cro_number": people.cro, "noms_number": people.noms, "crn": people.crn, "nhs_number": people.nhs}
    frame = _table("person", people.frame | {"birth_day": people.frame["birth"]}).drop_columns(["birth"])
    for name, column in numbers.items():
        frame = frame.append_column(name, column)
    return frame


def _table(name: str, frame: Frame) -> pa.Table:
    """A frame with its row numbers; columns that end in _day, and `day`, as dates, null where the day never comes."""
    number = name if name == "person" else "event"
    columns: dict[str, pa.Array] = {number: pa.array(np.arange(size(frame), dtype=np.int32))}
    for column, values in frame.items():
        if values.ndim == 2:
            for place in range(values.shape[1]):
                columns[f"{column}_{place + 1}"] = _column(column, values[:, place])
        else:
            columns[column] = _column(column, values)
    return pa.table(columns)


def _column(name: str, values: Array) -> pa.Array:
    if name == "day" or name.endswith("_day") or name == "listing_last":
        return dates(values)
    return pa.array(values, pa.string()) if values.dtype == object else pa.array(values)


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


class Rows:
    """What each row of each extract truly is, written as the extracts are."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(folder / "rows.parquet", ROWS, compression="zstd")
        self._held: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._flush()
        self._writer.close()

    def add(self, extract: int, month: Month) -> None:
        """The rows of an extract, numbered from 1."""
        count = len(month.events)
        columns = [np.full(count, extract, np.int32), np.arange(1, count + 1, dtype=np.int32), month.person, month.events]
        arrays = [pa.array(np.asarray(column, np.int32)) for column in columns]
        self._held.append(pa.record_batch([*arrays, pa.array(month.again), pa.array(month.made.slips)], schema=ROWS))
        if sum(batch.num_rows for batch in self._held) > 200_000:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, ROWS).combine_chunks())
            self._held = []
