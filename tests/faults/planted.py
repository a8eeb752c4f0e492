"""The control: for every invariant a hub that breaks it, and operations done in the wrong order. The checker must say so."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from agreements.signing import Capacity, Voice
from exchange import db
from exchange.db import writing
from exchange.log.record import Event, Operation, append
from exchange.objects import Objects
from exchange.submissions import decide, process, retention
from tests.exchange.releases import drafted
from tests.exchange.standing import CLEVELAND, DURHAM, World
from tests.faults import invariants
from tests.faults.known import Known
from tests.faults.operations import Scene, _draft_waiting, _from, _sent
from tests.folders import file_of, folder_of

Plant = Callable[[World, Scene], None]


def everything(base: Scene, folder: Path) -> Scene:
    """A hub with something of everything: held, superseded, refused, destroyed, waiting, an edition published."""

    def make(world: World, scene: Scene) -> tuple[Known, Mapping[str, Any]]:
        known, given = _draft_waiting(world, scene)
        drafted.record(world, given["vote"])
        first = world.row(scene.given["head"].pushed.id).after
        assert first is not None
        retention.dispose(world.hub.engine, world.hub.keyring, world.hub.places, first, world.clock())
        bad, _ = _sent(world, Scene(scene.folder, scene.keys, known), "complete", bad=True, period="2021-05")
        [refused] = [one for upload, one in bad.sent.items() if upload not in known.sent]
        assert world.process(refused.pushed.id) == "refused"
        return bad, {"destroyed": first, "refused": refused, "edition": given["edition"]}

    return _from(base, folder, make)


def _sql(world: World, *statements: str, **values: Any) -> None:
    with world.hub.engine.connect() as connection:
        for one in statements:
            connection.execute(text(one), values)
        connection.commit()


def _unchecked(world: World, *statements: str, **values: Any) -> None:
    """Statements that the database would not have let through."""
    _sql(world, "COMMIT", "PRAGMA foreign_keys=OFF", "BEGIN IMMEDIATE", *statements, "COMMIT", "PRAGMA foreign_keys=ON", "BEGIN", **values)


def _held(world: World, scene: Scene) -> str:
    """The id of a submission that is held."""
    with world.hub.engine.connect() as connection:
        return str(connection.execute(text("SELECT id FROM submissions WHERE state = 'held' ORDER BY id LIMIT 1")).scalar_one())


def _object(world: World, submission: str) -> Path:
    with world.hub.engine.connect() as connection:
        name = connection.execute(text("SELECT object FROM held_parts WHERE submission = :id LIMIT 1"), {"id": submission}).scalar_one()
    return file_of(world.hub.places.held, str(name))


def _forget_a_submission(world: World, scene: Scene) -> None:
    one = _held(world, scene)
    _unchecked(world, "DELETE FROM held_parts WHERE submission = :id", "DELETE FROM submissions WHERE id = :id", id=one)


def _leave_undecided(world: World, scene: Scene) -> None:
    _sql(world, "UPDATE submissions SET state = 'complete', receipt = NULL WHERE id = :id", id=_held(world, scene))


def _change_a_receipt(world: World, scene: Scene) -> None:
    one = _held(world, scene)
    signed = json.dumps(world.row(one).receipt).replace('"outcome": "held"', '"outcome": "refused"')
    _sql(world, "UPDATE submissions SET receipt = :signed WHERE id = :id", signed=signed, id=one)


def _hold_rows_twice(world: World, scene: Scene) -> None:
    one = _held(world, scene)
    path = _object(world, one)
    twin = f"{path.name[:2]}ff{path.name[4:]}"
    shutil.copy(path, file_of(world.hub.places.held, twin))
    copied = "INSERT INTO held_parts SELECT submission, 99, :twin, wrapped_key, aad, rows FROM held_parts WHERE submission = :id LIMIT 1"
    _sql(world, copied, id=one, twin=twin)


def _two_heads(world: World, scene: Scene) -> None:
    _sql(world, "UPDATE submissions SET state = 'held' WHERE state = 'superseded'")


def _lose_an_object(world: World, scene: Scene) -> None:
    _object(world, _held(world, scene)).unlink()


def _leave_a_sealed_part(world: World, scene: Scene) -> None:
    path = file_of(world.hub.places.staging, f"{_held(world, scene).removeprefix('sub-')}.1.sealed")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"sealed")


def _a_key_of_nobody(world: World, scene: Scene) -> None:
    world.hub.keyring.store.create("submission/sub-of-nobody")


def _a_key_lives_on(world: World, scene: Scene) -> None:
    _sql(world, "UPDATE submissions SET key = 'submission/living' WHERE id = :id", id=scene.given["destroyed"])
    world.hub.keyring.store.create("submission/living")


def _leave_what_was_destroyed(world: World, scene: Scene) -> None:
    given = {"gone": scene.given["destroyed"], "id": _held(world, scene)}
    _sql(world, "UPDATE held_parts SET submission = :gone WHERE submission = :id", **given)


def _come_back(world: World, scene: Scene) -> None:
    """What was destroyed and certified counts again, as after a backup that was put back."""
    _sql(world, "UPDATE submissions SET state = 'superseded', certificate = NULL WHERE id = :id", id=scene.given["destroyed"])


def _lose_the_key_of_counts(world: World, scene: Scene) -> None:
    world.hub.keyring.store.destroy(f"edition/{scene.given['edition']}/counts")


def _write_in_the_clear(world: World, scene: Scene) -> None:
    (scene.folder / "staging" / "spill.tmp").write_bytes(b"..." + next(iter(scene.known.canaries())) + b"...")


def _damage_the_database(world: World, scene: Scene) -> None:
    _unchecked(world, "UPDATE held_parts SET submission = 'sub-nowhere' WHERE submission = :id", id=_held(world, scene))


def _rewrite_the_log(world: World, scene: Scene) -> None:
    """The last entry is taken back: log, tree and head agree, and only who saw it before can tell."""
    with world.hub.engine.connect() as connection:
        last = connection.execute(text("SELECT max(number) FROM log_entries")).scalar_one()
    gone = 'DELETE FROM log_nodes WHERE ("index" + 1) * (1 << level) > :last'
    _sql(world, "DELETE FROM log_entries WHERE number = :last", gone, "UPDATE log_head SET size = :last", last=last)


def _shorten_the_second_store(world: World, scene: Scene) -> None:
    path = max(folder_of(world.hub.settings.second_store).glob("*.jsonl"))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _an_entry_of_nothing(world: World, scene: Scene) -> None:
    with writing(world.hub.engine) as session:
        event = Event(Operation.COLLECTION, "hub", CLEVELAND, "LCJP-MV7", "submission held", "sub-imagined")
        append(session, event, world.clock())


def _unsay_a_stop(world: World, scene: Scene) -> None:
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    _sql(world, "DELETE FROM suspensions", "UPDATE agreements SET state = 'in-force'")


def _change_a_file(world: World, scene: Scene) -> None:
    _sql(world, "UPDATE edition_files SET content = X'00' WHERE name = (SELECT min(name) FROM edition_files)")


PLANTED: Mapping[invariants.Check, Plant] = {
    invariants.what_was_acknowledged_is_there: _forget_a_submission,
    invariants.what_was_acknowledged_is_decided: _leave_undecided,
    invariants.signed_documents_are_true: _change_a_receipt,
    invariants.every_held_row_is_held_once: _hold_rows_twice,
    invariants.one_head_a_series: _two_heads,
    invariants.every_object_is_somebodys_and_there: _lose_an_object,
    invariants.every_sealed_part_is_awaited_and_there: _leave_a_sealed_part,
    invariants.every_key_has_an_owner: _a_key_of_nobody,
    invariants.ended_submissions_have_no_key: _a_key_lives_on,
    invariants.destroyed_stays_destroyed: _come_back,
    invariants.what_is_destroyed_is_cleared_away: _leave_what_was_destroyed,
    invariants.exact_counts_go_with_their_key: _lose_the_key_of_counts,
    invariants.nothing_stands_in_the_clear: _write_in_the_clear,
    invariants.the_database_is_sound: _damage_the_database,
    invariants.the_log_verifies_and_only_grew: _rewrite_the_log,
    invariants.the_second_store_is_the_same_log: _shorten_the_second_store,
    invariants.every_effect_has_its_entry: _an_entry_of_nothing,
    invariants.a_stop_is_stated_and_stands: _unsay_a_stop,
    invariants.editions_are_as_signed: _change_a_file,
}


# ------------------------------------------------------------------------------------------------------------ wrong orders


def row_before_object() -> None:
    """From here on in this process what is held is put in its place only after the transaction that says so."""
    waiting: list[tuple[Objects, Path, str]] = []
    real, keep = db.writing, Objects.keep

    @contextmanager
    def late(engine: Any) -> Any:
        with real(engine) as session:
            yield session
        while waiting:
            objects, draft, name = waiting.pop()
            keep(objects, draft, name)

    def hold_back(self: Objects, draft: Path, name: str) -> None:
        waiting.append((self, draft, name))

    patch.object(process, "writing", late).start()
    patch.object(Objects, "keep", hold_back).start()


def no_entry() -> None:
    """From here on in this process what is decided is not logged."""
    patch.object(decide, "append", lambda *_: 0).start()


def nothing_flushed() -> None:
    """From here on in this process files are not flushed to the disk."""
    patch.object(os, "fsync", lambda _: None).start()
