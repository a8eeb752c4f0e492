"""A hub in this process, set up once and copied for each test: on SQLite, and for what meets the database on PostgreSQL as well."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.closing import closed
from tests.exchange.quicker import open_here
from tests.exchange.remembered import remember
from tests.exchange.standing import PLACES, World
from tests.postgres import Lazy, postgres
from tests.s3 import LazyS3, s3_service

__all__ = ["closed", "postgres", "s3_service"]

SQLITE, POSTGRESQL, GROWN = "sqlite", "postgresql", "grown"
# As grown, but for the keystore, which is in the folder: the most that a settings file may say of a hub whose root keys a credential wraps.
SETTINGS_FILE = "settings_file"
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

# Files whose tests run commands, or put a backup back, which read a settings file; and tests of other files that do.
COMMANDING = frozenset(
    f"test_{name}"
    for name in (
        "an_altered_backup_leaves_no_settings_behind", "audited", "command", "commands", "doors", "drill", "hub_keys", "keystores", "leap",
        "linkage_command", "lives_of_editions", "log_search", "no_edition_is_made_shown_or_checked_at_the_command_line_before_the_replay",
        "status_ends_with_what_a_script_needs_to_know", "status_without_a_keystore_says_so", "uniqueness_of_drafts", "upgrade", "versions_api",
    )
)  # fmt: skip

# Files of tests, or single ones, that stay where they are though `--engines all` asks for every engine: the engines, and why no other.
_FOLDER = "damages or takes away the second store's folder, or the keystore's"
_PUT_BACK = "puts a copy of a whole folder's hub into another folder; on PostgreSQL: the last test of test_backup, in buckets: test_grown"
ALONE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "test_a_full_second_store_is_not_ready": ((SQLITE, POSTGRESQL), "fills a disk"),
    "test_a_keystore_that_is_gone_is_not_ready": ((SQLITE, POSTGRESQL, SETTINGS_FILE), _FOLDER),
    "test_a_second_store_that_cannot_be_written_is_not_ready_and_goes_on_by_itself": (
        (SQLITE, POSTGRESQL),
        f"{_FOLDER}; in buckets: test_readiness_in_buckets",
    ),
    "test_full_disks": ((SQLITE,), "fills a disk"),
    "test_leader": ((SQLITE, POSTGRESQL), "the database alone leads"),
    "test_leases": (
        (SQLITE, POSTGRESQL),
        "another process is told a folder and a database; many hosts: tests/faults/test_take_over.py",
    ),
    "test_machine_trouble": ((SQLITE,), "a second process on the folder of one machine"),
    "test_migrations": ((SQLITE, POSTGRESQL), "nothing but the database is migrated"),
    "test_opener_fuzz": ((SQLITE,), "opens streams; nothing is kept"),
    "test_put_back_into_what_is_left_of_the_hub": ((SQLITE,), _PUT_BACK),
    "test_second_store": ((SQLITE, POSTGRESQL), "is about the second store in a folder; in buckets: test_shared_store"),
    "test_without_a_keystore_the_fingerprint_and_a_copy_must_be_named": ((SQLITE,), _PUT_BACK),
}


def engines(module: str, test: str, *, everything: bool = False) -> list[str]:
    """The engines a test runs on. ``everything``: also where they differ in nothing that the test is about."""
    if only := [engine for engine in (SQLITE, POSTGRESQL, GROWN) if engine in test]:
        return only
    name = module.rsplit(".", 1)[-1]
    if everything:
        if alone := ALONE.get(test) or ALONE.get(name):
            return list(alone[0])
        return [SQLITE, SETTINGS_FILE if {test, name} & COMMANDING else GROWN]
    return [SQLITE, GROWN if name in IN_BUCKETS else POSTGRESQL] if name in BOTH else [SQLITE]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--engines") == "all"
        found = engines(metafunc.module.__name__, metafunc.function.__name__, everything=everything)
        if found != [SQLITE]:
            metafunc.parametrize("engine", found, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """What the test runs on: SQLite and folders, PostgreSQL and folders, or PostgreSQL and an S3 server for all or most places."""
    return str(getattr(request, "param", SQLITE))


# Tests of the process that opens parts, of what becomes of a submission when that process fails, and of the straight road through it.
# All others leave it out: they run the same opener here, and save half a second for each submission.
CONFINED = frozenset(f"test_{name}" for name in ("confined", "intake", "machine_trouble", "opener_fuzz", "process"))


@pytest.fixture(autouse=True)
def opened_where_it_may_be(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are opened in a process of their own where the test is about that, and else in this one."""
    if request.module.__name__.rpartition(".")[2] not in CONFINED:
        open_here(monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """See tests/exchange/remembered.py."""
    with pytest.MonkeyPatch.context() as patch:
        remember(patch)
        yield


@pytest.fixture(scope="session")
def builder(postgres: Lazy, s3_service: LazyS3, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], World]:
    """A world on each engine, made when it is first asked for, and once."""

    @cache
    def build(engine: str) -> World:
        server = postgres() if engine != SQLITE else None
        s3 = s3_service() if engine in (GROWN, SETTINGS_FILE) else None
        places = PLACES if engine == GROWN else [name for name in PLACES if name != "keystore"]
        return World.build(tmp_path_factory.mktemp(f"first-{engine}") / "hub", server, s3, places)

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
