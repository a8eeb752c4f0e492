"""The log: written with what it records, only growing, and verified by whoever has it, without the hub."""

import copy
import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from exchange.db import reading, writing
from exchange.errors import Misconfigured, NotFound
from exchange.log.export import export, verify
from exchange.log.own import PAGE
from exchange.log.record import Event, Operation, append, checkpoint, consistency, inclusion, size
from exchange.log.tables import EntryRow, HeadRow
from exchange.migrate import configuration, upgrade
from keys import merkle
from keys.checkpoint import log_leaf, verify_checkpoint
from keys.encoding import unb64
from keys.errors import BadProof, KeysError
from tests.exchange.standing import CLEVELAND, DURHAM, TEAM, World, problem

EVENT = Event(Operation.SECURITY, "who", "organisation", "", "something happened", "subject")


def exported(world: World) -> tuple[list[dict[str, Any]], str]:
    key = world.hub.keyring.signing("log")
    with reading(world.hub.engine) as session:
        return json.loads(json.dumps(list(export(session, key)))), key.public.fingerprint


def grown(world: World, count: int) -> None:
    for _ in range(count):
        with writing(world.hub.engine) as session:
            append(session, EVENT, world.clock())


def test_no_entry_without_its_change_and_no_change_without_its_entry(world: World) -> None:
    with reading(world.hub.engine) as session:
        before = checkpoint(session)

    def fail() -> None:
        with writing(world.hub.engine) as session:
            append(session, EVENT, world.clock())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(world.hub.engine) as session:
        assert checkpoint(session) == before
        assert session.execute(select(EntryRow).where(EntryRow.number == before.size)).scalar_one_or_none() is None


def test_time_never_runs_backwards(world: World) -> None:
    with writing(world.hub.engine) as session:
        first = append(session, EVENT, world.clock())
        second = append(session, EVENT, world.clock() - timedelta(days=3))
        third = append(session, EVENT, world.clock() + timedelta(seconds=1))
    with reading(world.hub.engine) as session:
        times = [session.get_one(EntryRow, number).at for number in (first, second, third)]
    assert times == [world.clock(), world.clock(), world.clock() + timedelta(seconds=1)]


def test_entries_have_the_shape_of_section_62_and_no_values(world: World) -> None:
    world.hold()
    lines, _ = exported(world)
    members = {"number", "at", "operation", "who", "organisation", "purpose", "what", "subject", "recipient", "details"}
    assert all(set(line["entry"]) == members for line in lines[1:])
    assert {line["entry"]["operation"] for line in lines[1:]} <= {operation.value for operation in Operation}
    assert "Hartlepool" not in json.dumps(lines)


def test_every_size_is_consistent_with_every_later_one_and_every_entry_included(world: World) -> None:
    grown(world, 9)
    with reading(world.hub.engine) as session:
        total = size(session)
        leaves = session.execute(select(EntryRow.leaf).order_by(EntryRow.number)).scalars().all()
        nodes: dict[tuple[int, int], bytes] = {}
        for level, index, value in merkle.grow(0, leaves, lambda level, index: nodes[level, index]):
            nodes[level, index] = value
        roots = {count: merkle.root(count, lambda level, index: nodes[level, index]) for count in range(1, total + 1)}
        assert checkpoint(session).root == roots[total]
        for old in range(1, total + 1, 3):
            for new in range(old, total + 1):
                merkle.verify_consistency(old, new, roots[old], roots[new], consistency(session, old, new))
        for number in range(0, total, 3):
            merkle.verify_inclusion(leaves[number], number, total, inclusion(session, number, total), roots[total])
            with pytest.raises(BadProof):
                merkle.verify_inclusion(leaves[number - 1], number, total, inclusion(session, number, total), roots[total])


