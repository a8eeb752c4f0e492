"""Streams that lie, opened as parts are: each is refused or is what it says; none hangs, none crashes, none gets more memory than is allowed."""

import io
import json
import os
import random
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from agreements.fields import PseudonymiseRule
from keys.encoding import b64
from keys.seal import EncryptionKey
from tests.exchange.standing import ROOT, SCHEMA, World, crimes, stream

# As exchange.submissions.confined starts it: every thread and arena more takes of the address space that is capped.
AS_THERE = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# And as it starts: without pandas.
PROGRAM = "from exchange import without_pandas; without_pandas.keep_out(); from tests.exchange.opener_fuzz import main; main()"
EXTREMES = (0, 1, -1, 0x7FFFFFFF, -0x80000000, 0x7FFFFFF8, 1 << 20)
Streams = dict[str, bytes]


def plainly(table: pa.Table, rows: int | None = None, **options: object) -> bytes:
    """A stream, of batches of so many rows each."""
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows)
    return out.getvalue()


def honest() -> Streams:
    table = crimes(120)
    return {
        "zstd": stream(crimes(3)),
        "plain": plainly(table, 50),
        "batches": plainly(table, 50, compression="zstd"),
        "lz4": plainly(table, 50, compression="lz4"),
        "empty": stream(crimes(0)),
    }


