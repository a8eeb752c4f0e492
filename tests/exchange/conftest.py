"""A hub in this process, set up once and copied for each test: on SQLite, and for what meets the database on PostgreSQL as well."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.exchange.quicker import open_here
from tests.exchange.standing import World
from tests.postgres import Lazy, postgres
from tests.s3 import LazyS3, s3_service

__all__ = ["postgres", "s3_service"]

SQLITE, POSTGRESQL, GROWN = "sqlite", "postgresql", "grown"
# A test with an engine's name in its own is about that engine alone.
BOTH = frozenset(
    f"test_{name}"
    for name in (
        "affected", "attendance", "checking", "db", "disposal", "drafts_end", "drill", "earlier", "endings", "enrol", "erasure_crashes", "exactly_once", "grown",
        "holds", "intake", "intake_machine", "keeping", "leader", "leases", "lives", "log", "migrations", "openapi", "outbox", "process", "publication_races", "races",
        "readiness", "register", "rights_races", "second_store", "sessions", "tokens", "witnesses",
    )
)  # fmt: skip

# Those of them whose PostgreSQL world has everything else on an S3 server.
IN_BUCKETS = frozenset({"test_disposal", "test_endings", "test_grown"})

# Tests that stay where they are though `--engines all` asks for every engine: the engines, and why no other.
_FOLDER = "damages, copies or takes away the second store's folder, the keystore's or the database's file"
# What a settings file may not say: a keystore in a bucket whose roots only a credential file wraps, as those of a grown world here are.
_COMMANDS = "runs commands, which read a settings file; a grown world's keystore is one that it would refuse"
ALONE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "test_audited": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_backup": ((SQLITE,), "copies a whole hub as files; in buckets: test_grown"),
    "test_command": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_commands": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_doors": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_drill": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_full_disks": ((SQLITE,), "fills a disk"),
    "test_hub_keys": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_keystores": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_leader": ((SQLITE, POSTGRESQL), "the database alone leads"),
    "test_leap": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_leases": (
        (SQLITE, POSTGRESQL),
        "another process is told a folder and a database; many hosts: tests/functional/test_many_hosts.py",
    ),
    "test_linkage_command": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_lives_of_editions": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_log_search": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_machine_trouble": ((SQLITE,), "a second process on the folder of one machine"),
    "test_migrations": ((SQLITE, POSTGRESQL), "nothing but the database is migrated"),
    "test_opener_fuzz": ((SQLITE,), "opens streams; nothing is kept"),
    "test_readiness": ((SQLITE, POSTGRESQL), f"{_FOLDER}; in buckets: test_readiness_in_buckets"),
    "test_restore": ((SQLITE,), f"{_FOLDER}; in buckets: test_grown"),
    "test_restore_effects": ((SQLITE,), f"{_FOLDER}; in buckets: test_grown"),
    "test_restore_rights": ((SQLITE,), f"{_FOLDER}; in buckets: test_grown"),
    "test_second_store": ((SQLITE, POSTGRESQL), f"{_FOLDER}; in buckets: test_shared_store"),
    "test_uniqueness_of_drafts": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_upgrade": ((SQLITE, POSTGRESQL), _COMMANDS),
    "test_versions_api": ((SQLITE, POSTGRESQL), _COMMANDS),
}


def engines(module: str, test: str, *, everything: bool = False) -> list[str]:
    """The engines a test runs on. ``everything``: also where they differ in nothing that the test is about."""
    if only := [engine for engine in (SQLITE, POSTGRESQL, GROWN) if engine in test]:
        return only
    name = module.rsplit(".", 1)[-1]
    if everything:
        return list(ALONE[name][0]) if name in ALONE else [SQLITE, GROWN]
    return [SQLITE, GROWN if name in IN_BUCKETS else POSTGRESQL] if name in BOTH else [SQLITE]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--engines") == "all"
        found = engines(metafunc.module.__name__, metafunc.function.__name__, everything=everything)
        if found != [SQLITE]:
            metafunc.parametrize("engine", found, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """What the test runs on: SQLite and folders, PostgreSQL and folders, or PostgreSQL and an S3 server."""
    return str(getattr(request, "param", SQLITE))


# Tests of the process that opens parts, of what becomes of a submission when that process fails, and of the straight road through it.
# All others leave it out: they run the same opener here, and save half a second for each submission.
CONFINED = frozenset(f"test_{name}" for name in ("confined", "intake", "machine_trouble", "opener_fuzz", "process"))


@pytest.fixture(autouse=True)
def opened_where_it_may_be(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are opened in a process of their own where the test is about that, and else in this one."""
    if request.module.__name__.rpartition(".")[2] not in CONFINED:
        open_here(monkeypatch)


@pytest.fixture(scope="session")
def builder(postgres: Lazy, s3_service: LazyS3, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], World]:
    """A world on each engine, made when it is first asked for, and once."""

    @cache
    def build(engine: str) -> World:
        server = postgres() if engine != SQLITE else None
        s3 = s3_service() if engine == GROWN else None
        return World.build(tmp_path_factory.mktemp(f"first-{engine}") / "hub", server, s3)

    return build


@pytest.fixture(scope="session")
def first_world(engine: str, builder: Callable[[str], World]) -> World:
    """Made once; tests use copies of it."""
    return builder(engine)


@pytest.fixture
def world(first_world: World, tmp_path: Path) -> Iterator[World]:
    """A hub of the test's own, with the shipped agreement in force."""
    mine = first_world.copy(tmp_path / "hub")
    yield mine
    mine.close()
    shutil.rmtree(mine.folder, ignore_errors=True)
