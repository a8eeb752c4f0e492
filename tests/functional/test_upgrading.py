"""An upgrade and the way back, as docs/upgrading.md says: the release before this one beside the newer schema, and again after it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from demo.cast import ROOT
from exchange.db import make_engine
from exchange.errors import Misconfigured
from exchange.migrate import back, configuration, require_current, upgrade
from tests.functional.raw import small
from tests.functional.world import CLEVELAND, MAIN, Ended, Operated, World, agency, copied

FLOOR = "0019"  # from here on every migration is one that the release before it can live with


def revisions() -> list[str]:
    """Every schema, oldest first."""
    return [one.revision for one in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]


def schema(engine: Engine) -> dict[str, dict[str, tuple[str, bool]]]:
    """Table → column → its type, and whether a row may leave it out."""
    seen = inspect(engine)
    return {
        table: {
            one["name"]: (str(one["type"]), one["nullable"] or one["default"] is not None or bool(one.get("autoincrement") is True))
            for one in seen.get_columns(table)
        }
        for table in seen.get_table_names()
        if table != "alembic_version"
    }


def test_each_migration_leaves_the_running_release_all_that_it_knows(tmp_path: Path) -> None:
    """Tables and columns stay as they are; what is added to an older table, an older release may leave out."""
    engine = make_engine(f"sqlite:///{tmp_path}/hub.sqlite")
    known = revisions()
    before: dict[str, dict[str, tuple[str, bool]]] = {}
    for revision in known[known.index(FLOOR) :]:
        config = configuration()
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        after = schema(engine)
        for table, columns in before.items():
            assert {name: after.get(table, {}).get(name) for name in columns} == columns, (revision, table)
            added = after[table].keys() - columns
            assert all(after[table][name][1] for name in added), (revision, table, added)
        before = after
    require_current(engine)
    engine.dispose()


def test_the_way_back_and_there_again_leaves_the_same_schema(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/hub.sqlite")
    upgrade(engine)
    there = schema(engine)
    back(engine, FLOOR)
    with pytest.raises(Misconfigured, match=f"at schema {FLOOR}"):
        require_current(engine)
    upgrade(engine)
    assert schema(engine) == there
    with pytest.raises(Misconfigured, match="no schema 9999"):
        back(engine, "9999")
    engine.dispose()


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The newest commit whose schema is an older one than this checkout's: its tree, and that schema."""
    head, folder = revisions()[-1], "exchange/migrations/versions"

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""

    for commit in ("HEAD", *(f"{one}^" for one in git("log", "--format=%H", "-20", "--", folder).split())):
        names = sorted(Path(name).name[:4] for name in git("ls-tree", "--name-only", commit, f"{folder}/").split() if name.endswith(".py"))
        if names and names[-1] < head:
            tree = tmp_path_factory.mktemp("older")
            packed = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True).stdout
            subprocess.run(["tar", "-x", "-C", str(tree)], input=packed, check=True)
            yield tree, names[-1]
            shutil.rmtree(tree)
            return
    pytest.skip("the history of this checkout has no older schema")


def run_in(tree: Path, world: World, *arguments: str) -> Ended:
    """An ``exchange`` command of that tree's release on this hub."""
    line = [sys.executable, "-c", MAIN, "--config", str(world.config), *arguments]
    done = subprocess.run(line, cwd=tree, capture_output=True, text=True, check=False, env=dict(os.environ))
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_release_before_serves_beside_the_newer_schema_and_after_the_way_back(
    older: tuple[Path, str], prepared: World, tmp_path: Path
) -> None:
    tree, revision = older
    world = copied(prepared, tmp_path / "run")
    codes = world.config.read_text(encoding="utf-8").replace(str(ROOT / "config"), str(tree / "config"))
    world.config.write_text(codes, encoding="utf-8")
    told = world.exchange("init", world.config.parent, "--back-to", revision)
    assert f"at schema {revision}" in told
    with Operated(world, tree=tree) as server:
        server.start()
        assert "is running" in run_in(ROOT, world, "init", str(world.config.parent), "--back-to", "0001").err
        upgraded = run_in(ROOT, world, "init", str(world.config.parent), "--upgrade")
        assert upgraded.code == 0, upgraded
        extract = small(tmp_path, CLEVELAND, "crimes", "2021-06", rows=20)
        pushed = agency("push", "crimes", extract.path, "--period", extract.period, "--home", world.home(CLEVELAND))
        assert pushed.code == 0, pushed
    refused = run_in(tree, world, "status")
    assert (refused.code, f"needs {revision}" in refused.err) == (3, True), refused
    assert "1 held" in world.exchange("status")
