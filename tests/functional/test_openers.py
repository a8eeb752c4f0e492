"""The process that opens parts ends by no fault of the parts: nothing is refused for that; the hub tries again."""

import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from demo.cast import DATA
from exchange import schedule
from exchange.db import reading
from exchange.hub import Hub
from exchange.submissions.tables import SubmissionRow
from tests.folders import folder_of, names_in
from tests.functional.raw import Raw, small
from tests.functional.truth import Extract, check_everything
from tests.functional.world import CLEVELAND, Server, World, alive, start_agency

EXTRACT = Extract(CLEVELAND, "crimes", "2021-04", DATA / "2021-04-cleveland-street.csv.gz")


def opener(server: Server, seconds: float = 30) -> int:
    """The process that opens parts, as soon as there is one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for pid in alive(server.groups[-1]):
            try:
                if b"opener.main()" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            except OSError:  # it ended while we looked
                continue
    raise AssertionError("nothing was opened")


def ended_by(number: int) -> Callable[[int], None]:
    return lambda pid: os.kill(pid, number)


def no_room(pid: int) -> None:
    """It cannot write more than this: what a full disk does, to this process alone."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, 4096))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(ended_by(signal.SIGKILL), id="killed for want of memory"),
        pytest.param(ended_by(signal.SIGTERM), id="ended by a service manager"),
        pytest.param(ended_by(signal.SIGINT), id="interrupted at a terminal"),
        pytest.param(no_room, id="no room on the disk"),
    ],
)
def test_an_opener_that_was_ended_is_no_reason_to_refuse(world: World, harm: Callable[[int], None]) -> None:
    with Server(world) as server:
        server.start()
        with start_agency("push", EXTRACT.dataset, EXTRACT.argument, "--home", world.home(CLEVELAND)) as pushing:
            harm(opener(server))
            out, err = pushing.communicate(timeout=120)
        assert pushing.returncode == 0, err
        assert "Held:" in out
        assert Raw(world, CLEVELAND).call("GET", "/v1/submissions").json()["submissions"][0]["state"] == "held"
        check_everything(world, [EXTRACT], [CLEVELAND])
        assert len(names_in(world.hub().settings, "objects")) == 1


def test_one_that_cannot_be_opened_holds_up_no_other_sqlite(world: World, tmp_path: Path) -> None:
    world.add(world.config, "process_every = 86400\n")
    with Server(world) as server:
        server.start()
        raw = Raw(world, CLEVELAND)
        first = raw.sent(raw.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06")))
        second = raw.sent(raw.sealed(small(tmp_path, CLEVELAND, "outcomes", "2021-06")))
    hub = world.hub()
    in_the_way = folder_of(hub.settings.objects) / first.removeprefix("sub-")[:2]
    if in_the_way.name == second.removeprefix("sub-")[:2]:
        pytest.skip("one time in 256 both would lie in one folder")
    in_the_way.write_bytes(b"")  # a file, where the hub needs a folder
    with pytest.raises(OSError, match="File exists"):
        schedule.process_pending(hub)
    assert states(hub) == {first: "complete", second: "held"}
    in_the_way.unlink()
    schedule.process_pending(hub)
    assert states(hub) == {first: "held", second: "held"}


def states(hub: Hub) -> dict[str, str]:
    with reading(hub.engine) as session:
        return {row.id: row.state for row in session.execute(select(SubmissionRow)).scalars()}
