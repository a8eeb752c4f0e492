"""Turns: one scheduler on one host, and one over all hosts of a PostgreSQL; gone within seconds when whoever has it is silent."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from exchange import background, schedule
from exchange.background import Background, host_of
from exchange.db import make_engine
from exchange.leader import AdvisoryTurn, FileTurn, Standing, Turn, nobody_else, take
from tests.exchange.racing import entries, race, so_far, verify_log
from tests.exchange.standing import World, crimes
from tests.postgres import Lazy

QUICK = 0.5


@pytest.fixture
def database(postgres: Lazy) -> Iterator[str]:
    """An empty PostgreSQL database."""
    address = postgres().create()
    yield address
    postgres().drop(address)


def until(true: Callable[[], bool], seconds: float = 10) -> float:
    """How long it took to become true."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() < begun + seconds
        time.sleep(0.02)
    return time.monotonic() - begun


class Process:
    """What stands for a turn, and whether it leads."""

    def __init__(self, turn: Turn) -> None:
        self.leads = threading.Event()
        self.standing = Standing(turn, self.leads.set, self.leads.clear, every=0.1)
        self.standing.start()


def test_of_several_processes_of_a_host_one_has_the_turn(tmp_path: Path) -> None:
    first, second = (FileTurn(tmp_path / "turn.lock") for _ in range(2))
    assert first.hold()
    assert first.hold()
    assert first.sure()
    assert not second.hold()
    assert not second.sure()
    first.let_go()
    assert second.hold()
    assert not first.sure()
    second.let_go()


def test_those_who_are_there_share_and_who_is_alone_does_not(tmp_path: Path) -> None:
    path = tmp_path / "present.lock"
    one, two = (take(path, 0, shared=True) for _ in range(2))
    assert one is not None
    assert two is not None
    with closing(one), closing(two):
        assert take(path, 0) is None
    alone = take(path, 0)
    assert alone is not None
    with closing(alone):
        assert take(path, 0.1, shared=True) is None


def test_the_id_of_a_host_is_made_once(world: World) -> None:
    found = race(*[lambda: host_of(world.hub.settings) for _ in range(8)])
    assert len(set(found)) == 1
    assert len(found[0]) == 16


def test_postgresql_one_leads_and_another_when_its_session_is_ended(database: str, postgres: Lazy) -> None:
    processes = [Process(AdvisoryTurn(database)) for _ in range(3)]
    try:
        until(lambda: any(one.leads.is_set() for one in processes))
        (leader,) = [one for one in processes if one.leads.is_set()]
        assert leader.standing.turn.sure()
        assert not any(one.standing.turn.sure() for one in processes if one is not leader)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'"
        postgres().ask(ended)
        took = until(lambda: any(one.leads.is_set() for one in processes if one is not leader) or leader.leads.is_set())
        assert took < 5
        until(lambda: sum(one.leads.is_set() for one in processes) == 1)
    finally:
        for one in processes:
            one.standing.stop()
    assert not any(one.leads.is_set() for one in processes)


def test_postgresql_a_leader_that_is_silent_is_sure_no_more_before_another_leads(database: str) -> None:
    asleep, other = AdvisoryTurn(database, silence=QUICK), AdvisoryTurn(database, silence=QUICK)
    assert asleep.hold()
    assert asleep.sure()
    until(lambda: not asleep.sure())
    assert not other.hold()  # it was sure for less long than the server waited
    took = until(other.hold)
    assert took < QUICK + 2
    with pytest.raises(Exception, match=r"terminat|clos"):
        asleep.hold()
    assert not asleep.hold()
    other.let_go()
    until(asleep.hold)
    asleep.let_go()


def test_postgresql_whoever_must_be_alone_knows_whether_anybody_is_there(database: str) -> None:
    engine = make_engine(database)
    present = AdvisoryTurn(database, stands=False)
    assert not present.hold()  # it stands for nothing, but is there
    with nobody_else(engine) as alone:
        assert not alone
    present.let_go()
    until(lambda: _alone(engine))
    with nobody_else(engine) as alone:
        assert alone
        assert not AdvisoryTurn(database).hold()
    assert not present.hold()
    present.let_go()
    engine.dispose()


def _alone(engine: Engine) -> bool:
    with nobody_else(engine) as alone:
        return alone


def test_no_job_is_begun_while_it_is_not_sure_whose_turn_it_is(world: World, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    with caplog.at_level(logging.WARNING):
        schedule._safely("one", lambda _: done.set(), world.hub, lambda: False)
    assert not done.is_set()
    assert "whose turn it is, is not known" in caplog.text
    schedule._safely("one", lambda _: done.set(), world.hub, lambda: True)
    assert done.is_set()


def test_what_a_process_does_by_itself_begins_and_ends(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.send(pushed)
    doing = Background(world.hub, work=True)
    doing.begin()
    assert take(world.hub.settings.home / background.PRESENT, 0) is None
    until(lambda: world.row(pushed.id).state == "held")
    second = Background(world.hub, work=False)
    second.begin()
    until(lambda: doing.leads)
    assert not second.leads
    doing.end()
    until(lambda: second.leads)
    second.end()
    assert not second.leads
    lock = take(world.hub.settings.home / background.PRESENT, 5)
    assert lock is not None
    lock.close()


def test_postgresql_two_leaders_at_once_do_nothing_twice(world: World) -> None:
    """A leader that slept in the middle of its jobs wakes up beside the next: every job of both, at one moment, over what makes them due."""
    world.hold()
    world.clock.forward(days=9)
    begun = so_far(world)

    def everything() -> None:
        for job, _ in schedule.JOBS.values():
            job(world.hub)

    race(everything, everything, everything)
    for what in ("sealing key issued", "review due", "client silent", "submission overdue"):
        said = entries(world, what, since=begun)
        subjects = {_subject(world, number) for number in said}
        assert len(said) == len(subjects), what
    assert len(entries(world, "sealing key issued", since=begun)) == 1
    assert entries(world, "client silent", since=begun)
    world.clock.forward(days=3650)
    begun = so_far(world)
    race(everything, everything, everything)
    assert len(entries(world, "submission destroyed", since=begun)) == 1
    assert len(entries(world, "sealing key destroyed", since=begun)) == 2
    verify_log(world)


def _subject(world: World, number: int) -> str:
    with psycopg.connect(str(world.hub.engine.url.render_as_string()).replace("+psycopg", "")) as connection:
        (found,) = connection.execute("SELECT entry FROM log_entries WHERE number = %s", (number,)).fetchone() or (None,)
    return str((found["organisation"], found["purpose"], found["subject"]))
