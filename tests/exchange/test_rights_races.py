"""Erasures at one moment with each other, with a disposal and with a legal hold: one order, and nothing half done in any."""

import random
from datetime import date
from functools import partial
from typing import Any

import pytest
from werkzeug.test import TestResponse

from exchange.db import writing
from exchange.errors import Conflict
from exchange.submissions import holds, retention
from exchange.submissions.holds import Over
from exchange.submissions.tables import SubmissionState
from tests.exchange.asking import ask, entries, everything_readable, parts, pseudonym, receipt_of, rekeyed, request
from tests.exchange.racing import head_start, race, verify_log
from tests.exchange.standing import CLEVELAND, REFERENCE, Pushed, World, crimes

PEOPLE = 12


@pytest.fixture
def chance() -> random.Random:
    return random.Random(7)


@pytest.fixture
def pushed(world: World) -> Pushed:
    return world.hold([crimes(PEOPLE), crimes(PEOPLE, seed=1)])


def post(world: World, signed: dict[str, Any], token: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return world.app.test_client().open("/v1/rights", method="POST", json=signed, headers=headers)


def consistent(world: World, submission: str, rows: int) -> None:
    row = world.row(submission)
    assert world.hub.keyring.store.names(f"submission/{submission}") == [row.key]
    assert set(world.hub.places.held.names()) == {part.object for part in row.held}
    assert sum(table.num_rows for table in parts(world, submission)) == row.rows - row.erased_rows == rows
    verify_log(world)


def test_two_people_at_once_are_both_erased(world: World, pushed: Pushed, chance: random.Random) -> None:
    token, left = world.token(CLEVELAND), 2 * PEOPLE
    for number in range(4):
        pair = [pseudonym(2 * number), pseudonym(2 * number + 1, 1)]
        asked = [request(world, "erasure", [one]) for one in pair]
        stories = [partial(post, world, signed, token) for signed in asked]
        answers = race(*stories, delays=head_start(number, chance, 2))
        assert [receipt_of(world, answer, signed).rows for answer, signed in zip(answers, asked, strict=True)] == [1, 1]
        left -= 2
        consistent(world, pushed.id, left)
        assert not rekeyed(world, pair) & everything_readable(world)


def test_the_same_request_at_once_is_carried_out_once(world: World, pushed: Pushed) -> None:
    token, signed = world.token(CLEVELAND), request(world, "erasure", [pseudonym(1)])
    answers = race(*[partial(post, world, signed, token)] * 3)
    assert len({receipt_of(world, answer, signed).decided for answer in answers}) == 1
    assert len(entries(world, "rows erased")) == 1
    consistent(world, pushed.id, 2 * PEOPLE - 1)


def test_a_disposal_at_once_leaves_nothing_that_can_be_read(world: World, pushed: Pushed, chance: random.Random) -> None:
    token, hub = world.token(CLEVELAND), world.hub
    dispose = partial(retention.dispose, hub.engine, hub.keyring, hub.places, pushed.id, world.clock())
    signed = request(world, "erasure", [pseudonym(1)])
    answer, _ = race(partial(post, world, signed, token), dispose, delays=[chance.uniform(0, 0.02), chance.uniform(0, 0.02)])
    assert receipt_of(world, answer, signed).rows in (0, 1)
    assert world.row(pushed.id).state == SubmissionState.DISPOSED
    assert hub.keyring.store.names(f"submission/{pushed.id}") == []
    assert not everything_readable(world)
    assert ask(world, "erasure", [pseudonym(2)]).rows == 0


def test_a_legal_hold_at_once_is_before_or_after(world: World, pushed: Pushed, chance: random.Random) -> None:
    token, left, dpo = world.token(CLEVELAND), 2 * PEOPLE, world.agreement.parties[0].dpo.key

    def place() -> str:
        over = Over(REFERENCE, "crimes", submission=pushed.id)
        with writing(world.hub.engine) as session:
            return holds.place(session, over, reason="an inquest", person=dpo, until=date(2027, 1, 31), clock=world.clock).id

    for number in range(4):
        signed = request(world, "erasure", [pseudonym(number)])
        answer, hold = race(partial(post, world, signed, token), place, delays=head_start(number, chance, 2))
        assert not isinstance(hold, Conflict)
        receipt = receipt_of(world, answer, signed)
        assert receipt.rows + len(receipt.deferred) == 1
        left -= receipt.rows
        consistent(world, pushed.id, left)
        with writing(world.hub.engine) as session:
            holds.lift(session, hold, dpo, world.clock)
