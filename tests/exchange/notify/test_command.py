"""``exchange notify``: added, listed, tried, rotated and removed, against a real receiver."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from standardwebhooks.webhooks import Webhook

from exchange.commands.root import cli
from exchange.errors import ExchangeError, Misconfigured, NotFound, Unacceptable, Unavailable
from tests.exchange.configured import configured
from tests.exchange.notify.servers import in_folder, receiver
from tests.exchange.standing import OPERATOR, World


def asked(config: Path, *words: str) -> Any:
    found = CliRunner().invoke(cli, ["--config", str(config), "--json", "notify", *words], standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return json.loads(found.output)


def test_the_life_of_a_subscription(world: World, tmp_path: Path) -> None:
    authority = in_folder(tmp_path / "authority")
    with receiver(authority) as got:
        ways = tmp_path / "notices.toml"
        ways.write_text(
            f'[webhooks]\nhosts = ["localhost:{got.port}"]\nsecrets = "secrets"\nnetworks = ["127.0.0.0/8"]\nca_file = "{authority.file}"\n'
        )
        config = configured(world, notices=ways)
        mine = asked(config, "add", "--party", OPERATOR, "--webhook", got.address, "--kind", "hub.worsened")["id"]
        secret = (tmp_path / "secrets" / f"{mine}.secret").read_text().strip()
        asked(config, "test", mine)
        assert Webhook(secret).verify(got.bodies[0], got.headers[0])["type"] == "hub.test"
        asked(config, "rotate", mine)
        asked(config, "test", mine)
        assert len(got.headers[1]["webhook-signature"].split()) == 2
        assert Webhook(secret).verify(got.bodies[1], got.headers[1])
        listed = asked(config, "list")
        assert [(one["id"], one["kinds"]) for one in listed["subscriptions"]] == [(mine, ["hub.worsened"])]
        got.answers = [500]
        with pytest.raises(Unavailable, match="answered 500"):
            asked(config, "test", mine)
        asked(config, "remove", mine)
        assert not (tmp_path / "secrets" / f"{mine}.secret").exists()
        with pytest.raises(NotFound):
            asked(config, "test", mine)
        with pytest.raises(Unacceptable, match="not allowed"):
            asked(config, "add", "--party", OPERATOR, "--webhook", "https://elsewhere.example/")
        with pytest.raises(Misconfigured, match="mail"):
            asked(config, "add", "--party", OPERATOR, "--mail", "a@b.example")
        assert asked(config, "list")["subscriptions"] == []


def test_without_settings_nobody_can_be_told(world: World) -> None:
    with pytest.raises(ExchangeError, match="no way for notices"):
        asked(configured(world), "add", "--party", OPERATOR, "--mail", "a@b.example")
