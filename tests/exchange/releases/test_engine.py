import os
import subprocess
import sys
import tempfile
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from exchange.releases.engine import Engine
from exchange.releases.errors import EngineError, OutOfMemory
from keys.parquet import EncryptedWriter, decrypting_dataset, new_data_key
from tests.exchange.standing import ROOT

IDS = pa.array([bytes([byte]) * 16 for byte in range(3)] + [None], pa.binary(16))
SCHEMA = pa.schema([("id", pa.binary(16)), ("n", pa.int64())])


@pytest.mark.parametrize(
    "statement",
    [
        "set memory_limit='100GB'",
        "set enable_external_access=true",
        "set temp_directory='/tmp'",
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/never.csv'",
        "attach '/tmp/never.db'",
        "install httpfs",
        "load httpfs",
    ],
)
def test_the_connection_is_locked_down(statement: str) -> None:
    with Engine() as engine, pytest.raises(Exception, match=r"(?i)configuration|disabled|permission|external"):
        engine._connection.execute(statement).fetchall()


def test_time_is_utc_and_nothing_spills() -> None:
    with Engine() as engine:
        found = engine._connection.execute("select current_setting('TimeZone'), current_setting('temp_directory')").fetchall()
        most = engine._connection.execute("select current_setting('max_temp_directory_size')").fetchall()
    assert found == [("UTC", "")]
    assert most == [("0 bytes",)]


def test_python_variables_are_no_relations() -> None:
    secret = pa.table({"x": [1]})
    with Engine() as engine, pytest.raises(EngineError):
        engine.run(ibis.table({"x": "int64"}, name="secret"))
    assert secret.num_rows == 1


@pytest.mark.parametrize("kind", ["table", "dataset", "files"])
def test_pseudonyms_join_whatever_holds_them_and_nulls_find_nothing(kind: str, tmp_path: Path) -> None:
    table = pa.table({"id": IDS, "n": [0, 1, 2, 3]})
    pq.write_table(table, tmp_path / "rows.parquet")
    relation = {"table": table, "dataset": pads.dataset(table), "files": pads.dataset(tmp_path / "rows.parquet")}[kind]
    with Engine() as engine:
        one, other = engine.register(relation), engine.register(relation)
        joined = one.join(other, one["id"] == other["id"]).select(n=one["n"]).order_by("n")
        assert engine.run(joined).column("n").to_pylist() == [0, 1, 2]


def held(folder: Path, parts: int) -> list[tuple[str | Path, bytes, str]]:
    """Encrypted parts as the hub holds them, one row group a part, three rows with an id and one without in each."""
    found: list[tuple[str | Path, bytes, str]] = []
    for part in range(parts):
        path, key, aad = folder / f"part-{part}", new_data_key(), f"batch/{part}"
        with EncryptedWriter(path, SCHEMA, key, aad) as writer:
            writer.write(pa.table({"id": IDS, "n": [part * 4 + row for row in range(4)]}, schema=SCHEMA))
        found.append((path, key, aad))
    return found


def test_encrypted_parts_are_read_as_one_relation(tmp_path: Path) -> None:
    with Engine() as engine:
        table = engine.register(decrypting_dataset(held(tmp_path, 3), SCHEMA))
        assert engine.run(table.group_by("id").aggregate(n=table.count())).column("n").to_pylist() == [3, 3, 3, 3]
        assert engine.run(table.filter(table["n"] > 8).aggregate(n=ibis._.count())).column("n").to_pylist() == [3]


