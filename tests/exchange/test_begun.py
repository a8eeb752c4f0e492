"""``exchange init`` broken off anywhere: nothing takes what is there for a hub, and the same command goes on to one that lacks nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, make_url, select

from exchange.commands import init as init_command
from exchange.commands.root import cli
from exchange.commands.running import run as for_people
from exchange.db import reading
from exchange.errors import Misconfigured
from exchange.hub import open_hub
from exchange.keyring import USES
from exchange.settings import read_settings
from exchange.submissions.tables import SealingKeyRow
from keys.encoding import b64
from tests.postgres import Lazy

# What init does one after the other, and where it is broken off: before a step, or after it.
PLACES = [
    (step, when)
    for step in ("_lay_out", "make_keys", "upgrade", "record.begin", "register", "sealing.rotate", "_keep")
    for when in ("before", "after")
]
PLACES += [("_make_keystore", "before")]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def broken_off(step: str, when: str, patch: pytest.MonkeyPatch) -> None:
    """The step's first call is broken off, as by Ctrl-C."""
    *owners, name = step.split(".")
    owner: Any = init_command
    for part in owners:
        owner = getattr(owner, part)
    real: Callable[..., Any] = getattr(owner, name)

    def once(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        raise KeyboardInterrupt

    patch.setattr(owner, name, once)


def whole(config: Path) -> None:
    """A hub that lacks nothing, and has nothing twice."""
    assert (verified := run("--config", config, "log", "verify")).exit_code == 0, verified.output
    assert (status := run("--config", config, "status")).exit_code == 0, status.output
    assert {one.name for one in config.parent.glob("hub.toml*")} == {"hub.toml"}
    hub = open_hub(read_settings(config))
    with reading(hub.engine) as session:
        assert session.scalar(select(func.count()).select_from(SealingKeyRow)) == 1
    cards = {json.loads(path.read_text())["public"] for path in (config.parent / "cards").iterdir()}
    assert cards == {b64(hub.keyring.signing(use).public.raw) for use in USES}
    hub.engine.dispose()


@pytest.mark.parametrize(("step", "when"), PLACES)
def test_what_was_broken_off_is_gone_on_with(step: str, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "hub" / "hub.toml"
    with monkeypatch.context() as patch:
        broken_off(step, when, patch)
        assert (stopped := run("init", config.parent)).exit_code != 0, stopped.output
    assert not config.exists()
    assert isinstance(run("--config", config, "log", "verify").exception, Misconfigured)
    assert (again := run("init", config.parent)).exit_code == 0, again.output
    whole(config)
    assert isinstance(run("init", config.parent).exception, Misconfigured)


def test_a_database_that_gives_no_right_to_its_tables_gives_it_and_the_hub_is_finished(
    tmp_path: Path, postgres: Lazy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, server = tmp_path / "hub" / "hub.toml", postgres()
    address = make_url(server.create())
    server.ask("CREATE ROLE begins LOGIN")
    words = ("init", config.parent, "--database-url", address.set(username="begins").render_as_string(hide_password=False))
    monkeypatch.setattr("sys.argv", ["exchange", *map(str, words)])
    assert for_people(cli) == 1
    refused = capsys.readouterr().err
    assert "Let the role own the database" in refused
    assert "run the same command again" in refused
    assert not config.exists()
    server.ask(f'ALTER DATABASE "{address.database}" OWNER TO begins')
    assert (again := run(*words)).exit_code == 0, again.output
    whole(config)
