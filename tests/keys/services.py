"""A real key service and a real (software) hardware module, started for the tests that need them; or why they cannot be had here."""

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import requests

from tests.programs import installed

SOFTHSM = [Path(place) / "libsofthsm2.so" for place in ("/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/local/lib/softhsm")]


@dataclass(frozen=True)
class KeyService:
    """An OpenBao server on this machine, its transit engine mounted; the file of a token that may use that and nothing else."""

    address: str
    root_token: str
    token_file: Path
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """As the service's operator."""
        return requests.request(method, f"{self.address}/v1/{path}", json=body, headers={"X-Vault-Token": self.root_token}, timeout=10)

    def root_keys(self) -> list[str]:
        """The names of the keys that its transit engine holds."""
        found = self.ask("LIST", "transit/keys")
        return list(found.json()["data"]["keys"]) if found.status_code == 200 else []

    def new_token(self) -> str:
        """A token as a hub has one (`config/transit.hcl`)."""
        return str(self.ask("POST", "auth/token/create", {"policies": ["hub"], "no_parent": True}).json()["auth"]["client_token"])


@contextmanager
def key_service(folder: Path, *more: str) -> Iterator[KeyService]:
    """A server of its own, in memory, on a free port; ``more``: further words of its command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root_token = secrets.token_hex(16)
    # Not the development server's own terminal talk: it prints an unseal key.
    command = [installed("bao"), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"]
    command += more
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "BAO_DEV_ROOT_TOKEN_ID": root_token}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        service = KeyService(f"http://127.0.0.1:{port}", root_token, folder / "token", process)
        _wait(service)
        service.ask("POST", "sys/mounts/transit", {"type": "transit"})
        policy = (Path(__file__).parents[2] / "config" / "transit.hcl").read_text(encoding="utf-8")
        service.ask("PUT", "sys/policies/acl/hub", {"policy": policy})
        service.token_file.write_text(service.new_token() + "\n")
        service.token_file.chmod(0o600)
        yield service
    finally:
        process.kill()
        process.wait()


def _wait(service: KeyService) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            if service.ask("GET", "sys/health").status_code == 200:
                return
        except requests.ConnectionError:
            pass
        assert service.process.poll() is None, "the key service ended"
        assert time.monotonic() < until, "the key service does not answer"
        time.sleep(0.05)


@dataclass(frozen=True)
class Token:
    """A token of SoftHSM: the library, the token's label, the file of its PIN."""

    module: Path
    label: str
    pin_file: Path


@cache
def hardware() -> Token:
    """A token that lasts as long as the process: SoftHSM reads its settings, and which tokens there are, once a process."""
    module = next((place.resolve() for place in SOFTHSM if place.is_file()), None)  # one library, by one name: a process takes no other
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed: apt-get install softhsm2. Keys in a hardware module are not tested.")
    folder = Path(tempfile.mkdtemp(prefix="softhsm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    label, pin = f"hub-{secrets.token_hex(4)}", secrets.token_hex(8)
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", secrets.token_hex(8)]
    subprocess.run(command, check=True, capture_output=True)
    pin_file = folder / f"{label}.pin"
    pin_file.write_text(pin + "\n")
    pin_file.chmod(0o600)
    return Token(module, label, pin_file)
