"""``exchange linkage``: join, split, list and lift from the shell; what is wrong ends with a message and its code."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.commands import linkage as commands
from exchange.commands.running import run
from tests.exchange.releases.test_people import LinkedWorld, request
from tests.exchange.standing import CLEVELAND, REFERENCE, print_of

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LinkedWorld]:
    made = LinkedWorld.build(tmp_path_factory.mktemp("commands") / "hub")
    yield made  # type: ignore[misc]
    made.close()


@pytest.fixture
def command(world: LinkedWorld, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(commands, "hub_of", lambda _: world.hub)
    return lambda *words: CliRunner().invoke(commands.linkage, [str(word) for word in words], obj={"config": None, "json": True})


def written(path: Path, signed: Any) -> Path:
    path.write_text(json.dumps(signed), encoding="utf-8")
    return path


def test_an_override_is_entered_listed_and_lifted(world: LinkedWorld, command: Command, tmp_path: Path) -> None:
    who = print_of(world.keys[f"{CLEVELAND}/signatory"])
    for action, pair in (("join", (1, 2)), ("split", (3, 4))):
        file = written(tmp_path / f"{action}.json", request(world, action, pair))
        told = command(action, REFERENCE, file, "--person", who, "--reason", "Both files are of one custody record")
        assert told.exit_code == 0, told.output
        assert json.loads(told.stdout)["override"]["action"] == action
    found = json.loads(command("list", REFERENCE).stdout)["overrides"]
    assert {one["action"] for one in found} == {"join", "split"}
    assert not {"pair", "sealed", "key"} & set(found[0])
    lifted = json.loads(command("lift", REFERENCE, found[0]["id"], "--person", who).stdout)["override"]
    assert lifted["lifted_by"] == who
    assert [one["id"] for one in json.loads(command("list", REFERENCE).stdout)["overrides"]] == [found[1]["id"]]
    assert len(json.loads(command("list", REFERENCE, "--lifted").stdout)["overrides"]) == 2


def test_what_is_no_request_ends_with_its_code(
    world: LinkedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "hub_of", lambda _: world.hub)
    who = print_of(world.keys[f"{CLEVELAND}/dpo"])
    for content in ("[]", "{", '{"document": {}}'):
        path = tmp_path / "request.json"
        path.write_text(content, encoding="utf-8")
        monkeypatch.setattr("sys.argv", ["exchange", "join", REFERENCE, str(path), "--person", who, "--reason", "why"])
        assert run(commands.linkage) in {5, 6}
        assert "Error: " in capsys.readouterr().err
