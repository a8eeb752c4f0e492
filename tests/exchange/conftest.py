"""A hub in this process, set up once and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.standing import World


@pytest.fixture(scope="session")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Made once; tests use copies of it."""
    return World.build(tmp_path_factory.mktemp("first") / "hub")


@pytest.fixture
def world(first_world: World, tmp_path: Path) -> Iterator[World]:
    """A hub of the test's own, with the shipped agreement in force."""
    mine = first_world.copy(tmp_path / "hub")
    yield mine
    mine.hub.engine.dispose()
    shutil.rmtree(mine.folder, ignore_errors=True)
