"""A restore and what people asked for: rows erased after the backup stay erased, whatever else became of their submission; and keys that may not go."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from agreements.lifecycle import State
from agreements.signing import Capacity, Voice
from exchange.commands.root import cli
from exchange.db import reading, writing
from exchange.errors import Misconfigured
from exchange.hub import open_hub
from exchange.log.redaction import redact
from exchange.log.tables import EntryRow
from exchange.register import agreements
from exchange.restore.putting_back import put_back
from exchange.restore.standing import mark
from exchange.settings import Settings
from exchange.submissions import intake
from exchange.submissions.tables import SubmissionState
from keys.errors import BadProof, BadSignature
from keys.keyfile import write_keyfile
from tests.exchange.asking import ask, everything_readable, parts, pseudonym, rekeyed, request
from tests.exchange.restoring import Two, dispose, held_world, of, put_over, refused, replayed, rows_of, saved, two
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, RELEASE, ROOT, URL, World, problem
from tests.exchange.test_endings import agree
from tests.exchange.test_hub_keys import destroy, renamed, rotate
from tests.folders import all_of, refill

__all__ = ["held_world", "two"]  # fixtures


def old_copies(world: World, backup: Path, *submissions: str) -> list[tuple[bytes, bytes, str]]:
    """Everything that the backup's objects could be opened with, by what the database said of them when it was made."""
    known = [(part.wrapped_key, part.aad) for one in submissions for part in world.row(one).held]
    return [(path.read_bytes(), *one) for path in (backup / "objects").rglob("*.parquet") for one in known]


@pytest.mark.parametrize("later", [("erasure", "restriction"), ("restriction", "erasure"), ("rectification", "restriction")])
def test_rows_erased_since_the_backup_stay_erased_and_their_content_is_not_taken_back(
    two: Two, tmp_path: Path, later: tuple[str, str]
) -> None:
    world, first, second = two
    copy = saved(world, tmp_path / "backup")
    copies = old_copies(world, copy, first, second)
    people = [pseudonym(1), pseudonym(2)]
    assert rekeyed(world, people) <= everything_readable(world, copies)  # the control: before, a thief of all this reads them
    for right, person in zip(later, people, strict=True):
        assert len(ask(world, right, [person]).batches) == 2
    settings = put_over(world, copy)
    refused(world, settings, "The database's log has")
    assert {one["submission"] for one in replayed(world, settings).lost} == {first, second}
    again = world.restarted()
    assert not rekeyed(again, people) & everything_readable(again, copies)
    assert [(again.row(one).state, rows_of(again, one)) for one in (first, second)] == [(SubmissionState.LAPSED, 0)] * 2
    problem(again.call("get", f"/v1/submissions/{first}", CLEVELAND), 410, "push-again")
    problem(again.open(again.prepare(**of(4, 3))), 409, "rows-erased")
    # What the agency pushes without them is taken, and they are not in it.
    table = of(4, 3)["tables"][0]
    pushed = again.hold([table.filter([value not in people for value in table.column("crime").to_pylist()])], period="2021-04")
    assert not rekeyed(again, people) & set(parts(again, pushed.id)[0].column("crime").to_pylist())


def test_what_was_erased_and_then_destroyed_is_not_taken_back_either(two: Two, tmp_path: Path) -> None:
    world, first, _ = two
    copy = saved(world, tmp_path / "backup")
    ask(world, "erasure", [pseudonym(1)])
    dispose(world, first)
    settings = put_over(world, copy)
    assert replayed(world, settings).destroyed == [first]
    again = world.restarted()
    assert again.row(first).state == SubmissionState.DISPOSED
    problem(again.open(again.prepare(**of(4, 3))), 409, "rows-erased")


@pytest.mark.parametrize("use", ["identity", "log"])
def test_the_last_key_of_a_use_is_not_destroyed_again_but_the_newest_keystore_asked_for(two: Two, tmp_path: Path, use: str) -> None:
    world, _, kept = two
    copy = saved(world, tmp_path / "backup")
    sealed = ("keystore", "roots")
    before = {name: all_of(world.settings, name) for name in sealed}
    old = world.hub.keyring.signing(use).public.fingerprint
    agree(world, renamed(world, {old: rotate(world, use)}))
    destroy(world, old)
    settings = put_over(world, copy)
    newest = {name: all_of(settings, name) for name in sealed}
    back(settings, before)
    refused(world, settings, "The database's log has")
    with pytest.raises(Misconfigured, match=f"only {use} key") as error:
        replayed(world, settings)
    assert "newest keystore" in error.value.remedy
    assert [one.public.fingerprint for one in open_hub(settings, world.clock).keyring.every(use)] == [old]  # nothing was done
    back(settings, newest)
    replayed(world, settings)
    assert rows_of(world.restarted(), kept) == 5


