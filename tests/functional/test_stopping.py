"""A hub that is told to stop goes quietly: whatever its processes say on their way out is in the operator's journal."""

from tests.functional.world import Operated, World


def test_a_hub_that_stops_says_nothing_but_its_requests(world: World) -> None:
    with Operated(world) as server:
        server.start()
        assert server.process is not None
        server.process.terminate()
        assert server.process.wait(60) == 0
    told = world.log.read_text(encoding="utf-8").splitlines()
    assert any('"/ready"' in line for line in told)
    assert [line for line in told if not line.startswith("{")] == [f"Serving {world.address} on {world.address.removeprefix('http://')}."]
