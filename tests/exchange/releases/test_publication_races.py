"""Races about editions: published and handed out before a suspension or not at all, and once."""

import random
from functools import partial
from pathlib import Path

import pytest

from agreements.lifecycle import State
from agreements.signing import Capacity, Voice
from exchange.errors import Conflict, RefusedByAgreement
from exchange.releases.tables import EditionState
from tests.exchange.racing import entries, head_start, race, verify_log
from tests.exchange.releases.drafted import CHECKERS, ask, publish, record, row, vote
from tests.exchange.standing import DURHAM, TEAM, World, problem

STOPPED, PUBLISHED, GIVEN = "statement: suspend", "edition published", "edition downloaded"


@pytest.fixture
def chance() -> random.Random:
    return random.Random(5)


def suspend(world: World) -> str:
    return world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)


def test_it_is_published_before_the_suspension_or_not_at_all(drafted: tuple[World, str], tmp_path: Path, chance: random.Random) -> None:
    first, identity = drafted
    record(first, vote(first, identity, CHECKERS[0]))
    seen = set()
    for number in range(8):
        world = first.copy(tmp_path / str(number))
        second = vote(world, identity, CHECKERS[1])
        answer, _ = race(partial(record, world, second), partial(suspend, world), delays=head_start(number, chance, 2))
        (stopped,) = entries(world, STOPPED)
        said, state = entries(world, PUBLISHED, identity), row(world, identity).state
        seen.add(state)
        if isinstance(answer, RefusedByAgreement):
            assert "suspended" in str(answer)
            assert (state, said, len(row(world, identity).votes)) == (EditionState.AWAITING_CHECK, [], 1)
        else:
            assert answer == state == EditionState.PUBLISHED
            assert said[0] < stopped
        verify_log(world)
        world.close()
    assert seen == {EditionState.PUBLISHED, EditionState.AWAITING_CHECK}


def test_a_download_begins_before_the_suspension_or_not_at_all(drafted: tuple[World, str], chance: random.Random) -> None:
    world, identity = drafted
    publish(world, identity)
    token = {"Authorization": f"Bearer {world.token(TEAM)}"}
    path, seen = f"/v1/editions/{identity}/tables/{row(world, identity).files[0].name}", set()
    for number in range(16):
        before = len(entries(world, GIVEN))
        answer, _ = race(partial(world.call, "get", path, headers=token), partial(suspend, world), delays=head_start(number, chance, 2))
        stopped, given = entries(world, STOPPED)[-1], entries(world, GIVEN)[before:]
        seen.add(answer.status_code)
        if answer.status_code == 200:
            assert len(given) == 1
            assert given[0] < stopped
        else:
            problem(answer, 403, "refused-by-agreement")
            assert given == []
        assert world.say(DURHAM, Capacity.SIGNATORY, Voice.RESUME) == State.IN_FORCE
    assert seen == {200, 403}


def test_two_checkers_at_once_publish_it_once(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    states = race(*(partial(record, world, vote(world, identity, checker)) for checker in CHECKERS))
    assert sorted(states) == [EditionState.AWAITING_CHECK, EditionState.PUBLISHED]
    assert len(entries(world, PUBLISHED, identity)) == 1
    assert len(row(world, identity).votes) == 2


def test_one_checker_twice_at_once_counts_once(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    found = race(*(partial(record, world, vote(world, identity, CHECKERS[0])) for _ in range(3)))
    assert sorted(isinstance(one, Conflict) for one in found) == [False, True, True]
    assert len(row(world, identity).votes) == 1


def test_of_two_editions_of_one_population_at_once_one_is_published(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    both = (identity, ask(world))
    for one in both:
        record(world, vote(world, one, CHECKERS[0]))
    found = race(*(partial(record, world, vote(world, one, CHECKERS[1])) for one in both))
    (conflict,) = [one for one in found if isinstance(one, Conflict)]
    assert conflict.code == "population-published"
    assert sorted(row(world, one).state for one in both) == [EditionState.AWAITING_CHECK, EditionState.PUBLISHED]