def cut(base: bytes) -> Iterator[bytes]:
    step = max(1, len(base) // 30)
    yield from (base[:end] for end in range(0, len(base), step))


def flipped(base: bytes, chance: random.Random) -> Iterator[bytes]:
    for _ in range(60):
        changed = bytearray(base)
        for _ in range(chance.choice((1, 1, 3, 10))):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        yield bytes(changed)


def words(base: bytes) -> Iterator[bytes]:
    """Every four bytes of a small stream, lengths, offsets and counts among them, made extreme."""
    for place in range(0, min(len(base), 1_600) - 4, 4):
        yield base[:place] + struct.pack("<i", EXTREMES[place // 4 % len(EXTREMES)]) + base[place + 4 :]


def long_words(base: bytes) -> Iterator[bytes]:
    """Eight bytes at a time: lengths of buffers and of their unpacked contents."""
    for place in range(0, min(len(base), 2_400) - 8, 8):
        yield base[:place] + struct.pack("<q", (1 << 62, -1, 1 << 40, (1 << 31) + 8)[place // 8 % 4]) + base[place + 8 :]


def spliced(one: bytes, other: bytes) -> Iterator[bytes]:
    yield from (one + other, one[:-8] + other, one[: len(one) // 2] + other[len(other) // 2 :], other[:200] + one[200:], one[:-8] * 3)


def other_shapes() -> Streams:
    """Whole and well-formed streams of what is not agreed: nested, dictionaries of dictionaries, views, extensions, endless metadata."""
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array(["x" * 50, "y"]))
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array([{"a": "x"}, {"a": "y"}]))
    deep = pa.array([None], pa.null())
    for _ in range(60):
        deep = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), deep)
    found = {
        "dictionary": pa.table({"crime": codes}),
        "dictionary of structures": pa.table({"crime": twice}),
        "deep": pa.table({"crime": deep}),
        "views": pa.table({"crime": pa.array(["x" * 40], pa.string_view())}),
        "structures": pa.table({"crime": [{"a": [1, 2, {"b": 3}["b"]]}]}),
        "many columns": pa.table({f"c{number}": [1] for number in range(5_000)}),
        "long name": pa.table({"x" * (4 << 20): [1]}),
        "metadata": crimes(3).replace_schema_metadata({"x": "y" * (8 << 20)}),
        "many keys": crimes(3).replace_schema_metadata({str(number): "y" for number in range(50_000)}),
        "large": crimes(3).cast(
            pa.schema([field.with_type(pa.large_string()) if field.type == pa.string() else field for field in SCHEMA])
        ),
        "run ends": pa.table({"crime": pa.RunEndEncodedArray.from_arrays(pa.array([1 << 30], pa.int32()), pa.array(["x"]))}),
        "nothing but nulls": pa.table({"crime": pa.nulls(1 << 20)}),
    }
    made = {name: plainly(table) for name, table in found.items()}
    file = io.BytesIO()
    with pa.ipc.new_file(file, SCHEMA) as writer:
        writer.write_table(crimes(3))
    return made | {"a file": file.getvalue(), "junk": random.Random(1).randbytes(4_096), "nothing": b"", "zeros": bytes(65_536)}


def bombs() -> Streams:
    """Small streams of the agreed schema that unpack to more than there is."""
    rows = 4_000
    wide = crimes(rows, authority=["x" * 200_000] * rows)
    one = crimes(1, authority=["y" * (900 << 20)])
    return {"many long texts": stream(wide), "one long text": stream(one)}


def whole_set() -> Streams:
    chance, bases = random.Random(20261122), honest()
    found: Streams = {f"honest {name}": content for name, content in bases.items()}
    for name, base in bases.items():
        for kind, made in (("cut", cut(base)), ("flipped", flipped(base, chance))):
            found |= {f"{kind} {name} {number}": content for number, content in enumerate(made)}
    for kind, made in (
        ("word", words(bases["zstd"])),
        ("long word", long_words(bases["zstd"])),
        ("long word plain", long_words(bases["plain"])),
    ):
        found |= {f"{kind} {number}": content for number, content in enumerate(made)}
    found |= {f"spliced {number}": content for number, content in enumerate(spliced(bases["zstd"], bases["plain"]))}
    return (
        found
        | {f"shape {name}": content for name, content in other_shapes().items()}
        | {f"bomb {name}": content for name, content in bombs().items()}
    )


def opened(first_world: World, folder: Path, made: Streams) -> dict[str, str]:
    """How each stream ended, in a process of its own with the real limits."""
    for name, content in made.items():
        (folder / f"{name}.arrows").write_bytes(content)
    agreement = first_world.agreement
    dataset = agreement.dataset("crimes")
    assert dataset is not None
    kinds = {one.rule.kind for one in dataset.fields if isinstance(one.rule, PseudonymiseRule)}
    job = {
        "agreement": first_world.row_canonical().decode(),
        "dataset": "crimes",
        "sealing": b64(EncryptionKey.generate().private),
        "rekeys": {kind: b64(np.random.default_rng(7).bytes(32)) for kind in kinds},
        "period": "2021-04",
        "info": {},
        "part_rows": 5_000,
        "memory": 600 << 20,
        "seconds": 60,
        "parts": [],
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        input=json.dumps(job).encode(),
        capture_output=True,
        env={**os.environ, **AS_THERE},
        cwd=ROOT,
        check=True,
        timeout=280,
    )
    found: dict[str, str] = json.loads(done.stdout)
    assert set(found) == set(made)
    return found


def require_opened_or_refused(outcomes: dict[str, str]) -> None:
    counted = Counter(outcomes.values())
    assert set(counted) <= {"ok", "refused"}, {name: one for name, one in outcomes.items() if one not in ("ok", "refused")}
    assert counted["refused"] > counted.total() / 3


@pytest.fixture(scope="module")
def outcomes(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every honest stream, every other shape, every bomb; and every sixth of those that were changed at some place."""
    made = whole_set()
    some = {name for name in made if name.startswith(("honest", "shape", "bomb"))} | set(sorted(made)[::6])
    return opened(first_world, tmp_path_factory.mktemp("streams"), {name: made[name] for name in some})


def test_streams_are_opened_or_refused_and_none_hangs_or_crashes(outcomes: dict[str, str]) -> None:
    assert len(outcomes) > 150
    require_opened_or_refused(outcomes)


@pytest.mark.slow
def test_every_changed_stream_is_opened_or_refused(first_world: World, tmp_path: Path) -> None:
    made = whole_set()
    assert len(made) > 800
    require_opened_or_refused(opened(first_world, tmp_path, made))


def test_honest_streams_are_opened_and_everything_of_another_shape_is_refused(outcomes: dict[str, str]) -> None:
    assert {name: one for name, one in outcomes.items() if name.startswith("honest")} == {f"honest {name}": "ok" for name in honest()}
    for kind in ("shape", "bomb"):
        found = {name: one for name, one in outcomes.items() if name.startswith(kind)}
        assert found
        assert set(found.values()) == {"refused"}, found


def test_the_program_tells_a_crash_from_a_refusal(tmp_path: Path) -> None:
    """The control: a child that crashes, or never ends, is said to have done so."""
    script = (
        "import os, signal, tests.exchange.opener_fuzz as f\n"
        "f.Job.read = classmethod(lambda *_: None)\n"
        "f.child = lambda job, plain, *_: os.kill(os.getpid(), signal.SIGSEGV if plain == b'crash' else signal.SIGALRM)\n"
        "f.main()"
    )
    for name in ("crash", "hang"):
        (tmp_path / f"{name}.arrows").write_text(name)
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, input=b'{"memory": 1}', capture_output=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout) == {"crash": "signal 11", "hang": "signal 14"}
