"""Exact counts of editions, sealed: what they are good for, and that they go with the rows they were counted from."""

import copy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from agreements.signing import Capacity, Voice
from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import Conflict
from exchange.keyring import KEPT
from exchange.log.tables import EntryRow
from exchange.releases import edition as releases_edition
from exchange.releases import kept
from exchange.releases.checking import REFUSE
from exchange.releases.tables import EditionRow, KeptRow
from exchange.releases.tabulate import tabulate
from exchange.settling import settle
from exchange.submissions.holds import Over
from keys.errors import KeyDestroyed
from tests.agreements.papers import build
from tests.exchange import asking
from tests.exchange.releases.drafted import CHECKERS, ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World, crimes
from tests.exchange.test_holds import lift, place

BOTH = {kept.COUNTS, kept.PROOF}


def sealed(world: World, edition: str) -> set[str]:
    """What is there to be opened, in the database and in the keystore."""
    with reading(world.hub.engine) as session:
        rows = list(session.execute(select(KeptRow).where(KeptRow.edition == edition)).scalars())
        there = {one.what for one in rows if one.sealed is not None}
    live = {name.rpartition("/")[2] for name in world.hub.keyring.store.names(f"{KEPT}{edition}/")}
    assert live == there
    return there


def opened(world: World, edition: str, what: str = kept.COUNTS) -> Any:
    with reading(world.hub.engine) as session:
        return kept.opened(session, world.hub.keyring, session.get_one(EditionRow, edition), what)


def logged(world: World, edition: str) -> list[tuple[str, str]]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        entries: list[Any] = [one for one in found if one and one["subject"] == edition]
    return [(one["what"], one["details"].get("because", "")) for one in entries]


def gone(world: World, edition: str, because: str) -> None:
    assert sealed(world, edition) == set()
    assert logged(world, edition)[-2:] == [(kept.DONE, because)] * 2 or logged(world, edition)[-1] == (kept.DONE, because)
    assert opened(world, edition) is None
    with pytest.raises(KeyDestroyed):
        world.hub.keyring.store.get(f"{KEPT}{edition}/counts")
    assert kept.settle(world.hub.engine, world.hub.keyring, world.clock) == []


def corrected(world: World, edition: str, rows: int = 123) -> str:
    [before] = [one["submission"] for one in row(world, edition).draft["inputs"] if one["supplier"] == CLEVELAND]
    world.hold([crimes(rows, seed=1)], after=before)
    schedule.advance_agreements(world.hub)
    schedule.dispose_due(world.hub)
    assert world.row(before).state == "disposed"
    return str(before)


