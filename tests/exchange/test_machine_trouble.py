"""What the machine does to the command line: a database that fails, text that is none, a folder that is not there; and workers beside a hub that starts."""

import shutil
import sqlite3
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from exchange.commands import running
from exchange.commands.root import cli
from exchange.errors import Misconfigured
from exchange.leader import take
from exchange.serve import ONCE, _tidy
from tests.exchange.configured import configured
from tests.exchange.standing import DURHAM, World, crimes, print_of
from tests.folders import file_of


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What a command line ends with, and its words on standard error."""

    @click.command()
    def whole() -> object:
        return cli.main(arguments, standalone_mode=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["exchange"])
        code = running.run(whole)
    return code, capsys.readouterr().err


def test_a_database_that_fails_is_said_without_the_statement(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    held, who = world.hold(), print_of(world.keys[f"{DURHAM}/dpo"])
    config = ["--config", str(configured(world))]
    hold = [*config, "retention", "hold", held.id, "--reason", "an inquiry", "--until", "2030-01-01", "--person"]
    for person in ("\udcff", f"{who}\udcff"):
        code, words = said([*hold, person], capsys)
        assert (code, words) == (2, "Error: what was given is not UTF-8 text. Give it again.\n")
    file = world.folder / "hub.sqlite"
    world.disconnect()
    with sqlite3.connect(file) as database:
        database.execute("drop table holds")
    database.close()
    for broken in (False, True):
        if broken:
            file.write_bytes(b"x" * 9_000)
        code, words = said([*hold, who], capsys)
        assert code == 1
        assert words.startswith("Error: the database")
        assert not any(word in words for word in ("SELECT", "INSERT", "sqlite", held.id, who, "Traceback", "http"))


def test_a_file_that_cannot_be_written_is_said(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    line = ["--config", str(configured(world)), "keys", "rotate", "log", "--card", str(tmp_path / "file" / "card")]
    code, words = said(line, capsys)
    assert code == 1
    assert words.startswith("Error: ")
    assert "Traceback" not in words


def test_a_hub_that_starts_leaves_alone_what_a_worker_is_writing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, pushed = world.hub, world.prepare([crimes()])
    world.send(pushed)
    keep = type(hub.places.held).keep
    config = ["--config", str(configured(world)), "worker", "--once"]

    def slow(*arguments: object) -> None:
        keep(*arguments)  # type: ignore[arg-type]
        _tidy(hub.settings, hub)  # between this and the commit
        monkeypatch.setattr("exchange.commands.serving.WAIT", 0)
        again = CliRunner().invoke(cli, config)
        assert isinstance(again.exception, Misconfigured)

    monkeypatch.setattr(type(hub.places.held), "keep", slow)
    done = CliRunner().invoke(cli, config)
    assert done.exit_code == 0, done.exception
    row = world.row(pushed.id)
    assert row.state == "held"
    assert file_of(hub.places.held, row.held[0].object).exists()
    lock = take(hub.settings.home / ONCE, 0)
    assert lock is not None
    lock.close()
    stray = file_of(hub.places.held, "ab12.1.parquet")
    stray.parent.mkdir(exist_ok=True)
    shutil.copy(file_of(hub.places.held, row.held[0].object), stray)
    _tidy(hub.settings, hub)
    assert not stray.exists()