def back(settings: Settings, content: dict[str, dict[str, bytes]]) -> None:
    for name, held in content.items():
        refill(settings, name, held)


def test_an_altered_backup_leaves_no_settings_behind(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    key = world.hub.keyring.signing("identity").public.fingerprint
    text = (copy / "hub.toml").read_text(encoding="utf-8")
    (copy / "hub.toml").write_text(text.replace("http://localhost", "http://elsewhere"), encoding="utf-8")
    for named in ("", key):
        with pytest.raises(BadProof):
            put_back(copy, tmp_path / "new", key=named)
        assert not (tmp_path / "new" / "hub.toml").exists()
    (copy / "hub.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadSignature):
        put_back(copy, tmp_path / "new", key="ed25519:" + "0" * 64)
    with pytest.raises(Misconfigured):  # whole, and nothing tells whose it is
        put_back(copy, tmp_path / "new")
    assert not (tmp_path / "new" / "hub.toml").exists()
    world.disconnect()
    if world.server:
        world.server.empty(world.database)
    assert put_back(copy, tmp_path / "new", key=key).exists()


def test_no_edition_is_made_shown_or_checked_at_the_command_line_before_the_replay(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    config, key = tmp_path / "hub.toml", tmp_path / "person.key"
    places = ("objects", "staging", "keystore", "roots", "credential")
    lines = [f'public_url = "{URL}"', 'origin = "lcjp-exchange/test"', f'database_url = "{world.settings.database_url}"']
    lines += [f'{name} = "{world.folder / name}"' for name in places]
    config.write_text("\n".join([*lines, f'codes = "{ROOT}/config/codes"']), encoding="utf-8")
    write_keyfile(key, world.signing(f"{DURHAM}/signatory"), owner=DURHAM, role="signatory")
    mark(world.hub.settings).write_text("restored")
    world.disconnect()
    for command in (
        ["request", REFERENCE, RELEASE, "--from", "2021-04", "--to", "2021-05"],
        ["show", "ed-1"],
        ["check", "ed-1", "--approve"],
    ):
        with pytest.raises(Misconfigured, match="this hub was restored"):
            CliRunner().invoke(cli, ["--config", str(config), "release", *command, "--key", str(key)], catch_exceptions=False)


def test_a_stop_whose_entry_was_redacted_since_still_stops(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    copy = saved(world, tmp_path / "backup")
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    with reading(world.hub.engine) as session:
        said = session.execute(select(EntryRow.number).where(EntryRow.what == "statement: suspend")).scalar_one()
    with writing(world.hub.engine) as session:
        redact(session, said, "operator", "a name stood in it", world.clock)
    done = replayed(world, put_over(world, copy))
    assert (done.suspended, done.again["redacted entry: agreement"]) == ([REFERENCE], 1)
    with reading(world.restarted().hub.engine) as session:
        row = agreements.current(session, REFERENCE)
        assert row is not None
        assert row.state == State.SUSPENDED


def test_a_whole_machine_put_back_learns_what_was_erased_from_the_agencies_receipts(two: Two, tmp_path: Path) -> None:
    world, first, second = two
    machine = world.copy(tmp_path / "machine")
    settings = machine.settings
    signed = request(world, "erasure", [pseudonym(1)])
    receipt = world.call("post", "/v1/rights", CLEVELAND, json=signed).get_json()["receipt"]
    with pytest.raises(BadSignature):
        replayed(machine, settings, {**receipt, "document": {**receipt["document"], "rows": 9}})
    assert {one["submission"] for one in replayed(machine, settings, receipt).lost} == {first, second}
    again = machine.restarted()
    assert not rekeyed(again, [pseudonym(1)]) & everything_readable(again)
    problem(again.open(again.prepare(**of(4, 3))), 409, "rows-erased")
    again.hold(**of(6, 3))
    assert replayed(again, settings, receipt).lost == []  # handed in again, it does nothing more
    assert rows_of(again.restarted(), again.hold(**of(7, 2)).id) == 2
    machine.close()


def test_what_its_supplier_withdrew_since_is_not_waited_for_again(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    opened = world.prepare(**of(6, 3))
    world.open(opened)
    copy = saved(world, tmp_path / "backup")
    with writing(world.hub.engine) as session:
        intake.withdraw(session, CLEVELAND, opened.id, world.clock)
    replayed(world, put_over(world, copy))
    assert world.restarted().row(opened.id).state == SubmissionState.LAPSED
