"""What tests with many submissions leave out, since others show it: a process for each opening, a token for each request."""

from collections.abc import Mapping
from typing import Any

import pytest

from exchange.submissions import confined, opener
from tests.exchange.standing import World


def open_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real opener, without a process of its own."""

    def run(job: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return opener.run(opener.Job.read(job))
        except opener.PartAtFault as error:
            return {"outcome": "part", "reason": str(error)}

    monkeypatch.setattr(confined, "run", run)


def one_token_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks for a token twice."""
    ask = World.token

    def token(world: World, client: str) -> str:
        if client not in world.tokens:
            world.tokens[client] = ask(world, client)
        return world.tokens[client]

    monkeypatch.setattr(World, "token", token)
