"""Exactly once, on both engines: equal contents at one moment, lost answers, lost parts, a commit nobody heard of, quotas and full disks."""

import errno
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from agreements.fields import PseudonymiseRule
from agreements.rules import today
from exchange import db, schedule
from exchange import objects as objects_module
from exchange.db import reading
from exchange.errors import NoRoom, Unacceptable, Unavailable
from exchange.keyring import submission_name
from exchange.objects import Objects, Store
from exchange.submissions import decide, intake, process, retention
from exchange.submissions.manifests import check_keys
from exchange.submissions.tables import HeldPartRow, SealingKeyRow, SubmissionRow
from tests.exchange.quicker import one_token_each, open_here
from tests.exchange.racing import entries, race, verify_log
from tests.exchange.standing import CLEVELAND, DURHAM, Pushed, World, crimes, problem
from tests.folders import lying, put_there


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real opener without a process of its own, and one token each."""
    open_here(monkeypatch)
    one_token_each(monkeypatch)


def caller(world: World, client: str = CLEVELAND) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.token(client)}"}


def limited(world: World, **settings: Any) -> None:
    """Other limits, from the next request on."""
    changed = replace(world.hub.settings, **settings)
    object.__setattr__(world.hub, "settings", changed)


def states(world: World) -> list[str]:
    with reading(world.hub.engine) as session:
        return sorted(session.execute(select(SubmissionRow.state)).scalars())


def objects(world: World) -> list[str]:
    return list(world.hub.places.held.names())


# ---------------------------------------------------------------------------------------------------------------- races


def test_equal_contents_at_one_moment_become_one_held_batch_and_one_receipt(world: World) -> None:
    pushed = [world.prepare([crimes(4)]) for _ in range(3)]
    world.token(CLEVELAND)
    race(*(partial(world.send, one) for one in pushed))
    assert len({one.id for one in pushed}) == 3
    ended = race(*(partial(world.process, one.id) for one in pushed))
    assert sorted(ended) == ["held", "repeated", "repeated"]
    [first] = [one for one in pushed if world.row(one.id).state == "held"]
    receipt = world.row(first.id).receipt
    for one in pushed:
        answer = world.call("get", f"/v1/submissions/{one.id}", CLEVELAND).get_json()
        assert answer["receipt"] == receipt
        assert answer["report"] == world.row(first.id).report
        if one is not first:
            assert (answer["state"], answer["repeats"], answer["same_content"]) == ("repeated", first.id, True)
            again = world.open(one)
            assert (again.status_code, again.get_json()["same_content"], again.get_json()["receipt"]) == (200, True, receipt)
            assert world.row(one.id).receipt is None
            assert world.hub.keyring.store.destroyed(submission_name(one.id))
            assert world.complete(one).status_code == 202  # a lost answer, asked for again
            assert world.put(one, 1).status_code == 200
            assert len(entries(world, "submission repeated", one.id)) == 1
    assert len(objects(world)) == 1
    assert not list(world.hub.places.staging.names())
    [line] = [one for one in world.call("get", "/v1/submissions", CLEVELAND).get_json()["submissions"] if one["state"] == "held"]
    assert line["submission"] == first.id
    verify_log(world)


def test_a_repeat_of_what_was_superseded_meanwhile_is_no_repeat(world: World) -> None:
    one, two = world.prepare([crimes(4)]), world.prepare([crimes(4)])
    world.send(one)
    world.send(two)
    assert world.process(one.id) == "held"
    world.hold([crimes(5)], after=one.id)
    assert world.process(two.id) == "refused"


def test_one_upload_id_from_many_threads_is_one_submission_and_one_acknowledgement(world: World) -> None:
    pushed = world.prepare([crimes(3), crimes(2, seed=1)])
    headers = caller(world)
    answers = race(*(lambda: world.call("post", "/v1/submissions", headers=headers, json=pushed.signed) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 201]
    [pushed.id] = {one.get_json()["submission"] for one in answers}
    puts = race(*(partial(world.put, pushed, number) for number in (1, 2, 1, 2, 1, 2)))
    assert {one.status_code for one in puts} <= {200, 201}
    done = race(*(partial(world.complete, pushed) for _ in range(4)))
    assert {one.status_code for one in done} == {202}
    assert len({str(one.get_json()["acknowledgement"]) for one in done}) == 1
    ended = race(*(partial(world.process, pushed.id) for _ in range(3)))
    assert set(ended) <= {"held", "complete"}
    assert len(entries(world, "submission held", pushed.id)) == 1
    assert len(objects(world)) == 2
    assert [len(entries(world, what, pushed.id)) for what in ("submission opened", "submission acknowledged")] == [1, 1]


@pytest.mark.parametrize("number", range(3))
def test_parallel_writers_of_one_period_leave_one_line(world: World, number: int) -> None:
    chance = random.Random(number)
    pushed = [world.prepare([crimes(content)]) for content in chance.choices((2, 3), k=4)]
    for one in pushed:
        world.send(one)
    ended = race(*(partial(world.process, one.id) for one in pushed))
    kept = [one for one, state in zip(pushed, ended, strict=True) if state == "held"]
    assert len(kept) == 1
    for one, state in zip(pushed, ended, strict=True):
        same = one.manifest.rows_digest == kept[0].manifest.rows_digest
        assert state == ("held" if one is kept[0] else "repeated" if same else "refused")
    assert len(objects(world)) == 1


def test_what_is_left_of_a_repeat_is_destroyed_and_certified_and_it_is_called_a_repeat_still(world: World) -> None:
    pushed = [world.prepare([crimes(4)]) for _ in range(2)]
    for one in pushed:
        world.send(one)
    assert [world.process(one.id) for one in pushed] == ["held", "repeated"]
    hub = world.hub
    with reading(hub.engine) as session:
        assert [row.id for row in retention.due(session, today(world.clock()))] == [pushed[1].id]
    retention.dispose(hub.engine, hub.keyring, hub.places, pushed[1].id, world.clock())
    answer = world.call("get", f"/v1/submissions/{pushed[1].id}", CLEVELAND).get_json()
    assert (answer["state"], answer["receipt"]) == ("repeated", world.row(pushed[0].id).receipt)
    assert world.row(pushed[0].id).state == "held"


def test_a_dataset_without_pseudonyms_needs_no_linkage_secret(world: World) -> None:
    dataset = world.agreement.dataset("crimes")
    assert dataset is not None
    plain = replace(dataset, fields=tuple(field for field in dataset.fields if not isinstance(field.rule, PseudonymiseRule)))
    manifest = world.prepare([crimes()], epoch=0, key_check="0" * 16).manifest
    with reading(world.hub.engine) as session:
        key = session.get_one(SealingKeyRow, manifest.sealing_key)
        check_keys(session, manifest, plain, key, world.clock())
        with pytest.raises(Unacceptable, match="linkage epoch"):
            check_keys(session, manifest, dataset, key, world.clock())
        with pytest.raises(Unacceptable, match="linkage epoch"):
            check_keys(session, replace(manifest, epoch=7), plain, key, world.clock())


# ---------------------------------------------------------------------------------------------------------------- what is lost


def test_a_new_folder_of_objects_is_as_durable_as_what_is_kept_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(objects_module, "sync_folder", flushed.append)
    place = Objects(tmp_path)
    for name in ("aa.1", "aa.2"):
        draft = place.draft(name)
        draft.write_bytes(b"x")
        place.keep(draft, name)
    assert flushed == [tmp_path, tmp_path / "aa", tmp_path / "aa"]


def lose(world: World, pushed: Pushed, number: int) -> None:
    world.hub.places.staging.delete(intake.part_name(pushed.id, number))


def test_a_part_that_has_gone_is_missing_at_complete_and_is_put_again(world: World) -> None:
    pushed = world.prepare([crimes(3), crimes(2, seed=1)])
    world.open(pushed)
    assert [world.put(pushed, number).status_code for number in (1, 2)] == [201, 201]
    lose(world, pushed, 2)
    assert problem(world.complete(pushed), 409, "parts-missing")["missing"] == [2]
    assert world.call("get", f"/v1/submissions/{pushed.id}", CLEVELAND).get_json()["missing"] == [2]
    put_there(world.hub.places.staging, intake.part_name(pushed.id, 1), b"cut")
    assert problem(world.complete(pushed), 409, "parts-missing")["missing"] == [1, 2]
    assert [world.put(pushed, number).status_code for number in (1, 2)] == [200, 200]
    assert world.complete(pushed).status_code == 202
    assert world.process(pushed.id) == "held"


def test_a_part_lost_after_the_acknowledgement_is_asked_for_again_and_not_refused(world: World) -> None:
    pushed = world.prepare([crimes(3), crimes(2, seed=1)])
    world.send(pushed)
    acknowledged = world.row(pushed.id).acknowledgement
    lose(world, pushed, 1)
    assert world.process(pushed.id) == "open"
    assert len(entries(world, "submission reopened", pushed.id)) == 1
    answer = world.call("get", f"/v1/submissions/{pushed.id}", CLEVELAND).get_json()
    assert (answer["state"], answer["missing"], answer["receipt"]) == ("open", [1], None)
    assert world.put(pushed, 1).status_code == 201
    assert world.complete(pushed).get_json()["acknowledgement"] == acknowledged
    assert world.process(pushed.id) == "held"


# ---------------------------------------------------------------------------------------------------------------- commits


def failing(monkeypatch: pytest.MonkeyPatch, world: World, *, before: bool) -> Callable[[], None]:
    """The deciding transaction fails: before its commit, or after it, when the answer is lost. Returns what mends it."""
    decided, really = decide.decide, db.writing

    def broken(*given: Any, **more: Any) -> bool:
        decided(*given, **more)
        raise OperationalError("COMMIT", {}, Exception("lost"))

    class Lost:
        def __init__(self, engine: Any) -> None:
            self.inner = really(engine)

        def __enter__(self) -> Any:
            return self.inner.__enter__()

        def __exit__(self, *how: object) -> None:
            self.inner.__exit__(*how)  # type: ignore[arg-type]
            monkeypatch.setattr(process, "writing", really)
            raise OperationalError("COMMIT", {}, Exception("the answer was lost"))

    if before:
        monkeypatch.setattr(process, "decide", broken)
        return lambda: monkeypatch.setattr(process, "decide", decided)
    monkeypatch.setattr(process, "writing", Lost)
    return lambda: None


def test_objects_of_a_failed_commit_go_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = world.prepare([crimes(3)])
    world.send(pushed)
    mend = failing(monkeypatch, world, before=True)
    with pytest.raises(OperationalError):
        world.process(pushed.id)
    assert objects(world) == []
    assert not lying(world.settings, "objects")
    assert world.row(pushed.id).tries == 1  # written after it, so that what SQLite's log may hold of it counts at no start
    mend()
    assert world.process(pushed.id) == "held"
    assert len(objects(world)) == 1


def test_objects_of_a_commit_that_went_through_stay_though_its_answer_was_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = world.prepare([crimes(3)])
    world.send(pushed)
    failing(monkeypatch, world, before=False)
    with pytest.raises(OperationalError):
        world.process(pushed.id)
    assert world.row(pushed.id).state == "held"
    assert objects(world) == [part.object for part in world.row(pushed.id).held]
    assert world.process(pushed.id) == "held"


def test_objects_of_an_outcome_that_nobody_could_ask_for_go_with_the_next_decision(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = world.prepare([crimes(3)])
    world.send(pushed)
    with monkeypatch.context() as patch:
        mend = failing(patch, world, before=True)
        patch.setattr(process, "_undo", lambda *_: None)  # the database is not there to be asked
        with pytest.raises(OperationalError):
            world.process(pushed.id)
        mend()
    assert len(objects(world)) == 1
    assert world.process(pushed.id) == "held"
    with reading(world.hub.engine) as session:
        assert objects(world) == list(session.execute(select(HeldPartRow.object)).scalars())


# ---------------------------------------------------------------------------------------------------------------- quotas


def test_unfinished_submissions_are_limited_and_each_supplier_has_its_own_limit(world: World) -> None:
    limited(world, unfinished=2)
    one, two, three = (world.prepare([crimes(rows)]) for rows in (2, 3, 4))
    world.open(one)
    world.open(two)
    answer = world.open(three)
    found = problem(answer, 429, "too-many-open")
    assert (answer.headers["Retry-After"], found["clause"]) == ("30", "LCJP-MV7 version 1, dataset crimes, sealed parts")
    assert "push --resume" in found["remedy"]
    assert world.open(one).status_code == 200  # what is known is no new one
    other = world.prepare([crimes(2)], supplier=DURHAM)
    assert world.open(other, DURHAM).status_code == 201
    world.put(one, 1)
    world.complete(one)
    problem(world.open(three), 429, "too-many-open")  # acknowledged, and not opened yet
    assert world.process(one.id) == "held"
    after = world.prepare([crimes(4)], after=one.id)
    assert world.open(after).status_code == 201


def test_what_nobody_will_finish_is_withdrawn_by_its_supplier_and_counts_no_more(world: World) -> None:
    limited(world, unfinished=1)
    lost, other = world.prepare([crimes(3), crimes(2, seed=1)]), world.prepare([crimes(4)])
    world.open(lost)
    world.put(lost, 1)
    problem(world.open(other), 429, "too-many-open")

    def withdraw(client: str = CLEVELAND, path: str = lost.id) -> TestResponse:
        return world.call("delete", f"/v1/submissions/{path}", client)

    for client, path in ((DURHAM, lost.id), (CLEVELAND, "sub-0"), (CLEVELAND, "..")):
        assert withdraw(client, path).status_code == 404
    assert world.row(lost.id).state == "open"
    for _ in range(2):
        answer = withdraw()
        assert (answer.status_code, answer.get_json()["state"], answer.get_json()["receipt"]) == (200, "lapsed", None)
    assert not list(world.hub.places.staging.names())
    assert len(entries(world, "submission withdrawn", lost.id)) == 1
    problem(world.put(lost, 2), 409, "sealing-key-expired")
    problem(world.complete(lost), 409, "sealing-key-expired")
    world.send(other)
    problem(withdraw(path=other.id), 409, "not-open")  # acknowledged: it stays
    assert world.process(other.id) == "held"
    problem(withdraw(path=other.id), 409, "not-open")
    schedule.dispose_due(world.hub)
    certificate = world.row(lost.id).certificate
    assert certificate is not None
    assert certificate["document"]["was"] == "lapsed"
    verify_log(world)


def test_a_part_that_arrives_while_its_submission_is_withdrawn_leaves_nothing(world: World) -> None:
    for number in range(3):
        lost = world.prepare([crimes(number + 3)])
        world.open(lost)
        withdraw = partial(world.call, "delete", f"/v1/submissions/{lost.id}", CLEVELAND)
        race(partial(world.put, lost, 1), withdraw, partial(world.put, lost, 1))
        assert world.row(lost.id).state == "lapsed"
        assert not list(world.hub.places.staging.names())


def test_sealed_bytes_are_limited_for_each_supplier(world: World) -> None:
    one, two = world.prepare([crimes(2)]), world.prepare([crimes(3)], period="2021-04")
    limited(world, staged_bytes=len(one.parts[0]) + len(two.parts[0]) - 1)
    assert world.open(one).status_code == 201
    answer = world.open(two)
    assert "unfinished" in problem(answer, 507, "quota-full")["detail"]
    assert answer.headers["Retry-After"] == "30"
    world.put(one, 1)
    world.complete(one)
    world.process(one.id)
    assert world.open(world.prepare([crimes(3)], after=one.id)).status_code == 201
    limited(world, staged_bytes=10)
    problem(world.open(world.prepare([crimes(5)], after=one.id)), 422, "too-large")  # it could never be taken


# ---------------------------------------------------------------------------------------------------------------- full disks


def test_a_part_for_which_there_is_no_room_is_refused_before_it_is_read_and_taken_later(world: World) -> None:
    pushed = world.prepare([crimes(3)])
    world.open(pushed)
    free = shutil.disk_usage(world.folder).free
    limited(world, keep_free=free * 2)
    answer = world.put(pushed, 1)
    found = problem(answer, 507, "storage-full")
    assert (answer.headers["Retry-After"], found["clause"]) == ("30", "LCJP-MV7 version 1, dataset crimes, sealed parts")
    assert not lying(world.settings, "staging")
    limited(world, keep_free=1)
    assert world.put(pushed, 1).status_code == 201
    assert world.complete(pushed).status_code == 202
    limited(world, keep_free=free * 2)
    with pytest.raises(NoRoom):
        world.process(pushed.id)
    row = world.row(pushed.id)
    assert (row.state, row.tries) == ("complete", 1)
    limited(world, keep_free=1)
    assert world.process(pushed.id) == "held"


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(errno.ENOSPC, 507, "storage-full"), (errno.EDQUOT, 507, "storage-full"), (errno.EFBIG, 507, "storage-full"), (errno.EIO, 503, "storage-failed")],
)  # fmt: skip
def test_a_disk_that_fails_in_the_middle_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, status: int, code: str
) -> None:
    pushed = world.prepare([crimes(3)])
    world.open(pushed)
    store = type(world.hub.places.staging)
    keep = store.keep

    def fails(self: Store, draft: Path, name: str) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(store, "keep", fails)
        problem(world.put(pushed, 1), status, code)
    assert not lying(world.settings, "staging")
    assert store.keep is keep
    assert world.put(pushed, 1).status_code == 201
    world.complete(pushed)
    with monkeypatch.context() as patch:
        patch.setattr(store, "keep", fails)
        with pytest.raises(Unavailable):
            world.process(pushed.id)
    assert (world.row(pushed.id).state, objects(world)) == ("complete", [])
    assert not lying(world.settings, "objects")
    assert world.process(pushed.id) == "held"
    assert states(world) == ["held"]
