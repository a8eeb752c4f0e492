"""Destruction of every kind of submission: certified, durable, the same for large and small, and finished whatever breaks on the way."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from exchange import schedule
from exchange.db import reading
from exchange.kept_in_bucket import BucketObjects
from exchange.log.tables import EntryRow
from exchange.objects import Objects
from exchange.submissions import retention
from exchange.submissions.tables import HeldPartRow, PartRow, SubmissionState
from keys.errors import KeyDestroyed
from keys.formats import Certificate
from keys.keystore import SealedFileKeystore
from keys.sign import Use, verify_document
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World, crimes
from tests.folders import lying, put_there

DUE = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)  # 30 April in London
VALUE = "Violence and sexual offences"


def dispose(world: World, submission: str) -> dict[str, Any]:
    hub = world.hub
    return retention.dispose(hub.engine, hub.keyring, hub.places, submission, world.clock())


def whats(world: World, subject: str) -> list[str]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [str(entry["what"]) for entry in found if entry and entry["subject"] == subject]


def certificate_of(world: World, submission: str) -> dict[str, Any]:
    """Verified with the key that the agreement names, as its supplier gets it over the API."""
    hub = world.agreement.operator.hub
    row = world.row(submission)
    signed = world.call("get", f"/v1/submissions/{submission}", row.supplier).get_json()["certificate"]
    assert hub is not None
    assert signed == row.certificate
    return dict(verify_document(signed, Use.CERTIFICATE, hub.receipts))


def nothing_left(world: World, submission: str) -> None:
    with pytest.raises(KeyDestroyed):
        world.hub.keyring.store.get(f"submission/{submission}")
    with reading(world.hub.engine) as session:
        for table in (HeldPartRow, PartRow):
            assert not session.execute(select(table).where(table.submission == submission)).first()
    stem = submission.removeprefix("sub-")
    assert not [name for name in lying(world.settings, "objects", "staging") if stem in name]


def test_what_was_refused_or_lapsed_is_certified_at_once_and_goes_on_being_called_so(world: World) -> None:
    refused, opened = world.prepare([crimes(3, crime_type="Piracy")]), world.prepare([crimes(5)], supplier=DURHAM)
    world.send(refused)
    assert world.process(refused.id) == "refused"
    world.open(opened, DURHAM)
    world.put(opened, 1, DURHAM)
    stray = f"{opened.id.removeprefix('sub-')}.2.sealed"
    put_there(world.hub.places.staging, stray, b"put, and the power went before it was recorded")
    world.clock.forward(days=15)
    schedule.rotate_sealing_keys(world.hub)
    assert world.row(opened.id).state == "lapsed"
    schedule.dispose_due(world.hub)
    for pushed, state, parts in ((refused, "refused", 1), (opened, "lapsed", 0)):
        document = certificate_of(world, pushed.id)
        assert (document["was"], document["rows"], document["parts"]["held"]) == (state, pushed.manifest.rows, 0)
        assert document["parts"]["sealed"] == parts
        assert world.row(pushed.id).state == state
        assert whats(world, pushed.id)[-1] == "submission destroyed"
        nothing_left(world, pushed.id)
    report = world.row(refused.id).report
    assert report is not None  # its supplier still has to read why
    schedule.dispose_due(world.hub)
    assert whats(world, refused.id).count("submission destroyed") == 1
    world.clock.now = DUE
    schedule.dispose_due(world.hub)
    schedule.dispose_due(world.hub)
    assert world.row(refused.id).report is None
    assert whats(world, refused.id)[-1] == "quality report destroyed"
    assert whats(world, refused.id).count("quality report destroyed") == 1


def test_the_certificate_names_ids_digests_counts_and_dates_and_nothing_of_the_rows(world: World) -> None:
    held = world.hold([crimes(7, crime_type=VALUE), crimes(2, seed=1, crime_type=VALUE)])
    world.clock.now = DUE
    dispose(world, held.id)
    document = certificate_of(world, held.id)
    assert document == {
        "format": 1,
        "submission": held.id,
        "supplier": CLEVELAND,
        "reference": REFERENCE,
        "agreement": world.agreement.digest,
        "dataset": "crimes",
        "period": "2021-04",
        "manifest": world.row(held.id).manifest_digest,
        "was": "held",
        "rows": 9,
        "parts": {"sealed": 2, "held": 2},
        "due": "2031-04-30",
        "delayed_by": [],
        "destroyed": "2031-04-29T23:00:00Z",
        "method": retention._METHOD,
        "key": f"submission/{held.id}",
    }
    assert VALUE not in str(document)
    assert Certificate.parse(document).document() == document
    assert world.row(held.id).report is None
    nothing_left(world, held.id)


class Crash(Exception):
    """The power goes."""


def steps(world: World) -> list[tuple[object, str]]:
    """Every call by which disposal changes anything, in its order."""
    store, places = world.hub.keyring.store, world.hub.places
    within = (places.held._space, "erase_all") if isinstance(places.held, BucketObjects) else (places.held, "delete")
    return [
        (retention, "append"), (store, "destroy"), (places.staging, "remove"), (retention, "sign_document"), (retention, "append"),
        (places.held, "remove"), within, (retention, "delete"),
    ]  # fmt: skip


@pytest.mark.parametrize("step", range(8))
def test_killed_before_or_after_each_step_the_next_run_finishes_it(world: World, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, behind = world.hold([crimes(3), crimes(4, seed=1)]), world.hold([crimes(5)], supplier=DURHAM)
    world.clock.now = DUE
    for pushed, after in ((before, False), (behind, True)):
        target, name = steps(world)[step]
        with monkeypatch.context() as patch:
            patch.setattr(target, name, crashing(getattr(target, name), 2 if step == 4 else 1, after=after))
            with pytest.raises(Crash):
                dispose(world, pushed.id)
    schedule.dispose_due(world.restarted().hub)
    for pushed in (before, behind):
        assert world.row(pushed.id).state == SubmissionState.DISPOSED
        assert [whats(world, pushed.id).count(what) for what in ("disposal begun", "submission destroyed")] == [1, 1]
        certificate_of(world, pushed.id)
        nothing_left(world, pushed.id)


def crashing(real: Callable[..., Any], wanted: int, *, after: bool) -> Callable[..., Any]:
    """A call at which, the time it is wanted, the power goes: before it has done its work, or after."""
    calls = 0

    def call(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == wanted and not after:
            raise Crash
        found = real(*given, **named)
        if calls == wanted:
            raise Crash
        return found

    return call


def test_one_that_cannot_be_destroyed_holds_up_no_other_and_is_seen_to_be_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = world.hold(), world.hold([crimes(4)], supplier=DURHAM)
    world.clock.now = DUE
    real = SealedFileKeystore.destroy

    def destroy(store: SealedFileKeystore, name: str) -> None:
        if bad.id in name:
            raise OSError(5, "Input/output error")
        real(store, name)

    with monkeypatch.context() as patch:
        patch.setattr(SealedFileKeystore, "destroy", destroy)
        with pytest.raises(OSError, match="Input/output"):
            schedule.dispose_due(world.hub)
    assert world.row(good.id).state == "disposed"
    assert (world.row(bad.id).state, world.row(bad.id).certificate) == ("disposing", None)
    schedule.dispose_due(world.hub)
    assert world.row(bad.id).state == "disposed"


def test_removed_objects_stay_removed_whatever_happens_to_the_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects, done = Objects(tmp_path), []
    for name in ("aa1.1", "aa1.2", "bb2.1", "aa2.1"):
        objects.path(name).parent.mkdir(exist_ok=True)
        objects.path(name).write_bytes(b"x")
    real_sync, real_unlink = os.fsync, Path.unlink

    def sync(handle: int) -> None:
        done.append(("sync", Path(f"/proc/self/fd/{handle}").readlink().name))
        real_sync(handle)

    def unlink(path: Path, missing_ok: bool = False) -> None:
        done.append(("unlink", path.name))
        real_unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "unlink", unlink)
    assert objects.beginning("aa1.") == ["aa1.1", "aa1.2"]
    objects.remove([*objects.beginning("aa1."), "bb2.1", "cc3.1"])
    assert done[-2:] == [("sync", "aa"), ("sync", "bb")]  # each folder once, after all that was in it
    assert sorted(objects.names()) == ["aa2.1"]


def test_destroyed_with_as_many_calls_however_many_parts_it_has(world: World) -> None:
    """Up to the certificate: statements, commits, key destructions and flushes do not grow with the submission."""
    small, large = world.hold([crimes(1)]), world.hold([crimes(1, seed=seed) for seed in range(1, 9)], supplier=DURHAM)
    world.clock.now = DUE

    def counted(submission: str) -> int:
        statements: list[str] = []
        seen: Callable[..., None] = lambda *given: statements.append(given[2])  # noqa: E731
        event.listen(world.hub.engine, "before_cursor_execute", seen)
        try:
            _, keys = retention._begin(world.hub.engine, submission, world.clock())
            world.hub.keyring.store.destroy(keys[0])
            retention._certify(world.hub.engine, world.hub.keyring, submission, world.clock())
        finally:
            event.remove(world.hub.engine, "before_cursor_execute", seen)
        assert not any("manifest " in one or "manifest," in one for one in statements if one.startswith("SELECT submissions"))
        # The log's tree needs a node more or less as it grows; that is the log's, not the submission's.
        return len([one for one in statements if "log_" not in one])

    assert counted(small.id) == counted(large.id)
    schedule.dispose_due(world.hub)
    nothing_left(world, small.id)
    nothing_left(world, large.id)
