"""What the hub does, one operation at a time: the hub as it stands just before, the doing, the doing again, and how it must stand at the end.

A scene is a hub's folder with everybody's keys; an operation is done on a copy of it, by the hub's own code and through the door that
does it in service. What it answers is what the world outside then knows.
"""

import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import ExchangeError
from exchange.hub import open_hub
from exchange.register import agreements
from exchange.releases import checking, kept
from exchange.releases.tables import EditionRow, KeptRow
from exchange.restore.backup import backup, described
from exchange.settling import settle
from exchange.submissions import leftovers, retention, sealing
from exchange.submissions.rights_tables import ReplacedKeyRow
from exchange.submissions.tables import SealingKeyRow, SubmissionRow
from keys.sign import Use, verify_document
from tests.exchange import asking
from tests.exchange.releases import drafted
from tests.exchange.standing import CLEVELAND, DURHAM, NOW, OPERATOR, SUPPLIERS, Clock, World, crimes, settings_in
from tests.faults.known import Known, Sent, contents, rows_of
from tests.folders import file_of

DUE = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)  # when April 2021 reaches its day
FORTNIGHT = datetime(2026, 12, 6, 9, 30, tzinfo=UTC)  # when the first sealing key has had its fortnight
Answer = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """A hub as it stands, what is known of it, and what the operation needs."""

    folder: Path
    keys: Mapping[str, Any]
    known: Known
    now: datetime = NOW
    given: Mapping[str, Any] = field(default_factory=dict)

    def copied(self, folder: Path) -> "Scene":
        """The same elsewhere."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)

    def world(self, *, door: bool = True) -> World:
        """The hub of this folder, opened as a process of its own would; without ``door`` it is not to be asked over HTTP."""
        world = World(self.folder, Clock(self.now), dict(self.keys))
        if not door:  # what may not serve is looked at too
            vars(world)["hub"] = open_hub(settings_in(self.folder), world.clock)
        return world


@dataclass(frozen=True)
class Operation:
    """One thing that the hub does.

    Attributes:
        scene: makes the hub as it stands before, in a folder, from a first one.
        ready: done before the first fault can strike: whoever asks has its token.
        run: does it; the answer as whoever asked gets it (``status`` where it is an answer of the API).
        done: whether it has been done, however often it took.
        opener: the faults are to strike the process that opens parts.
    """

    name: str
    scene: Callable[[Scene, Path], Scene]
    run: Callable[[World, Scene], Answer]
    done: Callable[[World, Scene], bool]
    ready: Callable[[World, Scene], Any] = lambda world, _: world.hub
    opener: bool = False

    @property
    def door(self) -> bool:
        """Whether it comes in over HTTP."""
        return self.ready is _token

    def learn(self, known: Known, answer: Answer) -> Known:
        """What the world knows after this answer."""
        submission = answer.get("submission")
        found = known.told(submission, answer) if submission else known
        if self.name == "erase":
            found = replace(found, erased=found.asked)
        if answer.get("signed") is not None:
            found = replace(found, published={**found.published, answer["edition"]: answer["signed"]})
        return found


# ------------------------------------------------------------------------------------------------------------ scenes


def first(folder: Path) -> Scene:
    """A hub with April 2021 held of both suppliers, Cleveland's corrected once."""
    world = World.build(folder / "hub")
    scene = Scene(folder / "hub", world.keys, Known(world.agreement))
    held = [_held(world, scene.known, number, supplier) for number, supplier in enumerate(SUPPLIERS, 1)]
    known = replace(scene.known, sent={one.upload: one for one in held})
    again = _held(world, known, 3, CLEVELAND, after=held[0].pushed.id)
    return _closed(world, scene, known.sending(again), head=again, other=held[1])


def _held(world: World, known: Known, number: int, supplier: str, **more: Any) -> Sent:
    tables = contents(number)
    return Sent(world.hold(tables, supplier=supplier, **more), rows_of(*tables))


def _closed(world: World, scene: Scene, known: Known, **given: Any) -> Scene:
    """The scene, let go of; with all that its suppliers have been given, and the log's head seen."""
    for sent in known.sent.values():
        if sent.pushed.id:
            row = world.row(sent.pushed.id)
            known = known.told(row.id, {"acknowledgement": row.acknowledgement, "receipt": row.receipt, "certificate": row.certificate})
    known = known.saw(world.hub)
    now = world.clock()
    world.disconnect()
    return replace(scene, known=known, now=now, given={**scene.given, **given})


def _from(
    base: Scene, folder: Path, change: Callable[[World, Scene], tuple[Known, Mapping[str, Any]]], now: datetime | None = None
) -> Scene:
    scene = base.copied(folder / "hub")
    scene = replace(scene, now=now or scene.now)
    world = scene.world()
    known, given = change(world, scene)
    return _closed(world, scene, known, **given)


