"""The systemd units as they ship: what systemd itself says of them, and that what they forbid is not what the hub needs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo.cast import ROOT
from tests import deploying

UNITS = ROOT / "config" / "deploy" / "systemd"
BIN = ROOT / "config" / "deploy" / "bin"
SERVICES = ("lcjp-hub.service", "lcjp-worker@.service", "lcjp-backup.service")
EXPOSED = 15  # tenths, of 100: what systemd-analyze calls OK begins below 50


def analyze(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """``systemd-analyze``; without it the test is skipped."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd is not installed here")
    command = [tool, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units in a folder of their own, with programs that are there."""
    for path in UNITS.iterdir():
        text = path.read_text(encoding="utf-8")
        for program in set(re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE)):
            there = tmp_path / "bin" / Path(program).name
            there.parent.mkdir(exist_ok=True)
            there.write_text("#!/bin/sh\n")
            there.chmod(0o755)
            text = text.replace(f"ExecStart={program}", f"ExecStart={there}")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


def test_systemd_takes_every_unit_without_a_word(units: Path) -> None:
    paths = [path.with_name(path.name.replace("@.", "@1.")) for path in sorted(units.glob("lcjp-*"))]
    shutil.copy(units / "lcjp-worker@.service", units / "lcjp-worker@1.service")
    done = analyze("verify", *paths, SYSTEMD_UNIT_PATH=f"{units}:")
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stderr
    (units / "lcjp-hub.service").write_text((units / "lcjp-hub.service").read_text().replace("KillMode=control-group", "KillMode=some"))
    assert "kill mode" in analyze("verify", units / "lcjp-hub.service", SYSTEMD_UNIT_PATH=f"{units}:").stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(units: Path, name: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSED}", "--no-pager", units / name)
    assert done.returncode == 0, done.stdout[-600:]
    loose = (units / name).read_text().replace("ProtectSystem=strict\n", "").replace("CapabilityBoundingSet=\n", "")
    (units / name).write_text(loose)
    assert analyze("security", "--offline=true", f"--threshold={EXPOSED}", "--no-pager", units / name).returncode != 0


def test_the_services_are_hardened_alike_and_end_with_all_their_processes() -> None:
    texts = {name: (UNITS / name).read_text(encoding="utf-8") for name in SERVICES}
    hardened = {text[text.index("UMask=0077") :].partition("\n[Install]")[0].strip() for text in texts.values()}
    assert len(hardened) == 1
    for text in texts.values():
        for line in ("KillMode=control-group", "LoadCredentialEncrypted=hub:/etc/lcjp-hub/hub.cred", "StateDirectoryMode=0700"):
            assert f"\n{line}\n" in text


def test_only_so_many_copies_are_kept_and_each_keystore_apart(tmp_path: Path) -> None:
    """`lcjp-backup` with an ``exchange`` that only makes the folders: what rotates, and what is left alone."""
    bin_, backups, keystores = (tmp_path / name for name in ("bin", "backups", "keystores"))
    for folder in (bin_, backups, keystores, backups / "2020-01-01T000000Z", backups / "by-hand", keystores / "2020-01-01T000000Z"):
        folder.mkdir()
    shutil.copy(BIN / "lcjp-backup", bin_)
    stand_in = '#!/bin/sh\nfor out; do :; done\ncase "$*" in *--verify*) test -d "$out/keystore" ;; *) mkdir -p "$out/keystore" ;; esac\n'
    (bin_ / "exchange").write_text(stand_in)
    (bin_ / "exchange").chmod(0o755)
    told = {"LCJP_BACKUPS": str(backups), "LCJP_KEYSTORES": str(keystores), "LCJP_KEEP": "1"}

    def run(**other: str) -> int:
        return subprocess.run([bin_ / "lcjp-backup"], env={**os.environ, **told, **other}, check=False, capture_output=True).returncode

    assert run() == 0
    (made,) = (path.name for path in keystores.iterdir())
    assert sorted(path.name for path in backups.iterdir()) == [made, "by-hand"]
    assert not (backups / made / "keystore").exists()
    assert run(LCJP_KEEP="0") == 2
    (bin_ / "exchange").write_text("#!/bin/sh\nexit 9\n")
    assert run() == 9
    assert [path.name for path in keystores.iterdir()] == [made]


def test_the_page_that_is_followed_names_what_ships() -> None:
    """What `python3 -m tests.deploying` runs in a clean Debian with systemd is not run here; that the page holds together is."""
    page = deploying.PAGE.read_text(encoding="utf-8")
    assert len(deploying.blocks(page)) > 8
    done = subprocess.run(["bash", "-n"], input=deploying.script(page), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in re.findall(r"/opt/lcjp/deploy/([\w./-]+\w)", page):
        assert (ROOT / "config" / "deploy" / name).exists() or list((ROOT / "config" / "deploy").glob(f"{name}*")), name
    for path in sorted((ROOT / "config" / "deploy").rglob("*")):
        if path.is_file() and path.parent.name != "container":
            assert path.name in page or path.name.startswith("lcjp-"), path


def test_the_container_file_is_clean_and_runs_as_nobody_with_no_secret() -> None:
    path = ROOT / "config" / "deploy" / "container" / "Containerfile"
    linted = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--failure-threshold", "style", path], capture_output=True, text=True, check=False
    )
    assert (linted.returncode, linted.stdout) == (0, "")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    copied = [line.split()[1] for line in lines if line.startswith(("COPY", "ADD")) and "--from" not in line]
    assert copied == ["requirements-hub.lock", "dist/lcjp_exchange-*.whl"]
    installed = [line for line in lines if "pip install" in line]
    assert len(installed) == 2
    assert all("--require-hashes" in line or "--no-index" in line for line in installed)
