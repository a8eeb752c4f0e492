"""The database: one base, one way to open a transaction. Doors open it; functions take it and never commit.

A writing transaction on SQLite begins IMMEDIATE, so that what it reads is still so when it writes; ``synchronous=FULL`` makes a
commit durable before it is acknowledged. On PostgreSQL it is READ COMMITTED and locks the rows it decides on, always in the one order of
docs/decisions/0004-locks.md. A reading transaction sees one moment and cannot write, on either.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """All tables; each stands in the ``tables.py`` of its feature."""

    metadata = MetaData(naming_convention=_NAMES)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time, to the microsecond, on every engine."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody knows what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a time must carry its zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Times come back aware."""
        return None if value is None else value.replace(tzinfo=UTC)


# A stop must never wait long for a process that has died or hangs with a lock in its hand.
_POSTGRESQL = "SET TIME ZONE 'UTC'; SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '120s'; "
# Nor for a host that was cut off, so that neither end hangs: the server ends its session, and it sees that the server is gone.
_POSTGRESQL += (
    "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 9000; "
    "SET client_connection_check_interval = '3s'"
)
# How many writes in a row may come before the write-ahead log of a new file: each is one transaction of a start or of a migration.
_NEW_FILES_WRITERS = 20
_TCP = {"connect_timeout": 10, "keepalives_idle": 3, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 9000}
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def make_engine(url: str) -> Engine:
    """An engine with the hub's settings for its kind of database."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=16, max_overflow=16)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    arguments = _arguments(url)
    engine = create_engine(url, pool_pre_ping=True, pool_size=16, max_overflow=16, isolation_level="READ COMMITTED", connect_args=arguments)
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def make_asker(url: str) -> Engine:
    """An engine for single queries: each is a snapshot by itself, and beginning and ending a transaction would cost more than it."""
    engine = create_engine(
        url,
        pool_pre_ping=not url.startswith("sqlite"),
        pool_size=16,
        max_overflow=16,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
        connect_args=_arguments(url),
    )
    event.listen(engine, "connect", _prepare_sqlite if engine.dialect.name == "sqlite" else _prepare_asker)
    return engine


def make_single(url: str) -> Engine:
    """A PostgreSQL engine of sessions that are kept by whoever opens them, each statement by itself: what locks a session holds, it says."""
    return create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=_arguments(url))


def _arguments(url: str) -> dict[str, Any]:
    """What the driver is told; what the operator's address says goes before it."""
    found = make_url(url)
    return {} if found.get_backend_name() == "sqlite" else {name: value for name, value in _TCP.items() if name not in found.query}


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL)
        # Stricter than “on” is the database's own business (a standby that must have it too); less is none of it.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
    connection.commit()


def _prepare_asker(connection: Any, record: Any) -> None:
    _prepare_postgresql(connection, record)
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own: _begin_sqlite does
    connection.execute("PRAGMA busy_timeout=30000")
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """Have a write-ahead log. Beside one who writes to a file without one, SQLite refuses this at once, whatever its time-out is.

    So a refusal waits for that one by a transaction, which does heed the time-out, and asks again.
    """
    for left in reversed(range(_NEW_FILES_WRITERS)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if not left:
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def queue(session: Session, names: Sequence[str], *, alone: bool) -> None:
    """Queue for what has these names, alone or with others who do not want it alone; kept until the transaction ends.

    PostgreSQL lets ever more sharers take a row before one who waits to have it alone, so that under load a suspension would wait without
    end (measured: 12 s). Its advisory locks are given in the order they were asked for. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    take = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    for name in names:
        session.execute(text(f"SELECT {take}(hashtextextended(:name, 0))"), {"name": name})  # one of two constants


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A transaction that may write: committed at the end, rolled back on any error."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A transaction that only reads, and blocks nobody."""
    snapshot: dict[str, Any] = {} if engine.dialect.name == "sqlite" else _SNAPSHOT
    with Session(engine.execution_options(reading=True, **snapshot), expire_on_commit=False) as session, session.begin():
        yield session
