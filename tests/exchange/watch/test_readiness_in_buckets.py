"""Ready only while the second store may be written, where it is in a bucket: the right is taken away for real, and given back."""

from datetime import timedelta

import pytest

from exchange.bucket import ServiceFailedError
from exchange.log.shared_store import SharedStore
from exchange.watch import facts
from exchange.watch.condition import Cause, findings
from exchange.where import InBucket
from tests.exchange.standing import World, crimes, problem
from tests.s3 import EVERYTHING, Service


@pytest.fixture
def server(world: World, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(facts, "_SECONDS", -1.0)
    assert world.s3 is not None
    return world.s3


def test_a_grown_hub_that_may_only_read_its_second_store_is_not_ready_and_goes_on_by_itself(world: World, server: Service) -> None:
    assert world.call("get", "/ready").get_json() == {"status": "ready"}
    place = world.settings.second_store
    assert isinstance(place, InBucket)
    before = server.space(place).names("")
    server.may("Read", "List")
    try:
        found = problem(world.call("get", "/ready"), 503, "unavailable")
        assert [one["cause"] for one in found["causes"]] == ["log"]
        [about] = {one.cause: one for one in findings(facts.look(world.hub))}[Cause.LOG].about
        assert "AccessDenied" in about
    finally:
        server.may(*EVERYTHING)
    assert world.call("get", "/ready").status_code == 200
    assert server.space(place).names("") == before
    world.hold([crimes()])


def test_trying_a_grown_hubs_second_store_writes_nothing_even_where_it_is_empty(world: World, server: Service) -> None:
    space = server.space()
    SharedStore(space, timedelta()).probe()
    assert space.names("") == []
    server.may("Read", "List")
    try:
        with pytest.raises(ServiceFailedError):
            SharedStore(space, timedelta()).probe()
    finally:
        server.may(*EVERYTHING)
