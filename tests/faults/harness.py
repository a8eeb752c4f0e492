"""One fault at one call of one operation: strike, restart, look, do it again, look again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from exchange import schedule
from exchange.errors import ExchangeError
from exchange.hub import Hub, open_hub
from exchange.log import flushing
from exchange.restore.standing import require_reapplied
from exchange.submissions import leftovers, quotas
from tests.exchange.standing import Clock, settings_in
from tests.faults import tracing
from tests.faults.failpoints import EIO, ENOSPC, KILL, Failpoints, failing
from tests.faults.forked import Gate, fork, open_parts_forked
from tests.faults.invariants import broken
from tests.faults.known import Known
from tests.faults.operations import Answer, Operation, Scene

FULL = "full disk"
FAULTS = (EIO, ENOSPC, KILL, FULL)
PAGE = 4096
# Room left on the disk, in pages: from none to more than any operation takes.
ROOM = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96)
BEFORE_ANSWER = "before the answer"


@dataclass(frozen=True)
class Point:
    """Where a fault strikes: a call (traced, or the n-th failpoint), a disk with so many pages left, or just before the answer."""

    operation: str
    fault: str
    call: tracing.Call | None = None
    when: int = 0

    def __str__(self) -> str:
        where = (
            f"{self.call.name} {self.call.when}" if self.call else BEFORE_ANSWER if self.fault == KILL and not self.when else f"{self.when}"
        )
        return f"{self.operation}, {self.fault} at {where}"


@dataclass(frozen=True)
class Outcome:
    """What came of it: where it struck (empty: it never reached a file of the hub), and what does not hold."""

    point: Point
    struck: str
    wrong: tuple[str, ...] = ()


def strike(operation: Operation, scene: Scene, point: Point, work: Path, *, variant: Any = None) -> tuple[Answer | None, str]:
    """Do the operation on this scene's folder in a process of its own, and let the fault strike; its answer, if it lived to give one."""
    gate = Gate.new()

    def work_in_child() -> Any:
        os.close(gate.ready[0])
        open_parts_forked(gate if operation.opener else None)
        world = scene.world(door=operation.door)
        operation.ready(world, scene)
        if variant is not None:
            variant()
        if point.fault == FULL:  # the hub looks for room first, and would not come to where the disk is really full
            quotas.require_free = lambda *_: None
        if not operation.opener:
            gate.wait()
        if point.call is None and point.fault in (EIO, ENOSPC, KILL) and point.when:
            with failing(Failpoints(scene.folder, point.when, point.fault)):
                return operation.run(world, scene)
        answer = operation.run(world, scene)
        if point.fault == KILL and point.call is None:
            os.kill(os.getpid(), 9)
        return answer

    child = fork(work_in_child)
    pid = gate.who()
    out = work / "trace"
    tracer = None
    if pid and point.call is not None:
        tracer = tracing.attach(pid, out, point.fault, point.call, threads=operation.opener)
    if point.fault == FULL:
        _resize(scene.folder.parent, _used(scene.folder.parent) + point.when * PAGE)
    if pid:
        gate.open()
    answer, _ = child.result()
    gate.close()
    struck = str(point)
    if tracer is not None:
        tracer.communicate(timeout=30)
        struck = tracing.struck(out, scene.folder)
    if point.fault == FULL:
        _resize(scene.folder.parent, _ROOMY)
    return answer, struck


def trace(operation: Operation, scene: Scene, work: Path, *, variant: Any = None) -> list[tracing.Call]:
    """The calls that an operation makes on the hub's folder when nothing goes wrong."""
    gate, out = Gate.new(), work / "trace"

    def work_in_child() -> Any:
        os.close(gate.ready[0])
        open_parts_forked(gate if operation.opener else None)
        world = scene.world(door=operation.door)
        operation.ready(world, scene)
        if variant is not None:
            variant()
        if not operation.opener:
            gate.wait()
        return operation.run(world, scene)

    child = fork(work_in_child)
    pid = gate.who()
    tracer = tracing.attach(pid, out, threads=operation.opener)
    gate.open()
    answer, code = child.result()
    gate.close()
    tracer.communicate(timeout=30)
    if code != 0 or answer is None or answer.get("status", 200) >= 400:
        raise AssertionError(f"{operation.name} fails without a fault: {answer}")
    return tracing.calls(out, scene.folder)


def count(operation: Operation, scene: Scene) -> int:
    """How many failpoints an operation passes by when nothing goes wrong."""

    def work_in_child() -> int:
        open_parts_forked()
        world = scene.world(door=operation.door)
        operation.ready(world, scene)
        with failing(Failpoints(scene.folder)) as points:
            operation.run(world, scene)
        return points.count

    found, _ = fork(work_in_child).result()
    return int(found)