@pytest.mark.parametrize(("old", "new"), [(0, 1), (2, 1), (1, 10**6), (-1, 1)])
def test_a_proof_of_what_is_not_there_is_refused(world: World, old: int, new: int) -> None:
    with reading(world.hub.engine) as session, pytest.raises(NotFound):
        consistency(session, old, new)
    answer = world.call("get", f"/v1/log/consistency?old={old}&new={new}", CLEVELAND)
    assert answer.status_code in (404, 422)


def test_the_api_gives_what_a_witness_needs(world: World) -> None:
    key = world.hub.keyring.signing("log").public
    first = verify_checkpoint(world.call("get", "/v1/log/checkpoint", CLEVELAND).text, world.hub.settings.origin, key)
    grown(world, 3)
    second = verify_checkpoint(world.call("get", "/v1/log/checkpoint", CLEVELAND).text, world.hub.settings.origin, key)
    found = world.call("get", f"/v1/log/consistency?old={first.size}&new={second.size}", CLEVELAND).get_json()
    merkle.verify_consistency(first.size, second.size, first.root, second.root, [bytes.fromhex(step) for step in found["proof"]])
    problem(world.call("get", f"/v1/log/consistency?old={2**70}&new={2**71}", CLEVELAND), 404, "no-such-size")


def test_an_export_verifies_without_the_hub(world: World) -> None:
    lines, fingerprint = exported(world)
    count, redacted, root = verify(lines, fingerprint)
    assert (count, redacted) == (len(lines) - 1, 0)
    with reading(world.hub.engine) as session:
        assert (count, root) == (checkpoint(session).size, checkpoint(session).root)
    with pytest.raises(KeysError):
        verify(lines, world.hub.keyring.signing("receipts").public.fingerprint)
    with pytest.raises(BadProof):
        verify([], fingerprint)


def test_a_redacted_entry_still_verifies_and_is_counted(world: World) -> None:
    with writing(world.hub.engine) as session:
        row = session.get_one(EntryRow, 2)
        row.salt = row.entry = None
    lines, fingerprint = exported(world)
    assert verify(lines, fingerprint)[1] == 1


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [place, *(one for key, member in value.items() for one in _leaves(member, (*place, key)))]
    return [place]


def test_any_change_of_any_line_is_found(world: World) -> None:
    lines, fingerprint = exported(world)

    @settings(max_examples=120)
    @given(number=st.integers(0, len(lines) - 1), data=st.data())
    def check(number: int, data: st.DataObject) -> None:
        changed = copy.deepcopy(lines)
        *path, last = data.draw(st.sampled_from([place for place in _leaves(changed[number]) if place]))
        holder = changed[number]
        for key in path:
            holder = holder[key]
        value = holder[last]
        ways = ["drop", "more"]
        ways += ["alter"] if isinstance(value, str) and value else ["count"] if isinstance(value, int) else []
        match data.draw(st.sampled_from(ways)):
            case "drop":
                del holder[last]
            case "more":
                holder["another"] = 1
            case "alter":
                at = data.draw(st.integers(0, len(value) - 1))
                holder[last] = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            case _:
                holder[last] = value + 1
        with pytest.raises(KeysError):
            verify(changed, fingerprint)

    check()


@pytest.mark.parametrize("change", ["drop", "swap", "repeat", "cut"])
def test_lines_in_another_order_or_number_are_found(world: World, change: str) -> None:
    lines, fingerprint = exported(world)
    match change:
        case "drop":
            del lines[3]
        case "swap":
            lines[3], lines[4] = lines[4], lines[3]
        case "repeat":
            lines.insert(3, lines[3])
        case _:
            lines = lines[:-1]
    with pytest.raises(BadProof):
        verify(lines, fingerprint)


def test_appending_from_threads_leaves_one_whole_log(world: World) -> None:
    threads = [threading.Thread(target=grown, args=(world, 12)) for _ in range(3)]
    with reading(world.hub.engine) as session:
        before = size(session)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines, fingerprint = exported(world)
    assert verify(lines, fingerprint)[0] == before + 36


