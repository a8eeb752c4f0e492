"""A restored hub: it refuses to serve until everything that was done since the backup is done again, and then it goes on."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from agreements.lifecycle import State
from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import Misconfigured
from exchange.hub import open_hub, second_store
from exchange.log.export import export, verify
from exchange.log.record import checkpoint, consistency
from exchange.register import agreements, partners
from exchange.register.tables import SuspensionRow
from exchange.restore.standing import mark, standing_of_destructions
from exchange.submissions import retention, sealing
from exchange.submissions.restored import LostRow
from exchange.submissions.tables import SubmissionState
from keys.errors import BadSignature, KeyDestroyed, KeystoreUnreadable
from keys.keystore import SealedFileKeystore
from keys.merkle import verify_consistency
from keys.places import FILE
from keys.providers import CredentialFileRoots
from tests.exchange.restoring import Two, dispose, held_world, killed, month, of, put_over, refused, replayed, rows_of, saved, two, whats
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, World, problem
from tests.folders import all_of, lose, refill

__all__ = ["held_world", "two"]  # fixtures


def test_what_was_destroyed_since_is_destroyed_again_and_the_rest_goes_on(two: Two, tmp_path: Path) -> None:
    world, gone, kept = two
    copy = saved(world, tmp_path / "backup")
    certificate = dispose(world, gone)
    later = world.hold(**of(6, 4))
    assert world.receipt(later.id).outcome == "held"
    with reading(world.hub.engine) as session:
        seen = checkpoint(session)
    settings = put_over(world, copy)
    refused(world, settings, "The database's log has")
    done = replayed(world, settings)
    assert (done.destroyed, [one["submission"] for one in done.lost]) == ([gone], [later.id])
    again = world.restarted()
    assert standing_of_destructions(again.hub) == []
    assert again.row(gone).state == SubmissionState.DISPOSED
    assert again.row(gone).certificate is not None
    assert (again.row(gone).held, again.row(gone).certificate["document"]["key"]) == ([], certificate["document"]["key"])  # type: ignore[index]
    assert (rows_of(again, gone), rows_of(again, kept)) == (0, 5)
    # The log goes on from where the agencies saw it, and is whole.
    with reading(again.hub.engine) as session:
        head = checkpoint(session)
        verify_consistency(seen.size, head.size, seen.root, head.root, consistency(session, seen.size, head.size))
        key = again.hub.keyring.signing("log")
        verify(json.loads(json.dumps(list(export(session, key)))), key.public.fingerprint)
    assert again.hub.second.size() == head.size
    # The receipt that cannot be honoured says so, to its supplier alone, and the same content is taken again.
    path = f"/v1/submissions/{later.id}"
    assert problem(again.call("get", path, CLEVELAND), 410, "push-again")["remedy"] == "Push the extract again."
    problem(again.call("get", path, DURHAM), 404, "not-found")
    problem(again.call("post", f"{path}/complete", CLEVELAND), 410, "push-again")
    repeat = again.hold(**of(6, 4))
    assert repeat.id != later.id
    assert rows_of(again, repeat.id) == 4


def test_a_backup_of_before_anything_was_held_is_put_back(world: World, tmp_path: Path) -> None:
    copy = saved(world, tmp_path / "backup")
    lost = world.hold(**of(5, 3))
    replayed(world, put_over(world, copy))
    again = world.restarted()
    problem(again.call("get", f"/v1/submissions/{lost.id}", CLEVELAND), 410, "push-again")
    assert rows_of(again, again.hold(**of(5, 3)).id) == 3


def test_the_same_upload_resumed_after_a_restore_is_a_new_submission(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    pushed = world.prepare(**of(6, 4))
    lost = world.send(pushed)
    settings = put_over(world, copy)
    replayed(world, settings)
    again = world.restarted()
    assert again.send(pushed) != lost
    assert again.process(pushed.id) == "held"
    problem(again.call("get", f"/v1/submissions/{lost}", CLEVELAND), 410, "push-again")


def test_an_old_keystore_copy_does_not_open_and_no_key_of_the_restored_files_reads_a_destroyed_row(two: Two, tmp_path: Path) -> None:
    world, gone, _ = two
    copy = saved(world, tmp_path / "backup")
    dispose(world, gone)
    settings = put_over(world, copy)
    refill(settings, "keystore", {FILE: (copy / "keystore" / FILE).read_bytes()})
    with pytest.raises(KeystoreUnreadable):
        open_hub(settings, world.clock)
    with pytest.raises(KeystoreUnreadable):
        SealedFileKeystore(copy / "keystore", CredentialFileRoots(world.folder / "roots", world.folder / "credential"))


def test_keystore_and_root_put_back_together_are_seen_and_destroyed_again(two: Two) -> None:
    world, gone, kept = two
    settings = world.settings
    before = {name: all_of(settings, name) for name in ("keystore", "roots")}
    dispose(world, gone)
    world.disconnect()
    for name, content in before.items():
        refill(settings, name, content)
    refused(world, settings, f"1 × key of what is destroyed on record, in the keystore again: submission/{gone}")
    assert replayed(world, settings).keys == 1
    again = world.restarted()
    with pytest.raises(KeyDestroyed):
        again.hub.keyring.store.get(f"submission/{gone}")
    assert rows_of(again, kept) == 5


def test_a_whole_machine_put_back_learns_from_the_agencies_certificates(two: Two, tmp_path: Path) -> None:
    world, gone, kept = two
    machine = world.copy(tmp_path / "machine")
    settings = machine.settings
    certificate = dispose(world, gone)
    forged = {**certificate, "document": {**certificate["document"], "submission": kept}}
    with pytest.raises(BadSignature):
        replayed(machine, settings, forged)
    assert replayed(machine, settings, certificate).destroyed == [gone]
    again = machine.restarted()
    assert again.row(gone).state == SubmissionState.DISPOSED
    assert (rows_of(again, gone), rows_of(again, kept)) == (0, 5)
    machine.close()


def test_without_the_second_store_the_tombstones_alone_destroy_again(two: Two, tmp_path: Path) -> None:
    world, gone, kept = two
    copy = saved(world, tmp_path / "backup")
    dispose(world, gone)
    settings = put_over(world, copy)
    lose(settings, "second_store")
    refused(world, settings, "1 × submission with a destroyed key")
    assert replayed(world, settings).destroyed == [gone]
    again = world.restarted()
    assert (again.row(gone).state, rows_of(again, kept)) == (SubmissionState.DISPOSED, 5)


def test_a_keystore_older_than_the_database_costs_rows_only_when_asked(world: World) -> None:
    settings = world.settings
    before = {name: all_of(settings, name) for name in ("keystore", "roots")}
    held = world.hold()
    world.disconnect()
    for name, content in before.items():
        refill(settings, name, content)
    refused(world, settings, "this keystore never had")
    with pytest.raises(Misconfigured, match="older than the database"):
        replayed(world, settings)
    done = replayed(world, settings, give_up=True)
    assert [one["submission"] for one in done.lost] == [held.id]
    again = world.restarted()
    problem(again.call("get", f"/v1/submissions/{held.id}", CLEVELAND), 410, "push-again")
    assert rows_of(again, again.hold().id) == 3


def test_a_disposal_that_a_crash_interrupted_is_no_restore(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    world, gone, _ = two
    with monkeypatch.context() as patch:
        patch.setattr(retention, "_certify", killed)
        with pytest.raises(ZeroDivisionError):
            dispose(world, gone)
    assert world.row(gone).state == SubmissionState.DISPOSING
    assert world.hub.keyring.store.destroyed(f"submission/{gone}")
    again = world.restarted()
    assert standing_of_destructions(again.hub) == []
    assert again.app.test_client().get("/ready").status_code == 200
    dispose(again, gone)
    assert again.row(gone).state == SubmissionState.DISPOSED


def test_a_stop_that_the_backup_forgot_still_stops(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    assert world.say(DURHAM, Capacity.DPO, Voice.SUSPEND) == State.SUSPENDED
    settings = put_over(world, copy)
    done = replayed(world, settings)
    assert done.suspended == [REFERENCE]
    assert done.again["statement: suspend"] == 1
    again = world.restarted()
    with reading(again.hub.engine) as session:
        row = agreements.current(session, REFERENCE)
        assert row is not None
        assert row.state == State.SUSPENDED
        assert [one.party for one in session.execute(select(SuspensionRow)).scalars()] == [OPERATOR]
    # People say again what was lost; the operator's signatory resumes; the suspender's stop stands until it resumes itself.
    again.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    assert again.say(OPERATOR, Capacity.SIGNATORY, Voice.RESUME) == State.SUSPENDED
    assert again.say(DURHAM, Capacity.SIGNATORY, Voice.RESUME) == State.IN_FORCE
    assert "agreement suspended: restored without later statements" in whats(again)


def test_revoked_keys_stay_revoked_and_old_assertions_count_no_more(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    with writing(world.hub.engine) as session:
        partners.revoke(session, world.signing(f"{DURHAM}/client").public.fingerprint, "stolen", world.clock())
    used = world.assertion(CLEVELAND)
    assert world.authenticate(used).status_code == 200
    settings = put_over(world, copy)
    done = replayed(world, settings)
    assert len(done.revoked) == 1
    again = world.restarted()
    problem(again.authenticate(used), 401, "expired-assertion")
    assert again.authenticate(again.assertion(CLEVELAND)).status_code == 200
    problem(again.authenticate(again.assertion(DURHAM)), 401, "unknown-client")


def test_a_sealing_key_issued_or_destroyed_since_is_not_used(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    before = world.sealing_notice()["id"]
    world.clock.forward(days=15)
    with writing(world.hub.engine) as session:
        sealing.rotate(session, world.hub.keyring, OPERATOR, world.clock())
    issued = world.sealing_notice()["id"]
    settings = put_over(world, copy)
    replayed(world, settings)
    again = world.restarted()
    with writing(again.hub.engine) as session:
        sealing.rotate(session, again.hub.keyring, OPERATOR, again.clock())
    assert again.sealing_notice()["id"] not in (before, issued)
    assert {f"sealing/{one}" for one in (before, issued)} <= set(again.hub.keyring.store.tombstones())
    month(again, 6)


def test_a_replay_that_is_killed_is_as_if_it_had_not_begun(two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, gone, _ = two
    copy = saved(world, tmp_path / "backup")
    dispose(world, gone)
    settings = put_over(world, copy)
    for place in ("exchange.restore.reapply.tell", "exchange.submissions.leftovers.tidy"):
        with monkeypatch.context() as patch:
            patch.setattr(place, killed)
            with pytest.raises(ZeroDivisionError):
                replayed(world, settings)
    replayed(world, settings)
    again = world.restarted()
    assert standing_of_destructions(again.hub) == []
    assert again.row(gone).state == SubmissionState.DISPOSED
    assert whats(again).count("submission destroyed") == 2  # the lost one, put back, and the one done again


def test_a_second_store_of_another_log_is_not_replayed(two: Two, tmp_path: Path) -> None:
    world, gone, _ = two
    copy = saved(world, tmp_path / "backup")
    dispose(world, gone)
    lines = list(world.hub.second.lines())
    lines[2]["leaf"] = "A" * 43
    settings = put_over(world, copy)
    refill(settings, "second_store", {})
    second_store(settings).extend(lines)
    with pytest.raises(Misconfigured, match="do not belong together"):
        replayed(world, settings)


def test_who_is_lost_is_written_down_once(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    lost = world.hold(**of(6, 3))
    settings = put_over(world, copy)
    replayed(world, settings)
    assert replayed(world, settings).lost == []
    again = world.restarted()
    with reading(again.hub.engine) as session:
        [row] = session.execute(select(LostRow)).scalars()
        assert (row.submission, row.supplier, row.period, row.had) == (lost.id, CLEVELAND, "2021-06", "held")
    assert whats(again).count("submission lost in a restore: push it again") == 1


def test_a_hub_that_runs_while_a_backup_is_put_under_it_is_not_ready(two: Two) -> None:
    world, _, _ = two
    client = world.app.test_client()
    mark(world.hub.settings).write_text("restored")
    problem(client.get("/ready"), 503, "unavailable")
    mark(world.hub.settings).unlink()
    assert client.get("/ready").status_code == 503  # looked up at most once a minute
    assert client.get("/health").status_code == 200