# ------------------------------------------------------------------------------------------------------------ afterwards


def examine(operation: Operation, scene: Scene, answer: Answer | None) -> list[str]:
    """Restart as the hub does, look; do the operation again, give the hub time, look again. What does not hold, in words."""
    open_parts_forked()
    known = _learn(operation, scene.known, answer)
    wrong = [f"the answer under the fault was {answer}"] if answer and 400 <= answer.get("status", 200) < 500 else []
    hub = open_hub(settings_in(scene.folder), Clock(scene.now))
    restart(hub)
    wrong += [f"after the restart: {one}" for one in broken(hub, known, at_rest=False)]
    known = known.saw(hub)
    hub.engine.dispose()
    world = scene.world(door=operation.door)
    try:
        operation.ready(world, scene)
        known = _learn(operation, known, operation.run(world, scene))
    except ExchangeError as error:  # it may be done already
        again = f"{type(error).__name__}: {error}"
    else:
        again = "answered"
    if not operation.done(world, scene):
        wrong.append(f"done again, it is not done ({again})")
    world.clock.forward(minutes=11)
    for job in (*(job for job, _ in schedule.JOBS.values()), schedule.process_pending):
        job(world.hub)
    wrong += [f"at rest: {one}" for one in broken(world.hub, known, at_rest=True)]
    return wrong


def restart(hub: Hub) -> None:
    """What ``exchange serve`` does before it serves."""
    require_reapplied(hub)
    flushing.start(hub.engine, hub.second)
    leftovers.tidy(hub.engine, hub.places)


def _learn(operation: Operation, known: Known, answer: Answer | None) -> Known:
    return operation.learn(known, answer) if answer and "error" not in answer and answer.get("status", 200) < 400 else known


def try_point(operation: Operation, scene: Scene, point: Point, *, variant: Any = None) -> Outcome:
    """One point, on a copy of the scene, from the strike to the last look."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name, _disk(Path(name), small=point.fault == FULL) as place:
        mine = scene.copied(place / "hub")
        answer, struck = strike(operation, mine, point, Path(name), variant=variant)
        found, code = fork(lambda: examine(operation, mine, answer)).result()
    if code != 0 or not isinstance(found, list):
        found = [f"the hub does not come up again: {found or code}"]
    return Outcome(point, struck, tuple(found))


# ------------------------------------------------------------------------------------------------------------ a small disk

_ROOMY = 8 << 30  # no memory is taken until it is written


@cache
def can_mount() -> str:
    """Empty where a small disk can be made; else why not."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "only root can make a small disk"
    with tempfile.TemporaryDirectory() as name:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", name], capture_output=True, check=False).returncode:
            return "no disk can be mounted here"
        subprocess.run(["umount", name], check=True)
    return ""


@contextmanager
def _disk(place: Path, *, small: bool) -> Iterator[Path]:
    if not small:
        yield place
        return
    disk = place / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_ROOMY}", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def _used(disk: Path) -> int:
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


# ------------------------------------------------------------------------------------------------------------ all points


LONG = 6


def telling(made: Sequence[tracing.Call]) -> Iterator[tracing.Call]:
    """All of these calls; but of a long run of the same call on the same file, such as a database's pages, the ends and every eighth."""
    for _, several in groupby(made, key=lambda call: (call.name, call.file)):
        run = list(several)
        for place, call in enumerate(run):
            if len(run) <= LONG or place < 2 or place >= len(run) - 2 or place % 8 == 0:
                yield call


def points(operation: Operation, scene: Scene, *, every: bool = False) -> list[Point]:
    """The points of an operation: its calls with each fault that they can meet, and disks with ever more room."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        mine = scene.copied(Path(name) / "hub")
        if tracing.available():
            found = [
                Point(operation.name, fault, when=when) for when in range(1, count(operation, mine) + 1) for fault in (EIO, ENOSPC, KILL)
            ]
        else:
            made = trace(operation, mine, Path(name))
            found = [Point(operation.name, fault, call) for call in (made if every else telling(made)) for fault in call.faults()]
    found.append(Point(operation.name, KILL))
    if not can_mount():
        found += [Point(operation.name, FULL, when=pages) for pages in ROOM]
    return found


def thinned(found: Sequence[Point], most: int) -> list[Point]:
    """At most so many of each fault, evenly spread over all."""
    chosen: list[Point] = []
    for fault in FAULTS:
        mine = [one for one in found if one.fault == fault]
        chosen += [mine[index] for index in sorted({(2 * number + 1) * len(mine) // (2 * most) for number in range(most)}) if mine]
    return chosen