def _sent(world: World, scene: Scene, upto: str, *, bad: bool = False, period: str = "2021-04") -> tuple[Known, Mapping[str, Any]]:
    """A correction of Cleveland's April, brought as far as asked."""
    tables = contents(7, bad=bad)
    after = scene.given["head"].pushed.id if period == "2021-04" else None
    pushed = world.prepare(tables, after=after, period=period)
    sent = Sent(pushed, rows_of(*tables))
    if upto != "prepared":
        assert world.open(pushed).status_code == 201
    if upto in ("parts", "complete"):
        assert all(world.put(pushed, number).status_code == 201 for number in (1, 2))
    if upto == "complete":
        assert world.complete(pushed).status_code == 202
    return scene.known.sending(sent), {"sent": sent}


def _before(upto: str, **how: Any) -> Callable[[Scene, Path], Scene]:
    return lambda base, folder: _from(base, folder, lambda world, scene: _sent(world, scene, upto, **how))


def _untouched(base: Scene, folder: Path, now: datetime | None = None) -> Scene:
    return _from(base, folder, lambda _, scene: (scene.known, {}), now)


def _draft_waiting(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
    """An edition drafted from enough rows, with one of its two checks made and the other signed."""
    known = scene.known
    for number, supplier in enumerate(SUPPLIERS, 1):
        table = crimes(120, seed=900 + number, last_outcome=["Charged", "Unable to prosecute", "No suspect identified", None] * 30)
        head = scene.given["head" if supplier == CLEVELAND else "other"].pushed.id
        known = known.sending(Sent(world.hold([table], supplier=supplier, after=head), table))
    edition = drafted.ask(world)
    one, two = (drafted.vote(world, edition, checker) for checker in drafted.CHECKERS)
    drafted.record(world, one)
    return known, {"edition": edition, "vote": two}


def _statement(voice: Voice, capacity: Capacity) -> Callable[[Scene, Path], Scene]:
    def state(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
        known, given = _sent(world, scene, "complete")
        return known, {**given, "statement": world.statement(DURHAM, capacity, voice)}

    return lambda base, folder: _from(base, folder, state)


def _to_be_erased(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
    """A request for the erasure of two people's rows: of what stands, and of what it replaced."""
    replaced = next(one for one in scene.known.sent.values() if one.pushed.id == scene.given["head"].pushed.manifest.after)
    people = frozenset({scene.given["head"].rows.column("crime")[0].as_py(), replaced.rows.column("crime")[1].as_py()})
    return replace(scene.known, asked=people), {"request": asking.request(world, "erasure", people)}


def _as_it_is(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
    return scene.known, {}


def _left_behind(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
    """What a killed process leaves: drafts, an object that nobody names, a sealed part that nobody waits for."""
    known, given = _sent(world, scene, "parts")
    for objects in (world.hub.places.held, world.hub.places.staging):
        objects.draft(f"{secrets.token_hex(12)}.1").write_bytes(b"half")
        path = file_of(objects, f"{secrets.token_hex(12)}.2")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"whole")
    return known, given


# ------------------------------------------------------------------------------------------------------------ doing


def _answered(answer: Any) -> Answer:
    return {"status": answer.status_code, **(answer.get_json(silent=True) or {})}


def _token(world: World, scene: Scene) -> None:
    """The supplier has its token, so that what follows is one call."""
    token = world.token(CLEVELAND)
    patch.object(world, "token", lambda _: token).start()


def _state(world: World, scene: Scene) -> str:
    sent: Sent = scene.given["sent"]
    with reading(world.hub.engine) as session:
        return session.execute(select(SubmissionRow.state).where(SubmissionRow.upload == sent.upload)).scalar_one_or_none() or "none"


def _manifest(world: World, scene: Scene) -> Answer:
    return _answered(world.open(scene.given["sent"].pushed))


def _part(world: World, scene: Scene) -> Answer:
    return _answered(world.put(scene.given["sent"].pushed, 1))


def _part_there(world: World, scene: Scene) -> bool:
    return any(part.number == 1 for part in world.row(scene.given["sent"].pushed.id).parts)


def _complete(world: World, scene: Scene) -> Answer:
    return _answered(world.complete(scene.given["sent"].pushed))


def _process(world: World, scene: Scene) -> Answer:
    submission = scene.given["sent"].pushed.id
    world.process(submission)
    return {"submission": submission, "receipt": world.row(submission).receipt}


def _dispose(world: World, scene: Scene) -> Answer:
    hub, submission = world.hub, scene.given["head"].pushed.id
    return {"submission": submission, "certificate": retention.dispose(hub.engine, hub.keyring, hub.places, submission, world.clock())}


def _publish(world: World, scene: Scene) -> Answer:
    with writing(world.hub.engine) as session:
        row = checking.record(session, world.hub.keyring, scene.given["vote"], world.clock)
        signed = row.signed
    return {"edition": scene.given["edition"], "signed": signed}


def _published(world: World, scene: Scene) -> bool:
    with reading(world.hub.engine) as session:
        return session.get_one(EditionRow, scene.given["edition"]).state == "published"


def _state_it(world: World, scene: Scene) -> Answer:
    with writing(world.hub.engine) as session:
        agreements.record(session, scene.given["statement"], world.clock)
    return {}


def _end(world: World, scene: Scene) -> Answer:
    try:
        _state_it(world, scene)
    except ExchangeError:
        if not _stands(world, "terminated"):
            raise
    settle(world.hub)
    return {}


def _stands(world: World, state: str) -> bool:
    with reading(world.hub.engine) as session:
        row = agreements.by_digest(session, world.agreement.digest)
        return row is not None and row.state == state


def _rotate(world: World, scene: Scene) -> Answer:
    with writing(world.hub.engine) as session:
        sealing.rotate(session, world.hub.keyring, OPERATOR, world.clock())
    return {}


def _rotated(world: World, scene: Scene) -> bool:
    with reading(world.hub.engine) as session:
        return session.query(SealingKeyRow).where(SealingKeyRow.destroyed_at.is_not(None)).count() == 1


def _draft_refused(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
    """A draft that a checker has refused: what is kept sealed of it is to go."""
    known, given = _draft_waiting(world, scene)
    drafted.record(world, drafted.vote(world, given["edition"], drafted.CHECKERS[1], checking.REFUSE))
    return known, given


def _let_go(world: World, scene: Scene) -> Answer:
    kept.settle(world.hub.engine, world.hub.keyring, world.clock)
    return {}


def _gone(world: World, scene: Scene) -> bool:
    with reading(world.hub.engine) as session:
        found = list(session.execute(select(KeptRow).where(KeptRow.edition == scene.given["edition"])).scalars())
        return len(found) == 2 and all(one.destroyed_at is not None for one in found)


def _erase(world: World, scene: Scene) -> Answer:
    return _answered(world.call("post", "/v1/rights", CLEVELAND, json=scene.given["request"]))


def _erased(world: World, scene: Scene) -> bool:
    with reading(world.hub.engine) as session:
        return len(session.execute(select(ReplacedKeyRow).where(ReplacedKeyRow.done_at.is_not(None))).all()) == 2


def _back_up(world: World, scene: Scene) -> Answer:
    backup(world.hub, scene.folder / "backups" / "one", world.clock)
    return {}


def _backed_up(world: World, scene: Scene) -> bool:
    """What has a backup's name is a whole one: everything that its signed manifest lists is there, and nothing else."""
    out, keys = scene.folder / "backups" / "one", scene.known.agreement.operator.hub
    assert keys is not None
    document = verify_document(json.loads((out / "manifest.json").read_bytes()), Use.BACKUP, keys.identity)
    there = {str(path.relative_to(out)): described(path) for path in out.rglob("*") if path.is_file() and path.name != "manifest.json"}
    return document["files"] == there and [path.name for path in out.parent.iterdir()] == ["one"]


def _tidy(world: World, scene: Scene) -> Answer:
    leftovers.tidy(world.hub.engine, world.hub.places)
    return {}


def _tidied(world: World, scene: Scene) -> bool:
    return leftovers.tidy(world.hub.engine, world.hub.places) == 0


def _is(*states: str) -> Callable[[World, Scene], bool]:
    return lambda world, scene: _state(world, scene) in states


def _disposed(world: World, scene: Scene) -> bool:
    return world.row(scene.given["head"].pushed.id).certificate is not None


@cache
def operations() -> dict[str, Operation]:
    """Every operation by its name."""
    complete, refused = _before("complete"), _before("complete", bad=True)
    found = [
        Operation("manifest", _before("prepared"), _manifest, _is("open", "complete", "held"), _token),
        Operation("part", _before("opened"), _part, _part_there, _token),
        Operation("complete", _before("parts"), _complete, _is("complete", "held"), _token),
        Operation("hold", complete, _process, _is("held")),
        Operation("hold: opening", complete, _process, _is("held"), opener=True),
        Operation("refuse", refused, _process, _is("refused")),
        Operation("dispose", lambda base, folder: _untouched(base, folder, DUE), _dispose, _disposed),
        Operation("publish", lambda base, folder: _from(base, folder, _draft_waiting), _publish, _published),
        Operation("let go", lambda base, folder: _from(base, folder, _draft_refused), _let_go, _gone),
        Operation("stop", _statement(Voice.SUSPEND, Capacity.DPO), _state_it, lambda world, _: _stands(world, "suspended")),
        Operation("end", lambda base, folder: _from(base, folder, _terminating), _end, lambda world, _: _stands(world, "terminated")),
        Operation("rotate keys", lambda base, folder: _untouched(base, folder, FORTNIGHT), _rotate, _rotated),
        Operation("erase", lambda base, folder: _from(base, folder, _to_be_erased), _erase, _erased, _token),
        Operation("back up", lambda base, folder: _from(base, folder, _as_it_is), _back_up, _backed_up),
        Operation("tidy", lambda base, folder: _from(base, folder, _left_behind), _tidy, _tidied),
    ]
    return {one.name: one for one in found}


def _terminating(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
    return scene.known, {"statement": world.statement(DURHAM, Capacity.SIGNATORY, Voice.TERMINATE)}
