"""A real nginx with the configuration that ships, on ports and with certificates of a test, in front of a real hub."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509

from demo.cast import ROOT
from demo.stage import free_port
from tests.adapters.test_doctor import DAY, Authority
from tests.functional.world import World, replaced

SHIPPED = ROOT / "config" / "deploy" / "nginx"
NAME = "hub.example"
_MAIN = """\
{user}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/lcjp-hub.conf;
}}
"""


def program() -> str:
    """nginx, as Debian installs it; without it the test is skipped."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip("nginx is not installed here")
    return found


@dataclass(frozen=True)
class Front:
    """One nginx: its folder, its two ports, and the hub's socket that it asks."""

    folder: Path
    port: int
    plain: int
    socket: Path

    @property
    def address(self) -> str:
        """Where it answers over TLS."""
        return f"https://localhost:{self.port}"

    def logged(self) -> str:
        """Everything that it wrote into its logs."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.log")))

    def command(self, *more: str) -> list[str]:
        """The program on this folder's configuration alone."""
        return [program(), "-e", str(self.folder / "start.log"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *more]

    def checked(self) -> str:
        """What `nginx -t` says beside that all is well."""
        done = subprocess.run(self.command("-t"), capture_output=True, text=True, check=False)
        well = r"nginx: (the configuration file \S+ syntax is ok|configuration file \S+ test is successful)\n"
        return re.sub(well, "", done.stderr) + (f"exit code {done.returncode}" if done.returncode else "")


def lay_out(folder: Path, hub: Path, authority: Authority, agencies: Authority | None = None, *edits: tuple[str, str]) -> Front:
    """The files of one nginx: those that ship, with this test's places; ``edits`` replace further words.

    Args:
        folder: for its files, new.
        hub: the hub's socket.
        authority: makes its certificate.
        agencies: whose certificates are asked for; none without.
    """
    folder.mkdir()
    front = Front(folder, free_port(), free_port(), hub)
    mine = Authority(folder)
    mine.key, mine.name = authority.key, authority.name
    certificate, key = mine.issue(-DAY, 30 * DAY, x509.DNSName("localhost"))
    variant = "client-certificates.conf"
    places = (
        ("unix:/run/lcjp-hub/hub.sock", f"unix:{hub}"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/etc/lcjp-hub/tls/fullchain.pem", certificate),
        ("/etc/lcjp-hub/tls/privkey.pem", key),
        ("/etc/nginx/lcjp-hub.d/*.conf", f"{folder}/lcjp-hub.d/*.conf"),
        ("/etc/nginx/lcjp-hub.refused.conf", str(SHIPPED / "lcjp-hub.refused.conf")),
        (f"https://{NAME}$request_uri", f"{front.address}$request_uri"),
        (f"server_name {NAME};", "server_name localhost;"),
        ("listen 80;", f"listen 127.0.0.1:{front.plain};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{front.port} ssl"),
    )
    site = re.sub(r"\n    listen \[::\][^\n]*", "", (SHIPPED / "lcjp-hub.conf").read_text(encoding="utf-8"))
    (folder / "lcjp-hub.conf").write_text(replaced(site, *places, *edits), encoding="utf-8")
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user="user root;\n" if os.geteuid() == 0 else ""), encoding="utf-8")
    if agencies is not None:
        (folder / "lcjp-hub.d").mkdir()
        text = replaced((SHIPPED / variant).read_text(encoding="utf-8"), ("/etc/lcjp-hub/tls/agencies.pem", str(agencies.file)))
        (folder / "lcjp-hub.d" / variant).write_text(text, encoding="utf-8")
    return front


@contextmanager
def fronting(front: Front) -> Iterator[Front]:
    """The program, for as long as the block runs."""
    with (front.folder / "said.log").open("ab") as said:
        process = subprocess.Popen(front.command(), stdout=said, stderr=said, stdin=subprocess.DEVNULL)
    try:
        _wait(front, process)
        yield front
    finally:
        process.terminate()
        process.wait(30)


def _wait(front: Front, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", front.port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"nginx did not start:\n{front.logged()}")


def behind(world: World, front: Front) -> World:
    """The same partnership, whose hub is reached through nginx alone and listens on a socket."""
    bind = world.address.removeprefix("http://")
    for path in (world.config, *world.places.run.glob("*/agency.toml")):
        text = path.read_text(encoding="utf-8").replace(f'bind = "{bind}"', f'bind = "unix:{front.socket}"\nproxies = 1')
        path.write_text(text.replace(world.address, front.address), encoding="utf-8")
    return World(world.places, front.address)


def certified(agencies: Authority, ends: timedelta = 30 * DAY) -> Path:
    """An agency's certificate and its key, in one file."""
    pair = agencies.issue(-2 * DAY, ends, x509.IPAddress(ip_address("127.0.0.1")))
    both = agencies.folder / "agency.pem"
    both.write_text("".join(Path(one).read_text(encoding="utf-8") for one in pair), encoding="utf-8")
    return both


def lines_of(world: World, words: Sequence[str], least: int = 0) -> list[str]:
    """Lines of the hub's log that hold all these words, when there are as many of them at least.

    A line is written after the answer, so what was asked before may not stand there yet; a later request of ours does when this returns.
    """
    mark, ends = f"looking-{secrets.token_hex(8)}", time.monotonic() + 30
    requests.get(f"{world.address}/{mark}", timeout=10)
    while True:
        lines = world.log.read_text(encoding="utf-8").splitlines()
        found = [line for line in lines if all(word in line for word in words)]
        if (len(found) >= least and any(mark in line for line in lines)) or time.monotonic() > ends:
            return found
        time.sleep(0.05)
