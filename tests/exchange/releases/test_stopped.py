"""A dataset that is stopped by itself stops every release that reads it; what has ended is checked, published and received no more."""

import pytest

from agreements.signing import Capacity, Voice
from exchange.errors import RefusedByAgreement
from exchange.releases.tables import EditionState
from tests.exchange.releases.drafted import CHECKERS, ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, DURHAM, TEAM, World, problem
from tests.exchange.test_lives import say


@pytest.mark.parametrize("dataset", ["crimes", "outcomes"])
def test_while_a_dataset_it_reads_is_stopped_a_release_is_not_drafted_checked_or_published(
    drafted: tuple[World, str], dataset: str
) -> None:
    world, identity = drafted
    record(world, vote(world, identity, CHECKERS[0]))
    say(world, DURHAM, Voice.SUSPEND, capacity=Capacity.DPO, dataset=dataset)
    with pytest.raises(RefusedByAgreement, match=f"the dataset {dataset} is suspended"):
        ask(world)
    with pytest.raises(RefusedByAgreement, match=f"the dataset {dataset} is suspended"):
        record(world, vote(world, identity, CHECKERS[1]))
    assert row(world, identity).state == EditionState.AWAITING_CHECK
    say(world, DURHAM, Voice.RESUME, dataset=dataset)
    assert record(world, vote(world, identity, CHECKERS[1])) == EditionState.PUBLISHED


def test_what_reads_a_stopped_dataset_is_not_received_and_what_is_ended_never_again(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    publish(world, identity)
    paths = [f"/v1/editions/{identity}", f"/v1/editions/{identity}/tables/by-area.csv"]
    say(world, CLEVELAND, Voice.SUSPEND, dataset="outcomes")
    for path in paths:
        found = problem(world.call("get", path, TEAM), 403, "refused-by-agreement")
        assert "the dataset outcomes is suspended" in found["detail"]
    assert world.call("get", "/v1/editions", TEAM).get_json() == {"editions": []}
    say(world, CLEVELAND, Voice.RESUME, dataset="outcomes")
    assert [world.call("get", path, TEAM).status_code for path in paths] == [200, 200]
    say(world, CLEVELAND, Voice.TERMINATE)
    for path in paths:
        assert "terminated" in problem(world.call("get", path, TEAM), 403, "refused-by-agreement")["detail"]
