"""Proof 4: the hub is killed again and again while agencies push, and nothing is lost, doubled or untrue.

The full run takes the shared data; a clone without them kills three times over the eight files of the demonstration instead.
"""

import fcntl
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.cast import AGENCIES, DATA
from keys.checkpoint import Checkpoint
from tests.functional.preloaded import Running
from tests.functional.truth import Extract, check_everything, grew_only, log_entries, seen
from tests.functional.world import CLEVELAND, Server, World, alive, start_agency

KINDS = {"crimes": "street", "outcomes": "outcomes"}
PATIENCE = 3  # Seconds that one of the agencies tries before its command gives up with exit code 8, and is run again.
GAVE_UP = 8
LONGEST = 240


def extracts(folder: Path, short: str, dataset: str, months: Sequence[str]) -> list[Extract]:
    party = next(one.party for one in AGENCIES if one.short == short)
    found = [Extract(party, dataset, month, folder / f"{month}-{short}-{KINDS[dataset]}.csv.gz") for month in months]
    assert all(one.path.is_file() for one in found)
    return found


@dataclass
class Pusher(threading.Thread):
    """One agency: its commands one after the other, each as a process, run again as long as it gives up for a passing reason.

    A mortal one is killed with the hub, and run again too.
    """

    world: World
    party: str
    commands: list[list[Extract]]
    mortal: bool = False
    gave_up: int = 0
    failure: str = ""
    running: list[Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    @property
    def passing(self) -> set[int]:
        """Exit codes after which the command is run again."""
        return {GAVE_UP, -signal.SIGKILL} if self.mortal else {GAVE_UP}

    def die(self) -> None:
        """Kill the command that runs now, if it may be killed."""
        if self.mortal and self.running:
            self.running[-1].kill()

    def run(self) -> None:
        for command in self.commands:
            while (code := self._push(command)) in self.passing:
                self.gave_up += 1
            if code != 0:
                return

    def _push(self, command: list[Extract]) -> int:
        home = self.world.home(self.party)
        process = start_agency("push", command[0].dataset, *(one.argument for one in command), "--home", home)
        self.running.append(process)
        out, err = process.communicate()
        if (code := process.wait()) not in (0, *self.passing):
            self.failure = f"{self.party}: exit {code}\n{out}\n{err}"
        return code


@dataclass
class Killing:
    """The hub's life in this test: up, killed at a random moment, up again."""

    server: Server
    random: random.Random
    between: tuple[float, float]
    heads: list[Checkpoint] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)

    def once(self, number: int, *, only_main: bool) -> None:
        """Wait for a random moment, kill, and start again at once."""
        self.heads.append(seen(self.server.world.hub()))
        moment = self.random.uniform(*self.between)
        time.sleep(moment)
        group = self.server.groups[-1]
        self.server.kill(only_main=only_main)
        self.server.start()
        assert alive(group) == [], "a process of the killed instance lives beside the new one"
        self.moments.append(f"{number}: {moment:.2f} s, {'its main process' if only_main else 'whole group'}")


def run(world: World, pushers: Sequence[Pusher], kills: int, seed: int) -> Killing:
    """Push and kill, until everything has been pushed."""
    world.add(world.home(CLEVELAND) / "agency.toml", f"\n[network]\npatience = {PATIENCE}\n")
    with Server(world) as server:
        server.start()
        killing = Killing(server, random.Random(seed), (0.1, 1.6))
        for pusher in pushers:
            pusher.start()
        lone = killing.random.randrange(kills)
        for number in range(kills):
            working = [pusher for pusher in pushers if pusher.is_alive()]
            assert working, f"everything was pushed after {number} kills: {[pusher.failure for pusher in pushers]}"
            killing.random.choice(working).die()
            killing.once(number + 1, only_main=number == lone)
        for pusher in pushers:
            pusher.join(LONGEST)
            assert not pusher.is_alive(), f"{pusher.party} did not end"
            assert pusher.failure == ""
    again = sum(one.gave_up for one in pushers)
    sys.stdout.write(f"seed {seed}; killed after {'; '.join(killing.moments)}; commands run again: {again}\n")
    return killing


