"""A draft goes with the first of its rows, and with the version it was made under; what is published stays."""

import copy
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from agreements.signing import Capacity, Voice
from exchange import schedule
from exchange.db import reading
from exchange.errors import RefusedByAgreement
from exchange.log.record import append
from exchange.log.tables import EntryRow
from exchange.releases import keeping
from exchange.releases.checking import REFUSE
from exchange.releases.tables import EditionState
from exchange.submissions import endings
from tests.agreements.papers import build
from tests.exchange.releases.drafted import CHECKERS, publish, record, row, vote
from tests.exchange.standing import DURHAM, World


def second(world: World, **head: Any) -> None:
    """Version 2, in force, its first dataset kept for less long where that is said."""
    parsed = copy.deepcopy(world.agreement.document)
    parsed["agreement"]["version"] = 2
    parsed["datasets"][0].update(head)
    agreement = build(parsed)
    world.enter(agreement)
    world.sign_all(agreement)


def settle(world: World, reference: str | None = None) -> list[str]:
    hub = world.hub
    if reference is None:
        endings.settle(hub.engine, hub.keyring, hub.places, world.clock)
    return keeping.settle(hub.engine, world.clock, reference)


def logged(world: World, subject: str) -> list[tuple[Any, Any]]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [(entry["what"], entry["details"]) for entry in found if entry and entry["subject"] == subject]


def test_a_draft_of_a_replaced_version_is_checked_no_more_and_dropped_with_its_files(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    record(world, vote(world, identity, CHECKERS[0]))
    second(world)
    with pytest.raises(RefusedByAgreement, match="a newer version has replaced this one: it makes no new editions"):
        record(world, vote(world, identity, CHECKERS[1]))
    assert settle(world, "LCJP-OTHER") == []
    assert settle(world) == [f"edition dropped: {identity}"]
    found = row(world, identity)
    assert (found.state, found.files, found.votes) == (EditionState.DROPPED, [], [])
    assert found.ended == "a newer version has replaced the one it was made under"
    assert "uniqueness" not in found.report
    assert found.draft["inputs"]
    [*_, (what, details)] = logged(world, identity)
    assert (what, details["because"]) == ("edition dropped", "a newer version has replaced the one it was made under")
    assert settle(world) == []


def test_a_draft_of_an_agreement_that_has_ended_follows_its_rows_day_and_is_dropped(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    assert world.say(DURHAM, Capacity.SIGNATORY, Voice.TERMINATE) == "terminated"
    schedule.advance_agreements(world.hub)
    found = row(world, identity)
    assert (found.state, found.files, found.dispose_on) == (EditionState.DROPPED, [], date(2026, 11, 22))
    said = logged(world, identity)[-6:]
    begun, done = ["exact counts to be destroyed"] * 2, ["exact counts destroyed"] * 2
    assert [what for what, _ in said] == ["destruction of a draft brought forward", *begun, "edition dropped", *done]
    assert said[3][1]["because"] == "the agreement has ended"


def test_a_suspended_agreement_leaves_its_drafts_waiting(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    assert settle(world) == []
    assert row(world, identity).files


def test_a_refused_draft_keeps_its_files_until_its_day_which_follows_the_earliest_of_its_rows(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    assert record(world, vote(world, identity, CHECKERS[0], REFUSE)) == EditionState.DROPPED
    second(world, retention="P7Y")
    assert f"destruction of a draft brought forward: {identity}" in settle(world)
    found = row(world, identity)
    assert (found.dispose_on, bool(found.files)) == (date(2028, 4, 30), True)
    [*_, (_, details)] = logged(world, identity)
    assert (details["from"], details["to"]) == ("2031-04-30", "2028-04-30")
    world.clock.now = datetime(2028, 4, 29, 22, 59, tzinfo=UTC)
    assert settle(world) == []
    world.clock.now = datetime(2028, 4, 29, 23, 0, tzinfo=UTC)
    assert settle(world) == [f"draft destroyed: {identity}"]
    assert row(world, identity).files == []
    assert settle(world) == []


def test_a_draft_nobody_has_checked_is_destroyed_on_its_day(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    world.clock.now = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)
    assert f"draft destroyed: {identity}" in settle(world)
    assert (row(world, identity).state, row(world, identity).files) == (EditionState.DROPPED, [])


def test_what_is_published_stays_whole(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    publish(world, identity)
    before = row(world, identity)
    second(world, retention="P7Y")
    settle(world)
    world.clock.now = datetime(2031, 5, 1, tzinfo=UTC)
    settle(world)
    schedule.dispose_due(world.hub)
    after = row(world, identity)
    assert (after.state, after.dispose_on) == (EditionState.PUBLISHED, date(2031, 4, 30))
    assert {one.name: one.content for one in after.files} == {one.name: one.content for one in before.files}


class Crash(Exception):
    """The power goes."""


def test_a_crash_leaves_the_draft_as_it_was_and_a_repeat_finishes(drafted: tuple[World, str], monkeypatch: pytest.MonkeyPatch) -> None:
    world, identity = drafted
    second(world)

    def crash(*arguments: Any) -> None:
        append(*arguments)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(keeping, "append", crash)
        with pytest.raises(Crash):
            settle(world)
    found = row(world, identity)
    assert (found.state, bool(found.files)) == (EditionState.AWAITING_CHECK, True)
    assert settle(world) == [f"edition dropped: {identity}"]
    assert [what for what, _ in logged(world, identity)].count("edition dropped") == 1
