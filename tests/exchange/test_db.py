"""Transactions: what is written is whole or nothing, and what a writer has read is still so when it writes."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError, StatementError

from exchange.db import reading, writing
from exchange.register.tables import AssertionRow
from tests.exchange.standing import NOW, World


def row(jti: str, expires: datetime = NOW) -> AssertionRow:
    return AssertionRow(client="a", jti=jti, expires_at=expires)


def fail_after(world: World, added: AssertionRow) -> None:
    with writing(world.hub.engine) as session:
        session.add(added)
        session.flush()
        raise ZeroDivisionError


def test_an_error_leaves_nothing(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_after(world, row("lost"))
    with reading(world.hub.engine) as session:
        assert "lost" not in session.execute(select(AssertionRow.jti)).scalars().all()


def test_a_commit_is_synchronous_and_the_schema_is_enforced(world: World) -> None:
    with reading(world.hub.engine) as session:
        found = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_writer_holds_the_lock_from_its_first_word(world: World) -> None:
    with writing(world.hub.engine) as session:
        session.execute(text("select 1"))
        with world.hub.engine.execution_options(reading=True).connect() as other:
            other.exec_driver_sql("PRAGMA busy_timeout=1")
            with pytest.raises(OperationalError, match="locked"):
                other.exec_driver_sql("INSERT INTO used_assertions VALUES ('b', 'b', '2026-01-01')")


def test_readers_wait_for_nobody_and_see_one_moment(world: World) -> None:
    with reading(world.hub.engine) as session:
        before = session.execute(select(AssertionRow.jti)).scalars().all()
        with writing(world.hub.engine) as writer:
            writer.add(row("later"))
        assert session.execute(select(AssertionRow.jti)).scalars().all() == before
    with reading(world.hub.engine) as session:
        assert "later" in session.execute(select(AssertionRow.jti)).scalars().all()


def test_of_two_writers_that_read_first_neither_overwrites_the_other(world: World) -> None:
    def add() -> None:
        for _ in range(10):
            with writing(world.hub.engine) as session:
                count = len(session.execute(select(AssertionRow).where(AssertionRow.client == "a")).scalars().all())
                session.add(row(f"number {count}"))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(world.hub.engine) as session:
        found = session.execute(select(AssertionRow.jti).where(AssertionRow.client == "a")).scalars().all()
    assert set(found) == {f"number {count}" for count in range(40)}


def test_times_are_aware_and_come_back_in_utc(world: World) -> None:
    there = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    with writing(world.hub.engine) as session:
        session.add(row("aware", there))
    with reading(world.hub.engine) as session:
        found = session.execute(select(AssertionRow.expires_at).where(AssertionRow.jti == "aware")).scalar_one()
    assert found == there
    assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="zone"):
        fail_after(world, row("naive", datetime(2026, 7, 1)))  # noqa: DTZ001  # that it is naive is the point
