"""Editions of what has been published before: protected together with it, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from agreements.periods import Period
from agreements.release import Method, Release
from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import Conflict, Unacceptable
from exchange.releases import history, kept
from exchange.releases.screen import published_tables
from exchange.releases.tables import EditionRow, EditionState
from tests.exchange.releases.drafted import APRIL, CHECKERS, ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, DURHAM, RELEASE, SUPPLIERS, World, crimes

MAY = Period.parse("2021-05")
OUTCOMES = ["Charged", "Unable to prosecute", "No suspect identified", None]


def release(world: World) -> Release:
    found = world.agreement.release(RELEASE)
    assert found is not None
    return found


def tables(world: World, edition: str, periods: list[Period]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    files = {file.name: file.content for file in row(world, edition).files}
    return {shown.table.name: (shown.counts, shown.hidden) for shown in published_tables(release(world), periods, files)}


def submitted(world: World, edition: str, supplier: str) -> str:
    [found] = [one["submission"] for one in row(world, edition).draft["inputs"] if one["supplier"] == supplier]
    return str(found)


def corrected(world: World, edition: str, outcomes: list[str | None]) -> str:
    """Cleveland's month sent again; the rows of the edition are destroyed, as they are at once. The id of what was replaced."""
    before = submitted(world, edition, CLEVELAND)
    world.hold([crimes(len(outcomes), seed=1, last_outcome=outcomes)], after=before)
    schedule.advance_agreements(world.hub)
    schedule.dispose_due(world.hub)
    return before


def forgotten(world: World, edition: str) -> None:
    """The exact counts of an edition are destroyed."""
    hub = world.hub
    with writing(hub.engine) as session:
        kept.let_go(session, session.get_one(EditionRow, edition), "a test", world.clock())
    kept.finish(hub.engine, hub.keyring, world.clock)


def test_a_correction_of_three_people_that_nothing_can_hide_is_not_published(drafted: tuple[World, str]) -> None:
    world, first = drafted
    publish(world, first)
    corrected(world, first, [*OUTCOMES * 30, "Charged", "Charged", "Charged"])
    forgotten(world, first)
    with pytest.raises(Unacceptable, match="cannot be proven safe"):
        ask(world)


def test_a_correction_of_three_people_is_hidden_where_the_exact_counts_before_are_kept(drafted: tuple[World, str]) -> None:
    """Their rows are destroyed; what hidden cells of both editions have in common is certified all the same."""
    world, first = drafted
    publish(world, first)
    before = corrected(world, first, [*OUTCOMES * 30, "Charged", "Charged", "Charged"])
    assert world.row(before).state == "disposed"
    second = ask(world)
    publish(world, second)
    one, other = tables(world, first, [APRIL]), tables(world, second, [APRIL])
    for name, (counts, hidden) in one.items():
        now, later = other[name]
        apart = np.abs(now - counts)[~hidden & ~later]
        assert ((apart == 0) | (apart >= 10)).all()
        assert later.any()


def test_a_month_sent_again_is_held_to_what_was_published_of_it(drafted: tuple[World, str]) -> None:
    """The rows and exact counts of the first edition are gone: what is the same stays shown, what was hidden stays so, what is shown differs by much."""
    world, first = drafted
    publish(world, first)
    before = corrected(world, first, ["Charged"] * 45 + ["Unable to prosecute"] * 42 + ["No suspect identified"] * 30 + [None] * 30)
    assert world.row(before).state == "disposed"
    forgotten(world, first)
    second = ask(world)
    publish(world, second)
    assert row(world, second).draft["history"] == [first]
    one, other = tables(world, first, [APRIL]), tables(world, second, [APRIL])
    for name, (counts, hidden) in one.items():
        now, later = other[name]
        shown = ~hidden & ~later
        assert (~shown | (np.abs(now - counts) == 0) | (np.abs(now - counts) >= 10)).all()
        assert (later | (now == 0))[hidden].all()
    assert any((now != one[name][0]).any() for name, (now, _) in other.items())


def test_a_month_is_shown_alike_by_itself_and_among_others(drafted: tuple[World, str]) -> None:
    world, first = drafted
    publish(world, first)
    for number, supplier in enumerate(SUPPLIERS, 11):
        may = [crimes(80, seed=number, month=MAY.start, last_outcome=OUTCOMES * 20)]
        world.hold(may, supplier=supplier, period=MAY.name)
    second = ask(world, last=MAY)
    publish(world, second)
    third = ask(world, first=MAY, last=MAY)
    assert row(world, third).draft["history"] == [first, second]
    one, both, other = tables(world, first, [APRIL]), tables(world, second, [APRIL, MAY]), tables(world, third, [MAY])
    for table in release(world).tables:
        month = table.dimensions.index("month")
        for alone, place in ((one, 1), (other, 2)):
            for mine, among in zip(alone[table.name], both[table.name], strict=True):
                assert (np.take(mine, 1, axis=month) == np.take(among, place, axis=month)).all()


def test_a_draft_that_knows_of_no_other_edition_is_not_published_beside_one(drafted: tuple[World, str]) -> None:
    world, first = drafted
    second = ask(world)
    record(world, vote(world, first, CHECKERS[0]))
    publish(world, second)
    with pytest.raises(Conflict, match="since this draft was made") as caught:
        record(world, vote(world, first, CHECKERS[1]))
    assert caught.value.code == "population-published"
    assert row(world, first).state == EditionState.AWAITING_CHECK
    assert len(row(world, first).votes) == 1


def changed(asked: Release, change: str) -> Release:
    match change:
        case "name":
            return replace(asked, name="another")
        case "method":
            return replace(asked, terms=replace(asked.terms, method=Method.ROUNDING, base=10))
        case "base":
            return replace(asked, present=())
        case _:
            return replace(asked, dimensions=tuple(replace(one, source="supplier") for one in asked.dimensions))


@pytest.mark.parametrize("change", ["name", "method", "base", "dimension"])
def test_beside_what_was_counted_otherwise_there_is_no_edition(drafted: tuple[World, str], change: str) -> None:
    """Another unit and rounded counts never; another release while the exact counts of the first are kept."""
    world, first = drafted
    publish(world, first)
    asked, keyring = release(world), world.hub.keyring
    other = changed(asked, change)
    base = world.agreement.dataset(asked.base)
    assert base is not None
    mine, may = ([(base.adapter, DURHAM, period.name)] for period in (APRIL, MAY))

    def found(one: Release, where: list[tuple[str, str, str]]) -> list[history.Published]:
        with reading(world.hub.engine) as session:
            return history.read(session, keyring, world.agreement, one, where)

    assert [one.edition for one in found(asked, mine)] == [first]
    assert found(other, may) == []
    if change in {"name", "dimension"}:
        assert [one.made is not None for one in found(other, mine)] == [True]
        forgotten(world, first)
    if change == "name":  # the same counts under another name bear on one another as those of one release do
        assert [one.made for one in found(other, mine)] == [None]
        return
    with pytest.raises(Conflict, match=f"published in {first}"):
        found(other, mine)
