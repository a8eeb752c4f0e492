"""A disk that is really full, and writes that the kernel really cuts off: nothing half-done, nobody told anything untrue, and it goes on afterwards."""

import errno
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from exchange.errors import ExchangeError
from exchange.submissions import quotas
from tests.exchange.quicker import one_token_each, open_here
from tests.exchange.racing import verify_log
from tests.exchange.standing import CLEVELAND, Pushed, World, crimes, problem

REFUSALS = {(507, "storage-full"), (503, "storage-failed"), (503, "no-space"), (503, "unavailable")}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MiB. Mounting one takes root; without it the cut-off writes below say what they can."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("this machine lets the tests mount nothing")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(autouse=True)
def within_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """The opener in this process; no reserve, which is larger than the disk; and one token, got beforehand."""
    open_here(monkeypatch)
    monkeypatch.setattr(quotas, "require_free", lambda *_: None)
    one_token_each(monkeypatch)


def fill(folder: Path, but: int = 0) -> Path:
    """Fill the disk, but for so many bytes."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - it is what ends the loop
        file.truncate(file.tell() - but)
    return filler


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """The kernel cuts off every write beyond this (EFBIG; for SQLite a full disk)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def until_refused(world: World) -> list[Pushed]:
    """Open submissions until the database takes no more; those that were opened."""
    opened = []
    for number in range(200):
        pushed = world.prepare([crimes(2, seed=number)])
        answer = world.open(pushed)
        if answer.status_code == 201:
            opened.append(pushed)
        else:
            found = answer.get_json()
            assert (answer.status_code, found["code"]) in REFUSALS
            assert "nothing" in found["detail"]
            assert answer.headers["Retry-After"]
            return opened
    raise AssertionError("the disk never filled")


def held_after_all(world: World, pushed: Pushed) -> None:
    assert world.open(pushed).status_code in (200, 201)
    assert world.put(pushed, 1).status_code in (200, 201)
    assert world.complete(pushed).status_code == 202
    assert world.process(pushed.id) == "held"
    verify_log(world)


def test_a_full_disk_refuses_cleanly_at_every_step_and_the_same_requests_succeed_afterwards(first_world: World, small_disk: Path) -> None:
    world = first_world.copy(small_disk / "hub")
    world.token(CLEVELAND)
    pushed = world.prepare([crimes(2_000, seed=5)])
    assert world.open(pushed).status_code == 201
    filler = fill(small_disk)
    problem(world.put(pushed, 1), 507, "storage-full")
    assert not list(world.folder.glob("staging/*/*"))
    opened = until_refused(world)
    listed = world.call("get", "/v1/submissions", CLEVELAND).get_json()["submissions"]  # reading goes on
    assert {one["submission"] for one in listed} == {pushed.id, *(one.id for one in opened)}
    filler.unlink()
    assert world.put(pushed, 1).status_code == 201
    assert world.complete(pushed).status_code == 202
    filler = fill(small_disk)
    with pytest.raises((ExchangeError, SQLAlchemyError, OSError)):
        world.process(pushed.id)
    assert world.row(pushed.id).state == "complete"
    assert not list(world.folder.glob("objects/*/*"))
    filler.unlink()
    held_after_all(world, pushed)
    world.close()


def test_writes_that_are_cut_off_leave_nothing_and_are_done_again(world: World) -> None:
    world.token(CLEVELAND)
    pushed = world.prepare([crimes(2_000, seed=5)])
    assert world.open(pushed).status_code == 201
    with files_no_longer_than(10_000):
        problem(world.put(pushed, 1), 507, "storage-full")
        until_refused(world)
    assert not list(world.folder.glob("staging/*/*"))
    held_after_all(world, pushed)
