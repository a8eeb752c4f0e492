"""What scenes are given: a hub of their own, and how to ask it as somebody."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from exchange.access import OPERATIONS, Role
from exchange.db import writing
from exchange.register import dataset_tokens
from exchange.register.dataset_tokens import Asked
from tests.exchange.standing import CLEVELAND, REFERENCE, RELEASE, TEAM, World
from tests.exchange.test_access import WAYS

Scene = Callable[[World], None]
# Of the API; what watches over the hub (health, readiness) and the document itself are no operations in it.
API = [way for way in WAYS if not way[0].startswith(("service.", "api-docs."))]


@dataclass(frozen=True)
class Way:
    """An operation, an address that leads to it, and who may take it (None: anybody)."""

    endpoint: str
    method: str
    path: str

    @property
    def client(self) -> str | None:
        """Somebody whose role may do this."""
        roles = OPERATIONS[self.endpoint]
        return None if Role.PUBLIC in roles else CLEVELAND if Role.SUPPLIER in roles else TEAM

    @property
    def stranger(self) -> str | None:
        """A client whose role may not; None where every client's may."""
        roles = OPERATIONS[self.endpoint]
        return next((who for role, who in ((Role.SUPPLIER, CLEVELAND), (Role.RECIPIENT, TEAM)) if role not in roles), None)


EVERY = [Way(*one) for one in API]
PRIVATE = [way for way in EVERY if way.client]


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def ask(world: World, way: Way, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
    """Take the way with just these headers."""
    path = more.pop("path", way.path)
    return world.app.test_client().open(path, method=way.method.upper(), headers=headers or {}, **more)


def reader(world: World, **members: Any) -> str:
    """A token of one release."""
    asked = Asked(**{"reference": REFERENCE, "release": RELEASE, "recipient": TEAM, "purpose": "a test", **members})
    with writing(world.hub.engine) as session:
        return dataset_tokens.issue(session, asked, "operator", world.clock())[1]


def set_otherwise(world: World, **settings: Any) -> World:
    """The same hub, opened with other settings."""
    world.disconnect()
    again = replace(world, more={**world.more, **settings}, later=world.later)
    world.later.append(again)
    return again


@contextmanager
def away(place: Path) -> Iterator[None]:
    """Something else where a file or folder was."""
    kept = place.with_name(f"{place.name}.kept")
    place.rename(kept)
    folder = kept.is_file()
    place.mkdir() if folder else place.touch()
    try:
        yield
    finally:
        place.rmdir() if folder else place.unlink()
        kept.rename(place)
