"""A hub in this process, set up once and copied for each test: on SQLite, and for what meets the database on PostgreSQL as well."""

import shutil
from collections.abc import Callable, Iterator
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
        "affected", "attendance", "checking", "db", "drafts_end", "drill", "earlier", "endings", "enrol", "erasure_crashes", "exactly_once", "grown", "holds",
        "intake", "intake_machine", "keeping", "leader", "leases", "lives", "log", "migrations", "openapi", "outbox", "process", "publication_races", "races",
        "readiness", "register", "rights_races", "second_store", "sessions", "tokens", "witnesses",
    )
)  # fmt: skip

# Those of them whose PostgreSQL world has everything else on an S3 server.
IN_BUCKETS = frozenset({"test_endings", "test_grown"})


def engines(module: str, test: str) -> list[str]:
    """The engines a test runs on."""
    if only := [engine for engine in (SQLITE, POSTGRESQL, GROWN) if engine in test]:
        return only
    name = module.rsplit(".", 1)[-1]
    return [SQLITE, GROWN if name in IN_BUCKETS else POSTGRESQL] if name in BOTH else [SQLITE]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        found = engines(metafunc.module.__name__, metafunc.function.__name__)
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
