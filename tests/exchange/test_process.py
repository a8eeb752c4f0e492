"""Opening what strangers send: in a confined process, whole or not at all, and with reports that name rows and never values."""

import io
import json
import struct
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agreements.signing import Capacity, Voice
from exchange import db, schedule
from exchange.db import reading
from exchange.submissions import confined, holdings, leftovers, process
from exchange.submissions.tables import SubmissionState
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, SCHEMA, World, crimes, stream
from tests.folders import content_of, lying, put_there

CANARY = "Zebedee Quillfeather"


def refused(world: World, *parts: pa.Table | bytes, counts: list[int] | None = None, **members: Any) -> str:
    """Push, process; it must be refused with nothing left behind. The receipt's reasons, as text."""
    pushed = world.prepare(parts, counts=counts, **members)
    world.send(pushed)
    assert world.process(pushed.id) == "refused"
    receipt = world.receipt(pushed.id)
    assert (receipt.outcome, receipt.dispose_on) == ("refused", None)
    assert not list(world.hub.places.held.names())
    assert not list(world.hub.places.staging.names())
    assert not lying(world.settings, "objects")
    report = world.row(pushed.id).report
    assert report is not None
    assert CANARY not in json.dumps([report, world.row(pushed.id).receipt])
    return json.dumps([reason.document() for reason in receipt.reasons], ensure_ascii=False) + json.dumps(
        report["errors"], ensure_ascii=False
    )


def held_rows(world: World, *, supplier: str = CLEVELAND) -> pa.Table:
    dataset = world.agreement.dataset("crimes")
    assert dataset is not None
    with reading(world.hub.engine) as session:
        batches = [one for one in holdings.live(session, REFERENCE, "crimes") if one.supplier == supplier]
        return holdings.rows(session, world.hub.keyring, world.hub.places.held, batches, world.agreement, dataset).to_table()


def test_rows_are_held_rekeyed_sorted_and_otherwise_as_sent(world: World) -> None:
    sent = crimes(50, last_outcome=[f"{'Charged' if row % 2 else 'Out of court'}" for row in range(50)])
    world.hold([sent.slice(0, 30), sent.slice(30)])
    found = held_rows(world)
    assert found.num_rows == 50
    assert sorted(found.column("last_outcome").to_pylist()) == sorted(sent.column("last_outcome").to_pylist())
    pseudonyms = found.column("crime").to_pylist()
    assert len(set(pseudonyms)) == 50
    assert not set(pseudonyms) & set(sent.column("crime").to_pylist())
    first = pseudonyms[:30]
    assert first == sorted(first)
    # The same thing from another supplier gets the same pseudonym, or nothing could ever be joined.
    world.hold([sent], supplier=DURHAM)
    assert set(held_rows(world, supplier=DURHAM).column("crime").to_pylist()) == set(pseudonyms)


def test_what_is_held_is_unreadable_on_disk(world: World) -> None:
    world.hold([crimes(200)])
    [content] = lying(world.settings, "objects").values()
    assert b"Hartlepool" not in content
    assert b"crime_type" not in content
    with pytest.raises((OSError, pa.ArrowException)):
        pq.read_table(io.BytesIO(content))


def test_rows_that_break_rules_are_named_by_number_and_never_by_value(world: World) -> None:
    bad = crimes(6, authority=["Hartlepool", CANARY, "Hartlepool", None, "Hartlepool", CANARY])
    said = refused(world, crimes(4), bad)
    assert "2 rows break the rule" in said
    assert "must not be empty" in said
    assert '"rows": [6, 10]' in said
    assert '"rows": [8]' in said


def test_rows_of_another_month_or_with_a_day_are_refused(world: World) -> None:
    assert "must lie in the period 2021-04" in refused(world, crimes(2, month=date(2021, 5, 1)))
    assert "first day of a month" in refused(world, crimes(2, month=date(2021, 4, 17)))


