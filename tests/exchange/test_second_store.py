"""The second store: every entry is in it before anybody is answered, whatever fails; and it tells a restored database from a whole one."""

import fcntl
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from exchange.db import reading, writing
from exchange.errors import Conflict, Misconfigured, Unacceptable, Unavailable
from exchange.log import flushing, folder_store, second, segments
from exchange.log.export import export, verify
from exchange.log.folder_store import FolderStore
from exchange.log.record import Event, Operation, append, checkpoint, put_back, size
from exchange.log.redaction import redact, redaction_of
from exchange.log.second import Ahead, Behind, Forked, GapError, Same, SecondStore, compare
from exchange.log.tables import EntryRow
from keys.encoding import b64
from tests.exchange.standing import CLEVELAND, ROOT, World, problem
from tests.folders import folder_of

EVENT = Event(Operation.SECURITY, "who", "organisation", "", "something happened", "subject")


def grown(world: World, count: int) -> None:
    for _ in range(count):
        with writing(world.hub.engine) as session:
            append(session, EVENT, world.clock())


def line(number: int, words: str = "") -> dict[str, Any]:
    return {"number": number, "leaf": b64(number.to_bytes(32, "big")), "salt": b64(bytes(32)), "entry": {"number": number, "what": words}}


def held(world: World) -> list[dict[str, Any]]:
    """What an export of the database has, which the store must have too."""
    with reading(world.hub.engine) as session:
        found: list[dict[str, Any]] = json.loads(json.dumps(list(export(session, world.hub.keyring.signing("log")))[1:]))
    return found


def standing_of(world: World, store: SecondStore | None = None, *, whole: bool = True) -> second.Comparison:
    with reading(world.hub.engine) as session:
        return compare(session, store or world.hub.second, whole=whole)


def entries(world: World) -> int:
    with reading(world.hub.engine) as session:
        return size(session)


# ---------------------------------------------------------------------------------------------------------- what it holds


def test_whatever_is_committed_is_in_it_and_what_is_not_is_not(world: World) -> None:
    world.hold()
    store = FolderStore(folder_of(world.hub.settings.second_store))
    assert list(store.lines()) == held(world)
    before = store.size()

    def fail() -> None:
        with writing(world.hub.engine) as session:
            append(session, EVENT, world.clock())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.size() == before == entries(world)
    with writing(world.hub.engine) as session:
        append(session, EVENT, world.clock())
        append(session, EVENT, world.clock())
    assert store.size() == before + 2
    assert standing_of(world) == Same(before + 2)


