"""Ready only while the log can be written, the keys can be read and nothing destroyed is back: each made untrue for real, and mended again."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exchange import schedule
from exchange.commands.root import cli
from exchange.commands.running import run
from exchange.db import reading, writing
from exchange.hub import Hub
from exchange.restore.standing import mark
from exchange.watch import facts, jobs
from exchange.watch.condition import FAILED, Cause, Finding, findings
from exchange.watch.tables import JobRow
from tests.exchange.configured import configured
from tests.exchange.standing import CLEVELAND, World, crimes, problem
from tests.exchange.test_full_disks import fill
from tests.folders import folder_of

WORDS = "The log or its second store cannot be written, so nothing is accepted."


@pytest.fixture
def now_and_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness looked up at every question, not every five seconds."""
    monkeypatch.setattr(facts, "_SECONDS", -1.0)


def causes(world: World) -> dict[Cause, Finding]:
    return {one.cause: one for one in findings(facts.look(world.hub))}


def test_a_second_store_that_cannot_be_written_is_not_ready_and_goes_on_by_itself(world: World, now_and_now: None) -> None:
    assert world.call("get", "/ready").get_json() == {"status": "ready"}
    leaves = folder_of(world.hub.settings.second_store)
    kept = leaves.rename(leaves.with_name("kept"))
    leaves.write_text("a file where the folder was")
    found = problem(world.call("get", "/ready"), 503, "unavailable")
    assert [one["cause"] for one in found["causes"]] == ["log"]
    assert found["detail"] == WORDS
    assert world.call("get", "/health").status_code == 200
    assert causes(world)[Cause.LOG].about
    leaves.unlink()
    kept.rename(leaves)
    assert world.call("get", "/ready").status_code == 200
    world.hold([crimes()])


def test_a_full_second_store_is_not_ready(world: World, now_and_now: None, small_disk: Path) -> None:
    """Opening a file on a full disk goes well; only writing tells."""
    leaves = folder_of(world.hub.settings.second_store)
    kept = leaves.rename(leaves.with_name("kept"))
    shutil.copytree(kept, small_disk / "leaves")
    leaves.symlink_to(small_disk / "leaves")
    assert world.call("get", "/ready").status_code == 200
    filler = small_disk / "filler"
    fill(small_disk)
    problem(world.call("get", "/ready"), 503, "unavailable")
    filler.unlink()
    assert world.call("get", "/ready").status_code == 200


def test_a_destruction_that_is_pending_after_a_restore_is_not_ready(world: World) -> None:
    mark(world.hub.settings).touch()
    found = problem(world.call("get", "/ready"), 503, "unavailable")
    assert [one["cause"] for one in found["causes"]] == ["restored"]
    assert "exchange restore --replay" in found["remedy"]
    assert causes(world)[Cause.RESTORED].about


def test_a_keystore_that_is_gone_is_not_ready(world: World, now_and_now: None) -> None:
    assert world.call("get", "/ready").status_code == 200
    keystore = world.folder / "keystore"
    kept = keystore.rename(keystore.with_name("kept"))
    found = problem(world.call("get", "/ready"), 503, "unavailable")
    assert [one["cause"] for one in found["causes"]] == ["keystore"]
    kept.rename(keystore)
    assert world.call("get", "/ready").status_code == 200


def test_a_credential_that_is_gone_stops_no_hub_that_has_its_keys_and_is_named(world: World, now_and_now: None) -> None:
    assert Cause.ROOTS not in causes(world)
    credential = world.hub.settings.credential
    kept = credential.rename(credential.with_name("kept"))
    assert causes(world)[Cause.ROOTS].about == ("the credential file cannot be read",)
    assert world.call("get", "/ready").status_code == 200
    kept.rename(credential)
    assert Cause.ROOTS not in causes(world)


