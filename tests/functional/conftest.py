from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.closing import closed
from tests.functional.beside import Beside
from tests.functional.browser import chromium
from tests.functional.world import World, agree, copied, make_keys, share_secret
from tests.postgres import Lazy, postgres
from tests.s3 import LazyS3, s3_service

__all__ = ["chromium", "closed", "postgres", "s3_service"]  # the first is a fixture for the tests in a browser

SQLITE, BESIDE = "sqlite", "beside"
# Tests that stay where they are though `--engines all` asks for both, and why.
ALONE: Mapping[str, str] = {
    "test_an_honest_restore_is_no_rollback": "takes the files of one folder away; in buckets: test_grown_hub",
    "test_cosigned_exchanged_forked_rolled_back_and_succeeded": "puts copies of one folder's files back",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    test = metafunc.function.__name__
    both = test not in ALONE and SQLITE not in test
    if both and metafunc.config.getoption("--engines") == "all" and "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", [SQLITE, BESIDE], indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """What the test runs on: SQLite and folders, or PostgreSQL and an S3 service beside the hub's folder."""
    return str(getattr(request, "param", SQLITE))


@pytest.fixture(scope="session")
def beginner(postgres: Lazy, s3_service: LazyS3, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], World]:
    """Everybody's keys on each engine, made when they are first asked for, and once."""

    @cache
    def make(engine: str) -> World:
        beside = Beside(postgres(), s3_service()) if engine == BESIDE else None
        return make_keys(tmp_path_factory.mktemp("keys") / "run", beside=beside)

    return make


@pytest.fixture(scope="session")
def keys_made(engine: str, beginner: Callable[[str], World]) -> World:
    """Everybody's keys, and no agreement. Not to be changed: copy it."""
    return beginner(engine)


@pytest.fixture(scope="session")
def preparer(beginner: Callable[[str], World], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], World]:
    """A partnership on each engine, likewise."""

    @cache
    def make(engine: str) -> World:
        world = copied(beginner(engine), tmp_path_factory.mktemp("prepared") / "run")
        agree(world)
        share_secret(world)
        return world

    return make


@pytest.fixture(scope="session")
def prepared(engine: str, preparer: Callable[[str], World]) -> World:
    """The agreement in force, and the linkage secret shared. Not to be changed: copy it."""
    return preparer(engine)


@pytest.fixture
def world(prepared: World, tmp_path: Path) -> World:
    """A partnership of the test's own, ready to push."""
    return copied(prepared, tmp_path / "run")
