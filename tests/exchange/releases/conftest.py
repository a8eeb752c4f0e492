"""A hub with one month held of both forces and an edition drafted from it, made once and copied for each test."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.exchange.releases.drafted import ask
from tests.exchange.standing import SUPPLIERS, World, crimes


@pytest.fixture(scope="session")
def drafter(builder: Callable[[str], World], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[World, str]]:
    """One on each engine, kept while tests go from one engine to the other and back."""

    @cache
    def make(engine: str) -> tuple[World, str]:
        world = builder(engine).copy(tmp_path_factory.mktemp("drafted") / "hub")
        for number, supplier in enumerate(SUPPLIERS, 1):
            outcomes = ["Charged", "Unable to prosecute", "No suspect identified", None] * 30
            world.hold([crimes(120, seed=number, last_outcome=outcomes)], supplier=supplier)
        return world, ask(world)

    return make


@pytest.fixture(scope="session")
def first_draft(engine: str, drafter: Callable[[str], tuple[World, str]]) -> tuple[World, str]:
    """Made once."""
    return drafter(engine)


@pytest.fixture
def drafted(first_draft: tuple[World, str], tmp_path: Path) -> Iterator[tuple[World, str]]:
    """The test's own hub, and the draft's id."""
    world = first_draft[0].copy(tmp_path / "hub")
    yield world, first_draft[1]
    world.close()