def test_no_cause_that_strangers_see_names_anything(world: World, now_and_now: None) -> None:
    submission = world.hold([crimes()]).id
    world.hub.keyring.store.destroy(world.row(submission).key)
    text = world.call("get", "/ready").text
    assert "restored" in text
    assert submission not in text
    assert any(submission in line for line in causes(world)[Cause.RESTORED].about)


# ------------------------------------------------------------------------------------------------------------- the schedule


def test_a_job_that_fails_again_and_again_is_named_and_one_that_goes_well_again_is_not(world: World) -> None:
    def fails(_: Hub) -> None:
        raise OSError("a value of a row")

    for _ in range(FAILED):
        with pytest.raises(OSError, match="value"):
            schedule.perform("draw charts", fails, world.hub)
        world.clock.forward(minutes=2)
    found = causes(world)[Cause.JOB]
    assert found.about == (f"draw charts: OSError, {FAILED} times",)
    assert found.since == world.clock() - timedelta(minutes=2 * FAILED)
    schedule.perform("draw charts", lambda _: None, world.hub)
    assert Cause.JOB not in causes(world)
    with reading(world.hub.engine) as session:
        assert session.get_one(JobRow, "draw charts").failed_in_all == FAILED


def test_a_schedule_that_nobody_runs_is_said_and_a_job_beats(world: World) -> None:
    schedule.perform("count what repeats", schedule.count_repeats, world.hub)
    world.clock.forward(minutes=9)
    assert Cause.SCHEDULE not in causes(world)
    world.clock.forward(minutes=2)
    assert causes(world)[Cause.SCHEDULE].since == world.clock() - timedelta(minutes=11)


def test_a_job_that_goes_well_every_second_is_noted_once_a_minute(world: World) -> None:
    for _ in range(5):
        schedule.perform("count what repeats", schedule.count_repeats, world.hub)
        world.clock.forward(seconds=14)
    with reading(world.hub.engine) as session:
        assert session.get_one(JobRow, "count what repeats").runs == 1
    schedule.perform("count what repeats", schedule.count_repeats, world.hub)
    with reading(world.hub.engine) as session:
        assert session.get_one(JobRow, "count what repeats").runs == 2


def test_what_waits_what_is_late_and_what_was_never_backed_up_is_said(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.send(pushed, CLEVELAND)
    world.clock.forward(minutes=31)
    assert causes(world)[Cause.OPENING].since is not None
    world.clock.forward(days=9)
    found = causes(world)
    assert {Cause.BACKUP, Cause.SEALING, Cause.SILENT} <= set(found)
    jobs.happened(world.hub.engine, jobs.BACKUP, world.clock())
    assert Cause.BACKUP not in causes(world)


def test_turned_away_requests_are_noted(world: World) -> None:
    world.hub.limits.strangers.allowance = 1
    answers = [world.call("post", "/oauth2/token", data={}).status_code for _ in range(3)]
    assert 429 in answers
    assert Cause.LIMIT in causes(world)


# ------------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def config(world: World) -> Path:
    return configured(world)


def status(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), "status", *words], standalone_mode=False)


def test_status_ends_with_what_a_script_needs_to_know(world: World, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.hub.now", world.clock)
    monkeypatch.setattr("exchange.hub.open_hub.__defaults__", (world.clock,))
    well = status(config)
    assert (well.return_value, well.output.splitlines()[0]) == (0, "Nothing is the matter."), well.output
    mark(world.hub.settings).touch()
    ill = status(config, "--json")
    assert ill.return_value == 1
    assert '"cause": "restored"' in ill.output
    mark(world.hub.settings).unlink()
    with writing(world.hub.engine) as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    unknown = status(config)
    assert unknown.return_value == 2
    assert "exchange init --upgrade" in unknown.output


def test_status_without_a_keystore_says_so(world: World, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(world.folder / "keystore")
    monkeypatch.setattr("sys.argv", ["exchange", "--config", str(config), "status"])
    assert run(cli) == 1