def test_a_draft_has_its_exact_counts_and_their_proof_sealed_and_nothing_of_them_in_the_clear(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    assert sealed(world, edition) == BOTH
    files = opened(world, edition)
    assert "by-area.csv" in files
    assert set(opened(world, edition, kept.PROOF)) == {"certificate.json"}
    with reading(world.hub.engine) as session:
        held = b"".join(one.sealed or b"" for one in session.execute(select(KeptRow)).scalars())
    assert b"force,authority" not in held


def test_published_they_outlive_rows_that_were_superseded(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    publish(world, edition)
    corrected(world, edition)
    assert sealed(world, edition) == BOTH
    assert opened(world, edition) is not None


@pytest.mark.parametrize("way", ["refused", "stranded"])
def test_they_go_with_the_draft(drafted: tuple[World, str], way: str) -> None:
    world, edition = drafted
    if way == "refused":
        record(world, vote(world, edition, CHECKERS[0], REFUSE))
    else:
        assert world.say(DURHAM, Capacity.SIGNATORY, Voice.TERMINATE) == "terminated"
    assert opened(world, edition) is None or way == "stranded"
    settle(world.hub)
    gone(world, edition, kept.DROPPED)


def test_they_go_on_the_day_of_the_first_rows_though_these_were_superseded_long_before(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    publish(world, edition)
    corrected(world, edition)
    world.clock.now = datetime(2031, 4, 29, 22, 59, tzinfo=UTC)
    settle(world.hub)
    assert sealed(world, edition) == BOTH
    world.clock.now += timedelta(minutes=1)
    settle(world.hub)
    gone(world, edition, "a submission that it was counted from, or one that took its place, is destroyed")


def test_a_shorter_retention_and_the_end_of_the_agreement_bring_their_day_forward(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    publish(world, edition)
    corrected(world, edition)
    parsed = copy.deepcopy(world.agreement.document)
    parsed["agreement"]["version"] = 2
    parsed["datasets"][0]["retention"] = "P7Y"
    agreement = build(parsed)
    world.enter(agreement)
    world.sign_all(agreement)
    world.clock.now = datetime(2028, 4, 29, 22, 59, tzinfo=UTC)
    settle(world.hub)
    assert sealed(world, edition) == BOTH
    world.clock.now += timedelta(minutes=1)
    settle(world.hub)
    assert sealed(world, edition) == set()


def test_the_end_of_the_agreement_destroys_them_with_the_rows(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    publish(world, edition)
    assert world.say(DURHAM, Capacity.SIGNATORY, Voice.TERMINATE) == "terminated"
    schedule.advance_agreements(world.hub)
    schedule.dispose_due(world.hub)
    assert sealed(world, edition) == set()


@pytest.mark.parametrize("whose", ["of the edition", "of the correction", "of nobody"])
def test_an_erasure_lets_go_of_counts_that_may_hold_the_person(drafted: tuple[World, str], whose: str) -> None:
    """Found in rows that were counted; or in those that took their place; or nowhere, while rows that were counted are gone and cannot be searched."""
    world, edition = drafted
    publish(world, edition)
    if whose != "of the edition":
        corrected(world, edition)
    person = bytes(16) if whose == "of nobody" else asking.pseudonym(0, seed=1)
    receipt = asking.ask(world, "erasure", {person})
    assert receipt.rows == (whose != "of nobody")
    assert opened(world, edition) is None
    settle(world.hub)
    gone(world, edition, "rows that it was counted from were erased, or may have been")


def test_an_erasure_of_somebody_who_is_in_no_row_leaves_them(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    publish(world, edition)
    asking.ask(world, "erasure", {bytes(16)})
    settle(world.hub)
    assert sealed(world, edition) == BOTH


def test_to_ask_what_is_held_of_somebody_lets_nothing_go(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    publish(world, edition)
    corrected(world, edition)
    asking.ask(world, "access", {asking.pseudonym(0, seed=1)})
    settle(world.hub)
    assert sealed(world, edition) == BOTH


def test_under_a_legal_hold_they_stay_and_are_not_used(drafted: tuple[World, str]) -> None:
    """The rows are superseded and destroyed; the hold is on what took their place."""
    world, edition = drafted
    publish(world, edition)
    corrected(world, edition)
    placed = place(world, Over(REFERENCE, "crimes", supplier=CLEVELAND), until=date(2031, 6, 30))
    assert opened(world, edition) is None
    world.clock.now = datetime(2031, 5, 2, tzinfo=UTC)
    settle(world.hub)
    assert sealed(world, edition) == BOTH
    lift(world, placed.id)
    settle(world.hub)
    assert sealed(world, edition) == set()


def test_an_erasure_that_finds_them_under_a_legal_hold_takes_them_when_it_ends(drafted: tuple[World, str]) -> None:
    """The person may be in rows that are gone, of which nobody will ask again; the hold is on what took their place."""
    world, edition = drafted
    publish(world, edition)
    corrected(world, edition)
    placed = place(world, Over(REFERENCE, "crimes", supplier=CLEVELAND), until=date(2031, 3, 31))
    for _ in range(2):
        asking.ask(world, "erasure", {bytes(16)})
    settle(world.hub)
    assert sealed(world, edition) == BOTH
    assert [what for what, _ in logged(world, edition)].count(kept.LATER) == 2
    lift(world, placed.id)
    assert opened(world, edition) is None
    settle(world.hub)
    gone(world, edition, "rows that it was counted from were erased, or may have been")


def test_the_keys_of_an_erasure_are_destroyed_though_the_clock_is_not_believed(drafted: tuple[World, str]) -> None:
    world, edition = drafted
    publish(world, edition)
    asking.ask(world, "erasure", {asking.pseudonym(0, seed=1)})
    schedule.finish_erasures(world.hub)
    gone(world, edition, "rows that it was counted from were erased, or may have been")
    assert "finish erasures" not in schedule.BY_THE_CLOCK


def test_no_draft_proves_itself_by_counts_that_are_let_go_of_while_it_is_made(
    drafted: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, first = drafted
    publish(world, first)

    def meanwhile(*about: Any, **more: Any) -> Any:
        with writing(world.hub.engine) as session:
            kept.let_go(session, session.get_one(EditionRow, first), "a test", world.clock())
        return tabulate(*about, **more)

    with monkeypatch.context() as patch:
        patch.setattr(releases_edition, "tabulate", meanwhile)
        with pytest.raises(Conflict) as caught:
            ask(world)
    assert caught.value.code == "inputs-changed"
    second = ask(world)
    assert row(world, second).draft["history"] == [first]


def test_with_the_counts_of_an_edition_go_the_proofs_of_later_ones_that_cover_it(drafted: tuple[World, str]) -> None:
    world, first = drafted
    publish(world, first)
    second = ask(world)
    publish(world, second)
    with reading(world.hub.engine) as session:
        assert session.get_one(EditionRow, second).draft["history"] == [first]
    assert [what for what, _ in logged(world, first)][-1] == "exact counts opened to protect another edition"
    with writing(world.hub.engine) as session:
        kept.let_go(session, session.get_one(EditionRow, first), "a test", world.clock())
    settle(world.hub)
    assert sealed(world, first) == set()
    assert sealed(world, second) == {kept.COUNTS}


class Crash(Exception):
    """The power goes."""


@pytest.mark.parametrize("before", ["the key", "the last word"])
def test_a_crash_between_the_steps_is_finished_by_a_repeat(
    drafted: tuple[World, str], monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    world, edition = drafted
    record(world, vote(world, edition, CHECKERS[0], REFUSE))
    hub = world.hub

    def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        if before == "the key":
            patch.setattr(type(hub.keyring.store), "destroy", crash)
        else:
            patch.setattr(kept, "append", crash)
        with pytest.raises(Crash):
            kept.settle(hub.engine, hub.keyring, world.clock)
    assert opened(world, edition) is None
    assert len(kept.settle(hub.engine, hub.keyring, world.clock)) == 2
    gone(world, edition, kept.DROPPED)
    assert [what for what, _ in logged(world, edition)].count(kept.DONE) == 2
