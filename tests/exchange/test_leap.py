"""A clock that leaps ahead destroys nothing until somebody has said that it is right."""

import json
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from agreements.signing import Capacity, Voice
from exchange import schedule
from exchange.commands.root import cli
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.log.tables import EntryRow
from exchange.questions import leap
from exchange.submissions import holds
from exchange.submissions.holds import Over
from tests.exchange.configured import configured
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World, crimes, print_of

DUE = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)  # 30 April in London
DAY = timedelta(days=1)


def scheduled(world: World) -> None:
    """What the schedule does at its times."""
    for name, (job, _) in schedule.JOBS.items():
        schedule.perform(name, job, world.hub)


def asked(world: World) -> list[str]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [str(entry["what"]) for entry in found if entry and entry["what"] in (leap._WHAT, "clock confirmed")]


def test_after_a_leap_nothing_goes_until_it_is_confirmed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    held = world.hold()
    scheduled(world)
    world.clock.now = DUE
    with caplog.at_level(logging.WARNING, "exchange.schedule"):
        scheduled(world)
        scheduled(world)
    assert "the clock is ahead: confirm it" in caplog.text
    assert world.row(held.id).state == "held"
    assert asked(world) == [leap._WHAT]  # said once
    with reading(world.hub.engine) as session:
        found = leap.ahead(session, world.clock(), DAY)
    assert found is not None
    assert dict(found.makes_due)["submissions"] == 1
    with writing(world.hub.engine) as session:
        leap.confirm(session, world.clock)
    scheduled(world)
    assert world.row(held.id).state == "disposed"
    assert asked(world) == [leap._WHAT, "clock confirmed"]


def test_a_clock_put_right_needs_no_confirmation(world: World) -> None:
    held = world.hold()
    scheduled(world)
    right, world.clock.now = world.clock.now, DUE
    scheduled(world)
    world.clock.now = right + timedelta(hours=1)
    scheduled(world)
    with reading(world.hub.engine) as session:
        assert leap.ahead(session, world.clock(), DAY) is None
    assert world.row(held.id).state == "held"
    world.hold([crimes(4)], supplier=DURHAM)  # nor has the sealing key gone meanwhile


def test_time_that_goes_by_is_believed_and_so_is_a_leap_that_makes_nothing_due(world: World) -> None:
    held = world.hold()
    world.clock.now = datetime(2031, 4, 20, 12, tzinfo=UTC)
    assert leap.believed(world.hub.engine, world.clock, DAY) is None
    for _ in range(9):
        world.clock.forward(hours=23)
        assert leap.believed(world.hub.engine, world.clock, DAY) is None
    schedule.perform("dispose of what is due", schedule.dispose_due, world.hub)
    assert world.row(held.id).state == "held"
    world.clock.now = DUE
    schedule.perform("dispose of what is due", schedule.dispose_due, world.hub)
    assert world.row(held.id).state == "disposed"
    world.clock.now = datetime(2036, 11, 1, tzinfo=UTC)
    found = leap.believed(world.hub.engine, world.clock, DAY)
    assert found is not None
    assert {kind for kind, count in found.makes_due.items() if count} == {"agreements"}


def test_a_leap_ends_no_hold(world: World) -> None:
    held = world.hold()
    with writing(world.hub.engine) as session:
        who = print_of(world.keys[f"{CLEVELAND}/dpo"])
        over = Over(REFERENCE, "crimes")
        placed = holds.place(session, over, reason="an inquiry", person=who, until=date(2026, 11, 30), clock=world.clock)
    scheduled(world)
    right, world.clock.now = world.clock.now, datetime(2026, 12, 3, tzinfo=UTC)
    scheduled(world)
    with reading(world.hub.engine) as session:
        assert [one.id for one in holds.everything(session)] == [placed.id]
    world.clock.now = right
    scheduled(world)
    for _ in range(9):
        world.clock.forward(days=1)
        scheduled(world)
    with reading(world.hub.engine) as session:
        assert holds.everything(session) == []
    assert world.row(held.id).state == "held"


def retention(world: World, *arguments: str) -> Any:
    done = CliRunner().invoke(cli, ["--config", str(configured(world)), "--json", "retention", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_commands_on_a_hub_of_today(world: World) -> None:
    """The commands take the machine's clock, which is past the test's: hold, list, lift, due, confirm and run end to end."""
    held = world.hold()
    who = print_of(world.keys[f"{CLEVELAND}/dpo"])
    until = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
    placed = retention(world, "hold", held.id, "--reason", "an inquiry", "--person", who, "--until", until)["hold"]
    assert (placed["over"]["submission"], placed["until"], placed["ended"]) == (held.id, until, None)
    assert [one["id"] for one in retention(world, "holds")["holds"]] == [placed["id"]]
    series = retention(
        world, "hold", REFERENCE, "outcomes", "--period", "2021-04", "--reason", "an inquiry", "--person", who, "--until", until
    )
    assert series["hold"]["over"]["dataset"] == "outcomes"
    [listed] = retention(world, "due", "--by", "2040-01-01")["due"]
    assert (listed["id"], listed["due"], listed["hold"]) == (held.id, "2031-04-30", placed["id"])
    assert retention(world, "lift", placed["id"], "--person", who)["hold"]["lifted_by"] == who
    assert [one["ended"] is None for one in retention(world, "holds", "--ended")["holds"]] in ([True, False], [False, True])
    assert retention(world, "confirm", "--yes")["confirmed"]
    assert retention(world, "run") == {"destroyed": []}
    unknown = ["--config", str(configured(world)), "retention", "hold", held.id, "--reason", "x", "--person", "nobody", "--until", until]
    with pytest.raises(Unacceptable, match="nobody whom the agreement names"):
        CliRunner().invoke(cli, unknown, catch_exceptions=False)


def test_what_was_acknowledged_before_a_long_time_off_is_opened_before_its_sealing_key_goes(world: World) -> None:
    first, open_one = world.prepare([crimes()]), world.prepare([crimes()], supplier=DURHAM)
    scheduled(world)
    world.send(first)
    world.open(open_one, DURHAM)
    world.clock.forward(days=15)
    scheduled(world)
    assert [world.row(one.id).state for one in (first, open_one)] == ["complete", "open"]
    schedule.process_pending(world.hub)
    assert world.row(first.id).state == "held"
    scheduled(world)
    assert [world.row(one.id).state for one in (first, open_one)] == ["held", "lapsed"]
    assert asked(world) == [leap._WHAT]
    second = world.prepare([crimes(4)], after=first.id)  # under the new week's key
    world.send(second)
    world.say(CLEVELAND, Capacity.SIGNATORY, Voice.SUSPEND)
    for _ in range(15):  # with the hub at work, what waits behind a suspension lapses with its key
        world.clock.forward(days=1)
        scheduled(world)
    assert world.row(second.id).state == "lapsed"
