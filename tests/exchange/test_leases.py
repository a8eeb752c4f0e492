"""Leases: one worker at a submission, whoever vanishes is followed by another, and one that comes back late changes nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from exchange import schedule
from exchange.db import reading, writing
from exchange.hub import Hub
from exchange.register.tables import SuspensionRow
from exchange.submissions import leases, process, retention
from exchange.submissions.leases import Lease, claim, forget, give_back, order, renew, rest
from exchange.submissions.tables import LeaseRow, SubmissionRow
from exchange.workers import Worker, Working
from tests.exchange.racing import entries, verify_log
from tests.exchange.standing import CLEVELAND, DURHAM, ROOT, Pushed, World, crimes
from tests.faults.invariants import broken
from tests.faults.known import Known, Sent

HOST, OTHER = "host", "other"
NAMES = st.sampled_from(["A", "B", "C", "D"])


def send(world: World, number: int, supplier: str = CLEVELAND, rows: int = 3) -> Pushed:
    """A submission that waits, of a month of its own."""
    world.clock.forward(seconds=1)
    pushed = world.prepare([crimes(rows, seed=number, month=date(2021, number, 1))], supplier=supplier, period=f"2021-{number:02}")
    world.send(pushed, supplier)
    return pushed


def take(hub: Hub, host: str = HOST, seconds: float = 60, **more: dict[str, int]) -> Lease | None:
    return claim(hub.engine, host, seconds, hub.clock(), **more)


def taken(hub: Hub, seconds: float = 60) -> Lease:
    found = take(hub, seconds=seconds)
    assert found is not None
    return found


def eventually(hub: Hub, seconds: float = 5) -> tuple[Lease, float]:
    """The next claim that succeeds, and how long it was waited for."""
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        if (found := take(hub, OTHER)) is not None:
            return found, time.monotonic() - begun
        time.sleep(0.02)
    raise AssertionError("nobody took over")


def failures(hub: Hub, submission: str) -> int:
    with reading(hub.engine) as session:
        return session.get_one(LeaseRow, submission).failures


@given(st.dictionaries(NAMES, st.integers(0, 9)), st.dictionaries(NAMES, st.integers(0, 3)), st.dictionaries(NAMES, st.integers(0, 9)))
def test_the_agreement_that_fewest_are_at_comes_first(waiting: dict[str, int], busy: dict[str, int], turns: dict[str, int]) -> None:
    since = {name: datetime(2026, 1, 1 + day, tzinfo=UTC) for name, day in waiting.items()}
    found = order(since, busy, turns)
    assert sorted(found) == sorted(waiting)
    ranks = [(busy.get(one, 0), turns.get(one, 0), since[one]) for one in found]
    assert ranks == sorted(ranks)


@given(st.integers(0, 100))
def test_every_failure_makes_it_wait_no_shorter_and_never_for_ever(number: int) -> None:
    assert rest(number) <= rest(number + 1) <= timedelta(minutes=10)
    assert rest(0) == rest(1) == timedelta()


def test_each_is_claimed_once_by_however_many_ask(world: World) -> None:
    sent = {send(world, number).id for number in range(1, 7)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: take(world.hub), range(9)))
    claimed = [lease.submission for lease in found if lease is not None]
    assert sorted(claimed) == sorted(sent)
    assert len({lease.holder for lease in found if lease is not None}) == 6


def test_a_lease_runs_out_by_the_databases_clock_and_its_holder_cannot_have_it_back(world: World) -> None:
    pushed = send(world, 1)
    lost = taken(world.hub, seconds=0.4)
    assert take(world.hub) is None
    assert renew(world.hub.engine, lost)
    world.clock.forward(hours=1)  # a host whose clock is wrong
    assert take(world.hub) is None
    found, waited = eventually(world.hub)
    assert found.submission == pushed.id
    assert waited < 3
    assert not renew(world.hub.engine, lost)
    give_back(world.hub.engine, lost)
    assert take(world.hub) is None  # the late one gave back nothing of the other's
    assert renew(world.hub.engine, found)


def test_a_worker_that_lives_keeps_its_lease_however_long_it_takes(world: World) -> None:
    send(world, 1)
    lease = taken(world.hub, seconds=0.6)
    with leases.kept(world.hub.engine, lease) as lost:
        until = time.monotonic() + 1.3
        while time.monotonic() < until:
            assert take(world.hub) is None
            time.sleep(0.1)
        assert not lost.is_set()
        with writing(world.hub.engine) as session:
            session.execute(update(LeaseRow).values(holder="other/1"))
        assert lost.wait(5)


def test_one_that_kills_whoever_comes_to_it_does_not_occupy_them_all(world: World) -> None:
    bad = send(world, 1)
    for vanished in range(2):
        assert taken(world.hub, seconds=0.05).submission == bad.id
        assert failures(world.hub, bad.id) == vanished
        time.sleep(0.1)
    good = send(world, 2)
    assert taken(world.hub).submission == good.id  # though the other is older
    assert take(world.hub) is None
    with reading(world.hub.engine) as session:
        row = session.get_one(LeaseRow, bad.id)
        assert row.free_at - row.until == rest(2) > timedelta(seconds=3)


def test_one_that_fails_rests_longer_each_time_and_is_done_when_it_can_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed, worker = send(world, 1), Worker(world.hub)
    with monkeypatch.context() as patch:
        patch.setattr(process, "decide", lambda *_: 1 / 0)
        for number in (1, 2):
            with pytest.raises(ZeroDivisionError):
                schedule.process_pending(world.hub)
            assert failures(world.hub, pushed.id) == number
    assert worker.one() is None
    with writing(world.hub.engine) as session:
        session.execute(update(LeaseRow).values(free_at=LeaseRow.until))
    done = worker.one()
    assert done is not None
    assert (done.submission, done.state, done.failure) == (pushed.id, "held", None)
    with reading(world.hub.engine) as session:
        assert session.execute(select(LeaseRow)).all() == []


def test_one_agreements_long_queue_starves_no_other(world: World) -> None:
    """Two workers, and one worker alone: the new agreement's first is claimed before the third of a queue that is older."""
    sent = [send(world, number).id for number in range(1, 7)]
    few = send(world, 7).id
    with writing(world.hub.engine) as session:
        session.execute(update(SubmissionRow).where(SubmissionRow.id == few).values(reference="OTHER"))
    assert [taken(world.hub).submission for _ in range(3)] == [sent[0], few, sent[1]]
    forget(world.hub.engine, HOST)
    turns = {"LCJP-MV7": 1}
    found = take(world.hub, turns=turns)
    assert found is not None
    assert found.submission == few  # nobody is at either: it is the other's turn


