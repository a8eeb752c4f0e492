"""Transactions: what is written is whole or nothing, and what a writer has read is still so when it writes."""

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError, StatementError
from sqlalchemy.orm import Session

from exchange.db import make_engine, reading, writing
from exchange.log.record import hold
from exchange.problems import as_exchange_error
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


def test_a_commit_is_synchronous_and_the_schema_is_enforced_sqlite(world: World) -> None:
    with reading(world.hub.engine) as session:
        found = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_one_that_opens_a_new_file_waits_for_whoever_writes_to_it(tmp_path: Path) -> None:
    """SQLite would say at once that it is locked: two hubs that are started together on an empty folder would not both start."""
    file = tmp_path / "hub.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as first:
        first.execute("BEGIN IMMEDIATE")
        first.execute("CREATE TABLE t (x)")
        with pytest.raises(sqlite3.OperationalError, match="locked"), closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA journal_mode=WAL")
        done = threading.Timer(0.2, first.execute, ["COMMIT"])
        done.start()
        engine = make_engine(f"sqlite:///{file}")
        with reading(engine) as session:
            assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        engine.dispose()
        done.join()


def test_a_writer_holds_the_lock_from_its_first_word_sqlite(world: World) -> None:
    with writing(world.hub.engine) as session:
        session.execute(text("select 1"))
        with world.hub.engine.execution_options(reading=True).connect() as other:
            other.exec_driver_sql("PRAGMA busy_timeout=1")
            with pytest.raises(OperationalError, match="locked"):
                other.exec_driver_sql("INSERT INTO used_assertions VALUES ('b', 'b', '2026-01-01')")


SHOWN = ("transaction_isolation", "transaction_read_only", "synchronous_commit", "TimeZone", "lock_timeout")


def shown(session: Session | Connection) -> list[str]:
    return [session.execute(text(f"SHOW {name}")).scalar_one() for name in SHOWN]


def test_a_session_is_as_the_hub_needs_it_whatever_the_database_says_postgresql(world: World) -> None:
    with writing(world.hub.engine) as session:
        name = session.execute(text("SELECT current_database()")).scalar_one()
        for wrong in (
            "synchronous_commit = off",
            "default_transaction_isolation = 'repeatable read'",
            "timezone = 'Asia/Tokyo'",
            "lock_timeout = 0",
        ):
            session.execute(text(f"ALTER DATABASE {name} SET {wrong}"))
    world.disconnect()
    with writing(world.hub.engine) as session:
        assert shown(session) == ["read committed", "off", "on", "UTC", "30s"]
    with reading(world.hub.engine) as session:
        assert shown(session) == ["repeatable read", "on", "on", "UTC", "30s"]
    with world.hub.asker.connect() as connection:
        assert shown(connection)[1:] == ["on", "on", "UTC", "30s"]
    with writing(world.hub.engine) as session:
        assert shown(session)[:2] == ["read committed", "off"]  # a connection that read before


def test_a_reader_cannot_write_postgresql(world: World) -> None:
    with reading(world.hub.engine) as session:
        session.add(row("never"))
        with pytest.raises(InternalError, match="read-only"):
            session.flush()
        session.rollback()
    with world.hub.asker.connect() as connection, pytest.raises(InternalError, match="read-only"):
        connection.execute(text("INSERT INTO used_assertions VALUES ('b', 'b', now())"))


def test_a_lock_is_not_waited_for_without_end_postgresql(world: World) -> None:
    with writing(world.hub.engine) as session, writing(world.hub.engine) as other:
        hold(session)
        other.execute(text("SET LOCAL lock_timeout = '10ms'"))
        with pytest.raises(OperationalError, match="lock timeout") as caught:
            hold(other)
        other.rollback()
        assert as_exchange_error(caught.value).status == 503


def test_readers_wait_for_nobody_and_see_one_moment(world: World) -> None:
    with reading(world.hub.engine) as session:
        before = session.execute(select(AssertionRow.jti)).scalars().all()
        with writing(world.hub.engine) as writer:
            writer.add(row("later"))
        assert session.execute(select(AssertionRow.jti)).scalars().all() == before
    with reading(world.hub.engine) as session:
        assert "later" in session.execute(select(AssertionRow.jti)).scalars().all()


def count_up(world: World, *, held: bool) -> None:
    def add() -> None:
        for _ in range(10):
            with writing(world.hub.engine) as session:
                if held:
                    hold(session)
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


def test_of_two_writers_that_read_first_neither_overwrites_the_other_sqlite(world: World) -> None:
    count_up(world, held=False)


def test_writers_that_hold_the_logs_head_are_one_after_the_other(world: World) -> None:
    count_up(world, held=True)


def test_what_a_database_refuses_is_said_plainly(world: World) -> None:
    refused: list[tuple[type[Exception], list[AssertionRow], tuple[int, str]]] = [
        (IntegrityError, [row("twice"), row("twice")], (409, "at-once"))
    ]
    if world.server:  # SQLite keeps a text of any length
        refused.append((DataError, [row("x" * 300)], (422, "bad-format")))
    for wrong, rows, expected in refused:
        with writing(world.hub.engine) as session:
            session.add_all(rows)
            with pytest.raises(wrong) as caught:
                session.flush()
            session.rollback()
        found = as_exchange_error(caught.value)
        assert (found.status, found.code) == expected


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
