"""A backup put back brings no exact counts back that were destroyed, begun to be destroyed, or whose edition it does not know."""

from pathlib import Path

import pytest

from exchange.db import writing
from exchange.releases import kept
from exchange.releases.checking import REFUSE
from exchange.releases.tables import EditionRow
from exchange.settling import settle
from tests.exchange.releases.drafted import CHECKERS, ask, publish, record, vote
from tests.exchange.releases.test_kept import BOTH, opened, sealed
from tests.exchange.restoring import put_over, replayed, saved
from tests.exchange.standing import World


def begun(world: World, edition: str) -> None:
    with writing(world.hub.engine) as session:
        kept.let_go(session, session.get_one(EditionRow, edition), "a test", world.clock())


@pytest.mark.parametrize("done", [True, False])
def test_what_was_destroyed_since_or_begun_to_be_is_destroyed_again(drafted: tuple[World, str], tmp_path: Path, done: bool) -> None:
    world, edition = drafted
    publish(world, edition)
    copy = saved(world, tmp_path / "backup")
    begun(world, edition)
    if done:
        settle(world.hub)
    replayed(world, put_over(world, copy))
    again = world.restarted()
    assert sealed(again, edition) == set()
    assert set(again.hub.keyring.store.tombstones(f"edition/{edition}/")) == {f"edition/{edition}/{what}" for what in BOTH}


def test_of_a_draft_that_the_backup_does_not_know_no_key_is_left(drafted: tuple[World, str], tmp_path: Path) -> None:
    world, edition = drafted
    copy = saved(world, tmp_path / "backup")
    later = ask(world)
    replayed(world, put_over(world, copy))
    again = world.restarted()
    assert again.hub.keyring.store.names(f"edition/{later}/") == []
    assert sealed(again, edition) == BOTH
    assert opened(again, edition) is not None


@pytest.mark.parametrize("way", ["published", "refused"])
def test_what_became_of_a_draft_since_takes_its_counts_with_it(drafted: tuple[World, str], tmp_path: Path, way: str) -> None:
    """Of a published one the files are lost too: nothing can be protected together with it, and its counts serve nobody."""
    world, edition = drafted
    copy = saved(world, tmp_path / "backup")
    if way == "published":
        publish(world, edition)
    else:
        record(world, vote(world, edition, CHECKERS[0], REFUSE))
    replayed(world, put_over(world, copy))
    assert sealed(world.restarted(), edition) == set()


def test_what_an_erasure_put_off_for_a_legal_hold_is_put_off_again(drafted: tuple[World, str], tmp_path: Path) -> None:
    world, edition = drafted
    publish(world, edition)
    copy = saved(world, tmp_path / "backup")
    with writing(world.hub.engine) as session:
        kept.put_off(session, session.get_one(EditionRow, edition), world.clock())
    replayed(world, put_over(world, copy))
    again = world.restarted()
    assert opened(again, edition) is None
    settle(again.hub)  # nothing is under a hold here
    assert sealed(again, edition) == set()