def test_what_is_stopped_is_not_claimed_and_stops_nothing_else(world: World) -> None:
    stopped, free = send(world, 1), send(world, 2)
    digest = world.agreement.digest
    with writing(world.hub.engine) as session:
        session.add(SuspensionRow(agreement=digest, party=DURHAM, dataset="crimes", since=world.clock()))
        session.execute(update(SubmissionRow).where(SubmissionRow.id == free.id).values(dataset="outcomes"))
    assert taken(world.hub).submission == free.id
    assert take(world.hub) is None
    with writing(world.hub.engine) as session:
        session.execute(delete(SuspensionRow))
    assert taken(world.hub).submission == stopped.id


def test_a_host_that_comes_up_again_lets_go_of_what_it_was_at(world: World) -> None:
    first, second = send(world, 1), send(world, 2)
    assert [taken(world.hub).submission for _ in range(1)] == [first.id]
    other = take(world.hub, OTHER)
    assert other is not None
    assert forget(world.hub.engine, HOST) == 1
    assert taken(world.hub).submission == first.id
    assert other.submission == second.id
    assert forget(world.hub.engine) == 0


def test_a_worker_told_to_stop_gives_back_what_it_cannot_finish(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed, begun, go = send(world, 1), time.monotonic(), []

    def slow(*_: object) -> str:
        go.append(1)
        time.sleep(1.5)
        return "held"

    monkeypatch.setattr(process, "process", slow)
    working = Working(Worker(world.hub))
    working.start()
    while not go:
        time.sleep(0.01)
    working.stop(0.1)
    assert taken(world.hub).submission == pushed.id
    assert time.monotonic() < begun + 1.5
    working.join(5)
    assert take(world.hub) is None  # what it gave back already it gives back no more


# ------------------------------------------------------------------------------------------------------------ paused

SLEEPER = """
import os, signal, sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from exchange.hub import open_hub
from exchange.submissions import confined, opener, process
from exchange.workers import Worker
from tests.exchange.standing import Clock, settings_in
folder, database = sys.argv[1:]
where = ""
def sleep(point):
    if point == where: os.kill(os.getpid(), signal.SIGSTOP)
def run(job):
    sleep("opening")
    try:
        found = opener.run(opener.Job.read(job))
    except OSError:
        found = {"outcome": "part", "reason": "gone"}
    sleep("opened")
    return found
keep = process._keep
def keeping(task, drafts):
    keep(task, drafts)
    sleep("kept")
confined.run, process._keep = run, keeping
hub = open_hub(replace(settings_in(Path(folder), database), lease_seconds=0.3), clock := Clock())
for line in sys.stdin:
    where, now = line.split()
    clock.now = datetime.fromisoformat(now)
    done = Worker(hub).one()
    print(done.state or type(done.failure).__name__, flush=True)
"""


@dataclass
class Sleeper:
    """Another worker, in a process that falls asleep where it is told to."""

    world: World
    process: "subprocess.Popen[str]"

    @contextmanager
    def asleep(self, point: str) -> Iterator[None]:
        """It is at what waits, and asleep at this point of it, its lease over; awake again afterwards, until it has done what it then does."""
        given, said = self.process.stdin, self.process.stdout
        assert given is not None
        assert said is not None
        given.write(f"{point} {self.world.clock().isoformat()}\n")
        given.flush()
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it ended: {status}"
        time.sleep(0.35)
        yield
        self.process.send_signal(signal.SIGCONT)
        assert said.readline()


@pytest.fixture
def sleeper(world: World) -> Iterator[Sleeper]:
    command = [sys.executable, "-c", SLEEPER, str(world.folder), world.database]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sleeper(world, process)
        finally:
            process.kill()


def test_a_worker_that_slept_past_its_lease_changes_nothing(world: World, sleeper: Sleeper) -> None:
    """Wherever it slept; and though meanwhile the rows were held, or had their day, or its parts were lost and sent again."""
    hub, known = world.hub, Known(world.agreement)
    for number, point in enumerate(("opening", "opened", "kept", "kept"), 1):
        pushed, again = send(world, number), number == 4
        known = known.sending(Sent(pushed, crimes(3, seed=number, month=date(2021, number, 1))))
        with sleeper.asleep(point):
            if again:
                next(iter(world.folder.glob("staging/*/*.sealed"))).unlink()
            schedule.process_pending(hub)
            assert world.row(pushed.id).state == ("open" if again else "held")
            if again:
                assert world.put(pushed, 1).status_code == 201
            if point == "opened":
                retention.dispose(hub.engine, hub.keyring, hub.places, pushed.id, world.clock())
            before = world.row(pushed.id)
        after = world.row(pushed.id)
        assert (after.state, after.receipt, names(after)) == (before.state, before.receipt, names(before))
        assert broken(hub, known, at_rest=not again) == []
        if again:
            assert world.complete(pushed).status_code == 202
            schedule.process_pending(hub)
            assert world.row(pushed.id).state == "held"
        assert len(entries(world, "submission held", pushed.id)) == 1
    verify_log(world)


def names(row: SubmissionRow) -> list[str]:
    return [one.object for one in row.held]
