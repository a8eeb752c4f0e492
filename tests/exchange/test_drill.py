"""The drill: how long a suspension would take to bite on a hub at work, measured without suspending anything."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from agreements.lifecycle import State
from exchange.commands.root import cli
from exchange.db import reading, writing
from exchange.errors import NotFound
from exchange.hub import now
from exchange.log.tables import EntryRow
from exchange.register import agreements, drill
from tests.exchange.configured import configured
from tests.exchange.racing import entries, verify_log
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World

BOUND = 5_000  # ms: a hundred times what is measured on an idle machine, and far below the 12 s of a stop that is passed by others


@contextmanager
def at_work(world: World, threads: int = 4) -> Iterator[list[int]]:
    """Suppliers that open and complete as fast as they can; yields how many were acknowledged."""
    over, done = threading.Event(), [0]
    pushed = {client: [world.prepare([], supplier=client) for _ in range(40)] for client in (CLEVELAND, DURHAM)}
    tokens = {client: {"Authorization": f"Bearer {world.token(client)}"} for client in pushed}

    def work(client: str) -> None:
        while not over.is_set() and pushed[client]:
            one = pushed[client].pop()
            opened = world.call("post", "/v1/submissions", headers=tokens[client], json=one.signed)
            path = f"/v1/submissions/{opened.get_json()['submission']}/complete"
            for _ in range(25):  # the first is accepted, the others find it so under the same locks
                if over.is_set():
                    return
                done[0] += world.call("post", path, headers=tokens[client]).status_code == 202

    running = [threading.Thread(target=work, args=[(CLEVELAND, DURHAM)[number % 2]]) for number in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield done
    finally:
        over.set()
        for thread in running:
            thread.join()


def test_a_busy_hub_stops_at_once(world: World) -> None:
    found: list[int] = []
    with at_work(world) as done:
        while len(found) < 20 or done[0] < 20:
            time.sleep(0.02)
            with writing(world.hub.engine) as session:
                found.append(drill.measure(session, REFERENCE, now))
                session.rollback()
    assert max(found) < BOUND
    with writing(world.hub.engine) as session:
        drill.note(session, REFERENCE, "operator", found, world.clock)
    with reading(world.hub.engine) as session:
        row = agreements.current(session, REFERENCE)
        assert row is not None
        assert row.state == State.IN_FORCE
        entry = session.execute(select(EntryRow.entry).order_by(EntryRow.number.desc()).limit(1)).scalar_one()
    assert entry is not None
    assert entry["what"] == "suspension drill"
    assert entry["details"] == {"times": len(found), "median": drill.median(found), "longest": max(found), "milliseconds": sorted(found)}
    verify_log(world)


def test_a_stop_does_not_wait_behind_those_who_came_after_it_postgresql(world: World) -> None:
    over = threading.Event()

    def share() -> None:
        while not over.is_set():  # eight at a time: there is never a moment without one
            with writing(world.hub.engine) as session:
                agreements.by_digest(session, world.agreement.digest, lock=True)
                time.sleep(0.02)

    running = [threading.Thread(target=share) for _ in range(8)]
    for thread in running:
        thread.start()
    try:
        for _ in range(5):
            time.sleep(0.1)
            with writing(world.hub.engine) as session:
                assert drill.measure(session, REFERENCE, now) < BOUND
                session.rollback()
    finally:
        over.set()
        for thread in running:
            thread.join()


def test_the_command_measures_and_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(world)
    arguments = ["--config", str(config), "--json", "agreement", "drill", REFERENCE, "--times", "3", "--pause", "0"]
    cli.main(arguments, standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    assert said["times"] == len(said["milliseconds"]) == 3
    assert said["median"] <= said["longest"] < BOUND
    assert len(entries(world, "suspension drill")) == 1
    with pytest.raises(NotFound, match="no such agreement"):
        cli.main([*arguments[:5], "LCJP-NONE"], standalone_mode=False)
    assert len(entries(world, "suspension drill")) == 1