def test_threads_and_processes_share_it(world: World) -> None:
    before = entries(world)
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path; from exchange.db import make_engine, writing;"
        "from exchange.log import flushing; from exchange.log.record import *; from exchange.log.folder_store import FolderStore;"
        "engine = make_engine(sys.argv[1]); flushing.attach(engine, FolderStore(Path(sys.argv[2])))\n"
        "for _ in range(8):\n"
        "    with writing(engine) as session:\n"
        "        append(session, Event(Operation.SECURITY, 'w', 'o', '', 'x', 's'), datetime.now(UTC))\n"
    )
    hub = world.hub
    running = subprocess.Popen([sys.executable, "-c", program, hub.settings.database_url, folder_of(hub.settings.second_store)], cwd=ROOT)
    threads = [threading.Thread(target=grown, args=(world, 8)) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert running.wait() == 0
    assert standing_of(world) == Same(before + 24)
    assert list(FolderStore(folder_of(world.hub.settings.second_store)).lines()) == held(world)


def test_those_who_wait_share_one_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)
    store.extend([line(0)])
    flushes, real = [], segments.write_durably

    def counted(path: Path, content: bytes, how: int) -> None:
        flushes.append(path)
        real(path, content, how)

    monkeypatch.setattr("exchange.log.folder_store.write_durably", counted)
    with (tmp_path / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threads = [threading.Thread(target=store.extend, args=([line(number)],)) for number in range(1, 9)]
        for one in threads:
            one.start()
        while len(store._waiting) < 8:
            threading.Event().wait(0.01)
    for one in threads:
        one.join()
    assert list(store.lines()) == [line(number) for number in range(9)]
    assert len(flushes) == 1


@settings(max_examples=40)
@given(data=st.data())
def test_however_it_is_added_cut_and_reopened_it_holds_the_same_lines(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, wanted = tmp_path_factory.mktemp("leaves"), [line(number, "ü" * (number % 3)) for number in range(30)]
    store, done = FolderStore(folder), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_store, "SEGMENT", data.draw(st.integers(1, 8)))
        while done < len(wanted):
            more = data.draw(st.integers(1, 9))
            overlap = data.draw(st.integers(0, min(3, done)))
            store.extend(wanted[done - overlap : done + more])
            done = min(done + more, len(wanted))
            if data.draw(st.booleans()):  # a crash in the middle of the next line
                torn = json.dumps(line(done)).encode()[: data.draw(st.integers(1, 60))]
                with max(folder.glob("*.jsonl")).open("ab") as file:
                    file.write(torn + bytes(data.draw(st.integers(0, 2))))
                store = FolderStore(folder)
            assert store.size() == done
        begins = data.draw(st.integers(0, 31))
        assert list(store.lines(begins)) == wanted[begins:]


def test_a_gap_and_another_entry_of_the_same_number_are_not_written(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.extend([line(0), line(1)])
    with pytest.raises(GapError):
        store.extend([line(3)])
    with pytest.raises(Misconfigured, match="another one in the second store"):
        store.extend([{**line(1), "leaf": b64(bytes(32))}, line(2)])
    assert list(store.lines()) == [line(0), line(1)]


@pytest.mark.parametrize("change", ["other letters", "dropped", "not json"])
def test_damage_that_no_crash_leaves_is_said(tmp_path: Path, change: str) -> None:
    FolderStore(tmp_path).extend([line(number) for number in range(5)])
    path = tmp_path / "000000000000.jsonl"
    raw = path.read_bytes().splitlines(keepends=True)
    match change:
        case "other letters":
            raw[2] = raw[2].replace(b'"number": 2, "leaf"', b'"number": 7, "leaf"')
        case "dropped":
            del raw[2]
        case _:
            raw[2] = b"nothing\n"
    path.write_bytes(b"".join(raw))
    with pytest.raises(Misconfigured, match="damaged at entry 2"):
        FolderStore(tmp_path).size()
    with pytest.raises(Misconfigured, match="damaged at entry 2"):
        list(FolderStore(tmp_path).lines())


# -------------------------------------------------------------------------------------------------------- where it stands


def test_a_store_that_lacks_entries_is_caught_up_at_the_start(world: World) -> None:
    grown(world, 5)
    total = entries(world)
    for cut in (3, total):
        (path,) = folder_of(world.hub.settings.second_store).glob("*.jsonl")
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[: total - cut]))
        again = world.restarted()
        assert standing_of(again) == Behind(total - cut, total)
        assert flushing.start(again.hub.engine, again.hub.second) == cut
        assert list(again.hub.second.lines()) == held(world)
        assert flushing.start(again.hub.engine, again.hub.second) == 0


def test_a_restored_database_is_told_refused_and_made_whole_again(world: World, tmp_path: Path) -> None:
    old = world.copy(tmp_path / "backup")
    try:
        total = entries(old)
        grown(world, 4)
        store = FolderStore(folder_of(world.hub.settings.second_store))
        assert standing_of(old, store) == Ahead(total + 4, total)
        assert standing_of(world, FolderStore(folder_of(old.hub.settings.second_store))) == Behind(total, total + 4)
        flushing.attach(old.hub.engine, store)
        with pytest.raises(Misconfigured, match="restored from a backup"):
            flushing.start(old.hub.engine, store)
        with pytest.raises(Misconfigured, match="restored from a backup"):
            grown(old, 1)
        assert entries(old) == total
        with writing(old.hub.engine) as session:
            for one in store.lines(total):
                put_back(session, one)
        assert standing_of(old, store) == Same(total + 4)
        assert held(old) == held(world)
        with reading(old.hub.engine) as mine, reading(world.hub.engine) as theirs:
            assert checkpoint(mine) == checkpoint(theirs)
            columns = (EntryRow.who, EntryRow.what, EntryRow.subject, EntryRow.organisation, EntryRow.operation, EntryRow.reference)
            query = select(EntryRow.number, *columns).order_by(EntryRow.number)
            assert mine.execute(query).all() == theirs.execute(query).all()
        grown(old, 1)
        assert standing_of(old, store) == Same(total + 5)
    finally:
        old.close()


