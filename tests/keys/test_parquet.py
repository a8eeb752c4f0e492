"""Encrypted Parquet: what is written reads back through one dataset over parts with keys of their own, and not otherwise."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from keys.errors import BadFormat
from keys.parquet import EncryptedWriter, decrypting_dataset, new_data_key

SCHEMA = pa.schema([("id", pa.int64()), ("crime", pa.binary(16)), ("place", pa.string())])
CANARY = "Canary Wharf"


def rows(start: int, count: int) -> pa.RecordBatch:
    numbers = range(start, start + count)
    return pa.RecordBatch.from_pydict(
        {"id": list(numbers), "crime": [number.to_bytes(16, "big") for number in numbers], "place": [CANARY] * count},
        SCHEMA,
    )


def write(folder: Path, parts: int) -> list[tuple[str | Path, bytes, str]]:
    files: list[tuple[str | Path, bytes, str]] = []
    for part in range(parts):
        key, path, aad = new_data_key(), folder / f"{part}.parquet", f"batch/{part}"
        with EncryptedWriter(path, SCHEMA, key, aad) as writer:
            writer.write(rows(part * 10, 6))
            writer.write(pa.Table.from_batches([rows(part * 10 + 6, 4)]))
        files.append((path, key, aad))
    return files


def test_parts_with_keys_of_their_own_are_one_dataset(tmp_path: Path) -> None:
    files = write(tmp_path, 3)
    dataset = decrypting_dataset(files, SCHEMA)
    assert dataset.to_table().sort_by("id").column("id").to_pylist() == list(range(30))
    some = dataset.to_table(columns=["crime"], filter=pc.field("id") >= 25)
    assert some.schema.names == ["crime"]
    assert some.num_rows == 5
    assert dataset.count_rows() == 30
    assert all(b"PARE" in Path(path).read_bytes()[-4:] and CANARY.encode() not in Path(path).read_bytes() for path, _, _ in files)


def test_no_parts_are_an_empty_dataset() -> None:
    assert decrypting_dataset([], SCHEMA).to_table().num_rows == 0


def test_a_file_object_and_another_file_system_will_do(tmp_path: Path) -> None:
    key, held = new_data_key(), io.BytesIO()
    with EncryptedWriter(held, SCHEMA, key, "batch/0") as writer:
        writer.write(rows(0, 2))
        assert writer is not None
    (tmp_path / "part").write_bytes(held.getvalue())
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    assert decrypting_dataset([("part", key, "batch/0")], SCHEMA, filesystem=store).to_table().num_rows == 2


@pytest.mark.parametrize("what", ["key", "aad", "swapped", "tampered", "no key"])
def test_a_wrong_key_place_or_byte_is_refused(tmp_path: Path, what: str) -> None:
    (path, key, aad), (other, _, _) = write(tmp_path, 2)
    if what == "no key":
        with pytest.raises(OSError, match="encrypt"):
            pq.read_table(path)
        return
    if what == "tampered":
        data = bytearray(Path(path).read_bytes())
        data[len(data) // 2] ^= 1
        Path(path).write_bytes(data)
    wrong = {"key": (path, new_data_key(), aad), "aad": (path, key, "batch/1"), "swapped": (other, key, aad)}
    with pytest.raises(OSError, match=r"."):
        decrypting_dataset([wrong.get(what, (path, key, aad))], SCHEMA).to_table()


def test_keys_and_contexts_have_their_form(tmp_path: Path) -> None:
    assert len({new_data_key() for _ in range(10)}) == 10
    for key, aad in ((bytes(16), "a"), (bytes(32), "")):
        with pytest.raises(BadFormat):
            EncryptedWriter(tmp_path / "x", SCHEMA, key, aad)
        with pytest.raises(BadFormat):
            decrypting_dataset([("x", key, aad)], SCHEMA)
    assert not (tmp_path / "x").exists()


def test_a_query_reads_only_the_columns_and_rows_it_needs(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB belongs to the hub and is not installed")
    dataset = decrypting_dataset(write(tmp_path, 3), SCHEMA)
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        connection.register("held", dataset)
        query = "select count(*), min(crime::uuid)::text from held where id between 15 and 21"
        assert connection.sql(query).fetchall() == [(7, "00000000-0000-0000-0000-00000000000f")]
        plan = str(connection.sql(f"explain {query}").fetchall())
    assert "place" not in plan
    assert "id" in plan.split("Filters", 1)[1]
