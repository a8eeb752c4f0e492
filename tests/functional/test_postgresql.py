"""The same hub on PostgreSQL, by one setting, in two processes that serve: the road of a submission, and a suspension that stops it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agreements.lifecycle import State
from demo.cast import REFERENCE
from demo.stage import hub
from exchange.db import reading
from exchange.register import agreements
from tests.functional.raw import Raw, small
from tests.functional.world import CLEVELAND, DURHAM, World, agree, copied, document_of, make_keys, person, serving, share_secret
from tests.postgres import Lazy, postgres

__all__ = ["postgres"]
MONTH = "2021-06"


@pytest.fixture
def partnership(postgres: Lazy, tmp_path: Path) -> Iterator[World]:
    server = postgres()
    database = server.create()
    made = make_keys(tmp_path / "made", "--database-url", database)
    made.add(made.config, "workers = 2\n")
    world = copied(made, tmp_path / "run")
    agree(world)
    share_secret(world)
    yield world
    server.drop(database)


def test_the_whole_road_on_postgresql_with_two_processes(partnership: World, tmp_path: Path) -> None:
    world = partnership
    assert list(world.places.hub.glob("*.sqlite*")) == []
    with serving(world):
        for party in (CLEVELAND, DURHAM):
            raw = Raw(world, party)
            submission = raw.sent(raw.sealed(small(tmp_path, party, "crimes", MONTH, rows=200)))
            assert raw.decided(submission)["state"] == "held"
        drilled = json.loads(world.exchange("--json", "agreement", "drill", REFERENCE, "--times", "5", "--pause", "0.05"))
        assert drilled["longest"] < 5_000
        stop = tmp_path / "stop.json"
        hub(None, "agreement", "suspend", world.places.run / "lcjp-mv7.toml", "--key", person(world, DURHAM, "dpo"), "--out", stop)
        raw = Raw(world, CLEVELAND)
        sealed = raw.sealed(small(tmp_path, CLEVELAND, "outcomes", MONTH, rows=200))
        waiting = raw.announce(sealed).json()["submission"]
        assert raw.put(waiting, 1, sealed.parts[0]).status_code == 201
        world.exchange("agreement", "record", stop)
        refused = document_of(raw.complete(waiting))
        assert (refused["status"], refused["code"]) == (403, "refused-by-agreement")
        assert refused["detail"].startswith(f"{REFERENCE} version 1, suspension: the agreement is suspended.")
        assert raw.state(waiting)["state"] == "open"
    here = world.hub()
    with reading(here.engine) as session:
        row = agreements.current(session, REFERENCE)
        assert row is not None
        assert row.state == State.SUSPENDED
    here.engine.dispose()
    log = tmp_path / "log.jsonl"
    world.exchange("log", "export", log)
    assert any("statement: suspend" in line and "milliseconds" in line for line in log.read_text(encoding="utf-8").splitlines())
