"""The rows digest against a plain reading of docs/formats.md, and its independence of batching."""

import hashlib
import struct
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import BadFormat
from keys.rows import SLICE, RowsDigest

int32 = st.integers(-(2**31), 2**31 - 1)
COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6)),
    "flag": (pa.bool_(), st.booleans()),
    "small": (pa.int32(), int32),
    "large": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "real": (pa.float64(), st.floats(allow_nan=False)),
    "day": (pa.date32(), st.dates(date(1900, 1, 1), date(2100, 1, 1))),
    "pseudonym": (pa.binary(16), st.binary(min_size=16, max_size=16)),
}
NAMES = {"text": "string", "flag": "bool", "small": "int32", "large": "int64", "real": "float64", "day": "date32"}
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()])
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, (_, values) in COLUMNS.items()}), max_size=20)


def value_bytes(name: str, value: Any) -> bytes:
    if name == "text":
        return struct.pack("<I", len(value.encode())) + bytes(value.encode())
    if name == "pseudonym":
        return bytes(value)
    if name == "day":
        value = (value - date(1970, 1, 1)).days
    return struct.pack({"flag": "<?", "small": "<i", "large": "<q", "real": "<d", "day": "<i"}[name], value)


def framed(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack(">I", len(body)) + body


def plainly(rows: list[dict[str, Any]], schema: pa.Schema) -> str:
    total = framed(b"s", b"LCJP-Exchange rows v1")
    for name in schema.names:
        column = b"".join(b"\0" if row[name] is None else b"\1" + value_bytes(name, row[name]) for row in rows)
        kind = NAMES.get(name, "fixed_size_binary(16)")
        total += framed(b"s", name.encode()) + framed(b"s", kind.encode()) + framed(b"b", hashlib.sha256(column).digest())
    return "sha256:" + hashlib.sha256(total).hexdigest()


def digest(batches: list[pa.RecordBatch], schema: pa.Schema = SCHEMA) -> tuple[int, str]:
    rows = RowsDigest(schema)
    for batch in batches:
        rows.update(batch)
    return rows.rows, rows.hexdigest()


@given(ROWS, st.data())
def test_it_is_what_the_format_says_however_the_rows_are_batched(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    whole = pa.RecordBatch.from_pylist(rows, SCHEMA)
    batches = [whole.slice(0, 0)]
    left = whole
    while left.num_rows:
        take = data.draw(st.integers(1, left.num_rows))
        batches.append(left.slice(0, take))
        left = left.slice(take)
    assert digest(batches) == digest([whole]) == (len(rows), plainly(rows, SCHEMA))


def test_it_covers_more_rows_than_are_encoded_at_a_time() -> None:
    rows = [
        {"text": None if number % 7 == 0 else f"row {number}", "large": number if number % 5 else None, "flag": number % 3 == 0}
        for number in range(SLICE + 10)
    ]
    schema = pa.schema([SCHEMA.field(name) for name in ("text", "large", "flag")])
    whole = pa.RecordBatch.from_pylist(rows, schema)
    assert digest([whole], schema)[1] == digest([whole.slice(0, 3), whole.slice(3)], schema)[1] == plainly(rows, schema)


@pytest.mark.parametrize(
    "values", [["2025-03"] * 5, ["E01011950", "E01011951", "E01011952"], ["é", "ab"], ["", ""], ["€€", "abcdef", None]]
)
def test_text_of_one_length_is_no_exception(values: list[str | None]) -> None:
    schema = pa.schema([("text", pa.string())])
    whole = pa.RecordBatch.from_pylist([{"text": value} for value in ["longer than the rest", *values]], schema)
    for batches in ([whole.slice(1)], [whole.slice(1, 1), whole.slice(2)]):
        assert digest(batches, schema)[1] == plainly([{"text": value} for value in values], schema)


def test_what_a_null_slot_hides_does_not_count() -> None:
    schema = pa.schema([("large", pa.int64())])
    seen = set()
    for hidden in (1, 2):
        values = pa.array([7, hidden], pa.int64())
        column = pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), values.buffers()[1]])
        seen.add(digest([pa.record_batch([column], schema)], schema)[1])
    assert seen == {plainly([{"large": 7}, {"large": None}], schema)}


@given(ROWS.filter(bool), st.data())
def test_another_value_row_order_or_name_gives_another_digest(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(COLUMNS)))
    changed = [dict(row) for row in rows]
    changed[-1][name] = data.draw((st.none() | COLUMNS[name][1]).filter(lambda value: repr(value) != repr(rows[-1][name])))
    original = digest([pa.RecordBatch.from_pylist(rows, SCHEMA)])[1]
    assert digest([pa.RecordBatch.from_pylist(changed, SCHEMA)])[1] != original
    assert digest([pa.RecordBatch.from_pylist([*rows, rows[0]], SCHEMA)])[1] != original
    renamed = pa.schema([field.with_name(field.name + "x") for field in SCHEMA])
    batch = pa.RecordBatch.from_pylist(rows, SCHEMA)
    assert digest([pa.record_batch(batch.columns, renamed)], renamed)[1] != original


def test_metadata_does_not_count_and_other_schemas_are_refused() -> None:
    batch = pa.RecordBatch.from_pylist([], SCHEMA)
    assert digest([batch.replace_schema_metadata({"a": "b"})]) == digest([batch]) == (0, plainly([], SCHEMA))
    running = RowsDigest(SCHEMA)
    for names in (SCHEMA.names[:-1], SCHEMA.names[::-1]):
        with pytest.raises(BadFormat):
            running.update(batch.select(names))
    with pytest.raises(BadFormat):
        running.update(batch.set_column(2, "small", pa.array([], pa.int64())))
    for kind in (pa.large_string(), pa.timestamp("s"), pa.binary(), pa.binary(8), pa.dictionary(pa.int32(), pa.string())):
        with pytest.raises(BadFormat):
            RowsDigest(pa.schema([("a", kind)]))
    with pytest.raises(BadFormat):
        RowsDigest(pa.schema([]))