def test_another_log_is_told_whether_longer_or_shorter(world: World, tmp_path: Path) -> None:
    old = world.copy(tmp_path / "backup")
    try:
        total = entries(old)
        grown(world, 4)
        grown(old, 2)
        ours, theirs = FolderStore(folder_of(world.hub.settings.second_store)), FolderStore(folder_of(old.hub.settings.second_store))
        for whole in (True, False):
            assert standing_of(old, ours, whole=whole) == Forked(total)
            assert standing_of(world, theirs, whole=whole) == Forked(total)
        flushing.attach(old.hub.engine, ours)
        with pytest.raises(Misconfigured, match="is another one"):
            grown(old, 1)
        assert entries(old) == total + 2
    finally:
        old.close()


def test_an_entry_put_back_must_be_the_next_and_be_what_was_logged(world: World) -> None:
    grown(world, 1)
    last = list(world.hub.second.lines())[-1]
    with writing(world.hub.engine) as session, pytest.raises(Misconfigured, match="the next entry"):
        put_back(session, last)
    forged = {**last, "number": last["number"] + 1}
    with writing(world.hub.engine) as session, pytest.raises(Exception, match="not what was logged"):
        put_back(session, {**forged, "entry": {**last["entry"], "what": "else"}})


# ------------------------------------------------------------------------------------------------------------ when it fails


def broken(world: World) -> Path:
    """Put a file in the place of the store's folder, as a disk that is not there would."""
    folder = folder_of(world.hub.settings.second_store)
    away = folder.rename(folder.with_name("away"))
    folder.touch()
    return away


def mended(world: World, away: Path) -> None:
    folder = folder_of(world.hub.settings.second_store)
    folder.unlink()
    away.rename(folder)


def test_when_it_fails_the_caller_is_told_and_nothing_more_is_done_until_it_is_mended(world: World) -> None:
    grown(world, 1)
    before = entries(world)
    away = broken(world)
    with pytest.raises(Unavailable, match="is done, and is found") as told:
        grown(world, 1)
    assert (told.value.status, told.value.code) == (503, "second-store")
    assert entries(world) == before + 1
    for _ in range(2):
        with pytest.raises(Unavailable, match="nothing was kept"):
            grown(world, 1)
    assert entries(world) == before + 1
    mended(world, away)
    grown(world, 1)
    assert standing_of(world) == Same(before + 2)


def test_a_submission_repeated_after_it_failed_is_the_one_that_was_taken(world: World) -> None:
    push = world.prepare()
    away = broken(world)
    answer = world.call("post", "/v1/submissions", CLEVELAND, json=push.signed)
    problem(answer, 503, "second-store")
    assert answer.headers["Retry-After"] == "30"
    again = world.call("post", "/v1/submissions", CLEVELAND, json=push.signed)
    problem(again, 503, "second-store")  # it is there, and not yet safe: nobody is told so
    mended(world, away)
    answer = world.call("post", "/v1/submissions", CLEVELAND, json=push.signed)
    assert answer.status_code in (200, 201), answer.text
    with reading(world.hub.engine) as session:
        opened = select(func.count()).select_from(EntryRow).where(EntryRow.what == "submission opened")
        assert session.execute(opened).scalar_one() == 1
    assert standing_of(world) == Same(entries(world))


