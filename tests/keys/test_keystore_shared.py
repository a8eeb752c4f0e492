"""The keystore that several hosts share, on a real S3 server: raced for or killed at any request, it loses no live key and brings none back."""

import os
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.bucket import Space
from keys.errors import KeyDestroyed, KeyExists, KeystoreUnreadable
from keys.keystore import SealedFileKeystore
from keys.places import FILE, Outrun, ShelfPlace
from keys.providers import CredentialFileRoots, pending
from tests.keys.stores import opens
from tests.s3 import LazyS3, s3_service

__all__ = ["s3_service"]


class Shared:
    """One place on the server, opened by as many as want. ``told``: called before each request of whoever opens it with this."""

    def __init__(self, space: Space, folder: Path) -> None:
        self.space, self.credential = space, folder / "credential"
        self.credential.write_text(secrets.token_hex(32))
        self.credential.chmod(0o600)
        SealedFileKeystore.initialise(ShelfPlace(space), self.roots())

    def roots(self, told: Callable[[str], None] | None = None) -> CredentialFileRoots:
        return CredentialFileRoots(Told(self.space.within("roots"), told), self.credential)

    def open(self, told: Callable[[str], None] | None = None, **more: Any) -> SealedFileKeystore:
        return SealedFileKeystore(ShelfPlace(Told(self.space, told)), self.roots(told), **more)

    def sealed(self) -> bytes:
        found = self.space.read(FILE)
        assert found is not None
        return found[0]


class Told:
    """A shelf that says which request comes, and passes it on."""

    def __init__(self, shelf: Space, told: Callable[[str], None] | None) -> None:
        self._shelf, self._told = shelf, told

    def __getattr__(self, name: str) -> Any:
        if self._told is not None:
            self._told(name)
        return getattr(self._shelf, name)


@pytest.fixture
def shared(s3_service: LazyS3, tmp_path: Path) -> Shared:
    return Shared(s3_service().space(), tmp_path)


def apart(work: Callable[[], None]) -> int:
    """Do it in a process of its own; its pid."""
    if (pid := os.fork()) == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001  # nothing of this process's tests may run in the other
            os._exit(1)
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at(step: int) -> Callable[[str], None]:
    left = step

    def told(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return told


def late(told: Callable[[str], None]) -> tuple[Callable[[str], None], Callable[[], None]]:
    """Say nothing before the second is called."""
    began: list[bool] = []
    return (lambda name: told(name) if began else None), (lambda: began.append(True))


@pytest.mark.parametrize("verb", ["create", "destroy"])
def test_killed_before_each_request(shared: Shared, verb: str) -> None:
    kept, outcomes = shared.open().create("kept"), []
    for step in range(1, 40):
        gone, name, before = shared.open().create(f"gone {step}"), f"gone {step}", shared.sealed()

        def work(step: int = step, name: str = name) -> None:
            told, begin = late(killed_at(step))
            store = shared.open(told)
            begin()
            if verb == "create":
                store.create(f"new {name}")
            else:
                store.destroy(name)

        finished = ended(apart(work)) == 0
        store = shared.open()
        assert store.get("kept") == kept
        if verb == "create":
            outcomes.append(f"new {name}" in store.names())
        else:
            outcomes.append(store.destroyed(name))
            if not outcomes[-1]:
                assert store.get(name) == gone
            store.destroy(name)
            assert opens(before, shared.roots()) is None  # neither with the roots there are
            assert store.destroyed(name)
        if finished:
            break
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert len(outcomes) > 3
    shared.open().destroy("something")
    roots = shared.roots().ids()
    assert sum(not pending(root, 2**31) for root in roots) == 1  # what a killed one had prepared is gone with the generations since


def test_processes_that_race_lose_no_write(shared: Shared) -> None:
    stale = shared.open()

    def work(mine: int) -> None:
        store = shared.open()
        for number in range(6):
            store.create(f"{mine} {number}")
            if number % 3 == 2:
                store.destroy(f"{mine} {number - 1}")
            store.get_or_create("everybody's")

    running = [apart(lambda mine=mine: work(mine)) for mine in range(3)]  # type: ignore[misc]
    assert [ended(pid) for pid in running] == [0, 0, 0]
    for store in (stale, shared.open()):
        assert store.names() == sorted(["everybody's", *(f"{mine} {number}" for mine in range(3) for number in (0, 2, 3, 5))])
        assert store.tombstones() == sorted(f"{mine} {number}" for mine in range(3) for number in (1, 4))
    assert len(shared.roots().ids()) == 1


def test_a_destroyed_key_is_of_no_use_on_any_host_once_it_is_said(shared: Shared) -> None:
    here, there = shared.open(), shared.open(lenient=("tokens",))
    for name in ("submission/1", "tokens"):
        here.create(name)
        assert len(there.get(name)) == 32
    old = shared.sealed()
    here.destroy("submission/1")
    with pytest.raises(KeyDestroyed):
        there.get("submission/1")
    assert opens(old, shared.roots()) is None
    here.destroy("tokens")
    time.sleep(1)  # what it may be late
    with pytest.raises(KeyDestroyed):
        there.get("tokens")


def test_what_is_asked_for_at_every_request_is_looked_at_once_a_second(shared: Shared) -> None:
    asked: list[str] = []
    store = shared.open(asked.append, lenient=("tokens",))
    store.create("tokens")
    store.get("tokens")
    asked.clear()
    for _ in range(20):
        store.get("tokens")
        store.names("tokens")
    assert len(asked) <= 1
    asked.clear()
    store.names()
    assert asked == ["stamp"]


def test_nobody_erases_a_root_that_another_is_about_to_seal_under(shared: Shared) -> None:
    slow, quick = shared.open(), shared.open()
    slow.create("a")
    number = 2
    prepared, key = shared.roots().create(number + 1)  # as by a host that has not come to its put yet
    shared.open()
    assert prepared in shared.roots().ids()
    assert shared.roots().get(prepared) == key
    quick.destroy("a")  # is that generation: whoever prepared for it is told that it was outrun
    assert prepared not in shared.roots().ids()


def test_who_was_outrun_is_told(shared: Shared) -> None:
    place = ShelfPlace(shared.space)
    stamp = place.look()
    shared.open().create("a")
    with pytest.raises(Outrun):
        place.replace(b"x", stamp, scrub=False)


def test_a_put_of_which_the_answer_was_lost_counts_once(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    store = shared.open()
    client, real = shared.space.service.client, shared.space.service.client.put_object
    calls: list[str] = []

    def twice(**request: Any) -> Any:
        calls.append(request["Key"])
        body = request["Body"]
        real(**request)
        return real(**{**request, "Body": body})  # as the client does when no answer came

    monkeypatch.setattr(client, "put_object", twice)
    key = store.create("a")
    store.destroy("b")
    assert len(calls) == 3
    assert shared.open().get("a") == key
    assert shared.open().tombstones() == ["b"]


def test_there_is_one_keystore_in_a_place(shared: Shared, tmp_path: Path) -> None:
    with pytest.raises(KeyExists):
        SealedFileKeystore.initialise(ShelfPlace(shared.space), shared.roots())
    with pytest.raises(KeystoreUnreadable):
        SealedFileKeystore(ShelfPlace(shared.space.within("elsewhere")), shared.roots())