def everything_is_true(world: World, killing: Killing, pushed: Sequence[Extract]) -> None:
    check_everything(world, pushed, [one.party for one in AGENCIES])
    hub = world.hub()
    grew_only(hub, killing.heads)
    what = [entry["what"] for entry in log_entries(hub)]
    assert what.count("submission held") == what.count("submission acknowledged") == what.count("submission opened") == len(pushed)
    for one in AGENCIES:
        assert [path for path in (world.home(one.party) / "spool").iterdir() if path.is_dir()] == []


def stop(pushers: Sequence[Pusher]) -> None:
    for pusher in pushers:
        for process in pusher.running:
            if process.poll() is None:
                process.kill()


def test_three_kills_over_the_demonstration(world: World) -> None:
    months = ("2021-04", "2021-05")
    pushers = [Pusher(world, one.party, [extracts(DATA, one.short, dataset, months) for dataset in KINDS]) for one in AGENCIES]
    try:
        killing = run(world, pushers, kills=3, seed=20210401)
    finally:
        stop(pushers)
    everything_is_true(world, killing, [extract for pusher in pushers for command in pusher.commands for extract in command])


@pytest.mark.slow
def test_five_kills_over_all_files(world: World, shared_data: Path) -> None:
    over_all_files(world, shared_data, kills=5)


def over_all_files(world: World, shared_data: Path, kills: int) -> None:
    """Both forces push every month of theirs, and two snapshots of one; ten kills of the same are tests/faults/test_many_kills.py."""
    spring, autumn = ("2021-04", "2021-05", "2021-06", "2021-07"), ("2023-09", "2023-10", "2023-11", "2023-12")
    public, revision = shared_data / "police_uk", shared_data / "police_uk_revision"
    months = {"cleveland": spring + autumn, "durham": spring}
    pushers = [Pusher(world, one.party, [extracts(public, one.short, dataset, months[one.short]) for dataset in KINDS]) for one in AGENCIES]
    # Two snapshots of one month: the second, in a command of its own, replaces the first.
    pushers[0].commands += [
        [Extract(CLEVELAND, "crimes", "2025-03", revision / f"2025-03-cleveland-street.snapshot-{name}.csv.gz")] for name in "ab"
    ]
    try:
        killing = run(world, pushers, kills=kills, seed=20250322)
    finally:
        stop(pushers)
    everything_is_true(world, killing, [extract for pusher in pushers for command in pusher.commands for extract in command])


def launch_to_the_lock(server: Server) -> None:
    """Start, and wait until it has said that it will serve; then long enough for it to do so, did the lock not stop it."""
    said, log = b"Serving ", server.world.log
    before = log.read_bytes().count(said) if log.exists() else 0
    server.launch()
    until = time.monotonic() + 30
    while log.read_bytes().count(said) == before:
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(2)


def test_a_new_instance_waits_for_an_orphan(world: World) -> None:
    """The lock is held by whatever inherited it: here this test, in the place of a worker that outlived its master."""
    with (world.places.hub / "instance.lock").open("w") as orphan, Server(world) as server:
        fcntl.flock(orphan, fcntl.LOCK_EX)
        launch_to_the_lock(server)
        assert server.running
        assert not server.ready()
        fcntl.flock(orphan, fcntl.LOCK_UN)
        server.wait_until_ready()


def test_two_instances_never_serve_together(world: World) -> None:
    """The second waits while the first serves; when only the first's main process is killed, its worker is gone before the second serves."""
    with Server(world) as first, Server(world) as second:
        first.start()
        assert len(alive(first.groups[0])) > 1
        launch_to_the_lock(second)
        assert alive(second.groups[0]) == [second.groups[0]], "the second instance has begun to serve"
        first.kill(only_main=True)
        second.wait_until_ready()
        assert alive(first.groups[0]) == []
        assert alive(second.groups[0]) != []
