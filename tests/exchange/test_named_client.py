"""A registered client key is not enough: the agreement names the key that a party or recipient comes with."""

from datetime import timedelta

import pytest

from exchange.errors import Unavailable
from exchange.submissions import confined, process
from exchange.submissions.process import LONGEST_WAIT
from exchange.submissions.tables import SubmissionState
from tests.exchange.standing import CLEVELAND, REFERENCE, World, crimes, problem

CONTRACT = f"/v1/agreements/{REFERENCE}/datasets/crimes/contract"


def test_a_supplier_with_a_key_that_the_agreement_does_not_name_moves_nothing(world: World) -> None:
    pushed = world.prepare([crimes()])
    headers = world.other_key(CLEVELAND)
    assert world.call("get", CONTRACT, CLEVELAND).status_code == 200
    refused = problem(world.call("get", CONTRACT, headers=headers), 403, "wrong-client-key")
    assert f"parties, {CLEVELAND}" in refused["clause"]
    assert refused["remedy"]
    problem(world.call("post", "/v1/submissions", headers=headers, json=pushed.signed), 403, "wrong-client-key")
    assert world.open(pushed).status_code == 201
    problem(world.call("post", f"/v1/submissions/{pushed.id}/complete", headers=headers), 409, "parts-missing")
    world.put(pushed, 1)
    problem(world.call("post", f"/v1/submissions/{pushed.id}/complete", headers=headers), 403, "wrong-client-key")
    assert world.row(pushed.id).state == SubmissionState.OPEN


def test_what_cannot_be_opened_now_waits_longer_each_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = world.prepare([crimes()])
    world.send(pushed)

    def no_room(_job: object) -> dict[str, object]:
        raise Unavailable("no room")  # what confined.run says when the machine, not the part, is at fault

    waits = []
    with monkeypatch.context() as patch:
        patch.setattr(confined, "run", no_room)
        for _ in range(60):  # ten hours without room
            assert process.pending(world.hub.engine, world.clock()) == [pushed.id]
            with pytest.raises(Unavailable):
                world.process(pushed.id)
            assert process.pending(world.hub.engine, world.clock()) == []
            again = world.row(pushed.id).retry_at
            assert again is not None
            waits.append(again - world.clock())
            world.clock.forward(seconds=waits[-1].total_seconds())
    assert waits[:9] == [timedelta(seconds=2**number) for number in range(1, 10)]
    assert set(waits[9:]) == {LONGEST_WAIT}
    assert world.process(pushed.id) == "held"
