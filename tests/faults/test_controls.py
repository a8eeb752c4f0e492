"""The checker catches what it is there for: every invariant is broken on purpose, and so is the order of things."""

from pathlib import Path

import pytest

from tests.faults import harness, planted, tracing
from tests.faults.durable import not_durable
from tests.faults.failpoints import KILL
from tests.faults.invariants import ALWAYS, AT_REST, Check, broken, plain
from tests.faults.operations import Scene, first, operations

needs_strace = pytest.mark.skipif(bool(tracing.available()), reason=tracing.available())


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return first(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def everything(base: Scene, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    scene = planted.everything(base, tmp_path_factory.mktemp("everything"))
    hub = scene.world(door=False).hub
    assert broken(hub, scene.known, at_rest=True) == []
    hub.engine.dispose()
    return scene


@pytest.mark.parametrize("check", [*ALWAYS, *AT_REST], ids=plain)
def test_a_violation_of_each_is_caught(everything: Scene, tmp_path: Path, check: Check) -> None:
    scene = everything.copied(tmp_path / "hub")
    world = scene.world(door=False)
    planted.PLANTED[check](world, scene)
    world.hub.engine.dispose()
    found = broken(scene.world(door=False).hub, scene.known, at_rest=True)
    assert any(one.startswith(plain(check)) for one in found), found


def test_every_invariant_has_its_control() -> None:
    assert set(planted.PLANTED) == {*ALWAYS, *AT_REST}


@pytest.mark.parametrize(
    ("variant", "said"),
    [(planted.row_before_object, "a row whose object is not there"), (planted.no_entry, "no entry for: submission held")],
)
@needs_strace
def test_the_wrong_order_is_caught_by_kills(base: Scene, tmp_path: Path, variant: object, said: str) -> None:
    operation = operations()["hold"]
    scene = operation.scene(base, tmp_path)
    calls = [call for call in harness.trace(operation, scene.copied(tmp_path / "traced"), tmp_path, variant=variant) if call.changes]
    points = [harness.Point("hold", KILL, call) for call in calls[-12:]]
    found = [one for point in points for one in harness.try_point(operation, scene, point, variant=variant).wrong]
    assert any(said in one for one in found), found


# What the opener writes is flushed by whoever keeps it.
@pytest.mark.parametrize("name", [name for name, one in operations().items() if not one.opener])
@needs_strace
def test_what_is_done_is_on_the_disk_before_it_is_answered(base: Scene, tmp_path: Path, name: str) -> None:
    operation = operations()[name]
    scene = operation.scene(base, tmp_path)
    assert not_durable(harness.trace(operation, scene, tmp_path)) == []


@needs_strace
def test_what_is_not_flushed_is_caught(base: Scene, tmp_path: Path) -> None:
    operation = operations()["part"]
    scene = operation.scene(base, tmp_path)
    found = not_durable(harness.trace(operation, scene, tmp_path, variant=planted.nothing_flushed))
    assert any("never flushed" in one for one in found), found
