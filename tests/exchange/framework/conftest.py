"""A hub whose framework reads the measures of these tests, with its release marked public under version 2 of the agreement."""

from pathlib import Path

import pytest

from agreements.document import read
from agreements.model import Agreement
from exchange.framework.gallery import Gallery
from exchange.framework.reading import read_measures
from exchange.framework.views import Framework
from exchange.web import framework as pages
from tests.exchange.standing import World

MEASURES = Path(__file__).with_name("measures.toml")


def made_public(world: World, version: int = 2, **replaced: str) -> Agreement:
    """The agreement in force again, as another version whose release is public."""
    words = world.words(version=str(version), **replaced)
    release = 'recipients = ["lcjp-performance-team"]\ncaveats'
    assert words.count(release) == 1
    found = read(words.replace(release, f'recipients = ["lcjp-performance-team"]\npublic = true\n{release.split(chr(10))[1]}'))
    world.enter(found)
    world.sign_all(found)
    return found


def wire(world: World, charts: Path) -> World:
    """Give the hub's pages the measures of these tests, and a gallery in this folder."""
    world.app.extensions[pages.NAME] = (Framework(read_measures(MEASURES)), Gallery(charts))
    return world


@pytest.fixture(scope="session")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is drawn once is drawn for all tests."""
    return tmp_path_factory.mktemp("drawn") / "charts"


@pytest.fixture
def framework() -> Framework:
    return Framework(read_measures(MEASURES))


@pytest.fixture
def looked_at(world: World, charts: Path) -> World:
    """The hub with the measures of these tests; nothing is published in it."""
    return wire(world, charts)
