"""Follows docs/deploying.md word for word: `python3 -m tests.deploying` (root; Debian with debootstrap and systemd-container).

A bare Debian is made with debootstrap, this checkout's files are put into it, systemd starts as its first process, and every block that the page marks
`sh` is run there by root, in order, stopping at the first failure. Then it is looked at from outside as a partner would: `--keep` leaves the root.
It uses ports 80 and 443 of this machine while it runs. What it took is printed at the end.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "deploying.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STEP = '\necho "== step %d: $(date +%%s)"\n'
# What the machine at hand needs to reach its package sources; nothing that is installed.
_APT = re.compile(r"proxy|verify|cert|timeout|retries", re.IGNORECASE)
_PASSED = ("PIP_INDEX_URL", "https_proxy", "http_proxy", "no_proxy", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_UNIT = """\
[Unit]
Description=Follow the page
After=basic.target network.target
[Service]
Type=oneshot
Environment=HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
EnvironmentFile=-/srv/environment
ExecStart=/bin/bash /srv/follow.sh
StandardOutput=append:/srv/follow.log
StandardError=append:/srv/follow.log
TimeoutStartSec=1h
ExecStopPost=/bin/sh -c 'echo "$EXIT_STATUS" >/srv/status; systemctl poweroff --no-block'
[Install]
WantedBy=multi-user.target
"""
# Beyond the page: the partner, who is another machine; here another environment of the same root.
_BEFORE = """\
printf '127.0.0.1 localhost hub.example\\n' >/etc/hosts
python3 -m venv /srv/agency
/srv/agency/bin/pip install --quiet --require-hashes --no-deps --only-binary :all: -r /srv/project/requirements-agency.lock
/srv/agency/bin/pip install --quiet --no-deps --no-index /srv/dist/lcjp_exchange-*.whl
/srv/agency/bin/exchange-agency init --party cleveland-police --hub https://hub.example --home /srv/cleveland
mkdir -p /srv/cards && cp /srv/cleveland/cards/*.card.json /srv/cards/
"""
# The hub under its units: a worker beside it, a kill, a restart that nobody notices; then the whole demonstration, and what must not be
# possible, behind the very walls of lcjp-hub.service.
_AFTER = """\
REQUESTS_CA_BUNDLE=/etc/lcjp-hub/tls/fullchain.pem /srv/agency/bin/exchange-agency doctor --home /srv/cleveland --json >/srv/doctor.json || true
grep -o '"step": "token", "ok": true' /srv/doctor.json
systemctl start lcjp-worker@1.service; sleep 3; systemctl is-active lcjp-worker@1.service; systemctl stop lcjp-worker@1.service
systemctl kill --signal=KILL --kill-whom=main lcjp-hub.service; sleep 6; until systemctl is-active --quiet lcjp-hub.service; do sleep 1; done
curl --fail --silent --show-error --cacert /etc/lcjp-hub/tls/fullchain.pem https://hub.example/ready; echo
systemctl restart lcjp-hub.service & sleep 0.5
curl --fail --silent --show-error --max-time 60 --cacert /etc/lcjp-hub/tls/fullchain.pem https://hub.example/health; echo; wait
systemctl show lcjp-hub.service -p NRestarts -p Result
/opt/lcjp/bin/pip install --quiet --require-hashes --no-deps --only-binary :all: -r /srv/project/requirements-agency.lock
cp -r /srv/project /opt/lcjp/checkout && chmod -R a+rX /opt/lcjp/checkout
walls=$(sed -n '/^UMask=0077/,/^.Install/p' /opt/lcjp/deploy/systemd/lcjp-hub.service | sed '$d')
behind() {
  printf '[Service]\nType=oneshot\nUser=lcjp-hub\nStateDirectory=lcjp-hub\nWorkingDirectory=/opt/lcjp/checkout\nEnvironment=PYTHONPATH=/opt/lcjp/checkout\nExecStart=%s\n%s\n' \
    "$2" "$walls" >/etc/systemd/system/$1.service
  systemctl daemon-reload
  systemctl start $1.service || { journalctl -u $1 --no-pager; return 1; }
  journalctl -u $1 --no-pager | tail -45
}
install -m 700 -o lcjp-hub -g lcjp-hub /usr/bin/true /var/lib/lcjp-hub/program
cat >/opt/lcjp/checkout/walls.sh <<'X'
fails() { if "$@" 2>/dev/null; then echo "NOT refused: $*"; exit 1; fi; }
fails touch /etc/x; fails touch /opt/lcjp/x; fails /var/lib/lcjp-hub/program; fails unshare --user true; fails ls /root; cp /usr/bin/true /tmp/; fails /tmp/true; fails chmod u+s /var/lib/lcjp-hub/program
touch /var/lib/lcjp-hub/x && rm /var/lib/lcjp-hub/x
X
behind trial-walls "/bin/bash /opt/lcjp/checkout/walls.sh"
behind trial-demo "/opt/lcjp/bin/python -P -m demo --folder /var/lib/lcjp-hub/demo"
systemd-analyze security lcjp-hub.service --no-pager | tail -1
du -sm /opt/lcjp /srv/dist /var/lib/lcjp-hub
"""


def say(text: str) -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{text}\n")


def blocks(text: str) -> list[str]:
    """The page's blocks that are run, in order."""
    return _BLOCK.findall(text)


def script(text: str) -> str:
    """All of them as one program that stops at the first failure and says at which step it is."""
    found = blocks(text)
    partner = next(number for number, block in enumerate(found) if "partner add" in block)
    parts = ["set -euo pipefail\n"]
    for number, block in enumerate(found):
        parts += [_STEP % number, _BEFORE if number == partner else "", "set -x\n", block, "{ set +x; } 2>/dev/null\n"]
    return "".join([*parts, _STEP % len(found), "set -x\n", _AFTER])


def main(arguments: list[str]) -> int:
    """Make the root, follow the page in it, and say what it took."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.deploying", description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the root behind, and say where it is")
    parser.add_argument("--base", type=Path, help="a bare Debian made before, by debootstrap, with systemd, dbus and git in it")
    asked = parser.parse_args(arguments)
    if os.geteuid() != 0 or not (shutil.which("systemd-nspawn") and shutil.which("debootstrap")):
        say("needs root, debootstrap and systemd-container")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="deploying-"))
    root, begun = folder / "root", time.monotonic()
    try:
        if asked.base:
            subprocess.run(["cp", "-a", asked.base, root], check=True)
        else:
            _debootstrap(root)
        _furnish(root)
        made = time.monotonic()
        with (folder / "boot.log").open("wb") as log:
            nspawn = ["systemd-nspawn", "--quiet", "--directory", str(root), "--boot", "--keep-unit", "--register=no"]
            subprocess.run(nspawn, stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=3000, check=False)
        return _told(root, made - begun, time.monotonic() - made)
    finally:
        if asked.keep:
            say(f"the root is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _debootstrap(root: Path) -> None:
    uri = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=True).stdout
    mirror = next(line for line in uri.splitlines() if line.rstrip("/").endswith("debian"))
    release = next(
        line.partition("=")[2] for line in Path("/etc/os-release").read_text().splitlines() if line.startswith("VERSION_CODENAME")
    )
    include = "--include=systemd,systemd-sysv,dbus,ca-certificates,git"
    subprocess.run(["debootstrap", "--variant=minbase", include, release, str(root), mirror], check=True, stdout=subprocess.DEVNULL)


def _furnish(root: Path) -> None:
    """The way to the package sources, this checkout, and the program that follows the page."""
    for path in Path("/etc/apt/apt.conf.d").iterdir():
        if _APT.search(path.read_text(errors="replace")):
            shutil.copy(path, root / "etc/apt/apt.conf.d")
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    if sources.exists():
        shutil.copy(sources, root / "etc/apt/sources.list.d")
        (root / "etc/apt/sources.list").write_text("")
    shutil.copy(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"), root / "srv/authorities.pem")
    for path in (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf"):
        if path.exists():
            shutil.copy(path, root / "etc/pip.conf")
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    passed["PIP_CERT"] = "/srv/authorities.pem"
    (root / "srv/environment").write_text("".join(f"{name}={value}\n" for name, value in passed.items()))
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in files.splitlines():
        if (ROOT / name).is_file():
            (root / "srv/project" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / "srv/project" / name)
    (root / "srv/follow.sh").write_text(script(PAGE.read_text(encoding="utf-8")))
    unit = root / "etc/systemd/system/follow.service"
    unit.write_text(_UNIT)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "follow.service").symlink_to("/etc/systemd/system/follow.service")


def _told(root: Path, making: float, following: float) -> int:
    log, status = root / "srv/follow.log", root / "srv/status"
    text = log.read_text(errors="replace") if log.exists() else "systemd did not start\n"
    say(text)
    code = status.read_text().strip() if status.exists() else "none"
    times = [(int(number), int(at)) for number, at in re.findall(r"^== step (\d+): (\d+)$", text, re.MULTILINE)]
    for (number, at), (_, after) in pairwise(times):
        say(f"step {number}: {after - at} s")
    size = subprocess.run(["du", "-sm", str(root)], capture_output=True, text=True, check=False).stdout.split()[:1]
    say(f"the bare Debian: {making:.0f} s; the page: {following:.0f} s; the root afterwards: {size[0] if size else '?'} MB; status {code}")
    return 0 if code == "0" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
