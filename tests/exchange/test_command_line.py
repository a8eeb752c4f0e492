"""The command line as a whole: every command stands where the tables of groups say, and small ones do not wait for the hub."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from exchange.commands.root import cli
from exchange.commands.running import run


def every(command: click.Command, context: click.Context, *above: str) -> Iterator[tuple[str, ...]]:
    """The words of every command and group."""
    yield above
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            assert name == below.name or above == (), f"{above} {name} calls itself {below.name}"
            yield from every(below, context, *above, name)


COMMANDS = sorted(every(cli, click.Context(cli)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_is_for(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(cli, [*words, "--help"])
    assert told.exit_code == 0
    assert told.output.startswith("Usage: ")
    assert "--help" in told.output


@pytest.mark.parametrize(
    ("words", "needless"),
    [
        (("--version",), ("exchange.hub", "pyarrow", "highspy")),
        (("protect", "--help"), ("exchange.hub", "sqlalchemy.orm", "flask", "duckdb")),
    ],
)
def test_a_small_command_does_not_load_the_hub(words: tuple[str, ...], needless: tuple[str, ...]) -> None:
    program = (
        "import sys; from exchange.commands.root import cli; from exchange.commands.running import run; "
        f"code = run(cli); print(*(name for name in {needless!r} if name in sys.modules), file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert ran.stderr.split() == []


def test_a_command_that_is_not_there_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["exchange", "nonsense"])
    assert run(cli) == 2
    assert "No such command" in capsys.readouterr().err
