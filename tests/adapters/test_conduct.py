"""How every command conducts itself: exit codes, streams, colour, and what it never says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.agency.cli import run
from adapters.errors import CODES
from tests.adapters.conftest import CRIMES, Desk
from tests.adapters.partnership import REPOSITORY, SUPPLIERS
from tests.adapters.standin import StandIn


def command(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-W", "error", "-m", "adapters.agency.cli", *(str(one) for one in arguments)]
    return subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_usage_errors_end_in_2(capsys: pytest.CaptureFixture[str], cleveland: Desk) -> None:
    assert run(["nonsense"]) == 2
    assert cleveland("push", "crimes").code == 2
    assert cleveland("push", "crimes", CRIMES).code == 2
    assert cleveland("push", "crimes", CRIMES, "--period", "April").code == 2
    assert cleveland("push", "crimes", CRIMES, CRIMES, "--period", "2021-04").code == 2
    assert cleveland("push", "--resume", "crimes", CRIMES).code == 2


def test_results_go_to_stdout_and_messages_to_stderr_without_colour(cleveland: Desk) -> None:
    done = command("push", "crimes", CRIMES, "--period", "2021-05", "--home", cleveland.home, "--json")
    assert done.returncode == 6
    assert json.loads(done.stdout)["exit"] == 6
    assert "\x1b" not in done.stdout + done.stderr
    quiet = command("push", "crimes", CRIMES, "--period", "2021-04", "--home", cleveland.home, "-q")
    assert (quiet.returncode, quiet.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
def test_a_terminal_gets_a_progress_bar_and_the_result_stays_on_stdout(cleveland: Desk, big: Path) -> None:
    ours, theirs = os.openpty()
    line = [sys.executable, "-m", "adapters.agency.cli", "push", "crimes", str(big), "--period", "2021-04", "--home", str(cleveland.home)]
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    done = subprocess.run(line, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=theirs, env=environment, check=False)
    os.close(theirs)
    shown = os.read(ours, 1 << 16)
    os.close(ours)
    assert done.returncode == 0
    assert done.stdout.startswith(b"Held: LCJP-MV7")
    assert b"Reading big.csv" in shown
    assert b"\x1b" not in done.stdout


def test_what_nobody_foresaw_says_where_and_repeats_nothing(
    cleveland: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("CANARY")

    monkeypatch.setattr("adapters.agency.run.prepare", broken)
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert answer.code == 1
    assert "RuntimeError at test_conduct.py" in answer.err
    assert "CANARY" not in answer.err


def test_every_exit_code_is_documented() -> None:
    documented = (REPOSITORY / "docs" / "agency.md").read_text(encoding="utf-8")
    for code, name in CODES.items():
        assert f"| {code} | {name} |" in documented


def test_every_setting_is_documented() -> None:
    documented = (REPOSITORY / "docs" / "agency.md").read_text(encoding="utf-8") + (
        REPOSITORY / "config" / "agency.example.toml"
    ).read_text()
    for name in (
        "party",
        "hub",
        "audience",
        "recipient",
        "codes",
        "manifest",
        "client",
        "encryption",
        "signatory",
        "timeout",
        "patience",
        "wait",
    ):
        assert name in documented


def test_suppliers_only_supply_what_the_agreement_says(install: Callable[[str], Desk], hub: StandIn) -> None:
    desk = install(SUPPLIERS[0])
    answer = desk("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "keys issue" in answer.err) == (3, True)
