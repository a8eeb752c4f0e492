"""Editions that come by themselves: when they are due, why not before, and what becomes of one that cannot be drafted."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from agreements.document import read
from agreements.model import Agreement
from agreements.periods import Period
from agreements.rules import HUB
from exchange import schedule
from exchange.db import reading
from exchange.errors import Conflict
from exchange.log.tables import EntryRow
from exchange.questions import editions_due
from exchange.releases import checking, edition, life
from exchange.releases.tables import EditionRow, EditionState
from tests.exchange.releases.drafted import CHECKERS, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, World, crimes

OUTCOMES = ["Charged", "Unable to prosecute", "No suspect identified", None] * 30


def timed(world: World, more: str = "") -> Agreement:
    """Version 2, in force, with a cadence of months."""
    words = world.words(version="2").replace('period_dimension = "month"\n', f'period_dimension = "month"\ncadence = "month"\n{more}', 1)
    agreement = read(words)
    world.enter(agreement)
    assert world.sign_all(agreement) == "in-force"
    return agreement


def hold(world: World, agreement: Agreement, supplier: str, seed: int = 0, **more: Any) -> str:
    rows = crimes(120, seed=seed or len(supplier), last_outcome=OUTCOMES)
    return world.hold([rows], supplier=supplier, about=agreement, **more).id


def expected(world: World) -> dict[str, str]:
    with reading(world.hub.engine) as session:
        return {one.period.name: one.why_not for one in editions_due.everything(session, world.clock())}


def editions(world: World) -> list[str]:
    with reading(world.hub.engine) as session:
        return list(session.execute(select(EditionRow.id).order_by(EditionRow.requested_at)).scalars())


def failures(world: World) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        entries = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [dict(one["details"]) for one in entries if one and one["what"] == editions_due.FAILED]  # type: ignore[call-overload]


def test_a_release_without_a_cadence_expects_nothing(world: World) -> None:
    for supplier in (CLEVELAND, DURHAM):
        world.hold([crimes(120)], supplier=supplier)
    assert expected(world) == {}


def test_it_is_due_when_all_suppliers_have_sent_and_drafted_once_in_the_hubs_name(world: World) -> None:
    agreement = timed(world)
    assert expected(world) == {}
    hold(world, agreement, CLEVELAND)
    assert f"crimes has not been submitted: {DURHAM} 2021-04" in expected(world)["2021-04"]
    schedule.draft_editions(world.hub)
    assert editions(world) == []
    hold(world, agreement, DURHAM)
    assert expected(world)["2021-04"] == ""
    assert "2021-05" in expected(world)["2021-05"]
    schedule.draft_editions(world.hub)
    [identity] = editions(world)
    found = row(world, identity)
    assert (found.requested_by, found.first_period, found.last_period, found.state) == (
        HUB,
        "2021-04",
        "2021-04",
        EditionState.AWAITING_CHECK,
    )
    assert "2021-04" not in expected(world)
    schedule.draft_editions(world.hub)
    assert editions(world) == [identity]
    assert failures(world) == []
    record(world, vote(world, identity, f"{OPERATOR}/checker"))  # any two check it: nobody of them has asked
    assert record(world, vote(world, identity, CHECKERS[0])) == EditionState.PUBLISHED
    schedule.draft_editions(world.hub)
    assert editions(world) == [identity]


def test_it_waits_as_long_as_its_release_says(world: World) -> None:
    agreement = timed(world, 'wait = "P66M25D"\n')
    for supplier in (CLEVELAND, DURHAM):
        hold(world, agreement, supplier)
    assert expected(world)["2021-04"] == "it waits until 24 November 2026 is over"
    world.clock.forward(days=3)
    assert expected(world)["2021-04"] == ""
    world.clock.forward(days=20)  # what was due meanwhile may be about the same people
    assert expected(world)["2021-04"].startswith(f"data are late: {REFERENCE} crimes of {CLEVELAND}, 2026-09: ")


def test_what_a_checker_refused_is_made_again_only_of_other_rows(world: World) -> None:
    agreement = timed(world)
    first = hold(world, agreement, CLEVELAND)
    hold(world, agreement, DURHAM)
    schedule.draft_editions(world.hub)
    [identity] = editions(world)
    record(world, vote(world, identity, CHECKERS[0], checking.REFUSE))
    assert f"an output checker has refused {identity}" in expected(world)["2021-04"]
    schedule.draft_editions(world.hub)
    assert editions(world) == [identity]
    hold(world, agreement, CLEVELAND, seed=1, after=first)
    schedule.draft_editions(world.hub)
    assert len(editions(world)) == 2


def test_a_draft_that_falls_with_its_rows_is_made_again_of_the_new_ones(world: World) -> None:
    agreement = timed(world)
    first = hold(world, agreement, CLEVELAND)
    hold(world, agreement, DURHAM)
    schedule.draft_editions(world.hub)
    hold(world, agreement, CLEVELAND, seed=1, after=first)
    schedule.advance_agreements(world.hub)
    schedule.draft_editions(world.hub)
    old, new = editions(world)
    assert (row(world, old).state, row(world, new).state) == (EditionState.DROPPED, EditionState.AWAITING_CHECK)
    publish(world, new)


def test_a_failure_is_logged_once_by_its_kind_and_tried_again_after_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    agreement = timed(world)
    for supplier in (CLEVELAND, DURHAM):
        hold(world, agreement, supplier)
    tried: list[str] = []
    real = edition.draft

    def fails(*given: Any, **more: Any) -> str:
        tried.append(given[3].first.name)
        if len(tried) < 4:
            raise Conflict("no.", code="first" if len(tried) < 3 else "second") if len(tried) != 2 else ValueError("a value of a row")
        return real(*given, **more)

    monkeypatch.setattr(edition, "draft", fails)
    schedule.draft_editions(world.hub)
    schedule.draft_editions(world.hub)
    assert (len(tried), [one["kind"] for one in failures(world)]) == (1, ["first"])
    world.clock.forward(hours=23)
    schedule.draft_editions(world.hub)
    assert len(tried) == 1
    for kinds in (["first", "ValueError"], ["first", "ValueError", "second"]):
        world.clock.forward(days=1)
        schedule.draft_editions(world.hub)
        assert [one["kind"] for one in failures(world)] == kinds
    assert "a value of a row" not in str(failures(world))
    assert failures(world)[0] == {"release": RELEASE, "first": "2021-04", "last": "2021-04", "kind": "first"}
    world.clock.forward(days=1)
    schedule.draft_editions(world.hub)
    assert len(editions(world)) == 1
    with reading(world.hub.engine) as session:
        assert editions_due.everything(session, world.clock(), "LCJP-OTHER") == []
        assert {one.reference for one in editions_due.everything(session, world.clock())} == {REFERENCE}


def test_two_workers_at_once_draft_one(world: World) -> None:
    agreement = timed(world)
    for supplier in (CLEVELAND, DURHAM):
        hold(world, agreement, supplier)
    hub = world.hub
    with ThreadPoolExecutor(2) as both:
        list(both.map(schedule.draft_editions, (hub, hub)))
    assert len(editions(world)) == 1
    assert failures(world) == []
    with reading(hub.engine) as session:
        one = editions_due.Expected(REFERENCE, RELEASE, Period.parse("2021-04"))
        with pytest.raises(Conflict, match="waits to be checked"):
            life.place(session, one.wanted, agreement)
