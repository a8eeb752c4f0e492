"""The database that migrations make is the database that the code describes."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from exchange.db import make_engine
from exchange.errors import Misconfigured
from exchange.migrate import configuration, require_current, upgrade
from exchange.register.tables import SuspensionRow
from exchange.tables import METADATA
from tests.exchange.conftest import POSTGRESQL
from tests.exchange.standing import ROOT
from tests.postgres import Lazy


@pytest.fixture
def empty(engine: str, postgres: Lazy, tmp_path: Path) -> Iterator[Engine]:
    """A database with nothing in it."""
    found = make_engine(postgres().create() if engine == POSTGRESQL else f"sqlite:///{tmp_path}/hub.sqlite")
    yield found
    found.dispose()
    if engine == POSTGRESQL:
        postgres().drop(found.url.render_as_string())


def test_from_nothing_to_exactly_what_the_code_describes(empty: Engine) -> None:
    engine = empty
    with pytest.raises(Misconfigured, match="schema none"):
        require_current(engine)
    upgrade(engine)
    require_current(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, METADATA) == []
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
    upgrade(engine)  # nothing to do is no error


def test_two_that_upgrade_at_once_do_it_once(empty: Engine) -> None:
    program = "import sys; from exchange.db import make_engine; from exchange.migrate import upgrade; upgrade(make_engine(sys.argv[1]))"
    command = [sys.executable, "-c", program, empty.url.render_as_string()]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(one.communicate()[1], one.returncode) for one in running] == [("", 0)] * 2
    require_current(empty)


def test_revisions_are_one_line() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1
    assert all(not revision.is_merge_point and not revision.is_branch_point for revision in scripts.walk_revisions())


def test_another_schema_is_refused(empty: Engine) -> None:
    engine = empty
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'later'")
    with pytest.raises(Misconfigured, match="at schema later"):
        require_current(engine)


def test_suspensions_keep_to_the_whole_agreement_on_the_way_to_datasets(empty: Engine) -> None:
    def go(where: str) -> None:
        config = configuration()
        with empty.begin() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if where > "0002" else command.downgrade)(config, where)

    with empty.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO agreements (digest, reference, version, canonical, state, in_force_from, expires, registered_at) "
                "VALUES ('sha256:a', 'A', 1, :words, 'suspended', '2026-11-01', '2027-11-01', '2026-11-01 00:00:00')"
            ),
            {"words": b"{}"},
        )
        connection.execute(text("INSERT INTO suspensions (agreement, party, since) VALUES ('sha256:a', 'p', '2026-11-02 10:11:12.345678')"))
    kept = [("sha256:a", "p", "", datetime(2026, 11, 2, 10, 11, 12, 345678, tzinfo=UTC))]
    rows = select(SuspensionRow.agreement, SuspensionRow.party, SuspensionRow.dataset, SuspensionRow.since)
    for _ in range(2):  # there, back, and there again
        go("0003")
        with empty.begin() as connection:
            assert [tuple(row) for row in connection.execute(rows)] == kept
            assert set(inspect(connection).get_pk_constraint("suspensions")["constrained_columns"]) == {"agreement", "party", "dataset"}
        go("0002")
    go("0003")
    with empty.begin() as connection:
        connection.execute(insert(SuspensionRow).values(agreement="sha256:a", party="p", dataset="crimes", since=kept[0][3]))
    with pytest.raises(RuntimeError, match="a dataset is suspended by itself"):
        go("0002")
    with empty.begin() as connection:
        assert len(connection.execute(rows).all()) == 2


def _edition(connection: Connection, identity: str) -> None:
    """A published edition, and its agreement."""
    if not connection.execute(text("SELECT count(*) FROM agreements")).scalar_one():
        connection.execute(
            text(
                "INSERT INTO agreements (digest, reference, version, canonical, state, in_force_from, expires, registered_at) "
                "VALUES ('sha256:a', 'A', 1, :words, 'in-force', '2026-11-01', '2027-11-01', '2026-11-01 00:00:00')"
            ),
            {"words": b"{}"},
        )
    connection.execute(
        text(
            "INSERT INTO editions (id, reference, agreement, release, first_period, last_period, state, requested_by, requested_at, draft, "
            "draft_digest, report, dispose_on) VALUES (:id, 'A', 'sha256:a', 'r', '2021-04', '2021-04', 'published', 'k', "
            "'2026-11-01 00:00:00', '{}', '', '{}', '2031-04-30')"
        ),
        {"id": identity},
    )


def test_a_population_is_taken_once_an_edition_and_only_once_at_all_before(empty: Engine) -> None:
    def go(where: str) -> None:
        config = configuration()
        with empty.begin() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if where == "0013" else command.downgrade)(config, where)

    def take(edition: str) -> None:
        words = "INSERT INTO published_populations (adapter, supplier, period, edition) VALUES ('police', 'p', '2021-04', :edition)"
        with empty.begin() as connection:
            connection.execute(text(words), {"edition": edition})

    def taken() -> list[str]:
        with empty.begin() as connection:
            return list(connection.execute(text("SELECT edition FROM published_populations ORDER BY id")).scalars())

    with empty.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")
        for edition in ("ed-1", "ed-2"):
            _edition(connection, edition)
    take("ed-1")
    with pytest.raises(IntegrityError):
        take("ed-2")
    for _ in range(2):  # there, back, and there again
        go("0013")
        assert taken() == ["ed-1"]
        go("0012")
    go("0013")
    take("ed-2")
    with pytest.raises(IntegrityError):
        take("ed-2")
    with pytest.raises(RuntimeError, match="published in several editions"):
        go("0012")
    assert taken() == ["ed-1", "ed-2"]


def test_the_way_back_is_closed_while_exact_counts_have_keys(empty: Engine) -> None:
    """What is sealed would be forgotten, and its keys with it, while backups keep the one and the keystore the other."""
    upgrade(empty)
    words = "INSERT INTO kept_counts (edition, what, key, destroyed_at) VALUES ('ed-1', 'counts', 'edition/ed-1/counts', {})"

    def back() -> None:
        config = configuration()
        with empty.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0013")

    with empty.begin() as connection:
        _edition(connection, "ed-1")
        connection.execute(text(words.format("NULL")))
    with pytest.raises(RuntimeError, match="exact counts of editions are kept"):
        back()
    with empty.begin() as connection:
        connection.execute(text("UPDATE kept_counts SET destroyed_at = '2026-11-01 00:00:00'"))
    back()
    assert "kept_counts" not in inspect(empty).get_table_names()


def test_editions_keep_what_they_were_on_the_way_to_lives_and_the_way_back_is_closed_while_one_is_withdrawn(empty: Engine) -> None:
    def go(where: str) -> None:
        config = configuration()
        with empty.begin() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if where == "0017" else command.downgrade)(config, where)

    with empty.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0016")
        _edition(connection, "ed-1")
        connection.execute(
            text(
                "INSERT INTO edition_files (edition, name, media_type, sha256, content) VALUES ('ed-1', 'a.csv', 'text/csv', '', :content)"
            ),
            {"content": b"a"},
        )
    for _ in range(2):  # there, back, and there again
        go("0017")
        with empty.begin() as connection:
            found = connection.execute(text("SELECT id, state, revises, reason, ended, overrides, withdrawn_at, withdrawal FROM editions"))
            assert [tuple(row) for row in found] == [("ed-1", "published", None, None, None, None, None, None)]
        go("0016")
        with empty.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM edition_files")).scalar_one() == 1
    go("0017")
    with empty.begin() as connection:
        connection.execute(text("UPDATE editions SET state = 'withdrawn', ended = 'A wrong month.'"))
    with pytest.raises(RuntimeError, match="editions are withdrawn"):
        go("0016")
    with empty.begin() as connection:
        assert connection.execute(text("SELECT ended FROM editions")).scalar_one() == "A wrong month."