@pytest.mark.parametrize("fault", ["wrong key", "wrong place", "tampered", "gone"])
def test_a_part_that_cannot_be_opened_stops_the_release(fault: str, tmp_path: Path) -> None:
    (path, key, aad), *rest = held(tmp_path, 2)
    if fault == "tampered":
        content = bytearray(Path(path).read_bytes())
        content[len(content) // 3] ^= 1
        Path(path).write_bytes(content)
    if fault == "gone":
        Path(path).unlink()
    first = (path, new_data_key() if fault == "wrong key" else key, "batch/1" if fault == "wrong place" else aad)
    with Engine() as engine:
        table = engine.register(decrypting_dataset([first, *rest], SCHEMA))
        with pytest.raises(EngineError) as caught:
            engine.run(table.select(total=table["n"].sum()))
    assert str(tmp_path) not in str(caught.value)


def test_an_error_never_quotes_a_value() -> None:
    with Engine() as engine:
        table = engine.register(pa.table({"text": ["CANARY-7731"]}))
        with pytest.raises(EngineError) as caught:
            engine.run(table.select(n=table["text"].cast("int64")))
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_too_little_memory_says_so_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Engine(memory="16MB") as engine:
        table = engine.register(pa.table({"n": range(2_000_000)}))
        with pytest.raises(OutOfMemory, match="raise its limit"):
            engine.run(table.order_by("n"))
    assert not list(tmp_path.iterdir())


SPILLING = """
import resource, sys
from pathlib import Path
import duckdb, ibis
from exchange.releases.engine import Engine
from exchange.releases.errors import OutOfMemory
from keys.parquet import decrypting_dataset
import pyarrow as pa

kind, part, key, folder = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), Path(sys.argv[4])
rows = decrypting_dataset([(part, key, "batch/1")], pa.schema([("name", pa.string())]))
if kind == "ours":
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # one byte written to any file, wherever it is, and the process dies
    with Engine(memory="36MB", threads=1) as engine:
        table = engine.register(rows)
        try:
            engine.run(table.order_by(table["name"].desc()).mutate(n=ibis.row_number()))
        except OutOfMemory:
            print("out of memory")
else:
    plain = duckdb.connect(config={"memory_limit": "36MB", "threads": 1, "temp_directory": str(folder)})
    plain.register("relation", rows)
    cursor = plain.execute("select name, row_number() over () from (select name from relation order by name desc)")
    cursor.fetchone()
    # What it has spilled is gone when it closes: look while it runs.
    print("spilled" if any(path.stat().st_size for path in folder.rglob("*") if path.is_file()) else "kept in memory")
"""


@pytest.mark.parametrize(("kind", "says"), [("ours", "out of memory"), ("plain", "spilled")])
def test_open_rows_are_never_spilled_though_the_same_query_would(kind: str, says: str, tmp_path: Path) -> None:
    part, key = tmp_path / "part", new_data_key()
    schema = pa.schema([("name", pa.string())])
    with EncryptedWriter(part, schema, key, "batch/1") as writer:
        for start in range(0, 300_000, 50_000):
            names = [f"Zebedee Quillfeather {row * 7919 % 300_000:0100}" for row in range(start, start + 50_000)]
            writer.write(pa.table({"name": names}, schema=schema))
    places = {name: tmp_path / name for name in ("spill", "home", "tmp")}
    for place in places.values():
        place.mkdir()
    surroundings = {**os.environ, "HOME": str(places["home"]), "TMPDIR": str(places["tmp"]), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-B", "-c", SPILLING, kind, str(part), key.hex(), str(places["spill"])]
    done = subprocess.run(command, cwd=places["home"], env=surroundings, capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines()[-1:], done.returncode) == ([says], 0), done.stderr
    assert kind == "plain" or not [path for place in places.values() for path in place.rglob("*")]


@pytest.mark.parametrize("text", ["'; drop table relation_0; --", '"', "\\'", "$$", "é \u202e", "a\nb", "%(x)s", "{}"])
def test_hostile_literals_and_names_are_inert(text: str) -> None:
    with Engine() as engine:
        table = engine.register(pa.table({text: [text, "other"]}))
        assert engine.run(table.filter(table[text] == text)).column(text).to_pylist() == [text]
        assert engine.run(table.aggregate(n=table.count())).column("n").to_pylist() == [2]
