"""From the shell: exit codes, files, and nothing on the terminal that should not be there."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from exchange.commands.root import cli
from exchange.disclosure.commands.attacking import attack_command
from exchange.disclosure.commands.protecting import protect_command
from tests.exchange.disclosure.tables import change, count_set, hide, load


def write(folder: Path, files: dict[str, bytes]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.fixture
def table_set(tmp_path: Path) -> str:
    return write(tmp_path / "set", load("a2"))


@pytest.mark.parametrize("level", [[], ["--known-min", "1", "--min-width", "1"], ["--known-min", "0", "--min-width", "4"]])
def test_protect_then_attack(table_set: str, tmp_path: Path, level: list[str]) -> None:
    out = str(tmp_path / "out")
    protected = CliRunner().invoke(protect_command, [table_set, "--out", out, *level])
    assert protected.exit_code == 0
    assert "safe" in protected.stdout
    assert protected.stderr == ""
    assert sorted(path.name for path in Path(out).iterdir()) == ["T1.csv", "certificate.json", "report.json"]
    attacked = CliRunner().invoke(attack_command, [table_set, "--protected", out, "--insiders", *level])
    assert attacked.exit_code == 0
    assert "safe, insiders included" in attacked.stdout


def test_json_reports(table_set: str, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    report = json.loads(CliRunner().invoke(protect_command, [table_set, "--out", out, "--json"]).stdout)
    assert (report["cells"], report["primary"], report["attack"]["safe"]) == (24, 4, True)
    report = json.loads(CliRunner().invoke(attack_command, [table_set, "--protected", out, "--json"]).stdout)
    assert report["safe"] is True
    assert report["vulnerable"] == []


def test_json_may_be_asked_for_before_the_command_too(table_set: str, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    for name, asked in (("protect", [table_set, "--out", out]), ("attack", [table_set, "--protected", out])):
        assert "safe" in json.dumps(json.loads(CliRunner().invoke(cli, ["--json", name, *asked]).stdout))


def test_attack_names_what_falls(table_set: str, tmp_path: Path) -> None:
    open_file = write(tmp_path / "open", hide(load("a2"), {"T1": {("R1", "A")}}))
    result = CliRunner().invoke(attack_command, [table_set, "--protected", open_file])
    assert result.exit_code == 1
    assert "VULNERABLE: 4 exactly recoverable" in result.stdout
    assert "T1 R1, A: 1 to 1" in result.stdout


def test_what_cannot_be_protected_exits_1_and_writes_nothing(tmp_path: Path) -> None:
    forced = np.zeros((3, 4), dtype=np.int64)
    forced[1, 0] = forced[1, 2] = forced[1, 3] = 1
    folder = write(tmp_path / "set", count_set(np.array([[2, 8, 9], [7, 6, 8]]), extra={"forced": forced}))
    result = CliRunner().invoke(protect_command, [folder, "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "pinned down by T: d01, d12" in result.stderr
    assert not (tmp_path / "out").exists()


def test_bad_input_exits_2(table_set: str, tmp_path: Path) -> None:
    spoiled = write(tmp_path / "spoiled", change(load("a2"), "R1,A,1,1", "R1,A,2,1", "T1.csv"))
    for arguments in ([spoiled, "--out", str(tmp_path / "out")], [table_set, "--out", table_set], [str(tmp_path / "none"), "--out", "x"]):
        assert CliRunner().invoke(protect_command, arguments).exit_code == 2
    assert CliRunner().invoke(attack_command, [table_set, "--protected", str(tmp_path)]).exit_code == 2
    assert CliRunner().invoke(attack_command, [spoiled, "--protected", table_set]).exit_code == 2
    assert CliRunner().invoke(protect_command, [table_set, "--out", str(tmp_path / "out"), "--known-min", "2"]).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_table_set_is_never_overwritten(table_set: str, tmp_path: Path) -> None:
    other = write(tmp_path / "other", load("a1"))
    assert CliRunner().invoke(protect_command, [table_set, "--out", other]).exit_code == 2
    assert (tmp_path / "other" / "spec.json").read_bytes() == load("a1")["spec.json"]


def test_the_commands_start_without_pandas(table_set: str, tmp_path: Path) -> None:
    """It would take longer to load than most table sets to protect."""
    out = str(tmp_path / "out")
    asked = "import atexit, sys; atexit.register(lambda: print('DataFrame' in dir(sys.modules.get('pandas'))));"
    for arguments in (["protect", table_set, "--out", out], ["attack", table_set, "--protected", out], ["advise", table_set]):
        code = f"{asked} from exchange.commands import main; main()"
        found = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert found.stdout.splitlines()[-1] == "False"