def test_a_full_disk_leaves_no_half_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """``/dev/full`` answers as a full disk does; the draft of the line is taken away."""
    grown(world, 1)
    before = list(world.hub.second.lines())
    real = segments.write_durably

    def full(path: Path, content: bytes, how: int) -> None:
        real(path, content[:40], how)
        Path("/dev/full").write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr("exchange.log.folder_store.write_durably", full)
        with pytest.raises(Unavailable):
            grown(world, 1)
    assert list(FolderStore(folder_of(world.hub.settings.second_store)).lines()) == before
    grown(world, 1)
    assert list(world.hub.second.lines()) == held(world)


# -------------------------------------------------------------------------------------------------------------- redaction


def test_a_redacted_entry_is_gone_from_both_and_the_tree_still_verifies(world: World) -> None:
    grown(world, 2)
    number = entries(world) - 1
    with reading(world.hub.engine) as session:
        old = checkpoint(session)
    with writing(world.hub.engine) as session:
        said = redact(session, number, "a-person", "It named somebody.", world.clock)
    assert said == number + 1
    lines = held(world)
    assert set(lines[number]) == {"number", "leaf"}
    assert list(FolderStore(folder_of(world.hub.settings.second_store)).lines()) == lines
    found = lines[said]["entry"]
    assert (found["operation"], found["who"], found["subject"], found["organisation"]) == (
        "erasure",
        "a-person",
        str(number),
        "organisation",
    )
    key = world.hub.keyring.signing("log")
    with reading(world.hub.engine) as session:
        assert verify(json.loads(json.dumps(list(export(session, key)))), key.public.fingerprint)[1] == 1
        assert checkpoint(session).size == old.size + 1
        told = redaction_of(session, number)
        assert told is not None
        assert (told.reason, told.by) == ("It named somebody.", said)
        assert redaction_of(session, number - 1) is None


def test_a_redaction_cut_short_is_finished_at_the_start(world: World) -> None:
    grown(world, 2)
    number = entries(world) - 1
    whole = {path: path.read_bytes() for path in folder_of(world.hub.settings.second_store).glob("*.jsonl")}
    with writing(world.hub.engine) as session:
        redact(session, number, "a-person", "It named somebody.", world.clock)
    for path, content in whole.items():  # as it was when the database had committed and the store was not yet written
        path.write_bytes(content)
    again = world.restarted()
    assert flushing.start(again.hub.engine, again.hub.second) == 1
    assert list(again.hub.second.lines()) == held(world)


def test_what_a_restored_database_brings_back_is_redacted_again(world: World, tmp_path: Path) -> None:
    grown(world, 1)
    number = entries(world) - 1
    old = world.copy(tmp_path / "backup")
    try:
        with writing(world.hub.engine) as session:
            redact(session, number, "a-person", "It named somebody.", world.clock)
        store = FolderStore(folder_of(world.hub.settings.second_store))
        flushing.attach(old.hub.engine, store)
        with writing(old.hub.engine) as session:
            for one in store.lines(number + 1):
                put_back(session, one)
        assert flushing.start(old.hub.engine, store) == 0
        assert held(old) == held(world)
        assert set(held(old)[number]) == {"number", "leaf"}
    finally:
        old.close()


def test_what_is_not_redacted(world: World) -> None:
    grown(world, 1)
    number = entries(world) - 1
    with writing(world.hub.engine) as session:
        said = redact(session, number, "a-person", "It named somebody.", world.clock)
    for which, error in ((number, Conflict), (said, Conflict), (10**6, Exception)):
        with writing(world.hub.engine) as session, pytest.raises(error):
            redact(session, which, "a-person", "why not", world.clock)
    with writing(world.hub.engine) as session, pytest.raises(Unacceptable):
        redact(session, 1, "a-person", " ", world.clock)
    assert entries(world) == said + 1


def test_a_bad_spot_before_whole_lines_is_damage_and_nothing_is_taken_away(tmp_path: Path) -> None:
    FolderStore(tmp_path).extend([line(number) for number in range(6)])
    [path] = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    spot = whole.index(b'"leaf": "', len(whole) // 2) + 12
    bad = whole[:spot] + b"\0" + whole[spot + 1 :]
    path.write_bytes(bad)
    with pytest.raises(Misconfigured, match="damaged at entry"):
        FolderStore(tmp_path).size()
    assert path.read_bytes() == bad
