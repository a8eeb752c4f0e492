"""Audit before effect: every reading of rows and every disclosure has its entry first, in the shape of section 62; without it nothing happens."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from exchange.commands.root import cli
from exchange.db import reading, writing
from exchange.errors import Unavailable
from exchange.log.record import Event, Operation, append, size
from exchange.log.tables import EntryRow
from exchange.problems import as_exchange_error
from exchange.releases import edition
from exchange.submissions import holdings, retention
from tests.exchange.configured import configured
from tests.exchange.releases.drafted import REQUESTER, ask, publish, row
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World, crimes, print_of
from tests.folders import folder_of

SIX = {"collection", "alteration", "consultation", "disclosure", "combination", "erasure"}
Drafted = tuple[World, str]


def entries(world: World, after: int = 0) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).where(EntryRow.number >= after).order_by(EntryRow.number)).scalars()
        return [dict(one) for one in found if one]


def many(world: World) -> int:
    with reading(world.hub.engine) as session:
        return size(session)


def test_the_whole_story_leaves_all_six_with_who_when_purpose_and_recipient(drafted: Drafted) -> None:
    world, identity = drafted
    publish(world, identity)
    (first,) = {one["submission"] for one in row(world, identity).draft["inputs"] if one["supplier"] == CLEVELAND}
    world.hold([crimes(5, seed=9)], after=first)
    name = next(one.name for one in row(world, identity).files if one.name.endswith(".csv"))
    answer = world.call("get", f"/v1/editions/{identity}/tables/{name}", TEAM)
    assert answer.status_code == 200, answer.text
    world.clock.forward(days=9_000)
    hub = world.hub
    with reading(hub.engine) as session:
        waiting = [one.id for one in retention.due(session, world.clock().date())]
    for submission in waiting:
        retention.dispose(hub.engine, hub.keyring, hub.places, submission, world.clock())
    found = entries(world)
    assert {one["operation"] for one in found} >= SIX
    for one in found:
        if one["operation"] in SIX:
            assert one["who"], one
            assert one["at"].endswith("Z"), one
            assert one["purpose"] == REFERENCE, one
            assert one["organisation"] in (CLEVELAND, DURHAM, OPERATOR, TEAM), one
    download = next(one for one in found if one["what"] == "edition downloaded")
    assert (download["operation"], download["recipient"], download["who"], download["subject"]) == ("disclosure", TEAM, TEAM, identity)
    read = [one for one in found if one["subject"] == identity and one["operation"] in ("combination", "consultation")]
    assert {(one["operation"], one["organisation"]) for one in read[:4]} == {
        (operation, supplier) for operation in ("combination", "consultation") for supplier in (CLEVELAND, DURHAM)
    }
    assert {one["who"] for one in read[:4]} == {print_of(world.keys[REQUESTER])}


def test_rows_are_read_only_after_the_entry_is_durable(drafted: Drafted, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = drafted
    seen: list[set[str]] = []
    real = holdings.rows

    def watched(*given: Any) -> Any:
        seen.append({one["what"] for one in entries(world, begun)})
        assert world.hub.second.size() == many(world)
        return real(*given)

    begun = many(world)
    monkeypatch.setattr(holdings, "rows", watched)
    ask(world)
    assert seen
    assert all(one >= {"rows linked and counted for an edition", "rows looked at for findings about them"} for one in seen)


def test_a_reading_that_fails_afterwards_is_in_the_log_all_the_same(drafted: Drafted, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = drafted
    begun = many(world)

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(edition, "guard", fail)
    with pytest.raises(ZeroDivisionError):
        ask(world)
    assert [one["operation"] for one in entries(world, begun)] == ["combination", "consultation"] * 2


# ----------------------------------------------------------------------------------------- no entry, no effect


def second_store(world: World) -> Callable[[], None]:
    folder = folder_of(world.hub.settings.second_store)
    away = folder.rename(folder.with_name("away"))
    folder.touch()

    def mend() -> None:
        folder.unlink()
        away.rename(folder)

    return mend


def with_pragma(world: World, words: str) -> Callable[[], None]:
    """Every connection from now on has it; afterwards none."""

    def set_it(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {words}")

    world.hub.engine.dispose()
    event.listen(world.hub.engine, "connect", set_it)

    def mend() -> None:
        event.remove(world.hub.engine, "connect", set_it)
        world.hub.engine.dispose()

    return mend


def full(world: World) -> Callable[[], None]:
    """A database that has no page more: what a full disk is to it."""
    with reading(world.hub.engine) as session:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
    mend, failed = with_pragma(world, f"max_page_count = {pages}"), 0
    while failed < 8:  # what is left here and there in its pages is filled up too
        word = secrets.token_hex(6)
        try:
            with writing(world.hub.engine) as session:
                append(session, Event(Operation.SECURITY, word, CLEVELAND, REFERENCE, "filler", word), world.clock())
        except OperationalError:
            failed += 1
    return mend


def locked(world: World) -> Callable[[], None]:
    """Somebody else who writes and does not end."""
    mend = with_pragma(world, "busy_timeout = 20")
    other = world.hub.engine.connect()
    other.exec_driver_sql("SELECT 1")

    def let_go() -> None:
        other.close()
        mend()

    return let_go


BREAKS = {"the second store is gone": second_store, "the disk is full": full, "the head is locked": locked}


@pytest.mark.parametrize("name", BREAKS)
def test_without_its_entry_nothing_is_read_sqlite(drafted: Drafted, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = drafted
    read: list[Any] = []
    monkeypatch.setattr(holdings, "rows", lambda *given: read.append(given))
    mend = BREAKS[name](world)
    with pytest.raises(Exception) as told:  # noqa: PT011  # what it is to a caller is asked below
        ask(world)
    assert isinstance(as_exchange_error(told.value), Unavailable)
    assert read == []
    mend()


@pytest.mark.parametrize("name", BREAKS)
def test_without_its_entry_nothing_is_handed_out_sqlite(drafted: Drafted, name: str) -> None:
    world, identity = drafted
    publish(world, identity)
    file = next(one for one in row(world, identity).files if one.name.endswith(".csv"))
    token = world.token(TEAM)
    mend = BREAKS[name](world)
    for _ in range(2):
        answer = world.call("get", f"/v1/editions/{identity}/tables/{file.name}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 503, answer.text
        assert file.content[:20] not in answer.data
    mend()
    answer = world.call("get", f"/v1/editions/{identity}/tables/{file.name}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.data) == (200, file.content)


# -------------------------------------------------------------------------------------------------- the command line


def test_a_draft_shown_and_its_findings_are_consultations(drafted: Drafted, tmp_path: Path) -> None:
    world, identity = drafted
    begun = many(world)
    done = CliRunner().invoke(cli, ["--config", str(configured(world)), "--json", "release", "show", identity], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (entry,) = entries(world, begun)
    assert (entry["operation"], entry["what"], entry["who"], entry["subject"]) == ("consultation", "edition shown", "operator", identity)
    with world.unwritten():
        done = CliRunner().invoke(cli, ["--config", str(configured(world)), "release", "show", identity, "--out", str(tmp_path / "out")])
        assert done.exit_code != 0
    assert not (tmp_path / "out").exists()
