"""What tests with many submissions leave out, since others show it: a process for each opening, a token for each request."""

import pytest

from exchange.submissions import confined, opener
from tests.exchange.standing import World


def open_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real opener, without a process of its own."""
    monkeypatch.setattr(confined, "run", lambda job: opener.run(opener.Job.read(job)))


def one_token_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks for a token twice."""
    ask = World.token

    def token(world: World, client: str) -> str:
        if client not in world.tokens:
            world.tokens[client] = ask(world, client)
        return world.tokens[client]

    monkeypatch.setattr(World, "token", token)
