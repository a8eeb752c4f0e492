"""The files of systemd, cron and the Windows Task Scheduler: in the syntax of each, for this installation, and as shipped."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.agency.cli import run
from adapters.agency.schedules import JOBS, Installation, Kind, cron, encoded, files, systemd, windows
from adapters.agency.settings import PRODUCT_CODES
from tests.adapters.test_commands import command

SHIPPED = PRODUCT_CODES.parent / "schedules"
UNIX = Installation("cleveland-police", "/srv/exchange", ("/opt/lcjp/bin/exchange-agency",))
WINDOWS = Installation("cleveland-police", "C:\\LCJP\\exchange", ("C:\\LCJP\\bin\\exchange-agency.exe",), "CLEVELAND\\exchange$")
SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
# What Microsoft documents of a task's elements (taskschedulerschema, version 1.2), as far as these tasks have them, in their order.
SCHEMA = etree.XMLSchema(etree.fromstring((Path(__file__).parent / "data" / "windows_task.xsd").read_bytes()))
NAMES = st.text(st.sampled_from("abc XYZ%$\\'\"&<>é-_"), min_size=1, max_size=20).map(lambda text: "/srv/" + text.strip() + "x")


def installed(name: str) -> str:
    """The path of a program of this system; the test is skipped where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def verify(folder: Path) -> "subprocess.CompletedProcess[str]":
    """What systemd itself says of the units of a folder."""
    tool = installed("systemd-analyze")
    units = sorted(str(path) for path in folder.iterdir())
    return subprocess.run(
        [tool, "verify", *units], capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
    )


# ------------------------------------------------------------------------------------------------------------ systemd


@pytest.mark.parametrize("home", ["exchange", "with space", "50% & $HOME"])
def test_systemd_takes_the_units_of_this_installation(tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]) -> None:
    state, program = tmp_path / home, tmp_path / home / "exchange-agency"
    assert run(["init", "--party", "cleveland-police", "--hub", "https://hub.example", "--home", str(state)]) == 0
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    arguments = ["schedule", "systemd", "--home", str(state), "--to", str(tmp_path / "units"), "--user", "root", "--call", str(program)]
    assert run(arguments) == 0
    done = verify(tmp_path / "units")
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stderr
    assert sorted(path.name for path in (tmp_path / "units").iterdir()) == [
        f"exchange-agency-{job}.{kind}" for job in sorted(JOBS) for kind in ("service", "timer")
    ]
    assert run(arguments) == 3  # nothing is overwritten


def test_systemd_finds_what_is_wrong_with_a_unit(tmp_path: Path) -> None:
    for name, text in systemd(UNIX).items():
        (tmp_path / name).write_text(text.replace("Type=oneshot", "Type=sometimes").replace("OnCalendar=*-*-* ", "OnCalendar=never "))
    assert verify(tmp_path).stderr


def test_the_service_is_hardened() -> None:
    text = systemd(UNIX)["exchange-agency-collect.service"]
    for wanted in (
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=\n",
        "ReadWritePaths=/srv/exchange\n",
        "UMask=0077",
    ):
        assert wanted in text


def test_systemd_knows_the_time_zone_of_the_timers() -> None:
    calendar = [installed("systemd-analyze"), "calendar", "*-*-* 02:15:00 Europe/London"]
    assert subprocess.run(calendar, capture_output=True, check=False).returncode == 0


# ------------------------------------------------------------------------------------------------------------ cron


RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def jobs_of(crontab: str) -> list[tuple[list[str], str]]:
    """The lines of a crontab (crontab(5)): five fields and a command; settings and comments apart."""
    found = []
    for line in crontab.splitlines():
        if not line or line.startswith("#") or re.fullmatch(r"[A-Z_]+=.*", line):
            continue
        *times, words = line.split(maxsplit=5)
        assert len(times) == 5, line
        for time, (low, high) in zip(times, RANGES, strict=True):
            assert time == "*" or (time.isdecimal() and low <= int(time) <= high), line
        found.append((times, words))
    return found


