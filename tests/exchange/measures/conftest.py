"""One invented partnership for all these tests, and what is held of it under each agreement."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.agreements.examples import agreement
from tests.exchange.measures.held import Held, Invented, hold, invent


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    return invent(tmp_path_factory.mktemp("measured") / "partnership")


@pytest.fixture(scope="session")
def held(invented: Invented) -> Callable[[str], Held]:
    return cache(lambda workstream: hold(invented, agreement(workstream)))