def with_batch_length(plain: bytes, old: int, new: int) -> bytes:
    """The stream with a record batch that claims another number of rows."""
    needle, other = struct.pack("<q", old), struct.pack("<q", new)
    assert needle in plain
    return plain.replace(needle, other)


def bad_offsets(*offsets: int) -> bytes:
    """A stream, not compressed, whose text offsets point where there is nothing."""
    out = io.BytesIO()
    with pa.ipc.new_stream(out, SCHEMA) as writer:
        writer.write_table(crimes(3))
    right = struct.pack("<4i", 0, 10, 20, 30)  # three times “Hartlepool”
    assert out.getvalue().count(right) == 1
    return out.getvalue().replace(right, struct.pack("<4i", *offsets))


def bad_text() -> bytes:
    lying = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.py_buffer(struct.pack("<4i", 0, 2, 4, 6)), pa.py_buffer(b"\xff\xfe\xc3\x28\xff\xff")]
    )
    columns = crimes(3).combine_chunks().to_batches()[0].columns
    return stream(pa.table([*columns[:2], lying, *columns[3:]], schema=SCHEMA))


def renamed(**changes: Any) -> bytes:
    """A stream of three rows whose schema is almost the agreed one."""
    table = crimes(3)
    match changes:
        case {"metadata": metadata}:
            table = table.replace_schema_metadata(metadata)
        case {"field_metadata": metadata}:
            schema = pa.schema([field.with_metadata(metadata) for field in table.schema])
            table = table.cast(schema)
        case {"order": order}:
            table = table.select(order)
        case {"extra": values}:
            table = table.append_column("suspect", pa.array(values))
        case {"dictionary": name}:
            table = table.set_column(3, name, table.column(name).dictionary_encode())
        case {"large": name}:
            table = table.set_column(3, name, table.column(name).cast(pa.large_string()))
        case {"required": True}:
            table = table.cast(pa.schema([field.with_nullable(field.name == "last_outcome") for field in table.schema]))
    return stream(table)


@pytest.mark.parametrize(
    "plain",
    [
        renamed(metadata={"author": CANARY}),
        renamed(field_metadata={"author": CANARY}),
        renamed(order=["month", "crime", "authority", "crime_type", "last_outcome"]),
        renamed(order=["crime", "month", "authority", "crime_type"]),
        renamed(extra=[CANARY] * 3),
        renamed(dictionary="crime_type"),
        renamed(large="crime_type"),
        renamed(required=True),
        b"",
        b"not arrow",
        stream(crimes(3))[:-40],
        stream(crimes(3))[:200],
        with_batch_length(stream(crimes(3)), 3, 4),
        with_batch_length(stream(crimes(3)), 3, 1 << 40),
        with_batch_length(stream(crimes(3)), 3, -1),
        bad_offsets(0, 1 << 28, 1 << 29, 1 << 30),
        bad_offsets(0, 20, 10, 30),
        bad_offsets(-5, 10, 20, 30),
        bad_offsets(0, 10, 20, 31),
        bad_text(),
    ],
    ids=["metadata", "field metadata", "order", "fewer", "more", "dictionary", "large", "nullability", "empty", "junk", "cut", "cut early",
         "one row more", "a trillion rows", "minus one row", "offsets far out", "offsets that fall", "offsets below nought", "one byte more", "utf-8"],
)  # fmt: skip
def test_a_stream_that_is_not_exactly_the_agreed_one_is_refused(world: World, plain: bytes) -> None:
    said = refused(world, plain, counts=[3])
    assert "sealed parts" in said
    assert "Push the extract again" in said


def test_a_bomb_is_refused_within_its_memory(world: World) -> None:
    rows = 5_000
    wide = pa.table({**{name: crimes(rows).column(name) for name in SCHEMA.names}, "authority": ["x" * 100_000] * rows}, schema=SCHEMA)
    bomb = stream(wide)
    assert len(bomb) < world.hub.settings.part_bytes
    assert "sealed parts" in refused(world, bomb, counts=[rows])
    world.hold()  # and the hub goes on


