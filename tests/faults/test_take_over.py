"""Take-over: workers on two hosts, and a third that only serves; one after another is killed, paused or cut off, and nothing is lost or doubled.

The seconds are printed; docs/scale.md has them.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from agreements.document import read
from exchange.db import reading
from tests.faults import invariants
from tests.faults.known import Known
from tests.functional.hosts import Host, Hosts, connected, namespaces, until
from tests.functional.raw import Raw, Sealed, small
from tests.functional.servers import servers
from tests.functional.truth import Extract, held_once, log_entries
from tests.functional.world import CLEVELAND, DURHAM, Server, agency, agree, copied, make_keys, operator, share_secret, start_agency

LEASE = 2.0
SECONDS = 12.0
"""Within which another must have taken over, on a machine that others use too."""
AWAY = 4.0
"""For how long the S3 service is away."""
RESTED = 60.0
"""What failed rests before it is tried again: 4 seconds at first, then 8, 16."""


@dataclass
class Drill:
    """The hub, its hosts, and what was pushed."""

    hosts: Hosts
    folder: Path
    known: Known
    months: Iterator[tuple[str, str]]
    sent: list[str] = field(default_factory=list)
    extracts: list[Extract] = field(default_factory=list)

    def sealed(self) -> tuple[Raw, Sealed]:
        """One more month of an agency, ready to be sent."""
        party, month = next(self.months)
        raw, extract = Raw(self.hosts.world, party), small(self.folder, party, "crimes", month)
        self.extracts.append(extract)
        return raw, raw.sealed(extract)

    def send(self, one: tuple[Raw, Sealed]) -> str:
        """Send it; the submission, which waits to be opened."""
        raw, sealed = one
        self.sent.append(raw.sent(sealed))
        return self.sent[-1]

    def push(self) -> str:
        """One more submission that waits to be opened."""
        return self.send(self.sealed())

    def at_it(self, submission: str) -> tuple[float, Host | None]:
        """Wait until a host is opening its parts; when, and which."""

        def opening() -> bool:
            host = self.hosts.holder(submission)
            return self.hosts.state(submission) == "held" or (host is not None and host.opens())

        until(opening, "somebody is at it")
        return time.monotonic(), self.hosts.holder(submission)

    def held(self, submission: str, since: float) -> float:
        """Wait until it is held; how many seconds since then."""
        until(lambda: self.hosts.state(submission) == "held", f"{submission} is held")
        return time.monotonic() - since

    def check(self) -> None:
        """Nothing is lost, doubled or untrue."""
        until(lambda: all(self.hosts.state(one) == "held" for one in self.sent), "all are held")
        hub = self.hosts.world.hub()
        until(lambda: not any(hub.places.staging.names()), "the sealed parts of what is decided are gone")  # by whoever decided, just after
        left_out = (invariants.every_held_row_is_held_once, invariants.what_was_acknowledged_is_there)  # said below of these real extracts
        with reading(hub.engine) as session:
            checks = [one for one in (*invariants.ALWAYS, *invariants.AT_REST) if one not in left_out]
            found = [f"{invariants.plain(check)}: {what}" for check in checks for what in check(session, hub, self.known)]
            held_once(self.hosts.world, hub, session, dict(zip(self.sent, self.extracts, strict=True)))
        said = log_entries(hub)
        hub.engine.dispose()
        assert found == []
        for submission in self.sent:
            assert [one["what"] for one in said if one["subject"] == submission].count("submission held") == 1


def say(what: str, seconds: float, most: float = SECONDS) -> None:
    sys.stdout.write(f"take-over: {what}: {seconds:.1f} s\n")
    assert seconds < most


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    folder = tmp_path_factory.mktemp("hosts")
    with servers(folder, 2) as shared:
        further = folder / "further.toml"
        further.write_text(shared.further, encoding="utf-8")
        made = make_keys(folder / "made", "--database-url", shared.postgres.create(), "--settings", str(further))
        made.add(made.config, "schedule = false\nwork = false\n")
        world = copied(made, folder / "run")
        agree(world)
        share_secret(world)
        hub = world.hub()
        known = Known(read((world.places.run / "lcjp-mv7.toml").read_text(encoding="utf-8"))).saw(hub)
        hub.engine.dispose()
        months = iter([(party, f"2021-{month:02}") for month in range(1, 13) for party in (CLEVELAND, DURHAM)])
        settings = (f"lease_seconds = {LEASE}", "process_every = 0.2")
        with Server(world) as web, connected(world, shared, 2, *settings) as hosts:
            for host in hosts.every:
                hosts.worker(host)
            web.start()
            yield Drill(hosts, folder, known, months)


def victim(drill: Drill, *, leads: bool = False, at_once: int = 2) -> tuple[str, float, Host]:
    """A submission whose parts somebody is opening (or whoever leads), since when, and who. Where they were too quick, the next.

    As many at once as there are hosts, so that each has one; they are sealed before any is sent.
    """
    for _ in range(6):
        sealed = [drill.sealed() for _ in range(at_once)]
        for submission in [drill.send(one) for one in sealed]:
            since, host = drill.at_it(submission)
            if host is not None and (not leads or drill.hosts.leader() is host):
                return submission, since, host
        for submission in drill.sent[-len(sealed) :]:
            drill.held(submission, time.monotonic())
    raise AssertionError("nobody could be caught at it")


def signal_all(host: Host, number: int) -> None:
    for process in host.processes:
        os.killpg(process.pid, number)


@pytest.mark.slow
def test_a_worker_that_is_paused_past_its_lease_wakes_up_beside_the_one_that_took_over(drill: Drill) -> None:
    drill.hosts.up()
    for _ in range(6):
        submission, since, host = victim(drill)
        signal_all(host, signal.SIGSTOP)
        try:
            if drill.hosts.asleep_in_a_transaction():  # it would hold its locks for two minutes, as docs/scale.md says: another time
                continue
            say("a worker paused in the middle of a part", drill.held(submission, since))
            break
        finally:
            signal_all(host, signal.SIGCONT)
    else:
        raise AssertionError("every worker was paused in a transaction")
    drill.check()


@pytest.mark.slow
def test_the_leaders_session_is_ended_and_somebody_leads_again(drill: Drill) -> None:
    drill.hosts.up()
    drill.hosts.end_leader()
    say("the leader's session ended", until(lambda: drill.hosts.leader() is not None, "somebody leads"))
    drill.check()


@pytest.mark.slow
def test_postgresql_crashes_and_comes_up_again_while_agencies_push(drill: Drill) -> None:
    drill.hosts.up()
    for _ in range(2):
        drill.push()
    drill.hosts.servers.postgres.crash()
    drill.hosts.servers.postgres.start()
    since = time.monotonic()
    say("PostgreSQL back, until somebody leads", until(lambda: drill.hosts.leader() is not None, "somebody leads"))
    submission = drill.push()
    until(lambda: all(drill.hosts.state(one) == "held" for one in drill.sent), "all are held")
    say("PostgreSQL back, until what waited and what came then is held", drill.held(submission, since))
    drill.check()


@pytest.mark.slow
def test_the_s3_service_is_killed_and_comes_up_again_while_agencies_push(drill: Drill) -> None:
    drill.hosts.up()
    party, month = next(drill.months)
    extract = small(drill.folder, party, "crimes", month)
    push = ("push", "crimes", extract.path, "--period", month, "--home", drill.hosts.world.home(party), "--json")
    waiting = [drill.push() for _ in range(2)]
    drill.hosts.servers.s3.crash()
    with start_agency(*push) as pushed:
        time.sleep(AWAY)
        drill.hosts.servers.s3.start()
        since = time.monotonic()
        out, err = pushed.communicate(timeout=100)
    if pushed.returncode:  # it gave up, and said that it may be tried again
        done = agency(*push)
        assert done.code == 0, (out, err, done)
        out = done.out
    drill.sent.append(json.loads(out)["submissions"][0]["submission"])
    drill.extracts.append(extract)
    until(lambda: all(drill.hosts.state(one) == "held" for one in waiting), "what waited is held")
    say("the S3 service back, until what waited and what came meanwhile is held", time.monotonic() - since, RESTED)
    drill.check()


@pytest.mark.slow
def test_what_is_taken_from_a_hub_that_runs_is_named_and_it_goes_on_by_itself(drill: Drill) -> None:
    shared, config = drill.hosts.servers, drill.hosts.world.config

    def causes() -> set[str]:
        answer = requests.get(f"{drill.hosts.world.address}/ready", timeout=60)
        return set() if answer.ok else {one["cause"] for one in answer.json()["causes"]}

    def named(found: set[str], code: int, *words: str) -> None:
        until(lambda: causes() == found, f"{found} is named")
        told = operator(config, "status")
        assert (told.code, [word for word in words if word not in told.out + told.err]) == (code, []), told

    def mended(what: str) -> None:
        say(f"{what} back, until the hub is ready", until(lambda: causes() == set(), "the hub is ready"))
        assert operator(config, "status").code in {0, 1}

    drill.hosts.up()
    shared.postgres.crash()
    named({"database"}, 2, "The database does not answer")
    shared.postgres.start()
    mended("PostgreSQL")
    shared.s3.crash()
    named({"keystore", "log"}, 1, "keystore cannot be read", "object store")
    shared.s3.start()
    mended("the S3 service")
    shared.bao.process.send_signal(signal.SIGSTOP)
    try:  # who has the keys goes on, but can make none; who begins now has none
        waits = drill.push()
        named(set(), 1, "the key service cannot be reached")
        assert drill.hosts.state(waits) == "complete"
    finally:
        shared.bao.process.send_signal(signal.SIGCONT)
    say("the key service back, until what waited is held", drill.held(waits, time.monotonic()), RESTED)
    mended("the key service")
    drill.push()
    drill.check()


def test_a_host_that_is_cut_off_is_followed_by_another_and_harms_nothing_when_it_is_back(drill: Drill) -> None:
    drill.hosts.up()
    submission, since, host = victim(drill, leads=True)
    host.cut()
    try:
        say(f"a host cut off ({'namespaces' if namespaces() else 'proxies'})", drill.held(submission, since))
        until(lambda: drill.hosts.leader() is drill.hosts.other(host), "the other leads")
        say("the leader cut off, until another leads", time.monotonic() - since)
    finally:
        host.mend()
    until(lambda: drill.hosts.there(host), "it is back")
    drill.push()
    drill.check()


def test_the_leader_is_killed_in_the_middle_of_a_part_and_then_the_last_worker_is_told_to_stop(drill: Drill) -> None:
    drill.hosts.up()
    submission, since, host = victim(drill, leads=True)
    host.kill()
    last = drill.hosts.other(host)
    say("the leader killed, until another leads", until(lambda: drill.hosts.leader() is last, "another leads"))
    say("a worker killed in the middle of a part, until another host holds it", drill.held(submission, since))
    drill.check()
    submission, since, found = victim(drill, at_once=1)
    assert found is last
    for process in last.processes:
        process.send_signal(signal.SIGTERM)
    drill.held(submission, since)
    assert [process.wait(30) for process in last.processes] == [0], drill.hosts.logs()
    assert drill.hosts.ask("SELECT count(*) FROM leases") == [(0,)]
    drill.check()
