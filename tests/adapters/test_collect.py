"""Watched folders and the lock: each file once and whole, none stops the others, and two runs never overlap."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.agency import run as run_module
from adapters.agency.collecting import FILE, Collected, look
from adapters.agency.folders import Folder, read_folders
from adapters.agency.lock import only_run
from adapters.agency.prepare import prepare as prepare_it
from adapters.errors import AlreadyRunning, ConfigError
from agreements.periods import Period
from tests.adapters.conftest import CRIMES, Desk, generate
from tests.adapters.partnership import REPOSITORY
from tests.adapters.standin import StandIn
from tests.adapters.test_commands import command

QUIET = 0.2


@pytest.fixture
def inbox(cleveland: Desk, tmp_path: Path) -> Path:
    """A watched folder, quiet for a fifth of a second."""
    folder = tmp_path / "in box"
    folder.mkdir()
    text = f'[[folders]]\nfolder = "{folder}"\nfile = "crimes-{{period}}*.csv"\ndataset = "crimes"\nquiet = {QUIET}\n'
    path = cleveland.home / "agency.toml"
    path.write_text(path.read_text() + text)
    return folder


def month(folder: Path, period: str, text: str | None = None) -> Path:
    """The sample of April 2021 as an extract of another month."""
    path = folder / f"crimes-{period}.csv"
    path.write_text((text or CRIMES.read_text()).replace("2021-04", period))
    return path


# ------------------------------------------------------------------------------------------------------------ names


@given(st.dates().filter(lambda day: day.year >= 1000), st.text("abz-_ .", max_size=5))
def test_a_period_is_read_from_a_name_however_it_is_written(day: object, rest: str) -> None:
    iso = str(day)
    year, mon, dom = iso.split("-")
    here = Path("/in")
    for pattern, name, period in (
        ("x-{period}*.csv", f"x-{iso}{rest}.csv", iso),
        ("x-{period}.csv", f"x-{iso[:7]}.csv", iso[:7]),
        ("{year}{month}_*.txt", f"{year}{mon}_{rest}.txt", iso[:7]),
        ("{day}.{month}.{year}.csv", f"{dom}.{mon}.{year}.csv", iso),
        ("*y{year} q{quarter}.csv", f"{rest}y{year} q{(int(mon) + 2) // 3}.csv", f"{year}-Q{(int(mon) + 2) // 3}"),
    ):
        if pattern.startswith("x-{period}*") and rest[:1] == "-":
            continue  # a longer period might be read from it
        assert Folder(here, pattern, "crimes").period_of(name) == Period.parse(period)
        assert Folder(here, pattern, "crimes").period_of(f"{name}.part") is None


@pytest.mark.parametrize(
    "name",
    ["crimes-2021-13.csv", "crimes-2021-02-30.csv", "crimes-٢٠٢١-04.csv", "Crimes-2021-04.csv", "crimes-.csv", "xcrimes-2021-04.csv"],
)
def test_a_name_that_says_no_period_is_not_known(name: str) -> None:
    assert Folder(Path("/in"), "crimes-{period}.csv", "crimes").period_of(name) is None


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"folder": "in", "file": "crimes.csv", "dataset": "crimes"}, "says its period once"),
        ({"folder": "in", "file": "{month}.csv", "dataset": "crimes"}, "says its period once"),
        ({"folder": "in", "file": "{period}{period}.csv", "dataset": "crimes"}, "says its period once"),
        ({"folder": "in", "file": "a/{period}.csv", "dataset": "crimes"}, "says its period once"),
        ({"folder": "in", "file": "{period}.csv"}, "“dataset” must be a text"),
        ({"folder": "in", "file": "{period}.csv", "dataset": "crimes", "quiet": True}, "“quiet” must be a number"),
        ({"folder": "in", "file": "{period}.csv", "datset": "crimes"}, "Did you mean “dataset”?"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(entry: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match="entry 1") as refused:
        read_folders([entry], Path("/home"), "line 9 of agency.toml, folders")
    assert said in str(refused.value)


# ------------------------------------------------------------------------------------------------------------ files


def test_each_file_is_sent_once_and_a_changed_one_again(cleveland: Desk, hub: StandIn, inbox: Path) -> None:
    month(inbox, "2021-04"), month(inbox, "2021-05")
    first = cleveland("collect", "--json")
    assert first.code == 0, first.err
    assert [Path(one["file"]).name for one in first.json["sent"]] == ["crimes-2021-04.csv", "crimes-2021-05.csv"]
    assert {one["submissions"][0]["receipt"]["period"] for one in first.json["sent"]} == {"2021-04", "2021-05"}
    held = len(hub.submissions)
    again = cleveland("collect")
    assert (again.code, again.out.strip(), len(hub.submissions)) == (0, "Nothing new.", held)
    month(inbox, "2021-05", CRIMES.read_text().replace("Robbery", "Burglary"))
    corrected = cleveland("collect", "--json")
    assert [Path(one["file"]).name for one in corrected.json["sent"]] == ["crimes-2021-05.csv"]
    assert {path.name for path in inbox.iterdir()} == {"crimes-2021-04.csv", "crimes-2021-05.csv"}  # nothing there is moved


def test_a_bad_file_stops_no_other_and_what_is_unknown_is_said(cleveland: Desk, hub: StandIn, inbox: Path) -> None:
    month(inbox, "2021-03", CRIMES.read_text().replace("Robbery", "Piracy"))
    month(inbox, "2021-04")
    (inbox / "crimes-2021-05.csv.part").write_text("half")
    (inbox / "notes.txt").write_text("x")
    (inbox / ".hidden").write_text("x")
    answer = cleveland("collect", "--json")
    assert answer.code == 6
    assert [Path(one["file"]).name for one in answer.json["sent"]] == ["crimes-2021-04.csv"]
    [failed] = answer.json["failed"]
    assert (Path(failed["file"]).name, failed["error"]) == ("crimes-2021-03.csv", "validation-failed")
    assert [Path(one).name for one in answer.json["unknown"]] == ["crimes-2021-05.csv.part", "notes.txt"]
    assert "Piracy" not in answer.out + answer.err
    again = cleveland("collect", "--json")  # it is said again until somebody corrects it; the other is not sent again
    assert (again.code, again.json["sent"]) == (6, [])
    month(inbox, "2021-03")
    assert cleveland("collect").code == 0


def test_a_file_that_grows_is_left_alone(cleveland: Desk, hub: StandIn, inbox: Path) -> None:
    path, text = inbox / "crimes-2021-04.csv", CRIMES.read_text()
    writer = f"import time\nfor part in range(12):\n  open({str(path)!r}, 'a').write({text[:40]!r})\n  time.sleep(0.1)\n"
    with subprocess.Popen([sys.executable, "-c", writer]) as growing:
        while not path.exists():
            time.sleep(0.01)
        answer = cleveland("collect", "--json")
        assert answer.code == 0, answer.err
        assert answer.json["sent"] == []
        assert [Path(one).name for one in answer.json["waiting"]] == ["crimes-2021-04.csv"]
        growing.wait()
    path.write_text(text)
    os.utime(path, (1, 1))  # a copy that carries the time of its original is not old for that
    assert cleveland("collect", "-n", "--json").json["sent"] == []
    assert [Path(one["file"]).name for one in cleveland("collect", "--json").json["sent"]] == ["crimes-2021-04.csv"]


def test_a_file_that_changes_while_it_is_read_is_not_sent(
    cleveland: Desk, hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = generate(tmp_path / "crimes.csv", 200)

    def prepare(*given: Any, **more: Any) -> Any:
        uploads = prepare_it(*given, **more)
        with path.open("a") as file:  # whoever writes it has not finished
            file.write(path.read_text().splitlines()[1] + "\n")
        return uploads

    monkeypatch.setattr(run_module, "prepare", prepare)
    answer = cleveland("push", "crimes", path, "--period", "2021-04")
    assert (answer.code, len(hub.submissions), cleveland.spooled) == (6, 0, [])
    assert "was changed while it was read" in answer.err


def test_a_folder_that_is_not_there_is_an_error_and_forgets_nothing(cleveland: Desk, hub: StandIn, inbox: Path) -> None:
    month(inbox, "2021-04")
    assert cleveland("collect").code == 0
    away = inbox.rename(inbox.with_name("away"))
    gone = cleveland("collect", "--json")
    assert (gone.code, gone.json["absent"]) == (3, [str(inbox)])
    away.rename(inbox)
    assert cleveland("collect").out.strip() == "Nothing new."


def test_a_memory_that_is_damaged_is_said(cleveland: Desk, inbox: Path) -> None:
    (cleveland.home / FILE).write_text("[")
    assert cleveland("collect").code == 3


def test_a_clock_set_back_makes_a_file_quiet_later_and_never_sooner(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    month(tmp_path / "in", "2021-04")
    folder = Folder(tmp_path / "in", "crimes-{period}.csv", "crimes", quiet=60)
    collected, seen = Collected(tmp_path), look([folder])
    collected.note(seen, 1_000_000)
    [one] = seen.candidates
    assert (collected.rests(one, 1_000_000), collected.rests(one, 900_000), collected.rests(one, 1_000_060)) == (60, 60, 0)
    collected.note(look([folder]), 1_000_050)  # unchanged: it has been quiet since the first look
    assert Collected(tmp_path).rests(one, 1_000_060) == 0
    assert json.loads((tmp_path / FILE).read_text())[one.name]["sent"] == []


# ------------------------------------------------------------------------------------------------------------ the lock

_HOLDER = """
import sys, time
from pathlib import Path
from adapters.agency.lock import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(home: Path) -> "subprocess.Popen[str]":
    """Another process that holds the lock, as a run does."""
    found = subprocess.Popen([sys.executable, "-c", _HOLDER, str(home)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert found.stdout is not None
    assert found.stdout.readline() == "held\n"
    return found


def test_two_processes_do_not_overlap_and_a_killed_one_holds_nothing(cleveland: Desk, inbox: Path) -> None:
    other = holder(cleveland.home)
    try:
        month(inbox, "2021-04")
        for arguments in (("push", "crimes", CRIMES, "--period", "2021-04"), ("collect",), ("watch",)):
            done = command(*arguments, "--home", cleveland.home, "--no-input", "--json")
            assert (done.returncode, json.loads(done.stdout)["error"]) == (11, "already-running")
        assert command("status", "--offline", "--home", cleveland.home).returncode == 0  # looking needs no lock
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert other.stdout is not None
        other.stdout.close()
    assert cleveland("collect").code == 0


def test_a_second_run_in_this_process_is_refused_too(tmp_path: Path) -> None:
    with only_run(tmp_path), pytest.raises(AlreadyRunning), only_run(tmp_path):
        pass
    with only_run(tmp_path):
        pass


def test_a_file_system_without_locks_is_not_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(_file: object) -> None:
        raise OSError(37, "No locks available")  # ENOLCK, as NFS answers without its lock service

    monkeypatch.setattr("adapters.agency.lock._take", without)
    with pytest.raises(ConfigError, match="keeps no locks"), only_run(tmp_path):
        pass
