"""Killed at any moment, the client resumes: nothing is lost, nothing is sent twice, and nothing half-made is ever sent."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.conftest import Desk, generate
from tests.adapters.partnership import REPOSITORY
from tests.adapters.standin import StandIn

ROWS = 8_000


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("extracts") / "crimes.csv", ROWS)


def start(desk: Desk, extract: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "adapters.agency.cli", "push", "crimes", str(extract), "--period", "2021-04", "--home", str(desk.home)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(process: "subprocess.Popen[bytes]") -> None:
    os.kill(process.pid, signal.SIGKILL)


def all_is_well(desk: Desk, hub: StandIn, extract: Path) -> None:
    """One more push, by a client that nobody kills, leaves exactly one live submission of every row, receipted and verified."""
    answer = desk("push", "crimes", extract, "--period", "2021-04", "--json")
    assert answer.code == 0, answer.err
    live = [one for one in hub.submissions.values() if one.state == "held"]
    assert [one.manifest.rows for one in live] == [ROWS]
    assert sum(batch.num_rows for batch in live[0].rows) == ROWS
    assert desk.spooled == []
    receipt = desk.home / "receipts" / live[0].id / "receipt.json"
    assert desk("verify", receipt).code == 0


MOMENTS = ["POST /v1/submissions", "PUT /v1/submissions/sub-1/parts/2", "POST /v1/submissions/sub-1/complete", "GET /v1/submissions/sub-1"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_around_a_request(cleveland: Desk, hub: StandIn, extract: Path, moment: str, when: str) -> None:
    hub.part_rows = 3000
    process = start(cleveland, extract)

    def at(asked: str) -> None:
        if asked == moment:
            kill(process)

    setattr(hub.faults, when, at)
    assert process.wait(60) == -signal.SIGKILL
    hub.faults.before = hub.faults.after = lambda _: None
    all_is_well(cleveland, hub, extract)


def wait_for(happened: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while not happened() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.001)


def test_killed_while_preparing_throws_the_half_made_upload_away(cleveland: Desk, hub: StandIn, extract: Path) -> None:
    hub.part_rows = 100  # eighty parts, each written durably: time enough to be killed between them
    process = start(cleveland, extract)
    wait_for(lambda: bool(list(cleveland.home.glob("spool/*/part-00005"))), process)
    kill(process)
    process.wait(60)
    [folder] = cleveland.spooled
    assert not (folder / "manifest.json").exists()
    assert not hub.submissions
    hub.part_rows = 3000
    all_is_well(cleveland, hub, extract)
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10))
def test_killed_again_and_again_at_random(cleveland: Desk, hub: StandIn, extract: Path, seed: int) -> None:
    hub.part_rows = 500
    chance = random.Random(seed)
    for _ in range(6):
        process = start(cleveland, extract)
        time.sleep(chance.uniform(0.3, 2.0))
        kill(process)
        process.wait(60)
    all_is_well(cleveland, hub, extract)


def test_a_second_run_meanwhile_is_turned_away(cleveland: Desk, hub: StandIn, extract: Path) -> None:
    hub.faults.undecided = True
    process = start(cleveland, extract)
    wait_for(lambda: "GET /v1/submissions/sub-1" in hub.requests, process)
    answer = cleveland("push", "crimes", extract, "--period", "2021-04", "--json")
    assert (answer.code, answer.json["error"]) == (11, "already-running")
    hub.faults.undecided = False
    assert process.wait(60) == 0


def test_interrupted_by_a_person_ends_in_130_and_resumes(cleveland: Desk, hub: StandIn, extract: Path) -> None:
    hub.faults.undecided = True
    process = start(cleveland, extract)
    wait_for(lambda: "GET /v1/submissions/sub-1" in hub.requests, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    hub.faults.undecided = False
    all_is_well(cleveland, hub, extract)


def test_the_hub_going_away_for_a_while_is_ridden_out(cleveland: Desk, hub: StandIn, extract: Path) -> None:
    hub.part_rows = 3000
    hub.faults.after = lambda asked: hub.faults.statuses.extend([503, 502]) if asked.endswith("parts/1") else None
    all_is_well(cleveland, hub, extract)
