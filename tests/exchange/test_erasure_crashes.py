"""An erasure killed at every step: rows are readable by exactly one key all the time, and whoever comes next brings it to its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from exchange import schedule
from exchange.objects import Objects
from exchange.submissions import erasure, finding, leftovers
from keys.keystore import SealedFileKeystore
from tests.exchange.asking import entries, everything_readable, parts, pseudonym, receipt_of, rekeyed, request
from tests.exchange.standing import CLEVELAND, World, crimes

PEOPLE = 60
PLACES: list[tuple[Any, str]] = [
    (Objects, "draft"),
    (finding, "EncryptedWriter"),
    (Objects, "keep"),
    (SealedFileKeystore, "get_or_create"),
    (erasure, "append"),
    (SealedFileKeystore, "destroy"),
    (Objects, "delete"),
]


class Killed(BaseException):
    """As a kill: nothing that tidies up after errors sees it as one."""


class Failpoint:
    """Raises at the n-th of the moments it counts: before a call, and after it."""

    def __init__(self, at: int) -> None:
        self.left, self.where = at, ""

    def reached(self, where: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.where = where
            raise Killed

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            self.reached(f"before {name}")
            found = call(*given, **named)
            self.reached(f"after {name}")
            return found

        return wrapped


@contextmanager
def killing(at: int) -> Iterator[Failpoint]:
    """Every call that touches a disk, a key or the log counts, and every commit, before and after."""
    point = Failpoint(at)

    def writes(session: Session) -> bool:
        return not session.get_bind().get_execution_options().get("reading")

    def committing(session: Session) -> None:
        if writes(session):
            point.reached("before commit")

    def committed(session: Session) -> None:
        if writes(session):
            point.reached("after commit")

    with pytest.MonkeyPatch.context() as patch:
        for place, name in PLACES:
            patch.setattr(place, name, point.around(name, getattr(place, name)))
        event.listen(Session, "before_commit", committing)
        event.listen(Session, "after_commit", committed)
        try:
            yield point
        finally:
            event.remove(Session, "before_commit", committing)
            event.remove(Session, "after_commit", committed)


def ids(world: World, submission: str) -> list[Any]:
    return [value for table in parts(world, submission) for value in table.column("crime").to_pylist()]


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.faults)])
def test_killed_at_every_step_and_finished_by_whoever_comes_next(world: World, stride: int) -> None:
    pushed = world.hold([crimes(PEOPLE), crimes(PEOPLE, seed=1)])
    before, places = ids(world, pushed.id), []
    for number in range(1, PEOPLE, stride):
        whom = pseudonym(number)
        gone, signed = rekeyed(world, [whom]), request(world, "erasure", [whom])
        with killing(number) as point:
            try:
                answer = world.call("post", "/v1/rights", CLEVELAND, json=signed)
            except Killed:
                answer = None
        if answer is not None:
            assert not point.where
            break
        places.append(point.where)
        world = world.restarted()
        # Before anybody has done anything: the rows can be read, all of them or all but the person's, and no more than once.
        there = ids(world, pushed.id)
        assert there in ([one for one in before if one not in gone], before), point.where
        leftovers.tidy(world.hub.engine, world.hub.places)
        schedule.finish_erasures(world.hub)
        if there != before:  # it was decided: who asks for nothing more need not come again
            assert not gone & everything_readable(world), point.where
        again = world.call("post", "/v1/rights", CLEVELAND, json=signed)
        assert receipt_of(world, again, signed).rows == 1, point.where
        before = [one for one in before if one not in gone]
        check(world, pushed.id, before, gone)
    else:
        pytest.fail("the steps did not end")
    every = {
        f"{when} {what}" for when in ("before", "after") for what in ("keep", "get_or_create", "append", "commit", "destroy", "delete")
    }
    assert stride > 1 or every <= set(places)
    erased = entries(world, "rows erased")
    assert len(erased) == len({entry["details"]["request"] for entry in erased}) == len(places) + 1
    assert len(entries(world, "replaced key destroyed")) == len(erased)


def check(world: World, submission: str, wanted: list[Any], gone: set[bytes]) -> None:
    hub, row = world.hub, world.row(submission)
    assert ids(world, submission) == wanted
    assert not gone & everything_readable(world)
    assert hub.keyring.store.names(f"submission/{submission}") == [row.key]
    assert set(hub.places.held.names()) == {part.object for part in row.held}
    assert row.rows - row.erased_rows == sum(part.rows for part in row.held) == len(wanted)


def test_a_log_that_cannot_be_written_lets_nothing_happen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = world.hold([crimes(3)])
    before, row = ids(world, pushed.id), world.row(pushed.id)

    def fails(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(erasure, "append", fails)
    answer = world.call("post", "/v1/rights", CLEVELAND, json=request(world, "erasure", [pseudonym(1)]))
    assert answer.status_code == 503
    assert ids(world, pushed.id) == before
    assert world.row(pushed.id).key == row.key
