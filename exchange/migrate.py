"""Bringing the database to this code's schema, and telling whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from exchange.errors import Misconfigured

_UPGRADING = 0x1C39  # any number that nothing else locks


def configuration() -> Config:
    """Alembic's settings, from code alone."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(engine: Engine) -> None:
    """Apply every migration that has not been applied."""
    with _alone(engine) as config:
        command.upgrade(config, "head")


def back(engine: Engine, revision: str) -> None:
    """Undo every migration after ``revision``, so that the release which ended with it starts again; all of them, or none.

    What the undone ones alone have a place for is forgotten. Misconfigured where there is no such revision, or one would lose more.
    """
    scripts = ScriptDirectory.from_config(configuration())
    if revision not in {one.revision for one in scripts.walk_revisions()}:
        raise Misconfigured(f"there is no schema {revision}.", remedy="The older release names the one it needs when it is started.")
    try:
        with _alone(engine) as config:
            command.downgrade(config, revision)
    except RuntimeError as error:  # what a migration says that cannot be undone
        raise Misconfigured(f"the database cannot go back to schema {revision}: {error}", remedy="Restore the backup.") from error


@contextmanager
def _alone(engine: Engine) -> Iterator[Config]:
    """Alembic's settings on one transaction, which nobody else who migrates has at the same time."""
    config = configuration()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # of two that upgrade at once, one waits; SQLite's BEGIN IMMEDIATE does the same
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADING})")
        config.attributes["connection"] = connection
        yield config


def require_current(engine: Engine) -> None:
    """Refuse to run on a database whose schema is not this code's."""
    wanted = ScriptDirectory.from_config(configuration()).get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        raise Misconfigured(
            f"the database is at schema {found or 'none'}; this code needs {wanted}.", remedy="Run: exchange init --upgrade"
        )
