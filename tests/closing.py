"""What a test connects to a database by is closed after it: PostgreSQL's driver complains of connections that are merely forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from exchange import db


@contextmanager
def letting_go() -> Iterator[None]:
    """Every engine that is made within lets go of its connections at the end; one that is used again makes new ones."""
    made: list[Engine] = []

    def recorded(*given: Any, **further: Any) -> Engine:
        made.append(create_engine(*given, **further))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "create_engine", recorded)
        yield
    for one in made:
        one.dispose()


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """So it is for each test."""
    with letting_go():
        yield
