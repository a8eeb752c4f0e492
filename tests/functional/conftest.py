from pathlib import Path

import pytest

from tests.functional.browser import chromium
from tests.functional.world import World, agree, copied, make_keys, share_secret

__all__ = ["chromium"]  # a fixture for the tests in a browser


@pytest.fixture(scope="session")
def keys_made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everybody's keys, and no agreement. Not to be changed: copy it."""
    return make_keys(tmp_path_factory.mktemp("keys") / "run")


@pytest.fixture(scope="session")
def prepared(keys_made: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The agreement in force, and the linkage secret shared. Not to be changed: copy it."""
    world = copied(keys_made, tmp_path_factory.mktemp("prepared") / "run")
    agree(world)
    share_secret(world)
    return world


@pytest.fixture
def world(prepared: World, tmp_path: Path) -> World:
    """A partnership of the test's own, ready to push."""
    return copied(prepared, tmp_path / "run")