@given(home=NAMES)
def test_the_shell_reads_every_path_of_a_crontab_as_it_is(home: str) -> None:
    text = cron(Installation("cleveland-police", home, (f"{home}/bin/exchange-agency",)))
    jobs = jobs_of(text)
    assert len(jobs) == len(JOBS)
    for (_, words), job in zip(jobs, JOBS, strict=True):
        assert re.search(r"(?<!\\)%", words) is None  # it would end the command
        read = shlex.split(words.replace("\\%", "%"))  # as cron hands it to the shell
        assert read[:4] == [f"{home}/bin/exchange-agency", job, "--home", home]
        assert read[-2:] == [f">>{home}/schedule.log", "2>&1"]


def test_cron_takes_it_where_there_is_one(tmp_path: Path) -> None:
    tool = installed("crontab")
    (tmp_path / "tab").write_text(cron(UNIX))
    done = subprocess.run([tool, "-T", str(tmp_path / "tab")], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "invalid option" in done.stderr, done.stderr


# ------------------------------------------------------------------------------------------------------------ Windows


@given(home=NAMES, user=st.sampled_from(["", "CLEVELAND\\exchange$", "A&B\\<x>$"]))
def test_a_task_is_what_the_schema_says_and_holds_every_path_as_it_is(home: str, user: str) -> None:
    of = Installation("cleveland-police", home, (f"{home}\\exchange-agency.exe", "-m"), user)
    for job in JOBS:
        task = etree.fromstring(encoded("x.xml", windows(of, job)))
        SCHEMA.assertValid(task)
        said = {
            name: task.findtext(f".//{{{SPACE}}}{name}") for name in ("Command", "WorkingDirectory", "UserId", "LogonType", "Arguments")
        }
        assert (said["Command"], said["WorkingDirectory"]) == (f"{home}\\exchange-agency.exe", home)
        assert (said["UserId"], said["LogonType"]) == ((user, "Password") if user else ("S-1-5-19", None))
        assert said["Arguments"] == subprocess.list2cmdline(["-m", job, "--home", home, "--no-input", "--quiet", "--json"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("IgnoreNew", "Whenever"),
        ("<Exec>", "<Run>"),
        ("PT6H", "six hours"),
        ("<DaysInterval>1<", "<DaysInterval>daily<"),
        ("T02:15:00", ""),
    ],
)
def test_the_schema_finds_what_is_wrong(old: str, new: str) -> None:
    text = windows(WINDOWS, "watch")
    assert old in text
    spoiled = text.replace(old, new).replace("</Exec>", "</Run>" if new == "<Run>" else "</Exec>")
    assert not SCHEMA.validate(etree.fromstring(spoiled.encode("utf-16")))


# ------------------------------------------------------------------------------------------------------------ all


@pytest.mark.parametrize(("kind", "of"), [("systemd", UNIX), ("cron", UNIX), ("windows", WINDOWS)])
def test_what_is_shipped_is_what_the_command_writes(kind: Kind, of: Installation) -> None:
    made = files(kind, of)
    shipped = {path.name: path.read_bytes() for path in (SHIPPED / kind).iterdir()}
    assert shipped == {name: encoded(name, text) for name, text in made.items()}


def test_a_party_has_its_own_minute() -> None:
    minutes = {Installation(f"party-{n}", "/x", ("x",)).past_the_hour for n in range(40)}
    assert minutes <= set(range(60))
    assert len(minutes) > 20


def test_the_command_prints_and_refuses_what_is_no_time(tmp_path: Path) -> None:
    assert command("init", "--party", "cleveland-police", "--hub", "https://hub.example", "--home", tmp_path).returncode == 0
    printed = command("schedule", "cron", "--home", tmp_path, "--at", "04:05")
    assert printed.returncode == 0
    assert [times[:2] for times, _ in jobs_of(printed.stdout)][1] == ["5", "4"]
    for at in ("24:00", "4", "04:60", "x:y", "٤:٥٥"):
        assert command("schedule", "cron", "--home", tmp_path, "--at", at).returncode == 2
