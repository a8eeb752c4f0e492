"""A join that is made bucket by bucket has the answer of the join of all rows, and is made so where all rows would not fit."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.release import Release
from exchange.releases.buckets import divided_by, in_buckets
from exchange.releases.engine import PSEUDONYM, Engine, in_bytes
from exchange.releases.errors import EngineError, OutOfMemory
from exchange.releases.reading import Relations
from exchange.releases.tabulate import tabulate
from keys.parquet import EncryptedWriter, decrypting_dataset, new_data_key
from tests.exchange.releases import joined_world, world
from tests.exchange.releases.joined_naive import read
from tests.exchange.releases.test_joining import RELEASES, WORLDS

BUCKETS = st.sampled_from([1, 2, 8])


@contextmanager
def cut_into(buckets: int) -> Iterator[list[int]]:
    """Every engine cuts into so many; what it was asked to cut."""
    asked: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "buckets", lambda *_: buckets)
        cut = Engine.cut

        def told(self: Engine, table: Any, name: str, number: int, of: int) -> Any:
            asked.append(number)
            return cut(self, table, name, number, of)

        patch.setattr(Engine, "cut", told)
        yield asked


def scattered(relations: joined_world.World) -> joined_world.World:
    """Pseudonyms over all buckets: the small numbers of the world are the first bytes of theirs."""
    keys = {name for kinds in joined_world.TYPES.values() for name, kind in kinds.items() if kind == joined_world.KEY}
    return {
        place: [{name: (value * 47 % 256 if name in keys and value is not None else value) for name, value in row.items()} for row in rows]
        for place, rows in relations.items()
    }


@settings(max_examples=6, deadline=None)
@given(of=WORLDS, release=RELEASES, buckets=BUCKETS)
def test_units_are_the_same_whatever_the_number_of_buckets(of: Any, release: Release, buckets: int) -> None:
    of = scattered(of)
    with cut_into(buckets):
        found = joined_world.told(joined_world.units_of(joined_world.relations(of), release), release)
    assert found == read(of, release)


@pytest.mark.parametrize("buckets", [8])
def test_tables_are_the_same_and_so_are_sums_of_record_keys(buckets: int) -> None:
    periods = world.periods("2021-04", "2021-05")
    rows = world.relations(periods)
    whole = tabulate(world.release(), world.agreement(), rows, periods, record_key=bytes(32))
    with cut_into(buckets) as asked:
        assert tabulate(world.release(), world.agreement(), rows, periods, record_key=bytes(32)) == whole
    assert set(asked) == set(range(buckets))
    assert divided_by(world.release(), world.agreement()) == {"crimes": "crime", "outcomes": "crime"}


def test_buckets_are_taken_where_memory_is_short_and_the_answer_is_the_same() -> None:
    rows = 200_000
    random = np.random.default_rng(5)
    names = random.bytes(16 * rows)
    ids = pa.FixedSizeBinaryArray.from_buffers(PSEUDONYM, rows, [None, pa.py_buffer(names)])
    held = {}
    for place, table in world.small([("a", "2021-04", "E01012052", "Drugs", "")], [("a", "2021-04", "Offender given a caution")]).items():
        many = table.take(pa.array(np.zeros(rows if table.num_rows else 0, dtype=np.int64)))
        held[place] = many.set_column(0, "crime", ids) if table.num_rows else many
    periods = world.periods("2021-04", "2021-04")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "buckets", lambda *_: 1)  # so that it must find out
        failures: list[str] = []
        run = Engine.run

        def told(self: Engine, expression: Any) -> pa.Table:
            try:
                return run(self, expression)
            except OutOfMemory:
                failures.append("too little")
                raise

        patch.setattr(Engine, "run", told)
        whole = tabulate(world.release(), world.agreement(), held, periods, memory="2GB")
        assert not failures
        assert tabulate(world.release(), world.agreement(), held, periods, memory="16MB") == whole
    assert failures


def test_what_one_bucket_registers_is_gone_when_the_next_is_made() -> None:
    made: list[weakref.ref[pa.Table]] = []
    with Engine() as engine:
        known = {("crimes", "a"): engine.register(pa.table({"id": pa.array([bytes([one]) + bytes(15) for one in range(256)], PSEUDONYM)}))}

        def make(rows: Relations) -> int:
            assert [one() for one in made] == [None] * len(made)
            keys = pa.table({"key": np.arange(engine.run(rows["crimes", "a"]).num_rows)})
            made.append(weakref.ref(keys))
            return int(engine.run(engine.register(keys)).num_rows)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Engine, "buckets", lambda *_: 8)
            assert in_buckets(engine, known, {"crimes": "id"}, make) == [32] * 8
        assert engine.run(known["crimes", "a"]).num_rows == 256


def test_rows_that_would_not_fit_are_counted_beforehand() -> None:
    table = pa.table({"id": pa.array([bytes(16)] * 1000, PSEUDONYM)})
    for memory, buckets in (("1GB", 1), ("48KB", 1), ("47KB", 2), ("24KB", 2), ("6KiB", 8)):
        with Engine(memory="1GB") as engine:
            known = engine.register(table)
            engine._limit = in_bytes(memory)
            assert engine.buckets([known]) == buckets, memory
    with pytest.raises(EngineError, match="with its unit"):
        in_bytes("plenty")


@settings(max_examples=8, deadline=None)
@given(chance=st.integers(0, 2**32), buckets=BUCKETS)
def test_buckets_hold_every_row_once_and_equal_pseudonyms_together(chance: int, buckets: int) -> None:
    random = np.random.default_rng(chance)
    ids = [None if one == 0 else bytes([one]) + bytes(15) for one in random.integers(0, 256, 60).tolist()]
    table = pa.table({"id": pa.array(ids, PSEUDONYM), "row": np.arange(60)})
    found = []
    with Engine() as engine:
        known = engine.register(table)
        for number in range(buckets):
            part = engine.run(engine.cut(known, "id", number, buckets))
            found.append({ids[row] for row in part["row"].to_pylist()})
            assert sorted(found[-1], key=lambda one: one or b"") == sorted(set(found[-1]), key=lambda one: one or b"")
    for number, one in enumerate(found):
        assert all((0 if name is None else name[0] * buckets // 256) == number for name in one)
    assert set().union(*found) == set(ids)


def test_of_a_sorted_part_no_more_is_read_than_reaches_into_the_bucket(tmp_path: Path) -> None:
    rows = 1 << 18
    ids = np.zeros((rows, 2), dtype=">u8")
    ids[:, 0] = np.sort(np.random.default_rng(3).integers(0, 2**63, rows)).astype(np.uint64) * 2
    table = pa.table(
        {"id": pa.FixedSizeBinaryArray.from_buffers(PSEUDONYM, rows, [None, pa.py_buffer(ids.tobytes())]), "n": np.arange(rows)}
    )
    key = new_data_key()
    with EncryptedWriter(tmp_path / "part", table.schema, key, "part") as writer:
        writer.write(table)
    whole = decrypting_dataset([(tmp_path / "part", key, "part")], table.schema)
    bucket = pc.field("id") < pa.scalar(bytes([16]) + bytes(15), PSEUDONYM)
    [part] = whole.get_fragments()
    assert part.num_row_groups == 8
    assert len(part.split_by_row_group(filter=bucket, schema=table.schema)) == 1
