"""What a test connects to a database by is closed after it: PostgreSQL's driver complains of connections that are merely forgotten."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from exchange import db


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every engine that the test made lets go of its connections; one that is used again makes new ones."""
    made: list[Engine] = []

    def recorded(*given: Any, **further: Any) -> Engine:
        made.append(create_engine(*given, **further))
        return made[-1]

    monkeypatch.setattr(db, "create_engine", recorded)
    yield
    for one in made:
        one.dispose()