def test_rows_that_lie_about_themselves_are_refused(world: World) -> None:
    assert "control totals" in refused(world, crimes(3), rows_digest="sha256:" + "0" * 64)
    totals = {"crime": 0, "month": 0, "authority": 0, "crime_type": 0, "last_outcome": 2}
    assert "control totals" in refused(world, crimes(3), totals=totals)
    assert "number of rows" in refused(world, crimes(3), counts=[4])
    assert "number of rows" in refused(world, crimes(3), crimes(2), counts=[2, 3])


def test_a_part_sealed_for_another_place_does_not_open(world: World) -> None:
    swapped = world.prepare([crimes()], upload="0" * 32)
    other = world.prepare([crimes()], upload="1" * 32, parts=[part.document() for part in swapped.manifest.parts])
    other.parts = swapped.parts
    world.send(other)
    assert world.process(other.id) == "refused"
    assert "does not open" in world.receipt(other.id).reasons[0].reason


def test_a_part_altered_in_staging_is_noticed(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.send(pushed)
    staging = world.hub.places.staging
    [name] = staging.names()
    content = bytearray(content_of(staging, name))
    content[-1] ^= 1
    put_there(staging, name, bytes(content))
    assert world.process(pushed.id) == "refused"
    assert "digest" in world.receipt(pushed.id).reasons[0].reason


def test_what_was_suspended_meanwhile_waits_and_what_was_resumed_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = world.prepare([crimes()])
    world.send(pushed)
    really = confined.run

    def suspended_meanwhile(job: Any) -> dict[str, Any]:
        world.say(OPERATOR, Capacity.DPO, Voice.SUSPEND)
        return really(job)

    with monkeypatch.context() as patch:
        patch.setattr(confined, "run", suspended_meanwhile)
        assert world.process(pushed.id) == "complete"
    assert not lying(world.settings, "objects")
    writing = db.writing

    def resume_first(engine: Any) -> Any:
        patch.setattr(process, "writing", writing)
        world.say(OPERATOR, Capacity.SIGNATORY, Voice.RESUME)
        return writing(engine)

    with monkeypatch.context() as patch:
        patch.setattr(process, "writing", resume_first)
        assert world.process(pushed.id) == "complete"
    assert world.process(pushed.id) == "held"


def test_one_that_cannot_be_processed_keeps_no_other_waiting(world: World) -> None:
    stuck, free = world.prepare([crimes()]), world.prepare([crimes(4)], supplier=DURHAM)
    world.send(stuck)
    world.clock.forward(seconds=1)
    world.send(free, DURHAM)
    name = f"submission/{stuck.id}"
    world.hub.keyring.store.destroy(name)  # the keystore says no, for whatever reason
    with pytest.raises(Exception, match="destroyed"):
        schedule.process_pending(world.hub)
    assert world.row(free.id).state == SubmissionState.HELD
    assert world.row(stuck.id).state == SubmissionState.COMPLETE


def test_leftovers_of_a_killed_process_go_and_nothing_that_counts(world: World) -> None:
    held = world.hold()
    waiting = world.prepare([crimes(9)], supplier=DURHAM)
    world.send(waiting, DURHAM)
    before = lying(world.settings, "objects", "staging")
    for place in (world.hub.places.held, world.hub.places.staging):
        place.draft("aa.1.parquet").write_bytes(b"half")
        whole = place.draft("bb.1.parquet")
        whole.write_bytes(b"whole, but nobody's")
        place.keep(whole, "bb.1.parquet")
    assert leftovers.tidy(world.hub.engine, world.hub.places) == 4
    assert lying(world.settings, "objects", "staging") == before
    assert world.process(waiting.id) == "held"
    assert held_rows(world).num_rows == world.receipt(held.id).rows