def test_without_a_beginning_nothing_is_logged(world: World) -> None:
    with writing(world.hub.engine) as session:
        session.delete(session.execute(select(HeadRow)).scalar_one())
    with pytest.raises(Misconfigured, match="not been begun"):
        grown(world, 1)


def own(world: World, client: str, after: int = 0) -> tuple[list[dict[str, Any]], int]:
    with reading(world.hub.engine) as session:
        entries = size(session)
    answer = world.call("get", f"/v1/log/entries?after={after}&of={entries}", client)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["entries"], entries


def test_each_organisation_reads_its_own_entries_and_no_others_with_proof(world: World) -> None:
    world.hold()
    for client in (CLEVELAND, DURHAM, TEAM):
        found, of = own(world, client)
        assert found
        with reading(world.hub.engine) as session:
            mine = session.execute(select(EntryRow.number).where(EntryRow.organisation == client, EntryRow.number < of)).scalars()
            assert [one["number"] for one in found] == sorted(mine)
        root = world_root(world, of)
        for one in found:
            assert one["entry"]["organisation"] == client
            leaf = merkle.leaf_hash(log_leaf(unb64(one["salt"]), one["entry"]))
            path = [bytes.fromhex(step) for step in one["proof"]]
            merkle.verify_inclusion(leaf, one["number"], of, path, root)
    assert {one["entry"]["what"] for one in own(world, CLEVELAND)[0]} >= {"submission opened", "submission held", "statement: sign"}
    assert not any(one["entry"]["what"].startswith("submission") for one in own(world, DURHAM)[0])


def world_root(world: World, of: int) -> bytes:
    """The root of the first ``of`` entries, from their leaves."""
    with reading(world.hub.engine) as session:
        leaves = list(session.execute(select(EntryRow.leaf).where(EntryRow.number < of).order_by(EntryRow.number)).scalars())
    nodes: dict[tuple[int, int], bytes] = {}
    for level, index, value in merkle.grow(0, leaves, lambda level, index: nodes[level, index]):
        nodes[level, index] = value
    return merkle.root(of, lambda level, index: nodes[level, index])


def test_own_entries_come_in_pages_from_the_number_asked_for(world: World) -> None:
    first, _ = own(world, CLEVELAND)
    assert own(world, CLEVELAND, first[-1]["number"])[0][0] == first[-1]
    assert own(world, CLEVELAND, first[-1]["number"] + 1)[0] == []
    with writing(world.hub.engine) as session:
        for _ in range(PAGE + 5):
            append(session, replace(EVENT, organisation=CLEVELAND), world.clock())
    page, of = own(world, CLEVELAND)
    assert len(page) == PAGE
    rest, _ = own(world, CLEVELAND, page[-1]["number"] + 1)
    assert len(page) + len(rest) == len(first) + PAGE + 5
    problem(world.call("get", f"/v1/log/entries?after=0&of={of + 1}", CLEVELAND), 404, "no-such-size")
    for bad in ("after=-1&of=1", "after=0&of=0", "after=0", "of=1", "after=x&of=1"):
        assert world.call("get", f"/v1/log/entries?{bad}", CLEVELAND).status_code == 422


def test_entries_from_before_there_were_columns_to_search_by_are_found_afterwards(world: World) -> None:
    world.hold()
    with writing(world.hub.engine) as session:
        append(session, replace(EVENT, who="w" * 250, what="ünïcode ' quoted", recipient=TEAM), world.clock())
        gone = session.get_one(EntryRow, 2)
        gone.salt = gone.entry = None
        gone.who = gone.what = gone.subject = gone.recipient = ""
    columns = (EntryRow.number, EntryRow.who, EntryRow.what, EntryRow.subject, EntryRow.recipient)
    with reading(world.hub.engine) as session:
        before = session.execute(select(*columns).order_by(EntryRow.number)).all()
    with world.hub.engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
    world.hub.engine.dispose()
    upgrade(world.hub.engine)
    with reading(world.hub.engine) as session:
        assert session.execute(select(*columns).order_by(EntryRow.number)).all() == before
