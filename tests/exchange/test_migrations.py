"""The database that migrations make is the database that the code describes."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from exchange.db import make_engine
from exchange.errors import Misconfigured
from exchange.migrate import configuration, require_current, upgrade
from exchange.tables import METADATA


def test_from_nothing_to_exactly_what_the_code_describes(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/hub.sqlite")
    with pytest.raises(Misconfigured, match="schema none"):
        require_current(engine)
    upgrade(engine)
    require_current(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, METADATA) == []
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
    upgrade(engine)  # nothing to do is no error
    engine.dispose()


def test_revisions_are_one_line(tmp_path: Path) -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1
    assert all(not revision.is_merge_point and not revision.is_branch_point for revision in scripts.walk_revisions())


def test_another_schema_is_refused(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/hub.sqlite")
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'later'")
    with pytest.raises(Misconfigured, match="at schema later"):
        require_current(engine)
    engine.dispose()
