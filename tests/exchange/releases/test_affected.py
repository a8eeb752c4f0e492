"""What an erasure means for editions: drafts go, what is published is named, and a warning where publishing again would itself disclose."""

from typing import Any

import pytest
from sqlalchemy import select

from exchange.db import reading
from exchange.errors import Conflict
from exchange.releases import edition
from exchange.releases.tables import EditionState
from exchange.releases.tabulate import tabulate
from exchange.submissions.tables import SubmissionRow
from tests.exchange.asking import ask, entries, pseudonym
from tests.exchange.releases.drafted import CHECKERS, publish, record, row, vote
from tests.exchange.releases.drafted import ask as draft
from tests.exchange.standing import CLEVELAND, DURHAM, World


def mine(world: World, supplier: str) -> str:
    with reading(world.hub.engine) as session:
        return session.execute(select(SubmissionRow.id).where(SubmissionRow.supplier == supplier)).scalar_one()


def test_a_draft_made_of_such_rows_is_dropped_and_cannot_be_published(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    record(world, vote(world, identity, CHECKERS[0]))
    second = vote(world, identity, CHECKERS[1])
    [told] = ask(world, "erasure", [pseudonym(3, 1)]).editions
    assert (told.edition, told.state, told.records, told.warning) == (identity, "dropped", 1, None)
    assert (row(world, identity).state, row(world, identity).files) == (EditionState.DROPPED, [])
    with pytest.raises(Conflict):
        record(world, second)
    [entry] = entries(world, "edition dropped")
    assert entry["details"]["because"] == "rows it was made from were erased"
    again = draft(world)
    held = {one["submission"]: one["rows_digest"] for one in row(world, again).draft["inputs"]}
    before = {one["submission"]: one["rows_digest"] for one in row(world, identity).draft["inputs"]}
    assert held.keys() == before.keys()
    assert {name for name in held if held[name] != before[name]} == {mine(world, CLEVELAND)}


@pytest.mark.parametrize(("people", "warned"), [(1, True), (9, True), (10, False)])
def test_a_published_edition_is_named_and_a_small_change_warned_of(drafted: tuple[World, str], people: int, *, warned: bool) -> None:
    world, identity = drafted
    publish(world, identity)
    before = row(world, identity)
    [told] = ask(world, "erasure", [pseudonym(number, 1) for number in range(people)]).editions
    assert (told.edition, told.state, told.records) == (identity, "published", people)
    assert (told.warning is not None) is warned
    if told.warning is not None:
        assert "Do not publish this edition again alone" in told.warning
    after = row(world, identity)
    assert (after.state, after.signed, len(after.files)) == (EditionState.PUBLISHED, before.signed, len(before.files))


def test_access_tells_and_drops_nothing_and_nobody_hears_of_anothers_rows(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    [told] = ask(world, "access", [pseudonym(3, 1)]).editions
    assert (told.edition, told.state, told.records, told.warning) == (identity, "awaiting-check", 1, None)
    assert row(world, identity).state == EditionState.AWAITING_CHECK
    assert ask(world, "erasure", [pseudonym(3, 1)], supplier=DURHAM).editions == ()
    assert row(world, identity).state == EditionState.AWAITING_CHECK


def test_an_erasure_while_an_edition_is_made_is_found_out(drafted: tuple[World, str], monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = drafted

    def meanwhile(*given: Any, **named: Any) -> Any:
        made = tabulate(*given, **named)
        ask(world, "erasure", [pseudonym(3, 1)])
        return made

    monkeypatch.setattr(edition, "tabulate", meanwhile)
    with pytest.raises(Conflict, match="have changed meanwhile"):
        draft(world)
